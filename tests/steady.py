"""An account in steady business, however long: every day as many orders, each delivered, billed and paid a while later; recorded day by day."""

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

from exposure.ledger.ledger import Ledger
from schemas.jsontext import written
from service.deciding.checking import Request, check
from service.running.ticking import tick
from tests.alerting import at
from tests.stores import fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, Json, limit, told

FIRST = date(2023, 1, 2)
A_DAY = 5
DELIVERED, BILLED, PAID = 10, 20, 40
"""So many orders later."""
AT_ONCE, JUDGED = 2, 10
"""So many days are told at once, and judged and decided of at once."""


def day_of(number: int) -> str:
    return (FIRST + timedelta(days=number)).isoformat()


def event(kind: str, day: str, source: str, **data: Any) -> Json:
    """Departments have sources of their own."""
    return {**told(kind, day, currency="EUR", **data), "source": source}


def told_on(number: int) -> Iterator[Json]:
    day = day_of(number)
    for order in range(number * A_DAY, (number + 1) * A_DAY):
        yield event("order.confirmed", day, "/sales", order=f"O-{order}", version=1, lines=[{"line": "1", "value": "100.00"}])
        delivered, billed, paid = order - DELIVERED, order - BILLED, order - PAID
        if delivered >= 0:
            line = {"order": f"O-{delivered}", "line": "1", "value": "100.00"}
            yield event("delivery.posted", day, "/logistics", delivery=f"D-{delivered}", lines=[line])
        if billed >= 0:
            line = {"order": f"O-{billed}", "line": "1", "value": "100.00", "delivery": f"D-{billed}"}
            yield event("invoice.posted", day, "/finance", invoice=f"I-{billed}", amount="100.00", due=day_of(number + 30), lines=[line])
        if paid >= 0:
            to = [{"invoice": f"I-{paid}", "amount": "100.00"}]
            yield event("payment.received", day, "/finance", payment=f"P-{paid}", amount="100.00", allocations=to)


def in_business(path: Path, days: int, most: str = "1000000.00") -> Any:
    """The store of an account after so many days; ``most`` is its limit."""
    store, now = opened(path), [0]
    ledger = Ledger(store, lambda: now[0])
    lines = [told("customer.changed", "2023-01-01", **CUSTOMER), limit("L-1", "2023-01-01", most)]
    for first in range(0, days, AT_ONCE):
        now[0] = at(day_of(first + AT_ONCE - 1))
        lines += [line for number in range(first, first + AT_ONCE) for line in told_on(number)]
        fed(store, map(written, lines), ledger=ledger)
        lines = []
        if first % JUDGED == 0:
            tick(store, lambda: now[0])
            check(store, Request(ACCOUNT, f"N-{first}", "100.00"), lambda: now[0], "shop")
    return store
