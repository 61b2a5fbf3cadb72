"""What a batch leaves is set aside from the collector of cycles, so nothing may be left in cycles: else a consumer grows with all it ever took."""

import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from weakref import ref

import pytest

from exposure.ledger import collector
from exposure.ledger.collector import collector_paused
from exposure.ledger.ledger import Ledger
from exposure.ledger.rebuild import rebuild
from exposure.ledger.records import Record, Source
from projections.account import Asked, show
from schemas.jsontext import written
from service.deciding.checking import Request, check
from service.deciding.reserving import reserve
from service.running.ticking import tick
from service.sample import sample
from tests.alerting import at
from tests.stores import DAY, FAR, fed, opened
from tests.test_rules import invoice

EVENTS, ACCOUNTS = 2_000, 20
SEEN, BATCH = 500, 100
FIXED_MAX = 200
"""Objects of a connection or two, however many accounts there are; the documents of one have more."""


@contextmanager
def cycles_counted() -> Iterator[Callable[[], int]]:
    """How many objects were left in cycles since."""
    gc.collect()
    gc.disable()
    try:
        yield gc.collect
    finally:
        gc.enable()


def test_nothing_that_a_consumer_does_leaves_accounts_in_cycles(each_store: str, tmp_path: Path) -> None:  # noqa: ARG001 (a store of its kind)
    store, lines = opened(tmp_path / "store.db"), list(sample(EVENTS, accounts=ACCOUNTS))
    acts: dict[str, Callable[[], Any]] = {
        "fed": lambda: fed(store, lines, now=FAR),
        "judged": lambda: tick(store, lambda: FAR),
        "told": lambda: tick(store, lambda: FAR + 40 * DAY, tells=True),
        "checked": lambda: [check(store, Request("C-1001", f"O-{place}", "1.00"), lambda: FAR + 40 * DAY, "shop") for place in range(5)],
        "reserved": lambda: [reserve(store, Request("C-1001", f"R-{place}", "1.00"), lambda: FAR + 40 * DAY, "shop") for place in range(5)],
        "shown": lambda: shown(store, None),
        "shown as known": lambda: shown(store, FAR),
        "rebuilt": lambda: rebuild(store),
    }
    for name, act in acts.items():
        with cycles_counted() as left:
            act()
            found = left()
        assert found <= FIXED_MAX, name


def shown(store: Any, known_at: int | None) -> None:
    with store.reading() as moment:
        for (account,) in moment.rows("SELECT account FROM accounts"):
            show(moment, account, Asked(FAR + 50 * DAY, None, known_at))


def test_memory_does_not_grow_with_the_accounts_that_a_consumer_ever_saw(each_store: str, tmp_path: Path) -> None:  # noqa: ARG001
    ledger = Ledger(opened(tmp_path / "store.db"), lambda: at("2026-03-01"), documents_in_memory=SEEN // 10)
    blocks = []
    for first in range(0, 4 * SEEN, BATCH):
        told = [{**invoice("I-1", "2026-01-12", "100.00"), "subject": f"C-{number}", "id": f"e{number}"} for number in range(first, first + BATCH)]
        ledger.take([Record(written(one), first + place) for place, one in enumerate(told)], Source("seen", "seen", first, first + BATCH))
        assert tick(ledger.store, lambda: at("2026-03-01"), tells=True).raised
        if (first + BATCH) % SEEN == 0:
            blocks.append(sys.getallocatedblocks())
    assert blocks[-1] - blocks[0] < 3 * SEEN, "less than one for each"


class InACycle:
    def __init__(self) -> None:
        self.itself = self


def test_what_was_set_aside_in_a_cycle_all_the_same_is_had_back_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "times", count(1))
    monkeypatch.setattr(collector, "ALL_LOOKED_THROUGH_EVERY", 3)
    with collector_paused():
        held = InACycle()
        left = ref(held)
    del held
    gc.collect()
    assert left() is not None, "it was set aside"
    for _ in range(2):
        with collector_paused():
            pass
    assert left() is None
