"""The first store: the log and its repeats, what is derived from it, dead letters, the outbox, and the accounts' keys.

``stored_events`` and ``tracking`` are the tables of the eventsourcing library, the first with room for the recorded instant, who
acted and the previous hash. ``documents``, ``accounts`` and ``rates`` are derived and can be made again from the log at any time.
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Compared letter by letter, whatever language a database speaks: orders are the same everywhere."""


def upgrade() -> None:
    op.create_table(
        "stored_events",
        sa.Column("originator_id", TEXT, primary_key=True),
        sa.Column("originator_version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("actor", TEXT),
        sa.Column("previous_hash", sa.LargeBinary),
        *positions(),
    )
    op.create_table(
        "tracking",
        sa.Column("application_name", TEXT, primary_key=True),
        sa.Column("notification_id", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "names",
        sa.Column("naming", sa.LargeBinary, primary_key=True),
        sa.Column("content", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "inputs",
        sa.Column("name", TEXT, primary_key=True),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("digest", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "clock",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
    )
    op.execute("INSERT INTO clock (id, recorded_at) VALUES (1, 0)")
    op.create_table(
        "dead_letters",
        sa.Column("digest", sa.LargeBinary, primary_key=True),
        sa.Column("account", TEXT),
        sa.Column("source", TEXT, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("code", TEXT, nullable=False),
        sa.Column("reason", TEXT, nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
    )
    op.create_index("dead_letters_account", "dead_letters", ["account"])
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("topic", TEXT, nullable=False),
        sa.Column("key", TEXT),
        sa.Column("payload", sa.LargeBinary, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "account_keys",
        sa.Column("account", TEXT, primary_key=True),
        sa.Column("key", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    derived_tables()


def positions() -> list[sa.Column[int]]:
    """SQLite numbers the rows of a table by itself."""
    if op.get_bind().dialect.name == "sqlite":
        return []
    return [sa.Column("notification_id", sa.BigInteger, sa.Identity(always=True), unique=True)]


def derived_tables() -> None:
    op.create_table(
        "accounts",
        sa.Column("account", TEXT, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "documents",
        sa.Column("account", TEXT, primary_key=True),
        sa.Column("key", TEXT, primary_key=True),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("opened", TEXT, nullable=False),
        sa.Column("closed", TEXT, nullable=False),
        sa.Column("state", sa.LargeBinary, nullable=False),
    )
    op.create_index("documents_closed", "documents", ["account", "closed"])
    op.create_table(
        "rates",
        sa.Column("base", TEXT, primary_key=True),
        sa.Column("quote", TEXT, primary_key=True),
        sa.Column("day", TEXT, primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("told", sa.LargeBinary, nullable=False),
        sa.Column("rate", TEXT, nullable=False),
        sqlite_with_rowid=False,
    )
