"""The answer to a credit check: would this order pass? A pure function of an account's figures under its policy and of the order asked for (law 9).

``exposure after = before − what the order counts now + what is left of the asked amount after the greater of its delivered and invoiced``.
Facts are never refused; a commitment is held. Every rule is looked at, and all that fire are named in the order of ``PRECEDENCE``.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from exposure.figures import Figures, Rates, converted
from exposure.findings import NO_CURRENCY, PRECEDENCE, Case, Found, NoRate
from exposure.judgement import Judgement
from schemas.amounts import shown
from schemas.policies import REFUSE

APPROVED, HELD = "approved", "held"


@dataclass(frozen=True, slots=True)
class Asked:
    """An order by its whole value: minor units of ``currency``."""

    order: str
    amount: int
    currency: str


@dataclass(frozen=True, slots=True)
class Answer:
    """Minor units of the account's currency; ``available_after`` is ``None`` where the limit is unlimited. ``judged`` is what the policy makes of
    the exposure with the order."""

    before: int
    after: int
    available_after: int | None
    judged: Judgement
    findings: list[dict[str, Any]] = field(default_factory=list)

    @property
    def reasons(self) -> list[str]:
        return list(dict.fromkeys(finding["rule"] for finding in self.findings if finding["effect"] == REFUSE))

    @property
    def warnings(self) -> list[str]:
        return [finding["rule"] for finding in self.findings if finding["effect"] != REFUSE]

    @property
    def decision(self) -> str:
        return HELD if self.reasons else APPROVED


def decide(figures: Figures, rates: Rates, fulfilled: dict[str, int], asked: Asked) -> Answer:
    """``fulfilled`` is what of the order was delivered or invoiced, by currency."""

    def of(amount: int) -> Case:
        return case(figures, rates, fulfilled, replace(asked, amount=amount))

    this = of(asked.amount)
    after = figures.total - this.counts_now + this.left
    limit = figures.limit if isinstance(figures.limit, int) else 0
    available = None if figures.limit == "unlimited" else limit - after
    answer = Answer(figures.total, after, available, this.judged)
    for name, rule in () if this.is_smaller else PRECEDENCE.items():
        found = rule(this)
        if found is not None:
            answer.findings.append(finding(name, found, figures, asked, firing(rule, of)))
    return answer


def case(figures: Figures, rates: Rates, fulfilled: dict[str, int], asked: Asked) -> Case:
    """The order counts whole in its own check, whatever categories count and however late it is requested."""
    left = left_of(figures, rates, fulfilled, asked)
    whole = told(asked.amount, asked.currency, figures.currency, rates)
    counting = counted(figures, asked.order) - sum(value for item, value in figures.beyond.items() if item.document == f"order:{asked.order}")
    judged = figures.judged.with_more(left - (counting if "orders" in figures.rules.counts else 0))
    return Case(figures, whole, left, counted(figures, asked.order), judged)


def firing(rule: Callable[[Case], Found | None], of: Callable[[int], Case]) -> Callable[[int], bool]:
    """Whether the rule would fire at another amount."""

    def fires_at(amount: int) -> bool:
        this = of(amount)
        return not this.is_smaller and rule(this) is not None

    return fires_at


def finding(name: str, found: Found, figures: Figures, asked: Asked, fires_at: Callable[[int], bool]) -> dict[str, Any]:
    """A rule that fired, with its figures and the smallest remedy: what to pay (in the account's currency), or to order less (in the order's)."""
    remedy = {} if found.pay is None else {"pay": figures.text(found.pay)}
    if found.by_size and not fires_at(0):
        remedy["order_less"] = shown(asked.amount - largest_passing(asked.amount, fires_at), asked.currency)
    said = {"rule": name, "effect": found.effect, "figure": found.figure, "threshold": found.threshold, **found.more}
    return {**said, "remedy": remedy} if remedy else said


def largest_passing(amount: int, fires_at: Callable[[int], bool]) -> int:
    """The largest order at which the rule does not fire: it passes at 0, fires at ``amount``, and a larger order never fires less."""
    passing, firing = 0, amount
    while firing - passing > 1:
        middle = (passing + firing) // 2
        passing, firing = (passing, middle) if fires_at(middle) else (middle, firing)
    return passing


def counted(figures: Figures, order: str) -> int:
    """What the order, with what is reserved for it, counts in the exposure now."""
    key = f"order:{order}"
    return sum(value or 0 for item, value in figures.converted.items() if item.component in ("orders", "reserved") and item.document == key)


def without(figures: Figures, order: str) -> int:
    """What the account would be judged by, were the order not there."""
    return figures.judged.net - counted(figures, order)


def left_of(figures: Figures, rates: Rates, fulfilled: dict[str, int], asked: Asked) -> int:
    """What is left of the asked amount, in the account's currency; what was fulfilled in another currency than the asked one is taken off there."""
    left = told(max(asked.amount - fulfilled.get(asked.currency, 0), 0), asked.currency, figures.currency, rates)
    others = [(currency, amount) for currency, amount in fulfilled.items() if amount and currency != asked.currency]
    return max(left - sum(told(amount, currency, figures.currency, rates) for currency, amount in others), 0)


def told(amount: int, currency: str, into: str | None, rates: Rates) -> int:
    value = converted(amount, currency, into, rates)
    if value is None:
        raise NoRate(f"there is no rate of {currency} to {into} on that day" if into else NO_CURRENCY)
    return value


def inputs(figures: Figures, fulfilled: dict[str, int], asked: Asked, answer: Answer) -> dict[str, Any]:
    """All that an answer depends on, and what of it figures do not say: while it is unchanged the answer is the same one."""
    return {
        "figures": figures.summary(),
        "order": [asked.order, str(asked.amount), asked.currency],
        "counts_now": str(counted(figures, asked.order)),
        "fulfilled": [[currency, str(amount)] for currency, amount in sorted(fulfilled.items())],
        "after": str(answer.after),
        "findings": answer.findings,
    }
