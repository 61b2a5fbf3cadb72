"""The outbox: what waits to be sent, in the order it was written, and who may send it.

A row goes in with the transaction that causes it and out when its message is acknowledged. ``message_id`` names the message for ever. The payload
of a dead letter only points at it; that of an event of ours is JSON: its ``type``, ``source`` and ``data`` (its time is when it was recorded, its
subject its key). Law: who lost the lease takes no rows out any more, for the numbers of rows that are gone may be given again.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from exposure.ledger.acts.dead_letters import Letter
from schemas.topics import DEAD_LETTERS

LEASE = "relay"
LEASE_MICROSECONDS = 10_000_000
ROWS_AT_ONCE = 1_000
BYTES_AT_ONCE = 4 << 20
"""What is read in one go; one message may be larger, and is then read alone."""


class LeaseLost(Exception):
    """Another sender has taken over: what it sends and takes out is its own affair."""


class Waiting(NamedTuple):
    """A message that waits. ``letter`` is the dead letter it is of, ``letter_key`` that of its account: ``None`` where it was thrown away."""

    id: int
    topic: str
    key: str | None
    message_id: str
    payload: bytes
    recorded_at: int
    letter: Letter | None = None
    letter_key: bytes | None = None


@dataclass(slots=True)
class Lease:
    """The right to send what its ``name`` says, for a while. ``holder`` is a name of its own; instants are microseconds of the system's clock."""

    holder: str
    until: int = 0
    name: str = LEASE
    lasts: int = LEASE_MICROSECONDS

    def runs_out(self, now: int) -> bool:
        return self.until - now < self.lasts // 2

    def is_anothers(self, moment: Any, now: int) -> bool:
        return bool(moment.rows("SELECT 1 FROM leases WHERE name = ? AND holder <> ? AND until >= ?", self.name, self.holder, now))

    def take(self, writing: Any, now: int) -> bool:
        """Whether it is ours from now on: it was already, or nobody's."""
        taken = writing.rows(
            "INSERT INTO leases (name, holder, until) VALUES (?, ?, ?) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, "
            "until = excluded.until WHERE leases.holder = excluded.holder OR leases.until < ? RETURNING 1",
            self.name, self.holder, now + self.lasts, now,
        )  # fmt: skip
        self.until = now + self.lasts if taken else 0
        return bool(taken)

    def extend(self, writing: Any, now: int) -> None:
        """Raises ``LeaseLost`` where anybody else had it since we took it, be it for a moment."""
        if not self.set_until(writing, now + self.lasts):
            raise LeaseLost(f"{self.name}: another has it, not {self.holder}")

    def give_back(self, writing: Any) -> None:
        self.set_until(writing, 0)

    def set_until(self, writing: Any, until: int) -> bool:
        is_ours = bool(writing.rows("UPDATE leases SET until = ? WHERE name = ? AND holder = ? RETURNING 1", until, self.name, self.holder))
        self.until = until if is_ours else 0
        return is_ours


def is_empty(moment: Any) -> bool:
    return not moment.rows("SELECT 1 FROM outbox LIMIT 1")


def waiting(moment: Any, many: int = ROWS_AT_ONCE, size: int = BYTES_AT_ONCE) -> list[Waiting]:
    """The oldest that wait, oldest first: as many and as large at most, and one in any case."""
    rows = moment.rows("SELECT id, topic, key, message_id, payload, recorded_at FROM outbox ORDER BY id LIMIT ?", many)
    pending = [Waiting(*row) for row in rows]
    columns = "digest, length(sealed) + coalesce(length(carried), 0)"
    sizes = dict(moment.among(columns, "dead_letters", "digest", digests(pending)))
    count = 0
    for one in pending:
        size -= len(one.payload) + (sizes[bytes.fromhex(one.message_id)] if one.topic == DEAD_LETTERS else 0)
        if size < 0 < count:
            break
        count += 1
    return with_letters(moment, pending[:count])


def with_letters(moment: Any, pending: list[Waiting]) -> list[Waiting]:
    letters = {row[0]: Letter(*row) for row in moment.letters(digests(pending))}
    keys = moment.keys(sorted({letter.account or "" for letter in letters.values()}))
    return [
        one._replace(letter=letter, letter_key=keys.get(letter.account or ""))
        if one.topic == DEAD_LETTERS and (letter := letters[bytes.fromhex(one.message_id)])
        else one
        for one in pending
    ]


def digests(pending: Sequence[Waiting]) -> list[bytes]:
    return [bytes.fromhex(one.message_id) for one in pending if one.topic == DEAD_LETTERS]


def take_out(writing: Any, pending: Sequence[Waiting], are_sent: Sequence[bool]) -> None:
    """Takes out those that were sent, of messages that followed each other in the outbox."""
    for is_sent, run in groupby(zip(are_sent, pending, strict=True), key=itemgetter(0)):
        if is_sent:
            ids = [one.id for _, one in run]
            writing.rows("DELETE FROM outbox WHERE id BETWEEN ? AND ? RETURNING id", ids[0], ids[-1])
