"""Dunning: since when an account has anything overdue, beside how far it was judged, so that those to be dunned are found by an index."""

import sqlalchemy as sa
from alembic import op

from schemas.jsontext import read

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("alert_states", sa.Column("overdue_since", TEXT))
    is_overdue = sa.text("overdue_since IS NOT NULL")
    op.create_index("alert_states_overdue", "alert_states", ["account"], sqlite_where=is_overdue, postgresql_where=is_overdue)
    connection = op.get_bind()
    for account, state in connection.execute(sa.text("SELECT account, state FROM alert_states")).fetchall():
        since = next((effective for rule, step, effective, _ in read(bytes(state))[1] if (rule, step) == ("overdue", 1)), None)
        if since is not None:
            told = {"account": account, "since": since}
            connection.execute(sa.text("UPDATE alert_states SET overdue_since = :since WHERE account = :account"), told)
