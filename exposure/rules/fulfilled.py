"""How much of an order has left its *orders*: per line the greater of delivered and invoiced, whether or not the order has come (law 9)."""

from exposure.rules import lines, orders
from exposure.rules.documents import Document
from exposure.rules.lines import Line
from exposure.rules.unconfirmed import named_lines
from schemas.currencies import DECIMALS


def fulfilled(order: Document, day: str) -> dict[str, int]:
    """By currency the minor units, each line rounded once, half-even."""
    stands, _ = orders.by_version(orders.parted(order.facts)[0])
    tally = orders.tally_on(order, [fact for fact in stands if fact.name in orders.TEXTS], [], day, {})
    if tally is not None:
        return {tally.currency: lines.fulfilled(tally.lines.values(), tally.unit)}
    told: dict[str, list[Line]] = {}
    for (_, currency), line in named_lines(order, day)[0].items():
        told.setdefault(currency, []).append(line)
    return {currency: lines.fulfilled(some, 10 ** (18 - DECIMALS[currency])) for currency, some in told.items()}
