"""Before an order has arrived its lines are netted per currency of what names them; quantities have no price yet."""

from exposure.rules.documents import Document, State
from exposure.rules.lines import Line, exact, rounded
from exposure.rules.spans import within
from schemas.currencies import DECIMALS

Lines = dict[tuple[str, str], Line]
"""Line ("" where none was told) and currency."""


def before_order(order: Document, day: str, state: State) -> None:
    lines, is_unpriced = named_lines(order, day)
    for claim in order.inbox.values():
        _, _, _, naming, _, start, until, _, _, _ = claim
        if start <= day < until:
            state["pending:order", naming, "", ""] = 1
    settle_lines(order, lines, day)
    for (name, currency), line in lines.items():
        amount = 0 if line.final else rounded(line.without(line.settled or set()), 10 ** (18 - DECIMALS[currency]))
        if amount > 0:
            state["deliveries", name, currency, ""] = amount
    if is_unpriced:
        state["anomaly:missing_price", order.key, "", ""] = 1


def named_lines(order: Document, day: str) -> tuple[Lines, bool]:
    """What stands on the day of what names the order's lines, and whether some of it is a quantity."""
    lines: Lines = {}
    is_unpriced = False
    for source, claim in order.inbox.items():
        _, _, role, _, currency, start, until, entries, spread, _ = claim
        if start <= day < until:
            for name, unit, amount, _, delivery in entries:
                add(lines, (name or "", currency), role, unit, amount, delivery)
                is_unpriced |= unit == "quantity"
        for first, after, name, unit, amount, told_in in spread or ():
            if first <= day < after:
                add(lines, (name or "", told_in or currency), "invoiced", unit, amount, source)
                is_unpriced |= unit == "quantity"
    return lines, is_unpriced


def add(lines: Lines, place: tuple[str, str], role: str, unit: str, amount: str, delivery: str | None) -> None:
    lines.setdefault(place, Line(0, None)).add(role, exact(unit, amount) if unit == "value" else 0, delivery)


def settle_lines(order: Document, lines: Lines, day: str) -> None:
    """Finals hold on a line in whatever currency it was told, and so does who delivered on it."""
    for source, claim in order.inbox.items():
        _, _, _, _, _, start, until, entries, _, settled = claim
        stands, settles = start <= day < until, within(settled, day)
        for name, _, _, is_final, delivery in entries:
            for (other, _), line in lines.items():
                if other == (name or ""):
                    line.final |= stands and is_final and not delivery
                    if (stands and is_final and delivery) or settles:
                        line.settle(delivery or source)
    for (name, _), line in lines.items():
        if line.settled:
            line.settled &= {delivery for (other, _), told in lines.items() if other == name for delivery in told.deliverers()}
