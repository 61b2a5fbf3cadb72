"""Cases worked out by hand from the contract, each a sentence a credit manager could sign: for the engine, and for the slow model that judges it."""

from datetime import date
from hashlib import blake2b
from typing import Any

from tests.folding import Books
from tests.model import Recorded, show

Json = dict[str, Any]
ACCOUNT = "C-1001"
CUSTOMER: Json = {"version": 1, "name": "Acme", "currency": "EUR", "timezone": "Europe/Berlin"}


def told(kind: str, day: str, at: str = "12:00:00Z", /, subject: str = ACCOUNT, **data: Any) -> Json:
    """An event told at noon of its own business day, unless another time (or day and time) is given."""
    time = at if "T" in at else f"{day}T{at}"
    dated = {"valid_from": day} if kind in ("limit.changed", "protection.changed") else {"date": day}
    name = blake2b(f"{kind}/{time}/{sorted(data.items(), key=str)}".encode(), digest_size=16).hexdigest()
    return {
        "specversion": "1.0",
        "id": name,
        "source": "/erp",
        "type": f"erp.{kind}.v1",
        "subject": subject,
        "time": time,
        "data": data | dated,
    }


def shown(*events: Json, on: str) -> Json:
    known = [told("customer.changed", "2026-01-01", **CUSTOMER), *events]
    return agreed(known, on)


def agreed(known: list[Json], on: str) -> Json:
    """What the engine says, however the events arrive, and the slow model says too."""
    judged = show([Recorded(event) for event in known], ACCOUNT, date.fromisoformat(on))
    assert judged is not None
    for arrived in (known, known[::-1]):
        figures = Books().take_all(arrived).show(ACCOUNT, on)
        assert figures is not None
        assert {name: figures[name] for name in judged} == judged
    return judged


def parts(figures: Json) -> tuple[str, str, str, str]:
    e = figures["exposure"]
    return e["orders"], e["deliveries"], e["receivables"], e["unapplied"]


def order(number: str, day: str, *lines: Json, version: int = 1, **more: Any) -> Json:
    return told(
        "order.confirmed",
        day,
        order=number,
        version=version,
        currency=more.pop("currency", "EUR"),
        lines=list(lines),
        **more,
    )


def delivery(number: str, day: str, *lines: Json, currency: str = "EUR") -> Json:
    return told("delivery.posted", day, delivery=number, currency=currency, lines=list(lines))


def invoice(number: str, day: str, amount: str, *lines: Json, due: str = "2026-02-11", currency: str = "EUR", **more: Any) -> Json:
    terms = {} if "instalments" in more else {"due": due}
    return told("invoice.posted", day, invoice=number, currency=currency, amount=amount, lines=list(lines), **terms, **more)


def payment(number: str, day: str, amount: str, *allocations: Json, currency: str = "EUR", **more: Any) -> Json:
    return told("payment.received", day, payment=number, currency=currency, amount=amount, allocations=list(allocations), **more)


def to(number: str, amount: str, **more: str) -> Json:
    return {"invoice": number, "amount": amount} | more


def line(number: str, **said: str) -> Json:
    return {"line": number} | said


def ref(**said: Any) -> Json:
    return said


def limit(number: str, day: str, amount: str, kind: str = "base", version: int = 1, **more: Any) -> Json:
    return told(
        "limit.changed",
        day,
        limit=number,
        version=version,
        kind=kind,
        amount=amount,
        currency=more.pop("currency", "EUR"),
        **more,
    )


def rate(base: str, quote: str, day: str, amount: str, at: str = "12:00:00Z") -> Json:
    return told("fx_rate.published", day, at, subject=base, base=base, quote=quote, rate=amount)


# ------------------------------------------------------------------ the contract's example


def test_the_example_of_the_contract() -> None:
    figures = shown(
        limit("L-1", "2026-01-01", "1000.00"),
        order("O-1", "2026-01-05", line("1", value="600.00")),
        invoice("I-9", "2026-01-12", "400.00", ref(order="O-1", line="1", value="400.00")),
        payment("P-1", "2026-02-02", "200.00", to("I-9", "200.00")),
        on="2026-02-20",
    )
    assert figures == {
        "account": "C-1001",
        "currency": "EUR",
        "as_of": "2026-02-20",
        "limit": {"amount": "1000.00", "kind": "base", "valid_to": None},
        "exposure": {
            "orders": "200.00",
            "deliveries": "0.00",
            "receivables": "200.00",
            "unapplied": "0.00",
            "reserved": "0.00",
            "total": "400.00",
        },
        "available": "600.00",
        "utilisation": "0.4000",
        "policy": "default",
        "judged": {"gross": "400.00", "protection": "0.00", "limit": "1000.00", "net": "400.00", "available": "600.00"},
        "days_overdue": 9,
        "overdue_amount": "200.00",
        "disputed": "0.00",
        "written_off": "0.00",
        "ageing": {
            "not_due": "0.00",
            "1-30": "200.00",
            "31-60": "0.00",
            "61-90": "0.00",
            "91-120": "0.00",
            "121+": "0.00",
            "unapplied": "0.00",
        },
        "open_items": [
            {
                "document": "I-9",
                "kind": "invoice",
                "date": "2026-01-12",
                "due": "2026-02-11",
                "amount": "400.00",
                "currency": "EUR",
                "open": "200.00",
                "open_account": "200.00",
                "disputed": "0.00",
                "days_overdue": 9,
            }
        ],
        "open_orders": [{"order": "O-1", "open": "200.00", "currency": "EUR", "open_account": "200.00"}],
        "pending": [],
        "anomalies": [],
        "blocked": False,
    }


def test_an_account_nothing_was_told_of_has_no_figures() -> None:
    assert show([Recorded(rate("USD", "EUR", "2026-01-01", "0.9"))], "USD", date(2026, 1, 2)) is None


# ------------------------------------------------------------------ orders and deliveries


def test_money_moves_from_order_to_delivery_to_invoice_and_is_counted_once() -> None:
    ordered = order("O-1", "2026-01-05", line("1", quantity="10", unit_price="9.99"))
    delivered = delivery("D-1", "2026-01-06", ref(order="O-1", line="1", quantity="4"))
    invoiced = invoice("I-1", "2026-01-07", "29.97", ref(order="O-1", quantity="3"))
    assert parts(shown(ordered, delivered, invoiced, on="2026-01-05")) == ("99.90", "0.00", "0.00", "0.00")
    assert parts(shown(ordered, delivered, invoiced, on="2026-01-06")) == ("59.94", "39.96", "0.00", "0.00")
    assert parts(shown(ordered, delivered, invoiced, on="2026-01-07")) == ("59.94", "9.99", "29.97", "0.00")


def test_each_order_line_is_rounded_once_half_to_even() -> None:
    figures = shown(
        order(
            "O-1",
            "2026-01-05",
            line("1", quantity="1", unit_price="0.125"),
            line("2", quantity="3", unit_price="0.045"),
        ),
        on="2026-01-05",
    )
    assert figures["exposure"]["orders"] == "0.26"  # 0.12 + 0.14


def test_an_older_version_told_later_counts_only_for_the_days_between() -> None:
    newest = order("O-1", "2026-01-10", line("1", value="500.00"), version=3)
    late = told(
        "order.amended",
        "2026-01-07",
        "2026-01-20T08:00:00Z",
        order="O-1",
        version=2,
        currency="EUR",
        lines=[line("1", value="300.00")],
    )
    first = order("O-1", "2026-01-05", line("1", value="100.00"))
    figures = [shown(newest, late, first, on=f"2026-01-{day}")["exposure"]["orders"] for day in ("05", "06", "07", "09", "10", "25")]
    assert figures == ["100.00", "100.00", "300.00", "300.00", "500.00", "500.00"]


def test_a_closed_order_adds_nothing_and_what_it_delivered_still_counts() -> None:
    events = [
        order("O-1", "2026-01-05", line("1", value="100.00")),
        delivery("D-1", "2026-01-06", ref(order="O-1", line="1", value="30.00")),
        told("order.closed", "2026-01-08", order="O-1", version=3, reason="completed"),
        told("order.amended", "2026-01-09", order="O-1", version=4, currency="EUR", lines=[line("1", value="200.00")]),
        told("order.reopened", "2026-01-10", order="O-1", version=5),
    ]
    assert parts(shown(*events, on="2026-01-07"))[:2] == ("70.00", "30.00")
    assert parts(shown(*events, on="2026-01-09"))[:2] == ("0.00", "30.00")
    assert parts(shown(*events, on="2026-01-10"))[:2] == ("170.00", "30.00")


def test_a_line_the_order_no_longer_has_keeps_its_last_price() -> None:
    events = [
        order("O-1", "2026-01-05", line("1", quantity="1", unit_price="10"), line("2", quantity="5", unit_price="7")),
        order("O-1", "2026-01-06", line("1", quantity="1", unit_price="10"), version=2),
        delivery("D-1", "2026-01-07", ref(order="O-1", line="2", quantity="2")),
    ]
    assert parts(shown(*events, on="2026-01-07"))[:2] == ("10.00", "14.00")


def test_a_quantity_without_a_price_counts_nothing_and_is_named() -> None:
    figures = shown(
        delivery("D-1", "2026-01-06", ref(order="O-1", line="1", quantity="4"), ref(quantity="1"), ref(value="5.00")),
        on="2026-01-06",
    )
    assert figures["exposure"]["deliveries"] == "5.00"
    assert figures["anomalies"] == [
        {"code": "missing_price", "kind": "delivery", "document": "D-1"},
        {"code": "missing_price", "kind": "order", "document": "O-1"},
    ]
    assert figures["pending"] == [{"kind": "delivery", "document": "D-1", "names_kind": "order", "names": "O-1"}]


def test_an_invoice_of_a_delivery_is_spread_over_its_lines_after_what_names_them() -> None:
    events = [
        order("O-1", "2026-01-05", line("1", value="100.00"), line("2", quantity="10", unit_price="10")),
        delivery(
            "D-1",
            "2026-01-06",
            ref(order="O-1", line="1", value="60.00"),
            ref(order="O-1", line="2", quantity="5"),
            ref(value="20.00"),
        ),
        invoice("I-1", "2026-01-07", "40.00", ref(order="O-1", line="1", delivery="D-1", value="40.00")),
        invoice("I-2", "2026-01-08", "75.00", ref(delivery="D-1", value="75.00")),
    ]
    # I-1 leaves 20 of line 1; I-2 fills it, then the 50 of line 2, and 5 of the order-less 20
    assert parts(shown(*events, on="2026-01-08"))[:2] == ("90.00", "15.00")


def test_what_a_credit_note_un_invoices_is_delivered_and_not_invoiced_again() -> None:
    events = [
        order("O-1", "2026-01-05", line("1", value="100.00")),
        delivery("D-1", "2026-01-06", ref(order="O-1", value="100.00")),
        invoice("I-1", "2026-01-07", "100.00", ref(order="O-1", value="100.00")),
        told(
            "credit_note.posted",
            "2026-01-08",
            credit_note="N-1",
            currency="EUR",
            amount="25.00",
            allocations=[to("I-1", "25.00")],
            lines=[ref(order="O-1", value="25.00")],
        ),
        told("credit_note.cancelled", "2026-01-10", credit_note="N-1"),
    ]
    assert parts(shown(*events, on="2026-01-08")) == ("0.00", "25.00", "75.00", "0.00")
    assert parts(shown(*events, on="2026-01-10")) == ("0.00", "0.00", "100.00", "0.00")


def test_a_final_invoice_leaves_nothing_delivered_and_not_invoiced_and_does_not_touch_the_order() -> None:
    goods = [
        order("O-1", "2026-01-05", line("1", value="100.00")),
        delivery("D-1", "2026-01-06", ref(order="O-1", value="60.00")),
        delivery("D-2", "2026-01-06", ref(order="O-1", value="30.00")),
    ]
    of_the_line = invoice("I-1", "2026-01-07", "50.00", ref(order="O-1", value="50.00", final=True))
    of_one_delivery = invoice("I-1", "2026-01-07", "50.00", ref(delivery="D-1", value="50.00", final=True))
    assert parts(shown(*goods, of_the_line, on="2026-01-07"))[:2] == ("10.00", "0.00")
    assert parts(shown(*goods, of_one_delivery, on="2026-01-07"))[:2] == ("10.00", "30.00")


def test_a_final_line_of_one_delivery_takes_only_that_delivery_on_that_line_out() -> None:
    events = [
        order("O-1", "2026-01-05", line("1", value="100.00"), line("2", value="100.00")),
        delivery("D-1", "2026-01-06", ref(order="O-1", line="1", value="60.00"), ref(order="O-1", line="2", value="7.00")),
        delivery("D-2", "2026-01-06", ref(order="O-1", line="1", value="30.00")),
        invoice("I-1", "2026-01-07", "50.00", ref(order="O-1", line="1", delivery="D-1", value="50.00", final=True)),
    ]
    assert parts(shown(*events, on="2026-01-07"))[:2] == ("103.00", "37.00")


def test_a_reference_without_a_line_means_the_first_line_of_the_orders_text() -> None:
    events = [
        order("O-1", "2026-01-05", line("20", value="50.00"), line("10", value="80.00")),
        delivery("D-1", "2026-01-05", ref(order="O-1", value="60.00")),
    ]
    assert parts(shown(*events, on="2026-01-05"))[:2] == ("80.00", "60.00")


def test_a_value_in_another_currency_than_the_order_has_no_effect_once_the_order_is_there() -> None:
    events = [
        rate("USD", "EUR", "2026-01-01", "0.5"),
        delivery("D-1", "2026-01-05", ref(order="O-1", line="1", value="60.00"), currency="USD"),
        order("O-1", "2026-01-07", line("1", value="100.00")),
    ]
    assert parts(shown(*events, on="2026-01-06"))[:2] == ("0.00", "30.00")
    figures = shown(*events, on="2026-01-07")
    assert parts(figures)[:2] == ("100.00", "0.00")
    assert figures["anomalies"] == [{"code": "currency_mismatch", "kind": "delivery", "document": "D-1"}]


# ------------------------------------------------------------------ clearing


def test_a_payment_clears_the_earliest_due_first_and_its_discount_after_its_cash() -> None:
    figures = shown(
        invoice(
            "I-1",
            "2026-01-05",
            "100.00",
            instalments=[{"due": "2026-03-01", "amount": "70.00"}, {"due": "2026-02-01", "amount": "30.00"}],
        ),
        payment("P-1", "2026-01-10", "50.00", to("I-1", "48.00", discount="2.00")),
        on="2026-02-10",
    )
    assert parts(figures) == ("0.00", "0.00", "50.00", "-2.00")
    assert figures["open_items"][0]["instalments"] == [
        {"due": "2026-02-01", "open": "0.00"},
        {"due": "2026-03-01", "open": "50.00"},
    ]
    assert (figures["open_items"][0]["due"], figures["days_overdue"]) == ("2026-03-01", 0)


def test_a_discount_falls_away_when_the_cash_was_not_granted_whole() -> None:
    figures = shown(
        invoice("I-1", "2026-01-05", "100.00"),
        payment("P-1", "2026-01-10", "40.00", to("I-1", "98.00", discount="2.00")),
        on="2026-01-10",
    )
    assert figures["exposure"]["receivables"] == "60.00"


def test_what_an_item_does_not_take_is_unapplied_and_enlarges_no_other_allocation() -> None:
    figures = shown(
        invoice("I-1", "2026-01-05", "30.00"),
        invoice("I-2", "2026-01-05", "100.00"),
        payment("P-1", "2026-01-10", "100.00", to("I-1", "60.00"), to("I-2", "80.00")),
        on="2026-01-10",
    )
    assert parts(figures) == ("0.00", "0.00", "60.00", "-30.00")  # I-2 is granted the 40 that P-1 has left after 60


def test_cash_is_unapplied_until_its_value_date() -> None:
    events = [
        invoice("I-1", "2026-01-05", "100.00"),
        payment("P-1", "2026-01-10", "100.00", to("I-1", "100.00"), value_date="2026-01-12"),
    ]
    assert parts(shown(*events, on="2026-01-11"))[2:] == ("100.00", "-100.00")
    assert parts(shown(*events, on="2026-01-12"))[2:] == ("0.00", "0.00")


def test_a_returned_payment_counts_nowhere_and_the_item_is_due_on_its_old_day() -> None:
    events = [
        invoice("I-1", "2026-01-05", "100.00", due="2026-02-01"),
        payment("P-1", "2026-01-10", "97.00", to("I-1", "97.00", discount="3.00")),
        told("payment.returned", "2026-02-20", payment="P-1"),
        told("payment.return_cancelled", "2026-02-25", payment="P-1"),
    ]
    assert shown(*events, on="2026-02-19")["days_overdue"] == 0
    assert shown(*events, on="2026-02-20")["days_overdue"] == 19
    assert parts(shown(*events, on="2026-02-20"))[2:] == ("100.00", "0.00")
    assert parts(shown(*events, on="2026-02-25"))[2:] == ("0.00", "0.00")


def test_an_allocation_without_a_kind_means_the_payment_once_it_is_there_else_the_credit_note() -> None:
    events = [
        invoice("I-1", "2026-01-05", "100.00"),
        told("credit_note.posted", "2026-01-06", credit_note="X-1", currency="EUR", amount="10.00"),
        payment("X-1", "2026-01-20", "50.00"),
        told("allocation.made", "2026-01-07", allocation="A-1", credit="X-1", invoice="I-1", amount="40.00"),
    ]
    assert parts(shown(*events, on="2026-01-07"))[2:] == ("90.00", "0.00")
    assert parts(shown(*events, on="2026-01-20"))[2:] == ("60.00", "-20.00")


def test_allocations_are_granted_by_the_day_they_take_effect_and_not_by_the_hour_they_were_told() -> None:
    events = [
        payment("P-1", "2026-01-05", "50.00", to("I-2", "50.00")),
        told(
            "allocation.made",
            "2026-01-07",
            allocation="A-1",
            credit="P-1",
            credit_kind="payment",
            invoice="I-1",
            amount="50.00",
        ),
        invoice("I-1", "2026-01-07", "50.00"),
        invoice("I-2", "2026-01-09", "50.00"),
    ]
    assert [i["document"] for i in shown(*events, on="2026-01-09")["open_items"]] == ["I-2"]


def test_changed_terms_count_from_their_day_and_a_posted_invoice_is_version_0_of_them() -> None:
    events = [
        invoice("I-1", "2026-01-05", "50.00", due="2026-01-10"),
        told("invoice.terms_changed", "2026-01-20", invoice="I-1", version=1, due="2026-03-01"),
        told("invoice.terms_changed", "2026-01-21", invoice="I-1", version=0, due="2026-04-01"),
    ]
    assert [shown(*events, on=f"2026-01-{day}")["open_items"][0]["due"] for day in (19, 20, 21)] == [
        "2026-01-10",
        "2026-03-01",
        "2026-03-01",
    ]
    assert shown(*events, on="2026-01-21")["anomalies"] == [{"code": "number_clash", "kind": "invoice", "document": "I-1"}]


def test_a_write_off_takes_its_turn_after_the_allocations_of_its_day() -> None:
    figures = shown(
        invoice("I-1", "2026-01-05", "100.00"),
        told("write_off.posted", "2026-01-10", "06:00:00Z", write_off="W-1", invoice="I-1", amount="100.00"),
        payment("P-1", "2026-01-10", "70.00", to("I-1", "70.00")),
        payment("P-2", "2026-01-11", "20.00", to("I-1", "20.00")),
        on="2026-01-11",
    )
    assert (parts(figures)[2:], figures["written_off"]) == (("0.00", "-20.00"), "30.00")


def test_a_dispute_covers_the_latest_due_first_and_hides_only_overdue_days() -> None:
    item = invoice(
        "I-1",
        "2026-01-05",
        "100.00",
        instalments=[{"due": "2026-01-10", "amount": "40.00"}, {"due": "2026-01-20", "amount": "60.00"}],
    )
    figures = shown(item, told("dispute.opened", "2026-01-06", dispute="Q-1", invoice="I-1", amount="60.00"), on="2026-01-30")
    assert (figures["days_overdue"], figures["overdue_amount"], figures["disputed"]) == (20, "100.00", "60.00")
    figures = shown(item, told("dispute.opened", "2026-01-06", dispute="Q-1", invoice="I-1", amount="500.00"), on="2026-01-30")
    assert (figures["days_overdue"], figures["overdue_amount"], figures["disputed"]) == (0, "100.00", "100.00")


def test_instalments_that_do_not_add_up_are_made_to_from_the_last_due_backwards() -> None:
    due = [{"due": "2026-03-01", "amount": "30.00"}, {"due": "2026-02-01", "amount": "50.00"}]
    more = shown(invoice("I-1", "2026-01-05", "100.00", instalments=due), on="2026-01-05")
    less = shown(invoice("I-1", "2026-01-05", "40.00", instalments=due), on="2026-01-05")
    assert [i["open"] for i in more["open_items"][0]["instalments"]] == ["50.00", "50.00"]
    assert [i["open"] for i in less["open_items"][0]["instalments"]] == ["40.00", "0.00"]
    assert more["anomalies"] == less["anomalies"] == [{"code": "instalments_mismatch", "kind": "invoice", "document": "I-1"}]


# ------------------------------------------------------------------ told twice, cancelled, missing


def test_of_two_documents_with_one_number_the_first_told_stands_whatever_arrives_first() -> None:
    late = invoice("I-1", "2026-01-05", "999.00")
    first = told(
        "invoice.posted",
        "2026-01-08",
        "2026-01-02T00:00:00Z",
        invoice="I-1",
        currency="EUR",
        amount="100.00",
        due="2026-02-11",
        lines=[],
    )
    clash = [{"code": "number_clash", "kind": "invoice", "document": "I-1"}]
    for known in ([first, late], [late, first]):
        assert (parts(shown(*known, on="2026-01-06"))[2], shown(*known, on="2026-01-06")["anomalies"]) == (
            "0.00",
            clash,
        )
        assert parts(shown(*known, on="2026-01-08"))[2] == "100.00"


def test_equal_data_told_again_changes_nothing() -> None:
    first, again = (
        invoice("I-1", "2026-01-05", "100.00"),
        invoice("I-1", "2026-01-05", "100.0", text=None) | {"id": "again"},
    )
    assert shown(first, again, again, on="2026-01-05") == shown(first, on="2026-01-05")


def test_a_cancelled_number_never_comes_back() -> None:
    events = [invoice("I-1", "2026-01-05", "100.00"), told("invoice.cancelled", "2026-01-03", invoice="I-1")]
    assert shown(*events, on="2026-02-20")["open_items"] == []


def test_what_is_named_before_it_is_there_is_pending_until_its_day() -> None:
    events = [payment("P-1", "2026-01-05", "10.00", to("I-1", "10.00")), invoice("I-1", "2026-01-07", "10.00")]
    waiting = [{"kind": "payment", "document": "P-1", "names_kind": "invoice", "names": "I-1"}]
    assert [shown(*events, on=f"2026-01-0{day}")["pending"] for day in (4, 6, 7)] == [[], waiting, []]


# ------------------------------------------------------------------ currencies and limits


def test_each_item_is_converted_once_and_what_has_no_rate_is_left_out_in_plain_sight() -> None:
    figures = shown(
        rate("EUR", "USD", "2026-01-01", "1.25"),
        rate("EUR", "USD", "2026-01-03", "3"),
        rate("EUR", "USD", "2026-01-03", "1.6", at="13:00:00Z"),
        invoice("I-1", "2026-01-05", "100.00", currency="USD"),
        invoice("I-2", "2026-01-05", "7", currency="JPY"),
        on="2026-01-05",
    )
    assert parts(figures)[2] == "62.50"
    assert [(i["document"], i["open"], i["open_account"]) for i in figures["open_items"]] == [
        ("I-1", "100.00", "62.50"),
        ("I-2", "7", None),
    ]
    assert figures["anomalies"] == [{"code": "missing_rate", "kind": "currency", "document": "JPY"}]


def test_a_credit_in_another_currency_clears_what_its_share_of_the_credit_amount_buys() -> None:
    events = [
        rate("USD", "EUR", "2026-01-01", "0.5"),
        invoice("I-1", "2026-01-05", "100.00"),
        payment("P-1", "2026-01-06", "50.00", to("I-1", "100.00", credit_amount="110.00"), currency="USD"),
    ]
    assert parts(shown(*events, on="2026-01-06"))[2:] == ("54.55", "0.00")  # 100 × 50 ÷ 110 = 45.45
    untold = payment("P-1", "2026-01-06", "50.00", to("I-1", "100.00"), currency="USD")
    figures = shown(*events[:2], untold, on="2026-01-06")
    assert parts(figures)[2:] == ("100.00", "-25.00")
    assert figures["anomalies"] == [{"code": "currency_mismatch", "kind": "payment", "document": "P-1"}]


def test_what_an_item_refuses_goes_back_to_a_credit_in_its_own_currency() -> None:
    events = [
        rate("USD", "EUR", "2026-01-01", "0.5"),
        invoice("I-1", "2026-01-05", "40.00"),
        payment("P-1", "2026-01-06", "200.00", to("I-1", "100.00", credit_amount="190.00"), currency="USD"),
    ]
    # the item refuses 60 of 100, so 190 × 60 ÷ 100 = 114 USD go back beside the 10 never granted
    assert parts(shown(*events, on="2026-01-06"))[2:] == ("0.00", "-62.00")


def test_a_temporary_limit_comes_before_the_base_one_and_gives_way_when_it_ends() -> None:
    events = [
        limit("L-1", "2026-01-01", "1000.00", valid_to="2026-02-28"),
        limit("T-1", "2026-01-10", "unlimited", kind="temporary", valid_to="2026-01-20"),
        invoice("I-1", "2026-01-05", "100.00"),
    ]
    shows = {day: shown(*events, on=day) for day in ("2026-01-09", "2026-01-20", "2026-01-21", "2026-03-01")}
    assert [f["limit"]["amount"] for f in shows.values()] == ["1000.00", "unlimited", "1000.00", "none"]
    assert [f["available"] for f in shows.values()] == ["900.00", None, "900.00", "-100.00"]
    assert [f["utilisation"] for f in shows.values()] == ["0.1000", None, "0.1000", None]
    assert shows["2026-03-01"]["limit"] == {"amount": "none", "kind": "base", "valid_to": "2026-02-28"}


def test_the_currency_of_an_unknown_customer_is_that_of_the_first_event_told() -> None:
    known = [invoice("I-1", "2026-01-05", "100", currency="JPY"), told("account.blocked", "2026-01-01", version=1)]
    figures = agreed(known, "2026-01-05")
    assert (figures["currency"], figures["exposure"]["total"], figures["blocked"]) == ("JPY", "100", True)
    assert figures["anomalies"] == [{"code": "unknown_customer", "kind": "customer", "document": ACCOUNT}]


def test_what_names_a_delivery_and_its_order_line_is_taken_first_whatever_the_deliverys_currency() -> None:
    events = [
        order("O-1", "2026-01-05", line("1", quantity="10", unit_price="10"), currency="USD"),
        delivery("D-1", "2026-01-05", ref(order="O-1", line="1", value="100"), ref(order="O-1", line="1", quantity="5")),
        invoice("I-1", "2026-01-05", "100", ref(delivery="D-1", quantity="10"), ref(order="O-1", line="1", delivery="D-1", quantity="5")),
        rate("USD", "EUR", "2026-01-01", "1"),
    ]
    assert parts(shown(*events, on="2026-01-06"))[:2] == ("50.00", "0.00")


def test_a_final_invoice_of_a_delivery_settles_it_in_every_currency_before_the_order_has_come() -> None:
    events = [
        delivery("D-2", "2026-01-05", ref(order="O-1", line="1", value="20.00")),
        delivery("D-1", "2026-01-05", ref(order="O-1", line="1", quantity="10"), currency="JPY"),
        invoice("I-1", "2026-01-06", "30.00", ref(order="O-1", line="1", delivery="D-1", value="30.00", final=True)),
    ]
    assert parts(shown(*events, on="2026-01-07"))[1] == "20.00"


def test_a_final_invoice_that_was_cancelled_before_its_day_settles_nothing() -> None:
    line = ref(order="O-1", line="1", value="100.00")
    figures = shown(
        delivery("D-1", "2026-01-05", line),
        delivery("D-2", "2026-01-05", line),
        order("O-1", "2026-01-05", {"line": "1", "value": "100.00"}),
        told("invoice.cancelled", "2026-01-05", "13:00:00Z", invoice="I-1"),
        invoice("I-1", "2026-01-14", "200.00", ref(delivery="D-1", value="100.00"), ref(delivery="D-2", value="100.00", final=True)),
        delivery("D-3", "2026-01-28", line),
        on="2026-01-30",
    )
    assert parts(figures) == ("0.00", "300.00", "0.00", "0.00")


def test_an_allocation_whose_number_was_told_earlier_of_another_invoice_leaves_the_first_one_open() -> None:
    to_the_first = told("allocation.made", "2026-01-05", "16:00:00Z", allocation="A-1", credit="P-1", invoice="I-1", amount="100.00")
    told_earlier = told("allocation.made", "2026-01-09", "2026-01-05T08:00:00Z", allocation="A-1", credit="P-1", invoice="I-2", amount="100.00")
    figures = shown(
        invoice("I-1", "2026-01-05", "100.00"),
        invoice("I-2", "2026-01-06", "100.00"),
        to_the_first,
        payment("P-1", "2026-01-05", "100.00"),
        told_earlier,
        on="2026-01-17",
    )
    assert [(row["document"], row["open"]) for row in figures["open_items"]] == [("I-1", "100.00")]
