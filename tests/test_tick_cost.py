"""Letting time pass costs what it finds, not the number of accounts; ratios of processor time."""

import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from schemas.jsontext import written
from service.running.ticking import tick
from tests.alerting import at
from tests.stores import execute, fed, opened

RUNS = 3


def owing(accounts: int, due: int) -> Iterator[bytes]:
    """Accounts with an item each; of each run so many fall due the day before its own, the others never."""
    for number in range(accounts):
        run, place = divmod(number, due)
        due_on = f"2026-03-0{run + 1}" if run < RUNS else "2035-01-01"
        data = {"invoice": "I-1", "date": "2026-01-12", "currency": "EUR", "amount": "10.00", "due": due_on}
        event = {"specversion": "1.0", "id": f"e{number}", "source": "/erp", "type": "erp.invoice.posted.v1", "subject": f"C-{place}-{run}"}
        yield written({**event, "time": "2026-01-12T09:30:00Z", "data": data})


def seconds(store: Any, day: str, found: int) -> float:
    began = time.process_time()
    assert tick(store, lambda: at(day)).accounts == found
    return time.process_time() - began


def grow(path: Path, many: int, like: str) -> None:
    """Puts so many accounts beside those of a store, row by row like one of them."""
    numbers = f"WITH RECURSIVE numbers (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM numbers WHERE number < {many})"
    for table in ("accounts", "documents", "alert_states"):
        columns = ", ".join(name for (name,) in execute(path, f"SELECT name FROM pragma_table_info('{table}') WHERE name <> 'account'"))
        execute(
            path,
            f"INSERT INTO {table} (account, {columns}) {numbers} SELECT 'D-' || number, {columns} FROM {table}, numbers WHERE account = '{like}'",
        )


@pytest.mark.parametrize(
    ("few", "many", "due"), [(500, 5_000, 100), pytest.param(10_000, 1_000_000, 1_000, marks=pytest.mark.long)], ids=["some", "a million"]
)
def test_a_tick_costs_what_it_finds(tmp_path: Path, few: int, many: int, due: int) -> None:
    stores = {accounts: opened(tmp_path / f"{accounts}.db") for accounts in (few, many)}
    for store in stores.values():
        fed(store, owing(few, due), now=at("2026-01-12"), batch=1_000)
        assert tick(store, lambda: at("2026-01-12")).accounts == few
    grow(tmp_path / f"{many}.db", many - few, like=f"C-0-{RUNS}")
    ratios = []
    for run in range(RUNS):
        of_few, of_many = (seconds(store, f"2026-03-0{run + 2}", due) for store in stores.values())
        ratios.append(of_many / of_few)
    print(f"{due} due among {many:,} accounts against {few:,}: × {median(ratios):.2f}")
    assert median(ratios) <= 5
