"""What the worklist costs depends on what is on it, not on how many accounts there are; ratios of processor time."""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from projections.account import Asked
from projections.duties import KINDS
from projections.worklist import Wanted, worklist
from schemas.jsontext import written
from service.running.ticking import tick
from tests.alerting import at
from tests.stores import fed, opened
from tests.test_rules import limit
from tests.test_tick_cost import RUNS, grow, owing

FEW, MANY, DUE = 500, 5_000, 100
DAY = "2026-03-02"


def limits(accounts: int) -> Iterator[bytes]:
    """So that nobody is above one."""
    for number in range(accounts):
        run, place = divmod(number, DUE)
        yield written({**limit(f"L-{number}", "2026-01-01", "100.00"), "subject": f"C-{place}-{run}"})


def seconds(store: Any) -> float:
    began = time.process_time()
    with store.reading() as moment:
        assert len(worklist(moment, Asked(at(DAY)), Wanted(frozenset(KINDS)))["worklist"]) == DUE
    return time.process_time() - began


def test_the_worklist_costs_what_is_on_it(tmp_path: Path) -> None:
    stores = {accounts: opened(tmp_path / f"{accounts}.db") for accounts in (FEW, MANY)}
    for store in stores.values():
        fed(store, [*owing(FEW, DUE), *limits(FEW)], now=at("2026-01-12"), batch=1_000)
        tick(store, lambda: at("2026-01-12"))
    grow(tmp_path / f"{MANY}.db", MANY - FEW, like=f"C-0-{RUNS}")
    for store in stores.values():
        assert tick(store, lambda: at(DAY)).raised == DUE
    ratios = [seconds(stores[MANY]) / seconds(stores[FEW]) for _ in range(RUNS)]
    assert median(ratios) <= 3, "a hundred things to do among ten times as many accounts"
