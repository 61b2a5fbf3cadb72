"""Where events stood in their inputs: a row for each batch and input. Of what was recorded before nobody knows it any more."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0012"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "origins",
        sa.Column("first", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("input", TEXT, primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("stood", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
