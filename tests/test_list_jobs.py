"""The list of many processes is, byte for byte, that of one; and what lies in the future is refused by every question."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from itertools import count
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from exposure.ledger.moment import MovedOn
from projections import portfolio
from projections.account import Asked
from schemas.jsontext import written
from service.asking.listing import list_accounts
from service.asking.sharing import Listed
from service.failures import Failure
from tests import stores
from tests.command import exposure
from tests.stores import DAY, NOW, fed, opened, url_of
from tests.test_rules import Json, told

ACCOUNTS = 9


def filled(path: Path) -> Any:
    store = opened(path)
    for turn in range(2):
        fed(store, [written(bill(turn, one)) for one in range(ACCOUNTS)], now=NOW + turn * DAY)
    return store


def bill(turn: int, one: int) -> Json:
    day = f"2026-02-1{turn % 10}"
    return told("invoice.posted", day, subject=f"C-{one}", invoice=f"I-{turn}-{one}", currency="EUR", amount=f"{one}.00", due="2026-02-12")


@pytest.mark.parametrize("known_at", [None, NOW])
def test_two_processes_make_the_list_of_one(each_store: str, path: Path, monkeypatch: pytest.MonkeyPatch, known_at: int | None) -> None:  # noqa: ARG001
    filled(path)
    monkeypatch.setattr(portfolio, "ACCOUNTS_AT_ONCE", 2)
    listed = Listed(Asked(NOW + 9 * DAY, "2026-02-28", known_at), ("total>0",), "-total", 5)
    one, two = (list_accounts(url_of(path), listed, jobs, quiet=True) for jobs in (1, 2))
    assert len(one["accounts"]) == 5
    assert one["totals"]["EUR"]["accounts"] == ACCOUNTS - 1
    assert written(one) == written(two)


def test_several_processes_make_a_list_while_somebody_holds_the_write_lock(each_store: str, path: Path) -> None:  # noqa: ARG001
    store, listed = filled(path), Listed(Asked(NOW + 9 * DAY, "2026-02-28"))
    alone = list_accounts(url_of(path), listed, 1, quiet=True)
    with store.writing(NOW + 2 * DAY):
        assert list_accounts(url_of(path), listed, 2, quiet=True) == alone


def test_several_processes_read_one_moment_however_much_is_written(each_store: str, path: Path) -> None:  # noqa: ARG001
    """Each line is of every account, so all accounts of one moment have as much."""
    store, listed, done = filled(path), Listed(Asked(NOW + 9 * DAY, "2026-02-28")), Event()

    def write() -> None:
        for turn in count(2):
            posted = [bill(turn, one) | {"id": f"{turn}/{one}"} for one in range(1, ACCOUNTS)]
            fed(store, map(written, posted), now=NOW + 2 * DAY + turn)
            if done.is_set():
                return

    with ThreadPoolExecutor(1) as writer:
        writing = writer.submit(write)
        try:
            lists = [list_accounts(url_of(path), listed, 2, quiet=True) for _ in range(3)]
        finally:
            done.set()
        writing.result()
    for one in lists:
        bills = {Decimal(row["exposure"]["total"]) / int(row["account"][2:]) for row in one["accounts"] if row["account"] != "C-0"}
        assert len(bills) == 1, one["accounts"]
    assert lists[0] != lists[-1], "the writer was idle: nothing is proved"


def test_a_moment_that_is_over_on_sqlite_is_read_by_nobody_under_its_name(path: Path) -> None:
    with stores.using(None):
        store = filled(path)
        with store.reading() as moment:
            name = moment.named()
            with store.reading(name) as other:
                assert other.named() == name
        fed(store, [b"not JSON"], now=0)
        with pytest.raises(MovedOn), store.reading(name):
            pass


def test_what_will_be_known_is_not_known(each_store: str, path: Path) -> None:  # noqa: ARG001
    filled(path)
    with pytest.raises(Failure, match="lies in the future") as refused:
        list_accounts(url_of(path), Listed(Asked(NOW, None, NOW + DAY + 1)), quiet=True)
    assert (refused.value.code, refused.value.exit_code) == ("not_known_yet", 2)
    assert list_accounts(url_of(path), Listed(Asked(NOW, None, NOW + DAY)), quiet=True)["accounts"], (
        "recorded by a clock that was ahead: it is the past"
    )


@pytest.mark.parametrize("group", ["alerts", "holds", "limit", "dead-letters"])
def test_a_list_that_is_not_named_takes_its_clocks_too(path: Path, group: str) -> None:
    filled(path)
    assert exposure(group, "--known-at", "2024-10-04T00:00:00Z", "--json", store=path).exit_code == 0
