"""The ledger: takes records of a source exactly once, folds them into accounts, and writes each batch in one transaction.

Reading, deciding and encoding happen before the store's write lock. When another writer was faster with an account or a name, the
batch is loaded and decided again.
"""

import gc
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from eventsourcing.persistence import IntegrityError, Tracking

from exposure.ledger.batch import Batch, DeadLetter, DocumentRow, Record, Row
from exposure.ledger.encoding import document_row, head_row, rate_row
from exposure.ledger.keys import new_key, seal
from exposure.ledger.loading import catch_up, caught_up, load, load_heads, tails
from exposure.ledger.memory import DOCUMENTS_IN_MEMORY, EVENTS_BEHIND_OF_ONE, Account, Memory
from exposure.rules.documents import Key
from exposure.rules.evolve import MissingDocument, evolve
from schemas.door import ToldFact, Unreadable, read_record
from schemas.facts import Fact
from schemas.jsontext import written
from schemas.stored import TOPICS, write_fact

LOST_RACES_MAX = 5
EVENTS_AT_ONCE, ACCOUNTS_AT_ONCE = 2_000, 100
"""How much is settled in one transaction where nothing else is done: so many events behind in memory, so many accounts that others left."""
RATE = "FxRatePublished"


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


@dataclass(slots=True)
class Source:
    """Where a batch of records stood: the source's name, its position before and after, and what a file input remembers."""

    name: str
    tracking: str | None = None
    before: int = 0
    after: int = 0
    input: tuple[str, int, int, bytes] | None = None


class Ledger:
    """One writer of a store. ``store`` is a recorder of one of the databases, ``now`` the clock of its recorded instants."""

    def __init__(self, store: Any, now: Callable[[], int], *, documents_in_memory: int = DOCUMENTS_IN_MEMORY) -> None:
        self.store = store
        self.now = now
        self.memory = Memory(documents_in_memory)

    def take(self, records: Sequence[Record], source: Source, *, actor: str | None = None) -> Counts:
        """Records what is new among the records and buries what cannot be taken, in one transaction with the source's position."""
        with collector_paused():
            return self.taken(records, source, actor)

    def taken(self, records: Sequence[Record], source: Source, actor: str | None) -> Counts:
        read = [read_or_refuse(record) for record in records]
        missed: set[tuple[str, Key]] = set()
        lost_races = 0
        while True:
            folding = Folding(self, source, actor, missed)
            try:
                counts = folding.write_alone(records, read) if lost_races else folding.write(records, read)
            except MissingDocument as missing:
                if (missing.account, missing.key) in missed:
                    raise
                missed.add((missing.account, missing.key))
            except IntegrityError:
                lost_races += 1
                if lost_races == LOST_RACES_MAX or self.moved_on(source):
                    raise
            else:
                folding.keep()
                return counts

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
        batch.settled = [(name, account.head.version) for name, account in accounts]
        batch.documents = document_rows(accounts)
        moved_on = self.store.write(batch)
        for name, account in accounts:
            if name not in moved_on:
                account.settle()
                self.memory.keep_where_room(name, account)

    def moved_on(self, source: Source) -> bool:
        """Whether another reader of the same source was faster: then there is nothing to decide again."""
        if source.tracking is None:
            return False
        known = self.store.max_tracking_id(source.tracking)
        return known is not None and known != source.before


@contextmanager
def collector_paused() -> Iterator[None]:
    """Documents hold no cycles: the cyclic collector would only walk over them again and again. What a batch leaves is set aside from its walks."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.freeze()
            gc.enable()


def read_or_refuse(record: Record) -> ToldFact | Unreadable:
    if record.refused is not None:
        return record.refused
    try:
        return read_record(record.raw)
    except Unreadable as refusal:
        return refusal


class Folding:
    """One attempt at one batch: what is loaded, what changed, and the rows to write."""

    def __init__(self, ledger: Ledger, source: Source, actor: str | None, missed: set[tuple[str, Key]]) -> None:
        """``missed`` are documents an earlier attempt did not load."""
        self.ledger = ledger
        self.missed = missed
        self.store = ledger.store
        self.source = source
        tracking = Tracking(source.tracking, source.after) if source.tracking else None
        self.batch = Batch(ledger.now(), actor, tracking, source.before, source.input)
        self.accounts: dict[str, Account] = {}
        self.surplus: list[tuple[str, Account]] = []
        self.moved_on: set[str] = set()
        self.loaded: set[tuple[str, Key]] = set()
        self.streams: dict[str, int] = {}
        self.keys: dict[str, bytes] = {}

    def write(self, records: Sequence[Record], read: Sequence[ToldFact | Unreadable]) -> Counts:
        """Reads, decides and encodes before it takes the write lock."""
        with self.store.reading() as moment:
            counts = self.fold(moment, records, read)
        self.moved_on = self.store.write(self.batch)
        return counts

    def write_alone(self, records: Sequence[Record], read: Sequence[ToldFact | Unreadable]) -> Counts:
        """Takes the write lock first: who lost a race would lose the next one too, for its memory is cold and the winner's is warm."""
        with self.store.writing(self.batch.now) as writing:
            counts = self.fold(writing, records, read)
            self.moved_on = writing.write(self.batch)
        return counts

    def fold(self, moment: Any, records: Sequence[Record], read: Sequence[ToldFact | Unreadable]) -> Counts:
        counts = Counts(read=len(records))
        fresh, refused = self.sorted_out(moment, records, read, counts)
        self.load(moment, [told for told in fresh if told.name != RATE])
        self.load_streams(moment, {f"currency:{told.subject}" for told in fresh if told.name == RATE})
        self.load_keys(moment, fresh, refused)
        for told in fresh:
            self.record(told)
        for record, refusal in refused:
            self.bury(record, refusal)
        counts.recorded, counts.dead_letters = len(fresh), len(refused)
        self.encode()
        return counts

    def sorted_out(
        self, moment: Any, records: Sequence[Record], read: Sequence[ToldFact | Unreadable], counts: Counts
    ) -> tuple[list[ToldFact], list[tuple[Record, Unreadable]]]:
        """What is new, and what cannot be taken; the same name with the same content again is neither."""
        known = moment.known_names([told.naming for told in read if isinstance(told, ToldFact)])
        fresh: list[ToldFact] = []
        refused: dict[bytes, tuple[Record, Unreadable]] = {}
        for record, told in zip(records, read, strict=True):
            if isinstance(told, Unreadable):
                refused.setdefault(digest_of(record.raw), (record, told))
                continue
            content = known.get(told.naming)
            if content is None:
                known[told.naming] = told.content
                self.batch.names.append((told.naming, told.content))
                fresh.append(told)
            elif content != told.content:
                refusal = Unreadable("name_reused", f"event {told.id!r} of {told.source!r} was already told with other content", told.subject)
                refused.setdefault(digest_of(record.raw), (record, refusal))
        buried = moment.known_dead_letters(list(refused)) if refused else set()
        new = [letter for digest, letter in refused.items() if digest not in buried]
        counts.duplicates = len(records) - len(fresh) - len(new)
        return fresh, new

    def load(self, moment: Any, fresh: list[ToldFact]) -> None:
        """Brings every account told of, and every document the facts name or reach, into memory, as new as the log."""
        missing = []
        for subject in {told.subject for told in fresh}:
            account = self.ledger.memory.take(subject)
            if account is None:
                missing.append(subject)
            else:
                self.accounts[subject] = account
        cold = load_heads(moment, missing)
        self.accounts.update(cold)
        recorded = tails(moment, cold.values())
        self.loaded = load(moment, self.accounts, [*recorded, *[(told.subject, told) for told in fresh]], self.missed)
        catch_up(cold, recorded)

    def load_streams(self, moment: Any, streams: set[str]) -> None:
        for stream in streams:
            self.streams[stream] = moment.last_version(stream)

    def load_keys(self, moment: Any, fresh: list[ToldFact], refused: list[tuple[Record, Unreadable]]) -> None:
        wanted = {told.subject for told in fresh if told.personal} | {refusal.subject or "" for _, refusal in refused}
        if wanted:
            self.keys = moment.keys(sorted(wanted))
            for account in wanted - self.keys.keys():
                self.keys[account] = new_key()
                self.batch.keys.append((account, self.keys[account]))

    def record(self, told: ToldFact) -> None:
        """Gives a fact its version and folds it into its account."""
        if told.name == RATE:
            stream = f"currency:{told.subject}"
            version = self.streams[stream] = self.streams[stream] + 1
        else:
            stream = f"account:{told.subject}"
            version = self.accounts[told.subject].head.version + 1
        fact = Fact(version, told.name, told.time, told.source, told.id, told.digest, told.data)
        sealed = seal(self.keys[told.subject], written(told.personal), told.subject) if told.personal else None
        self.batch.events.append(Row(stream, version, TOPICS[told.name], write_fact(fact, sealed)))
        if told.name == RATE:
            self.batch.rates.append(rate_row(fact))
        else:
            self.fold_one(told.subject, fact)

    def fold_one(self, subject: str, fact: Fact) -> None:
        account = self.accounts[subject]
        changed, moves = evolve(subject, fact, account.documents)
        account.head.take(fact, moves)
        account.change(changed)

    def bury(self, record: Record, refusal: Unreadable) -> None:
        account = refusal.subject
        sealed = seal(self.keys[account or ""], record.raw, account or "")
        self.batch.dead_letters.append(
            DeadLetter(digest_of(record.raw), account, self.source.name, record.position, refusal.code, str(refusal), sealed)
        )

    def encode(self) -> None:
        batch, memory = self.batch, self.ledger.memory
        behind = sum(account.events_behind for account in self.accounts.values())
        documents = sum(len(account.documents) + 1 for account in self.accounts.values())
        self.surplus = memory.take_surplus(behind, documents)
        behind_max = EVENTS_BEHIND_OF_ONE if memory.has_room(behind, documents) else 0
        settling = [(name, account) for name, account in self.accounts.items() if account.events_behind > behind_max]
        for _, account in settling:
            account.head.written = account.head.version
        batch.heads = [head_row(account.head) for _, account in sorted(self.accounts.items())]
        batch.settled = [(name, account.head.version) for name, account in self.surplus]
        batch.documents = document_rows([*settling, *self.surplus])
        batch.names.sort()

    def keep(self) -> None:
        """After the write: what is open stays in memory, what is cleared and closed leaves it as soon as its row says so."""
        memory = self.ledger.memory
        for name, key in self.loaded:
            account = self.accounts[name]
            if key not in account.unwritten:
                account.forget_closed([key])
        for name, account in self.accounts.items():
            if not account.events_behind:
                account.settle()
            memory.keep(name, account)
        for name, account in self.surplus:
            if name not in self.moved_on:
                account.settle()
                memory.keep_where_room(name, account)


def document_rows(accounts: Iterable[tuple[str, Account]]) -> list[DocumentRow]:
    """The rows of what is not written yet, in the order of the table."""
    return [document_row(name, account.documents[key]) for name, account in sorted(accounts) for key in sorted(account.unwritten)]


def digest_of(raw: bytes) -> bytes:
    return blake2b(raw, digest_size=16).digest()
