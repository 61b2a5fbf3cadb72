"""How much of an order has left its *orders*: per line the greater of delivered and invoiced, whether or not the order has come (law 9)."""

from exposure.rules import orders
from exposure.rules.documents import Document, State
from exposure.rules.lines import Exact, Line, rounded
from exposure.rules.unconfirmed import named_lines
from schemas.currencies import DECIMALS


def fulfilled(order: Document, day: str) -> dict[str, int]:
    """By currency the minor units, each line rounded once, half-even."""
    stands, _ = orders.by_version(order.facts)
    texts = [fact for fact in stands if fact.name in orders.TEXTS]
    state: State = {}
    tally = orders.tally_on(order, texts, [], day, state)
    lines = (
        [(tally.currency, line) for line in tally.lines.values()] if tally else [(of, line) for (_, of), line in named_lines(order, day)[0].items()]
    )
    sums: dict[str, int] = {}
    for currency, line in lines:
        sums[currency] = sums.get(currency, 0) + rounded(greater(line), 10 ** (18 - DECIMALS[currency]))
    return sums


def greater(line: Line) -> Exact:
    return max(line.delivered, line.invoiced - line.uninvoiced, 0)
