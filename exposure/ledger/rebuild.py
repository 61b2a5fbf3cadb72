"""The rebuild: accounts, documents and rates made anew from the log beside the ones in use, and put in their place in one transaction.

Law: rebuilt equals kept. Nothing is locked for long: the new tables are filled in short transactions, what others record meanwhile is caught
up, the last of it under the write lock. Until that last transaction ends the old tables are in use, so a killed rebuild has changed nothing.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from heapq import merge
from itertools import groupby
from operator import itemgetter
from typing import Any
from uuid import uuid4

from exposure.ledger import account as heads
from exposure.ledger.account import Head
from exposure.ledger.batch import Batch, Row
from exposure.ledger.encoding import decode_document, document_row, rate_row
from exposure.ledger.ledger import collector_paused
from exposure.rules.documents import Document, Key
from exposure.rules.evolve import MissingDocument, evolve, names, own_key, reaches
from schemas.facts import LAST_DAY, Fact
from schemas.stored import read_fact

EVENTS_PER_WRITE = 5_000
BYTES_PER_WRITE = 32 << 20
DOCUMENTS_IN_MEMORY = 20_000
DOCUMENTS_PER_DELETE = 20_000


class BrokenLog(RuntimeError):
    """The log of an account has a hole: the store was altered, and nothing can be made of what comes after."""


@dataclass(slots=True)
class Outcome:
    """What was made, and the streams (``account:C-1``, ``currency:EUR``) whose derived rows were not what the log says."""

    events: int
    accounts: int
    documents: int
    unequal: list[str]

    @property
    def equal(self) -> bool:
        return not self.unequal


def rebuild(store: Any, progress: Callable[[int], None] = lambda _: None) -> Outcome:
    """Makes the derived tables of a store anew. ``progress`` is told the events folded so far after every transaction."""
    making = Making(store, progress)
    making.begin()
    with collector_paused():
        making.fill()
        making.catch_up()
        making.compare()
        making.catch_up()
        outcome = making.finish()
    making.throw_away()
    return outcome


class Making:
    """One rebuild: how far the log was folded (``position``), and the one account that memory holds."""

    def __init__(self, store: Any, progress: Callable[[int], None]) -> None:
        self.store = store
        self.progress = progress
        self.run = uuid4().hex
        self.position = self.compared = self.events = 0
        self.rates: dict[str, int] = {}
        self.unequal: set[str] = set()
        self.head = Head("")
        self.documents: dict[Key, Document] = {}
        self.batch = Batch(0)

    def begin(self) -> None:
        with self.store.rebuilding(self.run, write=True) as made:
            made.begin()
            self.position = made.last_position()

    def fill(self) -> None:
        """Folds the log stream by stream; streams that grow behind its back are caught up with later."""
        stream, version = "", 0
        while True:
            with self.store.rebuilding(self.run, write=False) as made:
                rows = bounded(made.log_after(stream, version))
                self.fold(made, rows)
            if not rows:
                return
            stream, version = rows[-1][:2]
            self.write()

    def catch_up(self) -> None:
        """Folds what was recorded meanwhile, until so little is left that it can wait for the lock."""
        while True:
            with self.store.rebuilding(self.run, write=False) as made:
                until = min(made.last_position(), self.position + EVENTS_PER_WRITE)
                many = until - self.position
                self.fold(made, made.log_between(self.position, until))
            self.write()
            self.position = until
            if many < EVENTS_PER_WRITE:
                return

    def compare(self) -> None:
        """Compares old and new at one moment; streams that have grown since the last catching up are left for the end."""
        with self.store.rebuilding(self.run, write=False) as made:
            self.compared = self.position
            self.unequal = unequal(made.kept(), made.made()) - made.streams_after(self.compared)

    def finish(self) -> Outcome:
        """Under the write lock: folds and compares the rest, and puts the new tables in the old ones' place."""
        with self.store.rebuilding(self.run, write=True) as made:
            self.fold(made, made.log_between(self.position, made.last_position()))
            made.add(self.batch)
            for stream in made.streams_after(self.compared):
                self.unequal |= unequal(made.kept(stream), made.made(stream))
            made.swap()
        self.progress(self.events)
        with self.store.rebuilding(self.run, write=False) as made:
            accounts, documents = made.counted()
        return Outcome(self.events, accounts, documents, sorted(self.unequal))

    def throw_away(self) -> None:
        """The replaced tables go bit by bit: to drop them at once would lock the store for long."""
        done = False
        while not done:
            with self.store.rebuilding(self.run, write=True) as made:
                done = made.throw_away(DOCUMENTS_PER_DELETE)

    def fold(self, made: Any, rows: Iterable[Row]) -> None:
        for stream, group in groupby(rows, key=itemgetter(0)):
            kind, _, name = stream.partition(":")
            facts = [read_fact(version, topic, state) for _, version, topic, state in group]
            if kind == "currency":
                self.publish(name, facts)
            else:
                self.fold_account(made, name, facts)

    def publish(self, name: str, facts: list[Fact]) -> None:
        for fact in facts:
            if self.is_next(f"currency:{name}", self.rates.get(name, 0), fact.version):
                self.rates[name] = fact.version
                self.batch.rates.append(rate_row(fact))

    def is_next(self, stream: str, last: int, version: int) -> bool:
        """Whether an event is the next of its stream; those before it are folded already, and none may be missing."""
        if version > last + 1:
            raise BrokenLog(f"{stream} has event {version} and lacks event {last + 1}: the store was altered")
        self.events += version > last
        return version > last

    def fold_account(self, made: Any, name: str, facts: list[Fact]) -> None:
        """Folds what is new of an account; where a document was missed it is loaded too, and all of it folded again."""
        more: set[Key] = set()
        while True:
            folded_before = self.events
            try:
                self.turn_to(made, name)
                self.load(made, [fact for fact in facts if fact.version > self.head.version], more)
                changed = self.folded(name, facts)
            except MissingDocument as missing:
                if missing.key in more:
                    raise
                more.add(missing.key)
                self.head, self.events = Head(""), folded_before
                continue
            self.encode(changed)
            return

    def folded(self, name: str, facts: list[Fact]) -> dict[Key, Document]:
        changed: dict[Key, Document] = {}
        for fact in facts:
            if self.is_next(f"account:{name}", self.head.version, fact.version):
                news, moves = evolve(name, fact, self.documents)
                self.head.take(fact, moves)
                changed.update((document.key, document) for document in news)
        return changed

    def turn_to(self, made: Any, name: str) -> None:
        if self.head.account != name:
            rows = made.heads([name])
            self.head = heads.decoded(*rows[0]) if rows else Head(name)
            self.documents = {}

    def load(self, made: Any, facts: list[Fact], more: set[Key]) -> None:
        """Brings what the facts name and reach into memory: from the new tables, or as new documents."""
        account, documents = self.head.account, self.documents
        named = [(fact.name, own_key(fact.name, fact.data, account), names(fact.name, fact.data, account)) for fact in facts]
        wanted = more.union(*(keys for _, _, keys in named)) - documents.keys()
        while True:
            documents.update((key, Document(key)) for key in wanted)
            if not self.head.version:
                return
            for _, key, version, state in made.documents([(account, key) for key in sorted(wanted)]) if wanted else ():
                documents[key] = decode_document(key, version, state)
            wanted = {key for name, own, keys in named for key in reaches(name, documents[own], keys, documents)} - documents.keys()
            if not wanted:
                return

    def encode(self, changed: dict[Key, Document]) -> None:
        batch, head = self.batch, self.head
        batch.heads.append((head.account, head.version, head.encoded()))
        batch.documents += [document_row(head.account, changed[key]) for key in sorted(changed)]

    def write(self) -> None:
        """Writes what was folded; of the account in memory only open documents stay, and those not beyond measure."""
        with self.store.rebuilding(self.run, write=True) as made:
            made.add(self.batch)
        self.batch = Batch(0)
        self.documents = {key: document for key, document in self.documents.items() if document.facts and document.closed == LAST_DAY}
        if len(self.documents) > DOCUMENTS_IN_MEMORY:
            self.documents = {}
        self.progress(self.events)


def bounded(rows: Iterator[Row]) -> list[Row]:
    """As many rows as one transaction takes, however large they are."""
    taken: list[Row] = []
    size = 0
    for row in rows:
        taken.append(row)
        size += len(row[3])
        if len(taken) >= EVENTS_PER_WRITE or size >= BYTES_PER_WRITE:
            break
    return taken


Derived = tuple[Any, ...]
"""A derived row as both sides are compared: its table, its owner (an account, or a base currency), its key there, and the rest."""


def unequal(kept: Iterator[Derived], made: Iterator[Derived]) -> set[str]:
    """The streams of which a derived row is on one side only, or says something else on the other; both sides come in the order of their keys."""
    key = itemgetter(0, 1, 2)
    found = set()
    for (table, owner, _), group in groupby(merge(kept, made, key=key), key=key):
        sides = list(group)
        if len(sides) == 1 or sides[0] != sides[1]:
            found.add(f"currency:{owner}" if table == "rates" else f"account:{owner}")
    return found
