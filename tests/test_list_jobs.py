"""The list of many processes is, byte for byte, that of one; and what lies in the future is refused by every question."""

from pathlib import Path
from typing import Any

import pytest

from projections import portfolio
from projections.account import Asked
from schemas.jsontext import written
from service.failures import Failure
from service.listing import Listed, list_accounts
from tests.command import exposure
from tests.stores import DAY, NOW, fed, opened, url_of
from tests.test_rules import told

ACCOUNTS = 9


def filled(path: Path) -> Any:
    store = opened(path)
    for turn in range(2):
        posted = [
            {
                **told("invoice.posted", f"2026-02-1{turn}", invoice=f"I-{turn}-{one}", currency="EUR", amount=f"{one}.00", due="2026-02-12"),
                "subject": f"C-{one}",
            }
            for one in range(ACCOUNTS)
        ]
        fed(store, map(written, posted), now=NOW + turn * DAY)
    return store


@pytest.mark.parametrize("known_at", [None, NOW])
def test_two_processes_make_the_list_of_one(each_store: str, path: Path, monkeypatch: pytest.MonkeyPatch, known_at: int | None) -> None:  # noqa: ARG001
    filled(path)
    monkeypatch.setattr(portfolio, "ACCOUNTS_AT_ONCE", 2)
    listed = Listed(Asked(NOW + 9 * DAY, "2026-02-28", known_at), ("total>0",), "-total", 5)
    one, two = (list_accounts(url_of(path), listed, jobs, quiet=True) for jobs in (1, 2))
    assert len(one["accounts"]) == 5
    assert one["totals"]["EUR"]["accounts"] == ACCOUNTS - 1
    assert written(one) == written(two)


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
