"""The rows of an account's documents may be older than the account: ``written`` says of which version they are.

Documents are kept in a shorter form: those of before go, and are made anew from the log, as everything is that is newer than its row.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("accounts", sa.Column("written", sa.BigInteger, nullable=False, server_default="0"))
    op.execute("DELETE FROM documents")
    behind = sa.text("written < version")
    op.create_index("accounts_behind", "accounts", ["account"], sqlite_where=behind, postgresql_where=behind)
