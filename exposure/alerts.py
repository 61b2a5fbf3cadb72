"""Standing alerts: what is true of an account on a day that somebody should know, and since when: a function of its timeline by day.

Law: a rule stands on a day where it holds on that day, by what is dated by it; its ``effective`` is the first day of the unbroken stretch of days on
which it holds. Whether an account is near its limit depends on the day before as well: once it was, a little less is not enough. Neither the order
of arrival nor the day it was found out makes a difference.
"""

from bisect import bisect_right
from collections import defaultdict, deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import heappop, heappush
from typing import Any, NamedTuple

from exposure.classes import Class, class_on, days_of_change, has_fallen
from exposure.concentration import PLACES, Measured, share
from exposure.figures import COMPONENTS, Item, Rates, converted, counting, days_late
from exposure.judgement import Limit
from exposure.payments import Cleared, Paid, cleared
from exposure.rules import orders, terms
from exposure.rules.documents import SIGNS, add
from exposure.rules.spans import later
from schemas.amounts import decimal_text, divided, minor, scaled, shown
from schemas.facts import LAST_DAY, Fact
from schemas.policies import SEVERITY

STEPS = (1, 30, 60, 90)
"""Days overdue, each with an alert of its own."""
NEAR, OVER = ("near_limit", 0), ("over_limit", 0)
NO_LATER = ""
"""Before every day there is."""

Rule = tuple[str, int]
"""A rule and its step: 0 where it has none."""

Standing = dict[Rule, str]
"""What stands, each with the day it became true; ``NO_LATER`` where that was on the first day looked at, or before."""

RatesOn = Callable[[str], Rates]
"""The rates of a day."""


class Change(NamedTuple):
    """From a day on, the component of the item changes by ``amount``; ``dated`` is the day from which on its document is owed."""

    component: str
    document: str
    item: str
    currency: str
    due: str
    amount: int
    dated: str = ""


class Oldest:
    """What is open and not disputed by a day of it (its due day, its date), to know the earliest."""

    __slots__ = ("amounts", "days")

    def __init__(self) -> None:
        self.amounts: dict[str, int] = {}
        self.days: list[str] = []

    def add(self, day: str, amount: int) -> None:
        known = self.amounts.get(day, 0)
        if not known:
            heappush(self.days, day)
        self.amounts[day] = known + amount

    @property
    def day(self) -> str | None:
        while self.days and not self.amounts.get(self.days[0]):
            heappop(self.days)
        return self.days[0] if self.days else None


@dataclass(slots=True)
class Timeline:
    """All that changes an account's figures, by the day it does: complete for days not before that of which it was read."""

    currency: str | None
    classes: list[Class]
    zone: str = "UTC"
    changes: dict[str, list[Change]] = field(default_factory=lambda: defaultdict(list))
    limits: list[list[Fact]] = field(default_factory=list)
    protections: list[list[Fact]] = field(default_factory=list)
    texts: dict[str, list[Fact]] = field(default_factory=dict)
    paid: dict[str, list[Cleared]] = field(default_factory=lambda: defaultdict(list))
    unpaid: dict[str, list[Cleared]] = field(default_factory=lambda: defaultdict(list))
    looks_back: int = field(init=False)
    """So many days before the first one that is looked at some rule reads what was cleared and closed since."""
    wants_texts: bool = field(init=False)
    """Whether any rule reads what orders say."""
    wants_dates: bool = field(init=False)
    """Whether any rule asks how old an item is."""
    is_weighed: bool = field(init=False)
    """Whether any rule asks for the account's share of the portfolio."""
    portfolio: Mapping[str, Measured] = field(default_factory=dict)

    def __post_init__(self) -> None:
        asked = [one.rules.alerts for one in self.classes]
        self.looks_back = max([rules.slowing.looks_back for rules in asked if rules.slowing], default=0)
        self.wants_texts = any(rules.large_order is not None for rules in asked)
        self.wants_dates = any(rules.oldest_open_item_days is not None for rules in asked)
        self.is_weighed = any(rules.concentration is not None for rules in asked)

    def reads_from(self, since: str) -> str:
        """What was closed by this day is not read."""
        return later(since, -self.looks_back) if since else since

    def add(self, key: str, moves: Collection[Any], version: int | None) -> None:
        """Adds the movements of a document that were known at the account's version.

        A reservation counts until the end of the day on which an instant ends it: alerts know no hours.
        """
        held: dict[tuple[str, str, str], int] = {}
        known = moves if version is None else [move for move in moves if move[0] <= version]
        dated = first_day(known) if self.wants_dates else ""
        changes = self.changes
        for _, component, item, currency, due, day, amount in known:
            if component == "reserved" and due < LAST_DAY:
                if day >= self.day_after(due):
                    continue
                held[item, currency, due] = held.get((item, currency, due), 0) + int(amount)
            changes[day].append(Change(component, key, item, currency, due, int(amount), dated))
        for (item, currency, due), amount in held.items():
            if amount:
                changes[self.day_after(due)].append(Change("reserved", key, item, currency, due, -amount))

    def add_item(self, moves: Iterable[Any], facts: Iterable[Fact], version: int | None) -> None:
        """Adds when an item was cleared, of what was known at the account's version."""
        known = [fact for fact in facts if version is None or fact.version <= version]
        for one in cleared([move for move in moves if version is None or move[0] <= version], known):
            self.paid[one.day].append(one)
            self.unpaid[one.until].append(one)

    def day_after(self, instant: str) -> str:
        return later(terms.local_day(instant, self.zone), 1)

    def foreign(self) -> set[str]:
        """Every currency that has to be converted."""
        told = {change.currency for changes in self.changes.values() for change in changes if change.component in COMPONENTS}
        limits = {fact.data["currency"] for facts in self.limits for fact in facts}
        texts = {fact.data["currency"] for facts in self.texts.values() for fact in facts if fact.name in orders.TEXTS}
        ours = {one.rules.currency for one in self.classes if one.rules.limit is not None or one.rules.alerts.large_order is not None}
        measured = {one.currency for one in self.portfolio.values()}
        return {currency for currency in told | limits | texts | ours | measured if currency} - {self.currency or ""}


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
        self.dues, self.dates = Oldest(), Oldest()
        self.open_orders: dict[tuple[str, str], int] = {}
        terms_days = terms.days_of_change(timeline.limits) | terms.days_of_change(timeline.protections)
        self.agreed_days = {*terms_days, *days_of_change(timeline.classes)}
        self.paid = Paid()
        self.measured: Measured | None = None
        told = {*timeline.changes, *timeline.paid, *timeline.unpaid, *timeline.portfolio}
        turns = sorted({*told, *self.agreed_days, *rate_days} - {LAST_DAY})
        begun = bisect_right(turns, since)
        for day in turns[:begun]:
            self.take(day)
        self.ahead = deque(turns[begun:])
        self.agree(since)

    def days(self, until: str) -> Iterator[str]:
        """Each day up to ``until`` on which anything may have changed, as it now is."""
        while (day := self.next_day) <= until:
            if self.ahead and self.ahead[0] == day:
                self.ahead.popleft()
            self.day = day
            self.take(day)
            if day in self.agreed_days:
                self.agree(day)
            yield day
        self.day = max(self.day, until)

    @property
    def next_day(self) -> str:
        """The next day on which anything changes, by what is told ahead or by time alone."""
        told = self.ahead[0] if self.ahead else LAST_DAY
        return min([told, *(day for day in self.by_time() if day > self.day)])

    def by_time(self) -> Iterator[str]:
        """Days on which what stands now would change by its age."""
        rules, due, dated = self.now.rules.alerts, self.dues.day, self.dates.day
        if due is not None:
            yield from late_days(due)
        if dated is not None and rules.oldest_open_item_days is not None:
            yield later(dated, rules.oldest_open_item_days + 1)
        if self.reviewed is not None and rules.review_due_days is not None:
            yield later(self.reviewed, rules.review_due_days + 1)
        if rules.slowing is not None:
            yield from self.paid.next_days(rules.slowing, self.day)

    def take(self, day: str) -> None:
        """Adds what changes on a day."""
        for one in self.timeline.unpaid.get(day, ()):
            self.paid.remove(one)
        for one in self.timeline.paid.get(day, ()):
            self.paid.add(one)
        self.measured = self.timeline.portfolio.get(day, self.measured)
        sums = self.sums
        for component, document, item, currency, due, amount, dated in self.timeline.changes.get(day, ()):
            if component in ("receivables", "disputed"):
                undisputed = amount if component == "receivables" else -amount
                self.dues.add(due, undisputed)
                if self.timeline.wants_dates:
                    self.dates.add(dated, undisputed)
            elif component == "orders" and document in self.timeline.texts:
                add(self.open_orders, (document, currency), amount)
            if component in SIGNS or (component in COMPONENTS and currency == self.currency):
                sums[component] += amount
            elif component in COMPONENTS:
                place = Item(component, "" if component == "unapplied" else document, item, currency, due)
                add(self.items, place, amount)
                self.moved.add(place)

    def agree(self, day: str) -> None:
        """What was agreed with the customer, and the class it is in, as it is from a day on."""
        self.now = class_on(self.timeline.classes, day)
        self.reviewed = terms.last_begun(self.timeline.limits, day)
        self.limits, self.ended_limit = terms.limits_on(self.timeline.limits, day)
        self.is_limit_expired = terms.limit_expired(self.timeline.limits, day)
        self.is_protection_expired = terms.protection_expired(self.timeline.protections, day)
        self.limit = self.counting()

    def money(self) -> tuple[dict[str, int], Limit]:
        """The sums of the day by component in the account's currency, and its limit; what lacks a rate is left out."""
        if self.currencies:
            rates = self.rates_on(self.day)
            if rates != self.rates:
                self.rates, self.moved = rates, {*self.items, *self.converted}
                self.limit = self.counting()
            for item in self.moved:
                self.convert(item)
            self.moved = set()
        return self.sums, self.limit

    def counting(self) -> Limit:
        """The limit that counts, at the rates known last."""
        if self.limits or self.ended_limit or self.now.rules.limit is None:
            return counting(self.limits, self.ended_limit, self.currency, self.rates)[1]
        return self.told(self.now.rules.limit) or "none"

    def told(self, amount: str) -> int | None:
        """An amount of the policy in the account's currency; ``None`` where there is no rate for it."""
        currency = str(self.now.rules.currency)
        return converted(minor(amount, currency), currency, self.currency, self.rates)

    def convert(self, item: Item) -> None:
        """Counts an item as it is, at the rates of the day, in the place of what it was."""
        now = converted(self.items.get(item, 0), item.currency, self.currency, self.rates) or 0
        self.sums[item.component] += now - self.converted.pop(item, 0)
        if now:
            self.converted[item] = now

    @property
    def days_overdue(self) -> int:
        oldest = self.dues.day
        return days_late(oldest, self.day) if oldest is not None and oldest < self.day else 0

    def holds(self, before: Collection[Rule]) -> set[Rule]:
        """The rules that hold on the day, where those of ``before`` held the day before."""
        sums, limit = self.money()
        late = self.days_overdue
        held: set[Rule] = {("overdue", step) for step in STEPS if step <= late} if late else set()
        total = total_of(sums)
        if limit != "unlimited" and total > (limit if isinstance(limit, int) else 0):
            held.add(OVER)
        elif isinstance(limit, int) and divided(total * 10**4, limit) >= self.near(before):
            held.add(NEAR)
        if sums["receivables"] + sums["unapplied"] < 0:
            held.add(("overpaid", 0))
        held.update([(sign, 0) for sign in SIGNS if sums[sign]])
        if self.is_limit_expired:
            held.add(("limit_expired", 0))
        if self.is_protection_expired:
            held.add(("protection_expired", 0))
        held.update(self.holds_by_policy(total))
        return held

    def near(self, before: Collection[Rule]) -> int:
        """Ten-thousandths of the limit from which on the exposure is near it: fewer where it was the day before, or over it."""
        rules = self.now.rules.alerts
        return scaled(rules.clear_below if NEAR in before or OVER in before else rules.near_limit, 4)

    def holds_by_policy(self, total: int) -> Iterator[Rule]:
        """Those that only a policy asks for; ``total`` is the exposure of the day."""
        rules, dated = self.now.rules.alerts, self.dates.day
        if rules.oldest_open_item_days is not None and dated is not None and days_late(dated, self.day) > rules.oldest_open_item_days:
            yield "oldest_open_item", 0
        if rules.review_due_days is not None and self.reviewed is not None and days_late(self.reviewed, self.day) > rules.review_due_days:
            yield "review_due", 0
        if rules.large_order is not None and self.has_order_above(rules.large_order):
            yield "large_order", 0
        if rules.slowing is not None and self.paid.is_slower(rules.slowing, self.day, self.currency, self.rates):
            yield "slow_payment", 0
        if rules.score_falls_along and has_fallen(self.timeline.classes, self.day):
            yield "score_fall", 0
        weighed = self.share(total)
        if rules.concentration is not None and weighed is not None and weighed >= scaled(rules.concentration, PLACES):
            yield "concentration", 0

    def share(self, total: int) -> int | None:
        """Of the portfolio as measured last by the day, in ten-thousandths."""
        return share(total, self.currency, self.measured, self.rates)

    def has_order_above(self, amount: str) -> bool:
        """Whether anything is open of an order whose text is worth more; what lacks a rate is not compared."""
        most = self.told(amount)
        for document, _ in self.open_orders if most is not None else ():
            text = orders.text_on(self.timeline.texts[document], self.day)
            if text is not None:
                worth = converted(orders.whole_value(text.data), text.data["currency"], self.currency, self.rates)
                if worth is not None and worth > (most or 0):
                    return True
        return False

    def severity(self, rule: Rule) -> str:
        return self.now.rules.alerts.severity.get(rule[0], SEVERITY[rule[0]])

    def figures(self) -> dict[str, Any]:
        """The figures of the day that a rule was judged by, as texts in the account's currency."""
        sums, limit = self.money()
        currency = self.currency or "EUR"
        total = total_of(sums)
        amount = limit if isinstance(limit, int) else None
        weighed = self.share(total)
        return {
            "currency": self.currency,
            "total": shown(total, currency),
            "receivables": shown(sums["receivables"], currency),
            "unapplied": shown(sums["unapplied"], currency),
            "limit": limit if amount is None else shown(amount, currency),
            "available": None if limit == "unlimited" else shown((amount or 0) - total, currency),
            "utilisation": None if amount is None else decimal_text(divided(total * 10**4, amount), 4),
            "days_overdue": self.days_overdue,
            **({} if weighed is None else {"portfolio_share": decimal_text(weighed, PLACES)}),
        }


@lru_cache(maxsize=4096)
def late_days(due: str) -> tuple[str, ...]:
    """The days on which what is due on one day begins another step of being overdue."""
    return tuple([later(due, step) for step in STEPS])


def first_day(moves: Iterable[Any]) -> str:
    """The first day on which anything is owed by movements, of those that stand."""
    owed: dict[tuple[str, str], int] = defaultdict(int)
    for _, component, _, currency, _, day, amount in moves:
        if component == "receivables":
            owed[day, currency] += int(amount)
    return min([day for (day, _), amount in owed.items() if amount], default="")


def total_of(sums: dict[str, int]) -> int:
    return sum([sums[component] for component in COMPONENTS])


def moved_on(course: Course, standing: Standing, until: str) -> Iterator[tuple[str, Standing]]:
    """Each day up to ``until`` on which other rules hold than the day before, with what then stands."""
    for day in course.days(until):
        held = course.holds(standing.keys())
        if held != standing.keys():
            standing = {rule: standing.get(rule, day) for rule in held}
            yield day, standing
