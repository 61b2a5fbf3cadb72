"""What a message of ours says that a store lacks, and why one is not read back."""

from typing import Any, NamedTuple

from exposure.ledger.own_facts import OwnFact
from schemas.facts import Data, OfAccount


class Told(NamedTuple):
    """A message of one of our topics; ``time`` is when what it tells was recorded, as facts have instants, ``place`` where it stood, for people."""

    id: str
    type: str
    time: str
    data: Data
    place: str = ""

    def has_id(self, id_: str) -> None:
        """Raises ``Unknown`` where it has another one."""
        if self.id != id_:
            raise Unknown(f"id: {self.id!r} is not the id of this message")

    def event(self, kind: Any) -> Any:
        """An event of a kind in its words. Raises ``KeyError`` where it lacks one."""
        return kind(**{name: self.data[name] for name in kind._fields})


class Lacking(NamedTuple):
    """What a message says that the store lacks: events, each with its stream, and facts of the account. ``id`` is that of the decision, measure,
    notice or fact, or the stream of another case."""

    account: str
    id: str
    events: list[tuple[str, OfAccount]]
    facts: list[OwnFact]


class Unknown(ValueError):
    """Why a message is not read back."""
