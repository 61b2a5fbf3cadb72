"""Days: spans in which something stands, and which of several facts that claim one number does.

A span is ``(from, until)``: days from the first (included) until the second (not included; ``LAST_DAY`` is for ever).
"""

from collections.abc import Iterable
from datetime import date
from functools import lru_cache

from schemas.facts import LAST_DAY, Fact

Span = tuple[str, str]
NEVER: Span = (LAST_DAY, LAST_DAY)
FOR_EVER = 23
"""The width of a span without an end: no two days are so far apart that another one has it."""


def within(spans: Iterable[Span], day: str) -> bool:
    for start, until in spans:  # noqa: SIM110 (the loop is what costs)
        if start <= day < until:
            return True
    return False


def last_change(start: str, until: str) -> str:
    """The last day on which a span changes anything: a span for ever only begins, and one that never is changes nothing."""
    if until < LAST_DAY:
        return until
    return start if start < LAST_DAY else ""


def width(start: str, until: str) -> int:
    """How many binary digits the number of its days has: a span as wide as ``n`` has less than ``2 ** n`` days, and one without any is 0 wide."""
    if until == LAST_DAY:
        return FOR_EVER
    return (ordinal(until) - ordinal(start)).bit_length() if start < until else 0


def edges(spans: Iterable[Span]) -> set[str]:
    days = {day for span in spans for day in span}
    days.discard(LAST_DAY)
    return days


def span_from(start: str, facts: list[Fact], ended: str) -> Span:
    """From a day until the earliest of the facts that end it: of several cancellations the earliest date counts."""
    until = LAST_DAY
    for fact in facts:
        if fact.name == ended and fact.data["date"] < until:
            until = fact.data["date"]
    return (start, until) if start < until else NEVER


def standing(facts: list[Fact], name: str) -> Fact | None:
    """Of the facts that claim one number, the first in told order."""
    if len(facts) == 1:
        return facts[0] if facts[0].name == name else None
    found = None
    for fact in facts:
        if fact.name == name and (found is None or fact.told < found.told):
            found = fact
    return found


def clashes(rivals: list[Fact]) -> str | None:
    """From which day the number (or version) is told with other data than the standing fact's; ``None`` where it is not."""
    if len(rivals) < 2:
        return None
    first = min(rivals, key=lambda fact: fact.told)
    return min((rival.data["date"] for rival in rivals if rival.digest != first.digest), default=None)


def clash_of(facts: list[Fact], name: str) -> str | None:
    """From which day a number clashes, of all facts told of a document."""
    return None if len(facts) < 2 else clashes([fact for fact in facts if fact.name == name])


@lru_cache(maxsize=65536)
def ordinal(day: str) -> int:
    """Which day it is, counted from the first one there is."""
    return date.fromisoformat(day).toordinal()


@lru_cache(maxsize=65536)
def later(day: str, days: int) -> str:
    """So many days after a day: ``LAST_DAY`` behind the last day there is, ``""`` before the first."""
    number = ordinal(day) + days
    if number < 1:
        return ""
    return date.fromordinal(number).isoformat() if number <= date.max.toordinal() else LAST_DAY
