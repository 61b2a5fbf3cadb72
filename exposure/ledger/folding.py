"""One attempt at one batch: what is new is sorted out and folded into its accounts, and the rows to write are made ready.

What the batch before it has not written yet (its ``before``) counts as written: that one's accounts are in memory, its names and keys are known.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from eventsourcing.persistence import Tracking

from exposure.ledger.batch import Batch, DeadLetter, DocumentRow, Row, Stood
from exposure.ledger.carried import encode_carried
from exposure.ledger.encoding import document_row, head_row, member_rows, rate_row
from exposure.ledger.heard import heard_rows
from exposure.ledger.keys import new_key, seal
from exposure.ledger.loading import catch_up, load, load_heads, tails
from exposure.ledger.memory import EVENTS_BEHIND_OF_ONE, Account, Memory
from exposure.ledger.records import Counts, Read, Record, Source, own_fact
from exposure.rules import terms
from exposure.rules.documents import Document, Key, Movement
from exposure.rules.evolve import MissingDocument, evolve
from exposure.rules.references import names, reaches
from exposure.rules.transfers import named_elsewhere, news
from schemas.facts import ALLOCATES, LAST_DAY, OUR_SOURCE, REQUESTS, TRANSFER, Data, Fact
from schemas.jsontext import written
from schemas.stored import TOPICS, write_fact
from schemas.told import ToldFact, Unreadable

RATE = "FxRatePublished"

NO_KEYS: frozenset[Key] = frozenset()


class Folding:
    """What is loaded, what changed, and the rows to write; and the ``requests`` that are new, which are answered once these are written."""

    def __init__(self, memory: Memory, source: Source, now: int, actor: str | None, before: "Folding | None") -> None:
        self.memory = memory
        self.source = source
        tracking = Tracking(source.tracking, source.after) if source.tracking else None
        self.batch = Batch(now, actor, tracking, source.before, source.input, source.epoch)
        self.before = before
        self.counts = Counts()
        self.fresh: list[tuple[ToldFact, bytes, Record]] = []
        self.requests: list[ToldFact] = []
        self.refused: list[tuple[Record, Unreadable]] = []
        self.accounts: dict[str, Account] = {}
        self.elsewhere: set[str] = set()
        self.settled: dict[str, set[Key]] = {}
        self.loaded: dict[str, set[Key]] = {}
        self.names: dict[bytes, bytes] = {}
        self.letters: set[bytes] = set()
        self.streams: dict[str, int] = {}
        self.keys: dict[str, bytes] = {}
        self.touched: dict[str, str] = {}

    def load(self, moment: Any, read: Sequence[Read], missed: Iterable[tuple[str, Key]]) -> None:
        """Sorts out what is new and brings what it touches into memory. ``missed`` are documents that an earlier attempt did not load."""
        self.counts.read = len(read)
        self.sort_out(moment, read)
        fresh = [told for told, *_ in self.fresh if told.name != RATE]
        missed = [*missed, *(place for told in fresh if told.name in ALLOCATES for place in named_elsewhere(told.name, told.data, told.subject))]
        self.elsewhere = {account for account, _ in missed}
        self.load_accounts(moment, fresh, missed)
        self.load_streams(moment, {f"currency:{told.subject}" for told, *_ in self.fresh if told.name == RATE})
        self.load_keys(moment)
        self.before = None

    def fold(self) -> None:
        """Folds what is new and makes the rows ready. Raises ``MissingDocument``: then the accounts are half changed."""
        origins: dict[str, list[Stood]] = defaultdict(list)
        for told, state, record in self.fresh:
            origins[self.input_of(record)].append((len(self.batch.events), record.position))
            if told.personal:
                state = write_fact(told, seal(self.keys[told.subject], written(told.personal), told.subject))
            if told.name == RATE:
                self.publish(told, state)
            else:
                self.record(told, state)
        for record, refusal in self.refused:
            self.bury(record, refusal)
        origins.pop(OUR_SOURCE, None)
        self.batch.origins = origins
        self.counts.recorded, self.counts.dead_letters = len(self.fresh) + len(self.requests), len(self.refused)
        self.encode()

    def input_of(self, _: Record) -> str:
        """Where a record stood: what we say ourselves stood nowhere, and is of our own source."""
        return self.source.tracking or self.source.name

    def sort_out(self, moment: Any, read: Sequence[Read]) -> None:
        """What is new, and what cannot be taken; the same name with the same content again is neither."""
        refused: dict[bytes, tuple[Record, Unreadable]] = {}
        for one, said in zip(read, self.judged(moment, read), strict=True):
            if isinstance(said, Unreadable):
                refused.setdefault(one.record.digest, (one.record, said))
        buried = moment.known_dead_letters(list(refused)) | (self.before.letters if self.before else set()) if refused else set()
        self.refused = [letter for digest, letter in refused.items() if digest not in buried]
        self.counts.duplicates = len(read) - len(self.fresh) - len(self.requests) - len(self.refused)

    def judged(self, moment: Any, read: Sequence[Read]) -> list[Unreadable | bool]:
        """Of each record why it cannot be taken, or whether it is new; what is new is from then on known."""
        known = moment.known_names([one.told.naming for one in read if not isinstance(one.told, Unreadable)])
        if self.before:
            known.update(self.before.names)
        judged: list[Unreadable | bool] = []
        for record, told, state in read:
            if isinstance(told, Unreadable):
                judged.append(told)
                continue
            content = known.get(told.naming)
            if content is None:
                known[told.naming] = self.names[told.naming] = told.content
                if told.name in REQUESTS:
                    self.requests.append(told)
                else:
                    self.fresh.append((told, state, record))
                judged.append(True)
            elif content == told.content:
                judged.append(False)
            else:
                refusal = Unreadable("name_reused", f"event {told.id!r} of {told.source!r} was already told with other content", told.subject)
                judged.append(refusal)
        return judged

    def load_accounts(self, moment: Any, fresh: list[ToldFact], missed: Iterable[tuple[str, Key]]) -> None:
        """Brings every account told of or missed, and every document the facts name or reach, into memory, as new as the log."""
        missing = []
        for subject in {told.subject for told in fresh} | self.elsewhere:
            account = self.memory.take(subject)
            if account is None:
                missing.append(subject)
            else:
                self.accounts[subject] = account
        cold = load_heads(moment, missing)
        self.accounts.update(cold)
        recorded = tails(moment, cold.values())
        self.loaded = load(moment, self.accounts, [*recorded, *[(told.subject, told) for told in fresh]], missed)
        catch_up(cold, recorded)

    def load_streams(self, moment: Any, streams: set[str]) -> None:
        before = self.before.streams if self.before else {}
        for stream in streams:
            self.streams[stream] = before.get(stream) or moment.last_version(stream)

    def load_keys(self, moment: Any) -> None:
        wanted = {told.subject for told, *_ in self.fresh if told.personal} | {refusal.subject or "" for _, refusal in self.refused}
        if wanted:
            self.keys = {**moment.keys(sorted(wanted)), **(self.before.keys if self.before else {})}
            self.batch.sealed_under = [(account, self.keys[account]) for account in sorted(wanted & self.keys.keys())]
            for account in wanted - self.keys.keys():
                self.keys[account] = new_key()
                self.batch.keys.append((account, self.keys[account]))

    def publish(self, told: ToldFact, state: bytes) -> None:
        """Gives a rate its place in its currency's history: no account's."""
        stream = f"currency:{told.subject}"
        version = self.streams[stream] = self.streams[stream] + 1
        self.batch.events.append(Row(stream, version, TOPICS[told.name], state))
        self.batch.rates.append(rate_row(fact_of(told, version)))

    def record(self, told: ToldFact, state: bytes) -> None:
        """Gives a fact its place in its account's history and folds it into its documents."""
        account = self.accounts[told.subject]
        version = account.head.version + 1
        self.batch.events.append(Row(f"account:{told.subject}", version, TOPICS[told.name], state))
        fact = fact_of(told, version)
        changed, moves = evolve(told.subject, fact, account.documents)
        currencies = len(account.head.currencies)
        account.head.take(fact, moves)
        account.change(changed)
        self.batch.heard += heard_rows(account.head)
        self.batch.members += member_rows(told.subject, fact)
        # A new account is to be judged whatever was told of it: where it has no row, that was lost.
        first_day = "" if version == 1 or 0 < currencies < len(account.head.currencies) else changes_from(fact, changed, moves)
        if first_day < self.touched.get(told.subject, LAST_DAY):
            self.touched[told.subject] = first_day
        for document in changed:
            if document.kind == "credit":
                for other, data in news(document, told.subject, version):
                    self.transfer(other, told.time, data)

    def transfer(self, name: str, time: str, data: Data) -> None:
        """Tells another account what a credit now gives it. Raises ``MissingDocument`` where it is not loaded yet: nobody told anything of it."""
        told = own_fact(name, TRANSFER, f"{data['transfer']}/{data['version']}/{name}", time, data)
        account = self.accounts.get(name)
        named = names(TRANSFER, data, name)
        if account is None:
            raise MissingDocument(name, *named)
        missing = [key for key in named if key not in account.documents]
        if not missing:
            reached = reaches(TRANSFER, account.documents[named[0]], named, account.documents)
            missing = [key for key in reached if key not in account.documents]
        if missing:
            raise MissingDocument(name, *missing)
        self.record(told, write_fact(told))

    def bury(self, record: Record, refusal: Unreadable) -> None:
        account = refusal.subject
        key, bound_to = self.keys[account or ""], account or ""
        self.letters.add(record.digest)
        sealed = seal(key, record.raw, bound_to)
        carried = seal(key, encode_carried(record.carried), bound_to) if record.carried else None
        letter = DeadLetter(record.digest, account, self.source.name, record.position, refusal.code, str(refusal), sealed, carried)
        self.batch.dead_letters.append(letter)

    def encode(self) -> None:
        """Makes the rows ready, those of documents for accounts with much unwritten, and for those that memory has no more room for."""
        batch, memory = self.batch, self.memory
        self.give_back_unchanged()
        behind = sum(account.events_behind for account in self.accounts.values())
        documents = sum(len(account.documents) + 1 for account in self.accounts.values())
        surplus = memory.take_surplus(behind, documents)
        behind_max = EVENTS_BEHIND_OF_ONE if memory.has_room(behind, documents) else 0
        settling = [(name, account) for name, account in self.accounts.items() if account.events_behind > behind_max]
        batch.documents = document_rows([*settling, *surplus])
        self.settled = {name: account.settle() for name, account in (*settling, *surplus)}
        batch.settled = [(name, account.head.version) for name, account in surplus]
        batch.heads = [head_row(account.head) for _, account in sorted(self.accounts.items())]
        batch.names = sorted(self.names.items())
        batch.touched = sorted(self.touched.items())
        self.accounts.update(surplus)

    def give_back_unchanged(self) -> None:
        """Accounts that might have been told something and were not stay as they are: what is not written with this batch guards no version."""
        if not self.elsewhere:
            return
        told_of = {row.originator_id for row in self.batch.events}
        for name in [name for name in self.elsewhere if f"account:{name}" not in told_of]:
            account = self.accounts.pop(name)
            account.forget_closed(self.loaded.pop(name, ()))
            if account.head.version:
                self.memory.keep(name, account)

    def keep(self) -> None:
        """Gives the accounts back to memory: for the next batch they are as they will be written."""
        for name, account in self.accounts.items():
            self.memory.keep(name, account)

    def forget_closed(self, moved_on: set[str], later: "Folding | None") -> None:
        """After the write: what is cleared and closed leaves memory, as its row says so, unless a later batch has changed it already.

        Accounts that another writer has moved on leave memory whole.
        """
        newer = later.settled if later else {}
        for keys_by_account in (self.settled, self.loaded):
            for name, keys in keys_by_account.items():
                self.memory.forget_closed(name, self.accounts[name], keys - newer.get(name, NO_KEYS))
        for name in moved_on:
            self.memory.forget(name, self.accounts[name])

    def forget(self) -> None:
        """After a write that failed: what is in memory was never written."""
        for name, account in self.accounts.items():
            self.memory.forget(name, account)


def changes_from(fact: Fact, changed: list[Document], moves: list[Movement]) -> str:
    """The first day on which a fact may change any figure of its account; ``LAST_DAY`` where it changes none.

    Of two limits (or protections) that claim one version either may have counted.
    """
    if fact.name == "CustomerChanged" and changed:
        return terms.first_day_of_change(changed[0].facts, fact)
    if fact.name in terms.DAY_FIELD and changed:
        version = fact.data["version"]
        return min([str(known.data["valid_from"]) for known in changed[0].facts if known.data["version"] == version])
    return min([move[5] for move in moves], default=LAST_DAY)


def fact_of(told: ToldFact, version: int) -> Fact:
    return Fact(version, told.name, told.time, told.source, told.id, told.digest, told.data)


def document_rows(accounts: Iterable[tuple[str, Account]]) -> list[DocumentRow]:
    """The rows of what is not written yet, in the order of the table."""
    return [document_row(name, account.documents[key]) for name, account in sorted(accounts) for key in sorted(account.unwritten)]
