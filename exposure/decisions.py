"""The answer to a credit check: would this order pass? A pure function of the account's figures, the order, and what is asked (law 9).

``exposure after = before − what the order counts now + what is left of the asked amount after the greater of its delivered and invoiced``.
Facts are never refused; a commitment is held, with every reason that holds it, in this order: over_limit or no_limit, blocked.
"""

from dataclasses import dataclass
from typing import Any

from exposure.figures import Figures, Rates, converted

POLICY = "default"
APPROVED, HELD = "approved", "held"


class NoRate(LookupError):
    """What is asked cannot be told in the account's currency on that day."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An order by its whole value: minor units of ``currency``."""

    order: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Minor units of the account's currency; ``available_after`` is ``None`` where the limit is unlimited."""

    reasons: list[str]
    before: int
    after: int
    available_after: int | None

    @property
    def decision(self) -> str:
        return HELD if self.reasons else APPROVED


def decide(figures: Figures, rates: Rates, fulfilled: dict[str, int], asked: Asked) -> Answer:
    """``fulfilled`` is what of the order was delivered or invoiced, by currency. A smaller order than the one that counts now is never refused."""
    counts_now = counted(figures, asked.order)
    left = left_of(figures, rates, fulfilled, asked)
    after = figures.total - counts_now + left
    limit = figures.limit if isinstance(figures.limit, int) else 0
    available = None if figures.limit == "unlimited" else limit - after
    return Answer([] if left < counts_now else reasons(figures, after), figures.total, after, available)


def reasons(figures: Figures, after: int) -> list[str]:
    is_over = after > (figures.limit if isinstance(figures.limit, int) else 0) and figures.limit != "unlimited"
    over = "over_limit" if isinstance(figures.limit, int) else "no_limit"
    return [*([over] if is_over else []), *(["blocked"] if figures.on.blocked else [])]


def counted(figures: Figures, order: str) -> int:
    """What the order counts in the exposure now."""
    key = f"order:{order}"
    return sum(value or 0 for item, value in figures.converted.items() if item.component == "orders" and item.document == key)


def left_of(figures: Figures, rates: Rates, fulfilled: dict[str, int], asked: Asked) -> int:
    """What is left of the asked amount, in the account's currency; what was fulfilled in another currency than the asked one is taken off there."""
    left = told(max(asked.amount - fulfilled.get(asked.currency, 0), 0), asked.currency, figures.currency, rates)
    others = [(currency, amount) for currency, amount in fulfilled.items() if amount and currency != asked.currency]
    return max(left - sum(told(amount, currency, figures.currency, rates) for currency, amount in others), 0)


def told(amount: int, currency: str, into: str | None, rates: Rates) -> int:
    value = converted(amount, currency, into, rates)
    if value is None:
        raise NoRate(f"there is no rate of {currency} to {into} on that day")
    return value


def inputs(figures: Figures, fulfilled: dict[str, int], asked: Asked) -> dict[str, Any]:
    """All that an answer depends on: while it is unchanged the answer is the same one. Amounts are texts, for they have no bounds."""
    return {
        "policy": POLICY,
        "figures": figures.summary(),
        "order": [asked.order, str(asked.amount), asked.currency],
        "counts_now": str(counted(figures, asked.order)),
        "fulfilled": [[currency, str(amount)] for currency, amount in sorted(fulfilled.items())],
    }
