"""A slow model of the alerts that follow from an account's figures, written apart from the engine: it asks the model of figures day by day."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from tests.model import Recorded, show

Json = dict[str, Any]
RULES = ("near_limit", "over_limit", "overdue", "overpaid")
"""What the model knows of."""


def rules(figures: Json | None) -> Iterator[tuple[str, int | None]]:
    """What holds by the figures of one day."""
    if figures is None:
        return
    if figures["available"] is not None and Decimal(figures["available"]) < 0:
        yield "over_limit", None
    elif figures["utilisation"] is not None and Decimal(figures["utilisation"]) >= Decimal("0.9"):
        yield "near_limit", None
    yield from (("overdue", step) for step in (1, 30, 60, 90) if figures["days_overdue"] >= step)
    if Decimal(figures["exposure"]["receivables"]) + Decimal(figures["exposure"]["unapplied"]) < 0:
        yield "overpaid", None


def standing(history: list[Json], account: str, day: date, first: date) -> list[tuple[str, int | None, str]]:
    """What stands on the day, each since the first of the days on which it held without a break; nothing holds before ``first``."""
    recorded = [Recorded(event) for event in history]

    @cache
    def held(on: date) -> frozenset[tuple[str, int | None]]:
        return frozenset(rules(show(recorded, account, on))) if on >= first else frozenset()

    def since(rule: tuple[str, int | None]) -> str:
        on = day
        while rule in held(on - timedelta(days=1)):
            on -= timedelta(days=1)
        return on.isoformat()

    return sorted([(*rule, since(rule)) for rule in held(day)], key=str)
