"""What each line of a delivery can still take of the references that name only the delivery."""

from fractions import Fraction
from typing import Any

from exposure.rules.lines import Exact, Spread, exact
from schemas.amounts import decimal_text
from schemas.facts import Data


class Slot:
    """One line of the delivery on one day: what it can still take, in value where the price is known, else in its own unit."""

    __slots__ = ("currency", "first", "is_quantity", "left", "line", "order", "price", "priced_in", "taken")

    def __init__(self, line: Data, currency: str, first: str, price: int | None, priced_in: str) -> None:
        self.order: str | None = line.get("order")
        self.first = first
        self.line: str = line.get("line") or first
        self.is_quantity = "quantity" in line
        self.price = price if price and self.order else None
        self.priced_in = priced_in
        self.currency = priced_in if self.price and self.is_quantity else currency
        amount = exact("quantity", line["quantity"]) if self.is_quantity else exact("value", line["value"])
        self.left: Exact = amount * self.price if self.price and self.is_quantity else amount
        if not self.is_quantity and priced_in != currency:
            self.left = 0
        self.taken: list[tuple[str, Exact]] = []

    def take_quantity(self, wanted: Exact) -> Exact:
        """Returns how much of a wanted quantity it takes."""
        if self.price:
            value = min(wanted * self.price, self.left)
            self.left -= value
            got: Exact = Fraction(value) / self.price
            whole = got.denominator == 1
            self.taken.append(("quantity", int(got)) if whole and self.is_quantity else ("value", value))
            return int(got) if whole else got
        if not self.is_quantity:
            return 0
        got = min(wanted, self.left)
        self.left -= got
        self.taken.append(("quantity", got))
        return got

    def take_value(self, wanted: Exact, currency: str) -> Exact:
        """Returns how much of a wanted value it takes; none in another currency than its own."""
        if currency != self.currency or (self.is_quantity and not self.price):
            return 0
        got = min(wanted, self.left)
        self.left -= got
        self.taken.append(("value", got))
        return got


def slot_of(line: Data, currency: str, prices: tuple[Any, ...], day: str) -> Slot:
    """A line, with what its order told of prices by the day."""
    first, priced_in = "", currency
    known: dict[str, str | None] = {}
    for start, first_line, told, order_currency in prices:
        if start <= day:
            first, known, priced_in = first_line, told, order_currency
    price = known.get(line.get("line") or first)
    return Slot(line, currency, first, None if price is None else int(price), priced_in)


def place(slots: list[Slot], sums: dict[str, Exact]) -> None:
    """Lets the lines take sums (by currency; the quantity stands under "") in list order."""
    for told_in, amount in sorted(sums.items()):
        rest: Exact = max(amount, 0)
        for slot in slots:
            if rest > 0:
                rest -= slot.take_value(rest, told_in) if told_in else slot.take_quantity(rest)


def spread_entry(slot: Slot, unit: str, amount: Exact, day: str, until: str) -> Spread:
    if unit == "quantity":
        return day, until, slot.line, unit, decimal_text(int(amount), 9), ""
    text = decimal_text(amount, 18) if isinstance(amount, int) else f"{amount.numerator}/{amount.denominator}"
    return day, until, slot.line, unit, text, "*" if slot.is_quantity and slot.price else slot.currency
