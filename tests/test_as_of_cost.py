"""What a day costs to ask about depends on what was open on it, not on how long the account has been there; measured side by side."""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.encoding import decode_document
from projections.account import Asked, show
from schemas.jsontext import written
from service.running.ticking import tick
from tests import stores
from tests.alerting import at
from tests.stores import fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, Json, invoice, limit, payment, to
from tests.test_rules import told as event

pytestmark = pytest.mark.usefixtures("each_store")

OPEN, DAYS, ROUNDS = 200, 1_000, 50
FIRST = date(2023, 1, 2)
LAST = FIRST + timedelta(days=DAYS)
ON = (300, 600, DAYS - 10, DAYS + 10, 3 * DAYS)
"""Days of its life, and two after all that was told."""
TURN = 700
"""From this day on it pays in time, and is far below its limit."""
TIMES_MAX = 3


def known(max_amount: str) -> list[Json]:
    return [event("customer.changed", "2023-01-01", **CUSTOMER), limit("L-1", "2023-01-01", max_amount)]


def going_on(documents: int, max_amount: str) -> Iterator[Json]:
    """Every day as many invoices, each with the payment of the one that has been open longest; now and then one is never paid."""
    yield from known(max_amount)
    invoices = documents // 2
    for number in range(invoices):
        day = FIRST + timedelta(days=number * DAYS // invoices)
        yield invoice(f"I-{number}", day.isoformat(), "100.00", due=(day + timedelta(days=30)).isoformat())
        if number >= OPEN and number % (invoices // 10) != OPEN:
            yield payment(f"P-{number}", day.isoformat(), "100.00", to(f"I-{number - OPEN}", "100.00"))


def late_until_it_turns(documents: int) -> Iterator[Json]:
    """Always something is overdue, though each item is paid a few days late, and more is owed than the limit: until a day from which on it is not."""
    yield from known("5000.00")
    yield limit("L-1", (FIRST + timedelta(days=TURN)).isoformat(), "10000000.00", version=2)
    for number in range(documents // 2):
        place = number * DAYS * 2 // documents
        day = FIRST + timedelta(days=place)
        paid = day + timedelta(days=OPEN * DAYS * 2 // documents)
        due = paid - timedelta(days=3) if place < TURN else paid
        yield invoice(f"I-{number}", day.isoformat(), "100.00", due=due.isoformat())
        if paid <= LAST:
            yield payment(f"P-{number}", paid.isoformat(), "100.00", to(f"I-{number}", "100.00"))


def seconds(store: Any, day: str) -> tuple[float, float]:
    """Of this process, to answer, and to read what was open on the day, each by its number."""
    with store.reading() as moment:
        keys = [(ACCOUNT, key) for key, *_ in moment.documents_on(ACCOUNT, day, None)]
    began = time.process_time()
    with store.reading() as moment:
        show(moment, ACCOUNT, Asked(at("2040-01-01"), day))
    answered = time.process_time()
    with store.reading() as moment:
        documents = [decode_document(key, version, state) for _, key, version, state in moment.documents(keys)]
    read = time.process_time()
    assert OPEN / 2 <= len(documents) <= OPEN + 20
    return answered - began, read - answered


def stands(store: Any, day: str) -> set[str]:
    with store.reading() as moment:
        return {one["rule"] for one in show(moment, ACCOUNT, Asked(at("2040-01-01"), day))["alerts"]}


@pytest.mark.parametrize("documents", [4_000, pytest.param(100_000, marks=pytest.mark.long)])
@pytest.mark.parametrize("of", ["below its limit", "over it for years", "late and over it until it turned"])
def test_any_day_costs_what_was_open_on_it(tmp_path: Path, of: str, documents: int) -> None:
    store, now = opened(tmp_path / "store.db"), at(LAST.isoformat())
    told = {
        "below its limit": lambda: going_on(documents, "10000000.00"),
        "over it for years": lambda: going_on(documents, "5000.00"),
        "late and over it until it turned": lambda: late_until_it_turns(documents),
    }
    fed(store, map(written, told[of]()), now=now, batch=1_000)
    tick(store, lambda: now)
    expected = {"below its limit": {"overdue"}, "over it for years": {"over_limit", "overdue"}}.get(of)
    days = [(FIRST + timedelta(days=place)).isoformat() for place in ON]
    for place, day in zip(ON, days, strict=True):
        assert stands(store, day) == (expected or ({"over_limit", "overdue"} if place < TURN else {"overdue"} if place > DAYS else set()))
    # Each day has its turn in each round: what else the machine does for a while is no day's alone.
    for day, *runs in zip(days, *[[seconds(store, day) for day in days] for _ in range(ROUNDS)], strict=True):
        asked, read = (min(every) * 1000 for every in zip(*runs, strict=True))
        print(f"{documents} documents, {of}, as of {day}: {asked:.1f} ms against {read:.1f} ms for the rows alone, × {asked / read:.2f}")
        assert asked <= TIMES_MAX * read


def looked_at(store: Any, day: str) -> int:
    """So many steps SQLite takes to answer, or so many documents PostgreSQL reads."""
    steps = 0

    def step() -> int:
        nonlocal steps
        steps += 1
        return 0

    with store.reading() as moment:
        if stores.server is None:
            moment.cursor.sqlite_cursor.connection.set_progress_handler(step, 1)
        show(moment, ACCOUNT, Asked(at("2040-01-01"), day))
        if stores.server is None:
            moment.cursor.sqlite_cursor.connection.set_progress_handler(None, 1)
            return steps
        read = "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relname = 'documents'"
        return int(moment.rows(read)[0][0])


def test_what_closed_since_is_not_looked_through(tmp_path: Path) -> None:
    store, now = opened(tmp_path / "store.db"), at(LAST.isoformat())
    fed(store, map(written, going_on(4_000, "5000.00")), now=now, batch=1_000)
    tick(store, lambda: now)
    first, last = (looked_at(store, (FIRST + timedelta(days=place)).isoformat()) for place in (ON[0], DAYS - 1))
    assert OPEN < first <= 2 * last
