"""Facts of our own, told of an account by the engine itself: they take their place in its history like those of an ERP, under the write lock."""

from collections.abc import Iterable
from typing import Any

from exposure.ledger.folding import Folding
from exposure.ledger.memory import Memory
from exposure.ledger.records import Read, Record, Source, own_fact
from exposure.rules.documents import Key
from exposure.rules.evolve import MissingDocument
from schemas.facts import OUR_SOURCE, Data
from schemas.instants import instant_of
from schemas.stored import write_fact
from schemas.told import ToldFact, naming_of

OwnFact = tuple[str, str, str, Data]
"""Its account, name, id and data."""


def tell(writing: Any, facts: Iterable[OwnFact], by: str, *, personal: Data | None = None, time: str | None = None) -> None:
    """Records facts, and what of them is ``personal``, which is sealed. ``time`` is when it was so,
    where that is not now. The rows of documents are written with them: a question finds nothing to fold."""
    time = time or instant_of(writing.recorded_at)
    read = [read_of(own_fact(account, name, id_, time, data, personal)) for account, name, id_, data in facts]
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


def free(moment: Any, ids: Iterable[str]) -> str:
    """The first of the ids under which we have told nothing: what was read back has the one it had in the store that was lost."""
    return next(id_ for id_ in ids if not is_told(moment, id_))


def is_told(moment: Any, id_: str) -> bool:
    """Whether we have told a fact under the id."""
    return bool(moment.known_names([naming_of(OUR_SOURCE, id_)]))


def read_of(told: ToldFact) -> Read:
    return Read(Record(b"", 0), told, write_fact(told))
