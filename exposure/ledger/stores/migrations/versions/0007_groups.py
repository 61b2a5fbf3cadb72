"""Who belongs to whom: ``members`` names every account that ever named a parent. On which days it does is said by the account itself.

What was recorded before is read again for it, once.
"""

import sqlalchemy as sa
from alembic import op

from schemas.jsontext import read

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
AT_ONCE = 10_000


def upgrade() -> None:
    members = op.create_table(
        "members",
        sa.Column("parent", TEXT, primary_key=True),
        sa.Column("account", TEXT, primary_key=True),
        sqlite_with_rowid=False,
    )
    op.create_index("members_account", "members", ["account"])
    connection = op.get_bind()
    events = "SELECT originator_id, originator_version, state FROM stored_events WHERE topic LIKE 'CustomerChanged.%'"
    ordered = "ORDER BY originator_id, originator_version LIMIT :many"
    after = sa.text(f"{events} AND (originator_id, originator_version) > (:stream, :version) {ordered}")
    stream, version = "", 0
    found: set[tuple[str, str]] = set()
    while rows := connection.execute(after, {"stream": stream, "version": version, "many": AT_ONCE}).fetchall():
        for stream, version, state in rows:  # noqa: B007 - where the next ones begin
            parent = read(state)["data"].get("parent")
            if parent is not None:
                found.add((parent, stream.removeprefix("account:")))
    if found:
        connection.execute(sa.insert(members), [{"parent": parent, "account": account} for parent, account in sorted(found)])
