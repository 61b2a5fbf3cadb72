"""Alerts under a policy: thresholds with room between them, rules it switches on, severities; another one has every account judged anew."""

from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.acts.policies import adopt
from schemas.policies import SEVERITY, Policy
from schemas.policy_file import PolicyError, read_policy
from tests.alerting import Alert, Json, at, log, said, said_to_stand, shown, standing
from tests.alerting import told as fed_and_told
from tests.folding import Books
from tests.stores import opened
from tests.test_rules import ACCOUNT, CUSTOMER, delivery, invoice, limit, line, order, payment, rate, ref, to
from tests.test_rules import told as event

KNOWN = event("customer.changed", "2026-01-01", **CUSTOMER)
LIMIT = limit("L-1", "2026-01-01", "1000.00")


def policy(alerts: str, more: str = "") -> Policy:
    return read_policy(f'name = "P"\ncurrency = "EUR"\n[[class]]\n[class.alerts]\n{alerts}\n{more}')


DANCING = policy('near_limit = "0.9"\nclear_below = "0.8"')


def stands(judged_by: Policy, *events: Json, on: str) -> list[Alert]:
    """However the events arrive."""
    known = [KNOWN, *events]
    both = [standing(Books().take_all(arrived), ACCOUNT, on, judged_by) for arrived in (known, known[::-1])]
    assert both[0] == both[1]
    return both[0]


def exposures(*amounts: str) -> list[Json]:
    """An invoice that is replaced each day by one of another amount, from the first of February on."""
    told = []
    for place, amount in enumerate(amounts, 1):
        told.append(invoice(f"I-{place}", f"2026-02-{place:02}", amount, due="2026-06-01"))
        told.append(event("invoice.cancelled", f"2026-02-{place + 1:02}", invoice=f"I-{place}"))
    return told[:-1]


# ------------------------------------------------------------------ near the limit, with room between raised and cleared


@pytest.mark.parametrize(
    ("amounts", "expected"),
    [
        (["899.94"], []),
        (["900.00"], [("near_limit", "2026-02-01")]),
        (["900.00", "800.00"], [("near_limit", "2026-02-01")]),
        (["900.00", "799.94"], []),
        (["900.00", "799.94", "899.94"], []),
        (["900.00", "850.00", "900.00", "850.00"], [("near_limit", "2026-02-01")]),
        (["1000.01", "850.00"], [("near_limit", "2026-02-02")]),
        (["900.00", "1000.01"], [("over_limit", "2026-02-02")]),
    ],
    ids=["below", "raised", "still near", "cleared", "not near again before it is", "dancing is one stretch", "from above", "over"],
)
def test_once_near_its_limit_an_account_is_so_until_it_is_below_the_lower_threshold(amounts: list[str], expected: list[tuple[str, str]]) -> None:
    found = stands(DANCING, LIMIT, *exposures(*amounts), on=f"2026-02-{len(amounts):02}")
    assert found == [(rule, None, effective) for rule, effective in expected]


def test_whether_it_was_near_is_looked_for_as_far_back_as_it_takes() -> None:
    old = [limit("L-1", "2024-01-01", "1000.00"), invoice("I-1", "2024-02-01", "900.00", due="2030-01-01")]
    paid = payment("P-1", "2024-02-02", "80.00", to("I-1", "80.00"))
    assert stands(DANCING, *old, paid, on="2026-02-20") == [("near_limit", None, "2024-02-01")]
    assert stands(DANCING, old[0], invoice("I-1", "2024-02-01", "820.00", due="2030-01-01"), on="2026-02-20") == []


def test_an_account_is_judged_by_its_class_from_the_day_it_is_in_it() -> None:
    strict = policy("", '[[class]]\nrisk_class = "C"\n[class.alerts]\nnear_limit = "0.5"\nclear_below = "0.5"')
    owed = [LIMIT, invoice("I-1", "2026-02-01", "600.00", due="2026-06-01")]
    worse = event("customer.changed", "2026-02-10", **CUSTOMER | {"version": 2, "risk_class": "C"})
    assert stands(strict, *owed, on="2026-02-20") == []
    assert stands(strict, *owed, worse, on="2026-02-09") == []
    assert stands(strict, *owed, worse, on="2026-02-20") == [("near_limit", None, "2026-02-10")]


def test_the_limit_of_a_class_is_the_one_to_be_over() -> None:
    lent = read_policy('name = "P"\ncurrency = "EUR"\n[[class]]\nlimit = "500.00"')
    assert stands(lent, invoice("I-1", "2026-02-01", "500.01", due="2026-06-01"), on="2026-02-20") == [("over_limit", None, "2026-02-01")]
    assert stands(lent, invoice("I-1", "2026-02-01", "449.94", due="2026-06-01"), on="2026-02-20") == []


# ------------------------------------------------------------------ rules that a policy switches on


@pytest.mark.parametrize(("day", "expected"), [("2026-02-11", []), ("2026-02-12", [("oldest_open_item", None, "2026-02-12")])])
def test_an_open_item_is_too_old_the_day_after_its_days_counted_from_its_date(day: str, expected: list[Alert]) -> None:
    owed = [LIMIT, invoice("I-1", "2026-01-12", "400.00", due="2026-06-01")]
    assert stands(policy("oldest_open_item_days = 30"), *owed, on=day) == expected
    assert stands(policy(""), *owed, on=day) == []


def test_the_oldest_item_that_is_open_and_not_disputed_is_the_one_that_counts() -> None:
    rule = policy("oldest_open_item_days = 30")
    owed = [LIMIT, invoice("I-1", "2026-01-12", "400.00", due="2026-06-01"), invoice("I-2", "2026-01-20", "100.00", due="2026-06-01")]
    disputed = event("dispute.opened", "2026-02-15", dispute="X-1", invoice="I-1", amount="400.00")
    assert stands(rule, *owed, disputed, on="2026-02-16") == []
    assert stands(rule, *owed, disputed, on="2026-02-20") == [("oldest_open_item", None, "2026-02-20")]
    assert stands(rule, *owed, payment("P-1", "2026-02-20", "500.00", to("I-1", "400.00"), to("I-2", "100.00")), on="2026-02-20") == []


@pytest.mark.parametrize(("day", "expected"), [("2026-03-02", []), ("2026-03-03", [("review_due", None, "2026-03-03")])])
def test_a_limit_is_to_be_reviewed_the_day_after_its_days(day: str, expected: list[Alert]) -> None:
    rule = policy("review_due_days = 60")
    assert stands(rule, LIMIT, on=day) == expected
    assert stands(rule, LIMIT, limit("L-1", "2026-02-15", "1000.00", version=2), on=day) == []
    assert stands(rule, on=day) == [], "what was never set has nothing to be reviewed"


@pytest.mark.parametrize(("worth", "expected"), [("250.00", []), ("250.01", [("large_order", None, "2026-02-01")])])
def test_an_order_worth_more_than_the_amount_is_large(worth: str, expected: list[Alert]) -> None:
    found = stands(policy('large_order = "250.00"'), LIMIT, order("O-1", "2026-02-01", line("1", value=worth)), on="2026-02-20")
    assert found == expected


def test_an_order_is_large_by_its_text_until_nothing_of_it_is_open() -> None:
    rule = policy('large_order = "250.00"')
    large = [LIMIT, order("O-1", "2026-02-01", line("1", value="300.00"))]
    most = delivery("D-1", "2026-02-05", ref(order="O-1", line="1", value="299.00"))
    rest = delivery("D-2", "2026-02-06", ref(order="O-1", line="1", value="1.00"))
    assert stands(rule, *large, most, on="2026-02-05") == [("large_order", None, "2026-02-01")]
    assert stands(rule, *large, most, rest, on="2026-02-06") == []
    smaller = event("order.amended", "2026-02-04", order="O-1", version=2, currency="EUR", lines=[line("1", value="250.00")])
    assert stands(rule, *large, smaller, on="2026-02-04") == []


def test_the_amount_is_the_policys_and_is_converted_at_the_rate_of_the_day() -> None:
    rule = read_policy('name = "P"\ncurrency = "USD"\n[[class]]\n[class.alerts]\nlarge_order = "300.00"')
    large = [
        LIMIT,
        order("O-1", "2026-02-01", line("1", value="290.00")),
        rate("USD", "EUR", "2026-01-01", "1"),
        rate("USD", "EUR", "2026-02-10", "0.9"),
    ]
    assert [stands(rule, *large, on=day) for day in ("2026-02-09", "2026-02-10")] == [[], [("large_order", None, "2026-02-10")]]
    assert stands(rule, *large[:2], on="2026-02-10") == [], "without a rate nothing is compared"


@pytest.mark.parametrize(
    ("before", "after", "day", "expected"),
    [
        ("A", "B", "2026-02-10", [("score_fall", None, "2026-02-10")]),
        ("A", "C", "2026-05-10", [("score_fall", None, "2026-02-10")]),
        ("A", "B", "2026-05-11", []),
        ("B", "A", "2026-02-10", []),
        ("B", "B", "2026-02-10", []),
        ("A", "X", "2026-02-10", []),
        ("X", "B", "2026-02-10", []),
    ],
    ids=["worse", "the ninetieth day", "news no more", "better", "the same", "to an unknown one", "from an unknown one"],
)
def test_a_risk_class_that_got_worse_is_news_for_ninety_days(before: str, after: str, day: str, expected: list[Alert]) -> None:
    changes = [
        event("customer.changed", dated, **CUSTOMER | {"version": version, "risk_class": risk_class})
        for version, dated, risk_class in ((2, "2026-01-02", before), (3, "2026-02-10", after))
    ]
    assert stands(policy('score_falls_along = ["A", "B", "C"]'), LIMIT, *changes, on=day) == expected


# ------------------------------------------------------------------ how an account pays

SLOW = policy("slow_payment = { days = 10, recent_days = 30, before_days = 60, items = 2 }")


def settled(number: int, paid: str, late: int, amount: str = "100.00") -> list[Json]:
    """An item that is cleared on a day, so many days late."""
    due = (date.fromisoformat(paid) - timedelta(days=late)).isoformat()
    name = f"I-{number}"
    return [invoice(name, "2025-01-01", amount, due=due), payment(f"P-{number}", paid, amount, to(name, amount))]


def all_settled(*items: tuple[str, int]) -> list[Json]:
    return [one for number, (paid, late) in enumerate(items) for one in settled(number, paid, late)]


USUAL = all_settled(("2026-01-10", 2), ("2026-01-20", 4))
"""Three days late in the mean."""


@pytest.mark.parametrize(
    ("late", "expected"),
    [((13, 13), [("slow_payment", None, "2026-03-02")]), ((12, 13), []), ((3, 23), [("slow_payment", None, "2026-03-02")])],
    ids=["ten days more", "less", "in the mean"],
)
def test_an_account_pays_slowly_where_its_last_items_were_so_much_later_than_those_before(late: tuple[int, int], expected: list[Alert]) -> None:
    recent = [*settled(7, "2026-03-01", late[0]), *settled(8, "2026-03-02", late[1])]
    assert stands(SLOW, LIMIT, *USUAL, *recent, on="2026-03-05") == expected
    assert stands(policy(""), LIMIT, *USUAL, *recent, on="2026-03-05") == []


def test_items_weigh_by_their_amounts_and_early_ones_count_as_early() -> None:
    large, small = settled(7, "2026-03-01", 20, "900.00"), settled(8, "2026-03-01", -10, "100.00")
    assert stands(SLOW, LIMIT, *USUAL, *large, *small, on="2026-03-01") == [("slow_payment", None, "2026-03-01")]
    large, small = settled(7, "2026-03-01", 20, "100.00"), settled(8, "2026-03-01", -10, "900.00")
    assert stands(SLOW, LIMIT, *USUAL, *large, *small, on="2026-03-01") == []
    early = all_settled(("2026-01-10", -20), ("2026-01-20", -20))
    punctual = [*settled(7, "2026-03-01", 0), *settled(8, "2026-03-01", 0)]
    assert stands(SLOW, LIMIT, *early, *punctual, on="2026-03-01") == [("slow_payment", None, "2026-03-01")]


def test_too_few_items_in_either_window_say_nothing_and_time_alone_takes_them_out() -> None:
    recent = [*settled(7, "2026-03-01", 40), *settled(8, "2026-03-02", 40)]
    assert stands(SLOW, LIMIT, *USUAL[:2], *recent, on="2026-03-05") == []
    assert stands(SLOW, LIMIT, *USUAL, *recent[:2], on="2026-03-05") == []
    assert stands(SLOW, LIMIT, *USUAL, *recent, on="2026-03-30") == [("slow_payment", None, "2026-03-02")]
    assert stands(SLOW, LIMIT, *USUAL, *recent, on="2026-03-31") == [], "the first of them is thirty days ago"


def test_an_item_counts_once_all_of_it_is_cleared_by_its_last_due_day() -> None:
    parts = [{"due": "2026-01-15", "amount": "50.00"}, {"due": "2026-02-26", "amount": "50.00"}]
    split = event("invoice.posted", "2026-01-01", invoice="I-7", currency="EUR", amount="100.00", instalments=parts)
    paid = [payment("P-7", "2026-02-25", "50.00", to("I-7", "50.00")), payment("P-9", "2026-02-27", "50.00", to("I-7", "50.00"))]
    slow = settled(8, "2026-02-27", 30)
    assert stands(SLOW, LIMIT, *USUAL, split, *paid, *slow, on="2026-02-27") == [("slow_payment", None, "2026-02-27")]
    assert stands(SLOW, LIMIT, *USUAL, split, paid[0], *slow, on="2026-02-27") == [("overdue", 1, "2026-01-16")]


@pytest.mark.parametrize(
    "undone",
    [event("payment.returned", "2026-03-03", payment="P-8", amount="100.00"), event("invoice.cancelled", "2026-03-03", invoice="I-8")],
    ids=["returned", "cancelled"],
)
def test_what_is_open_again_or_cancelled_was_not_paid_from_that_day_on(undone: Json) -> None:
    recent = [*settled(7, "2026-03-01", 40), *settled(8, "2026-03-02", 40)]
    assert ("slow_payment", None, "2026-03-02") in stands(SLOW, LIMIT, *USUAL, *recent, undone, on="2026-03-02")
    assert "slow_payment" not in {rule for rule, *_ in stands(SLOW, LIMIT, *USUAL, *recent, undone, on="2026-03-03")}


def test_what_was_written_off_or_cancelled_was_not_cleared() -> None:
    owed = [invoice(f"I-{number}", "2026-01-01", "100.00", due="2026-01-20") for number in (7, 8)]
    given_up = [event("write_off.posted", "2026-03-02", write_off=f"W-{number}", invoice=f"I-{number}", amount="100.00") for number in (7, 8)]
    gone = [event("invoice.cancelled", "2026-03-02", invoice=f"I-{number}") for number in (7, 8)]
    assert stands(SLOW, LIMIT, *USUAL, *owed, *given_up, on="2026-03-05") == []
    assert stands(SLOW, LIMIT, *USUAL, *owed, *gone, on="2026-03-05") == []


# ------------------------------------------------------------------ what a policy may say


@pytest.mark.parametrize(
    ("alerts", "wrong"),
    [
        ('near_limit = "0.8"', "near_limit and clear_below belong together"),
        ('score_falls_along = ["A", "A"]', "names a risk class twice"),
        ('severity = { overdeu = "high" }', "'overdeu' is no alert"),
        ('severity = { overdue = "loud" }', "'low', 'medium' or 'high'"),
        ('concentration = "1.5"', "no share of at most 1"),
    ],
)
def test_what_is_wrong_in_the_alerts_of_a_policy_is_said(alerts: str, wrong: str) -> None:
    with pytest.raises(PolicyError, match=wrong):
        policy(alerts)


# ------------------------------------------------------------------ what is said under it


@pytest.fixture
def store(tmp_path: Path, each_store: str) -> Any:  # noqa: ARG001 (a store of its kind)
    return opened(tmp_path / "exposure.db")


OWED = [KNOWN, LIMIT, invoice("I-9", "2026-01-12", "850.00", due="2026-02-11")]


def adopted(store: Any, judged_by: Policy, day: str) -> None:
    assert adopt(store, lambda: at(day), judged_by, "m.vogt", "the board's decision")


def test_another_policy_has_every_account_judged_anew_from_its_first_day_on(store: Any) -> None:
    other = [{**one, "subject": "C-2", "id": f"{one['id']}-2"} for one in OWED[:2]]
    fed_and_told(store, [*OWED, *other], "2026-02-20")
    assert said(store, ACCOUNT) == ["raised overdue 1 2026-02-12"]
    adopted(store, policy('near_limit = "0.8"\nclear_below = "0.7"\nreview_due_days = 10'), "2026-02-21")
    assert fed_and_told(store, [], "2026-02-21").accounts == 2
    assert said(store, ACCOUNT)[1:] == ["raised near_limit 2026-01-12", "raised review_due 2026-01-12"]
    assert said(store, "C-2") == ["raised review_due 2026-01-12"]
    assert said_to_stand(store, ACCOUNT) == shown(store, ACCOUNT, "2026-02-21")
    adopted(store, policy('near_limit = "0.9"\nclear_below = "0.9"'), "2026-02-22")
    fed_and_told(store, [], "2026-02-22")
    assert said(store, ACCOUNT)[3:] == ["cleared near_limit 2026-01-12 corrected", "cleared review_due 2026-01-12 corrected"]


def test_what_was_near_when_it_was_judged_last_is_so_when_a_day_is_judged_by_itself(store: Any) -> None:
    adopted(store, DANCING, "2026-01-01")
    fed_and_told(store, [KNOWN, LIMIT], "2026-01-31")
    for day, events in groupby(exposures("950.00", "850.00", "950.00", "850.00"), key=lambda one: str(one["data"]["date"])):
        fed_and_told(store, events, day)
    assert said(store, ACCOUNT) == ["raised near_limit 2026-02-01"]


def test_time_alone_raises_what_a_policy_asks_for(store: Any) -> None:
    adopted(store, policy("oldest_open_item_days = 30\nreview_due_days = 60"), "2026-01-01")
    fed_and_told(store, OWED[:2], "2026-01-12")
    fed_and_told(store, [invoice("I-9", "2026-01-12", "50.00", due="2026-12-31")], "2026-01-12")
    assert fed_and_told(store, [], "2026-02-11").accounts == 0
    assert (fed_and_told(store, [], "2026-02-12").raised, fed_and_told(store, [], "2026-03-03").raised) == (1, 1)
    assert said(store, ACCOUNT) == ["raised oldest_open_item 2026-02-12", "raised review_due 2026-03-03"]


def test_a_store_reads_what_was_closed_long_ago_and_time_alone_clears_what_it_said(store: Any) -> None:
    adopted(store, SLOW, "2025-01-01")
    fed_and_told(store, [KNOWN, LIMIT, *USUAL], "2026-01-31")
    fed_and_told(store, [*settled(7, "2026-03-01", 40), *settled(8, "2026-03-02", 40)], "2026-03-02")
    assert said(store, ACCOUNT)[-1] == "raised slow_payment 2026-03-02"
    assert fed_and_told(store, [], "2026-03-31").cleared == 1
    assert said(store, ACCOUNT)[-1] == "cleared slow_payment 2026-03-31 ended"
    stood = [[one for one in shown(store, ACCOUNT, day) if one[0] == "slow_payment"] for day in ("2026-03-01", "2026-03-30", "2026-03-31")]
    assert stood == [[], [("slow_payment", None, "2026-03-02")], []]


def test_a_policy_says_how_serious_an_alert_is(store: Any) -> None:
    adopted(store, policy('severity = { overdue = "high" }'), "2026-01-01")
    fed_and_told(store, OWED, "2026-02-20")
    assert [(one["rule"], one["severity"]) for one in log(store, ACCOUNT)] == [("overdue", "high")]
    assert SEVERITY["overdue"] == "medium"
