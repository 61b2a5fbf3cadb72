"""Orders: per order line, ordered − max(delivered, invoiced) is *orders*, delivered − invoiced is *deliveries*, neither below zero.

An order's document keeps its texts by version and what deliveries, invoices and credit notes claim of its lines. Everything on a line is
valued exactly at the line's price of the day and rounded once, half-even, to minor units.
"""

from fractions import Fraction
from functools import lru_cache
from typing import Any

from exposure.rules.documents import Document, Net, State, Timeline, edges, within
from schemas.amounts import billionths, divided, scaled
from schemas.currencies import DECIMALS
from schemas.facts import Data, Fact

TEXTS = ("OrderConfirmed", "OrderAmended")
Exact = int | Fraction
"""A value in 10⁻¹⁸ of the currency's unit, or a quantity in 10⁻⁹."""


class Line:
    """One order line on one day: what was ordered, and what claims add up to, in exact value at the line's price.

    ``parts`` are the claims that name a delivery: (delivery, role, value); ``deliverers`` the deliveries that delivered something here, ``settled``
    those a final invoice took out of the netting.
    """

    __slots__ = ("delivered", "deliverers", "final", "invoiced", "ordered", "parts", "price", "settled", "uninvoiced", "unpriced")

    def __init__(self, ordered: Exact, price: int | None) -> None:
        self.ordered = ordered
        self.price = price
        self.delivered: Exact = 0
        self.invoiced: Exact = 0
        self.uninvoiced: Exact = 0
        self.unpriced = False
        self.final = False
        self.deliverers: set[str] = set()
        self.settled: set[str] = set()
        self.parts: list[tuple[str, str, Exact]] = []

    def value(self, unit: str, amount: str) -> Exact:
        """A quantity without a known price counts 0 and is remembered."""
        if unit == "value":
            return exact(unit, amount)
        if self.price is None:
            self.unpriced = True
            return 0
        return exact(unit, amount) * self.price

    def add(self, role: str, value: Exact, delivery: str | None) -> None:
        if role == "delivered":
            self.delivered += value
            self.deliverers.add(delivery or "")
        elif role == "invoiced":
            self.invoiced += value
        else:
            self.uninvoiced += value
        if delivery:
            self.parts.append((delivery, role, value))

    def still_ordered(self) -> Exact:
        return self.ordered - max(self.delivered, self.invoiced - self.uninvoiced, 0)

    def not_invoiced(self) -> Exact:
        """Delivered − invoiced; a final invoice leaves nothing of the line, or takes one delivery out of the netting."""
        if self.final:
            return 0
        delivered, invoiced, uninvoiced = self.delivered, self.invoiced, self.uninvoiced
        if self.settled:
            settled = self.settled & self.deliverers
            for delivery, role, value in self.parts:
                if delivery in settled:
                    delivered -= value if role == "delivered" else 0
                    invoiced -= value if role == "invoiced" else 0
                    uninvoiced -= value if role == "uninvoiced" else 0
        return delivered - max(invoiced - uninvoiced, 0)


def evaluate(order: Document, since: str) -> Net:
    """What changes of the order's net movements from ``since`` on, by its texts and by what is claimed of its lines."""
    stands, clash = by_version(order.facts)
    texts = [fact for fact in stands if fact.name in TEXTS]
    statuses = [fact for fact in stands if fact.name not in TEXTS]
    timeline = Timeline(order, since)
    for day in days_of(order, stands, clash):
        if day >= since:
            timeline.on(day, state_on(order, texts, statuses, clash, day))
    return timeline.changes()


def by_version(facts: list[Fact]) -> tuple[list[Fact], str | None]:
    """The standing fact of each version, lowest first, and from which day a version clashes: texts and statuses share one counter."""
    versions: dict[int, list[Fact]] = {}
    for fact in facts:
        versions.setdefault(fact.data["version"], []).append(fact)
    if len(versions) == len(facts):
        return [versions[version][0] for version in sorted(versions)], None
    stands = [min(versions[version], key=lambda fact: fact.told) for version in sorted(versions)]
    lost = [rival.data["date"] for first in stands for rival in versions[first.data["version"]] if is_other(rival, first)]
    return stands, min(lost, default=None)


def is_other(rival: Fact, first: Fact) -> bool:
    """Two texts of one version differ by their data; a text and a status, a closing and a reopening always."""
    return rival.digest != first.digest or (rival.name != first.name and not (rival.name in TEXTS and first.name in TEXTS))


def days_of(order: Document, stands: list[Fact], clash: str | None) -> list[str]:
    days = {fact.data["date"] for fact in stands}
    for claim in order.inbox.values():
        days.update(edges(claim["spans"]))
        if "spread" in claim:
            days.update(edges(claim["settled"]))
            days.update(edges([span[:2] for span in claim["spread"]]))
    if clash:
        days.add(clash)
    return sorted(days)


def highest(facts: list[Fact], day: str) -> Fact | None:
    """Of facts sorted by version, the highest dated by the day."""
    for fact in reversed(facts):
        if fact.data["date"] <= day:
            return fact
    return None


def state_on(order: Document, texts: list[Fact], statuses: list[Fact], clash: str | None, day: str) -> State:
    """What every line of the order says on one day."""
    state: State = {}
    if clash and clash <= day:
        state["anomaly:number_clash", order.key, "", ""] = 1
    text = highest(texts, day)
    if text is None:
        before_order(order, day, state)
        return state
    status = highest(statuses, day)
    is_open = status is None or status.name != "OrderClosed"
    currency = text.data["currency"]
    lines = {line["line"]: Line(ordered(line) if is_open else 0, price_of(line)) for line in text.data["lines"]}
    add_claims(order, lines, texts, currency, day, state)
    unit = 10 ** (18 - DECIMALS[currency])
    for name, line in lines.items():
        rest, not_invoiced = line.still_ordered(), line.not_invoiced()
        if rest > 0 and (amount := rounded(rest, unit)):
            state["orders", name, currency, ""] = amount
        if not_invoiced > 0 and (amount := rounded(not_invoiced, unit)):
            state["deliveries", name, currency, ""] = amount
        if line.unpriced:
            state["anomaly:missing_price", order.key, "", ""] = 1
    return state


def add_claims(order: Document, lines: dict[str, Line], texts: list[Fact], currency: str, day: str, state: State) -> None:
    """Adds what stands on the day to its lines; a value in another currency than the order's has no effect."""
    first = next(iter(lines), "")

    def line_of(name: str | None) -> Line:
        """No line means the first of the text; a line the text lacks is ordered 0, at the price of the newest version that had it."""
        name = name or first
        if name not in lines:
            lines[name] = Line(0, last_price(texts, name, day))
        return lines[name]

    for source, claim in order.inbox.items():
        if within(claim["spans"], day):
            role, same = claim["role"], claim["currency"] == currency
            for name, unit, amount, is_final, delivery in claim["entries"]:
                line = line_of(name)
                if same or unit == "quantity":
                    line.add(role, line.value(unit, amount), delivery)
                else:
                    line.add(role, 0, delivery)
                    state["anomaly:currency_mismatch", claim["naming"], "", ""] = 1
                if is_final:
                    if delivery:
                        line.settled.add(delivery)
                    else:
                        line.final = True
        if "spread" in claim:
            for start, until, name, unit, amount, told_in in claim["spread"]:
                if within([[start, until]], day) and (unit == "quantity" or told_in in ("*", currency)):
                    line = line_of(name)
                    line.add("invoiced", line.value(unit, amount), source)
            if within(claim["settled"], day):
                for name, *_ in claim["entries"]:
                    line_of(name).settled.add(source)


def before_order(order: Document, day: str, state: State) -> None:
    """Before the order has arrived its lines are netted per currency of what names them; quantities have no price yet."""
    lines: dict[tuple[str, str], Line] = {}
    for source, claim in order.inbox.items():
        entries = [(name, unit, amount, claim["role"], claim["currency"], delivery) for name, unit, amount, _, delivery in claim["entries"]]
        if not within(claim["spans"], day):
            entries = []
        else:
            state["pending:order", claim["naming"], "", ""] = 1
        entries += [
            (name, unit, amount, "invoiced", told_in or claim["currency"], source)
            for start, until, name, unit, amount, told_in in claim.get("spread", ())
            if within([[start, until]], day)
        ]
        for name, unit, amount, role, told_in, delivery in entries:
            line = lines.setdefault((name or "", told_in), Line(0, None))
            line.add(role, line.value(unit, amount), delivery)
    settle_lines(order, lines, day)
    for (name, told_in), line in lines.items():
        amount = rounded(line.not_invoiced(), 10 ** (18 - DECIMALS[told_in]))
        if amount > 0:
            state["deliveries", name, told_in, ""] = amount
        if line.unpriced:
            state["anomaly:missing_price", order.key, "", ""] = 1


def settle_lines(order: Document, lines: dict[tuple[str, str], Line], day: str) -> None:
    """Finals hold on a line in whatever currency it was told, and so does who delivered on it."""
    for (name, _), line in lines.items():
        line.deliverers = {delivery for (other, _), told in lines.items() if other == name for delivery in told.deliverers}
    for source, claim in order.inbox.items():
        stands, settles = within(claim["spans"], day), within(claim.get("settled", []), day)
        for name, _, _, is_final, delivery in claim["entries"]:
            for (other, _), line in lines.items():
                if other == (name or ""):
                    line.final |= stands and is_final and not delivery
                    if (stands and is_final and delivery) or settles:
                        line.settled.add(delivery or source)


@lru_cache(maxsize=65536)
def exact(unit: str, amount: str) -> Exact:
    """A value in 10⁻¹⁸, a quantity in 10⁻⁹; a spread value may be a fraction of them."""
    if "/" in amount:
        return Fraction(amount)
    return billionths(amount) if unit == "quantity" else scaled(amount, 18)


def ordered(line: Data) -> Exact:
    if "value" in line:
        return exact("value", line["value"])
    return exact("quantity", line["quantity"]) * exact("quantity", line["unit_price"])


def price_of(line: Data) -> int | None:
    """The unit price in billionths of a line that gives one."""
    return int(exact("quantity", line["unit_price"])) if "unit_price" in line else None


def last_price(texts: list[Fact], name: str, day: str) -> int | None:
    """The unit price (billionths) told by the newest version dated by the day that has the line."""
    for text in reversed(texts):
        if text.data["date"] <= day:
            for line in text.data["lines"]:
                if line["line"] == name:
                    return price_of(line)
    return None


def rounded(value: Exact, unit: int) -> int:
    """Whole units, half-even."""
    return divided(value.numerator, value.denominator * unit)


def prices(order: Document) -> list[Any]:
    """For a delivery that has to know: per day on which they change, ``[day, first line, {line: price in billionths as text}, currency]``."""
    stands, _ = by_version(order.facts)
    texts = [fact for fact in stands if fact.name in TEXTS]
    return [[day, *prices_on(texts, day)] for day in sorted({fact.data["date"] for fact in texts})]


def prices_on(texts: list[Fact], day: str) -> tuple[str, dict[str, str | None], str]:
    text = highest(texts, day)
    assert text is not None
    names = {line["line"] for fact in texts if fact.data["date"] <= day for line in fact.data["lines"]}
    first = text.data["lines"][0]["line"] if text.data["lines"] else ""
    return first, {name: None if (price := last_price(texts, name, day)) is None else str(price) for name in sorted(names)}, text.data["currency"]
