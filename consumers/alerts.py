"""For services that act on alerts: iterate those of some rules out of ``credit.alerts``, go on where one was, or begin at the beginning.

Law: each alert is handed out once and an account's in order, however often it was sent; a number of an account that is missing is an error.
Whoever keeps the position after having acted misses nothing; what a crash interrupts comes again.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from threading import Event
from types import TracebackType
from typing import Any, NamedTuple, Self

from consumers.broker.subscribe import Arrived, Reading
from schemas.jsontext import read, written
from schemas.topics import prefixed

TOPIC = "credit.alerts"
POLL_MS = 500

Position = dict[str, Any]
"""Plain data, to be kept wherever the caller likes, and handed back as it is."""


class BrokenSequence(Exception):
    """An account's alerts are not 1, 2, 3 … as they come: one is missing, or two have one number."""


class Alert(NamedTuple):
    """``state`` is what its type says: raised, cleared; ``data`` is all of it, as the AsyncAPI document describes."""

    id: str
    state: str
    account: str
    rule: str
    sequence: int
    data: dict[str, Any]


class Place(NamedTuple):
    """The number and the id of an account's last alert."""

    sequence: int
    id: str


class Seen:
    """What was read of one partition: the ``next`` offset, and of each account its last alert. ``is_whole`` where nothing was deleted before it."""

    def __init__(self, *, is_whole: bool) -> None:
        self.is_whole = is_whole
        self.next = 0
        self.accounts: dict[str, Place] = {}

    def is_new(self, account: str, sequence: int, id_: str) -> bool:
        """Whether it was not handed out before; raises ``BrokenSequence``."""
        last = self.accounts.get(account)
        if last is None and not self.is_whole:
            last = Place(sequence - 1, "")
        number, last_id = last or Place(0, "")
        if sequence > number + 1:
            raise BrokenSequence(f"{account}: alert {sequence} came after {number}")
        if sequence == number and id_ != last_id:
            raise BrokenSequence(f"{account}: alert {sequence} came as {last_id} and as {id_}")
        if sequence <= number:
            return False
        self.accounts[account] = Place(sequence, id_)
        return True

    def told(self) -> dict[str, Any]:
        return {"next": self.next, "whole": self.is_whole, "accounts": {account: [*place] for account, place in self.accounts.items()}}


class Alerts:
    """``connection`` is told to Kafka's client (``bootstrap_servers`` and the like), ``rules`` are those wanted (all where none is named), ``after``
    is the position to go on behind (``None``: from the beginning), ``stop`` ends the iteration. Raises ``BrokerFailure``."""

    def __init__(
        self,
        connection: Mapping[str, Any],
        prefix: str = "",
        *,
        rules: Iterable[str] = (),
        after: Position | None = None,
        stop: Event | None = None,
    ) -> None:
        self.rules = frozenset(rules)
        self.stop = stop or Event()
        told = after["partitions"] if after else {}
        offsets = {int(number): part["next"] for number, part in told.items()}
        self.reading = Reading(connection, prefixed(prefix, TOPIC), offsets, after["topic"] if after else None)
        self.seen = {number: seen_of(told.get(str(number)), first) for number, first in self.reading.first.items()}

    def __iter__(self) -> Iterator[Alert]:
        """Goes on and waits for more, until stopped."""
        while not self.stop.is_set():
            yield from self.of(self.reading.records(POLL_MS))

    def until_caught_up(self) -> Iterator[Alert]:
        """Those that were there when reading began, and perhaps some more."""
        while not self.stop.is_set() and not self.reading.is_caught_up():
            yield from self.of(self.reading.records(POLL_MS))

    def of(self, records: Iterable[Arrived]) -> Iterator[Alert]:
        for record in records:
            seen = self.seen[record.partition]
            alert = alert_of(record)
            is_new = seen.is_new(alert.account, alert.sequence, alert.id)
            seen.next = record.offset + 1
            if is_new and (not self.rules or alert.rule in self.rules):
                yield alert

    @property
    def position(self) -> Position:
        """Behind the alert that was handed out last."""
        return {"topic": self.reading.topic_id, "partitions": {str(number): seen.told() for number, seen in self.seen.items()}}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.reading.close()


def seen_of(kept_of: dict[str, Any] | None, first: int) -> Seen:
    if kept_of is None:
        seen = Seen(is_whole=first == 0)
        seen.next = first
        return seen
    seen = Seen(is_whole=kept_of["whole"])
    seen.next = kept_of["next"]
    seen.accounts = {account: Place(*place) for account, place in kept_of["accounts"].items()}
    return seen


def alert_of(record: Arrived) -> Alert:
    data = read(record.value or b"null")
    state = record.headers["ce_type"].decode().split(".")[2]
    return Alert(record.headers["ce_id"].decode(), state, data["account"], data["rule"], data["sequence"], data)


def kept(file: str | Path) -> Position | None:
    """The position that a file holds; ``None`` where there is no such file yet."""
    path = Path(file)
    return read(path.read_bytes()) if path.exists() else None


def keep(file: str | Path, position: Position) -> None:
    """Keeps a position in a file: whole, or as it was."""
    new = Path(f"{file}.new")
    with new.open("wb") as out:
        out.write(written(position))
        out.flush()
        os.fsync(out.fileno())
    new.replace(file)
