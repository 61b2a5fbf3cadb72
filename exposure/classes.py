"""The class of the policy that an account is in, day by day: its risk class and segment count from their dates, and so do the rules they bring.

Law: it is a function of what was told of the customer and of one policy; when it was told makes no difference.
"""

from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

from exposure.rules import terms
from exposure.rules.spans import later
from schemas.facts import Fact
from schemas.policies import Policy, Rules

FALL_DAYS = 90
"""So long a fall of the risk class is news."""


class Class(NamedTuple):
    """From a day on, the account is of a risk class and judged by these rules."""

    day: str
    risk_class: str | None
    rules: Rules


def classes(customer: list[Fact], policy: Policy) -> list[Class]:
    """In order of their days; the first is from before every day."""
    zone = terms.zone_of(customer)
    days = {terms.day_of(fact, zone) for fact in customer if fact.name == "CustomerChanged"}
    found = [Class("", None, policy.rules_for(None, None))]
    for day in sorted(days):
        master = terms.master_data(customer, day)
        risk_class = master.get("risk_class")
        found.append(Class(day, risk_class, policy.rules_for(risk_class, master.get("segment"))))
    return found


def class_on(found: list[Class], day: str) -> Class:
    return found[bisect_right(found, day, key=lambda one: one.day) - 1]


def has_fallen(found: list[Class], day: str) -> bool:
    """Whether one of the last days had a better risk class, along the order that the rules of the day tell; one that it lacks is not compared."""
    now = class_on(found, day)
    order = list(now.rules.alerts.score_falls_along)
    if now.risk_class not in order:
        return False
    better = order[: order.index(now.risk_class)]
    since = later(day, -FALL_DAYS)
    before = [class_on(found, since), *(one for one in found if since < one.day < day)]
    return any(one.risk_class in better for one in before)


def days_of_change(found: list[Class]) -> Iterator[str]:
    """Every day on which the class changes, or a fall of it is news no more."""
    for one in found[1:]:
        yield one.day
        if one.rules.alerts.score_falls_along:
            yield later(one.day, FALL_DAYS)
