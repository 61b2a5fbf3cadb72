"""What stands for an event's source and id begins alike for ids that follow each other, so that a batch finds and writes its names side by side."""

from hashlib import blake2b
from zlib import crc32

from alembic import op

from schemas.jsontext import read

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

AT_ONCE = 10_000


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "sqlite":
        return  # no store of another database is so old
    last = 0
    while rows := connection.exec_driver_sql(
        "SELECT rowid, state FROM stored_events WHERE rowid > ? ORDER BY rowid LIMIT ?", (last, AT_ONCE)
    ).fetchall():
        names = [name_of(read(state)) for _, state in rows]
        connection.exec_driver_sql("UPDATE names SET naming = ? WHERE naming = ?", [(after(name), before(name)) for name in names])
        last = rows[-1][0]


def name_of(fact: dict[str, str]) -> bytes:
    return f"{len(fact['source'])}:{fact['source']}{fact['id']}".encode()


def before(name: bytes) -> bytes:
    return blake2b(name, digest_size=16).digest()


def after(name: bytes) -> bytes:
    return crc32(name[:-2]).to_bytes(4, "big") + blake2b(name, digest_size=12).digest()
