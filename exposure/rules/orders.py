"""Orders: per order line, ordered − max(delivered, invoiced) is *orders*, delivered − invoiced is *deliveries*, neither below zero.

An order's document keeps its texts by version and what deliveries, invoices and credit notes claim of its lines. In order of arrival a claim
is added to the tally of the last day; all else is evaluated anew, from the first day that may say something else on.
"""

from typing import Any

from exposure.rules.documents import Claim, Document, Key, Movement, State, moved
from exposure.rules.lines import Tally, last_price
from exposure.rules.spans import Span, edges, within
from exposure.rules.unconfirmed import before_order
from schemas.facts import LAST_DAY, Fact

TEXTS = ("OrderConfirmed", "OrderAmended")


def line_claim(role: str, naming: str, currency: str, span: Span, entries: tuple[Any, ...]) -> Claim:
    """What a delivery, an invoice or a credit note says of the lines of an order (or, naming order and line, of a delivery)."""
    start, until = span
    last = until if until < LAST_DAY else start if start < LAST_DAY else ""
    return start, last, role, naming, currency, start, until, entries, None, ()


def evaluate(order: Document, version: int, since: str, source: Key) -> list[Movement]:
    """How the order moves from ``since`` on, by its texts and by what is claimed of its lines; ``source`` is the document that has news."""
    if since == LAST_DAY:
        return []
    tally = order.tally
    if tally is not None and since >= order.horizon:
        names = closed(order, tally) if source == order.key else claimed(order.inbox[source], tally)
        if names is not None:
            return said(order, version, since, tally, names)
    stands, clash = by_version(order.facts)
    texts = [fact for fact in stands if fact.name in TEXTS]
    statuses = [fact for fact in stands if fact.name not in TEXTS]
    days: list[tuple[str, State]] = []
    order.tally = None
    for day in days_from(order, since):
        state: State = {}
        if clash and clash <= day:
            state["anomaly:number_clash", order.key, "", ""] = 1
        order.tally = tally_on(order, texts, statuses, day, state)
        days.append((day, state))
    return moved(order, version, since, days)


def claimed(claim: Claim, tally: Tally) -> list[str] | None:
    """Adds a new claim to the tally, and returns the lines it names; ``None`` where it is not of the ordinary kind."""
    _, _, role, _, currency, _, until, entries, _, _ = claim
    if until < LAST_DAY or not tally.add(role, currency, entries):
        return None
    names = [name or tally.first for name, _, _, _, _ in entries]
    for name in names:
        if tally.lines[name].unpriced:
            return None
    return names


def closed(order: Document, tally: Tally) -> list[str] | None:
    """Closes the lines where the last fact, of the highest version, says so."""
    fact = order.facts[-1]
    version = fact.data["version"]
    if fact.name != "OrderClosed":
        return None
    for known in order.facts[:-1]:
        if known.data["version"] >= version:
            return None
    for line in tally.lines.values():
        line.ordered = 0
    return list(tally.lines)


def said(order: Document, version: int, day: str, tally: Tally, names: list[str]) -> list[Movement]:
    """Weighs the named lines anew and moves the order by what they now say otherwise."""
    moves: list[Movement] = []
    currency = tally.currency
    for name in names:
        line = tally.lines[name]
        orders, deliveries = line.orders, line.deliveries
        line.weigh(tally.unit)
        if line.orders != orders:
            moves.append(Movement(version, "orders", name, currency, "", day, line.orders - orders))
        if line.deliveries != deliveries:
            moves.append(Movement(version, "deliveries", name, currency, "", day, line.deliveries - deliveries))
    if moves:
        moves.sort()
        order.record(moves)
    return moves


def by_version(facts: list[Fact]) -> tuple[list[Fact], str | None]:
    """The standing fact of each version, lowest first, and from which day a version clashes: texts and statuses share one counter."""
    if len(facts) == 1:
        return facts, None
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


def days_from(order: Document, since: str) -> list[str]:
    """The days from ``since`` on that may say something else than the day before."""
    if since >= order.horizon:
        return [since]
    days = {fact.data["date"] for fact in order.facts}
    for _, _, _, _, _, start, until, _, spread, settled in order.inbox.values():
        days.add(start)
        days.add(until)
        if spread is not None:
            days |= edges(settled)
            days |= edges([(first, after) for first, after, *_ in spread])
    days.discard(LAST_DAY)
    order.horizon = max(days, default="")
    return sorted([day for day in days if day >= since])


def highest(facts: list[Fact], day: str) -> Fact | None:
    """Of facts sorted by version, the highest dated by the day."""
    for fact in reversed(facts):
        if fact.data["date"] <= day:
            return fact
    return None


def tally_on(order: Document, texts: list[Fact], statuses: list[Fact], day: str, state: State) -> Tally | None:
    """What every line of the order says on one day; ``None`` before the order has come."""
    dated = [text for text in texts if text.data["date"] <= day]
    if not dated:
        before_order(order, day, state)
        return None
    status = highest(statuses, day)
    tally = Tally(dated, status is None or status.name != "OrderClosed")
    if order.inbox:
        add_claims(order, tally, day, state)
    currency = tally.currency
    for name, line in tally.lines.items():
        line.weigh(tally.unit)
        if line.orders:
            state["orders", name, currency, ""] = line.orders
        if line.deliveries:
            state["deliveries", name, currency, ""] = line.deliveries
        if line.unpriced:
            state["anomaly:missing_price", order.key, "", ""] = 1
    return tally


def add_claims(order: Document, tally: Tally, day: str, state: State) -> None:
    """Adds what stands on the day to its lines."""
    for source, claim in order.inbox.items():
        _, _, role, naming, currency, start, until, entries, spread, settled = claim
        if start <= day < until and not tally.add(role, currency, entries):
            state["anomaly:currency_mismatch", naming, "", ""] = 1
        if spread is not None:
            for first, after, name, unit, amount, told_in in spread:
                if first <= day < after and (unit == "quantity" or told_in in ("*", tally.currency)):
                    line = tally.line(name)
                    line.add("invoiced", line.value(unit, amount), source)
            if within(settled, day):
                for name, _, _, _, _ in entries:
                    tally.line(name).settle(source)


Prices = tuple[str, str, dict[str, str | None], str]
"""From one day on: the first line, each line's price in billionths as text, and the order's currency."""


def prices(order: Document) -> tuple[Prices, ...]:
    """For a delivery that has to know: per day on which they change."""
    stands, _ = by_version(order.facts)
    texts = [fact for fact in stands if fact.name in TEXTS]
    return tuple([prices_on(texts, day) for day in sorted({fact.data["date"] for fact in texts})])


def prices_on(texts: list[Fact], day: str) -> Prices:
    dated = [text for text in texts if text.data["date"] <= day]
    text = dated[-1].data
    names = {line["line"] for fact in dated for line in fact.data["lines"]}
    first = text["lines"][0]["line"] if text["lines"] else ""
    told = {name: None if (price := last_price(dated, name)) is None else str(price) for name in sorted(names)}
    return day, first, told, text["currency"]
