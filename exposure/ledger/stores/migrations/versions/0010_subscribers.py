"""Who listens: what was told last of every account's figures, how far each subscription has read the log, and which of its deliveries wait or failed.

Nothing was told of anybody's figures before: they go out when figures are told for the first time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0008"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "figures_told",
        sa.Column("account", TEXT, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sa.Column("is_behind", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    is_behind = sa.text("is_behind = 1")
    op.create_index("figures_behind", "figures_told", ["account"], sqlite_where=is_behind, postgresql_where=is_behind)
    states = "INSERT INTO figures_told (account, sequence, digest, is_behind) SELECT account, 0, :nothing, 1 FROM alert_states"
    op.get_bind().execute(sa.text(states), {"nothing": b""})
    op.create_table(
        "subscriptions",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("position", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "deliveries",
        sa.Column("subscription", TEXT, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("attempts", sa.BigInteger, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("failure", TEXT, nullable=False),
        sa.Column("is_dead", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    waits = sa.text("is_dead = 0")
    op.create_index("deliveries_waiting", "deliveries", ["subscription", "account", "position"], sqlite_where=waits, postgresql_where=waits)
