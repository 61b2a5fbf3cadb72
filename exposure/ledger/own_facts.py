"""Facts of our own, told of an account by the engine itself: they take their place in its history like those of an ERP, under the write lock."""

from collections.abc import Iterable
from hashlib import blake2b
from typing import Any

from exposure.ledger.folding import Folding
from exposure.ledger.memory import Memory
from exposure.ledger.records import Read, Record, Source
from exposure.rules.documents import Key
from exposure.rules.evolve import MissingDocument
from schemas.door import ToldFact, naming_of
from schemas.facts import OUR_SOURCE, Data
from schemas.instants import instant_of
from schemas.jsontext import written
from schemas.stored import write_fact


def tell(writing: Any, facts: Iterable[tuple[str, str, str, Data]], by: str) -> None:
    """Records facts, each given as its account, name, id and data. The rows of documents are written with them: a question finds nothing to fold."""
    read = [read_of(own_fact(writing.recorded_at, *fact)) for fact in facts]
    missed: set[tuple[str, Key]] = set()
    while True:
        folding = Folding(Memory(0), Source(OUR_SOURCE), writing.recorded_at, by, None)
        try:
            folding.load(writing, read, missed)
            folding.fold()
        except MissingDocument as missing:
            missing.note(missed)
        else:
            assert not folding.refused, f"somebody else has told a fact in our name: {folding.refused[0][1]}"
            writing.write(folding.batch)
            return


def own_fact(recorded_at: int, account: str, name: str, id_: str, data: Data) -> ToldFact:
    values = written(data)
    time = instant_of(recorded_at)
    digest = blake2b(values, digest_size=8).hexdigest()
    content = blake2b(f"{name}\n{account}\n{time}\n".encode() + values, digest_size=16).digest()
    return ToldFact(name, account, time, OUR_SOURCE, id_, digest, data, None, naming_of(OUR_SOURCE, id_), content)


def read_of(told: ToldFact) -> Read:
    return Read(Record(b"", 0), told, write_fact(told))
