"""What is dunned, when, and what it costs: the rules of the ladder, by hand and as laws. A pure function: nothing is stored here."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.dunning import ItemKey, Late, LeftOut, Line, Noticed, Stops, due
from schemas.amounts import minor
from schemas.dunning import DAILY, Dunning, DunningStep, FixedSum, LateInterest, YearlyRate

RATES = (YearlyRate("2025-01-01", "2.15"),)
LADDER = Dunning(
    (
        DunningStep(5, "reminder", "email"),
        DunningStep(15, "first notice", "letter", fee="5.00"),
        DunningStep(30, "last notice", "letter", "account_manager", "10.00"),
        DunningStep(60, "lawyers", "letter", legal=True),
    ),
    interval_days=10,
)
INTEREST = LADDER._replace(interest=LateInterest(RATES, on_top="9", from_level=2), fixed_sums=(FixedSum("40.00"),))
DUE = "2026-02-11"


def after(days: int, since: str = DUE) -> str:
    return (date.fromisoformat(since) + timedelta(days=days)).isoformat()


def late(invoice: str = "I-1", amount: str = "1000.00", disputed: str = "0.00", due_day: str = DUE, **more: Any) -> Late:
    open_, contested = minor(amount, "EUR"), minor(disputed, "EUR")
    by_day = {"open_by_day": [("2026-01-12", open_)], "disputed_by_day": [("2026-01-12", contested)] if contested else []}
    told = {"instalment": "", "kind": "invoice", "currency": "EUR", "due": due_day, "open": open_, "disputed": contested, **by_day, **more}
    return Late(invoice, **told)


def found(*items: Late, days: int, rules: Dunning = LADDER, before: dict[ItemKey, Noticed] | None = None, stops: Stops | None = None) -> Any:
    """What is due so many days after the due day, all in EUR."""
    return due(items, before or {}, rules, stops or Stops(), after(days), lambda amount, currency: amount if currency == "EUR" else None, euros)


def euros(amount: str) -> int:
    return minor(amount, "EUR")


def noticed(*items: Late, days: int, **more: Any) -> list[Line]:
    return [line for notice in found(*items, days=days, **more).notices for line in notice.lines]


def reason(*items: Late, days: int, **more: Any) -> list[str]:
    told = found(*items, days=days, **more)
    assert not told.notices
    return [one.reason for one in told.left_out]


def on(level: int, days: int, **more: Any) -> dict[ItemKey, Noticed]:
    """The first item was noticed on a level, so many days after its due day."""
    return {("I-1", ""): Noticed(level, after(days), **more)}


# The ladder


def test_an_item_is_noticed_when_it_is_as_late_as_its_level_says() -> None:
    assert reason(late(), days=4) == ["not_late_enough"]
    assert [line.level for line in noticed(late(), days=5)] == [1]


def test_it_goes_up_one_level_at_a_time_however_late_it_is() -> None:
    assert [line.level for line in noticed(late(), days=90)] == [1]
    assert [line.level for line in noticed(late(), days=90, before=on(1, days=70))] == [2]


def test_between_two_notices_lies_the_interval() -> None:
    assert reason(late(), days=15, before=on(1, days=6)) == ["too_soon"]
    assert [line.level for line in noticed(late(), days=16, before=on(1, days=6))] == [2]


def test_nothing_is_noticed_twice_on_one_day_whatever_the_interval_is() -> None:
    hasty = LADDER._replace(interval_days=1)
    assert reason(late(), days=90, rules=hasty, before=on(1, days=90)) == ["too_soon"]
    assert reason(late(), days=90, rules=hasty, before=on(1, days=95)) == ["too_soon"], "nor by a clock that went back"
    assert reason(late(), days=90, before={("I-1", ""): Noticed(taken_back=after(90))}) == ["too_soon"]


def test_above_the_last_level_there_is_none() -> None:
    assert reason(late(), days=400, before=on(4, days=90)) == ["last_level"]


def test_a_notice_has_the_highest_level_of_its_items_and_its_fee_once() -> None:
    told = found(late(), late("I-2"), late("I-3", due_day=after(28)), days=30, before=on(1, days=16))
    (notice,) = told.notices
    assert [(line.late.invoice, line.level) for line in notice.lines] == [("I-1", 2), ("I-2", 1)]
    assert (notice.level, notice.step.fee) == (2, "5.00")
    assert told.left_out == (LeftOut("I-3", "", "not_late_enough"),)


def test_what_goes_to_the_lawyers_holds_no_reminder_back() -> None:
    told = found(late(), late("I-2"), days=90, before=on(3, days=50))
    assert [(notice.step.legal, [line.late.invoice for line in notice.lines]) for notice in told.notices] == [(False, ["I-2"]), (True, ["I-1"])]


def test_below_the_minimum_nothing_is_dunned() -> None:
    least = LADDER._replace(minimum="50.00")
    assert reason(late(amount="49.99"), days=10, rules=least) == ["below_minimum"]
    assert reason(late(amount="49.99"), late("I-2", "25.00", due_day=after(8)), days=10, rules=least) == ["below_minimum", "not_late_enough"]
    assert len(noticed(late(amount="25.00"), late("I-2", "25.00"), days=10, rules=least)) == 2


def test_what_has_no_rate_into_the_currency_of_the_account_is_left_out() -> None:
    assert reason(late(currency="USD"), days=10) == ["missing_rate"]


# What stops it


@pytest.mark.parametrize(
    ("item", "stops", "why"),
    [
        (late(disputed="1000.00"), Stops(), "in_dispute"),
        (late(), Stops(promised=frozenset({"I-1"})), "promised"),
        (late(), Stops(blocked=frozenset({"I-1"})), "blocked"),
        (late(), Stops(is_account_blocked=True), "blocked"),
    ],
)
def test_a_dispute_a_promise_and_a_block_stop_it_and_are_named(item: Late, stops: Stops, why: str) -> None:
    assert reason(item, days=90, stops=stops) == [why]
    assert len(noticed(item, days=90, stops=stops, rules=LADDER._replace(stops=()))) == 1, "a policy may let none of them stop it"


def test_what_is_not_in_dispute_of_an_item_is_asked_for() -> None:
    (line,) = noticed(late(disputed="300.00"), days=10)
    assert line.amount == euros("700.00")
    (line,) = noticed(late(disputed="300.00"), days=10, rules=LADDER._replace(stops=("block",)))
    assert line.amount == euros("1000.00")


def test_what_waits_for_a_yes_is_not_noticed_meanwhile() -> None:
    assert reason(late(), days=90, before=on(3, days=50, is_proposed=True)) == ["proposed"]


# What it costs


def test_interest_begins_with_its_level_and_goes_back_to_the_due_day() -> None:
    (line,) = noticed(late(), days=10, rules=INTEREST)
    assert (line.interest, line.interest_from) == (0, None)
    (line,) = noticed(late(), days=20, rules=INTEREST, before=on(1, days=10))
    assert (line.interest, line.interest_from) == (611, DUE), "1000.00 x 11.15 % x 20 / 365"


def test_what_was_charged_is_not_charged_again() -> None:
    before = on(2, days=20, charged_to=after(20), is_compensated=True)
    (line,) = noticed(late(), days=30, rules=INTEREST, before=before)
    assert (line.interest, line.interest_from, line.compensation) == (305, after(20), None)


def test_a_part_payment_lowers_it_from_the_night_of_its_day() -> None:
    paid = late(amount="500.00", open_by_day=[("2026-01-12", euros("1000.00")), (after(10), euros("500.00"))])
    (line,) = noticed(paid, days=20, rules=INTEREST, before=on(1, days=5))
    assert line.interest == 458, "1000.00 x 11.15 % x 10 / 365 and half of it for ten more"


def test_what_is_in_dispute_bears_no_interest_while_it_is() -> None:
    contested = late(disputed_by_day=[(after(5), euros("1000.00")), (after(10), 0)])
    (line,) = noticed(contested, days=20, rules=INTEREST, before=on(1, days=5))
    assert line.interest == 458, "fifteen of twenty nights"


@pytest.mark.parametrize("kind", ["interest", "fee"])
def test_what_was_charged_for_being_late_is_dunned_and_bears_nothing(kind: str) -> None:
    (line,) = noticed(late(kind=kind), days=90, rules=INTEREST, before=on(1, days=10))
    assert (line.level, line.interest, line.compensation) == (2, 0, None)


def test_the_european_compensation_is_forty_euros_for_each_item_once() -> None:
    """Directive 2011/7/EU, art. 6 (1) and (2): a fixed sum of EUR 40 at least, without any reminder, wherever interest is due (as quoted in the
    opinion of the Advocate General in case C-287/17, EUR-Lex 62017CC0287)."""
    assert [line.compensation for line in noticed(late(), late("I-2", "12.00"), days=10, rules=INTEREST)] == ["40.00", "40.00"]
    assert [line.compensation for line in noticed(late(), days=30, rules=INTEREST, before=on(1, days=10, is_compensated=True))] == [None]


@pytest.mark.parametrize(
    ("debt", "charge"), [("999.99", "40.00"), ("1000.00", "70.00"), ("9999.99", "70.00"), ("10000.00", "100.00"), ("0.01", "40.00")]
)
def test_the_british_fixed_sum_goes_by_the_size_of_the_debt(debt: str, charge: str) -> None:
    """mygov.scot, "Claim debt recovery costs on late payments": 40 pounds up to 999.99, 70 from 1,000 to 9,999.99, 100 from 10,000 on."""
    british = LADDER._replace(fixed_sums=(FixedSum("40.00"), FixedSum("70.00", "1000.00"), FixedSum("100.00", "10000.00")))
    assert [line.compensation for line in noticed(late(amount=debt), days=10, rules=british)] == [charge]


def test_a_european_claim_of_a_month_costs_what_a_calculator_says() -> None:
    """payrequest.io, "Late Payment Interest Calculator": 1,000 euros, 30 days, 10.5 %: 8.63 of interest, 40.00 of costs, 1,048.63 together."""
    rules = LADDER._replace(interest=LateInterest((YearlyRate("2026-01-01", "2.5"),), on_top="8"), fixed_sums=(FixedSum("40.00"),))
    (line,) = noticed(late(), days=30, rules=rules)
    assert line.amount + line.interest + euros(str(line.compensation)) == euros("1048.63")


# Laws

items = st.builds(
    lambda number, open_, part, overdue, kind: late(
        f"I-{number}", f"{open_}.00", f"{open_ * part // 4}.00", after(-overdue), kind=kind
    ),
    st.integers(1, 5), st.integers(1, 5000), st.integers(0, 4), st.integers(1, 120), st.sampled_from(["invoice", "debit_memo", "fee", "interest"]),
)  # fmt: skip
accounts = st.lists(items, max_size=5, unique_by=lambda item: item.invoice)
ladders = st.builds(
    lambda days, interval, minimum, rounding, level, sums: Dunning(
        tuple(DunningStep(at, f"level {at}", "email", legal=at > 60) for at in sorted(days)),
        interval,
        minimum,
        LateInterest(RATES, "9", rounding=rounding, from_level=level),
        sums,
    ),
    st.sets(st.integers(1, 90), min_size=1, max_size=4), st.integers(1, 20), st.sampled_from([None, "100.00"]), st.sampled_from(["total", DAILY]),
    st.integers(1, 2), st.sampled_from([(), (FixedSum("40.00"),)]),
)  # fmt: skip
numbers = st.frozensets(st.sampled_from(["I-1", "I-2", "I-3", "I-4", "I-5"]), max_size=2)


def said(told: Any, before: dict[ItemKey, Noticed], day: str) -> dict[ItemKey, Noticed]:
    """What is known of the items after the notices of a day went out."""
    known = dict(before)
    for line in (line for notice in told.notices for line in notice.lines):
        was = known.get(line.late.key, Noticed())
        charged = day if line.interest_from is not None else was.charged_to
        known[line.late.key] = Noticed(line.level, day, charged, was.is_compensated or line.compensation is not None)
    return known


@given(accounts, ladders, numbers, numbers)
@settings(max_examples=300)
def test_every_item_is_in_one_notice_or_left_out_with_a_reason(
    account: list[Late], rules: Dunning, promised: frozenset[str], blocked: frozenset[str]
) -> None:
    told = found(*account, days=0, rules=rules, stops=Stops(promised, blocked))
    lines = [line for notice in told.notices for line in notice.lines]
    assert sorted([*(line.late.key for line in lines), *(one[:2] for one in told.left_out)]) == sorted(item.key for item in account)
    for line in lines:
        assert line.late.invoice not in promised | blocked
        assert 0 < line.amount == line.late.open - line.late.disputed
        assert line.level == 1


@given(st.randoms(use_true_random=False), accounts, ladders)
@settings(max_examples=150)
def test_the_order_in_which_items_are_told_makes_no_difference(random: Any, account: list[Late], rules: Dunning) -> None:
    mixed = random.sample(account, len(account))
    assert found(*mixed, days=0, rules=rules) == found(*account, days=0, rules=rules)


@given(accounts, ladders, st.lists(st.integers(1, 15), max_size=8))
@settings(max_examples=300)
def test_run_on_whatever_days_levels_rise_by_one_and_every_night_is_charged_once(account: list[Late], rules: Dunning, gaps: list[int]) -> None:
    before: dict[ItemKey, Noticed] = {}
    charged: dict[ItemKey, list[tuple[str, str]]] = {}
    compensated: list[ItemKey] = []
    days = 0
    for gap in [0, *gaps]:
        days += gap
        told = found(*account, days=days, rules=rules, before=before)
        for line in (line for notice in told.notices for line in notice.lines):
            key = line.late.key
            assert line.level == before.get(key, Noticed()).level + 1
            if line.interest_from is not None:
                charged.setdefault(key, []).append((line.interest_from, after(days)))
            compensated += [key] if line.compensation is not None else []
        before = said(told, before, after(days))
        assert not found(*account, days=days, rules=rules, before=before).notices, "the same day once more"
    dues = {item.key: item.due for item in account}
    for key, periods in charged.items():
        assert [since for since, _ in periods] == [dues[key], *(until for _, until in periods[:-1])]
    assert len(set(compensated)) == len(compensated)
