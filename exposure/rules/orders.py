"""Orders: per order line, ordered − max(delivered, invoiced) is *orders*, delivered − invoiced is *deliveries*, neither below zero.

An order's document keeps its texts by version and what deliveries, invoices and credit notes claim of its lines. Everything on a line is
valued exactly at the line's price of the day and rounded once, half-even, to minor units.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cache
from typing import Any

from exposure.rules.documents import Document, Net, State, Timeline, clashes, edges, standing, within
from schemas.amounts import billionths, divided, scaled
from schemas.currencies import DECIMALS
from schemas.facts import Fact

TEXTS = ("OrderConfirmed", "OrderAmended")
STATUSES = ("OrderClosed", "OrderReopened")
Exact = int | Fraction
"""A value in 10⁻¹⁸ of the currency's unit."""


@dataclass(slots=True)
class Tally:
    """What claims have added up to on one line on one day, in quantities (billionths) and values; ``by_delivery`` what names one delivery."""

    values: dict[tuple[str, str], Exact] = field(default_factory=dict)
    quantities: dict[str, int] = field(default_factory=dict)
    by_delivery: dict[str, "Tally"] = field(default_factory=dict)
    deliverers: set[str] = field(default_factory=set)
    settled: set[str] = field(default_factory=set)
    final: bool = False

    def add(self, role: str, unit: str, amount: Exact, currency: str) -> None:
        if unit == "quantity":
            self.quantities[role] = self.quantities.get(role, 0) + int(amount)
        else:
            self.values[role, currency] = self.values.get((role, currency), 0) + amount

    def total(self, role: str, currency: str, price: int | None) -> Exact:
        return self.values.get((role, currency), 0) + self.quantities.get(role, 0) * (price or 0)

    def delivered(self, currency: str, price: int | None) -> Exact:
        return self.total("delivered", currency, price)

    def invoiced(self, currency: str, price: int | None) -> Exact:
        return max(self.total("invoiced", currency, price) - self.total("uninvoiced", currency, price), 0)


NOTHING = Tally()


def versions(facts: list[Fact]) -> dict[int, Fact]:
    """The standing fact of each version of the order: texts and statuses share one counter."""
    return {number: rivals[0] for number, rivals in rivals_by_version(facts).items()}


def rivals_by_version(facts: list[Fact]) -> dict[int, list[Fact]]:
    """All facts that claim a version, the first in told order first."""
    rivals: dict[int, list[Fact]] = {}
    for fact in facts:
        rivals.setdefault(fact.data["version"], []).append(fact)
    if len(rivals) < len(facts):
        for same in rivals.values():
            same.sort(key=lambda fact: fact.told)
    return rivals


def highest(facts: list[Fact], day: str) -> Fact | None:
    """Of facts sorted by version, the highest dated by the day."""
    return next((fact for fact in reversed(facts) if fact.data["date"] <= day), None)


def evaluate(order: Document) -> Net:
    """The order's net movements, from its texts and from what is claimed of its lines."""
    rivals = rivals_by_version(order.facts)
    stands = [rivals[version][0] for version in sorted(rivals)]
    texts = [fact for fact in stands if fact.name in TEXTS]
    statuses = [fact for fact in stands if fact.name in STATUSES]
    days = {fact.data["date"] for fact in stands}
    for claim in order.inbox.values():
        days.update(edges(claim["spans"]))
        days.update(edges(claim.get("settled", [])))
        for start, until, *_ in claim.get("spread", ()):
            days.update(edges([[start, until]]))
    clash = min((day for same in rivals.values() if (day := clash_day(same))), default=None)
    if clash:
        days.add(clash)
    timeline = Timeline()
    for day in sorted(days):
        state = lines_on(order, texts, statuses, day)
        if clash and clash <= day:
            state["anomaly:number_clash", order.key, "", ""] = 1
        timeline.on(day, state)
    return timeline.net


def clash_day(rivals: list[Fact]) -> str | None:
    """Two texts of one version clash where their data differ; a text and a status of one version always do."""
    if len(rivals) < 2:
        return None
    first = rivals[0]
    kind = first.name in TEXTS and "text" or first.name
    lost = [fact for fact in rivals if fact.digest != first.digest or (fact.name in TEXTS and "text" or fact.name) != kind]
    return min((fact.data["date"] for fact in lost), default=None)


def lines_on(order: Document, texts: list[Fact], statuses: list[Fact], day: str) -> State:
    """What every line of the order says on one day."""
    text = highest(texts, day)
    status = highest(statuses, day)
    is_open = status is None or status.name != "OrderClosed"
    tallies, state = tallied(order, text, day)
    if text is None:
        for line, tally in tallies.items():
            line_before_order(order, line, tally, state)
        return state
    currency = text.data["currency"]
    told = {line["line"]: line for line in text.data["lines"]}
    for line in [*told, *(line for line in tallies if line not in told)]:
        tally = tallies.get(line, NOTHING)
        price = price_on(texts, line, day)
        ordered = line_value(told[line], currency) if is_open and line in told else 0
        line_state(order, line, tally, currency, price, ordered, state)
    return state


def line_state(order: Document, line: str, tally: Tally, currency: str, price: int | None, ordered: int, state: State) -> None:
    delivered, invoiced = tally.delivered(currency, price), tally.invoiced(currency, price)
    rest = rounded(ordered - max(delivered, invoiced), currency)
    if rest > 0:
        state["orders", line, currency, ""] = rest
    open_delivered = rounded(delivered_not_invoiced(tally, currency, price), currency)
    if open_delivered > 0:
        state["deliveries", line, currency, ""] = open_delivered
    if price is None and tally.quantities:
        state["anomaly:missing_price", order.key, "", ""] = 1


def line_before_order(order: Document, line: str, tally: Tally, state: State) -> None:
    """Before the order has arrived its lines are netted per currency of what names them; quantities have no price yet."""
    for currency in sorted({currency for _, currency in tally.values}):
        amount = rounded(delivered_not_invoiced(tally, currency, None), currency)
        if amount > 0:
            state["deliveries", line, currency, ""] = amount
    if tally.quantities:
        state["anomaly:missing_price", order.key, "", ""] = 1


def delivered_not_invoiced(tally: Tally, currency: str, price: int | None) -> Exact:
    """Delivered − invoiced; a final invoice leaves nothing of the line, or takes one delivery out of the netting."""
    if tally.final:
        return 0
    delivered = tally.total("delivered", currency, price)
    invoiced, uninvoiced = tally.total("invoiced", currency, price), tally.total("uninvoiced", currency, price)
    for delivery in tally.settled & tally.deliverers:
        part = tally.by_delivery.get(delivery, NOTHING)
        delivered -= part.total("delivered", currency, price)
        invoiced -= part.total("invoiced", currency, price)
        uninvoiced -= part.total("uninvoiced", currency, price)
    return delivered - max(invoiced - uninvoiced, 0)


def tallied(order: Document, text: Fact | None, day: str) -> tuple[dict[str, Tally], State]:
    """Adds up by line what stands on the day; names what is pending or in another currency."""
    tallies: dict[str, Tally] = {}
    state: State = {}
    first = text.data["lines"][0]["line"] if text and text.data["lines"] else ""
    for source, claim in order.inbox.items():
        if within(claim["spans"], day):
            if text is None:
                state["pending:order", claim["naming"], "", ""] = 1
            for line, unit, amount, is_final, delivery in claim["entries"]:
                tally = tallies.setdefault(line or first, Tally())
                if claim["role"] == "delivered":
                    tally.deliverers.add(source)
                if not add(tally, claim["role"], unit, exact(unit, amount), claim["currency"], delivery, text):
                    state["anomaly:currency_mismatch", claim["naming"], "", ""] = 1
                if is_final and delivery:
                    tally.settled.add(delivery)
                elif is_final:
                    tally.final = True
        for start, until, line, unit, amount, currency in claim.get("spread", ()):
            if within([[start, until]], day):
                tally = tallies.setdefault(line or first, Tally())
                add(tally, "invoiced", unit, exact(unit, amount), currency or claim["currency"], source, text)
        if within(claim.get("settled", []), day):
            for line, *_ in claim["entries"]:
                tallies.setdefault(line or first, Tally()).settled.add(source)
    return tallies, state


def add(tally: Tally, role: str, unit: str, amount: Exact, currency: str, delivery: str | None, text: Fact | None) -> bool:
    """A value in another currency than the order's has no effect; quantities know no currency."""
    if unit == "value" and text is not None and currency not in ("*", text.data["currency"]):
        return False
    if currency == "*" and text is not None:
        currency = text.data["currency"]
    tally.add(role, unit, amount, currency)
    if delivery:
        tally.by_delivery.setdefault(delivery, Tally()).add(role, unit, amount, currency)
    return True


@cache
def exact(unit: str, amount: str) -> Exact:
    if "/" in amount:
        return Fraction(amount)
    return billionths(amount) if unit == "quantity" else scaled(amount, 18)


def price_on(texts: list[Fact], line: str, day: str) -> int | None:
    """The unit price (billionths) told by the newest version dated by the day that has the line."""
    for text in reversed(texts):
        if text.data["date"] <= day:
            for told in text.data["lines"]:
                if told["line"] == line:
                    return billionths(told["unit_price"]) if "unit_price" in told else None
    return None


def line_value(line: dict[str, Any], currency: str) -> int:
    if "value" in line:
        return scaled(line["value"], 18)
    return billionths(line["quantity"]) * billionths(line["unit_price"])


def rounded(value: Exact, currency: str) -> int:
    """Minor units, half-even."""
    if isinstance(value, Fraction):
        return divided(value.numerator, value.denominator * 10 ** (18 - DECIMALS[currency]))
    return divided(value, 10 ** (18 - DECIMALS[currency]))


def prices(order: Document) -> list[Any]:
    """For a delivery that has to know: per day on which they change, ``[day, first line, {line: price in billionths}, currency]``."""
    stands = versions(order.facts)
    texts = [stands[version] for version in sorted(stands) if stands[version].name in TEXTS]
    return [[day, *prices_on(texts, day)] for day in sorted({fact.data["date"] for fact in texts})]


def prices_on(texts: list[Fact], day: str) -> Iterator[Any]:
    text = highest(texts, day)
    assert text is not None
    yield text.data["lines"][0]["line"] if text.data["lines"] else ""
    lines = {line["line"] for fact in texts if fact.data["date"] <= day for line in fact.data["lines"]}
    yield {line: price_on(texts, line, day) for line in sorted(lines)}
    yield text.data["currency"]


def there_from(order: Document) -> str | None:
    """The day from which the order is there: its earliest text."""
    return min((fact.data["date"] for fact in versions(order.facts).values() if fact.name in TEXTS), default=None)


__all__ = ["evaluate", "prices", "standing", "there_from"]
