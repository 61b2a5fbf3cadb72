"""What a day in the past costs to ask about depends on what was open on it, not on how long the account has been there; ratios of processor time."""

import time
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from exposure.ledger.encoding import decode_document
from projections.account import Asked, show
from schemas.jsontext import written
from service.ticking import tick
from tests.alerting import at
from tests.stores import fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, invoice, limit, payment
from tests.test_rules import told as event

DOCUMENTS, OPEN, DAYS, RUNS = 100_000, 200, 1_000, 7
FIRST = date(2023, 1, 2)
LAST = FIRST + timedelta(days=DAYS)


def going_on(documents: int, max_amount: str) -> Iterator[bytes]:
    """Every day as many invoices, each with the payment of the one that has been open longest; now and then one is never paid."""
    yield written(event("customer.changed", "2023-01-01", **CUSTOMER))
    yield written(limit("L-1", "2023-01-01", max_amount))
    invoices = documents // 2
    for number in range(invoices):
        day = FIRST + timedelta(days=number * DAYS // invoices)
        yield written(invoice(f"I-{number}", day.isoformat(), "100.00", due=(day + timedelta(days=30)).isoformat()))
        if number >= OPEN and number % (invoices // 10) != OPEN:
            yield written(payment(f"P-{number}", day.isoformat(), "100.00", {"invoice": f"I-{number - OPEN}", "amount": "100.00"}))


def seconds(store: Any, day: str) -> tuple[float, float]:
    """To answer, and to read what was open on the day."""
    began = time.process_time()
    with store.reading() as moment:
        shown = show(moment, ACCOUNT, Asked(at("2040-01-01"), day))
    answered = time.process_time()
    with store.reading() as moment:
        documents = [decode_document(key, version, state) for key, version, _, _, state in moment.documents_on(ACCOUNT, day, None)]
    assert shown["alerts"]
    assert OPEN <= len(documents) <= OPEN + 20
    return answered - began, time.process_time() - answered


@pytest.mark.parametrize("max_amount", ["10000000.00", "5000.00"], ids=["below its limit", "over it for years"])
@pytest.mark.long
def test_a_day_in_the_past_costs_what_was_open_on_it(tmp_path: Path, max_amount: str) -> None:
    store = opened(tmp_path / "store.db")
    now = at(LAST.isoformat())
    fed(store, going_on(DOCUMENTS, max_amount), now=now, batch=1_000)
    tick(store, lambda: now)
    for days in (300, 600, DAYS - 10):
        day = (FIRST + timedelta(days=days)).isoformat()
        both = [seconds(store, day) for _ in range(RUNS)]
        ratio = median(asked / read for asked, read in both)
        asked, read = (median(times) * 1000 for times in zip(*both, strict=True))
        print(f"{DOCUMENTS} documents, as of {day}: {asked:.1f} ms against {read:.1f} ms for the rows alone, × {ratio:.2f}")
        assert ratio <= 3
