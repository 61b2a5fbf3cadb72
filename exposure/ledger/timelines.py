"""The timelines of an account out of its rows: the movements of its documents by day, and what was agreed, as new as the log.

Law: each document is read once, however far back is looked, and in however many steps.
"""

from collections.abc import Callable, Collection, Iterable
from typing import Any, NamedTuple

from exposure.alerts import Timeline
from exposure.ledger.memory import Account
from exposure.rules.documents import AGREED, Document
from schemas.facts import LAST_DAY, Fact
from schemas.jsontext import read

LAST = "9999-12-31"
"""The last day there is; documents that never say anything begin behind it."""


class Read(NamedTuple):
    """What was read of a document: it says nothing from the day ``closed`` on, nor did it ever, as far as is known."""

    closed: str
    key: str
    facts: list[Fact]
    moves: Any


class Spoken(NamedTuple):
    """The documents that say anything on the last day or since the one ``since``, or changed after the version."""

    since: str
    documents: list[Document]


class Timelines:
    """An account's timelines up to a day, as known at its version, each made of an ``empty`` one.

    ``stored`` is the account as new as the log, with the documents that are newer than their rows; ``spoken`` has those that somebody read. Of the
    others only the movements are read.
    """

    def __init__(
        self, moment: Any, stored: Account, empty: Callable[[], Timeline], until: str, version: int | None, spoken: Spoken | None = None
    ) -> None:
        self.moment = moment
        self.stored = stored
        self.empty = empty
        self.until = until
        self.version = version
        self.back_to: str | None = None
        """What closed behind it was read."""
        self.documents: list[Read | Document] = []
        if spoken is not None:
            self.back_to = spoken.since
            found = spoken.documents if version is None else map(self.as_known, spoken.documents)
            self.documents = [one for one in found if one.closed > spoken.since and self.is_written(one.key)]

    def since(self, day: str) -> Timeline:
        """What changes the account's figures on the days from behind one on, and what they are before; of what some rule looks back at from
        further back."""
        made = self.empty()
        first = made.reads_from(day)
        if self.back_to is None:
            rows = self.moment.documents_on(self.stored.head.account, self.until, self.version, first)
            self.documents += [self.read(key, self.closed(version, closed), state) for key, version, _, closed, state in rows if self.is_written(key)]
            self.back_to = first
        elif first < self.back_to:
            self.documents += self.closed_behind(first, self.back_to)
            self.back_to = first
        return self.filled(made, [one for one in self.documents if one.closed > first])

    def on(self, days: Collection[str]) -> Timeline:
        """What the account's figures are on single days, none of them later than what was read already."""
        made = self.empty()
        first, back_to = min(days), self.back_to or LAST
        found = self.closed_behind(first, back_to, days) if first < back_to else []
        return self.filled(made, [*self.documents, *found])

    def of_agreed(self) -> Timeline:
        """What was agreed, of all days, and nothing else."""
        made = self.empty()
        for one in self.documents:
            agree(made, one.key, one.facts, self.version)
        for key in self.stored.unwritten:
            agree(made, key, self.stored.documents[key].facts, self.version)
        made.texts = {}
        return made

    def closed(self, version: int, closed: str) -> str:
        """What changed after the version is always looked at: when it closed was another day then."""
        return LAST_DAY if self.version is not None and version > self.version else closed

    def as_known(self, one: Document) -> Read | Document:
        closed = self.closed(one.version, one.closed)
        return one if closed == one.closed else Read(closed, one.key, one.facts, one.moves)

    def is_written(self, key: str) -> bool:
        return key not in self.stored.unwritten

    def read(self, key: str, closed: str, state: bytes) -> Read:
        facts, _, moves = read(state)
        return Read(closed, key, list(map(Fact._make, facts)), moves)

    def closed_behind(self, first: str, last: str, days: Collection[str] = ()) -> list[Read]:
        rows = self.moment.documents_closed(self.stored.head.account, first, last, self.version, list(days))
        return [self.read(key, closed, state) for key, closed, state in rows if self.is_written(key)]

    def filled(self, made: Timeline, documents: Iterable[Read | Document]) -> Timeline:
        for one in documents:
            add(made, one.key, one.moves, one.facts, self.version)
        for key in self.stored.unwritten:
            document = self.stored.documents[key]
            add(made, key, document.moves, document.facts, self.version)
        return made


def add(made: Timeline, key: str, moves: Any, facts: list[Fact], version: int | None) -> None:
    made.add(key, moves, version)
    if not key.startswith("invoice:"):
        agree(made, key, facts, version)
    elif made.looks_back:
        made.add_item(moves, facts, version)


def agree(made: Timeline, key: str, facts: list[Fact], version: int | None) -> None:
    kind = key[: key.index(":")]
    if kind in ("customer", "measure") or not (kind in AGREED or (kind == "order" and made.wants_texts)):
        return
    known = [fact for fact in facts if version is None or fact.version <= version]
    if kind == "order":
        made.texts[key] = known
    else:
        (made.limits if kind == "limit" else made.protections).append(known)
