"""A credit check that nobody else is in the way of, beside one bare SELECT of the same store: how many times as long does it take?

The account is an ordinary one (some thirty open documents), and every decision is a new one. A check is recorded before it is answered, so beside it
stands the least that it can take: a durable transaction that moves the store's clock and writes nothing else.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import quantiles
from typing import Any

from schemas.jsontext import written
from service.deciding.checking import Request, check
from tests import stores
from tests.test_rules import ACCOUNT, CUSTOMER, Json, line, told

OPEN, WARM, TIMES = 15, 50, 1_000


def now() -> int:
    return time.time_ns() // 1000


def history() -> list[Json]:
    """A customer with a limit, open invoices and open orders."""
    limit = told("limit.changed", "2026-01-01", limit="L-1", version=1, kind="base", amount="100000.00", currency="EUR")
    events = [told("customer.changed", "2026-01-01", **CUSTOMER), limit]
    for number in range(OPEN):
        events.append(told("invoice.posted", "2026-02-10", invoice=f"I-{number}", currency="EUR", amount="100.00", due="2026-03-10"))
        events.append(told("order.confirmed", "2026-02-01", order=f"O-{number}", version=1, currency="EUR", lines=[line("1", value="50.00")]))
    return events


def asking_times(server: str | None) -> dict[str, float]:
    """Medians and 99th percentiles of checks and of durable writes, as ratios to those of the bare SELECT; they take turns."""
    with tempfile.TemporaryDirectory() as folder, stores.using(server):
        store = stores.opened(Path(folder) / "asking.db")
        stores.fed(store, map(written, history()))

        def select(_: int) -> None:
            with store.reading() as moment:
                moment.rows("SELECT state FROM accounts WHERE account = ?", ACCOUNT)

        def write(_: int) -> None:
            with store.writing(now()):
                pass

        def checked(number: int) -> None:
            check(store, Request(ACCOUNT, f"N-{number}", "100.00"), now, "bench")

        seconds = timed([select, write, checked])
    return ratios(*seconds)


def timed(calls: list[Callable[[int], None]]) -> list[list[float]]:
    seconds: list[list[float]] = [[] for _ in calls]
    for number in range(WARM + TIMES):
        for of, one in zip(seconds, calls, strict=True):
            began = time.perf_counter()
            one(number)
            of.append(time.perf_counter() - began)
    return [of[WARM:] for of in seconds]


def ratios(select: list[float], write: list[float], checks: list[float]) -> dict[str, float]:
    cuts: dict[str, Any] = {name: quantiles(of, n=100) for name, of in (("select", select), ("write", write), ("check", checks))}
    figures = {f"{name}_p{part}": round(cuts[name][part - 1] / cuts["select"][part - 1], 1) for name in ("check", "write") for part in (50, 99)}
    told_ms = "   ".join(f"{name} p50 {of[49] * 1000:.2f} p99 {of[98] * 1000:.2f} ms" for name, of in cuts.items())
    print(f"{told_ms}   check / select p50 {figures['check_p50']} p99 {figures['check_p99']}", file=sys.stderr)
    return figures
