"""The ledger: takes records of a source exactly once, folds them into accounts, and writes each batch in one transaction.

Reading, deciding and encoding happen before the store's write lock, and while the batch before is being written. When another writer was faster
with an account or a name, the batch is loaded and decided again. A batch that asks something is taken under the lock, with nothing else on its way.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, TypeVar

from eventsourcing.persistence import IntegrityError, InterfaceError, InternalError, OperationalError, PersistenceError

from exposure.ledger.batch import Batch
from exposure.ledger.collector import collector_paused
from exposure.ledger.folding import Folding, document_rows
from exposure.ledger.loading import caught_up
from exposure.ledger.memory import DOCUMENTS_IN_MEMORY, Account, Memory
from exposure.ledger.records import Counts, Read, Record, Source, read_or_refuse
from exposure.ledger.writing import Overtaken
from exposure.rules.documents import Key
from exposure.rules.evolve import MissingDocument
from exposure.rules.transfers import named_elsewhere
from schemas.facts import ALLOCATES, REQUESTS
from schemas.told import ToldFact

TURN_SECONDS = 0.0001
"""How long the folding thread keeps the interpreter when the writing one asks for it."""
EVENTS_AT_ONCE, ACCOUNTS_AT_ONCE = 2_000, 100
"""How much is settled in one transaction where nothing else is done: so many events behind in memory, so many accounts that others left."""

STORE_DOWN = (InterfaceError, InternalError, OperationalError)
"""What a write or a read raises while the store cannot be used: the same may go well a moment later."""

STORE_FAILS = PersistenceError
"""All that a store can fail with."""

Batches = Iterable[tuple[Sequence[Record], Source] | None]
"""``None`` where nothing comes at the moment: what is on its way is finished."""

Answer = Callable[[Any, ToldFact], None]
"""Answers a request in the open transaction of a writer, after all that was told with it is written there."""

AnyFolding = TypeVar("AnyFolding", bound=Folding)


class Taking:
    """One batch on its way: what was read, its folding, and, once that is begun, its writing."""

    def __init__(self, records: Sequence[Record], source: Source, actor: str | None) -> None:
        self.read = [read_or_refuse(record) for record in records]
        self.source = source
        self.actor = actor
        self.asks = any(isinstance(one.told, ToldFact) and one.told.name in REQUESTS for one in self.read)
        self.missed: set[tuple[str, Key]] = set()
        self.folding: Folding
        self.writing: Future[set[str]]


def nobody(_: Any, told: ToldFact) -> None:
    """Where only what tells facts is read there is nobody to ask."""
    raise AssertionError(f"{told.name} came where nobody answers")


class Ledger:
    """One writer of a store. ``store`` is a recorder of one of the databases, ``now`` the clock of its recorded instants, ``answer`` who answers."""

    def __init__(self, store: Any, now: Callable[[], int], *, answer: Answer = nobody, documents_in_memory: int = DOCUMENTS_IN_MEMORY) -> None:
        self.store = store
        self.now = now
        self.answer = answer
        self.memory = Memory(documents_in_memory)

    def take(self, records: Sequence[Record], source: Source, *, actor: str | None = None) -> Counts:
        """Records what is new among the records and buries what cannot be taken, in one transaction with the source's position."""
        (counts,) = self.take_all([(records, source)], actor=actor)
        return counts

    def take_all(self, batches: Batches, *, actor: str | None = None) -> Iterator[Counts]:
        """Takes one batch after the other, each in a transaction of its own; a batch is written while the next is read and folded."""
        being_written: Taking | None = None
        with ThreadPoolExecutor(1, "writer") as writer, short_turns():
            try:
                for told in batches:
                    is_folded, taking = False, None
                    if told is not None:
                        with collector_paused():
                            taking = Taking(*told, actor)
                            is_folded = not taking.asks and self.fold(taking, being_written)
                    if being_written is not None:
                        done, being_written = being_written, None
                        is_folded &= self.finish(done, taking.folding if taking and is_folded else None)
                        yield done.folding.counts
                    if taking is None:
                        continue
                    if taking.asks:
                        self.take_alone(taking)
                        yield taking.folding.counts
                        continue
                    with collector_paused():
                        while not is_folded:
                            is_folded = self.fold(taking, None)
                    taking.folding.keep()
                    taking.writing = writer.submit(self.store.write, taking.folding.batch)
                    being_written = taking
            finally:
                if being_written is not None:
                    self.finish(being_written, None)
            if being_written is not None:
                yield being_written.folding.counts

    def fold(self, taking: Taking, before: Taking | None) -> bool:
        """Reads, decides and encodes; whether that went well, or more has to be loaded first. The store is read in one short moment."""
        folding = Folding(self.memory, taking.source, self.now(), taking.actor, before.folding if before else None)
        try:
            with self.store.reading() as moment:
                folding.load(moment, taking.read, taking.missed)
            folding.fold()
        except MissingDocument as missing:
            missing.note(taking.missed)
            return False
        taking.folding = folding
        return True

    def finish(self, taking: Taking, later: Folding | None) -> bool:
        """Waits until a batch is written; whether it was at once, as it is in memory: else another writer was faster and it was decided again."""
        try:
            moved_on = taking.writing.result()
        except BaseException as failed:
            taking.folding.forget()
            if isinstance(failed, Overtaken) or not isinstance(failed, IntegrityError):
                raise
            self.take_alone(taking)
            return False
        taking.folding.forget_closed(moved_on, later)
        return True

    def take_alone(self, taking: Taking) -> None:
        """Who lost a race would lose the next one too, for its memory is cold and the winner's is warm: the write lock is taken first. So it is where
        a batch asks something: answers see all that is written."""

        def begin(writing: Any) -> tuple[Folding, list[Read]]:
            return Folding(self.memory, taking.source, writing.recorded_at, taking.actor, None), taking.read

        taking.folding = self.fold_under_lock(begin, taking.missed)

    def forget_spoken_of(self, read: Iterable[Read], missed: Iterable[tuple[str, Key]]) -> None:
        """Other writers, and answers, may have moved them on."""
        told = [one.told for one in read if isinstance(one.told, ToldFact)]
        named = {account for fact in told if fact.name in ALLOCATES for account, _ in named_elsewhere(fact.name, fact.data, fact.subject)}
        for account in named.union((fact.subject for fact in told), (account for account, _ in missed)):
            self.memory.take(account)

    def fold_under_lock(self, begin: Callable[[Any], tuple[AnyFolding, list[Read]]], missed: set[tuple[str, Key]]) -> AnyFolding:
        """Takes the write lock, and then reads, decides, writes and answers. Memory holds nothing meanwhile of the accounts that are spoken of, or
        turn out to be."""
        while True:
            try:
                with self.store.writing(self.now()) as writing:
                    folding, read = begin(writing)
                    self.forget_spoken_of(read, missed)
                    folding.load(writing, read, missed)
                    folding.fold()
                    moved_on = writing.write(folding.batch)
                    for request in folding.requests:
                        self.answer(writing, request)
            except MissingDocument as missing:
                missing.note(missed)
            else:
                folding.keep()
                folding.forget_closed(moved_on, None)
                return folding

    def settle(self) -> None:
        """Writes the documents of every account whose rows are behind its log, those included that another writer left behind."""
        with collector_paused():
            while accounts := self.memory.take_unsettled(EVENTS_AT_ONCE, 0):
                self.write_documents(accounts)
            after = ""
            while True:
                with self.store.reading() as moment:
                    names = moment.behind(after, ACCOUNTS_AT_ONCE)
                    behind = caught_up(moment, names)
                if not names:
                    return
                self.write_documents(list(behind.items()))
                after = names[-1]

    def write_documents(self, accounts: list[tuple[str, Account]]) -> None:
        batch = Batch(0)
        batch.documents = document_rows(accounts)
        batch.settled = [(name, account.head.version) for name, account in accounts]
        moved_on = self.store.write(batch)
        for name, account in accounts:
            if name not in moved_on:
                account.forget_closed(account.settle())
                if self.memory.has_room(0, len(account.documents) + 1):
                    self.memory.keep(name, account)


@contextmanager
def short_turns() -> Iterator[None]:
    """The writer needs the interpreter only for moments, between statements: it should not have to wait long for them."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(TURN_SECONDS)
    try:
        yield
    finally:
        sys.setswitchinterval(usual)
