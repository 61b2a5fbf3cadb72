"""Promises to pay by hand, each a sentence a credit manager could sign; then the law that any order of arrival says the same."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.promises import covering, dues, promised_invoices, split
from exposure.rules.documents import Document
from exposure.rules.references import reaches
from schemas.told import ToldFact
from tests.alerting import Alert, standing
from tests.promising import Terms, promised, promises, slowly, withdrawn
from tests.reserving import Happened, arrivals, books
from tests.test_rules import ACCOUNT, CUSTOMER, Json, invoice, limit, payment, to, told

MADE, DUE, MISSED = "2026-03-02", "2026-03-10", "2026-03-11"
OWED = invoice("I-1", "2026-02-01", "400.00", due="2026-02-20")
MORE = invoice("I-2", "2026-02-05", "100.00", due="2026-02-25")
PROMISE = promised("N-1", MADE, {DUE: "300.00"}, "I-1")


def known(*happened: Happened) -> list[Happened]:
    return [told("customer.changed", "2026-01-01", **CUSTOMER), limit("L-1", "2026-01-01", "9999.00"), OWED, MORE, *happened]


def shown(*happened: Happened, on: str) -> dict[str, Json]:
    """However the ERP's facts arrive, whether documents stay in memory or not: and the slow model says the same."""
    happened = tuple(known(*happened))
    found = [promises(books(arrived, evict=evict), on) for arrived in arrivals(happened) for evict in (False, True)]
    assert found == [found[0]] * len(found)
    own = [one for one in happened if isinstance(one, ToldFact)]
    judged = {number: in_short(row) for number, row in found[0].items()}
    assert judged == slowly([one for one in happened if not isinstance(one, ToldFact)], own, on)
    return found[0]


def in_short(row: Json) -> tuple[str, list[str], str, str]:
    return row["state"], [part["state"] for part in row["instalments"]], row["paid"], row["missing"]


def state(*happened: Happened, on: str, of: str = "N-1") -> str:
    return str(shown(*happened, on=on)[of]["state"])


def broken(*happened: Happened, on: str) -> list[Alert]:
    return [alert for alert in standing(books(known(*happened)), ACCOUNT, on) if alert[0] == "promise_broken"]


def paid(number: str, day: str, amount: str, of: str = "I-1", **more: Any) -> Json:
    return payment(number, day, amount, to(of, amount), **more)


SINCE_MISSED: list[Alert] = [("promise_broken", None, MISSED)]


# ------------------------------------------------------------------ one instalment


def test_a_promise_is_open_until_its_day_is_over_and_then_broken() -> None:
    row = shown(PROMISE, on=DUE)["N-1"]
    assert (row["state"], row["to_come"], row["missing"], broken(PROMISE, on=DUE)) == ("open", "300.00", "0.00", [])
    row = shown(PROMISE, on=MISSED)["N-1"]
    assert (row["state"], row["to_come"], row["missing"], broken(PROMISE, on=MISSED)) == ("broken", "0.00", "300.00", SINCE_MISSED)


def test_it_is_kept_from_the_day_it_is_paid_on_and_no_day_later_than_due() -> None:
    assert [state(PROMISE, paid("P-1", DUE, "300.00"), on=day) for day in ("2026-03-09", DUE, MISSED)] == ["open", "kept", "kept"]
    assert broken(PROMISE, paid("P-1", DUE, "300.00"), on="2026-04-01") == []
    late = (PROMISE, paid("P-1", MISSED, "300.00"))
    assert (state(*late, on=MISSED), broken(*late, on=MISSED)) == ("broken", [])


def test_something_paid_towards_it_keeps_it_partly() -> None:
    row = shown(PROMISE, paid("P-1", "2026-03-05", "120.00"), on=MISSED)["N-1"]
    assert (row["state"], row["paid"], row["missing"]) == ("partly_kept", "120.00", "180.00")


def test_what_is_missed_stays_missed_and_the_alert_ends_when_it_is_made_good() -> None:
    late = (PROMISE, paid("P-1", "2026-03-20", "299.99"), paid("P-2", "2026-03-25", "0.01"))
    assert [broken(*late, on=day) for day in ("2026-03-24", "2026-03-25")] == [SINCE_MISSED, []]
    row = shown(*late, on="2026-03-25")["N-1"]
    assert (row["state"], row["paid"], row["missing"]) == ("broken", "300.00", "0.00")


def test_what_was_paid_before_it_was_made_keeps_nothing_of_it() -> None:
    assert state(PROMISE, paid("P-1", "2026-03-01", "90.00"), on=MISSED) == "broken"
    assert state(PROMISE, paid("P-1", MADE, "90.00"), on=MISSED) == "partly_kept", "what comes on its own day does"


def test_what_was_paid_on_its_own_day_before_it_was_made_keeps_nothing_either() -> None:
    rest = promised("N-1", MADE, {DUE: "100.00"}, "I-1", paid_before=[{"invoice": "I-1", "amount": "300.00"}])
    before = paid("P-1", MADE, "300.00")
    assert state(rest, before, on=MISSED) == "broken"
    assert state(rest, before, paid("P-2", MADE, "100.00"), on=MADE) == "kept"


def test_no_more_is_asked_than_was_owed_when_it_was_made() -> None:
    """A payment told later and dated before it has paid a part already."""
    all_of_it = promised("N-1", MADE, {DUE: "400.00"}, "I-1")
    assert state(all_of_it, paid("P-1", "2026-02-27", "150.00"), paid("P-2", "2026-03-09", "250.00"), on=MISSED) == "kept"


def test_a_credit_note_keeps_it_as_cash_does() -> None:
    note = told("credit_note.posted", "2026-03-08", credit_note="C-9", currency="EUR", amount="300.00", allocations=[to("I-1", "300.00")])
    assert state(PROMISE, note, on=MISSED) == "kept"


def test_a_discount_that_was_granted_keeps_it_too() -> None:
    whole = promised("N-1", MADE, {DUE: "400.00"}, "I-1")
    assert state(whole, payment("P-1", DUE, "388.00", to("I-1", "388.00", discount="12.00")), on=MISSED) == "kept"


def test_a_write_off_keeps_no_promise_and_leaves_nothing_to_be_alarmed_about() -> None:
    gone = told("write_off.posted", "2026-03-09", write_off="W-1", invoice="I-1", amount="400.00")
    assert (state(PROMISE, gone, on=MISSED), broken(PROMISE, gone, on=MISSED)) == ("broken", [])
    back = told("write_off.reversed", "2026-03-15", write_off="W-1")
    assert broken(PROMISE, gone, back, on="2026-03-15") == [("promise_broken", None, "2026-03-15")]


def test_a_dispute_changes_no_promise() -> None:
    dispute = told("dispute.opened", "2026-03-03", dispute="D-1", invoice="I-1", amount="400.00")
    assert (state(PROMISE, dispute, on=MISSED), broken(PROMISE, dispute, on=MISSED)) == ("broken", SINCE_MISSED)


def test_a_returned_payment_breaks_it_again() -> None:
    bounced = (PROMISE, paid("P-1", "2026-03-09", "300.00"), told("payment.returned", "2026-03-13", payment="P-1"))
    assert [state(*bounced, on=day) for day in (MISSED, "2026-03-12", "2026-03-13")] == ["kept", "kept", "broken"]
    assert broken(*bounced, on="2026-03-20") == [("promise_broken", None, "2026-03-13")]
    again = (*bounced, paid("P-2", "2026-03-17", "300.00"))
    assert (state(*again, on="2026-03-17"), broken(*again, on="2026-03-17")) == ("broken", [])


def test_a_payment_that_is_told_late_and_dated_in_time_mends_it() -> None:
    mended = (PROMISE, paid("P-1", "2026-03-09", "300.00"))
    assert (state(*mended, on="2026-03-20"), broken(*mended, on="2026-03-20")) == ("kept", [])


def test_a_cancelled_invoice_owes_nothing_any_more() -> None:
    cancelled = told("invoice.cancelled", "2026-03-05", invoice="I-1")
    assert (state(PROMISE, cancelled, on=MISSED), broken(PROMISE, cancelled, on=MISSED)) == ("kept", [])
    both = promised("N-1", MADE, {DUE: "450.00"}, "I-1", "I-2")
    assert state(both, cancelled, on=MISSED) == "broken", "the other one is owed"
    assert state(both, cancelled, paid("P-1", DUE, "100.00", "I-2"), on=MISSED) == "kept"
    late = told("invoice.cancelled", "2026-03-15", invoice="I-1")
    assert (state(PROMISE, late, on="2026-03-15"), broken(PROMISE, late, on="2026-03-15")) == ("broken", [])


@pytest.mark.parametrize("in_order", [True, False])
def test_two_invoices_are_paid_in_either_order(in_order: bool) -> None:
    both = promised("N-1", MADE, {DUE: "500.00"}, "I-1", "I-2")
    days = ("2026-03-04", "2026-03-09")
    first, second = days if in_order else days[::-1]
    payments = (paid("P-1", first, "400.00"), paid("P-2", second, "100.00", "I-2"))
    assert [state(both, *payments, on=day) for day in ("2026-03-08", MISSED)] == ["open", "kept"]


def test_a_promise_is_no_money_of_the_account() -> None:
    without, with_one = (books(known(*told)).show(ACCOUNT, MISSED) for told in ((), (PROMISE,)))
    assert without == with_one


# ------------------------------------------------------------------ plans

PLAN: Terms = {"2026-03-10": "100.00", "2026-04-10": "100.00", "2026-05-10": "100.00"}


def test_a_plan_is_kept_instalment_by_instalment() -> None:
    plan = promised("N-1", MADE, PLAN, "I-1")
    rows = [shown(plan, paid("P-1", "2026-03-10", "100.00"), paid("P-2", "2026-04-09", "200.00"), on=day)["N-1"] for day in (MISSED, "2026-04-11")]
    assert [in_short(row)[:2] for row in rows] == [("open", ["kept", "open", "open"]), ("kept", ["kept"] * 3)]
    assert [row["to_come"] for row in rows] == ["200.00", "0.00"]


def test_a_plan_stands_as_its_worst_missed_instalment_does() -> None:
    plan = (promised("N-1", MADE, PLAN, "I-1"), paid("P-1", "2026-03-09", "40.00"), paid("P-2", "2026-03-20", "60.00"))
    rows = [shown(*plan, on=day)["N-1"] for day in (MISSED, "2026-03-20", "2026-04-11")]
    assert [in_short(row) for row in rows] == [
        ("partly_kept", ["partly_kept", "open", "open"], "40.00", "60.00"),
        ("partly_kept", ["partly_kept", "open", "open"], "100.00", "0.00"),
        ("broken", ["partly_kept", "broken", "open"], "100.00", "100.00"),
    ]
    assert [broken(*plan, on=day) for day in (MISSED, "2026-03-20", "2026-04-11")] == [SINCE_MISSED, [], [("promise_broken", None, "2026-04-11")]]


def test_a_plan_is_split_exactly_and_the_last_part_has_what_is_left_over() -> None:
    assert split(20000, 3) == [6666, 6666, 6668]
    assert dues("2026-01-31", "month", 4) == ["2026-01-31", "2026-02-28", "2026-03-31", "2026-04-30"]
    assert dues("2026-11-30", "month", 3) == ["2026-11-30", "2026-12-30", "2027-01-30"]
    assert dues("2026-12-28", "week", 2) == ["2026-12-28", "2027-01-04"]
    assert covering([("I-1", 100), ("I-2", 100), ("I-3", 100)], 101) == ["I-1", "I-2"]


# ------------------------------------------------------------------ its end


def test_a_newer_promise_on_the_same_invoice_replaces_it() -> None:
    newer = promised("N-2", "2026-03-05", {"2026-03-20": "300.00"}, "I-1", "I-2")
    assert [state(PROMISE, newer, on=day) for day in ("2026-03-04", "2026-03-05", MISSED)] == ["open", "replaced", "replaced"]
    assert broken(PROMISE, newer, on="2026-03-20") == []
    assert broken(PROMISE, newer, on="2026-03-21") == [("promise_broken", None, "2026-03-21")]
    other = promised("N-2", "2026-03-05", {"2026-03-20": "100.00"}, "I-2")
    assert state(PROMISE, other, on="2026-03-05") == "open", "one on another invoice stands beside it"


def test_what_was_broken_stays_so_when_it_is_replaced_and_is_no_alarm_any_more() -> None:
    for day in (MISSED, "2026-03-15"):
        newer = promised("N-2", day, {"2026-04-01": "300.00"}, "I-1")
        assert (state(PROMISE, newer, on=day), broken(PROMISE, newer, on=day)) == ("broken", [])


def test_of_two_of_one_day_the_later_one_counts() -> None:
    newer = promised("N-0", MADE, {DUE: "100.00"}, "I-1")
    both = shown(PROMISE, newer, on=MADE)
    assert (both["N-1"]["state"], both["N-0"]["state"]) == ("replaced", "open")


def test_a_withdrawn_promise_counts_no_more_from_its_day_on() -> None:
    taken_back = (PROMISE, withdrawn("N-1", "2026-03-15"))
    assert [state(*taken_back, on=day) for day in (DUE, "2026-03-14", "2026-03-15")] == ["open", "broken", "withdrawn"]
    assert [broken(*taken_back, on=day) for day in ("2026-03-14", "2026-03-15")] == [SINCE_MISSED, []]


def test_an_invoice_is_covered_while_something_of_a_promise_is_to_come() -> None:
    def covered(*happened: Happened, on: str) -> set[str]:
        return promised_invoices(books(known(*happened)).on(ACCOUNT, on, None))

    both = promised("N-1", MADE, {DUE: "450.00"}, "I-1", "I-2")
    assert [covered(both, on=day) for day in ("2026-03-01", MADE, DUE, MISSED)] == [set(), {"I-1", "I-2"}, {"I-1", "I-2"}, set()]
    assert covered(both, withdrawn("N-1", "2026-03-05"), on="2026-03-05") == set()
    assert covered(PROMISE, paid("P-1", "2026-03-05", "300.00"), on="2026-03-05") == set(), "nothing more was promised"


def test_what_was_known_then_is_said_for_ever() -> None:
    late = books(known(PROMISE, paid("P-1", "2026-03-09", "300.00")))
    assert [promises(late, MISSED, version)["N-1"]["state"] for version in (5, 6)] == ["broken", "kept"]
    assert promises(late, MISSED, 4) == {}


def test_what_is_told_of_an_invoice_has_its_promises_loaded_with_it() -> None:
    """Else every batch that pays a promised invoice would be folded twice."""
    documents = books(known(PROMISE)).documents[ACCOUNT]
    assert reaches("PaymentReceived", Document("credit:P-1"), ["credit:P-1", "invoice:I-1"], documents) == {"promise:N-1"}


# ------------------------------------------------------------------ the law

DAYS = [f"2026-03-{day:02}" for day in range(1, 13)]
AMOUNTS = st.sampled_from(["50.00", "100.00", "33.33", "400.00"])
INVOICES = st.sampled_from(["I-1", "I-2"])


def event_of(kind: str, place: int, day: str, amount: str, of: str) -> Json:
    number = f"{kind}-{place}"
    if kind == "payment":
        return paid(number, day, amount, of)
    if kind == "note":
        return told("credit_note.posted", day, credit_note=number, currency="EUR", amount=amount, allocations=[to(of, amount)])
    if kind == "off":
        return told("write_off.posted", day, write_off=number, invoice=of, amount=amount)
    return told("payment.returned", day, payment="payment-0") if kind == "returned" else told("invoice.cancelled", day, invoice=of)


@st.composite
def happenings(draw: st.DrawFn) -> tuple[list[Json], list[ToldFact], list[Json]]:
    """What an ERP told, the promises as they were made, and the former in another order with repeats."""
    one = st.tuples(st.sampled_from(DAYS), AMOUNTS, INVOICES)
    events = [told("customer.changed", "2026-01-01", **CUSTOMER), OWED, MORE]
    for kind, most in (("payment", 3), ("note", 1), ("off", 1), ("returned", 1), ("cancelled", 1)):
        events += [event_of(kind, place, *drawn) for place, drawn in enumerate(draw(st.lists(one, max_size=most)))]
    own: list[ToldFact] = []
    for place, day in enumerate(sorted(draw(st.lists(st.sampled_from(DAYS[:7]), min_size=1, max_size=3)))):
        later = [due for due in DAYS if due >= day]
        terms = {due: draw(AMOUNTS) for due in sorted(draw(st.sets(st.sampled_from(later), min_size=1, max_size=2)))}
        paid_before = draw(st.lists(st.builds(to, INVOICES, AMOUNTS), max_size=1))
        own.append(promised(f"N-{place}", day, terms, *sorted(draw(st.sets(INVOICES, min_size=1))), paid_before=paid_before))
        if draw(st.booleans()):
            end = draw(st.sampled_from(later))
            own.append(withdrawn(f"N-{place}", end))
    own.sort(key=lambda fact: (fact.data["date"], fact.data["promise"]))
    return events, own, draw(st.permutations([*events, *draw(st.lists(st.sampled_from(events), max_size=3))]))


@settings(max_examples=60)
@given(happenings(), st.sampled_from(DAYS), st.integers(0, 40))
def test_any_order_of_arrival_and_any_repeat_say_the_same_and_the_slow_model_says_it_too(
    happened: tuple[list[Json], list[ToldFact], list[Json]], day: str, first: int
) -> None:
    events, own, arrived = happened
    mixed: list[Happened] = [*arrived[:first], *own, *arrived[first:]]
    for evict in (False, True):
        found = promises(books(mixed, evict=evict), day)
        assert {number: in_short(row) for number, row in found.items()} == slowly(events, own, day)
    signs = [alert[0] for alert in standing(books(mixed), ACCOUNT, day)]
    assert ("promise_broken" in signs) == any(row["missing"] != "0.00" for row in found.values())
