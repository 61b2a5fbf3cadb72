"""Cases: which streams concern an account beside its own: credit checks, requests, releases. Derived from the log like the others."""

import sqlalchemy as sa
from alembic import op

from schemas.jsontext import read

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("account", TEXT, primary_key=True),
        sa.Column("stream", TEXT, primary_key=True),
        sa.Column("state", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
    connection = op.get_bind()
    checks = connection.execute(sa.text("SELECT originator_id, state FROM stored_events WHERE topic = 'OrderChecked.v1'")).fetchall()
    for stream, state in checks:
        told = read(bytes(state))
        case = {"account": told["account"], "stream": stream, "state": told["decision"]}
        connection.execute(sa.text("INSERT INTO cases (account, stream, state) VALUES (:account, :stream, :state)"), case)
