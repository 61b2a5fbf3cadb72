"""The lines of an order on one day: what was ordered, and what deliveries, invoices and credit notes claim of each add up to.

Everything on a line is valued exactly at the line's price of the day and rounded once, half-even, to minor units.
"""

from collections.abc import Iterable
from fractions import Fraction
from functools import lru_cache

from schemas.amounts import billionths, scaled
from schemas.currencies import DECIMALS
from schemas.facts import Data, Fact

Exact = int | Fraction
"""A value in 10⁻¹⁸ of the currency's unit, or a quantity in 10⁻⁹."""

Entry = tuple[str | None, str, str, bool, str | None]
"""What is claimed of one line: its number (the first line where none was told), ``value`` or ``quantity``, how much, final, naming which delivery."""


Spread = tuple[str, str, str, str, str, str]
"""From when until when, of which order line, ``value`` or ``quantity``, how much, and in which currency ("*" in the order's, whatever it is)."""


@lru_cache(maxsize=65536)
def exact(unit: str, amount: str) -> Exact:
    """A value in 10⁻¹⁸, a quantity in 10⁻⁹; a spread value may be a fraction of them."""
    if "/" in amount:
        return Fraction(amount)
    return billionths(amount) if unit == "quantity" else scaled(amount, 18)


def rounded(value: Exact, unit: int) -> int:
    """Whole units, half-even."""
    quotient, rest = divmod(value, unit)
    if rest and (rest * 2 > unit or (rest * 2 == unit and quotient & 1)):
        return quotient + 1
    return quotient


def price_of(line: Data) -> int | None:
    """The unit price in billionths of a line that gives one."""
    return int(exact("quantity", line["unit_price"])) if "unit_price" in line else None


def last_price(texts: list[Fact], name: str) -> int | None:
    """The unit price (billionths) told by the newest of some texts that has the line."""
    for text in reversed(texts):
        for line in text.data["lines"]:
            if line["line"] == name:
                return price_of(line)
    return None


class Line:
    """One order line on one day, in exact value at the line's price; ``orders`` and ``deliveries`` are the minor units last said of it.

    ``told`` is what the order's text says, ``ordered`` the same while the order is open; ``is_over`` whether more is invoiced than told.
    ``parts`` are the claims that name a delivery: (delivery, role, value); ``settled`` the deliveries a final invoice took out of the netting.
    """

    __slots__ = ("delivered", "deliveries", "final", "invoiced", "is_over", "ordered", "orders", "parts", "price", "settled", "told", "uninvoiced")

    def __init__(self, told: Exact, price: int | None) -> None:
        self.told = self.ordered = told
        self.price = price
        self.delivered: Exact = 0
        self.invoiced: Exact = 0
        self.uninvoiced: Exact = 0
        self.orders = 0
        self.deliveries = 0
        self.is_over = False
        self.final = False
        self.settled: set[str] | None = None
        self.parts: list[tuple[str, str, Exact]] = []

    def add(self, role: str, value: Exact, delivery: str | None) -> None:
        if role == "delivered":
            self.delivered += value
        elif role == "invoiced":
            self.invoiced += value
        else:
            self.uninvoiced += value
        if delivery:
            self.parts.append((delivery, role, value))

    def settle(self, delivery: str) -> None:
        """A final reference to a delivery takes it out of the netting."""
        if self.settled is None:
            self.settled = set()
        self.settled.add(delivery)

    def deliverers(self) -> set[str]:
        """The deliveries that delivered something here."""
        return {delivery for delivery, role, _ in self.parts if role == "delivered"}

    def without(self, settled: set[str]) -> Exact:
        """Delivered − invoiced, leaving out what was delivered and invoiced of these deliveries."""
        delivered, invoiced, uninvoiced = self.delivered, self.invoiced, self.uninvoiced
        for delivery, role, value in self.parts:
            if delivery in settled:
                if role == "delivered":
                    delivered -= value
                elif role == "invoiced":
                    invoiced -= value
                else:
                    uninvoiced -= value
        return delivered - max(invoiced - uninvoiced, 0)

    def weigh(self, unit: int) -> None:
        """Says anew what is open of it: ordered − max(delivered, invoiced), and delivered − invoiced, neither below zero.

        A final invoice leaves nothing of the line delivered and not invoiced, or takes deliveries out of the netting.
        """
        delivered, invoiced = self.delivered, self.invoiced - self.uninvoiced
        if invoiced < 0:
            invoiced = 0
        self.is_over = invoiced > self.told
        rest = self.ordered - (delivered if delivered > invoiced else invoiced)
        self.orders = rounded(rest, unit) if rest > 0 else 0
        left = delivered - invoiced
        if self.final:
            left = 0
        elif self.settled is not None:
            left = self.without(self.settled & self.deliverers())
        self.deliveries = rounded(left, unit) if left > 0 else 0


def fulfilled(lines: Iterable[Line], unit: int) -> int:
    """How much has left their *orders*, in minor units: the greater of delivered and invoiced, each line rounded once, half-even."""
    return sum([rounded(max(line.delivered, line.invoiced - line.uninvoiced, 0), unit) for line in lines])


class Tally:
    """An order's lines on one day, by the texts dated by then (lowest version first, the last is the order's text of the day).

    A line the text lacks is ordered 0, at the price of the newest version that had it. ``heard`` are the lines that something was added to.
    """

    __slots__ = ("currency", "first", "heard", "is_unpriced", "lines", "texts", "unit")

    def __init__(self, texts: list[Fact], is_open: bool) -> None:
        data = texts[-1].data
        self.texts = texts
        self.currency: str = data["currency"]
        self.unit: int = 10 ** (18 - DECIMALS[self.currency])
        self.lines: dict[str, Line] = {}
        self.heard: dict[str, Line] = {}
        self.is_unpriced = False
        for line in data["lines"]:
            price = price_of(line)
            ordered = exact("value", line["value"]) if price is None else exact("quantity", line["quantity"]) * price
            made = self.lines[line["line"]] = Line(ordered, price)
            if not is_open:
                made.ordered = 0
        self.first: str = data["lines"][0]["line"] if self.lines else ""

    def line(self, name: str | None) -> Line:
        """No line means the first of the text."""
        name = name or self.first
        line = self.lines.get(name)
        if line is None:
            line = self.lines[name] = Line(0, last_price(self.texts, name))
        self.heard[name] = line
        return line

    def add(self, role: str, currency: str, entries: tuple[Entry, ...]) -> bool:
        """Adds a claim to its lines, and returns whether all of it counts: a value in another currency than the order's has no effect."""
        lines, heard = self.lines, self.heard
        all_counts = True
        for told, unit, amount, is_final, delivery in entries:
            name = told or self.first
            line = lines[name] if name in lines else self.line(name)
            heard[name] = line
            value: Exact = 0
            if unit == "quantity":
                value = self.valued(line, amount)
            elif currency == self.currency:
                value = exact(unit, amount)
            else:
                all_counts = False
            # The same as line.add, which costs more here than all it does.
            if role == "delivered":
                line.delivered += value
            elif role == "invoiced":
                line.invoiced += value
            else:
                line.uninvoiced += value
            if delivery:
                line.parts.append((delivery, role, value))
            if is_final:
                if delivery:
                    line.settle(delivery)
                else:
                    line.final = True
        return all_counts

    def valued(self, line: Line, quantity: str) -> Exact:
        """A quantity without a known price counts 0 and is remembered."""
        if line.price is None:
            self.is_unpriced = True
            return 0
        return exact("quantity", quantity) * line.price

    def add_spread(self, delivery: str, day: str, spread: tuple[Spread, ...]) -> None:
        """Adds what stands on the day of what references that name only a delivery take."""
        for start, until, name, unit, amount, told_in in spread:
            if start <= day < until and (unit == "quantity" or told_in in ("*", self.currency)):
                line = self.line(name)
                line.add("invoiced", self.valued(line, amount) if unit == "quantity" else exact(unit, amount), delivery)

    def settle(self, delivery: str, entries: tuple[Entry, ...]) -> None:
        """A final reference to all of a delivery takes it out of the netting of every line it delivered to."""
        for name, _, _, _, _ in entries:
            self.line(name).settle(delivery)
