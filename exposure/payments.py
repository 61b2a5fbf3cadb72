"""How an account pays: when each of its items was cleared, how late that was, and whether it is slower of late than it was before.

Law: a function of the movements of its items, like all else that is said of a day. An item counts on the day from which on nothing of it is open,
by its last due day, weighed by the most that was open of it; early is less than nothing. What is open again, was cancelled or written off counts not.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

from exposure.figures import Rates, converted
from exposure.rules.spans import later
from schemas.facts import LAST_DAY, Fact
from schemas.policies import SlowPayment


class Cleared(NamedTuple):
    """An item was cleared on a ``day``, so many days ``late`` (negative: early), and is until the day ``until``."""

    day: str
    until: str
    late: int
    currency: str
    amount: int


def cleared(moves: Iterable[Any], facts: Iterable[Fact]) -> Iterator[Cleared]:
    """Every time an item was cleared, of its movements and of what was told of it."""
    cancelled = min([str(fact.data["date"]) for fact in facts if fact.name == "InvoiceCancelled"], default=LAST_DAY)
    by_day: dict[str, list[tuple[str, str, str, int]]] = defaultdict(list)
    for _, component, _, currency, due, day, amount in moves:
        if component in ("receivables", "written_off") and day < cancelled:
            by_day[day].append((component, currency, due, int(amount)))
    open_by_due: dict[str, int] = defaultdict(int)
    written_off = most = 0
    since: Cleared | None = None
    for day in sorted(by_day):
        last_due = max([due for due, amount in open_by_due.items() if amount], default="")
        for component, _, due, amount in by_day[day]:
            if component == "receivables":
                open_by_due[due] += amount
            else:
                written_off += amount
        still_open = sum(open_by_due.values())
        most = max(most, still_open)
        if since is not None and still_open:
            yield since._replace(until=day)
            since = None
        elif last_due and not still_open and not written_off:
            since = Cleared(day, cancelled, days_from(last_due, day), by_day[day][0][1], most)
    if since is not None:
        yield since


def back(day: str, days: int) -> str:
    """So many days before a day; before every day there is none."""
    return later(day, -days) if day else day


def days_from(due: str, day: str) -> int:
    return date.fromisoformat(day).toordinal() - date.fromisoformat(due).toordinal()


class Window(NamedTuple):
    """What was cleared in it: how many items, their weights, and these times their days late."""

    items: int
    weight: int
    late: int


class Paid:
    """What of an account's items is cleared on its day, by the day each was."""

    def __init__(self) -> None:
        self.by_day: dict[str, list[Cleared]] = {}
        self.days: list[str] = []

    def add(self, one: Cleared) -> None:
        if one.day not in self.by_day:
            self.by_day[one.day] = []
            self.days.insert(bisect_right(self.days, one.day), one.day)
        self.by_day[one.day].append(one)

    def remove(self, one: Cleared) -> None:
        self.by_day[one.day].remove(one)

    def between(self, after: str, until: str, into: str | None, rates: Rates) -> Window:
        """Of the days behind one until another, in a currency; what lacks a rate is left out."""
        first, last = bisect_right(self.days, after), bisect_right(self.days, until)
        items = weight = late = 0
        for day in self.days[first:last]:
            for one in self.by_day[day]:
                value = converted(one.amount, one.currency, into, rates)
                if value is not None:
                    items, weight, late = items + 1, weight + value, late + value * one.late
        return Window(items, weight, late)

    def is_slower(self, rule: SlowPayment, day: str, into: str | None, rates: Rates) -> bool:
        """Whether the mean of the last days lies so many days above that of those before them; too few items say nothing."""
        turn = back(day, rule.recent_days)
        recent = self.between(turn, day, into, rates)
        before = self.between(back(turn, rule.before_days), turn, into, rates)
        if min(recent.items, before.items) < rule.items or not recent.weight or not before.weight:
            return False
        return recent.late * before.weight - before.late * recent.weight >= rule.days * recent.weight * before.weight

    def next_days(self, rule: SlowPayment, day: str) -> Iterator[str]:
        """The next days on which something leaves one of the windows by time alone."""
        for length in (rule.recent_days, rule.recent_days + rule.before_days):
            place = bisect_right(self.days, back(day, length))
            if place < len(self.days):
                yield later(self.days[place], length)
