"""The chain: every event has the hash of the one before it in its stream, and its own; the clock's row says where the log ends.

Positions are given by who writes, under the lock, so that they can be hashed. What was recorded before is chained in one pass, as it stands.
"""

import sqlalchemy as sa
from alembic import op

from exposure.ledger.proof.chain import NOTHING, event_hash

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

AT_ONCE = 5_000


def upgrade() -> None:
    op.add_column("stored_events", sa.Column("hash", sa.LargeBinary))
    op.add_column("clock", sa.Column("position", sa.BigInteger, nullable=False, server_default="0"))
    op.add_column("clock", sa.Column("hash", sa.LargeBinary))
    connection = op.get_bind()
    place = "rowid"
    if connection.dialect.name == "postgresql":
        place = "notification_id"
        op.execute("ALTER TABLE stored_events ALTER COLUMN notification_id DROP IDENTITY")
    events = sa.text(
        f"SELECT e.{place}, e.originator_id, e.originator_version, e.topic, e.state, e.recorded_at, e.actor, b.hash FROM stored_events e "
        "LEFT JOIN stored_events b ON b.originator_id = e.originator_id AND b.originator_version = e.originator_version - 1 "
        f"WHERE e.{place} > :after ORDER BY e.{place} LIMIT {AT_ONCE}"
    )
    chained = sa.text(f"UPDATE stored_events SET previous_hash = :previous, hash = :own WHERE {place} = :position")
    position, hash_ = 0, NOTHING
    while rows := connection.execute(events, {"after": position}).fetchall():
        fresh: dict[tuple[str, int], bytes] = {}
        updates = []
        for position, stream, version, topic, state, recorded_at, actor, before in rows:
            previous = fresh.get((stream, version - 1)) or before or NOTHING
            by = None if actor is None else actor.encode()
            hash_ = event_hash(bytes(previous), hash_, position, stream.encode(), version, topic.encode(), bytes(state), recorded_at, by)
            fresh[stream, version] = hash_
            updates.append({"previous": previous, "own": hash_, "position": position})
        connection.execute(chained, updates)
    connection.execute(sa.text("UPDATE clock SET position = :position, hash = :hash"), {"position": position, "hash": hash_})
