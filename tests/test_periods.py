"""A period of an account that is over stays what it is: its days end where the account was known to be when they ended."""

from pathlib import Path
from typing import Any

import pytest

from projections.account import UnknownAccount
from projections.evidence import Period, period_of
from projections.when import instant_text
from schemas.jsontext import written
from tests.alerting import at
from tests.stores import fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, invoice, told

pytestmark = pytest.mark.usefixtures("each_store")


def period(store: Any, day: str) -> Period:
    with store.reading() as moment:
        return period_of(moment, ACCOUNT, at(day), "2026-01-01", "2026-01-31")


def moved(store: Any, day: str, version: int, zone: str) -> None:
    fed(store, [written(told("customer.changed", "2026-01-01", **{**CUSTOMER, "version": version, "timezone": zone}))], now=at(day))


def test_a_period_that_is_over_does_not_move_with_the_account(tmp_path: Path) -> None:
    store = opened(tmp_path / "store.db")
    moved(store, "2026-01-02", 1, "Europe/Berlin")
    before = period(store, "2026-02-02")
    assert [instant_text(one) for one in before[2:]] == ["2025-12-31T22:59:59.999999Z", "2026-01-31T22:59:59.999999Z"]
    moved(store, "2026-02-05", 2, "Pacific/Kiritimati")
    assert period(store, "2026-02-06") == before


def test_it_ends_where_the_account_was_known_to_be_by_then(tmp_path: Path) -> None:
    store = opened(tmp_path / "store.db")
    fed(store, [written(invoice("I-1", "2026-01-02", "1.00"))], now=at("2026-01-02"))
    moved(store, "2026-01-20", 1, "Pacific/Kiritimati")
    assert instant_text(period(store, "2026-02-02").known_at) == "2026-01-31T09:59:59.999999Z"


def test_before_anything_was_known_of_the_account_its_days_are_those_of_utc(tmp_path: Path) -> None:
    store = opened(tmp_path / "store.db")
    with pytest.raises(UnknownAccount):
        period(store, "2026-02-02")
    moved(store, "2026-02-05", 1, "Pacific/Kiritimati")
    assert instant_text(period(store, "2026-02-06").known_at) == "2026-01-31T23:59:59.999999Z"
