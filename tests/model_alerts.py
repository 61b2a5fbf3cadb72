"""A slow model of the alerts that follow from an account's figures, written apart from the engine: it asks the model of figures day by day."""

from collections.abc import Collection, Iterator
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

from tests.model import Recorded, show

Json = dict[str, Any]
Rule = tuple[str, int | None]
RULES = ("near_limit", "over_limit", "overdue", "overpaid")
"""What the model knows of."""


class Thresholds(NamedTuple):
    near_limit: str = "0.9"
    clear_below: str = "0.9"


def rules(figures: Json | None, thresholds: Thresholds, before: Collection[Rule]) -> Iterator[Rule]:
    """What holds by the figures of one day; ``before`` held the day before."""
    if figures is None:
        return
    was_near = ("near_limit", None) in before or ("over_limit", None) in before
    near = Decimal(thresholds.clear_below if was_near else thresholds.near_limit)
    if figures["available"] is not None and Decimal(figures["available"]) < 0:
        yield "over_limit", None
    elif figures["utilisation"] is not None and Decimal(figures["utilisation"]) >= near:
        yield "near_limit", None
    yield from (("overdue", step) for step in (1, 30, 60, 90) if figures["days_overdue"] >= step)
    if Decimal(figures["exposure"]["receivables"]) + Decimal(figures["exposure"]["unapplied"]) < 0:
        yield "overpaid", None


def standing(history: list[Json], account: str, day: date, first: date, thresholds: Thresholds) -> list[tuple[str, int | None, str]]:
    """What stands on the day, each since the first of the days on which it held without a break; nothing holds before ``first``."""
    recorded = [Recorded(event) for event in history]
    stands: dict[Rule, date] = {}
    on = first
    while on <= day:
        stands = {rule: stands.get(rule, on) for rule in rules(show(recorded, account, on), thresholds, stands)}
        on += timedelta(days=1)
    return sorted([(*rule, since.isoformat()) for rule, since in stands.items()], key=str)
