"""Deliveries: what they delivered is claimed of their orders' lines; lines without an order are one sum, less what is invoiced naming the delivery.

References that name only the delivery are spread over its lines in list order, each up to what it delivered (law 2).
"""

from fractions import Fraction
from typing import Any

from exposure.rules.documents import Claim, Document, Key, Net, Span, State, Timeline, clashes, earliest_day, edges, standing, within
from exposure.rules.orders import Exact, exact, rounded
from schemas.amounts import decimal_text
from schemas.currencies import DECIMALS
from schemas.facts import Fact


class Slot:
    """One line of the delivery on one day: what it can still take, in value where the price is known, else in its own unit."""

    __slots__ = ("currency", "first", "is_quantity", "left", "line", "order", "price", "priced_in", "taken")

    def __init__(self, line: dict[str, Any], currency: str, first: str, price: int | None, priced_in: str) -> None:
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


def evaluate(delivery: Document) -> tuple[Net, dict[Key, Claim]]:
    """What changes of the delivery's own movements (order-less lines, what is pending on it), and what it claims of its orders."""
    posted = standing(delivery.facts, "DeliveryPosted")
    spans = spans_of(delivery)
    if posted and len(delivery.facts) == 1 and not delivery.net and says_nothing(delivery, posted):
        return {}, {}
    claims = orders_claims(delivery, posted, spans)
    days = set(edges(spans))
    if posted:
        days.add(posted.data["date"])
    for key, claim in delivery.inbox.items():
        days.update(day for day, *_ in claim["prices"]) if key.startswith("order:") else days.update(edges(claim["spans"]))
    clash = clashes([fact for fact in delivery.facts if fact.name == "DeliveryPosted"])
    if clash:
        days.add(clash)
    ordered = sorted(days)
    timeline = Timeline(delivery, "")
    for place, day in enumerate(ordered):
        until = ordered[place + 1] if place + 1 < len(ordered) else None
        timeline.on(day, state_on(delivery, posted, spans, claims, day, until, clash))
    return timeline.changes(), claims


def says_nothing(delivery: Document, posted: Fact) -> bool:
    """Every line has its order, and what names the delivery came no earlier and names the order too: all is said at the orders."""
    for line in posted.data["lines"]:
        if "order" not in line:
            return False
    day = posted.data["date"]
    for key, claim in delivery.inbox.items():
        if key.startswith("order:") or only_delivery(claim) or any(start < day for start, _ in claim["spans"]):
            return False
    return True


def spans_of(delivery: Document) -> list[Span]:
    posted = standing(delivery.facts, "DeliveryPosted")
    if posted is None:
        return []
    reversed_ = earliest_day(delivery.facts, "DeliveryReversed")
    start = posted.data["date"]
    return [[start, reversed_]] if reversed_ is None or start < reversed_ else []


def orders_claims(delivery: Document, posted: Fact | None, spans: list[Any]) -> dict[Key, Claim]:
    claims: dict[Key, Claim] = {}
    if posted is None:
        return claims
    for line in posted.data["lines"]:
        if "order" in line:
            claim = claims.setdefault(
                f"order:{line['order']}",
                {"naming": delivery.key, "role": "delivered", "currency": posted.data["currency"], "spans": spans, "entries": []},
            )
            unit = "quantity" if "quantity" in line else "value"
            claim["entries"].append([line.get("line"), unit, line[unit], False, delivery.key])
    if any(key.startswith("order:") or only_delivery(claim) for key, claim in delivery.inbox.items()):
        for claim in claims.values():
            claim.update(watches=True, spread=[], settled=settled_spans(delivery))
    return claims


def only_delivery(claim: Claim) -> bool:
    return any(not entry[0] for entry in claim.get("entries", ()))


def settled_spans(delivery: Document) -> list[Any]:
    """When a standing final reference names the whole delivery."""
    return [
        span
        for key, claim in delivery.inbox.items()
        if not key.startswith("order:") and claim["role"] == "invoiced" and any(is_final and not order for order, *_, is_final in claim["entries"])
        for span in claim["spans"]
    ]


def state_on(
    delivery: Document, posted: Fact | None, spans: list[Span], claims: dict[Key, Claim], day: str, until: str | None, clash: str | None
) -> State:
    state: State = {}
    if clash and clash <= day:
        state["anomaly:number_clash", delivery.key, "", ""] = 1
    naming = [claim for key, claim in delivery.inbox.items() if not key.startswith("order:") and within(claim["spans"], day)]
    if posted is None or posted.data["date"] > day:
        state.update({("pending:delivery", claim["naming"], "", ""): 1 for claim in naming})
        return state
    if not within(spans, day):
        return state
    currency = posted.data["currency"]
    slots = [slot_of(delivery, line, currency, day) for line in posted.data["lines"]]
    fill(slots, naming, currency, state)
    for slot in slots:
        if slot.order:
            entries = [spread_entry(slot, unit, amount, day, until) for unit, amount in slot.taken if amount]
            if entries:
                claims[f"order:{slot.order}"]["spread"] += entries
    orderless(delivery, slots, day, currency, state)
    return state


def spread_entry(slot: Slot, unit: str, amount: Exact, day: str, until: str | None) -> list[Any]:
    if unit == "quantity":
        return [day, until, slot.line, unit, decimal_text(int(amount), 9), ""]
    text = decimal_text(amount, 18) if isinstance(amount, int) else f"{amount.numerator}/{amount.denominator}"
    return [day, until, slot.line, unit, text, "*" if slot.is_quantity and slot.price else slot.currency]


def slot_of(delivery: Document, line: dict[str, Any], currency: str, day: str) -> Slot:
    claim = delivery.inbox.get(f"order:{line.get('order')}")
    first, known, priced_in = "", {}, currency
    for start, first_line, prices, order_currency in claim["prices"] if claim else ():
        if start <= day:
            first, known, priced_in = first_line, prices, order_currency
    price = known.get(line.get("line") or first)
    return Slot(line, currency, first, None if price is None else int(price), priced_in)


def fill(slots: list[Slot], naming: list[Claim], currency: str, state: State) -> None:
    """First what names the delivery and an order line, then what names only the delivery; quantities before values."""
    named: dict[tuple[str, str], Sums] = {}
    first_lines = {slot.order: slot.first for slot in slots}
    for claim in naming:
        sign = 1 if claim["role"] == "invoiced" else -1
        for order, line, unit, amount, _ in claim["entries"]:
            told_in = claim["currency"] if unit == "value" else ""
            if not order and told_in not in ("", currency):
                state["anomaly:currency_mismatch", claim["naming"], "", ""] = 1
                continue
            sums = named.setdefault((order, line or first_lines.get(order, "")) if order else ("", ""), {})
            sums[told_in] = sums.get(told_in, 0) + sign * exact(unit, amount)
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


Sums = dict[str, Exact]
"""Currency to a value; the quantity stands under ""."""


def place(slots: list[Slot], sums: Sums) -> None:
    for told_in, amount in sorted(sums.items()):
        rest = max(amount, 0)
        for slot in slots:
            if rest > 0:
                rest -= slot.take_value(rest, told_in) if told_in else slot.take_quantity(rest)


def orderless(delivery: Document, slots: list[Slot], day: str, currency: str, state: State) -> None:
    loose = [slot for slot in slots if not slot.order]
    if any(slot.is_quantity for slot in loose):
        state["anomaly:missing_price", delivery.key, "", ""] = 1
    if not within(settled_spans(delivery), day):
        rest = rounded(sum(slot.left for slot in loose if not slot.is_quantity), 10 ** (18 - DECIMALS[currency]))
        if rest > 0:
            state["deliveries", "", currency, ""] = rest
