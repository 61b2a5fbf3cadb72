"""Cost does not grow with history, nor memory with accounts; ratios of processor time. Large volumes: ``make test-long``."""

import json
import time
from collections.abc import Iterable, Iterator
from itertools import count
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Record, Source
from exposure.ledger.replay import Replay
from exposure.ledger.stores.sqlite import open_sqlite
from service.sample import sample

OPEN = 200


class Feeder:
    """One ledger of its own that is fed lines and says what it cost."""

    def __init__(self, path: Path) -> None:
        self.ledger = Ledger(open_sqlite(str(path), create=True), lambda: 1)
        self.numbers = count()
        self.position = 0

    def seconds(self, lines: Iterable[bytes]) -> float:
        records = [Record(line, 0) for line in lines]
        began = time.process_time()
        for _ in self.ledger.take_all(self.batches(records)):
            pass
        return time.process_time() - began

    def batches(self, records: list[Record]) -> Iterator[tuple[list[Record], Source]]:
        for start in range(0, len(records), 1000):
            batch = records[start : start + 1000]
            yield batch, Source("scale", "scale", self.position, self.position + len(batch))
            self.position += len(batch)

    def event(self, type_: str, data: dict[str, Any]) -> bytes:
        event = {"specversion": "1.0", "id": f"e{next(self.numbers)}", "source": "/erp/1", "type": f"erp.{type_}.v1", "subject": "C-1"}
        return json.dumps({**event, "time": "2026-01-05T10:00:00Z", "data": data}).encode()

    def invoice(self, number: int) -> bytes:
        money = {"currency": "EUR", "amount": "100.00"}
        return self.event("invoice.posted", {"invoice": f"I-{number}", "date": "2026-01-05", **money, "due": "2026-02-05"})

    def paid(self, number: int) -> bytes:
        allocation = {"invoice": f"I-{number}", "amount": "100.00"}
        return self.event(
            "payment.received", {"payment": f"P-{number}", "date": "2026-01-06", "currency": "EUR", "amount": "100.00", "allocations": [allocation]}
        )

    def going_on(self, first: int, many: int) -> list[bytes]:
        """New invoices, each with the payment of the one that has been open longest: so many stay open."""
        return [line for number in range(first, first + many) for line in (self.invoice(number), self.paid(number - OPEN))]


@pytest.mark.parametrize("documents", [4_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_an_event_costs_the_same_on_an_account_with_a_long_history(tmp_path: Path, documents: int) -> None:
    young, old = Feeder(tmp_path / "young.db"), Feeder(tmp_path / "old.db")
    for feeder in (young, old):
        feeder.seconds(feeder.invoice(number) for number in range(OPEN))
    old.seconds(old.going_on(OPEN, documents // 2))
    ratios = []
    for run in range(7):
        of_young = young.seconds(young.going_on(OPEN + run * 500, 500))
        of_old = old.seconds(old.going_on(OPEN + documents // 2 + run * 500, 500))
        ratios.append(of_old / of_young)
    print(f"{documents} documents, {OPEN} open, against {OPEN}, all open: cost per event × {median(ratios):.2f}")
    assert median(ratios) <= 1.3


def replay_seconds(feeder: Feeder) -> float:
    """For each event, of this process: the least of three times."""
    times = []
    with feeder.ledger.store.reading() as moment:
        for _ in range(3):
            replay, began = Replay("C-1"), time.process_time()
            replay.fold_until(moment, moment.last_position() + 1)
            times.append((time.process_time() - began) / replay.head.version)
    return min(times)


@pytest.mark.parametrize("documents", [10_000, pytest.param(100_000, marks=pytest.mark.long)])
def test_an_event_is_replayed_at_the_same_cost_however_many_were_before(tmp_path: Path, documents: int) -> None:
    young, old = Feeder(tmp_path / "young.db"), Feeder(tmp_path / "old.db")
    for feeder, many in ((young, 1_000), (old, documents // 2)):
        feeder.seconds(feeder.invoice(number) for number in range(OPEN))
        feeder.seconds(feeder.going_on(OPEN, many))
    times = replay_seconds(old) / replay_seconds(young)
    print(f"{documents} documents against 2,000: cost per event replayed × {times:.2f}")
    assert times <= 1.5


@pytest.mark.long
def test_a_hundred_thousand_accounts_cost_little_more_than_a_thousand(tmp_path: Path) -> None:
    many = 200_000
    seconds = {}
    for accounts, skew in ((1_000, 1.1), (100_000, 1.1), (100_000, 0.0)):
        feeder = Feeder(tmp_path / f"{accounts}-{skew}.db")
        seconds[accounts, skew] = feeder.seconds(sample(many, accounts=accounts, skew=skew))
    skewed = seconds[100_000, 1.1] / seconds[1_000, 1.1]
    print(f"100,000 accounts against 1,000: × {skewed:.2f} with the sample's skew, × {seconds[100_000, 0.0] / seconds[1_000, 1.1]:.2f} uniform")
    assert skewed <= 1.5
