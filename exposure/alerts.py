"""Standing alerts: what is true of an account on a day that somebody should know, and since when: a function of its timeline by day.

Law: a rule stands on a day where it holds on that day, by what is dated by it; its ``effective`` is the first day of the unbroken stretch of days on
which it holds. Neither the order of arrival nor the day it was found out makes a difference.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Set
from dataclasses import dataclass, field
from heapq import heapify, heappop, heappush
from typing import Any, NamedTuple

from exposure.figures import COMPONENTS, Item, Rates, converted, counting, days_late
from exposure.judgement import Limit
from exposure.rules import terms
from exposure.rules.documents import SIGNS, add
from exposure.rules.spans import later
from schemas.amounts import decimal_text, divided, shown
from schemas.facts import LAST_DAY, Fact

NEAR = 9_000
"""Ten-thousandths of the limit from which on the exposure is near it."""
STEPS = (1, 30, 60, 90)
"""Days overdue, each with an alert of its own."""
SEVERITY = {
    "near_limit": "low",
    "over_limit": "high",
    "overdue": "medium",
    "overpaid": "low",
    "payment_returned": "high",
    "over_invoiced": "medium",
    "limit_expired": "medium",
    "protection_expired": "medium",
}
NO_LATER = ""
"""Before every day there is."""

Rule = tuple[str, int]
"""A rule and its step: 0 where it has none."""

Standing = dict[Rule, str]
"""What stands, each with the day it became true; ``NO_LATER`` where that was on the first day looked at, or before."""

RatesOn = Callable[[str], Rates]
"""The rates of a day."""


class Change(NamedTuple):
    """From a day on, the component of the item changes by ``amount``."""

    component: str
    document: str
    item: str
    currency: str
    due: str
    amount: int


@dataclass(slots=True)
class Timeline:
    """All that changes an account's figures, by the day it does: complete for days not before that of which it was read."""

    currency: str | None
    zone: str = "UTC"
    changes: dict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))
    limits: list[list[Fact]] = field(default_factory=list)
    protections: list[list[Fact]] = field(default_factory=list)

    def add(self, key: str, moves: Iterable[Any], version: int | None) -> None:
        """Adds the movements of a document that were known at the account's version.

        A reservation counts until the end of the day on which an instant ends it: alerts know no hours.
        """
        held: dict[tuple[str, str, str], int] = defaultdict(int)
        for known_since, component, item, currency, due, day, amount in moves:
            if version is None or known_since <= version:
                if component == "reserved" and due < LAST_DAY:
                    if day >= self.day_after(due):
                        continue
                    held[item, currency, due] += int(amount)
                self.changes[day].append(Change(component, key, item, currency, due, int(amount)))
        for (item, currency, due), amount in held.items():
            if amount:
                self.changes[self.day_after(due)].append(Change("reserved", key, item, currency, due, -amount))

    def day_after(self, instant: str) -> str:
        return later(terms.local_day(instant, self.zone), 1)

    def foreign(self) -> set[str]:
        """Every currency that has to be converted."""
        told = {change.currency for changes in self.changes.values() for change in changes if change.component in COMPONENTS}
        return (told | {fact.data["currency"] for facts in self.limits for fact in facts}) - {self.currency or ""}


class Course:
    """An account's days, one after the other, from behind ``since`` on. ``foreign`` are currencies that have to be converted."""

    def __init__(self, timeline: Timeline, since: str, foreign: Set[str], rates_on: RatesOn, rate_days: Iterable[str]) -> None:
        self.timeline = timeline
        self.currencies = foreign
        self.rates_on = rates_on
        self.currency = timeline.currency
        self.day = since
        self.sums = dict.fromkeys((*COMPONENTS, *SIGNS), 0)
        self.items: dict[Item, int] = {}
        self.converted: dict[Item, int] = {}
        self.moved: set[Item] = set()
        self.rates: Rates = {}
        self.undisputed: dict[str, int] = {}
        self.dues: list[str] = []
        self.terms_days = terms.days_of_change(timeline.limits) | terms.days_of_change(timeline.protections)
        self.ahead = sorted(set(timeline.changes) | self.terms_days | set(rate_days) - {LAST_DAY})
        heapify(self.ahead)
        while self.ahead and self.ahead[0] <= since:
            self.take(heappop(self.ahead))
        self.agree(since)

    def days(self, until: str) -> Iterator[str]:
        """Each day up to ``until`` on which anything may have changed, as it now is."""
        while (day := self.next_day) <= until:
            if self.ahead and self.ahead[0] == day:
                heappop(self.ahead)
            self.day = day
            self.take(day)
            if day in self.terms_days:
                self.agree(day)
            yield day
        self.day = max(self.day, until)

    @property
    def next_day(self) -> str:
        """The next day on which anything changes, by what is told ahead or by time alone."""
        told = self.ahead[0] if self.ahead else LAST_DAY
        oldest = self.oldest_due
        if oldest is None:
            return told
        return min(told, next((day for step in STEPS if (day := later(oldest, step)) > self.day), LAST_DAY))

    @property
    def oldest_due(self) -> str | None:
        """The earliest due day of what is open and not disputed."""
        while self.dues and not self.undisputed.get(self.dues[0]):
            heappop(self.dues)
        return self.dues[0] if self.dues else None

    def take(self, day: str) -> None:
        """Adds what changes on a day."""
        sums, undisputed = self.sums, self.undisputed
        for component, document, item, currency, due, amount in self.timeline.changes.get(day, ()):
            if component in ("receivables", "disputed"):
                known = undisputed.get(due, 0)
                if not known:
                    heappush(self.dues, due)
                undisputed[due] = known + (amount if component == "receivables" else -amount)
            if component in SIGNS or (component in COMPONENTS and currency == self.currency):
                sums[component] += amount
            elif component in COMPONENTS:
                place = Item(component, "" if component == "unapplied" else document, item, currency, due)
                add(self.items, place, amount)
                self.moved.add(place)

    def agree(self, day: str) -> None:
        """What was agreed with the customer, as it is from a day on."""
        self.limits, self.ended_limit = terms.limits_on(self.timeline.limits, day)
        self.is_limit_expired = terms.limit_expired(self.timeline.limits, day)
        self.is_protection_expired = terms.protection_expired(self.timeline.protections, day)

    def money(self) -> tuple[dict[str, int], Limit]:
        """The sums of the day by component in the account's currency, and its limit; what lacks a rate is left out."""
        if self.currencies:
            rates = self.rates_on(self.day)
            if rates != self.rates:
                self.rates, self.moved = rates, {*self.items, *self.converted}
            for item in self.moved:
                self.convert(item)
            self.moved = set()
        return self.sums, counting(self.limits, self.ended_limit, self.currency, self.rates)[1]

    def convert(self, item: Item) -> None:
        """Counts an item as it is, at the rates of the day, in the place of what it was."""
        now = converted(self.items.get(item, 0), item.currency, self.currency, self.rates) or 0
        self.sums[item.component] += now - self.converted.pop(item, 0)
        if now:
            self.converted[item] = now

    @property
    def days_overdue(self) -> int:
        oldest = self.oldest_due
        return days_late(oldest, self.day) if oldest is not None and oldest < self.day else 0

    def holds(self) -> set[Rule]:
        """The rules that hold on the day."""
        sums, limit = self.money()
        late = self.days_overdue
        held: set[Rule] = {("overdue", step) for step in STEPS if step <= late} if late else set()
        total = total_of(sums)
        if limit != "unlimited" and total > (limit if isinstance(limit, int) else 0):
            held.add(("over_limit", 0))
        elif isinstance(limit, int) and divided(total * 10**4, limit) >= NEAR:
            held.add(("near_limit", 0))
        if sums["receivables"] + sums["unapplied"] < 0:
            held.add(("overpaid", 0))
        held.update([(sign, 0) for sign in SIGNS if sums[sign]])
        if self.is_limit_expired:
            held.add(("limit_expired", 0))
        if self.is_protection_expired:
            held.add(("protection_expired", 0))
        return held

    def figures(self) -> dict[str, Any]:
        """The figures of the day that a rule was judged by, as texts in the account's currency."""
        sums, limit = self.money()
        currency = self.currency or "EUR"
        total = total_of(sums)
        amount = limit if isinstance(limit, int) else None
        return {
            "currency": self.currency,
            "total": shown(total, currency),
            "receivables": shown(sums["receivables"], currency),
            "unapplied": shown(sums["unapplied"], currency),
            "limit": limit if amount is None else shown(amount, currency),
            "available": None if limit == "unlimited" else shown((amount or 0) - total, currency),
            "utilisation": None if amount is None else decimal_text(divided(total * 10**4, amount), 4),
            "days_overdue": self.days_overdue,
        }


def total_of(sums: dict[str, int]) -> int:
    return sum([sums[component] for component in COMPONENTS])


def moved_on(course: Course, standing: Standing, until: str) -> Iterator[tuple[str, Standing]]:
    """Each day up to ``until`` on which other rules hold than the day before, with what then stands."""
    for day in course.days(until):
        held = course.holds()
        if held != standing.keys():
            standing = {rule: standing.get(rule, day) for rule in held}
            yield day, standing
