"""What stands on a day, and since when: an account's course of days read backwards, and no further than some rule's first day is in doubt.

Law: it is what the walk through all its days says. What is known without a walk (what was judged, what one open item proves, what was agreed) only
saves reading.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple, Protocol

from exposure.alerts import NEAR, NO_LATER, Course, Rule, Standing, Timeline, moved_on
from exposure.rules.spans import later

OF_AGREED = ("limit_expired", "protection_expired", "review_due", "score_fall")
"""Rules that ask of nothing but limits, protections and the customer."""
BACK = (1, 40, 130, 400)
"""So many days back an unbroken stretch is looked for, before all days are looked at."""
LOOKS = 3
"""So many times the days before a stretch are looked at one by one; then all days are walked."""


class Days(Protocol):
    """An account's days up to the one that is asked for."""

    def since(self, day: str) -> Course:
        """All days from behind one on, and the figures of that one."""

    def on(self, days: Collection[str]) -> list[Course]:
        """The figures of single days, and of none behind them."""

    def of_agreed(self) -> Course:
        """All days, of what was agreed alone."""


class Held(NamedTuple):
    """What stood on a day, each since when."""

    day: str
    since: Standing


def standing_on(days: Days, day: str, held: Held | None = None) -> Standing:
    """What stands on the day, each with the first day of its stretch; ``held`` is what stood on a day before."""
    if held is not None:
        return walked(days.since(held.day), held.since, day)
    course = days.since(day)
    holds = course.holds(())
    if holds != course.holds((NEAR,)):
        return retraced(days.since, day)
    stands = dict.fromkeys(holds, NO_LATER)
    doubtful = set(holds)
    for found in (of_agreed(days, day, doubtful), overdue_since(days, course.timeline, day, doubtful)):
        stands |= found
        doubtful -= found.keys()
    return stands | retraced(days.since, day, doubtful) if doubtful else stands


def retraced(course_from: Callable[[str], Course], day: str, wanted: Collection[Rule] | None = None) -> Standing:
    """What stands on the day, of all rules or of those that are wanted, each since when.

    It goes further back where the first day looked at does not say by itself whether the account was near its limit.
    """
    for back in (*BACK, None):
        since = NO_LATER if back is None else later(day, -back)
        course = course_from(since)
        held = course.holds(())
        is_in_doubt = (wanted is None or NEAR in wanted) and held != course.holds((NEAR,))
        stands = walked(course, dict.fromkeys(held, NO_LATER), day)
        found = stands if wanted is None else {rule: stands[rule] for rule in wanted}
        if since == NO_LATER or not (is_in_doubt or NO_LATER in found.values()):
            break
    return found


def walked(course: Course, standing: Standing, until: str) -> Standing:
    """What stands at the end of some days, where this stood before them."""
    return [standing, *(turned for _, turned in moved_on(course, standing, until))][-1]


def of_agreed(days: Days, day: str, doubtful: Collection[Rule]) -> Standing:
    """Since when what was agreed alone decides."""
    wanted = [rule for rule in doubtful if rule[0] in OF_AGREED]
    stands = walked(days.of_agreed(), {}, day) if wanted else {}
    return {rule: stands[rule] for rule in wanted}


def overdue_since(days: Days, timeline: Timeline, day: str, doubtful: Collection[Rule]) -> Standing:
    """Since when something is overdue, where looking at a few days tells: one item proves all days since it was so late, and on the day before
    nothing was."""
    found: Standing = {}
    back_to = {rule: day for rule in doubtful if rule[0] == "overdue"}
    for _ in range(LOOKS):
        firsts = {rule: first for rule, reached in back_to.items() if (first := proved_since(timeline, reached, rule[1])) is not None}
        if not firsts:
            break
        before = {rule: later(first, -1) for rule, first in firsts.items()}
        courses = {course.day: course for course in days.on(sorted(set(before.values())))}
        for rule, yesterday in before.items():
            timeline = courses[yesterday].timeline
            if courses[yesterday].days_overdue < rule[1]:
                found[rule] = firsts[rule]
        back_to = {rule: yesterday for rule, yesterday in before.items() if rule not in found}
    return found


def proved_since(timeline: Timeline, day: str, step: int) -> str | None:
    """The first day from which on one single item was open, undisputed and so many days late, until the day; no item is less than nothing."""
    firsts = [max(since, later(due, step)) for due, since in open_since(timeline, day)]
    return min([first for first in firsts if first <= day], default=None)


def open_since(timeline: Timeline, day: str) -> Iterable[tuple[str, str]]:
    """Of what is open on the day and not disputed when it is due, and since when it is so without a break."""
    amounts: dict[tuple[str, str], int] = defaultdict(int)
    since: dict[tuple[str, str], str] = {}
    for turned in sorted(one for one in timeline.changes if one <= day):
        for change in timeline.changes[turned]:
            if change.component in ("receivables", "disputed"):
                amounts[change.document, change.due] += change.amount if change.component == "receivables" else -change.amount
        for change in timeline.changes[turned]:
            item = (change.document, change.due)
            if amounts.get(item, 0) > 0:
                since.setdefault(item, turned)
            else:
                since.pop(item, None)
    return [(due, began) for (_, due), began in since.items()]
