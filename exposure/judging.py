"""What is to be said of an account's alerts: what stands, day by day, compared with what was said before. Nothing said is rewritten.

Law: where nothing is told later than its own day, the same is said with the same days whether each day was judged by itself or many at once; where
something was, what stands in the end is the same all the same.
"""

from collections.abc import Callable, Collection, Iterator
from typing import Any, NamedTuple

from exposure.alerts import NEAR, NO_LATER, Course, Rule, Standing, moved_on
from exposure.rules.spans import later

BACK = (1, 40, 130, 400)
"""So many days back an unbroken stretch is looked for, before all days are looked at."""
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


class State(NamedTuple):
    """How far an account was judged: ``base`` stood the day before ``day``, ``said`` was said to stand on it; ``sequence`` counts alerts."""

    day: str
    base: Standing
    said: dict[Rule, Said]
    sequence: int


Turned = list[tuple[str, Standing]]
"""What stands from each of some ascending days on."""


def retraced(course_from: CourseFrom, until: str, back_to: str, wanted: Collection[Rule] | None = None) -> Turned:
    """What stands on ``until``, the last of what is returned, with the days it became true (only those of the ``wanted`` rules are sure, where not
    all are wanted); and before, from some day not after ``back_to`` on.

    It goes further back where the first day looked at does not say by itself whether the account was near its limit.
    """
    for days in (*BACK, None):
        since = NO_LATER if days is None else min(later(until, -days), later(back_to, -1))
        course = course_from(since)
        held = course.holds(())
        is_in_doubt = (wanted is None or NEAR in wanted) and held != course.holds((NEAR,))
        turned = [(since, dict.fromkeys(held, NO_LATER))]
        turned += moved_on(course, turned[0][1], until)
        lacking = {rule for rule, effective in turned[-1][1].items() if effective == NO_LATER and (wanted is None or rule in wanted)}
        if since == NO_LATER or not (is_in_doubt or lacking):
            break
    return turned


class Judging:
    """One judging of an account, from what was judged before. ``changed`` is the first day on which anything was told of since."""

    def __init__(self, before: State, course_from: CourseFrom, changed: str) -> None:
        self.first = before.day
        self.base = before.base
        self.said = dict(before.said)
        self.sequence = before.sequence
        self.past: Turned = []
        yesterday = later(self.first, -1) if self.first else NO_LATER
        if changed < self.first:
            self.past = retraced(course_from, yesterday, min([yesterday, *(said.effective for said in self.said.values())]))
            self.base = self.past[-1][1]
        self.course = course_from(yesterday)
        self.standing = self.base

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
            self.standing = standing
            yield day

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
        was_true = False
        for turned, held in self.past:
            if turned <= since:
                was_true = rule in held
            elif was_true and rule not in held:
                return turned, CORRECTED
        return (day, ENDED) if was_true and not is_true else (since, CORRECTED)

    def next(self) -> int:
        self.sequence += 1
        return self.sequence
