"""Promises to pay are found across accounts by an index over their documents alone: no other row is in it."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    of_promises = sa.text("key >= 'promise:' AND key < 'promise;'")
    op.create_index("documents_promises", "documents", ["key", "account"], sqlite_where=of_promises, postgresql_where=of_promises)
