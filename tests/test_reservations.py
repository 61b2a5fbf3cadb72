"""Reservations by hand (laws 3 and 9): credit held for an order counts until its own text comes, it is given back, or its time is over."""

from pathlib import Path

import pytest

from exposure.decisions import Asked, counted, decide
from exposure.figures import Figures
from exposure.ledger.rebuild import rebuild
from exposure.rules.fulfilled import fulfilled
from projections import account as accounts
from projections.portfolio import portfolio
from projections.selection import selection
from projections.when import instant_text
from schemas.jsontext import written
from tests.folding import Books
from tests.reserving import Happened, arrivals, books, extended, record, released, reserved, settled
from tests.stores import fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, Json, delivery, invoice, limit, line, order, rate, ref, told

CHECKED = "2026-02-20T12:00:00"
TODAY = "2026-02-20"
NOON = 1_771_588_800_000_000
"""Both that instant."""
DAYS = 86_400_000_000


def known(*happened: Happened) -> list[Happened]:
    return [told("customer.changed", "2026-01-01", **CUSTOMER), *happened]


def shown(*happened: Happened, on: str = TODAY, at: str | None = None) -> Json:
    """The figures of a day (of Berlin), at an instant of it or at its end: the same however the ERP's facts arrive, and whether documents stay in
    memory or not."""
    figures = [books(arrived, evict=evict).show(ACCOUNT, on, None, at) for arrived in arrivals(known(*happened)) for evict in (False, True)]
    assert figures[0] is not None
    assert figures == [figures[0]] * len(figures)
    return figures[0]


def steps(figures: Json) -> tuple[str, str, str, str]:
    """What is reserved, ordered, delivered and invoiced."""
    exposure = figures["exposure"]
    return exposure["reserved"], exposure["orders"], exposure["deliveries"], exposure["receivables"]


def of_order(number: str, value: str) -> Json:
    return ref(order=number, line="1", value=value)


def test_what_is_reserved_is_exposure_and_leaves_less_available() -> None:
    figures = shown(limit("L-1", "2026-01-01", "1000.00"), reserved("O-1", CHECKED, "600.00", "2026-02-27T12:00:00"))
    assert (figures["exposure"]["reserved"], figures["exposure"]["total"], figures["available"]) == ("600.00", "600.00", "400.00")
    assert figures["utilisation"] == "0.6000"
    assert figures["reservations"] == [
        {"order": "O-1", "reservation": "R-1", "amount": "600.00", "currency": "EUR", "until": "2026-02-27T12:00:00Z", "settled": False}
    ]
    assert (figures["open_orders"], figures["pending"], set(figures["ageing"].values())) == ([], [], {"0.00"})


def test_nothing_was_reserved_the_day_before() -> None:
    assert steps(shown(reserved("O-1", CHECKED, "600.00"), on="2026-02-19"))[0] == "0.00"


def test_at_the_instant_it_ends_it_is_gone_and_a_microsecond_before_it_counts() -> None:
    held = reserved("O-1", CHECKED, "600.00", "2026-02-21T09:30:00.25")
    for at, amount in (("09:30:00.249999", "600.00"), ("09:30:00.25", "0.00"), ("09:30:00.250000", "0.00"), ("09:30:01", "0.00")):
        assert steps(shown(held, on="2026-02-21", at=f"2026-02-21T{at}"))[0] == amount
    assert steps(shown(held, on="2026-02-20"))[0] == "600.00"
    assert steps(shown(held, on="2026-02-21"))[0] == "0.00"
    assert [steps(shown(held, on=f"2026-02-2{day}"))[0] for day in (2, 3, 4)] == ["0.00"] * 3


def test_the_end_of_a_day_is_that_of_the_account_s_time_zone() -> None:
    """The last microsecond of Berlin's 21st of February is 22:59:59.999999 of UTC; Auckland's was twelve hours earlier."""
    until_midnight = reserved("O-1", CHECKED, "600.00", "2026-02-21T23:00:00")
    assert steps(shown(until_midnight, on="2026-02-21"))[0] == "600.00"
    assert steps(shown(until_midnight, on="2026-02-22"))[0] == "0.00"
    assert steps(shown(reserved("O-1", CHECKED, "600.00", "2026-02-21T22:59:59.999999"), on="2026-02-21"))[0] == "0.00"
    auckland = told("customer.changed", "2026-01-01", **CUSTOMER | {"version": 2, "timezone": "Pacific/Auckland"})
    until = reserved("O-1", CHECKED, "600.00", "2026-02-21T11:00:00", day="2026-02-21")
    assert [steps(shown(auckland, until, on=f"2026-02-{day}"))[0] for day in (20, 21, 22)] == ["0.00", "600.00", "0.00"]
    before = reserved("O-1", CHECKED, "600.00", "2026-02-21T10:59:59.999999", day="2026-02-21")
    assert steps(shown(auckland, before, on="2026-02-21"))[0] == "0.00"


def test_without_an_end_it_never_ends() -> None:
    figures = shown(reserved("O-1", CHECKED, "600.00"), on="2036-02-20")
    assert (steps(figures)[0], figures["reservations"][0]["until"]) == ("600.00", None)


def test_another_currency_is_converted_once_and_without_a_rate_left_out_in_plain_sight() -> None:
    held = reserved("O-1", CHECKED, "100.05", currency="USD")
    figures = shown(held, rate("USD", "EUR", "2026-02-19", "0.905"))
    assert (steps(figures)[0], figures["reservations"][0]["amount"], figures["reservations"][0]["currency"]) == ("90.55", "100.05", "USD")
    figures = shown(held)
    assert (steps(figures)[0], figures["anomalies"]) == ("0.00", [{"code": "missing_rate", "kind": "currency", "document": "USD"}])


def test_the_order_s_own_confirmation_settles_it() -> None:
    figures = shown(reserved("O-1", CHECKED, "600.00"), order("O-1", "2026-02-21", line("1", value="600.00")), on="2026-02-21")
    assert (steps(figures), figures["reservations"]) == (("0.00", "600.00", "0.00", "0.00"), [])
    both = (reserved("O-1", CHECKED, "600.00"), order("O-1", "2026-02-21", line("1", value="600.00")))
    assert steps(shown(*both, on="2026-02-20")) == ("600.00", "0.00", "0.00", "0.00"), (
        "until the day the order is dated it is the reservation that counts"
    )


def test_a_smaller_order_than_was_reserved_settles_it_whole() -> None:
    figures = shown(reserved("O-1", CHECKED, "600.00"), order("O-1", "2026-02-21", line("1", value="450.00")), on="2026-02-21")
    assert steps(figures) == ("0.00", "450.00", "0.00", "0.00")


def test_an_order_that_was_told_late_settles_it_from_the_day_it_is_dated() -> None:
    back_dated = (reserved("O-1", CHECKED, "600.00"), order("O-1", "2026-02-18", line("1", value="600.00")))
    for day in ("2026-02-18", "2026-02-20", "2026-02-25"):
        assert steps(shown(*back_dated, on=day)) == ("0.00", "600.00", "0.00", "0.00")


def test_an_amendment_of_an_order_that_counts_reserves_only_the_rise() -> None:
    first = order("O-1", "2026-02-10", line("1", value="400.00"))
    held = reserved("O-1", CHECKED, "600.00", order_version=1)
    assert steps(shown(first, held)) == ("200.00", "400.00", "0.00", "0.00")
    amended = order("O-1", "2026-02-22", line("1", value="600.00"), version=2)
    assert steps(shown(first, held, amended, on="2026-02-22")) == ("0.00", "600.00", "0.00", "0.00")
    assert steps(shown(first, held, amended, on="2026-02-21")) == ("200.00", "400.00", "0.00", "0.00")


def test_an_amendment_that_makes_an_order_smaller_reserves_nothing() -> None:
    smaller = reserved("O-1", CHECKED, "300.00", order_version=1)
    assert steps(shown(order("O-1", "2026-02-10", line("1", value="400.00")), smaller)) == ("0.00", "400.00", "0.00", "0.00")


def test_a_delivery_before_the_confirmation_is_not_counted_twice() -> None:
    held, sent = reserved("O-1", CHECKED, "600.00"), delivery("D-1", "2026-02-21", of_order("O-1", "250.00"))
    assert steps(shown(held, sent, on="2026-02-21")) == ("350.00", "0.00", "250.00", "0.00")
    billed = invoice("I-1", "2026-02-22", "100.00", of_order("O-1", "100.00"))
    assert steps(shown(held, sent, billed, on="2026-02-22")) == ("350.00", "0.00", "150.00", "100.00")
    confirmed = order("O-1", "2026-02-23", line("1", value="600.00"))
    assert steps(shown(held, sent, billed, confirmed, on="2026-02-23")) == ("0.00", "350.00", "150.00", "100.00")
    back = told("delivery.reversed", "2026-02-22", delivery="D-1")
    assert steps(shown(held, sent, back, on="2026-02-22")) == ("600.00", "0.00", "0.00", "0.00")


def test_more_delivered_than_was_reserved_leaves_nothing_reserved() -> None:
    sent = delivery("D-1", "2026-02-21", of_order("O-1", "700.00"))
    assert steps(shown(reserved("O-1", CHECKED, "600.00"), sent, on="2026-02-21")) == ("0.00", "0.00", "700.00", "0.00")


def test_what_was_delivered_in_another_currency_is_not_taken_off() -> None:
    sent = delivery("D-1", "2026-02-21", of_order("O-1", "250.00"), currency="USD")
    figures = shown(reserved("O-1", CHECKED, "600.00"), sent, rate("USD", "EUR", "2026-01-01", "1"), on="2026-02-21")
    assert steps(figures) == ("600.00", "0.00", "250.00", "0.00")


def test_an_order_in_another_currency_is_not_taken_off_until_a_newer_text_settles_the_reservation() -> None:
    first = order("O-1", "2026-02-10", line("1", value="400.00"), currency="USD")
    sent = delivery("D-1", "2026-02-11", of_order("O-1", "100.00"), currency="USD")
    one_to_one = rate("USD", "EUR", "2026-01-01", "1")
    held = reserved("O-1", CHECKED, "600.00", order_version=1)
    assert steps(shown(first, sent, one_to_one, held)) == ("600.00", "300.00", "100.00", "0.00")
    amended = order("O-1", "2026-02-21", line("1", value="600.00"), version=2)
    assert steps(shown(first, sent, one_to_one, held, amended, on="2026-02-21"))[:2] == ("0.00", "600.00")


def test_an_order_that_is_closed_needs_no_credit_more_and_reopening_it_holds_none() -> None:
    happened = [
        order("O-1", "2026-02-10", line("1", value="400.00")),
        reserved("O-1", CHECKED, "600.00", order_version=1),
        told("order.closed", "2026-02-21", order="O-1", version=2, reason="completed"),
        told("order.reopened", "2026-02-22", order="O-1", version=3),
        order("O-1", "2026-02-23", line("1", value="600.00"), version=4),
        told("order.closed", "2026-02-24", order="O-1", version=5, reason="cancelled"),
    ]
    days = [steps(shown(*happened, on=f"2026-02-{day}"))[:2] for day in range(20, 25)]
    assert days == [("200.00", "400.00"), ("0.00", "0.00"), ("0.00", "400.00"), ("0.00", "600.00"), ("0.00", "0.00")]


def test_settled_it_is_firm_until_the_order_has_come_and_the_order_is_missing() -> None:
    held = [reserved("O-1", CHECKED, "600.00", "2026-02-22T12:00:00"), settled("O-1", "2026-02-21T08:00:00")]
    figures = shown(*held, on="2026-06-30")
    assert steps(figures)[0] == "600.00"
    assert figures["reservations"] == [{"order": "O-1", "reservation": "R-1", "amount": "600.00", "currency": "EUR", "until": None, "settled": True}]
    assert figures["pending"] == [{"kind": "reservation", "document": "R-1", "names_kind": "order", "names": "O-1"}]
    before = shown(*held, on="2026-02-20")
    assert (before["pending"], before["reservations"][0]["until"]) == ([], "2026-02-22T12:00:00Z")
    figures = shown(*held, order("O-1", "2026-03-01", line("1", value="500.00")), on="2026-03-01")
    assert (steps(figures), figures["pending"]) == (("0.00", "500.00", "0.00", "0.00"), [])
    assert steps(shown(*held, released("O-1", "2026-03-01T08:00:00"), on="2026-03-01"))[0] == "0.00"


def test_what_is_firm_gets_no_new_end() -> None:
    held = [reserved("O-1", CHECKED, "600.00"), settled("O-1", "2026-02-21T08:00:00"), extended("O-1", "2026-02-21T09:00:00", "2026-02-22T09:00:00")]
    assert steps(shown(*held, on="2026-03-01"))[0] == "600.00"


def test_the_settled_rise_of_an_order_that_is_there_waits_for_its_amendment_and_is_not_missing_an_order() -> None:
    first = order("O-1", "2026-02-10", line("1", value="400.00"))
    figures = shown(
        first, reserved("O-1", CHECKED, "600.00", "2026-02-21T12:00:00", order_version=1), settled("O-1", "2026-02-20T13:00:00"), on="2026-03-01"
    )
    assert (steps(figures), figures["pending"]) == (("200.00", "400.00", "0.00", "0.00"), [])
    assert figures["reservations"][0]["settled"]


def test_to_settle_what_time_has_ended_changes_nothing() -> None:
    held = reserved("O-1", CHECKED, "600.00", "2026-02-21T08:00:00")
    assert steps(shown(held, settled("O-1", "2026-02-21T07:59:59.999999"), on="2026-02-21"))[0] == "600.00"
    assert steps(shown(held, settled("O-1", "2026-02-21T08:00:00"), on="2026-02-21"))[0] == "0.00"


def test_released_it_is_given_back_from_that_day_on() -> None:
    happened = (reserved("O-1", CHECKED, "600.00"), released("O-1", "2026-02-22T09:00:00"))
    assert [steps(shown(*happened, on=f"2026-02-{day}"))[0] for day in (20, 21, 22, 23)] == ["600.00", "600.00", "0.00", "0.00"]
    again = (*happened, extended("O-1", "2026-02-22T10:00:00", "2026-03-22T10:00:00"), settled("O-1", "2026-02-22T11:00:00"))
    assert steps(shown(*again, on="2026-02-23"))[0] == "0.00", "what was given back does not come back"


def test_extended_it_ends_later_and_what_has_ended_is_not_extended() -> None:
    held = reserved("O-1", CHECKED, "600.00", "2026-02-22T12:00:00")
    later = extended("O-1", "2026-02-22T11:59:59", "2026-02-25T12:00:00")
    days = [steps(shown(held, later, on=f"2026-02-{day}"))[0] for day in range(20, 28)]
    assert days == ["600.00"] * 5 + ["0.00"] * 3
    assert steps(shown(held, extended("O-1", "2026-02-22T12:00:00", "2026-02-25T12:00:00"), on="2026-02-23"))[0] == "0.00"
    forth_and_back = (held, later, extended("O-1", "2026-02-22T11:59:59.5"), extended("O-1", "2026-02-22T11:59:59.7", "2026-02-25T12:00:00"))
    assert steps(shown(*forth_and_back, on="2026-02-25"))[0] == "0.00", "the same end told again is told again"
    assert steps(shown(*forth_and_back[:3], on="2026-09-25"))[0] == "600.00"


def test_a_new_reservation_of_an_order_replaces_the_one_before() -> None:
    first, second = reserved("O-1", CHECKED, "600.00"), reserved("O-1", "2026-02-21T12:00:00", "700.00", name="R-2")
    assert [steps(shown(first, second, on=f"2026-02-{day}"))[0] for day in (20, 21)] == ["600.00", "700.00"]
    figures = shown(first, second, released("O-1", "2026-02-22T12:00:00"), on="2026-02-22")
    assert [row["reservation"] for row in figures["reservations"]] == ["R-2"], "the one before is gone: to give it back changes nothing"
    given_back = released("O-1", "2026-02-22T12:00:00", name="R-2")
    assert steps(shown(first, second, given_back, on="2026-02-22"))[0] == "0.00", "and it does not come back"


def test_the_next_check_of_the_order_counts_what_is_reserved_for_it_once() -> None:
    kept = books(known(limit("L-1", "2026-01-01", "1000.00"), reserved("O-1", CHECKED, "600.00"), reserved("O-2", CHECKED, "300.00", name="R-2")))
    figures = Figures(kept.on(ACCOUNT, TODAY, None), {})
    assert (counted(figures, "O-1"), counted(figures, "O-2"), counted(figures, "O-3")) == (60000, 30000, 0)
    done = fulfilled(kept.documents[ACCOUNT]["order:O-1"], TODAY)
    assert decide(figures, {}, done, Asked("O-1", 70000, "EUR")).after == 100000
    assert decide(figures, {}, done, Asked("O-1", 70001, "EUR")).reasons == ["over_limit"]
    assert decide(figures, {}, {}, Asked("O-3", 10001, "EUR")).reasons == ["over_limit"]


def test_what_is_fulfilled_of_an_order_does_not_look_at_its_reservations() -> None:
    happened = known(reserved("O-1", CHECKED, "600.00"), delivery("D-1", TODAY, of_order("O-1", "250.00")))
    assert fulfilled(books(happened).documents[ACCOUNT]["order:O-1"], TODAY) == {"EUR": 25000}
    happened.append(order("O-1", TODAY, line("1", value="600.00")))
    assert fulfilled(books(happened).documents[ACCOUNT]["order:O-1"], TODAY) == {"EUR": 25000}


def test_a_delivery_that_is_spread_finds_the_prices_of_an_order_with_a_reservation() -> None:
    happened = [
        reserved("O-1", "2026-02-01T12:00:00", "100.00"),
        order("O-1", "2026-02-10", line("1", quantity="10", unit_price="10.00")),
        delivery("D-1", "2026-02-11", ref(order="O-1", line="1", quantity="4")),
        invoice("I-1", "2026-02-12", "30.00", ref(delivery="D-1", value="30.00")),
    ]
    assert steps(shown(*happened)) == ("0.00", "60.00", "10.00", "30.00")


HELD = (
    reserved("O-1", CHECKED, "600.00", "2026-02-21T12:00:00", order_version=0),
    reserved("O-2", CHECKED, "50.00", name="R-2"),
    settled("O-2", "2026-02-20T12:00:01", name="R-2"),
)


@pytest.mark.usefixtures("each_store")
def test_what_is_kept_is_what_the_log_says_and_the_list_says_what_show_says(tmp_path: Path) -> None:
    erp = [*known(limit("L-1", "2026-01-01", "1000.00")), order("O-1", "2026-02-24", line("1", value="600.00"))]
    store = opened(tmp_path / "exposure.db")
    fed(store, map(written, erp[:2]), now=NOON)
    for place, fact in enumerate(HELD):
        record(store, fact, NOON + place)
    assert rebuild(store).equal
    fed(store, map(written, erp[2:]), now=NOON + DAYS)
    record(store, released("O-2", "2026-02-22T12:00:00", name="R-2"), NOON + 2 * DAYS)
    assert rebuild(store).equal
    kept = books([*erp[:2], *HELD, erp[2], released("O-2", "2026-02-22T12:00:00", name="R-2")])
    for asked, on, at in questions():
        with store.reading() as moment:
            figures = accounts.show(moment, ACCOUNT, asked)
            (row,) = portfolio(moment, asked, selection())["accounts"]
        expected = kept.show(ACCOUNT, on, None, at)
        assert expected is not None
        assert {name: figures[name] for name in expected} == expected
        assert row == {name: figures[name] for name in row}


@pytest.mark.usefixtures("each_store")
def test_what_was_known_before_a_reservation_was_given_back_is_known_for_ever(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    fed(store, map(written, known()), now=NOON)
    record(store, HELD[0], NOON)
    record(store, released("O-1", "2026-02-20T13:00:00"), NOON + 3_600_000_000)
    for later, amount in ((0, "600.00"), (3_599_999_999, "600.00"), (3_600_000_000, "0.00")):
        with store.reading() as moment:
            figures = accounts.show(moment, ACCOUNT, accounts.Asked(NOON + 2 * DAYS, None, NOON + later))
        assert steps(figures)[0] == amount


def questions() -> list[tuple[accounts.Asked, str, str | None]]:
    """A clock and a day, with the account's day and the instant that are meant: the clock's on the account's today, else the end of the day."""
    told: list[tuple[accounts.Asked, str, str | None]] = []
    for clock in (NOON + 2 * DAYS, NOON + DAYS, NOON + DAYS - 1, NOON + 5 * DAYS):
        today = instant_text(clock)[:10]
        told.append((accounts.Asked(clock), today, instant_text(clock)[:-1]))
        told += [(accounts.Asked(clock, day), day, None) for day in ("2026-02-19", "2026-02-20", "2026-02-21", "2026-02-25") if day != today]
    return told


def test_the_clock_counts_on_the_account_s_today_alone() -> None:
    held = reserved("O-1", CHECKED, "600.00", "2026-02-20T18:00:00")
    assert steps(shown(held, at="2026-02-20T17:59:59"))[0] == "600.00"
    assert steps(shown(held))[0] == "0.00"


def test_a_row_is_closed_two_days_after_its_time_is_over() -> None:
    kept: Books = books(known(reserved("O-1", CHECKED, "600.00", "2026-02-21T23:59:59")))
    assert kept.documents[ACCOUNT]["order:O-1"].closed == "2026-02-23"
    kept = books(known(reserved("O-1", CHECKED, "600.00", "9999-12-30T12:00:00")))
    assert kept.documents[ACCOUNT]["order:O-1"].closed > "9999-12-31"
