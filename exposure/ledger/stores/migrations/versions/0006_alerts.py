"""Alerts: what was said last of every account, how far it was judged, and when it is to be judged again.

Documents tell more than they did (a line invoiced above what was ordered, a payment that was returned): those of before go, and are made anew
from the log, as everything is that is newer than its row. Accounts of before are judged from their first day on.
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "alert_states",
        sa.Column("account", TEXT, primary_key=True),
        sa.Column("sequence", sa.BigInteger, nullable=False),
        sa.Column("judged_day", TEXT, nullable=False),
        sa.Column("next_day", TEXT, nullable=False),
        sa.Column("next_at", sa.BigInteger, nullable=False),
        sa.Column("currencies", TEXT, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_index("alert_states_next", "alert_states", ["next_at", "account"])
    is_foreign = sa.text("currencies <> ''")
    op.create_index("alert_states_foreign", "alert_states", ["account"], sqlite_where=is_foreign, postgresql_where=is_foreign)
    states = (
        "INSERT INTO alert_states (account, sequence, judged_day, next_day, next_at, currencies, state) SELECT account, 0, '', '', 0, '', :nothing"
    )
    op.get_bind().execute(sa.text(f"{states} FROM accounts"), {"nothing": b"[[],[]]"})
    op.execute("DELETE FROM documents")
    op.execute("UPDATE accounts SET written = 0")
