"""A parent pays for its branch: what its credit grants to an item there is gone from it, and clears the item or is unapplied there."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.door import read_record
from schemas.jsontext import written
from tests.folding import Books, Event
from tests.test_rules import CUSTOMER, Json, parts, told

PARENT, BRANCH = "P-1000", "C-1001"
ZERO = "0.00"


def customer(account: str, **more: Any) -> Json:
    return told("customer.changed", "2026-01-01", subject=account, **{**CUSTOMER, "name": account, **more})


BOTH = [customer(PARENT), customer(BRANCH, parent=PARENT)]


def invoice(number: str, day: str, amount: str, *, of: str = BRANCH, currency: str = "EUR", due: str = "2026-02-11") -> Json:
    return told("invoice.posted", day, subject=of, invoice=number, currency=currency, amount=amount, due=due)


def payment(number: str, day: str, amount: str, *allocations: Json, currency: str = "EUR", **more: Any) -> Json:
    return told("payment.received", day, subject=PARENT, payment=number, currency=currency, amount=amount, allocations=list(allocations), **more)


def to_branch(number: str, amount: str, **more: str) -> Json:
    return {"invoice": number, "amount": amount, "account": BRANCH, **more}


def to_own(number: str, amount: str) -> Json:
    return {"invoice": number, "amount": amount}


def of_parent(kind: str, day: str, **data: Any) -> Json:
    return told(kind, day, subject=PARENT, **data)


class Figures:
    """Both accounts as of a day, the same in whatever order their events came."""

    def __init__(self, *events: Json, on: str) -> None:
        told_in_order = [*BOTH, *events]
        books = [Books(evict=evict).take_all(arrived) for evict in (False, True) for arrived in (told_in_order, told_in_order[::-1])]
        shown = [[kept.show(account, on) for account in (PARENT, BRANCH)] for kept in books]
        assert all(one == shown[0] for one in shown)
        parent, branch = shown[0]
        assert parent is not None
        assert branch is not None
        self.parent, self.branch = parent, branch

    @property
    def unapplied(self) -> tuple[str, str]:
        return parts(self.parent)[3], parts(self.branch)[3]

    @property
    def open(self) -> dict[str, str]:
        return {item["document"]: item["open"] for figures in (self.parent, self.branch) for item in figures["open_items"]}


def test_the_payment_of_the_parent_clears_the_invoice_of_the_branch() -> None:
    paid = invoice("I-1", "2026-01-10", "400.00"), payment("77", "2026-01-20", "500.00", to_branch("I-1", "400.00"))
    before, after = Figures(*paid, on="2026-01-19"), Figures(*paid, on="2026-01-20")
    assert (before.open, before.unapplied) == ({"I-1": "400.00"}, (ZERO, ZERO))
    assert (after.open, after.unapplied) == ({}, ("-100.00", ZERO))
    assert after.parent["pending"] == after.branch["pending"] == []


def test_what_the_credit_lacks_is_not_paid() -> None:
    events = (
        invoice("I-1", "2026-01-10", "400.00"),
        invoice("I-2", "2026-01-10", "400.00"),
        payment("77", "2026-01-20", "500.00", to_branch("I-1", "400.00"), to_branch("I-2", "400.00")),
    )
    figures = Figures(*events, on="2026-01-20")
    assert (figures.open, figures.unapplied) == ({"I-2": "300.00"}, (ZERO, ZERO))


def test_items_of_both_accounts_are_granted_in_one_order() -> None:
    events = (
        invoice("I-1", "2026-01-10", "400.00"),
        invoice("I-9", "2026-01-10", "400.00", of=PARENT),
        payment("77", "2026-01-20", "500.00", to_own("I-9", "300.00"), to_branch("I-1", "400.00")),
    )
    figures = Figures(*events, on="2026-01-20")
    assert (figures.open, figures.unapplied) == ({"I-9": "100.00", "I-1": "200.00"}, (ZERO, ZERO))


def test_what_the_item_does_not_take_is_unapplied_at_the_branch() -> None:
    events = invoice("I-1", "2026-01-10", "300.00"), payment("77", "2026-01-20", "500.00", to_branch("I-1", "400.00"))
    figures = Figures(*events, on="2026-01-20")
    assert (figures.open, figures.unapplied) == ({}, ("-100.00", "-100.00"))


def test_a_payment_that_is_returned_opens_the_item_again_on_its_old_day() -> None:
    events = (
        invoice("I-1", "2026-01-10", "400.00"),
        payment("77", "2026-01-20", "400.00", to_branch("I-1", "400.00")),
        of_parent("payment.returned", "2026-02-20", payment="77"),
    )
    assert Figures(*events, on="2026-02-19").open == {}
    returned = Figures(*events, on="2026-02-20")
    assert (returned.open, returned.unapplied, returned.branch["days_overdue"]) == ({"I-1": "400.00"}, (ZERO, ZERO), 9)
    again = (*events, of_parent("payment.return_cancelled", "2026-02-25", payment="77"))
    assert (Figures(*again, on="2026-02-24").open, Figures(*again, on="2026-02-25").open) == ({"I-1": "400.00"}, {})


def test_until_the_invoice_comes_the_money_is_unapplied_at_the_branch_and_named_as_pending_there() -> None:
    events = invoice("I-1", "2026-02-01", "400.00"), payment("77", "2026-01-20", "400.00", to_branch("I-1", "400.00"))
    figures = Figures(*events, on="2026-01-31")
    assert (figures.unapplied, figures.parent["pending"]) == ((ZERO, "-400.00"), [])
    assert figures.branch["pending"] == [{"kind": "transfer", "document": f"{PARENT}/credit/77", "names_kind": "invoice", "names": "I-1"}]
    later = Figures(*events, on="2026-02-01")
    assert (later.open, later.unapplied, later.branch["pending"]) == ({}, (ZERO, ZERO), [])


def test_an_invoice_that_is_cancelled_leaves_the_money_at_the_branch() -> None:
    events = (
        invoice("I-1", "2026-01-10", "400.00"),
        payment("77", "2026-01-20", "400.00", to_branch("I-1", "400.00")),
        told("invoice.cancelled", "2026-01-25", subject=BRANCH, invoice="I-1"),
    )
    figures = Figures(*events, on="2026-01-25")
    assert (figures.open, figures.unapplied) == ({}, (ZERO, "-400.00"))


def test_an_allocation_made_later_pays_for_the_branch_until_it_is_undone() -> None:
    events = (
        invoice("I-1", "2026-01-10", "400.00"),
        payment("77", "2026-01-20", "500.00"),
        of_parent("allocation.made", "2026-01-22", allocation="A-1", credit="77", invoice="I-1", amount="400.00", account=BRANCH),
        of_parent("allocation.undone", "2026-01-30", allocation="A-1"),
    )
    days = {day: Figures(*events, on=day) for day in ("2026-01-21", "2026-01-22", "2026-01-29", "2026-01-30")}
    assert [figures.unapplied for figures in days.values()] == [("-500.00", ZERO), ("-100.00", ZERO), ("-100.00", ZERO), ("-500.00", ZERO)]
    assert [figures.open for figures in days.values()] == [{"I-1": "400.00"}, {}, {}, {"I-1": "400.00"}]


def test_an_allocation_of_a_credit_that_is_not_there_yet_is_pending_at_the_parent_alone() -> None:
    made = of_parent(
        "allocation.made", "2026-01-22", allocation="A-1", credit="77", credit_kind="payment", invoice="I-1", amount="9.00", account=BRANCH
    )
    figures = Figures(made, on="2026-01-22")
    assert figures.parent["pending"] == [{"kind": "allocation", "document": "A-1", "names_kind": "payment", "names": "77"}]
    assert (figures.branch["pending"], figures.unapplied) == ([], (ZERO, ZERO))


def test_a_credit_note_of_the_parent_clears_the_invoice_of_the_branch() -> None:
    note = of_parent("credit_note.posted", "2026-01-20", credit_note="N-1", currency="EUR", amount="50.00", allocations=[to_branch("I-1", "50.00")])
    figures = Figures(invoice("I-1", "2026-01-10", "400.00"), note, on="2026-01-20")
    assert (figures.open, figures.unapplied) == ({"I-1": "350.00"}, (ZERO, ZERO))


def test_a_discount_is_taken_where_the_whole_amount_was_granted() -> None:
    item = invoice("I-1", "2026-01-10", "100.00")
    whole = Figures(item, payment("77", "2026-01-20", "98.00", to_branch("I-1", "98.00", discount="2.00")), on="2026-01-20")
    less = Figures(item, payment("77", "2026-01-20", "97.00", to_branch("I-1", "98.00", discount="2.00")), on="2026-01-20")
    assert (whole.open, less.open) == ({}, {"I-1": "3.00"})


def test_in_another_currency_the_credit_gives_its_own_amount_and_the_item_takes_what_that_is_worth() -> None:
    rate = {**told("fx_rate.published", "2026-01-01", subject="USD", base="USD", quote="EUR", rate="0.5"), "id": "usd"}
    item = invoice("I-1", "2026-01-10", "100.00", currency="USD")
    paid = payment("77", "2026-01-20", "60.00", to_branch("I-1", "100.00", credit_amount="50.00"))
    figures = Figures(rate, item, paid, on="2026-01-20")
    assert (figures.open, figures.unapplied) == ({}, ("-10.00", ZERO))
    partly = payment("77", "2026-01-20", "40.00", to_branch("I-1", "100.00", credit_amount="50.00"))
    figures = Figures(rate, item, partly, on="2026-01-20")
    assert (figures.open, figures.unapplied) == ({"I-1": "20.00"}, (ZERO, ZERO))


def test_without_a_credit_amount_another_currency_clears_nothing_and_is_named_at_the_branch() -> None:
    item = invoice("I-1", "2026-01-10", "100.00", currency="USD")
    figures = Figures(item, payment("77", "2026-01-20", "60.00", to_branch("I-1", "50.00")), on="2026-01-20")
    assert figures.unapplied == ("-10.00", "-50.00")
    assert {"code": "currency_mismatch", "kind": "transfer", "document": f"{PARENT}/credit/77"} in figures.branch["anomalies"]


def test_a_credit_amount_in_the_same_currency_creates_no_money() -> None:
    item = invoice("I-1", "2026-01-10", "100.00")
    figures = Figures(item, payment("77", "2026-01-20", "60.00", to_branch("I-1", "100.00", credit_amount="50.00")), on="2026-01-20")
    assert (figures.open, figures.unapplied) == ({"I-1": "50.00"}, ("-10.00", ZERO))


def test_of_two_texts_of_one_payment_the_first_told_pays_whichever_came_first() -> None:
    item = invoice("I-1", "2026-01-10", "400.00")
    first = payment("77", "2026-01-20", "400.00", to_branch("I-1", "400.00"))
    second = payment("77", "2026-01-21", "400.00", to_own("I-9", "400.00"))
    assert Figures(item, first, second, on="2026-01-21").open == {}
    second["time"] = "2026-01-19T12:00:00Z"
    figures = Figures(item, first, second, on="2026-01-21")
    assert (figures.open, figures.unapplied) == ({"I-1": "400.00"}, ("-400.00", ZERO))


def test_an_account_of_which_nothing_else_was_told_has_what_was_paid_for_it() -> None:
    books = Books().take_all([payment("77", "2026-01-20", "400.00", to_branch("I-1", "150.00"))])
    branch = books.show(BRANCH, "2026-01-20")
    assert branch is not None
    assert (branch["currency"], branch["exposure"]["unapplied"]) == ("EUR", "-150.00")


def test_what_was_known_at_the_branch_before_the_payment_came_stays_so() -> None:
    books = Books().take_all([*BOTH, invoice("I-1", "2026-01-10", "400.00")])
    before = books.show(BRANCH, "2026-02-20")
    known = books.heads[BRANCH].version
    books.take(payment("77", "2026-01-20", "400.00", to_branch("I-1", "400.00")))
    assert books.show(BRANCH, "2026-02-20", known) == before
    assert books.show(BRANCH, "2026-02-20") != before


@pytest.mark.parametrize("evict", [False, True])
def test_numbers_of_transfers_cannot_be_mistaken_for_each_other(evict: bool) -> None:
    """A payment ``b/credit/1`` of the account ``a``, and the payment ``1`` of the account ``a/credit/b``."""
    books = Books(evict=evict).take_all([customer(BRANCH)])
    for account, number in (("a", "b/credit/1"), ("a/credit/b", "1"), ("a/", "1"), ("a", "/1")):
        paid = payment(number, "2026-01-20", "10.00", to_branch("I-1", "10.00"))
        books.take({**paid, "subject": account, "id": f"{account} {number}"})
    branch = books.show(BRANCH, "2026-01-20")
    assert branch is not None
    assert branch["exposure"]["unapplied"] == "-40.00"
    assert len(branch["pending"]) == 4


@pytest.mark.parametrize("own", ["payment.received", "allocation.made"])
def test_its_own_account_named_in_an_allocation_is_as_if_it_were_not(own: str) -> None:
    one = to_own("I-9", "10.00")
    texts = {
        "payment.received": lambda part: payment("77", "2026-01-20", "10.00", part),
        "allocation.made": lambda part: of_parent("allocation.made", "2026-01-20", allocation="A-1", credit="77", **part),
    }
    plain, named = (read_record(written({**texts[own](part), "id": "one"})) for part in (one, {**one, "account": PARENT}))
    assert (plain.data, plain.content, plain.digest) == (named.data, named.content, named.digest)
    assert plain.personal is named.personal is None


# Any order, any repeats

days = st.integers(1, 12).map(lambda day: f"2026-01-{day:02}")
cents = st.integers(1, 300).map(lambda many: f"{many}.00")


@st.composite
def histories(draw: st.DrawFn, *, enough: bool = False) -> list[Event]:
    """Invoices of both accounts, payments of the parent for either, and what becomes of them; ``enough``: no credit is asked for more than it is."""
    events: list[Event] = []
    named = st.sampled_from([("I-1", True), ("I-2", True), ("I-8", False), ("I-9", False)])

    def part() -> Json:
        number, is_branch = draw(named)
        amount = f"{draw(st.integers(1, 40))}.00" if enough else draw(cents)
        return to_branch(number, amount) if is_branch else to_own(number, amount)

    for number, of in (("I-1", BRANCH), ("I-2", BRANCH), ("I-8", PARENT), ("I-9", PARENT)):
        if draw(st.booleans()):
            events.append(invoice(number, draw(days), draw(cents), of=of))
            if draw(st.integers(0, 4)) == 0:
                events.append(told("invoice.cancelled", draw(days), subject=of, invoice=number))
    for number in draw(st.lists(st.sampled_from(["1", "2"]), min_size=1, max_size=2 if enough else 3, unique=enough)):
        amount = "1000.00" if enough else draw(cents)
        value = draw(st.sampled_from([{}, {"value_date": draw(days)}]))
        discounts = st.sampled_from([{}, {"discount": "3.00"}] if enough else [{}])
        events.append(payment(number, draw(days), amount, *[{**part(), **draw(discounts)} for _ in range(draw(st.integers(0, 3)))], **value))
    for turn in draw(st.lists(st.sampled_from(["payment.returned", "payment.return_cancelled"]), max_size=2)):
        events.append(of_parent(turn, draw(days), payment=draw(st.sampled_from(["1", "2"]))))
    for number in draw(st.lists(st.sampled_from(["A-1", "A-2"]), max_size=2, unique=enough)):
        credit = draw(st.sampled_from(["1", "2"]))
        events.append(of_parent("allocation.made", draw(days), allocation=number, credit=credit, **part()))
        if draw(st.booleans()):
            events.append(of_parent("allocation.undone", draw(days), allocation=number))
    minutes = draw(st.permutations(range(len(events))))
    return [
        {**event, "id": f"{place}", "time": f"2026-01-01T09:{minute:02}:00Z"}
        for place, (event, minute) in enumerate(zip(events, minutes, strict=True))
    ]


def figures(books: Books, day: str) -> list[Json | None]:
    return [books.show(account, day) for account in (PARENT, BRANCH)]


@given(histories().flatmap(lambda told: st.tuples(st.just(told), st.permutations([*told, *told[:3]]))), days)
@settings(max_examples=500)
def test_both_accounts_say_the_same_in_any_order_of_arrival_with_any_repeats(both: tuple[list[Event], list[Event]], day: str) -> None:
    history, arrived = both
    in_order = figures(Books().take_all([*BOTH, *history]), day)
    assert figures(Books().take_all([*BOTH, *arrived]), day) == in_order
    assert figures(Books(evict=True).take_all([*arrived, *BOTH]), day) == in_order


@given(histories(), days)
@settings(max_examples=500)
def test_the_two_together_have_the_exposure_of_one_account_that_had_both(history: list[Event], day: str) -> None:
    together = sum(float(one["exposure"]["total"]) for one in figures(Books().take_all([*BOTH, *history]), day) if one)
    (one,) = figures(Books().take_all([BOTH[0], *map(in_one_account, history)]), day)[:1]
    assert one is not None
    assert together == float(one["exposure"]["total"])


@given(histories(enough=True), days)
@settings(max_examples=500)
def test_where_the_credit_is_enough_every_item_is_as_open_as_in_one_account_that_had_both(history: list[Event], day: str) -> None:
    two = figures(Books().take_all([*BOTH, *history]), day)
    one = Books().take_all([BOTH[0], *map(in_one_account, history)]).show(PARENT, day)
    assert one is not None
    assert {item["document"]: item["open"] for shown in two if shown for item in shown["open_items"]} == {
        item["document"]: item["open"] for item in one["open_items"]
    }


@given(histories().flatmap(lambda told: st.permutations([*BOTH, *told])), st.integers(0, 12), days)
@settings(max_examples=500)
def test_what_both_accounts_said_at_an_event_is_known_for_ever(arrived: list[Event], cut: int, day: str) -> None:
    early = Books().take_all(arrived[:cut])
    versions = {account: head.version for account, head in early.heads.items()}
    late = Books().take_all(arrived)
    for account, version in versions.items():
        assert late.show(account, day, version) == early.show(account, day)


def in_one_account(event: Event) -> Event:
    data = {name: value for name, value in event["data"].items() if name != "account"}
    if "allocations" in data:
        data["allocations"] = [{name: value for name, value in part.items() if name != "account"} for part in data["allocations"]]
    return {**event, "subject": PARENT, "data": data}


def test_an_account_that_was_only_paid_for_has_no_currency_once_that_was_taken_back() -> None:
    """Whoever looks back at it from later on sees the same."""
    facts = [BOTH[0], payment("P-1", "2026-01-01", "1.00", to_branch("I-1", "1.00")), of_parent("payment.returned", "2026-01-01", payment="P-1")]
    early = Books().take_all(facts)
    late = Books().take_all([*facts, invoice("I-2", "2026-01-01", "1.00")])
    version = early.heads[BRANCH].version
    shown = early.show(BRANCH, "2026-01-01")
    assert shown is not None
    assert shown["currency"] is None
    assert late.show(BRANCH, "2026-01-01", version) == shown
