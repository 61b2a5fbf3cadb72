"""Kafka in and out: who may read a partition, what a record carried beside its value, what became of a dead letter, and who
sends the outbox.

``claims`` names the tracking row of a partition; each taking over raises its epoch, so whoever held it before can not write any more.
"""

import sqlalchemy as sa
from alembic import op

from schemas.jsontext import read

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "claims",
        sa.Column("tracking", TEXT, primary_key=True),
        sa.Column("cluster_id", TEXT, nullable=False),
        sa.Column("topic_id", TEXT, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "leases",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("holder", TEXT, nullable=False),
        sa.Column("until", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.add_column("dead_letters", sa.Column("carried", sa.LargeBinary))
    op.add_column("dead_letters", sa.Column("settled_at", sa.BigInteger))
    op.add_column("dead_letters", sa.Column("outcome", TEXT))
    op.add_column("outbox", sa.Column("message_id", TEXT, nullable=False, server_default=""))
    connection = op.get_bind()
    for place, payload in connection.execute(sa.text("SELECT id, payload FROM outbox")).fetchall():
        told = {"id": read(payload)["digest"], "place": place}
        connection.execute(sa.text("UPDATE outbox SET message_id = :id WHERE id = :place"), told)
