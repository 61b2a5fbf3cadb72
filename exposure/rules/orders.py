"""Orders: per order line, ordered − max(delivered, invoiced) is *orders*, delivered − invoiced is *deliveries*, neither below zero.

An order's document keeps its texts by version and what deliveries, invoices and credit notes claim of its lines. In order of arrival a claim
is added to the tally of the last day; all else is evaluated anew, from the first day that may say something else on. What is reserved for an order is
what its own text and its claims leave of it, so an order has no tally while a reservation stands.
"""

from collections.abc import Iterable
from typing import Any

from exposure.rules import lines, reservations
from exposure.rules.documents import Claim, Document, Key, Movement, State, moved
from exposure.rules.lines import Exact, Line, Tally, exact, last_price, rounded
from exposure.rules.spans import Span, edges, within
from exposure.rules.unconfirmed import before_order, named_lines
from schemas.currencies import DECIMALS
from schemas.facts import LAST_DAY, OWN, Data, Fact

TEXTS = ("OrderConfirmed", "OrderAmended")
CLOSED = "OrderClosed"


def line_claim(role: str, naming: str, currency: str, span: Span, entries: tuple[Any, ...]) -> Claim:
    """What a delivery, an invoice or a credit note says of the lines of an order; what invoices and credit notes say of a delivery looks the same.

    After its first and last day: role, naming document, currency, from when until when, entries; and of a delivery that has to spread what others
    take of its lines, and when all of it is settled by a final reference.
    """
    start, until = span
    last = until if until < LAST_DAY else start if start < LAST_DAY else ""
    return start, last, role, naming, currency, start, until, entries, None, ()


def first_difference(old: Claim, new: Claim) -> str:
    """The first day on which two claims of one document may say different things."""
    if old[2:6] != new[2:6] or old[7] != new[7]:
        return str(min(old[0], new[0]))
    days = {old[6], new[6]} if old[6] != new[6] else set()
    days.update([spread[0] for spread in set(old[8] or ()) ^ set(new[8] or ())])
    days.update([start for start, _ in set(old[9]) ^ set(new[9])])
    return min(days, default=LAST_DAY)


def hear(order: Document, source: Key, old: Claim | None, claim: Claim, since: str) -> None:
    """Adds what a claim says from ``since`` on to the tally, or throws the tally away where that is not of the ordinary kind."""
    tally = order.tally
    if tally is None:
        return
    _, _, role, _, currency, start, until, entries, spread, settled = claim
    order.tally = None
    if start == LAST_DAY or until < LAST_DAY or since < order.horizon or (old is not None and (old[8] or old[9] or old[2:8] != claim[2:8])):
        return
    was_unpriced = tally.is_unpriced
    if old is None and not tally.add(role, currency, entries):
        return
    if spread is not None:
        if any(first != since or after < LAST_DAY for first, after, _, _, _, _ in spread) or settled not in ((), ((since, LAST_DAY),)):
            return
        tally.add_spread(source, since, spread)
        if settled:
            tally.settle(source, entries)
    if tally.is_unpriced == was_unpriced:
        order.tally = tally


def evaluate(order: Document, version: int, since: str, fact: Fact | None) -> list[Movement]:
    """How the order moves from ``since`` on, by its texts and by what is claimed of its lines; ``fact`` is news of its own."""
    if since == LAST_DAY:
        return []
    tally = order.tally
    if tally is not None and since >= order.horizon and (fact is None or closes(order, tally, fact)):
        return said(order, version, since, tally)
    told, own = parted(order.facts)
    stands, clash = by_version(told)
    texts = [fact for fact in stands if fact.name in TEXTS]
    statuses = [fact for fact in stands if fact.name not in TEXTS]
    steps = reservations.course(own) if own else []
    turns = turns_of(stands) if own else []
    if fact is not None and fact.name in OWN:
        order.horizon = LAST_DAY
    days: list[tuple[str, State]] = []
    order.tally = None
    for day in days_from(order, since, reservations.ends(steps, turns) if steps else ()):
        state: State = {}
        if clash and clash <= day:
            state["anomaly:number_clash", order.key, "", ""] = 1
        order.tally = tally_on(order, texts, statuses, day, state)
        if steps and (held := reservations.held_on(steps, turns, day)):
            reservations.say(held, counted(order, order.tally, held.currency, day, state), order.tally is not None, state)
            order.tally = None
        days.append((day, state))
    return moved(order, version, since, days)


def turns_of(facts: list[Fact]) -> list[Fact]:
    """What ends a reservation of an order: its texts, which count themselves, and its closings, after which nothing of it is to come."""
    return [fact for fact in facts if fact.name in TEXTS or fact.name == CLOSED]


def parted(facts: list[Fact]) -> tuple[list[Fact], list[Fact]]:
    """What the ERP told of an order, and what was reserved for it."""
    for fact in facts:
        if fact.name in OWN:
            return [fact for fact in facts if fact.name not in OWN], [fact for fact in facts if fact.name in OWN]
    return facts, []


def counted(order: Document, tally: Tally | None, currency: str, day: str, state: State) -> int:
    """In a currency, the minor units of it that have left *orders* and those that are in it on the day."""
    of_it: Iterable[Line] = ()
    if tally is None:
        of_it = [line for (_, told_in), line in named_lines(order, day)[0].items() if told_in == currency]
    elif tally.currency == currency:
        of_it = tally.lines.values()
    orders = [amount for (component, _, told_in, _), amount in state.items() if component == "orders" and told_in == currency]
    return lines.fulfilled(of_it, 10 ** (18 - DECIMALS[currency])) + sum(orders)


def closes(order: Document, tally: Tally, fact: Fact) -> bool:
    """Closes the lines, where a closing of the highest version says so."""
    version = fact.data.get("version")
    if fact.name != CLOSED or any(known.data.get("version", 0) > version for known in order.facts):
        return False
    for name, line in tally.lines.items():
        line.ordered = 0
        tally.heard[name] = line
    return True


def said(order: Document, version: int, day: str, tally: Tally) -> list[Movement]:
    """Weighs anew the lines of which something was heard, and moves the order by what they now say otherwise."""
    moves: list[Movement] = []
    currency, unit, amounts = tally.currency, tally.unit, order.amounts
    for name, line in tally.heard.items():
        orders, deliveries, was_over = line.orders, line.deliveries, line.is_over
        line.weigh(unit)
        if line.is_over != was_over:
            change = 1 if line.is_over else -1
            moves.append(Movement(version, "over_invoiced", name, "", "", day, change))
            amounts += change
        if line.deliveries != deliveries:
            moves.append(Movement(version, "deliveries", name, currency, "", day, line.deliveries - deliveries))
            amounts += 1 if not deliveries else 0 if line.deliveries else -1
        if line.orders != orders:
            moves.append(Movement(version, "orders", name, currency, "", day, line.orders - orders))
            amounts += 1 if not orders else 0 if line.orders else -1
    if len(moves) > 1:
        moves.sort()
    tally.heard = {}
    if moves:
        order.turn(version, day, moves, amounts)
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


def days_from(order: Document, since: str, ends: Iterable[str]) -> list[str]:
    """The days from ``since`` on that may say something else than the day before; ``ends`` are those on which the time of reservations is over."""
    if since >= order.horizon:
        return [since]
    days = {fact.data["date"] for fact in order.facts}
    days.update(ends)
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
    tally = Tally(dated, status is None or status.name != CLOSED)
    if order.inbox:
        add_claims(order, tally, day, state)
    currency = tally.currency
    for name, line in tally.lines.items():
        line.weigh(tally.unit)
        if line.orders:
            state["orders", name, currency, ""] = line.orders
        if line.deliveries:
            state["deliveries", name, currency, ""] = line.deliveries
        if line.is_over:
            state["over_invoiced", name, "", ""] = 1
    if tally.is_unpriced:
        state["anomaly:missing_price", order.key, "", ""] = 1
    tally.heard = {}
    return tally


def add_claims(order: Document, tally: Tally, day: str, state: State) -> None:
    """Adds what stands on the day to its lines."""
    for source, claim in order.inbox.items():
        _, _, role, naming, currency, start, until, entries, spread, settled = claim
        if start <= day < until and not tally.add(role, currency, entries):
            state["anomaly:currency_mismatch", naming, "", ""] = 1
        if spread is not None:
            tally.add_spread(source, day, spread)
            if within(settled, day):
                tally.settle(source, entries)


def whole_value(text: Data) -> int:
    """What an order's text is worth: minor units of its currency, each line rounded once, half-even."""
    unit = 10 ** (18 - DECIMALS[text["currency"]])
    return sum(rounded(exact("value", line["value"]) if "value" in line else ordered_by_quantity(line), unit) for line in text["lines"])


def ordered_by_quantity(line: Data) -> Exact:
    return exact("quantity", line["quantity"]) * exact("quantity", line["unit_price"])


def text_on(facts: list[Fact], day: str) -> Fact | None:
    """The order's text of the day."""
    return highest([fact for fact in by_version(parted(facts)[0])[0] if fact.name in TEXTS], day)


def requested_days(facts: list[Fact], day: str) -> dict[str, str]:
    """When each line of the order's text of the day is wanted, where the text says so."""
    text = text_on(facts, day)
    return {line["line"]: line["requested"] for line in text.data["lines"] if "requested" in line} if text else {}


Prices = tuple[str, str, dict[str, str | None], str]
"""From one day on: the first line, each line's price in billionths as text, and the order's currency."""


def prices(order: Document) -> tuple[Prices, ...]:
    """For a delivery that has to know: per day on which they change."""
    stands, _ = by_version(parted(order.facts)[0])
    texts = [fact for fact in stands if fact.name in TEXTS]
    if len(texts) == 1:
        told_lines = texts[0].data["lines"]
        told = {line["line"]: str(exact("quantity", line["unit_price"])) if "unit_price" in line else None for line in told_lines}
        return ((texts[0].data["date"], told_lines[0]["line"] if told_lines else "", told, texts[0].data["currency"]),)
    return tuple([prices_on(texts, day) for day in sorted({fact.data["date"] for fact in texts})])


def prices_on(texts: list[Fact], day: str) -> Prices:
    dated = [text for text in texts if text.data["date"] <= day]
    text = dated[-1].data
    names = {line["line"] for fact in dated for line in fact.data["lines"]}
    first = text["lines"][0]["line"] if text["lines"] else ""
    told = {name: None if (price := last_price(dated, name)) is None else str(price) for name in sorted(names)}
    return day, first, told, text["currency"]
