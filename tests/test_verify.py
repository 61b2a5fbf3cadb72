"""The log proves itself: whatever is altered in it behind the engine's back is found, and the first bad record is named."""

import random
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from exposure.ledger.checkpoints import Checkpoint, signed
from exposure.ledger.dead_letters import Order, retry
from exposure.ledger.keys import new_signing_key
from exposure.ledger.rebuild import rebuild
from exposure.ledger.records import Record
from exposure.ledger.stretches import Damage
from exposure.ledger.verify import verify
from schemas.jsontext import written
from service.sample import sample
from tests.command import exposure
from tests.examples import example
from tests.stores import NOW, alter, copied, fed, opened

pytestmark = pytest.mark.usefixtures("each_store")

LINES = [*sample(600, seed=5, accounts=12), b"not JSON at all"]
COLUMNS = ("originator_id", "originator_version", "topic", "state", "recorded_at", "actor", "previous_hash", "hash")
KEY = new_signing_key()
GOLDEN = "9e171e18eb7fd2ad0b08d06fee7f407ef5b5c9db07917d6182fb99a5f89ec88b"
"""The hash of the last event of three that hold nothing secret: it never changes."""
MUTILATIONS = {"sqlite": 100, "postgresql": 10}


@pytest.fixture(scope="module")
def fed_once(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    path = tmp_path_factory.mktemp("fed") / "exposure.db"
    store = opened(path)
    fed(store, LINES)
    retry(store, lambda: NOW, [Record(LINES[-1], 0).digest], Order("m.vogt", "to see"))
    store.datastore.close()
    return path


@pytest.fixture
def store(fed_once: Path, tmp_path: Path) -> Any:
    return copied(fed_once, tmp_path / "exposure.db")


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
    event = chance.choice(log.events())
    column = chance.randrange(len(COLUMNS))
    log.set(event.position, COLUMNS[column], flipped(event.values[column], chance))
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


ALTERING = [flip_a_byte, flip_a_byte, flip_a_byte, move_one, delete_one, swap_two, insert_one]


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


def first_bad(log: Log) -> Damage:
    bad = verify(Open(log)).first_bad
    assert bad is not None
    return bad


def test_every_mutilation_is_found_and_the_first_bad_record_named(each_store: str, store: Any) -> None:
    for seed in range(MUTILATIONS[each_store]):
        with altering(store) as log:
            chance = random.Random(seed)
            alteration = chance.choice(ALTERING)
            bad = alteration(log, chance)
            found = verify(Open(log)).first_bad
            assert found is not None, (seed, alteration)
            assert found.position in bad, (seed, alteration, found)
    assert verify(store).first_bad is None


@pytest.mark.parametrize("column", COLUMNS)
def test_no_column_of_an_event_can_be_altered(store: Any, column: str) -> None:
    with altering(store) as log:
        event = log.events()[100]
        log.set(event.position, column, flipped(event.values[COLUMNS.index(column)], random.Random(1)))
        assert first_bad(log).position == event.position


def test_who_deletes_an_event_leaves_its_account_named(store: Any) -> None:
    with altering(store) as log:
        (gone,) = [event for event in log.events() if event.values[:2] == ["account:C-1001", 5]]
        log.delete(gone.position)
        assert first_bad(log) == ("C-1001", gone.position, "the event recorded there, of account:C-1001, is missing")


def test_a_whole_account_that_was_deleted_is_missed(store: Any) -> None:
    with altering(store) as log:
        gone = [event for event in log.events() if event.values[0] == "account:C-1001"]
        for event in gone:
            log.delete(event.position)
        assert first_bad(log)[:2] == ("C-1001", gone[0].position)


def test_a_log_whose_end_was_cut_is_shorter_than_it_was_said_to_be(store: Any) -> None:
    with altering(store) as log:
        *_, before, last = log.events()
        log.delete(last.position)
        assert first_bad(log).position == last.position
        log.writing.rows("UPDATE clock SET position = ? RETURNING 1", before.position)
        assert first_bad(log) == (None, before.position, "what is kept of the log's end was altered")


def test_an_event_put_behind_the_end_is_none(store: Any) -> None:
    with altering(store) as log:
        last = log.events()[-1]
        log.insert(last.position + 7, ["account:C-1001", 1_000, *last.values[2:]])
        assert first_bad(log) == ("C-1001", last.position + 7, "event 1000 of account:C-1001 stands behind the end of the log")


def test_an_event_that_follows_another_one_than_its_stream_says_is_found_though_its_hash_is_right(store: Any) -> None:
    with altering(store) as log:
        before, last = log.events()[-2:]
        stream, version, topic, state, recorded_at, actor, *_ = last.values
        another = sha256(b"another event").digest()
        own = hashed(another, before.values[-1], last.position, stream, version, topic, state, recorded_at, actor)
        log.set(last.position, "previous_hash", another)
        log.set(last.position, "hash", own)
        log.writing.rows("UPDATE clock SET hash = ? RETURNING 1", own)
        assert first_bad(log).reason.endswith("does not follow the event before it in its stream")


@pytest.mark.parametrize(
    "alteration", ["UPDATE accounts SET version = version - 1 WHERE account = 'C-1003'", "DELETE FROM accounts WHERE account = 'C-1003'"]
)
def test_an_account_whose_row_is_not_of_its_last_event_is_named(store: Any, alteration: str) -> None:
    alter(store, alteration)
    bad = verify(store).first_bad
    assert bad is not None
    assert (bad.account, bad.reason[-7:]) == ("C-1003", "rebuild")
    rebuild(store)
    assert verify(store).first_bad is None


def test_what_is_told_later_is_chained_to_what_was_told_before_a_rebuild(store: Any) -> None:
    events = verify(store).events
    fed(store, sample(900, seed=5, accounts=12))
    assert rebuild(store).equal
    outcome = verify(store)
    assert outcome.first_bad is None
    assert outcome.events > events + 300


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


def test_the_chain_is_what_the_readme_says(store: Any) -> None:
    with store.reading() as moment:
        rows = moment.rows(f"SELECT {moment.position}, {', '.join(COLUMNS)} FROM stored_events ORDER BY {moment.position}")
    assert {row[6] for row in rows} == {None, "m.vogt"}
    log = bytes(32)
    streams: dict[str, bytes] = {}
    for position, *told, in_stream, own in rows:
        assert in_stream == streams.get(told[0], bytes(32))
        assert own == hashed(in_stream, log, position, *told)
        log = streams[told[0]] = own


def test_the_chain_is_the_same_on_every_database(tmp_path: Path) -> None:
    store = opened(tmp_path / "golden.db")
    fed(store, [written(example(type_)) for type_ in ("erp.order.confirmed.v1", "erp.payment.received.v1", "erp.fx_rate.published.v1")])
    with store.reading() as moment:
        assert moment.log_end().hash.hex() == GOLDEN


def test_the_command_proves_it_and_tells_damage_by_its_exit_code(fed_once: Path, tmp_path: Path) -> None:
    store, path = copied(fed_once, tmp_path / "exposure.db"), tmp_path / "exposure.db"
    said = exposure("verify", "--json", store=path)
    assert (said.exit_code, said.json) == (0, {"ok": True, "events": verify(store).events, "first_bad": None})
    with store.reading() as moment:
        place = moment.position
    alter(store, f"UPDATE stored_events SET actor = 'nobody' WHERE {place} = 7")
    said = exposure("verify", "--json", store=path)
    assert (said.exit_code, said.json["ok"], said.json["events"], said.json["first_bad"]["position"]) == (3, False, 6, 7)
    assert "DAMAGED at position 7" in exposure("verify", store=path).out


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


def test_a_history_that_was_chained_anew_is_found_by_a_checkpoint_and_by_nothing_else(store: Any) -> None:
    checkpoint = made(store)
    assert verify(store, checkpoint=checkpoint).first_bad is None
    with altering(store) as log:
        chained_anew(log, 7)
        assert verify(Open(log)).first_bad is None
        bad = verify(Open(log), checkpoint=checkpoint).first_bad
        assert bad is not None
        assert (bad.position, "is not the one" in bad.reason) == (checkpoint.position, True)


def test_an_older_copy_is_found_by_a_checkpoint_and_what_came_after_it_is_none_of_its_business(store: Any, tmp_path: Path) -> None:
    store.datastore.close()
    older = copied(tmp_path / "exposure.db", tmp_path / "older.db")
    store = opened(tmp_path / "exposure.db")
    before = made(store)
    fed(store, sample(700, seed=5, accounts=12))
    assert verify(store, checkpoint=before).first_bad is None
    after = made(store)
    assert verify(older).first_bad is None
    bad = verify(older, checkpoint=after).first_bad
    assert bad is not None
    assert (bad.position, "an older copy" in bad.reason) == (before.position + 1, True)


def test_a_checkpoint_that_was_altered_is_not_signed(store: Any) -> None:
    checkpoint = made(store)
    assert checkpoint.is_signed
    for field, value in checkpoint._asdict().items():
        other = value + 1 if isinstance(value, int) else f"{value[:-1]}{'0' if value[-1] != '0' else '1'}"
        assert not checkpoint._replace(**{field: other}).is_signed, field


def test_the_command_makes_a_checkpoint_and_verifies_beside_it(fed_once: Path, tmp_path: Path) -> None:
    path, key, file = tmp_path / "exposure.db", tmp_path / "key.pem", tmp_path / "checkpoint.json"
    store = copied(fed_once, path)
    said = exposure("checkpoint", "--key", key, "--json", store=path)
    assert (said.exit_code, key.stat().st_mode & 0o077) == (0, 0)
    file.write_text(said.out)
    public = said.json["key"]
    assert exposure("verify", "--checkpoint", file, "--key", public, store=path).exit_code == 0
    assert "not with abcd" in exposure("verify", "--checkpoint", file, "--key", "abcd", store=path).err
    file.write_text(said.out.replace('"events":', '"events":1'))
    assert exposure("verify", "--checkpoint", file, "--json", store=path).json["error"]["code"] == "bad_checkpoint"
    alter(store, "UPDATE accounts SET version = version - 1 WHERE account = 'C-1003'")
    assert exposure("checkpoint", "--key", key, "--json", store=path).exit_code == 3
