"""Since when something stands, where one item alone does not tell, or what was said holds no more."""

from pathlib import Path
from typing import Any

import pytest

from schemas.jsontext import written
from schemas.policies import DEFAULT
from tests.alerting import at, shown, told
from tests.stores import fed, opened
from tests.test_alert_policy import adopted, policy
from tests.test_rules import ACCOUNT, CUSTOMER, invoice, limit, payment, rate
from tests.test_rules import told as event

pytestmark = pytest.mark.usefixtures("each_store")


KNOWN = [event("customer.changed", "2026-01-01", **CUSTOMER), limit("L-1", "2026-01-01", "1000.00")]
FIRST = invoice("I-1", "2026-01-02", "100.00", due="2026-01-10")
SECOND = invoice("I-2", "2026-01-02", "100.00", due="2026-01-20")
PAID = payment("P-1", "2026-01-25", "100.00", {"invoice": "I-1", "amount": "100.00"})


def test_overdue_goes_on_from_an_item_that_was_paid_to_one_that_was_late_by_then(tmp_path: Path) -> None:
    store = opened(tmp_path / "s.db")
    fed(store, map(written, [*KNOWN, FIRST, SECOND, PAID]), now=at("2026-02-02"))
    assert shown(store, ACCOUNT, "2026-02-01") == [("overdue", 1, "2026-01-11")]


def test_what_was_said_to_stand_tells_no_more_once_an_earlier_day_was_told_of(tmp_path: Path) -> None:
    store = opened(tmp_path / "s.db")
    told(store, [*KNOWN, FIRST, SECOND], "2026-01-28")
    assert shown(store, ACCOUNT, "2026-01-28") == [("overdue", 1, "2026-01-11")]
    early = payment("P-1", "2026-01-15", "100.00", {"invoice": "I-1", "amount": "100.00"})
    fed(store, [written(early)], now=at("2026-01-29"))
    assert shown(store, ACCOUNT, "2026-01-28") == [("overdue", 1, "2026-01-21")]


def stood(store: Any) -> list[tuple[str, ...]]:
    """What stood and is over: the rule, since when, and until when."""
    with store.reading() as moment:
        return [(row[0], row[1], row[2]) for row in moment.rows("SELECT rule, since, until FROM stood WHERE rule = 'overdue' ORDER BY until")]


def test_how_the_last_day_judged_ends_may_still_be_told_of(tmp_path: Path) -> None:
    store = opened(tmp_path / "s.db")
    told(store, [*KNOWN, FIRST], "2026-01-24")
    told(store, [PAID], "2026-01-25")
    assert stood(store) == []
    told(store, [event("payment.returned", "2026-01-25", payment="P-1")], "2026-01-26")
    assert stood(store) == []
    assert ("overdue", 1, "2026-01-11") in shown(store, ACCOUNT, "2026-01-24")


def test_what_was_over_on_the_day_that_is_told_of_late_is_made_anew(tmp_path: Path) -> None:
    store = opened(tmp_path / "s.db")
    told(store, [*KNOWN, FIRST, PAID], "2026-02-02")
    assert stood(store) == [("overdue", "2026-01-11", "2026-01-25")]
    told(store, [event("payment.returned", "2026-01-25", payment="P-1")], "2026-02-03")
    assert stood(store) == []
    told(store, [event("payment.return_cancelled", "2026-01-30", payment="P-1")], "2026-02-04")
    assert stood(store) == [("overdue", "2026-01-11", "2026-01-30")]


def test_a_rate_that_comes_late_tells_of_days_on_which_what_is_paid_by_now_was_open(tmp_path: Path) -> None:
    """Nothing is open in that currency any more when it comes, nor has been since the account was judged before."""
    store = opened(tmp_path / "s.db")
    foreign = invoice("I-1", "2026-01-05", "1500.00", currency="USD")
    paid = payment("P-1", "2026-01-20", "1500.00", {"invoice": "I-1", "amount": "1500.00"}, currency="USD")
    for day, news in (
        ("2026-01-05", [*KNOWN, rate("USD", "EUR", "2026-01-01", "0.5"), foreign]),
        ("2026-01-20", [paid]),
        ("2026-01-25", [invoice("I-2", "2026-01-25", "1.00")]),
        ("2026-02-01", [invoice("I-3", "2026-02-01", "1.00")]),
    ):
        told(store, news, day)
    assert told(store, [rate("USD", "EUR", "2026-01-27", "0.9")], "2026-02-05").accounts == 0, "nothing was open on that day, or has been since"
    assert told(store, [rate("USD", "EUR", "2026-01-10", "0.9")], "2026-02-11").accounts == 1
    assert shown(store, ACCOUNT, "2026-01-15") == [("over_limit", None, "2026-01-10")]
    assert shown(store, ACCOUNT, "2026-01-15", known_at=at("2026-02-10")) == []


def test_what_stood_as_known_before_another_policy_is_judged_by_the_one_of_then(tmp_path: Path) -> None:
    store = opened(tmp_path / "s.db")
    told(store, [*KNOWN, invoice("I-1", "2026-01-05", "850.00", due="2026-03-01")], "2026-01-10")
    adopted(store, policy('near_limit = "0.8"\nclear_below = "0.8"'), "2026-01-11")
    told(store, [], "2026-01-11")
    assert shown(store, ACCOUNT, "2026-01-10") == [("near_limit", None, "2026-01-05")]
    assert shown(store, ACCOUNT, "2026-01-10", known_at=at("2026-01-10")) == []


@pytest.mark.parametrize("again", ["a rate that nothing is converted at", "another policy and back"])
def test_what_was_told_late_is_still_known_to_be_so_when_an_account_is_judged_again_for_something_else(tmp_path: Path, again: str) -> None:
    store = opened(tmp_path / "s.db")
    told(store, [*KNOWN, rate("USD", "EUR", "2026-01-01", "0.5"), FIRST, invoice("I-8", "2026-01-03", "1.00", currency="USD")], "2026-01-28")
    told(store, [payment("P-1", "2026-01-15", "100.00", {"invoice": "I-1", "amount": "100.00"})], "2026-01-29")
    told(store, [invoice("I-9", "2026-02-02", "1.00", due="2026-03-30")], "2026-02-02")
    assert ("overdue", 1, "2026-01-11") in shown(store, ACCOUNT, "2026-01-28", known_at=at("2026-01-28"))
    if again.startswith("a rate"):
        told(store, [rate("USD", "JPY", "2026-01-05", "160")], "2026-02-03")
    else:
        for judged_by in (policy("oldest_open_item_days = 30"), DEFAULT):
            adopted(store, judged_by, "2026-02-03")
            told(store, [], "2026-02-03")
    assert ("overdue", 1, "2026-01-11") in shown(store, ACCOUNT, "2026-01-28", known_at=at("2026-01-28"))
    assert ("overdue", 1, "2026-01-11") not in shown(store, ACCOUNT, "2026-01-28")
