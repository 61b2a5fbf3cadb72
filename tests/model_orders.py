"""Goods under way, by the letter of laws 1 and 2: ordered and not delivered, delivered and not invoiced.

Every reference of a standing document is resolved to an order line, or to a delivery alone. The latter are spread over
their delivery's lines and so become references to order lines too. Then each line is netted in value, at its price of
the day.
"""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from tests.model import Day, Fact, Json

ZERO = Fraction(0)


class Ref(NamedTuple):
    """What one line of a standing document says; `line` is None where only the order's text could tell it."""

    kind: str  # of the naming document
    document: str
    currency: str
    order: str | None
    line: str | None
    delivery: str | None
    unit: str  # "value" or "quantity"
    amount: Fraction
    final: bool


class Goods(NamedTuple):
    """The items of laws 1 and 2 in their own currencies, and the orders that are still open."""

    orders: list[tuple[Fraction, str]]
    deliveries: list[tuple[Fraction, str]]
    open_orders: list[Json]


def goods(day: Day) -> Goods:
    delivered, invoiced, uninvoiced = (refs_of(day, kind) for kind in ("delivery", "invoice", "credit_note"))
    note_what_is_odd(day, delivered, invoiced + uninvoiced)
    spread, orderless = spread_deliveries(day, delivered, invoiced, uninvoiced)
    finals = [ref for ref in invoiced if ref.final]
    orderless_items = [(amount, currency) for number, (amount, currency) in orderless.items() if not any(names_all_of(f, number) for f in finals)]
    lines = OrderLines(day, delivered, invoiced + spread, uninvoiced, finals)
    open_lines = {order: lines.open_orders(order) for order in lines.orders()}
    return Goods(
        [item for items in open_lines.values() for item in items],
        lines.open_deliveries() + orderless_items,
        [open_order(day, order, items) for order, items in sorted(open_lines.items()) if any(amount for amount, _ in items)],
    )


def open_order(day: Day, order: str, items: list[tuple[Fraction, str]]) -> Json:
    currency = items[0][1]
    amount = sum((a for a, _ in items), ZERO)
    return {
        "order": order,
        "open": day.money(amount, currency),
        "currency": currency,
        "open_account": day.money_or_null(items),
    }


# ------------------------------------------------------------------ references


def refs_of(day: Day, kind: str) -> list[Ref]:
    """All references of the standing documents of one kind. A delivery's own lines name that delivery."""
    return [ref_of(day, kind, number, fact, line) for number, fact in day.standing(kind).items() for line in fact.data.get("lines") or []]


def ref_of(day: Day, kind: str, number: str, fact: Fact, said: Json) -> Ref:
    unit = "quantity" if said.get("quantity") is not None else "value"
    return Ref(
        kind,
        number,
        fact.data["currency"],
        said.get("order"),
        resolved_line(day, said),
        number if kind == "delivery" else said.get("delivery"),
        unit,
        Fraction(said[unit]),
        kind == "invoice" and said.get("final") is True,
    )


def resolved_line(day: Day, said: Json) -> str | None:
    """No line means the first line of the order's text; beside a delivery alone a line is ignored."""
    if said.get("order") is None:
        return None
    if said.get("line") is not None:
        return str(said["line"])
    text = day.text(said["order"])
    return str(text["lines"][0]["line"]) if text and text["lines"] else None


def price(day: Day, order: str | None, line: str | None) -> Fraction | None:
    """The unit price in the newest version dated by the day that has the line; None where that gives a value."""
    texts = day.texts(order) if order is not None else []
    having = [said for text in texts for said in text["lines"] if str(said["line"]) == line]
    return Fraction(having[-1]["unit_price"]) if having and having[-1].get("unit_price") is not None else None


def line_currency(day: Day, ref: Ref) -> str:
    """The currency a reference's order line is netted in: the order's, before it arrived the naming document's."""
    text = day.text(ref.order) if ref.order is not None else None
    return str(text["currency"]) if text else ref.currency


def worth(day: Day, ref: Ref) -> Fraction:
    """The reference in value on its order line; 0 for a quantity without a price, or a value in a foreign currency."""
    if ref.unit == "quantity":
        return ref.amount * (price(day, ref.order, ref.line) or ZERO)
    return ref.amount if ref.currency == line_currency(day, ref) else ZERO


def note_what_is_odd(day: Day, delivered: list[Ref], billed: list[Ref]) -> None:
    for ref in delivered + billed:
        if ref.order is not None:
            day.names(ref.kind, ref.document, "order", ref.order)
            note_odd_order_line(day, ref)
    for ref in delivered:
        if ref.order is None and ref.unit == "quantity":
            day.odd("missing_price", "delivery", ref.document)
    for ref in billed:
        if ref.delivery is not None:
            day.names(ref.kind, ref.document, "delivery", ref.delivery)
            note_odd_delivery(day, ref, ref.delivery)


def note_odd_order_line(day: Day, ref: Ref) -> None:
    if ref.unit == "quantity" and price(day, ref.order, ref.line) is None:
        day.odd("missing_price", "order", str(ref.order))
    if ref.unit == "value" and ref.currency != line_currency(day, ref):
        day.odd("currency_mismatch", ref.kind, ref.document)


def note_odd_delivery(day: Day, ref: Ref, delivery: str) -> None:
    """A value naming only a delivery must be in the delivery's currency."""
    named = day.standing("delivery").get(delivery)
    if ref.order is None and ref.unit == "value" and named is not None and ref.currency != named.data["currency"]:
        day.odd("currency_mismatch", ref.kind, ref.document)


# ------------------------------------------------------------------ references that name only a delivery


class Slot:
    """One line of a delivery, and how much of it is not yet taken by references."""

    def __init__(self, day: Day, line: Ref) -> None:
        self.line, self.unit = line, line.unit
        self.currency = line_currency(day, line)
        self.price = price(day, line.order, line.line)
        self.free = line.amount if self.unit == "quantity" or line.currency == self.currency else ZERO

    def room(self, unit: str, currency: str) -> Fraction:
        """What the line can still take, in that unit. Quantities know no currency, values only the line's own."""
        if unit == "value" and currency != self.currency:
            return ZERO
        if unit == self.unit:
            return self.free
        if not self.price:
            return ZERO
        return self.free * self.price if unit == "value" else self.free / self.price

    def take(self, unit: str, currency: str, wanted: Fraction) -> Fraction:
        """Takes up to that much; gives what it took, in the same unit."""
        taken = min(wanted, self.room(unit, currency))
        if unit == self.unit:
            self.free -= taken
        elif taken and self.price:
            self.free -= taken / self.price if unit == "value" else taken * self.price
        return taken


def spread_deliveries(
    day: Day, delivered: list[Ref], invoiced: list[Ref], uninvoiced: list[Ref]
) -> tuple[list[Ref], dict[str, tuple[Fraction, str]]]:
    """References naming only a delivery, as references to order lines; and what they leave of each order-less sum."""
    spread: list[Ref] = []
    orderless: dict[str, tuple[Fraction, str]] = {}
    for number, fact in day.standing("delivery").items():
        slots = [Slot(day, ref) for ref in delivered if ref.delivery == number]
        plus, minus = naming(invoiced, number), naming(uninvoiced, number)
        fill_by_order_line(day, slots, plus, minus)
        taken = fill_by_delivery(slots, fact.data["currency"], plus, minus)
        spread += [ref for ref in taken if ref.order is not None]
        own = [r for r in delivered if r.delivery == number and r.order is None]
        orderless[number] = (value_of(own) - value_of(r for r in taken if r.order is None), fact.data["currency"])
    return spread, orderless


def naming(refs: list[Ref], delivery: str) -> list[Ref]:
    return [ref for ref in refs if ref.delivery == delivery]


def value_of(refs: Iterable[Ref]) -> Fraction:
    return amount_of(refs, "value")


def amount_of(refs: Iterable[Ref], unit: str) -> Fraction:
    return sum((ref.amount for ref in refs if ref.unit == unit), ZERO)


def fill_by_order_line(day: Day, slots: list[Slot], plus: list[Ref], minus: list[Ref]) -> None:
    """What names the delivery and one of its order lines takes that line's room first (it nets there by itself)."""
    for key in dict.fromkeys((slot.line.order, slot.line.line) for slot in slots if slot.line.order is not None):
        lines = [slot for slot in slots if (slot.line.order, slot.line.line) == key]
        more, less = ([r for r in refs if (r.order, r.line) == key] for refs in (plus, minus))
        for unit, currency, amount in net_of(day, lines[0], more, less):
            for slot in lines:
                amount -= slot.take(unit, currency, amount)


def net_of(day: Day, slot: Slot, more: list[Ref], less: list[Ref]) -> list[tuple[str, str, Fraction]]:
    """(unit, currency, amount): one value where the line has a price, else quantity and value apart."""
    currency = slot.currency
    if slot.price:
        value = sum((worth(day, r) for r in more), ZERO) - sum((worth(day, r) for r in less), ZERO)
        return [("value", currency, max(value, ZERO))]
    fitting = [[r for r in refs if r.unit == "quantity" or r.currency == currency] for refs in (more, less)]
    return [(u, currency, max(amount_of(fitting[0], u) - amount_of(fitting[1], u), ZERO)) for u in ("quantity", "value")]


def fill_by_delivery(slots: list[Slot], currency: str, plus: list[Ref], minus: list[Ref]) -> list[Ref]:
    """Spreads the net of what names only the delivery over its lines in list order, quantities before values."""
    fitting = [[r for r in refs if r.order is None and (r.unit == "quantity" or r.currency == currency)] for refs in (plus, minus)]
    taken: list[Ref] = []
    for unit in ("quantity", "value"):
        left = max(amount_of(fitting[0], unit) - amount_of(fitting[1], unit), ZERO)
        for slot in slots:
            part = slot.take(unit, currency, left)
            left -= part
            if part:
                taken.append(slot.line._replace(kind="invoice", currency=currency, unit=unit, amount=part))
    return taken


# ------------------------------------------------------------------ order lines


def names_all_of(final: Ref, delivery: str | None) -> bool:
    return final.delivery is not None and final.delivery == delivery and final.order is None


class OrderLines:
    """All order lines that were ordered or named, netted on the day."""

    def __init__(self, day: Day, delivered: list[Ref], invoiced: list[Ref], uninvoiced: list[Ref], finals: list[Ref]) -> None:
        self.day, self.finals = day, finals
        self.named: dict[str, list[Ref]] = {"delivered": delivered, "invoiced": invoiced, "uninvoiced": uninvoiced}

    def orders(self) -> list[str]:
        """The orders whose text has arrived."""
        return sorted({key[1] for key in self.day.first if key[0] == "order" and self.day.text(key[1])})

    def sum_on(self, what: str, order: str, line: str | None, currency: str, without_finals: bool = False) -> Fraction:
        refs = [r for r in self.named[what] if (r.order, r.line) == (order, line) and line_currency(self.day, r) == currency]
        return sum((worth(self.day, r) for r in refs if not (without_finals and self.is_done(r))), ZERO)

    def is_done(self, ref: Ref) -> bool:
        """Law 2, `final`: a final invoice line names the reference's delivery, on this order line or as a whole, and it delivered something there."""
        return self.delivered_there(ref) and any(
            names_all_of(f, ref.delivery) or (f.delivery is not None and f.delivery == ref.delivery and (f.order, f.line) == (ref.order, ref.line))
            for f in self.finals
        )

    def delivered_there(self, ref: Ref) -> bool:
        return any((r.delivery, r.order, r.line) == (ref.delivery, ref.order, ref.line) for r in self.named["delivered"])

    def open_orders(self, order: str) -> list[tuple[Fraction, str]]:
        """Per line of the text, ordered less the greater of delivered and invoiced. A closed order has nothing open."""
        text: Any = self.day.text(order)
        currency = text["currency"]
        return [(ZERO if self.day.closed(order) else self.open_line(order, said, currency), currency) for said in text["lines"]] or [(ZERO, currency)]

    def open_line(self, order: str, said: Json, currency: str) -> Fraction:
        line = str(said["line"])
        delivered = self.sum_on("delivered", order, line, currency)
        invoiced = self.sum_on("invoiced", order, line, currency) - self.sum_on("uninvoiced", order, line, currency)
        return self.day.rounded(max(ordered(said) - max(delivered, invoiced, ZERO), ZERO), currency)

    def open_deliveries(self) -> list[tuple[Fraction, str]]:
        """Delivered less invoiced per order line, whether or not its order is there, open, or still has it."""
        refs = [r for r in self.named["delivered"] if r.order is not None]
        keys = dict.fromkeys((str(r.order), r.line, line_currency(self.day, r)) for r in refs)
        closed = {(f.order, f.line) for f in self.finals if f.order is not None and f.delivery is None}
        return [(self.undelivered_bill(*key), key[2]) for key in keys if key[:2] not in closed]

    def undelivered_bill(self, order: str, line: str | None, currency: str) -> Fraction:
        """What is delivered on the line and not invoiced, without what final invoices took out of the netting."""
        delivered, invoiced, uninvoiced = (
            self.sum_on(what, order, line, currency, without_finals=True) for what in ("delivered", "invoiced", "uninvoiced")
        )
        return self.day.rounded(max(delivered - max(invoiced - uninvoiced, ZERO), ZERO), currency)


def ordered(said: Json) -> Fraction:
    if said.get("quantity") is not None:
        return Fraction(said["quantity"]) * Fraction(said["unit_price"])
    return Fraction(said["value"])
