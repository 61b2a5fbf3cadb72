"""The public receivables file through the engine: every customer at every month's end, against a second reading of the same rows."""

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from consumers.feed import feed
from exposure.ledger.ledger import Ledger
from projections.account import Asked, show
from projections.portfolio import portfolio
from projections.selection import Selection
from service.bringing_in.importing import Import, feed_import, write_import
from tests.ageing_from_csv import by_customer
from tests.command import exposure
from tests.stores import opened

FILE = Path(__file__).parents[2] / "shared" / "data" / "ibm-accounts-receivable.csv"
WANTED = Import(str(FILE), "ibm-receivables")
NOW = 1_900_000_000_000_000
MEMORY = 100_000
pytestmark = [
    pytest.mark.usefixtures("each_store"),
    pytest.mark.skipif(not FILE.exists(), reason=f"the public receivables file is not at {FILE}"),
]


def month_ends(first: date, last: date) -> Iterator[date]:
    day = first
    while day <= last:
        following = (day.replace(day=1) + timedelta(days=32)).replace(day=1)
        yield following - timedelta(days=1)
        day = following


MONTH_ENDS = list(month_ends(date(2012, 1, 1), date(2014, 1, 31)))


@pytest.fixture(scope="module")
def live(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    """The file imported straight into a store."""
    path = tmp_path_factory.mktemp("live") / "exposure.db"
    counts = feed_import(WANTED, opened(path), lambda: NOW, memory=MEMORY, tells=False)
    assert (counts.read, counts.recorded, counts.dead_letters) == (6154, 6154, 0)
    return path


@pytest.fixture(scope="module")
def shuffled(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    """The same events from a file, in any order and one in ten once more."""
    folder = tmp_path_factory.mktemp("shuffled")
    write_import(WANTED, folder / "told.jsonl")
    lines = (folder / "told.jsonl").read_bytes().splitlines(keepends=True)
    random_order = random.Random(11)
    lines += random_order.sample(lines, len(lines) // 10)
    random_order.shuffle(lines)
    (folder / "shuffled.jsonl").write_bytes(b"".join(lines))
    ledger = Ledger(opened(folder / "exposure.db"), lambda: NOW, documents_in_memory=MEMORY)
    counts = feed(ledger, str(folder / "shuffled.jsonl")).counts
    assert (counts.recorded, counts.duplicates) == (6154, 615)
    return folder / "exposure.db"


def listed(store: Any, day: date) -> list[dict[str, Any]]:
    with store.reading() as moment:
        accounts = portfolio(moment, Asked(NOW, day.isoformat()), Selection())["accounts"]
    return list(accounts)


def shown(store: Any, day: date) -> list[dict[str, Any]]:
    """Every account in full, its open items included."""
    with store.reading() as moment:
        return [show(moment, row[0], Asked(NOW, day.isoformat())) for row in moment.all_heads()]


def as_read_from_rows(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "receivables": Decimal(row["exposure"]["receivables"]),
        "overdue_amount": Decimal(row["overdue_amount"]),
        "days_overdue": row["days_overdue"],
        "disputed": Decimal(row["disputed"]),
        "ageing": {bucket: Decimal(amount) for bucket, amount in row["ageing"].items()},
    }


def test_every_customer_at_every_months_end_is_what_the_rows_say(live: Path) -> None:
    store = opened(live)
    assert len(MONTH_ENDS) == 25
    for day in MONTH_ENDS:
        assert {row["account"]: as_read_from_rows(row) for row in listed(store, day)} == by_customer(FILE, day), day


def test_the_order_of_arrival_and_repeats_change_nothing(live: Path, shuffled: Path) -> None:
    stores = [opened(path) for path in (live, shuffled)]
    for day in MONTH_ENDS:
        assert listed(stores[0], day) == listed(stores[1], day), day
    for day in MONTH_ENDS[::6]:
        assert shown(stores[0], day) == shown(stores[1], day), day


def test_a_months_end_through_the_command_line(live: Path) -> None:
    day = date(2013, 3, 31)
    rows = exposure("list", "--as-of", day.isoformat(), "--json", store=live).json["accounts"]
    assert {row["account"]: as_read_from_rows(row) for row in rows} == by_customer(FILE, day)
    again = exposure("import", FILE, "--mapping", "ibm-receivables", "--json", store=live).json
    assert again == {"read": 6154, "recorded": 0, "duplicates": 6154, "dead_letters": 0}
