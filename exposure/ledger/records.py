"""What is to be taken: records of a source, where they stood, and what became of them."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from schemas.door import ToldFact, Unreadable, read_record
from schemas.stored import write_fact


class Record(NamedTuple):
    """One record of a source: its bytes as they came, where it stood, and why it was ``refused`` where that was found out before the door."""

    raw: bytes
    position: int
    refused: Unreadable | None = None

    @property
    def digest(self) -> bytes:
        return blake2b(self.raw, digest_size=16).digest()


@dataclass(slots=True)
class Source:
    """Where a batch of records stood: the source's name, its position before and after, and what a file input remembers."""

    name: str
    tracking: str | None = None
    before: int = 0
    after: int = 0
    input: tuple[str, int, int, bytes] | None = None


@dataclass(slots=True)
class Counts:
    """What became of the records that were read."""

    read: int = 0
    recorded: int = 0
    duplicates: int = 0
    dead_letters: int = 0

    def add(self, other: "Counts") -> None:
        self.read += other.read
        self.recorded += other.recorded
        self.duplicates += other.duplicates
        self.dead_letters += other.dead_letters


class Read(NamedTuple):
    """A record and what the door made of it: a fact with the bytes it will be stored as, or why it cannot be taken.

    Personal fields are sealed when their key is at hand: then the bytes are written then.
    """

    record: Record
    told: ToldFact | Unreadable
    state: bytes


def read_or_refuse(record: Record) -> Read:
    if record.refused is not None:
        return Read(record, record.refused, b"")
    try:
        told = read_record(record.raw)
    except Unreadable as refusal:
        return Read(record, refusal, b"")
    return Read(record, told, b"" if told.personal else write_fact(told))
