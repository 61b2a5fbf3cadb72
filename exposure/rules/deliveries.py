"""Deliveries: what they delivered is claimed of their orders' lines; lines without an order are one sum, less what is invoiced naming the delivery.

References that name only the delivery are spread over its lines in list order, each up to what it delivered (law 2).
"""

from exposure.rules.documents import Claim, Document, Key, Movement, State, moved
from exposure.rules.lines import Entry, Exact, Spread, exact, rounded
from exposure.rules.orders import line_claim
from exposure.rules.slots import Slot, place, slot_of, spread_entry
from exposure.rules.spans import NEVER, Span, clash_of, edges, span_from, standing, within
from schemas.currencies import DECIMALS
from schemas.facts import LAST_DAY, Fact

Spreads = dict[Key, list[Spread]]
"""What references that name only the delivery take of each order."""


def evaluate(delivery: Document, version: int, since: str) -> tuple[list[Movement], dict[Key, Claim]]:
    """How the delivery itself moves from ``since`` on (order-less lines, what is pending on it), and what it claims of its orders."""
    posted = standing(delivery.facts, "DeliveryPosted")
    span = span_of(delivery, posted)
    clash = clash_of(delivery.facts, "DeliveryPosted")
    days = sorted(days_of(delivery, posted, span, clash))
    spreads: Spreads = {}
    said: list[tuple[str, State]] = []
    for day, until in zip(days, [*days[1:], LAST_DAY], strict=False):
        state: State = {}
        if clash and clash <= day:
            state["anomaly:number_clash", delivery.key, "", ""] = 1
        say(delivery, posted, span, (day, until), state, spreads)
        if day >= since:
            said.append((day, state))
    return moved(delivery, version, since, said), orders_claims(delivery, posted, span, spreads)


def days_of(delivery: Document, posted: Fact | None, span: Span, clash: str | None) -> set[str]:
    days = edges([span])
    if posted:
        days.add(posted.data["date"])
    if clash:
        days.add(clash)
    for key, claim in delivery.inbox.items():
        if key.startswith("order:"):
            days.update([price[0] for price in claim])
        else:
            days.update(claim[5:7])
    days.discard(LAST_DAY)
    return days


def says_nothing(delivery: Document) -> bool:
    """It was told once, every line has its order, and what names it came no earlier and names the order too: all is said at the orders."""
    posted = delivery.facts[0] if len(delivery.facts) == 1 else None
    if posted is None or posted.name != "DeliveryPosted":
        return False
    for line in posted.data["lines"]:
        if "order" not in line:
            return False
    day = posted.data["date"]
    for key, claim in delivery.inbox.items():  # noqa: SIM110 (the loop is what costs)
        if key.startswith("order:") or claim[0] < day or only_delivery(claim):
            return False
    return True


def span_of(delivery: Document, posted: Fact | None) -> Span:
    return span_from(posted.data["date"], delivery.facts, "DeliveryReversed") if posted else NEVER


def orders_of(delivery: Document) -> list[Key]:
    """The orders its lines name, once each."""
    posted = standing(delivery.facts, "DeliveryPosted")
    orders = {line["order"]: None for line in posted.data["lines"] if "order" in line} if posted else {}
    return ["order:" + order for order in orders]


def orders_claims(delivery: Document, posted: Fact | None, span: Span, spreads: Spreads) -> dict[Key, Claim]:
    """What was delivered of each order; where a reference has to be spread, or had to be, also what it took."""
    entries: dict[str, list[Entry]] = {}
    if posted is None:
        return {}
    number = delivery.key
    for line in posted.data["lines"]:
        if "order" in line:
            unit = "quantity" if "quantity" in line else "value"
            entries.setdefault(line["order"], []).append((line.get("line"), unit, line[unit], False, number))
    currency = posted.data["currency"]
    claims = {"order:" + order: line_claim("delivered", number, currency, span, tuple(told)) for order, told in entries.items()}
    if delivery.inbox and has_to_spread(delivery):
        settled = settled_spans(delivery)
        return {key: spreading(claim, settled, spreads.get(key, [])) for key, claim in claims.items()}
    return claims


def spreading(claim: Claim, settled: tuple[Span, ...], spread: list[Spread]) -> Claim:
    _, _, *head, _, _ = claim
    days = edges([(claim[5], claim[6]), *settled, *[(first, after) for first, after, _, _, _, _ in spread]])
    return min(days, default=LAST_DAY), max(days, default=""), *head, tuple(spread), settled


def has_to_spread(delivery: Document) -> bool:
    return any(key.startswith("order:") or only_delivery(claim) for key, claim in delivery.inbox.items())


def only_delivery(claim: Claim) -> bool:
    for order, _, _, _, _ in claim[7]:  # noqa: SIM110 (the loop is what costs)
        if not order:
            return True
    return False


def settled_spans(delivery: Document) -> tuple[Span, ...]:
    """When a final reference to the whole delivery stands; one that never does settles nothing."""
    spans = []
    for key, claim in delivery.inbox.items():
        if key.startswith("order:") or claim[2] != "invoiced" or claim[5] == LAST_DAY:
            continue
        if any(is_final and not order for order, _, _, _, is_final in claim[7]):
            spans.append((claim[5], claim[6]))
    return tuple(spans)


def say(delivery: Document, posted: Fact | None, span: Span, days: Span, state: State, spreads: Spreads) -> None:
    """What the delivery says from one day until the next, and what is taken of its lines meanwhile."""
    day, until = days
    naming = [claim for key, claim in delivery.inbox.items() if not key.startswith("order:") and claim[5] <= day < claim[6]]
    if posted is None or posted.data["date"] > day:
        for claim in naming:
            state["pending:delivery", claim[3], "", ""] = 1
        return
    if not within([span], day):
        return
    currency = posted.data["currency"]
    if not naming and all("order" in line for line in posted.data["lines"]):
        return
    slots = [slot_of(line, currency, delivery.inbox.get(f"order:{line.get('order')}", ()), day) for line in posted.data["lines"]]
    fill(slots, naming, currency, state)
    for slot in slots:
        if slot.order:
            taken = [spread_entry(slot, unit, amount, day, until) for unit, amount in slot.taken if amount]
            spreads.setdefault("order:" + slot.order, []).extend(taken)
    orderless(delivery, slots, day, currency, state)


Sums = dict[str, Exact]
"""Currency to a value; the quantity stands under ""."""


def fill(slots: list[Slot], naming: list[Claim], currency: str, state: State) -> None:
    """First what names the delivery and an order line, then what names only the delivery; quantities before values."""
    named: dict[tuple[str, str], Sums] = {}
    first_lines = {slot.order: slot.first for slot in slots}
    for _, _, role, document, its_currency, _, _, entries, _, _ in naming:
        for order, line, unit, amount, _ in entries:
            told_in = its_currency if unit == "value" else ""
            if not order and told_in not in ("", currency):
                state["anomaly:currency_mismatch", document, "", ""] = 1
                continue
            sums = named.setdefault((order, line or first_lines.get(order, "")) if order else ("", ""), {})
            value = exact(unit, amount)
            sums[told_in] = sums.get(told_in, 0) + (value if role == "invoiced" else -value)
    only = named.pop(("", ""), {})
    for (order, line), sums in named.items():
        wanted = [slot for slot in slots if slot.order == order and slot.line == line]
        if wanted and wanted[0].price:
            told_in = wanted[0].priced_in
            sums = {told_in: sums.get(told_in, 0) + sums.get("", 0) * wanted[0].price}
        place(wanted, sums)
    for slot in slots:
        slot.taken.clear()
    place(slots, only)


def orderless(delivery: Document, slots: list[Slot], day: str, currency: str, state: State) -> None:
    loose = [slot for slot in slots if not slot.order]
    if not loose:
        return
    if any(slot.is_quantity for slot in loose):
        state["anomaly:missing_price", delivery.key, "", ""] = 1
    if not within(settled_spans(delivery), day):
        rest = rounded(sum([slot.left for slot in loose if not slot.is_quantity]), 10 ** (18 - DECIMALS[currency]))
        if rest > 0:
            state["deliveries", "", currency, ""] = rest
