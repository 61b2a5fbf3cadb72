"""What stands of an account, rule by rule, each a sentence a credit manager could sign; then what is said of it as days pass."""

from typing import Any

import pytest

from tests.alerting import Alert, Json, standing
from tests.folding import Books
from tests.test_rules import ACCOUNT, CUSTOMER, delivery, invoice, limit, line, order, payment, rate, ref, to
from tests.test_rules import told as event


def stands(*events: Json, on: str) -> list[Alert]:
    """However the events arrive."""
    known = [event("customer.changed", "2026-01-01", **CUSTOMER), *events]
    both = [standing(Books().take_all(arrived), ACCOUNT, on) for arrived in (known, known[::-1])]
    assert both[0] == both[1]
    return both[0]


def protection(number: str, day: str, **more: Any) -> Json:
    return event("protection.changed", day, protection=number, version=1, kind="insurance", amount="500.00", currency="EUR", **more)


# ------------------------------------------------------------------ the limit


@pytest.mark.parametrize(
    ("amount", "expected"),
    [("899.94", []), ("899.95", ["near_limit"]), ("900.00", ["near_limit"]), ("1000.00", ["near_limit"]), ("1000.01", ["over_limit"])],
)
def test_an_account_is_near_its_limit_from_nine_tenths_on_and_over_it_from_one_cent_more(amount: str, expected: list[str]) -> None:
    found = stands(limit("L-1", "2026-01-01", "1000.00"), invoice("I-1", "2026-02-01", amount, due="2026-06-01"), on="2026-02-20")
    assert found == [(rule, None, "2026-02-01") for rule in expected]


def test_what_is_owed_without_a_limit_is_over_it() -> None:
    assert stands(invoice("I-1", "2026-02-01", "0.01", due="2026-06-01"), on="2026-02-20") == [("over_limit", None, "2026-02-01")]
    unlimited = limit("L-1", "2026-01-01", "unlimited")
    assert stands(unlimited, invoice("I-1", "2026-02-01", "99.00", due="2026-06-01"), on="2026-02-20") == []


def test_a_stretch_begins_anew_where_it_was_broken_for_a_day() -> None:
    known = [
        limit("L-1", "2026-01-01", "100.00"),
        invoice("I-1", "2026-01-10", "150.00", due="2026-06-01"),
        payment("P-1", "2026-02-02", "150.00", to("I-1", "150.00")),
        invoice("I-2", "2026-02-03", "120.00", due="2026-06-01"),
    ]
    assert stands(*known, on="2026-02-01") == [("over_limit", None, "2026-01-10")]
    assert stands(*known, on="2026-02-02") == []
    assert stands(*known, on="2026-02-20") == [("over_limit", None, "2026-02-03")]


def test_one_document_follows_the_other_without_a_break_and_the_stretch_is_one() -> None:
    known = [
        limit("L-1", "2026-01-01", "100.00"),
        invoice("I-1", "2025-01-10", "150.00", due="2027-06-01"),
        invoice("I-2", "2026-02-02", "150.00", due="2027-06-01"),
        payment("P-1", "2026-02-02", "150.00", to("I-1", "150.00")),
    ]
    assert stands(*known, on="2026-02-20") == [("over_limit", None, "2025-01-10")]


def test_a_rate_alone_can_take_an_account_over_its_limit() -> None:
    known = [
        limit("L-1", "2026-01-01", "100.00"),
        invoice("I-1", "2026-01-10", "100.00", due="2026-06-01", currency="USD"),
        rate("USD", "EUR", "2026-01-05", "0.8"),
        rate("USD", "EUR", "2026-01-20", "1.2"),
        rate("USD", "EUR", "2026-02-10", "0.9"),
    ]
    assert [stands(*known, on=day) for day in ("2026-01-15", "2026-01-25", "2026-02-15")] == [
        [],
        [("over_limit", None, "2026-01-20")],
        [("near_limit", None, "2026-02-10")],
    ]


def test_a_temporary_limit_that_ran_out_stands_until_a_newer_one_counts() -> None:
    known = [limit("L-1", "2026-01-01", "100.00"), limit("L-2", "2026-02-01", "500.00", kind="temporary", valid_to="2026-02-10")]
    assert stands(*known, on="2026-02-10") == []
    assert stands(*known, on="2026-02-11") == [("limit_expired", None, "2026-02-11")]
    assert stands(*known, limit("L-1", "2026-03-01", "200.00", version=2), on="2026-03-01") == []


def test_a_limit_that_gave_less_than_the_one_under_it_is_not_missed() -> None:
    known = [limit("L-1", "2026-01-01", "500.00"), limit("L-2", "2026-02-01", "100.00", kind="temporary", valid_to="2026-02-10")]
    assert stands(*known, on="2026-02-20") == []


def test_a_base_limit_that_ran_out_leaves_none_and_what_is_owed_is_over_it() -> None:
    known = [limit("L-1", "2026-01-01", "100.00", valid_to="2026-02-10"), invoice("I-1", "2026-02-01", "50.00", due="2026-06-01")]
    assert stands(*known, on="2026-02-20") == [("limit_expired", None, "2026-02-11"), ("over_limit", None, "2026-02-11")]


def test_a_protection_that_ran_out_stands_until_one_that_began_later_is_in_force() -> None:
    known = [protection("S-1", "2026-01-01", valid_to="2026-02-10"), protection("S-2", "2026-01-01", valid_to="2026-12-31")]
    assert stands(*known, on="2026-02-10") == []
    assert stands(*known, on="2026-02-20") == [("protection_expired", None, "2026-02-11")]
    assert stands(*known, protection("S-3", "2026-02-15"), on="2026-02-20") == []


# ------------------------------------------------------------------ overdue


@pytest.mark.parametrize(
    ("day", "steps"),
    [
        ("2026-02-11", []),
        ("2026-02-12", [(1, "2026-02-12")]),
        ("2026-03-12", [(1, "2026-02-12")]),
        ("2026-03-13", [(1, "2026-02-12"), (30, "2026-03-13")]),
        ("2026-05-12", [(1, "2026-02-12"), (30, "2026-03-13"), (60, "2026-04-12"), (90, "2026-05-12")]),
    ],
)
def test_a_step_of_overdue_stands_from_its_day_on_beside_the_smaller_ones(day: str, steps: list[tuple[int, str]]) -> None:
    owed = [limit("L-1", "2026-01-01", "1000.00"), invoice("I-9", "2026-01-12", "400.00", due="2026-02-11")]
    assert stands(*owed, on=day) == [("overdue", step, effective) for step, effective in steps]


def test_what_is_disputed_whole_is_not_overdue_and_what_is_disputed_in_part_is() -> None:
    owed = [limit("L-1", "2026-01-01", "1000.00"), invoice("I-9", "2026-01-12", "400.00", due="2026-02-11")]
    assert stands(*owed, event("dispute.opened", "2026-02-15", dispute="X-1", invoice="I-9", amount="400.00"), on="2026-02-20") == []
    partly = event("dispute.opened", "2026-02-15", dispute="X-1", invoice="I-9", amount="399.99")
    assert stands(*owed, partly, on="2026-02-20") == [("overdue", 1, "2026-02-12")]


def test_an_account_is_overdue_as_long_as_any_item_is_not_each_item_by_itself() -> None:
    known = [
        limit("L-1", "2026-01-01", "1000.00"),
        invoice("I-1", "2026-01-12", "400.00", due="2026-02-11"),
        invoice("I-2", "2026-01-12", "100.00", due="2026-02-18"),
        payment("P-1", "2026-02-25", "400.00", to("I-1", "400.00")),
    ]
    assert stands(*known, on="2026-03-10") == [("overdue", 1, "2026-02-12")]
    assert stands(*known[:3], payment("P-1", "2026-02-18", "400.00", to("I-1", "400.00")), on="2026-03-10") == [("overdue", 1, "2026-02-19")]


def test_a_claim_that_was_due_before_it_was_dated_is_overdue_from_its_own_day() -> None:
    late = invoice("I-1", "2026-03-01", "40.00", due="2026-01-20")
    assert stands(limit("L-1", "2026-01-01", "1000.00"), late, on="2026-03-02") == [("overdue", 1, "2026-03-01"), ("overdue", 30, "2026-03-01")]


# ------------------------------------------------------------------ what documents say against each other


def test_who_paid_more_than_all_that_is_open_has_overpaid() -> None:
    owed = [limit("L-1", "2026-01-01", "1000.00"), invoice("I-1", "2026-01-12", "100.00", due="2026-06-01")]
    paid = payment("P-1", "2026-02-01", "120.00", to("I-1", "120.00"))
    assert stands(*owed, paid, on="2026-02-05") == [("overpaid", None, "2026-02-01")]
    assert stands(*owed, paid, invoice("I-2", "2026-02-03", "20.00", due="2026-06-01"), on="2026-02-05") == []


def test_a_payment_that_was_returned_is_news_for_thirty_days_or_until_that_is_cancelled() -> None:
    known = [
        limit("L-1", "2026-01-01", "1000.00"),
        invoice("I-1", "2026-01-12", "100.00", due="2027-06-01"),
        payment("P-1", "2026-02-01", "100.00", to("I-1", "100.00")),
        event("payment.returned", "2026-02-05", payment="P-1"),
    ]
    assert stands(*known, on="2026-03-06") == [("payment_returned", None, "2026-02-05")]
    assert stands(*known, on="2026-03-07") == []
    assert stands(*known, event("payment.return_cancelled", "2026-02-09", payment="P-1"), on="2026-02-09") == []


def test_a_payment_returned_the_day_it_came_is_news_too() -> None:
    known = [limit("L-1", "2026-01-01", "1000.00"), payment("P-1", "2026-02-05", "100.00"), event("payment.returned", "2026-02-05", payment="P-1")]
    assert stands(*known, on="2026-02-20") == [("payment_returned", None, "2026-02-05")]


def test_an_order_line_is_over_invoiced_whatever_the_other_lines_leave_open() -> None:
    known = [
        limit("L-1", "2026-01-01", "1000.00"),
        order("O-1", "2026-01-05", line("1", value="100.00"), line("2", value="500.00")),
        invoice("I-1", "2026-01-12", "100.01", ref(order="O-1", line="1", value="100.01"), due="2026-06-01"),
    ]
    assert stands(*known, on="2026-02-05") == [("over_invoiced", None, "2026-01-12")]
    exact = invoice("I-1", "2026-01-12", "100.00", ref(order="O-1", line="1", value="100.00"), due="2026-06-01")
    assert stands(*known[:2], exact, on="2026-02-05") == []


def test_an_order_that_is_closed_still_says_what_was_ordered() -> None:
    known = [
        limit("L-1", "2026-01-01", "1000.00"),
        order("O-1", "2026-01-05", line("1", value="100.00")),
        delivery("D-1", "2026-01-08", ref(order="O-1", line="1", value="100.00")),
        invoice("I-1", "2026-01-12", "100.00", ref(order="O-1", line="1", value="100.00"), due="2026-06-01"),
        event("order.closed", "2026-01-15", order="O-1", version=2, reason="completed"),
    ]
    assert stands(*known, on="2026-02-05") == []
    more = invoice("I-2", "2026-01-20", "1.00", ref(order="O-1", line="1", value="1.00"), due="2026-06-01")
    assert stands(*known, more, on="2026-02-05") == [("over_invoiced", None, "2026-01-20")]
