"""The rules of a credit check, each by itself: does it fire, at which figure against which threshold, and what would have to be paid?

A rule says nothing (``None``) or what it ``Found``. ``PRECEDENCE`` is the order in which those that fired are named, for ever the same.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from exposure.figures import Figures, Item, days_late
from exposure.judgement import Judgement
from exposure.rules import invoices
from schemas.amounts import scaled
from schemas.measures import PREPAYMENT, STOP_DELIVERIES
from schemas.policies import FIRES, REFUSE, WARN, Prepayment

Figure = str | int
"""Money as decimal text, days as a number."""


NO_CURRENCY = "nothing that was told of the account has a currency yet: its customer has to be told first"


class NoRate(LookupError):
    """What is asked, or what the policy says, cannot be told in the account's currency on that day."""


@dataclass(frozen=True, slots=True)
class Case:
    """An account asked for one order: all that a rule looks at. Minor units of the account's currency."""

    figures: Figures
    whole: int
    left: int
    counts_now: int
    judged: Judgement

    @property
    def is_smaller(self) -> bool:
        """An order that becomes smaller than what it counts is never refused: to hold it would keep the exposure higher."""
        return self.left < self.counts_now

    def told(self, amount: str) -> int:
        """An amount of the policy."""
        value = self.figures.told(amount)
        if value is None:
            raise NoRate(f"there is no rate of {self.figures.rules.currency} to {self.figures.currency} on that day")
        return value


class Found(NamedTuple):
    """``pay`` is the least payment (minor units) after which the rule fires no more; ``by_size``: a smaller order may help."""

    effect: str
    figure: Figure
    threshold: Figure
    pay: int | None = None
    by_size: bool = False
    more: Mapping[str, Figure] = {}


def over_limit(case: Case) -> Found | None:
    """There is a limit, and the net exposure with the order lies above it (or on it, where the policy says so)."""
    return above_ceiling(case) if case.judged.ceiling else None


def no_limit(case: Case) -> Found | None:
    """There is no limit, nor protection that makes one, and something would be owed."""
    return None if case.judged.ceiling else above_ceiling(case)


def above_ceiling(case: Case) -> Found | None:
    figures, judged, rules = case.figures, case.judged, case.figures.rules
    if judged.ceiling is None:
        return None
    excess = judged.net - judged.ceiling + (1 if rules.at_limit == FIRES and judged.ceiling else 0)
    if excess <= 0:
        return None
    threshold = figures.text(judged.ceiling) if judged.ceiling else "none"
    return Found(rules.over_limit, figures.text(judged.net), threshold, excess if payable(figures, excess) else None, by_size=True)


def payable(figures: Figures, amount: int) -> bool:
    """A payment lowers what counts: as unapplied cash, or as far as there are receivables that count."""
    counts = figures.rules.counts
    return "unapplied" in counts or ("receivables" in counts and figures.sums["receivables"] >= amount)


def blocked(case: Case) -> Found | None:
    return Found(REFUSE, "blocked", "not blocked") if case.figures.on.blocked else None


def deliveries_stopped(case: Case) -> Found | None:
    """A measure stops deliveries, so nothing more is promised."""
    return Found(REFUSE, STOP_DELIVERIES, "no such measure") if STOP_DELIVERIES in case.figures.on.taken else None


def overdue(case: Case) -> Found | None:
    rule = case.figures.rules.overdue
    if rule is None:
        return None
    late = {item: value for item, value in open_parts(case.figures, rule.disputed) if days_late(item.due, case.figures.on.day) > rule.days}
    tolerance = case.told(rule.tolerance) if rule.tolerance else 0
    owed = sum(late.values())
    if owed <= tolerance:
        return None
    longest = max(days_late(item.due, case.figures.on.day) for item in late)
    days = {"days": longest, "days_allowed": rule.days}
    return Found(rule.effect, case.figures.text(owed), case.figures.text(tolerance), owed - tolerance, more=days)


def oldest_open_item(case: Case) -> Found | None:
    rule = case.figures.rules.oldest_open_item
    if rule is None:
        return None
    ages = [(days_late(dated(case.figures, item), case.figures.on.day), value) for item, value in open_parts(case.figures, disputed=False)]
    return too_long(rule.effect, rule.days, ages)


def largest_order(case: Case) -> Found | None:
    rule = case.figures.rules.largest_order
    if rule is None or case.whole <= (most := case.told(rule.amount)):
        return None
    return Found(rule.effect, case.figures.text(case.whole), case.figures.text(most), by_size=True)


def dunning_level(case: Case) -> Found | None:
    rule, level = case.figures.rules.dunning_level, int(case.figures.on.master.get("dunning_level", 0))
    return None if rule is None or level <= rule.above else Found(rule.effect, level, rule.above)


def prepayment(case: Case) -> Found | None:
    """By the policy; a measure asks for the whole, whatever the policy does."""
    rule, sums = case.figures.rules.prepayment, case.figures.sums
    if PREPAYMENT in case.figures.on.taken:
        rule = Prepayment()
    if rule is None:
        return None
    committed = max(sums["orders"] - case.counts_now + case.left + sums["deliveries"], 0)
    asked_for = -(-committed * scaled(rule.share, 4) // 10**4)
    paid = max(-sums["unapplied"], 0)
    if paid >= asked_for:
        return None
    return Found(rule.effect, case.figures.text(paid), case.figures.text(asked_for), asked_for - paid, by_size=True)


def payment_term(case: Case) -> Found | None:
    rule = case.figures.rules.payment_term
    if rule is None:
        return None
    terms = [(days_late(dated(case.figures, item), item.due), value) for item, value in open_parts(case.figures, disputed=True)]
    return too_long(rule.effect, rule.days, terms)


def near_limit(case: Case) -> Found | None:
    """Only warns, and only of what is not over the limit."""
    near, utilisation = case.figures.rules.alerts.near_limit, case.judged.utilisation
    if utilisation is None or scaled(utilisation, 4) < scaled(near, 4) or above_ceiling(case):
        return None
    return Found(WARN, utilisation, near)


def too_long(effect: str, days: int, parts: list[tuple[int, int]]) -> Found | None:
    """Of (days, minor units): the longest, and what all have to pay that are longer than allowed."""
    over = [(long, value) for long, value in parts if long > days]
    return Found(effect, max(over)[0], days, sum(value for _, value in over)) if over else None


def open_parts(figures: Figures, disputed: bool) -> Iterator[tuple[Item, int]]:
    """What is open of each instalment, with or without what of it is disputed; what has no rate is an anomaly of the account."""
    for item, value in figures.converted.items():
        if item.component == "receivables":
            open_now = (value or 0) - (0 if disputed else figures.converted.get(item._replace(component="disputed")) or 0)
            if open_now > 0:
                yield item, open_now


def dated(figures: Figures, item: Item) -> str:
    return str(invoices.header(figures.on.headers[item.document])["date"])


PRECEDENCE: dict[str, Callable[[Case], Found | None]] = {
    rule.__name__: rule
    for rule in (
        over_limit,
        no_limit,
        blocked,
        deliveries_stopped,
        overdue,
        oldest_open_item,
        largest_order,
        dunning_level,
        prepayment,
        payment_term,
        near_limit,
    )
}
