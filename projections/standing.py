"""What stands of an account on a day, and since when: its alerts as a question, whether anybody was told of them or not."""

from typing import Any

from exposure.alerts import Course, Timeline
from exposure.classes import classes
from exposure.judging import CourseFrom, standing_on
from exposure.ledger.memory import Account
from exposure.ledger.timelines import LAST, timeline
from exposure.rules import terms
from projections.rates import KnownRates
from schemas.facts import LAST_DAY, Fact
from schemas.policies import Policy


def courses(
    moment: Any, stored: Account, customer: list[Fact], rates: KnownRates, policy: Policy, *, until: str = LAST, version: int | None = None
) -> CourseFrom:
    """The days of an account up to one, as known at its version and judged by one policy, from behind any day on."""
    master = terms.master_data(customer, LAST_DAY)
    of_days = classes(customer, policy)
    currency, zone = master.get("currency", stored.head.first_currency(version)), master.get("timezone", "UTC")

    def course_from(since: str) -> Course:
        empty = Timeline(currency, of_days, zone)
        if empty.is_weighed:
            empty.portfolio = rates.portfolio
        made = timeline(moment, stored, empty, since, until, version)
        foreign = made.foreign()
        return Course(made, since, foreign, lambda day: rates.on(foreign, currency, day), rates.days(foreign, currency))

    return course_from


def standing(
    moment: Any, stored: Account, customer: list[Fact], rates: KnownRates, policy: Policy, day: str, version: int | None
) -> list[dict[str, Any]]:
    """What stands on the day, by rule and step."""
    stands = standing_on(courses(moment, stored, customer, rates, policy, until=day, version=version), day)
    return [{"rule": rule, "step": step or None, "effective": effective} for (rule, step), effective in sorted(stands.items())]
