"""How events are chained: the hash of each covers all that is recorded of it, the event before it in its stream, and the one before it in the log.

Law: the bytes that are hashed never change (``README.md`` beside this says them for whoever writes a verifier of his own).
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from struct import Struct

from exposure.ledger.batch import Row

NOTHING = bytes(32)
"""Stands for the hash of an event where there is none before."""
SHAPE = b"\x01"
NUMBERS = Struct(">qqqiii")
"""Position, version, recorded instant (microseconds since 1970, UTC), and how many bytes stream, topic and actor have (-1: no actor)."""

Chained = tuple[int, str, int, str, bytes, int, str | None, bytes, bytes]
"""A row as it is stored: position, stream, version, topic, state, recorded instant, actor, hash of the event before it in its stream, its own."""


def event_hash(
    in_stream: bytes, in_log: bytes, position: int, stream: bytes, version: int, topic: bytes, state: bytes, recorded_at: int, actor: bytes | None
) -> bytes:
    """The hash of an event, after those of the events before it in its stream and in the log. Texts are UTF-8."""
    numbers = NUMBERS.pack(position, version, recorded_at, len(stream), len(topic), -1 if actor is None else len(actor))
    return sha256(b"".join((SHAPE, in_stream, in_log, numbers, stream, topic, actor or b"", state))).digest()


class LogEnd:
    """Where the log ends: the position of its last event, and that one's hash."""

    __slots__ = ("hash", "position")

    def __init__(self, position: int, hash_: bytes) -> None:
        self.position = position
        self.hash = hash_

    def chain(self, events: Iterable[Row], recorded_at: int, actor: str | None, before: Mapping[str, bytes]) -> list[Chained]:
        """Puts events behind the others; ``before`` has the hash of the last event of every stream that has one."""
        last = dict(before)
        by = None if actor is None else actor.encode()
        rows: list[Chained] = []
        for stream, version, topic, state in events:
            assert version == 1 or stream in last, f"{stream} has no event before {version}: the store was altered"
            self.position += 1
            previous = last.get(stream, NOTHING)
            hash_ = event_hash(previous, self.hash, self.position, stream.encode(), version, topic.encode(), state, recorded_at, by)
            rows.append((self.position, stream, version, topic, state, recorded_at, actor, previous, hash_))
            self.hash = last[stream] = hash_
        return rows
