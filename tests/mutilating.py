"""A log in the hands of somebody who alters it behind the engine's back, and of who chains it anew."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from exposure.ledger.acts.dead_letters import Order, retry
from exposure.ledger.keys import new_signing_key
from exposure.ledger.proof.checkpoints import Checkpoint, signed
from exposure.ledger.proof.verify import verify
from exposure.ledger.records import Record
from service.sample import sample
from tests.stores import NOW, fed, opened

LINES = [*sample(600, seed=5, accounts=12), b"not JSON at all"]
COLUMNS = ("originator_id", "originator_version", "topic", "state", "recorded_at", "actor", "previous_hash", "hash")
KEY = new_signing_key()


def logged(path: Path) -> Path:
    """A store with a log worth altering, closed again."""
    store = opened(path)
    fed(store, LINES)
    retry(store, lambda: NOW, [Record(LINES[-1], 0).digest], Order("m.vogt", "to see"))
    store.datastore.close()
    return path


class Undone(Exception):
    """Ends a transaction that altered a store, and leaves the store as it was."""


class Event(NamedTuple):
    position: int
    values: list[Any]


class Log:
    """The rows of a log, in the hands of somebody who alters them in an open transaction."""

    def __init__(self, writing: Any) -> None:
        self.writing, self.place = writing, writing.position

    def events(self) -> list[Event]:
        rows = self.writing.rows(f"SELECT {self.place}, {', '.join(COLUMNS)} FROM stored_events ORDER BY {self.place}")
        return [Event(row[0], list(row[1:])) for row in rows]

    def set(self, position: int, column: str, value: Any) -> None:
        self.writing.rows(f"UPDATE stored_events SET {column} = ? WHERE {self.place} = ? RETURNING 1", value, position)

    def delete(self, position: int) -> None:
        self.writing.rows(f"DELETE FROM stored_events WHERE {self.place} = ? RETURNING 1", position)

    def insert(self, position: int, values: list[Any]) -> None:
        self.writing.put(f"INSERT INTO stored_events ({self.place}, {', '.join(COLUMNS)}) VALUES {{rows}}", [(position, *values)])


def flipped(value: Any, chance: random.Random) -> Any:
    """The value with one bit of one of its bytes turned; texts stay texts."""
    if value is None:
        return "x"
    if isinstance(value, int):
        return value ^ 1 << chance.randrange(40)
    if isinstance(value, str):
        place = chance.randrange(len(value))
        return f"{value[:place]}{chr(ord(value[place]) ^ 1)}{value[place + 1 :]}"
    place = chance.randrange(len(value))
    return value[:place] + bytes([value[place] ^ 1 << chance.randrange(8)]) + value[place + 1 :]


def flip_a_byte(log: Log, chance: random.Random) -> set[int]:
    events = log.events()
    event, column = chance.choice(events), chance.randrange(len(COLUMNS))
    values = [*event.values]
    # No database takes an event twice.
    while values == event.values or (column < 2 and values[:2] in [other.values[:2] for other in events]):
        values[column] = flipped(event.values[column], chance)
    log.set(event.position, COLUMNS[column], values[column])
    return {event.position}


def retype(log: Log, chance: random.Random) -> set[int]:
    """A value of the same bytes, of another type; only a database whose columns take every type lets anybody."""
    event, column = chance.choice(log.events()), chance.choice(COLUMNS)
    value = event.values[COLUMNS.index(column)]
    if log.place != "rowid" or value is None:
        return flip_a_byte(log, chance)
    other = "CAST(? AS BLOB)" if isinstance(value, str) else "CAST(? AS TEXT)" if isinstance(value, bytes) else "CAST(? AS TEXT) || 'x'"
    log.writing.rows(f"UPDATE stored_events SET {column} = {other} WHERE rowid = ? RETURNING 1", value, event.position)
    return {event.position}


def move_one(log: Log, chance: random.Random) -> set[int]:
    event = chance.choice(log.events())
    away = flipped(event.position, chance) + 1_000_000
    log.set(event.position, log.place, away)
    return {event.position, away}


def delete_one(log: Log, chance: random.Random) -> set[int]:
    event = chance.choice(log.events())
    log.delete(event.position)
    return {event.position}


def swap_two(log: Log, chance: random.Random) -> set[int]:
    one, other = sorted(chance.sample(log.events(), 2))
    log.delete(one.position)
    log.delete(other.position)
    log.insert(one.position, other.values)
    log.insert(other.position, one.values)
    return {one.position}


def insert_one(log: Log, chance: random.Random) -> set[int]:
    """A copy of an event under a version of its own, its hash right where it stands; the others move on by one."""
    events = log.events()
    place, values = chance.choice(events).position, list(chance.choice(events).values)
    values[1] += 1_000
    for event in reversed(events[place - 1 :]):
        log.set(event.position, log.place, event.position + 1)
    before = events[place - 2].values[-1] if place > 1 else bytes(32)
    stream, version, topic, state, recorded_at, actor, previous, _ = values
    values[-1] = hashed(previous, before, place, stream, version, topic, state, recorded_at, actor)
    log.insert(place, values)
    return {place}


def cut_the_tail(log: Log, chance: random.Random) -> set[int]:
    events = log.events()
    first = chance.randrange(1, len(events))
    for event in events[first:]:
        log.delete(event.position)
    return {events[first].position}


def roll_back(log: Log, chance: random.Random) -> set[int]:
    """Yesterday's copy in the place of today's: a whole log, and derived rows that know of no more."""
    gone = cut_the_tail(log, chance)
    last = log.events()[-1]
    log.writing.rows("UPDATE clock SET position = ?, hash = ? RETURNING 1", last.position, last.values[-1])
    of_account = "FROM stored_events WHERE originator_id = 'account:' || account"
    log.writing.rows(f"DELETE FROM accounts WHERE NOT EXISTS (SELECT 1 {of_account}) RETURNING 1")
    log.writing.rows(f"UPDATE accounts SET version = (SELECT max(originator_version) {of_account}) RETURNING 1")
    assert verify(Open(log)).first_bad is None
    return gone


ALTERING = [flip_a_byte, flip_a_byte, flip_a_byte, retype, retype, move_one, delete_one, swap_two, insert_one, cut_the_tail, roll_back]


@contextmanager
def altering(store: Any) -> Iterator[Log]:
    """A log in an open transaction; once that is over it is as it was."""
    with suppress(Undone), store.writing(0) as writing:
        yield Log(writing)
        raise Undone


class Open:
    """A store of which one moment is read: that of an open transaction."""

    def __init__(self, log: Log) -> None:
        self.log = log

    def reading(self) -> Any:
        return nullcontext(self.log.writing)


def hashed(
    in_stream: bytes, in_log: bytes, position: int, stream: str, version: int, topic: str, state: bytes, recorded_at: int, actor: str | None
) -> bytes:
    """The hash of an event as the README of ``exposure`` tells it, written apart from the engine."""

    def number(value: int, size: int) -> bytes:
        return value.to_bytes(size, "big", signed=True)

    by = None if actor is None else actor.encode()
    told = b"\x01" + in_stream + in_log + number(position, 8) + number(version, 8) + number(recorded_at, 8)
    told += number(len(stream.encode()), 4) + number(len(topic.encode()), 4) + number(-1 if by is None else len(by), 4)
    return sha256(told + stream.encode() + topic.encode() + (by or b"") + state).digest()


def chained_anew(log: Log, position: int) -> None:
    """What who takes the trouble does: alters an event, and makes the hashes of all after it right again."""
    events = log.events()
    before, streams = bytes(32), dict[str, bytes]()
    for event in events:
        stream, version, topic, state, recorded_at, actor, *_ = event.values
        actor = "m.vogt" if event.position == position else actor
        in_stream = streams.get(stream, bytes(32))
        own = hashed(in_stream, before, event.position, stream, version, topic, state, recorded_at, actor)
        for column, value in (("actor", actor), ("previous_hash", in_stream), ("hash", own)):
            log.set(event.position, column, value)
        before = streams[stream] = own
    log.writing.rows("UPDATE clock SET hash = ? RETURNING 1", before)


def made(store: Any) -> Checkpoint:
    outcome = verify(store)
    return signed(KEY, outcome.events, outcome.end.position, outcome.end.hash, outcome.root, "2026-03-02T09:00:00Z")
