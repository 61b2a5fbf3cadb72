"""What is to be taken: records of a source, where they stood, and what became of them."""

from dataclasses import dataclass
from hashlib import blake2b
from typing import NamedTuple

from exposure.ledger.carried import Carried
from schemas.door import read_record
from schemas.facts import OUR_SOURCE, Data
from schemas.jsontext import written
from schemas.stored import write_fact
from schemas.told import ToldFact, Unreadable, naming_of


class Record(NamedTuple):
    """One record of a source: its bytes as they came, where it stood, why it was ``refused`` where that was found out before the door, and
    what it ``carried``."""

    raw: bytes
    position: int
    refused: Unreadable | None = None
    carried: Carried | None = None

    @property
    def digest(self) -> bytes:
        return blake2b(self.raw + self.carried.attributes if self.carried else self.raw, digest_size=16).digest()

    @property
    def text(self) -> bytes:
        """What the door reads."""
        return self.raw if self.carried is None or self.carried.text is None else self.carried.text


@dataclass(slots=True)
class Source:
    """Where a batch of records stood: the source's name, its position before and after, what a file input remembers, and under which ``epoch``
    of its claim a partition was read."""

    name: str
    tracking: str | None = None
    before: int = 0
    after: int = 0
    input: tuple[str, int, int, bytes] | None = None
    epoch: int | None = None


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
    try:
        if record.refused is not None:
            raise record.refused
        told = read_record(record.text)
    except Unreadable as refusal:
        if refusal.subject is None and record.carried is not None:
            refusal.subject = record.carried.account
        return Read(record, refusal, b"")
    return Read(record, told, b"" if told.personal else write_fact(told))


def own_fact(account: str, name: str, id_: str, time: str, data: Data, personal: Data | None = None) -> ToldFact:
    """A fact that the engine tells itself, as if the door had read it."""
    values = written(data)
    digest = blake2b(values, digest_size=8).hexdigest()
    content = blake2b(f"{name}\n{account}\n{time}\n".encode() + values, digest_size=16).digest()
    return ToldFact(name, account, time, OUR_SOURCE, id_, digest, data, personal, naming_of(OUR_SOURCE, id_), content)
