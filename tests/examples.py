"""One canonical event of every type of the contract, with every field told: what golden files, contracts and bad input start from."""

from typing import Any

Event = dict[str, Any]

DATA: dict[str, dict[str, Any]] = {
    "erp.customer.changed.v1": {
        "version": 1,
        "date": "2026-01-02",
        "name": "Kessler Maschinenbau",
        "currency": "EUR",
        "timezone": "Europe/Berlin",
        "parent": "C-1000",
        "segment": "machinery",
        "risk_class": "B",
        "dunning_level": 1,
        "account_manager": "M. Vogt",
        "country": "DE",
        "contact": {"name": "E. Kessler", "phone": "+49 30 1234"},
    },
    "erp.order.confirmed.v1": {
        "order": "O-1",
        "version": 1,
        "date": "2026-01-05",
        "currency": "EUR",
        "lines": [
            {"line": "1", "value": "600.00", "requested": "2026-01-20"},
            {"line": "2", "quantity": "12.5", "unit_price": "3.999", "requested": "2026-01-22"},
        ],
    },
    "erp.order.amended.v1": {
        "order": "O-1",
        "version": 2,
        "date": "2026-01-07",
        "currency": "EUR",
        "lines": [{"line": "1", "value": "500.00"}, {"line": "2", "quantity": 12, "unit_price": "3.999"}],
    },
    "erp.order.closed.v1": {"order": "O-1", "version": 3, "date": "2026-02-01", "reason": "completed"},
    "erp.order.reopened.v1": {"order": "O-1", "version": 4, "date": "2026-02-02"},
    "erp.delivery.posted.v1": {
        "delivery": "D-1",
        "date": "2026-01-10",
        "currency": "EUR",
        "lines": [{"order": "O-1", "line": "1", "value": "400.00"}, {"order": "O-1", "line": "2", "quantity": "5"}, {"value": "7.50"}],
    },
    "erp.delivery.reversed.v1": {"delivery": "D-1", "date": "2026-01-11"},
    "erp.invoice.posted.v1": {
        "invoice": "I-9",
        "date": "2026-01-12",
        "currency": "EUR",
        "amount": "400.00",
        "instalments": [{"due": "2026-02-11", "amount": "300.00"}, {"due": "2026-03-11", "amount": "100.00"}],
        "kind": "invoice",
        "lines": [{"order": "O-1", "line": "1", "delivery": "D-1", "value": "380.00", "final": True}, {"delivery": "D-1", "quantity": "5"}],
    },
    "erp.invoice.cancelled.v1": {"invoice": "I-9", "date": "2026-01-13"},
    "erp.invoice.terms_changed.v1": {"invoice": "I-9", "version": 1, "date": "2026-01-14", "due": "2026-04-11"},
    "erp.credit_note.posted.v1": {
        "credit_note": "N-1",
        "date": "2026-01-15",
        "currency": "EUR",
        "amount": "50.00",
        "allocations": [{"invoice": "I-9", "amount": "50.00"}, {"invoice": "I-7", "amount": "5.00", "account": "C-1002"}],
        "lines": [{"order": "O-1", "line": "1", "value": "50.00"}],
    },
    "erp.credit_note.cancelled.v1": {"credit_note": "N-1", "date": "2026-01-16"},
    "erp.payment.received.v1": {
        "payment": "P-1",
        "date": "2026-02-16",
        "currency": "EUR",
        "amount": "200.00",
        "value_date": "2026-02-17",
        "method": "transfer",
        "allocations": [
            {"invoice": "I-9", "amount": "150.00", "discount": "3.00"},
            {"invoice": "I-10", "amount": "60.00", "credit_amount": "50.00"},
            {"invoice": "I-7", "amount": "5.00", "account": "C-1002"},
        ],
    },
    "erp.payment.returned.v1": {"payment": "P-1", "date": "2026-02-18", "reason": "insufficient funds"},
    "erp.payment.return_cancelled.v1": {"payment": "P-1", "date": "2026-02-19", "reason": "bank error"},
    "erp.allocation.made.v1": {
        "allocation": "A-1",
        "date": "2026-02-20",
        "credit": "P-1",
        "credit_kind": "payment",
        "invoice": "I-9",
        "amount": "10.00",
        "credit_amount": "10.80",
        "account": "C-1002",
    },
    "erp.allocation.undone.v1": {"allocation": "A-1", "date": "2026-02-21"},
    "erp.dispute.opened.v1": {"dispute": "X-1", "date": "2026-02-22", "invoice": "I-9", "amount": "30.00", "reason": "damaged"},
    "erp.dispute.resolved.v1": {"dispute": "X-1", "date": "2026-02-25", "outcome": "credit note"},
    "erp.write_off.posted.v1": {"write_off": "W-1", "date": "2026-02-26", "invoice": "I-9", "amount": "0.05"},
    "erp.write_off.reversed.v1": {"write_off": "W-1", "date": "2026-02-27"},
    "erp.limit.changed.v1": {
        "limit": "L-1",
        "version": 1,
        "kind": "temporary",
        "amount": "1000.00",
        "currency": "EUR",
        "valid_from": "2026-01-01",
        "valid_to": "2026-06-30",
        "reason": "season",
        "approved_by": "R. Ahlers",
    },
    "erp.protection.changed.v1": {
        "protection": "S-1",
        "version": 1,
        "kind": "insurance",
        "amount": "800.00",
        "currency": "EUR",
        "valid_from": "2026-01-01",
        "valid_to": "2026-12-31",
        "provider": "Atradius",
    },
    "erp.account.blocked.v1": {"version": 1, "date": "2026-03-01", "reason": "no answer to dunning"},
    "erp.account.unblocked.v1": {"version": 2, "date": "2026-03-05", "reason": "paid"},
    "erp.fx_rate.published.v1": {"base": "USD", "quote": "EUR", "rate": "0.9154", "date": "2026-01-02"},
    "exposure.account.taken_on.v1": {"cut_over": "2026-01-01"},
}


def example(type_: str) -> Event:
    """A fresh copy of the type's event."""
    subject = "USD" if type_ == "erp.fx_rate.published.v1" else "C-1001"
    data = {name: copied(value) for name, value in DATA[type_].items()}
    return {"specversion": "1.0", "id": type_, "source": "/erp/1000", "type": type_, "subject": subject, "time": "2026-01-12T09:30:00Z", "data": data}


def examples() -> list[Event]:
    return [example(type_) for type_ in DATA]


def copied(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: copied(inner) for name, inner in value.items()}
    return [copied(inner) for inner in value] if isinstance(value, list) else value
