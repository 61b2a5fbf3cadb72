"""Promises to pay: what a customer has said to pay of some invoices by which day; a promise is one instalment, a repayment plan several.

Law: how a promise stands on a day is a function of what its invoices say of the days up to it, so any order of arrival says the same. What
was cleared from its own day on, by cash or credit and not written off, keeps it; a cancelled invoice owes it nothing any more. What is missed stays
missed, whatever is paid later.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from exposure.rules.documents import OF_PROMISES, Claim, Document, Key, Movement, State, moved, summed
from exposure.rules.invoices import span_of
from exposure.rules.spans import later, standing
from schemas.amounts import minor
from schemas.facts import LAST_DAY, Data, Fact

OPEN, KEPT, PARTLY, BROKEN, WITHDRAWN, REPLACED = STATES = ("open", "kept", "partly_kept", "broken", "withdrawn", "replaced")
RANKS = (KEPT, PARTLY, BROKEN)
"""How an instalment stands where its day is over, the worst last."""
TO_COME, PAID, MISSING = f"{OF_PROMISES}to_come", f"{OF_PROMISES}paid", f"{OF_PROMISES}missing"
"""Components in the promise's currency: of what is not missed what is to come, what was paid of it, and what is missed and still owed."""
UNKNOWN = 1 << 62
"""What an invoice that is not there yet may owe."""

Step = tuple[str, int, int]
"""From a day on so much of an invoice is open, and so much written off."""


class Course(NamedTuple):
    """What a promise copies of an invoice: its date, from when until when it stands, and how it stands from each of some days on. ``rivals`` are the
    promises that name it, each with its day and the version that made it. The first two are those of every claim."""

    first: str
    last: str
    currency: str | None
    amount: int
    dated: str
    start: str
    until: str
    steps: tuple[Step, ...]
    rivals: tuple[tuple[Key, str, int], ...]

    def stands(self, day: str) -> bool:
        return self.start <= day < self.until

    def on(self, day: str) -> tuple[int, int]:
        """What is open and what is written off."""
        return next(((open_, written_off) for since, open_, written_off in reversed(self.steps) if since <= day), (0, 0))


def made_of(facts: list[Fact]) -> Data:
    return facts[0].data


def invoices_of(promise: Document) -> list[Key]:
    return ["invoice:" + number for number in made_of(promise.facts)["invoices"]]


def named_by(invoice: Document) -> Iterator[Key]:
    """The promises that name an invoice."""
    return (key for key in invoice.inbox if key.startswith(OF_PROMISES))


def claims(promise: Document) -> dict[Key, Claim]:
    """An invoice only learns that it is promised, and since when: nothing of it changes by that."""
    made = promise.facts[0]
    return dict.fromkeys(invoices_of(promise), (LAST_DAY, "", (), (), None, (made.data["date"], made.version)))


def course_of(invoice: Document) -> Claim:
    rivals = tuple(sorted((key, *invoice.inbox[key][5]) for key in named_by(invoice)))
    posted = standing(invoice.facts, "InvoicePosted")
    if posted is None:
        return tuple(Course(LAST_DAY, "", None, 0, LAST_DAY, LAST_DAY, LAST_DAY, (), rivals))
    currency, dated = posted.data["currency"], posted.data["date"]
    start, until = span_of(invoice.facts, posted)
    steps = steps_of(invoice)
    last = max([dated, *(day for day in (until,) if day < LAST_DAY), *(day for day, _, _ in steps)])
    return tuple(Course(dated, last, currency, minor(posted.data["amount"], currency), dated, start, until, steps, rivals))


def steps_of(invoice: Document) -> tuple[Step, ...]:
    by_day: dict[str, tuple[int, int]] = {}
    for (component, _, _, _, day), amount in summed(invoice.moves).items():
        open_, written_off = by_day.get(day, (0, 0))
        if component == "receivables":
            by_day[day] = open_ + amount, written_off
        elif component == "written_off":
            by_day[day] = open_, written_off + amount
    steps: list[Step] = []
    open_ = written_off = 0
    for day in sorted(by_day):
        open_, written_off = open_ + by_day[day][0], written_off + by_day[day][1]
        steps.append((day, open_, written_off))
    return tuple(steps)


def look(promise: Document, invoices: Mapping[Key, Document]) -> bool:
    """Copies what the invoices say that are loaded (else its copy holds); whether anything of it is news."""
    is_news = False
    for key in invoices_of(promise):
        if key in invoices and (course := course_of(invoices[key])) != promise.inbox.get(key):
            promise.inbox[key] = course
            is_news = True
    return is_news


class Part(NamedTuple):
    """An instalment in minor units: what was promised before it, and with it."""

    due: str
    before: int
    upto: int


def parts_of(made: Data) -> list[Part]:
    parts: list[Part] = []
    upto = 0
    for told in made["instalments"]:
        parts.append(Part(told["due"], upto, upto := upto + minor(told["amount"], made["currency"])))
    return parts


class Seen(NamedTuple):
    """A day's sums over the invoices: what was paid of them since the promise's day, what they owed it then, what is open of them now."""

    paid: int
    owed: int
    left: int


def seen_on(made: Data, courses: dict[Key, Course], day: str) -> Seen:
    paid = owed = left = 0
    paid_before = {"invoice:" + told["invoice"]: minor(told["amount"], made["currency"]) for told in made.get("paid_before", ())}
    for key, course in courses.items():
        if course.dated > day or course.currency != made["currency"]:
            owed, left = owed + UNKNOWN, left + UNKNOWN
        elif course.stands(day):
            open_before, _ = before(course, made["date"])
            owed += max(open_before - paid_before.get(key, 0), 0)
            paid += max(cleared(course, made["date"], day) - paid_before.get(key, 0), 0)
            left += course.on(day)[0]
    return Seen(paid, owed, left)


def before(course: Course, day: str) -> tuple[int, int]:
    """What was open and what written off before a day; an invoice that is dated later was open as a whole."""
    eve = later(day, -1)
    return course.on(eve) if course.stands(eve) else (course.amount, 0)


def cleared(course: Course, since: str, day: str) -> int:
    """What of an invoice that stands on a day was cleared from another on, by cash or credit."""
    return sum(before(course, since)) - sum(course.on(day))


def rank_of(part: Part, seen: Seen) -> int:
    """How an instalment would stand were its day over: no more is asked of it than the invoices owed."""
    before, upto = min(part.before, seen.owed), min(part.upto, seen.owed)
    return 0 if seen.paid >= upto or before == upto else 1 if seen.paid > before else 2


def evaluate(promise: Document, version: int) -> list[Movement]:
    """How the promise stands from each day on, what is to come of it, and what of it is missed and still owed."""
    made = made_of(promise.facts)
    parts, courses = parts_of(made), {key: Course._make(promise.inbox[key]) for key in invoices_of(promise)}
    over, why = end_of(promise, courses.values())
    ranks = [len(RANKS) - 1] * len(parts)
    said: list[tuple[str, State]] = []
    for day in days_of(made, parts, courses.values(), over):
        if day == over:
            said.append((day, ended(over, parts, ranks, said[-1][1] if said else {}, why)))
            break
        seen = seen_on(made, courses, day)
        # On the day after its due an instalment still has the rank of its last day: from then on it only gets worse.
        ranks = [max(rank, rank_of(part, seen)) if part.due < day else rank_of(part, seen) for rank, part in zip(ranks, parts, strict=True)]
        said.append((day, stands(made["currency"], parts, ranks, seen, day)))
    return moved(promise, version, "", said)


def days_of(made: Data, parts: list[Part], courses: Iterable[Course], over: str) -> list[str]:
    days = {made["date"], over, *(later(part.due, 1) for part in parts)}
    for course in courses:
        days.update((course.dated, course.start, course.until), (day for day, _, _ in course.steps))
    return sorted(day for day in days if made["date"] <= day < LAST_DAY)


def end_of(promise: Document, courses: Iterable[Course]) -> tuple[str, str]:
    """From which day on the promise counts no more, and why."""
    made = promise.facts[0]
    withdrawn = min([fact.data["date"] for fact in promise.facts if fact.name == "PromiseWithdrawn"], default=LAST_DAY)
    newer = [day for course in courses for _, day, version in course.rivals if version > made.version]
    replaced = max(min(newer, default=LAST_DAY), made.data["date"])
    return (withdrawn, WITHDRAWN) if withdrawn <= replaced else (replaced, REPLACED)


def stands(currency: str, parts: list[Part], ranks: list[int], seen: Seen, day: str) -> State:
    """What it says on a day on which it counts."""
    missed = max([rank for rank, part in zip(ranks, parts, strict=True) if part.due < day], default=0)
    state: State = {}
    to_come, left = False, seen.left
    for place, (rank, part) in enumerate(zip(ranks, parts, strict=True), start=1):
        is_over = part.due < day
        state[marked(RANKS[rank] if is_over or not rank else OPEN, str(place))] = 1
        if rank and not is_over:
            to_come = True
            rest = min(min(part.upto, seen.owed) - max(min(part.before, seen.owed), seen.paid), left)
            if rest > 0 and not missed:
                left -= rest
                state[TO_COME, str(place), currency, part.due] = rest
    state[marked(RANKS[missed] if missed else OPEN if to_come else KEPT)] = 1
    if paid := min(seen.paid, parts[-1].upto):
        state[PAID, "", currency, ""] = paid
    asked = max([min(part.upto, seen.owed) for part in parts if part.due < day], default=0)
    missing = min(asked - seen.paid, seen.left) if missed else 0
    if missing > 0:
        state[MISSING, "", currency, ""] = missing
        state["promise_broken", "", "", ""] = 1
    return state


def marked(state: str, instalment: str = "") -> tuple[str, str, str, str]:
    """That the promise, or one of its instalments, stands so."""
    return f"{OF_PROMISES}{state}", instalment, "", ""


def ended(over: str, parts: list[Part], ranks: list[int], before: State, why: str) -> State:
    """What it says after its end: what was kept or missed by then stays so. Who withdraws a promise says that it is not to count at all."""
    state: State = {what: amount for what, amount in before.items() if what[0] == PAID}
    missed = max([rank for rank, part in zip(ranks, parts, strict=True) if part.due < over], default=0)
    for place, (rank, part) in enumerate(zip(ranks, parts, strict=True), start=1):
        state[marked(RANKS[rank] if part.due < over or not rank else why, str(place))] = 1
    state[marked(RANKS[missed] if (missed or not any(ranks)) and why == REPLACED else why)] = 1
    return state
