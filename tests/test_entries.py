"""A statement's lines: each names its document, whatever order the facts came in, and in each currency they add up to the balance."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.entries import Entry, balances, entries
from schemas.amounts import shown
from tests.folding import Books, Event
from tests.histories import arrivals
from tests.histories import histories as of_one_account
from tests.test_branch_payments import BOTH, BRANCH, PARENT, days, histories, invoice, of_parent, payment, to_branch
from tests.test_rules import Json, told


def lines_of(account: str, *events: Json) -> list[str]:
    """As the customer reads them, the same whichever way round the facts came."""
    both = [entries(Books().take_all(arrived).documents[account]) for arrived in (events, events[::-1])]
    assert both[0] == both[1]
    return [line_of(entry) for entry in both[0]]


def line_of(entry: Entry) -> str:
    other = f" {entry.account}" if entry.account else ""
    return f"{entry.day[5:]} {entry.kind} {entry.document}{other} {shown(entry.amount, entry.currency)} {entry.currency}"


def to(number: str, amount: str, **more: str) -> Json:
    return {"invoice": number, "amount": amount, **more}


BILLED = [*BOTH, invoice("I-1", "2026-01-05", "100.00", of=PARENT)]


def test_a_payment_that_is_used_on_its_day_is_a_payment_of_all_that_came_in() -> None:
    assert lines_of(PARENT, *BILLED, payment("P-1", "2026-01-10", "100.00", to("I-1", "100.00"))) == [
        "01-05 invoice I-1 100.00 EUR",
        "01-10 payment P-1 -100.00 EUR",
    ]


def test_what_is_billed_and_paid_on_one_day_is_both_told() -> None:
    note = told(
        "credit_note.posted", "2026-01-05", subject=PARENT, credit_note="G-1", currency="EUR", amount="100.00", allocations=[to("I-1", "100.00")]
    )
    assert lines_of(PARENT, *BILLED, note) == ["01-05 invoice I-1 100.00 EUR", "01-05 credit_note G-1 -100.00 EUR"]


def test_a_later_fact_rewrites_no_line_of_before() -> None:
    paid = [*BILLED, payment("P-1", "2026-01-10", "100.00", to("I-1", "98.00", discount="2.00"))]
    before = lines_of(PARENT, *paid)
    assert before[1:] == ["01-10 payment P-1 -100.00 EUR", "01-10 discount P-1 -2.00 EUR"]
    for later, said in (
        (of_parent("payment.returned", "2026-02-01", payment="P-1"), ["payment_returned P-1 100.00", "discount_taken_back P-1 2.00"]),
        (of_parent("invoice.cancelled", "2026-02-01", invoice="I-1"), ["invoice_cancelled I-1 -100.00", "discount_taken_back P-1 2.00"]),
        (of_parent("write_off.posted", "2026-02-01", write_off="W-1", invoice="I-1", amount="1.00"), []),
    ):
        assert lines_of(PARENT, *paid, later) == before + [f"02-01 {one} EUR" for one in said]


def test_a_return_that_is_cancelled_brings_the_payment_and_its_discount_back() -> None:
    paid = [*BILLED, payment("P-1", "2026-01-10", "98.00", to("I-1", "98.00", discount="2.00"))]
    returned = [of_parent("payment.returned", "2026-01-20", payment="P-1"), of_parent("payment.return_cancelled", "2026-03-25", payment="P-1")]
    assert lines_of(PARENT, *paid, *returned)[3:] == [
        "01-20 payment_returned P-1 98.00 EUR",
        "01-20 discount_taken_back P-1 2.00 EUR",
        "03-25 return_cancelled P-1 -98.00 EUR",
        "03-25 discount P-1 -2.00 EUR",
    ]


def test_what_is_written_off_is_no_more_than_was_open_and_comes_back() -> None:
    given_up = of_parent("write_off.posted", "2026-01-20", write_off="W-1", invoice="I-1", amount="50.00")
    reversed_ = of_parent("write_off.reversed", "2026-02-01", write_off="W-1")
    paid = [*BILLED, payment("P-1", "2026-01-10", "70.00", to("I-1", "70.00"))]
    assert lines_of(PARENT, *paid, given_up, reversed_)[2:] == ["01-20 write_off W-1 -30.00 EUR", "02-01 write_off_reversed W-1 30.00 EUR"]


def test_what_clears_an_item_in_another_currency_is_exchanged_in_two_lines_that_name_the_payment() -> None:
    foreign = invoice("I-2", "2026-01-05", "110.00", of=PARENT, currency="USD")
    paid = payment("P-1", "2026-01-10", "300.00", to("I-1", "100.00"), to("I-2", "120.00", credit_amount="120.00"))
    assert lines_of(PARENT, *BILLED, foreign, paid)[2:] == [
        "01-10 payment P-1 -300.00 EUR",
        "01-10 exchange P-1 110.00 EUR",
        "01-10 exchange P-1 -110.00 USD",
    ], "what the item does not take is not exchanged"


def test_what_the_parent_pays_for_its_branch_names_its_payment_on_both_sides_and_so_does_what_takes_it_back() -> None:
    events = [
        *BOTH,
        invoice("I-1", "2026-01-02", "500.00"),
        payment("P-1", "2026-01-10", "700.00", to_branch("I-1", "400.00", discount="5.00")),
        of_parent("payment.returned", "2026-01-20", payment="P-1"),
        of_parent("payment.return_cancelled", "2026-01-25", payment="P-1"),
    ]
    assert lines_of(BRANCH, *events) == [
        "01-02 invoice I-1 500.00 EUR",
        f"01-10 transfer_from P-1 {PARENT} -400.00 EUR",
        "01-10 discount P-1 -5.00 EUR",
        "01-20 discount_taken_back P-1 5.00 EUR",
        f"01-20 transfer_from_taken_back P-1 {PARENT} 400.00 EUR",
        f"01-25 transfer_from P-1 {PARENT} -400.00 EUR",
        "01-25 discount P-1 -5.00 EUR",
    ]
    assert lines_of(PARENT, *events) == [
        "01-10 payment P-1 -700.00 EUR",
        f"01-10 transfer_to P-1 {BRANCH} 400.00 EUR",
        "01-20 payment_returned P-1 700.00 EUR",
        f"01-20 transfer_to_taken_back P-1 {BRANCH} -400.00 EUR",
        "01-25 return_cancelled P-1 -700.00 EUR",
        f"01-25 transfer_to P-1 {BRANCH} 400.00 EUR",
    ]


def adds_up(books: Books, account: str, day: str) -> list[Entry]:
    """Before the day, in every currency."""
    documents = books.documents[account]
    told, sums = entries(documents), Counter[str]()
    for entry in told:
        sums[entry.currency] += entry.amount if entry.day < day else 0
    assert {currency: amount for currency, amount in sums.items() if amount} == {
        currency: amount for currency, amount in balances(documents.values(), day).items() if amount
    }
    return told


@given(of_one_account().flatmap(lambda history: st.tuples(arrivals(history), arrivals(history))), days)
@settings(max_examples=300)
def test_lines_add_up_to_the_balance_of_any_day_in_any_order_of_arrival(arrived: tuple[list[Event], list[Event]], day: str) -> None:
    one, other = (Books().take_all(events) for events in arrived)
    for account in one.heads:
        assert adds_up(one, account, day) == adds_up(other, account, day)


@given(histories().flatmap(lambda told: st.tuples(st.just(told), st.permutations([*told, *told[:3]]))), days)
@settings(max_examples=300)
def test_so_they_do_of_a_parent_and_its_branch(both: tuple[list[Event], list[Event]], day: str) -> None:
    one, other = (Books().take_all([*BOTH, *events]) for events in both)
    for account in (PARENT, BRANCH):
        assert adds_up(one, account, day) == adds_up(other, account, day)
