"""What is to be said of an account's alerts: what stands, day by day, compared with what was said before. Nothing said is rewritten.

Law: where nothing is told later than its own day, the same is said with the same days whether each day was judged by itself or many at once; where
something was, what stands in the end is the same all the same.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from exposure.alerts import NO_LATER, Course, Rule, Standing, moved_on
from exposure.rules.spans import later

ENDED, CORRECTED = "ended", "corrected"

CourseFrom = Callable[[str], Course]
"""An account's days from behind one on."""


class Said(NamedTuple):
    """An alert as it was raised: the day it became true, and its place among the account's alerts."""

    effective: str
    sequence: int


class News(NamedTuple):
    """Something to be said: ``clears`` is what it ends, where it raises nothing; ``reason`` why."""

    rule: Rule
    sequence: int
    effective: str
    figures: dict[str, Any]
    severity: str
    clears: Said | None = None
    reason: str = ""


class Stretch(NamedTuple):
    """A rule held on every day from the first on until another one, on which it held no more."""

    rule: Rule
    since: str
    until: str


class State(NamedTuple):
    """How far an account was judged: ``base`` stood the day before ``day``, ``said`` was said to stand on it; ``sequence`` counts alerts."""

    day: str
    base: Standing
    said: dict[Rule, Said]
    sequence: int


class Judging:
    """One judging of an account, from what was judged before. ``changed`` is the first day on which anything was told of since; where that was judged
    already, ``stood`` are the stretches that were over by then and reach to it or behind it: they are judged anew, as ``ended``."""

    def __init__(self, before: State, course_from: CourseFrom, changed: str, stood: Iterable[Stretch] = ()) -> None:
        self.first = before.day
        self.said = dict(before.said)
        self.sequence = before.sequence
        self.past: list[tuple[str, Standing]] = []
        self.passed: list[Stretch] = []
        begin = min(self.first, changed)
        self.course = course_from(day_before(begin))
        self.base = self.standing = before.base
        if begin < self.first:
            self.standing = stood_before(begin, before.base, stood)
            self.past = [(day_before(begin), self.standing)]
            self.past += [(day, self.standing) for day in self.through(day_before(self.first))]
            self.base = self.standing

    @property
    def state(self) -> State:
        return State(self.first, self.base, self.said, self.sequence)

    def news(self, until: str) -> Iterator[News]:
        """What is to be said, in order, until a day; one that lies before what was judged is passed over. Afterwards ``state`` is as of then."""
        for _ in self.through(self.first):
            pass
        if self.first:
            yield from self.compared(self.first)
        if until > self.first:
            for day in self.through(later(until, -1)):
                yield from self.compared(day)
            self.base = self.standing
            for day in self.through(until):
                yield from self.compared(day)
            self.first = until

    def through(self, until: str) -> Iterator[str]:
        """Each day up to ``until`` on which something else stands than the day before."""
        for day, standing in moved_on(self.course, self.standing, until):
            self.passed += [Stretch(rule, since, day) for rule, since in self.standing.items() if rule not in standing]
            self.standing = standing
            yield day

    @property
    def ended(self) -> list[Stretch]:
        """What is over since before the day as of which ``state`` is: how that day ends may still be told of."""
        return [stretch for stretch in self.passed if stretch.until < self.first]

    def compared(self, day: str) -> Iterator[News]:
        """First what is to be cleared, then what is to be raised."""
        standing = self.standing
        for rule in sorted(self.said):
            said = self.said[rule]
            if standing.get(rule) != said.effective:
                del self.said[rule]
                over, reason = self.over(rule, said.effective, day, is_true=rule in standing)
                yield News(rule, self.next(), over, self.course.figures(), self.course.severity(rule), said, reason)
        for rule in sorted(standing.keys() - self.said.keys()):
            self.said[rule] = Said(standing[rule], self.next())
            yield News(rule, self.said[rule].sequence, standing[rule], self.course.figures(), self.course.severity(rule))

    def over(self, rule: Rule, since: str, day: str, *, is_true: bool) -> tuple[str, str]:
        """From which day on it is true no more what was said to be so since a day, and why."""
        if day > self.first or not self.past:
            return day, ENDED
        was_true = rule in self.past[0][1]
        for turned, held in self.past:
            if turned <= since:
                was_true = rule in held
            elif was_true and rule not in held:
                return turned, CORRECTED
        return (day, ENDED) if was_true and not is_true else (since, CORRECTED)

    def next(self) -> int:
        self.sequence += 1
        return self.sequence


def stood_before(day: str, base: Standing, stood: Iterable[Stretch]) -> Standing:
    """What stood on the eve of a day: of what stands (``base``) and of what is over since."""
    over = {one.rule: one.since for one in stood if one.since < day <= one.until}
    return over | {rule: since for rule, since in base.items() if since < day}


def day_before(day: str) -> str:
    return later(day, -1) if day else NO_LATER
