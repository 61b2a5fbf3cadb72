"""The rebuild: accounts, documents, rates and members made anew from the log beside the ones in use, and put in their place in one transaction.

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

from exposure.ledger import alert_rows
from exposure.ledger.account import Head
from exposure.ledger.acts.cases import cases_of
from exposure.ledger.batch import Batch
from exposure.ledger.collector import collector_paused
from exposure.ledger.encoding import document_row, head_row, member_rows, rate_row
from exposure.ledger.folding import document_rows
from exposure.ledger.heard import heard_rows
from exposure.ledger.loading import caught_up, load, load_heads
from exposure.ledger.memory import Account
from exposure.ledger.proof.stretches import text
from exposure.rules.documents import Key
from exposure.rules.evolve import MissingDocument, evolve
from schemas.facts import LAST_DAY, Fact
from schemas.stored import read_fact, read_ours

EVENTS_PER_WRITE = 5_000
BYTES_PER_WRITE = 32 << 20
DOCUMENTS_IN_MEMORY = 20_000
DOCUMENTS_PER_DELETE = 20_000
NO_MORE = 1 << 40

LogRow = tuple[str, int, str, bytes, int]
"""Stream, version, topic, state, position."""


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
    """Makes the derived tables of a store anew, and puts right how alerts stand: the next tick judges every account.
    ``progress`` is told the events folded so far."""
    making = Making(store, progress)
    making.begin()
    with collector_paused():
        making.fill()
        making.catch_up()
        making.compare()
        making.catch_up()
        outcome = making.finish()
    making.throw_away()
    outcome.unequal = sorted({*outcome.unequal, *(f"account:{name}" for name in alert_rows.put_right(store))})
    return outcome


class Making:
    """One rebuild: how far the log was folded (``position``, and ``versions`` of the streams that are no accounts), and the one account that
    memory holds."""

    def __init__(self, store: Any, progress: Callable[[int], None]) -> None:
        self.store = store
        self.progress = progress
        self.run = uuid4().hex
        self.position = self.compared = self.events = 0
        self.versions: dict[str, int] = {}
        self.unequal: set[str] = set()
        self.account = Account(Head(""))
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
            self.unequal = unequal(kept(made), made.made()) - made.streams_after(self.compared)

    def finish(self) -> Outcome:
        """Under the write lock: folds and compares the rest, and puts the new tables in the old ones' place."""
        with self.store.rebuilding(self.run, write=True) as made:
            self.fold(made, made.log_between(self.position, made.last_position()))
            made.derive(self.batch)
            for stream in made.streams_after(self.compared):
                self.unequal |= unequal(kept(made, stream), made.made(stream))
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

    def fold(self, made: Any, rows: Iterable[LogRow]) -> None:
        for stream, group in groupby(rows, key=itemgetter(0)):
            kind, _, name = stream.partition(":")
            if kind == "account":
                self.fold_account(made, name, [read_fact(version, topic, state) for _, version, topic, state, _ in group])
                continue
            for _, version, topic, state, position in group:
                if self.is_next(stream, self.versions.get(stream, 0), version):
                    self.versions[stream] = version
                    if kind == "currency":
                        self.batch.rates.append(rate_row(read_fact(version, topic, state)))
                    else:
                        self.batch.cases += cases_of(stream, read_ours(topic, state), position)

    def is_next(self, stream: str, last: int, version: int) -> bool:
        """Whether an event is the next of its stream; those before it are folded already, and none may be missing."""
        if version > last + 1:
            raise BrokenLog(f"{stream} has event {version} and lacks event {last + 1}: the store was altered")
        self.events += version > last
        return version > last

    def fold_account(self, made: Any, name: str, facts: list[Fact]) -> None:
        """Folds what is new of an account; where a document was missed it is loaded too, and all of it folded again."""
        more: set[tuple[str, Key]] = set()
        while True:
            folded_before = self.events
            try:
                self.turn_to(made, name)
                news = [(name, fact) for fact in facts if fact.version > self.account.head.version]
                load(made, {name: self.account}, news, more)
                self.fold_facts(name, facts)
            except MissingDocument as missing:
                missing.note(more)
                self.account, self.events = Account(Head("")), folded_before
                continue
            self.encode()
            return

    def fold_facts(self, name: str, facts: list[Fact]) -> None:
        account = self.account
        for fact in facts:
            if self.is_next(f"account:{name}", account.head.version, fact.version):
                changed, moves = evolve(name, fact, account.documents)
                account.head.take(fact, moves)
                account.change(changed)
                self.batch.heard += heard_rows(account.head)
                self.batch.members += member_rows(name, fact)

    def turn_to(self, made: Any, name: str) -> None:
        if self.account.head.account != name:
            self.account = load_heads(made, [name])[name]

    def encode(self) -> None:
        account, head = self.account, self.account.head
        head.written = head.version
        self.batch.heads.append(head_row(head))
        self.batch.documents += document_rows([(head.account, account)])
        account.unwritten = set()

    def write(self) -> None:
        """Writes what was folded; of the account in memory only open documents stay, and those not beyond measure."""
        with self.store.rebuilding(self.run, write=True) as made:
            made.derive(self.batch)
        self.batch = Batch(0)
        documents = {key: document for key, document in self.account.documents.items() if document.facts and document.closed == LAST_DAY}
        self.account.documents = documents if len(documents) <= DOCUMENTS_IN_MEMORY else {}
        self.progress(self.events)


def bounded(rows: Iterator[LogRow]) -> list[LogRow]:
    """As many rows as one transaction takes, however large they are."""
    taken: list[LogRow] = []
    size = 0
    for row in rows:
        taken.append(row)
        size += len(row[3])
        if len(taken) >= EVENTS_PER_WRITE or size >= BYTES_PER_WRITE:
            break
    return taken


Derived = tuple[Any, ...]
"""A derived row as both sides are compared: its table, its owner (an account, or a base currency), its key there, and the rest."""


def kept(made: Any, stream: str | None = None) -> Iterator[Derived]:
    """The rows in use, of all or of one stream, as new as the log: documents that are newer than their rows stand in their place."""
    moment = made.in_use()
    kind, _, owner = (stream or "").partition(":")
    newer: dict[tuple[str, str, str], Derived] = {}
    for name in moment.behind("", NO_MORE) if stream is None else [owner] if kind == "account" else []:
        newer.update(newer_documents(moment, name))
    older = (row for row in made.kept(stream) if row[:3] not in newer)
    return merge(older, sorted(newer.values()), key=place)


def newer_documents(moment: Any, name: str) -> Iterator[tuple[tuple[str, str, str], Derived]]:
    try:
        account = caught_up(moment, [name])[name]
    except (LookupError, TypeError, ValueError):
        # What was kept is spoiled beyond folding: it is compared as it stands, and is not equal.
        return
    for key in account.unwritten:
        row = ("documents", *document_row(name, account.documents[key]))
        yield (row[0], row[1], row[2]), row


def unequal(kept: Iterator[Derived], made: Iterator[Derived]) -> set[str]:
    """The streams of which a derived row is on one side only, or says something else on the other; both sides come in the order of their keys."""
    found = set()
    for _, group in groupby(merge(kept, made, key=place), key=place):
        sides = list(group)
        if len(sides) == 1 or sides[0] != sides[1]:
            table, owner, *_ = sides[0]
            name = text(owner) if isinstance(owner, bytes) else owner
            found.add(f"currency:{name}" if table == "rates" else f"account:{name}")
    return found


def place(row: Derived) -> Derived:
    """What rows are ordered by; bytes that stand in the place of a text come after all texts."""
    return row[0], isinstance(row[1], bytes), row[1], isinstance(row[2], bytes), row[2]
