"""What the ledger promises: recorded time never falls, a name is told once, a position has one reader, and a thrown-away key erases a person."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from eventsourcing.persistence import IntegrityError

from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Record, Source
from projections.account import Asked, show
from projections.dead_letters import dead_letters
from projections.history import history
from schemas.jsontext import written
from service.sample import sample
from tests.stores import DAY, NOW, alter, derived, fed, kept, log, names, opened, tables

pytestmark = pytest.mark.usefixtures("each_store")

LINES = list(sample(600, seed=2, accounts=4))
PERSON = "Wilhelmina Quastenberg"
CONTACT = "w.quastenberg@invented.example"
NO_ROOM = {
    "sqlite": "CREATE TRIGGER full_names BEFORE INSERT ON names BEGIN SELECT RAISE(ABORT, 'no_room'); END",
    "postgresql": "ALTER TABLE names ADD CONSTRAINT no_room CHECK (false) NOT VALID",
}
ROOM_AGAIN = {"sqlite": "DROP TRIGGER full_names", "postgresql": "ALTER TABLE names DROP CONSTRAINT no_room"}


def customer(id: str = "1", **data: Any) -> bytes:
    told = {"version": 1, "name": PERSON, "currency": "EUR", "contact": CONTACT, **data}
    return event(id, "erp.customer.changed.v1", "C-9", told)


def event(id: str, type: str, account: str, data: dict[str, Any]) -> bytes:
    envelope = {"specversion": "1.0", "id": id, "source": "/erp/1000", "type": type, "subject": account, "time": "2026-01-12T09:30:00Z"}
    return written({**envelope, "data": data})


def invoice(number: str, amount: str, account: str = "C-9") -> bytes:
    told = {"invoice": number, "date": "2026-01-12", "currency": "EUR", "amount": amount, "due": "2026-02-11"}
    return event(number, "erp.invoice.posted.v1", account, told)


def shown(store: Any, account: str = "C-9") -> Any:
    with store.reading() as moment:
        return show(moment, account, Asked(NOW, "2026-02-20", None))


def test_recorded_time_never_falls_though_the_clock_does(store: Any) -> None:
    clocks = [NOW, NOW - DAY, NOW - 9 * DAY, NOW + DAY, NOW]
    for number, now in enumerate(clocks):
        fed(store, [invoice(f"I-{number}", "10.00")], now=now)
    with store.reading() as moment:
        recorded = [row[0] for row in moment.rows(f"SELECT recorded_at FROM stored_events ORDER BY {moment.position}")]
        assert recorded == [NOW, NOW, NOW, NOW + DAY, NOW + DAY]
        assert moment.last_recorded() == NOW + DAY


def test_recorded_time_does_not_fall_behind_that_of_another_writer(path: Path, store: Any) -> None:
    fed(store, [invoice("I-1", "10.00")], now=NOW)
    fed(opened(path), [invoice("I-2", "10.00", "C-8")], now=NOW + DAY)
    fed(store, [invoice("I-3", "10.00"), b"unreadable"], now=NOW)
    with store.reading() as moment:
        assert [row[4] for row in moment.events("account:C-9")] == [NOW, NOW + DAY]
        assert [row[7] for row in moment.dead_letters()] == [NOW + DAY]


@pytest.mark.parametrize("in_one_batch", [True, False])
def test_a_name_told_again_with_other_content_is_a_dead_letter_and_takes_no_name(store: Any, in_one_batch: bool) -> None:
    first, other = invoice("I-1", "10.00"), invoice("I-1", "11.00")
    counts = fed(store, [first, other, other, first], batch=4 if in_one_batch else 1)
    assert (counts.read, counts.recorded, counts.duplicates, counts.dead_letters) == (4, 1, 2, 1)
    assert len(names(store)) == 1
    with store.reading() as moment:
        (letter,) = dead_letters(moment)
    assert (letter["code"], letter["account"], letter["record"]) == ("name_reused", "C-9", other.decode())
    assert shown(store)["exposure"]["receivables"] == "10.00"


def test_a_dead_letter_takes_no_name_so_that_its_event_can_still_be_told(store: Any) -> None:
    counts = fed(store, [invoice("I-1", "10.001"), invoice("I-1", "10.00")])
    assert (counts.recorded, counts.dead_letters) == (1, 1)
    assert len(names(store)) == 1


def test_a_reader_that_was_overtaken_writes_nothing(path: Path, store: Any) -> None:
    """A zombie stands where its source no longer is; even what nobody else told is not taken from it."""
    records = [Record(line, place) for place, line in enumerate(LINES)]
    ledger, zombie = Ledger(store, lambda: NOW), Ledger(opened(path), lambda: NOW)
    ledger.take(records[:100], Source("input", "input#1", 0, 100))
    zombie.take(records[100:200], Source("input", "input#1", 100, 200))
    ledger.take(records[200:300], Source("input", "input#1", 200, 300))
    before = kept(store)
    for overtaken in (Source("input", "input#1", 200, 300), Source("input", "input#1", 0, 600), Source("input", "input#1", 250, 260)):
        with pytest.raises(IntegrityError):
            zombie.take([*records[300:400], Record(b"unreadable", 400)], overtaken)
    assert kept(store) == before
    with store.reading() as moment:
        assert moment.positions() == [("input#1", 300)]


def test_a_batch_that_fails_leaves_nothing_behind_and_is_taken_when_told_again(each_store: str, store: Any) -> None:
    ledger = Ledger(store, lambda: NOW)
    fed(store, LINES[:300], ledger=ledger)
    before = kept(store)
    with store.writing(0) as writing:
        writing.cursor.execute(NO_ROOM[each_store])
    with pytest.raises(IntegrityError, match="no_room"):
        fed(store, [*LINES[300:], b"unreadable"], ledger=ledger)
    assert kept(store) == before
    with store.writing(0) as writing:
        writing.cursor.execute(ROOM_AGAIN[each_store])
    fed(store, [*LINES[300:], b"unreadable"], ledger=ledger)
    assert len(log(store)) == len(LINES)


def forget(store: Any, account: str) -> None:
    alter(store, "DELETE FROM account_keys WHERE account = ?", account)


def history_of(store: Any, account: str = "C-9") -> list[Any]:
    with store.reading() as moment:
        return list(history(moment, account))


def test_personal_fields_are_read_until_the_key_is_thrown_away(store: Any) -> None:
    fed(store, [customer(), invoice("I-1", "10.00"), b'{"subject":"C-9","name":"%s"}' % PERSON.encode()])
    figures, rows, events = shown(store), derived(store), log(store)
    assert [told.get("personal") for told in history_of(store)] == [{"name": PERSON, "contact": CONTACT}, None]
    with store.reading() as moment:
        states = moment.rows(f"SELECT state FROM stored_events ORDER BY {moment.position}")
    forget(store, "C-9")
    assert [told["personal"] for told in history_of(store) if "personal" in told] == [None]
    assert (shown(store), derived(store), log(store)) == (figures, rows, events)
    with store.reading() as moment:
        assert moment.rows(f"SELECT state FROM stored_events ORDER BY {moment.position}") == states
        assert [letter["record"] for letter in dead_letters(moment)] == [None]


@pytest.mark.parametrize("unknown", [{}, {"nickname": PERSON}])
def test_nothing_in_the_store_spells_a_persons_name(store: Any, unknown: dict[str, Any]) -> None:
    """Neither the events and what is derived from them, nor names, dead letters and the outbox."""
    unreadable = [customer(name=[PERSON]), customer(name=PERSON, version="no"), customer(contact={PERSON: 1.5}, country=PERSON, date="no")]
    counts = fed(store, [customer("1", **unknown), *unreadable, customer(segment="trade"), b"%s is not JSON" % PERSON.encode()])
    assert (counts.recorded, counts.dead_letters) == (1, 5)
    says_nothing_of_the_person(store)


@pytest.mark.parametrize("field", ["currency", "timezone"])
def test_a_persons_name_in_the_wrong_field_is_not_spelled_either(store: Any, field: str) -> None:
    fed(store, [customer("1", **{field: PERSON})])
    says_nothing_of_the_person(store)


def says_nothing_of_the_person(store: Any) -> None:
    spelled = bytes_of(store)
    assert b"C-9" in spelled
    for secret in (PERSON, PERSON.split()[1], CONTACT):
        assert secret.encode() not in spelled


def bytes_of(store: Any) -> bytes:
    """Every value of every table."""
    with store.reading() as moment:
        values = [value for table in sorted(tables(store)) for row in moment.rows(f"SELECT * FROM {table}") for value in row]
    return b"\n".join(value if isinstance(value, bytes) else str(value).encode() for value in values)


def test_a_person_who_comes_back_after_the_erasure_has_a_history_without_the_erased(store: Any) -> None:
    fed(store, [customer()])
    forget(store, "C-9")
    fed(store, [customer(id="2", version=2)])
    assert [told["personal"] for told in history_of(store)] == [None, {"name": PERSON, "contact": CONTACT}]


class Late:
    """A store that writes a batch only when the next one has been read: what the next knows of it, it does not know from the store."""

    def __init__(self, store: Any, batches: int) -> None:
        self.store = store
        self.reads = [Event() for _ in range(batches)]
        self.started = self.written = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    @contextmanager
    def reading(self) -> Iterator[Any]:
        with self.store.reading() as moment:
            yield moment
        if self.started < len(self.reads):
            self.reads[self.started].set()
            self.started += 1

    def writing(self, _now: int) -> Any:
        raise AssertionError("a batch was decided again: it did not know of the one before")

    def write(self, batch: Any) -> Any:
        self.written += 1
        if self.written < len(self.reads):
            assert self.reads[self.written].wait(10)
        return self.store.write(batch)


def test_what_a_batch_has_not_written_yet_is_known_to_the_next(path: Path, tmp_path: Path) -> None:
    """Its names and their contents, its accounts, keys, dead letters, and how far each currency's rates have come."""
    rate = {"base": "USD", "quote": "EUR", "rate": "0.9", "date": "2026-01-12"}
    first = [customer("1"), invoice("I-1", "10.00"), event("R-1", "erp.fx_rate.published.v1", "USD", rate), b"unreadable"]
    news = [customer("2", version=2), invoice("I-2", "10.00"), event("R-2", "erp.fx_rate.published.v1", "USD", {**rate, "date": "2026-01-13"})]
    batches = [first, [*first, *news], [invoice("I-1", "11.00"), *news]]
    late, clean = Late(opened(path), len(batches)), opened(tmp_path / "clean.db")
    told = [([Record(line, place) for place, line in enumerate(lines)], Source("test")) for lines in batches]
    counts = list(Ledger(late, lambda: NOW).take_all(told))
    assert [(count.recorded, count.duplicates, count.dead_letters) for count in counts] == [(3, 0, 1), (3, 4, 0), (0, 3, 1)]
    for lines in batches:
        fed(clean, lines)
    Ledger(late.store, lambda: NOW).settle()
    assert (log(late.store), derived(late.store), names(late.store)) == (log(clean), derived(clean), names(clean))
    assert [told.get("personal") for told in history_of(late.store)] == [told.get("personal") for told in history_of(clean)]
