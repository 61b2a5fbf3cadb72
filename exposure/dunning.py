"""Which notices are due of an account on a day: a pure function of what is overdue, what was noticed before, what stops it, and the policy.

Law: an item goes up one level at a time, when it is late enough for it and the interval has passed, and never twice on one day; nothing is asked for
that is in dispute, promised or blocked, where the policy lets that stop it; every night bears interest once, and a fixed sum is asked for once.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from datetime import date
from typing import NamedTuple

from exposure.interest import Open, interest
from schemas.dunning import BLOCK, DISPUTE, PROMISE, Dunning, DunningStep

CHARGES = ("fee", "interest")
"""Kinds of debit items that are themselves charges for being late: they are dunned, and bear neither interest nor a fixed sum."""

IN_DISPUTE, PROMISED, BLOCKED, PROPOSED = "in_dispute", "promised", "blocked", "proposed"
LAST_LEVEL, NOT_LATE_ENOUGH, TOO_SOON, NO_RATE, BELOW_MINIMUM = "last_level", "not_late_enough", "too_soon", "missing_rate", "below_minimum"

ItemKey = tuple[str, str]
"""The number of a debit item, and its instalment ("" where it has one due day)."""

InAccount = Callable[[int, str], int | None]
"""Minor units of a currency in the account's; ``None`` where there is no rate."""
Told = Callable[[str], int | None]
"""An amount of the policy in the account's currency."""


class Late(NamedTuple):
    """An item, or an instalment, that is past due: what of it is open and in dispute, and the course of both since before it was due."""

    invoice: str
    instalment: str
    kind: str
    currency: str
    due: str
    open: int
    disputed: int
    open_by_day: Open
    disputed_by_day: Open

    @property
    def key(self) -> ItemKey:
        return self.invoice, self.instalment


class Noticed(NamedTuple):
    """What was said of an item before: the ``level`` it is on, the last ``day`` on which it was noticed at all, up to which day interest
    was charged (``None``: none was) and whether a fixed sum was. ``is_proposed``: a notice of it waits for a yes; ``taken_back`` is the day of the
    last one that was cancelled."""

    level: int = 0
    day: str = ""
    charged_to: str | None = None
    is_compensated: bool = False
    is_proposed: bool = False
    taken_back: str = ""


NEVER_NOTICED = Noticed()


class Stops(NamedTuple):
    """What holds on the day: ``promised`` are the invoices covered by an open promise to pay, ``blocked`` those that somebody stopped."""

    promised: Set[str] = frozenset()
    blocked: Set[str] = frozenset()
    is_account_blocked: bool = False


class Line(NamedTuple):
    """An item as a notice names it; ``worth`` is its amount in the account's currency, a ``compensation`` is in the policy's."""

    late: Late
    days: int
    amount: int
    worth: int
    level: int
    interest: int
    interest_from: str | None
    compensation: str | None


class Notice(NamedTuple):
    """``level`` is the highest of its lines."""

    level: int
    step: DunningStep
    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        return sum(line.worth for line in self.lines)


class LeftOut(NamedTuple):
    invoice: str
    instalment: str
    reason: str


class Due(NamedTuple):
    """The notices of a day (one, or two where some items go to the lawyers and others do not), and what is overdue and in none of them."""

    notices: tuple[Notice, ...]
    left_out: tuple[LeftOut, ...]


def due(late: Iterable[Late], noticed: Mapping[ItemKey, Noticed], rules: Dunning, stops: Stops, day: str, in_account: InAccount, told: Told) -> Due:
    """What is to be sent on ``day``."""
    lines: list[Line] = []
    left_out: list[LeftOut] = []
    for one in sorted(late, key=lambda one: (one.due, one.key)):
        found = judged(one, noticed.get(one.key, NEVER_NOTICED), rules, stops, day, in_account, told)
        if isinstance(found, Line):
            lines.append(found)
        else:
            left_out.append(LeftOut(*one.key, found))
    if lines and rules.minimum is not None:
        least = told(rules.minimum)
        if least is None or sum(line.worth for line in lines) < least:
            reason = NO_RATE if least is None else BELOW_MINIMUM
            return Due((), tuple(sorted([*left_out, *(LeftOut(*line.late.key, reason) for line in lines)])))
    return Due(tuple(notices(lines, rules)), tuple(sorted(left_out)))


def notices(lines: list[Line], rules: Dunning) -> Iterable[Notice]:
    """What goes to the lawyers waits for a yes, and holds no reminder back."""
    parted: dict[bool, list[Line]] = defaultdict(list)
    for line in lines:
        parted[rules.levels[line.level - 1].legal].append(line)
    for _, some in sorted(parted.items()):
        level = max(line.level for line in some)
        yield Notice(level, rules.levels[level - 1], tuple(some))


def judged(one: Late, before: Noticed, rules: Dunning, stops: Stops, day: str, in_account: InAccount, told: Told) -> Line | str:
    """An item as it is noticed, or why it is not."""
    why = stopped(one, before, rules, stops) or waits(one, before, rules, day)
    if why:
        return why
    level, amount = before.level + 1, asked_for(one, rules)
    worth = in_account(amount, one.currency)
    sums = [] if before.is_compensated or one.kind in CHARGES else [(told(band.at_least), band.amount) for band in rules.fixed_sums]
    if worth is None or any(least is None for least, _ in sums):
        return NO_RATE
    reached = max(((least, sum_) for least, sum_ in sums if least is not None and least <= worth), default=None)
    since, charged = charged_since(one, before, rules, level, day)
    return Line(one, days_late(one, day), amount, worth, level, charged, since, reached and reached[1])


def stopped(one: Late, before: Noticed, rules: Dunning, stops: Stops) -> str | None:
    if BLOCK in rules.stops and (stops.is_account_blocked or one.invoice in stops.blocked):
        return BLOCKED
    if PROMISE in rules.stops and one.invoice in stops.promised:
        return PROMISED
    if asked_for(one, rules) <= 0:
        return IN_DISPUTE
    return PROPOSED if before.is_proposed else None


def waits(one: Late, before: Noticed, rules: Dunning, day: str) -> str | None:
    """Why an item that nothing stops is not to be noticed yet, or no more."""
    if before.level >= len(rules.levels):
        return LAST_LEVEL
    if days_late(one, day) < rules.levels[before.level].days:
        return NOT_LATE_ENOUGH
    if before.taken_back == day or (before.day and days_between(before.day, day) < max(rules.interval_days, 1)):
        return TOO_SOON
    return None


def asked_for(one: Late, rules: Dunning) -> int:
    """What of an item may be asked for."""
    return one.open - one.disputed if DISPUTE in rules.stops else one.open


def charged_since(one: Late, before: Noticed, rules: Dunning, level: int, day: str) -> tuple[str | None, int]:
    """From which day on a notice of this level charges interest (``None``: it does not), and how much."""
    terms = rules.interest
    if terms is None or level < terms.from_level or one.kind in CHARGES:
        return None, 0
    since = max(before.charged_to or one.due, one.due)
    return since, interest(bearing(one, rules), since, day, terms)


def bearing(one: Late, rules: Dunning) -> Open:
    """What of an item bears interest, from the end of each day on which it changed: what may be asked for."""
    if DISPUTE not in rules.stops or not one.disputed_by_day:
        return one.open_by_day
    days = sorted({day for day, _ in (*one.open_by_day, *one.disputed_by_day)})
    opened, disputed = dict(one.open_by_day), dict(one.disputed_by_day)
    course: list[tuple[str, int]] = []
    now_open = now_disputed = 0
    for day in days:
        now_open, now_disputed = opened.get(day, now_open), disputed.get(day, now_disputed)
        course.append((day, now_open - now_disputed))
    return course


def days_late(one: Late, day: str) -> int:
    return days_between(one.due, day)


def days_between(since: str, until: str) -> int:
    return (date.fromisoformat(until) - date.fromisoformat(since)).days
