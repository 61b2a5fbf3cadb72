"""What stood of accounts and is over, stretch by stretch; and documents found by how wide the span is in which they say anything.

Accounts of before are judged from their first day on: only then is known what stood of them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
FOR_EVER, LAST_DAY = 23, "9999-12-32"
DAYS = {"sqlite": "CAST(julianday(closed) - julianday(opened) AS INTEGER)", "postgresql": "(closed::date - opened::date)"}


def upgrade() -> None:
    op.create_table(
        "stood",
        sa.Column("account", TEXT, primary_key=True),
        sa.Column("until", TEXT, primary_key=True),
        sa.Column("rule", TEXT, primary_key=True),
        sa.Column("step", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("since", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
    op.execute("UPDATE alert_states SET next_day = '', next_at = 0")
    op.add_column("documents", sa.Column("width", sa.Integer, nullable=False, server_default="0"))
    connection = op.get_bind()
    days = DAYS[connection.dialect.name]
    widths = " ".join([f"WHEN {days} < {2**width} THEN {width}" for width in range(1, FOR_EVER)])
    op.execute(f"UPDATE documents SET width = {FOR_EVER} WHERE closed = '{LAST_DAY}'")
    op.execute(f"UPDATE documents SET width = CASE {widths} END WHERE closed <> '{LAST_DAY}' AND opened < closed")
    for index in sa.inspect(connection).get_indexes("documents"):
        if index["column_names"] == ["account", "closed"]:
            op.drop_index(str(index["name"]), "documents")
    op.create_index("documents_width", "documents", ["account", "width", "closed", "opened"])
