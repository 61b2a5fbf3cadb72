"""What one transaction of a writer writes: events, the source's position, derived rows, repeats, dead letters and outbox together or not at all."""

from collections.abc import Sequence
from typing import Any

from eventsourcing.persistence import IntegrityError, InternalError, Tracking

from exposure.ledger.batch import Batch, CaseRow, DeadLetter, LetterSettled, Row
from exposure.ledger.moment import DOCUMENT, Moment
from exposure.ledger.origins import origin_rows
from exposure.ledger.proof.chain import LogEnd
from schemas.jsontext import written
from schemas.topics import DEAD_LETTERS

NOTHING_SAID = b"[[],[]]"
"""The state of alerts that were never judged."""
DOCUMENT_CHANGED = ", ".join(f"{column}=excluded.{column}" for column in DOCUMENT.split(", ")[2:])


class Overtaken(IntegrityError):
    """Another reader has moved the source's position, or claimed its partition: what was read here is not ours to write."""


class Deriving(Moment):
    """Derived rows go in, in use or in the making."""

    def derive(self, batch: Batch) -> None:
        accounts, documents, rates, cases, members = (f"{table}{self.suffix}" for table in ("accounts", "documents", "rates", "cases", "members"))
        self.put(
            f"INSERT INTO {accounts} (account, version, written, state) VALUES {{rows}} ON CONFLICT (account) DO UPDATE SET "
            f"version=excluded.version, written={self.greatest}({accounts}.written, excluded.written), state=excluded.state",
            batch.heads,
        )
        self.put(f"INSERT INTO heard{self.suffix} (account, version, state) VALUES {{rows}} ON CONFLICT (account, version) DO NOTHING", batch.heard)
        self.put(f"INSERT INTO {documents} ({DOCUMENT}) VALUES {{rows}} ON CONFLICT (account, key) DO UPDATE SET {DOCUMENT_CHANGED}", batch.documents)
        self.put(
            f"INSERT INTO {rates} (base, quote, day, version, told, rate) VALUES {{rows}} ON CONFLICT (base, quote, day, version) DO UPDATE SET "
            "told=excluded.told, rate=excluded.rate",
            batch.rates,
        )
        self.put(
            f"INSERT INTO {cases} (account, stream, state, position) VALUES {{rows}} ON CONFLICT (account, stream) DO UPDATE SET "
            "state=excluded.state",
            one_of_each(batch.cases),
        )
        self.put(f"INSERT INTO {members} (parent, account) VALUES {{rows}} ON CONFLICT (parent, account) DO NOTHING", batch.members)


class Writing(Deriving):
    """The open transaction of a writer. ``recorded_at`` is its recorded instant (microseconds), set when the write lock was taken."""

    def __init__(self, cursor: Any, now: int) -> None:
        super().__init__(cursor)
        self.recorded_at, self.end = self.tick(now)

    def tick(self, now: int) -> tuple[int, LogEnd]:
        """Takes the write lock; recorded time is the given instant or, where that lies before it, the last recorded one. And where the log ends."""
        sql = f"UPDATE clock SET recorded_at = {self.greatest}(recorded_at, ?) RETURNING recorded_at, position, hash"
        rows = self.rows(sql, now)
        if not rows:
            raise InternalError("the row of clock, which says where the log ends, is missing: verify says more, restore a backup")
        recorded_at, position, hash_ = rows[0]
        return recorded_at, LogEnd(position, hash_)

    def write(self, batch: Batch) -> set[str]:
        """Raises the library's ``IntegrityError`` where another writer was faster with an account, a name or a key, and ``Overtaken`` where one
        has the source.

        An account that was only to be settled and has moved on is left as it is, and returned.
        """
        if batch.tracking is not None:
            self.move_on(batch.tracking, batch)
        if batch.sealed_under and not self.has_keys(batch.sealed_under):
            raise IntegrityError("the key of an account was thrown away meanwhile")
        if batch.events:
            self.append(batch.events, batch.actor)
            self.put("INSERT INTO origins (first, input, last, stood) VALUES {rows}", origin_rows(batch, self.end.position))
        self.put("INSERT INTO names (naming, content) VALUES {rows}", batch.names)
        self.put("INSERT INTO account_keys (account, key) VALUES {rows}", batch.keys)
        moved_on = {account for account, version in batch.settled if not self.settle(account, version)}
        if moved_on:
            batch.documents = [row for row in batch.documents if row[0] not in moved_on]
        self.derive(batch)
        self.touch(batch)
        for letter in batch.dead_letters:
            self.bury(letter)
        for settled in batch.letters_settled:
            self.settle_letter(settled)
        return moved_on

    def append(self, events: Sequence[Row], actor: str | None) -> None:
        """Puts events at the end of the log, each chained to the one before it there and in its stream."""
        first: dict[str, int] = {}
        for row in events:
            first.setdefault(row.originator_id, row.originator_version)
        rows = self.end.chain(
            events, self.recorded_at, actor, self.hashes([(stream, version - 1) for stream, version in first.items() if version > 1])
        )
        columns = f"{self.position}, originator_id, originator_version, topic, state, recorded_at, actor, previous_hash, hash"
        self.put(f"INSERT INTO stored_events ({columns}) VALUES {{rows}}", rows)
        self.rows("UPDATE clock SET position = ?, hash = ? RETURNING 1", self.end.position, self.end.hash)

    def has_keys(self, used: Sequence[tuple[str, bytes]]) -> bool:
        keys = self.keys([account for account, _ in used])
        return all(keys.get(account) == key for account, key in used)

    def settle(self, account: str, version: int) -> bool:
        """Says that the rows of an account's documents are as new as the account, where that still has this version."""
        return bool(self.rows("UPDATE accounts SET written = version WHERE account = ? AND version = ? RETURNING 1", account, version))

    def touch(self, batch: Batch) -> None:
        """Says whose alerts are to be judged anew, and from which day on: of accounts that were told of, and of those that rates are for."""
        touched = f"next_day = {self.least}(alert_states.next_day, excluded.next_day), next_at = 0"
        self.put(
            "INSERT INTO alert_states (account, next_day, next_at, judged_day, sequence, currencies, once, once_until, state) VALUES {rows} "
            f"ON CONFLICT (account) DO UPDATE SET {touched}",
            [(account, day, 0, "", 0, "", "", "", NOTHING_SAID) for account, day in batch.touched],
        )
        days: dict[str, str] = {}
        for base, quote, day, *_ in batch.rates:
            for currency in (base, quote):
                days[currency] = min(day, days.get(currency, day))
        for currency, day in sorted(days.items()):
            like = f"%{currency}%"
            is_for = "once <> '' AND once LIKE ? AND (once_until >= ? OR currencies LIKE ?)"
            self.rows(
                f"UPDATE alert_states SET next_day = {self.least}(next_day, ?), next_at = 0 WHERE {is_for} RETURNING 1",
                day, like, day, like,
            )  # fmt: skip

    def claim(self, tracking: str, cluster_id: str, topic_id: str) -> tuple[str, str, int]:
        """Takes a partition over: the cluster and topic it was claimed of first, and the epoch from now on."""
        sql = (
            "INSERT INTO claims (tracking, cluster_id, topic_id, epoch) VALUES (?, ?, ?, 1) ON CONFLICT (tracking) DO UPDATE "
            "SET epoch = claims.epoch + 1 RETURNING cluster_id, topic_id, epoch"
        )
        cluster_id, topic_id, epoch = self.rows(sql, tracking, cluster_id, topic_id)[0]
        return cluster_id, topic_id, epoch

    def forget_position(self, tracking: str, cluster_id: str, topic_id: str) -> None:
        """Forgets how far a partition was taken, and of which topic it was; its epoch rises on."""
        self.rows("DELETE FROM tracking WHERE application_name = ? RETURNING 1", tracking)
        self.rows("UPDATE claims SET cluster_id = ?, topic_id = ? WHERE tracking = ? RETURNING 1", cluster_id, topic_id, tracking)

    def move_on(self, tracking: Tracking, batch: Batch) -> None:
        """The source's position moves from where this batch began to where it ended; anything else means another reader has it."""
        name = tracking.application_name
        if batch.epoch is not None and not self.rows("SELECT 1 FROM claims WHERE tracking = ? AND epoch = ?", name, batch.epoch):
            raise Overtaken(f"{name} was claimed by another reader meanwhile")
        moved = self.rows(
            "INSERT INTO tracking (application_name, notification_id) VALUES (?, ?) ON CONFLICT (application_name) DO UPDATE "
            "SET notification_id = excluded.notification_id WHERE tracking.notification_id = ? RETURNING 1",
            name, tracking.notification_id, batch.position_before,
        )  # fmt: skip
        if not moved:
            raise Overtaken(f"{name} has moved on meanwhile")
        if batch.input is not None:
            self.put(
                "INSERT INTO inputs (name, generation, position, digest) VALUES {rows} ON CONFLICT (name) DO UPDATE SET "
                "generation=excluded.generation, position=excluded.position, digest=excluded.digest",
                [batch.input],
            )

    def bury(self, letter: DeadLetter) -> None:
        """Keeps a dead letter once; the outbox tells of it, and the figures of its account are not whole from now on."""
        columns = "digest, account, source, position, code, reason, sealed, carried, recorded_at"
        kept = f"INSERT INTO dead_letters ({columns}) VALUES (?,?,?,?,?,?,?,?,?) ON CONFLICT (digest) DO NOTHING RETURNING 1"
        if self.rows(kept, *letter, self.recorded_at):
            told = {"digest": letter.digest.hex(), "source": letter.source, "position": letter.position, "reason": letter.reason}
            self.announce(DEAD_LETTERS, letter.account, letter.digest.hex(), told)
            self.rows("UPDATE alert_states SET next_at = 0 WHERE account = ? RETURNING 1", letter.account)

    def announce(self, topic: str, account: str | None, message_id: str, told: dict[str, Any]) -> None:
        """Puts a message into the outbox; ``message_id`` stays the same however often it has to be sent."""
        self.announce_all([(topic, account, message_id, told)])

    def announce_all(self, messages: Sequence[tuple[str, str | None, str, dict[str, Any]]]) -> None:
        """Puts messages into the outbox, in their order."""
        rows = [(topic, key, message_id, written(told), self.recorded_at) for topic, key, message_id, told in messages]
        self.put("INSERT INTO outbox (topic, key, message_id, payload, recorded_at) VALUES {rows}", rows)

    def settle_letter(self, settled: LetterSettled) -> None:
        """Says what became of a dead letter: once, and whoever settles it has looked under this write lock whether it is open."""
        sql = "UPDATE dead_letters SET settled_at = ?, outcome = ? WHERE digest = ? AND settled_at IS NULL RETURNING 1"
        assert self.rows(sql, self.recorded_at, settled.outcome, settled.digest), f"dead letter {settled.digest.hex()} is not open"
        of_account = "account = (SELECT account FROM dead_letters WHERE digest = ?)"
        self.rows(f"UPDATE alert_states SET next_at = 0 WHERE {of_account} RETURNING 1", settled.digest)


def one_of_each(cases: Sequence[CaseRow]) -> list[CaseRow]:
    """Of each case its last state, and where it begins."""
    found: dict[tuple[str, str], CaseRow] = {}
    for account, stream, state, position in cases:
        begins = found.get((account, stream), (0, 0, 0, position))[3]
        found[account, stream] = account, stream, state, begins
    return list(found.values())
