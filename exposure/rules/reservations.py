"""Reservations: credit held for an order until the order's own text counts it, until it is given back, or until its time is over.

Law: what an order has reserved, with all else the order counts, is what was asked for it. The newest reservation replaces the one before; a text
of the order, or its closing, that was not known when it was reserved settles it whole, from its day on and for ever. To *settle* it before that
has come makes it firm: time ends it no more.
"""

from datetime import date, timedelta
from typing import NamedTuple

from exposure.rules.documents import State
from schemas.amounts import minor
from schemas.facts import LAST_DAY, Fact


class Held(NamedTuple):
    """A reservation from some day on: of the whole order, in minor units; ``due`` is the UTC instant that ends it, ``LAST_DAY`` where none does.
    ``order_version`` is the highest version told of the order when it was reserved, -1 where none was."""

    reservation: str
    amount: int
    currency: str
    due: str
    order_version: int
    is_settled: bool


Course = list[tuple[str, Held | None]]
"""From which day on what is held, in the order it was recorded: of the days that have come the last one counts."""


def course(facts: list[Fact]) -> Course:
    """What was reserved for an order, from the facts of its reservations in the order they were recorded.

    What is told of a reservation that was replaced or given back, or that time had ended by then, changes nothing; nor does a firm one end again.
    """
    steps: Course = []
    held: Held | None = None
    for fact in facts:
        name, data = fact.name, fact.data
        if name == "CreditReserved":
            currency = data["currency"]
            until, version = data.get("until", LAST_DAY), data.get("order_version", -1)
            held = Held(data["reservation"], minor(data["amount"], currency), currency, until, version, False)
        elif held is None or held.reservation != data["reservation"]:
            continue
        elif name == "ReservationReleased":
            held = None
        elif held.is_settled or fact.time >= held.due:
            continue
        elif name == "ReservationSettled":
            held = held._replace(due=LAST_DAY, is_settled=True)
        else:
            held = held._replace(due=data.get("until", LAST_DAY))
        steps.append((data["date"], held))
    return steps


def last_told(steps: Course, day: str) -> Held | None:
    for since, held in reversed(steps):
        if since <= day:
            return held
    return None


def held_on(steps: Course, turns: list[Fact], day: str) -> Held | None:
    """The reservation that stands on the day. On its last day an instant ends it, and the figures know which: here it goes two days later."""
    held = last_told(steps, day)
    return held if held is not None and day < over(held.due) and day < confirmed(held, turns) else None


def confirmed(held: Held, turns: list[Fact]) -> str:
    """The day from which a text or a closing that was not known when it was reserved settles it."""
    return min([turn.data["date"] for turn in turns if turn.data["version"] > held.order_version], default=LAST_DAY)


def over(due: str) -> str:
    """The second day after its own in UTC: in no time zone does it begin before the instant."""
    return LAST_DAY if due >= "9999-12-30" else (date.fromisoformat(due[:10]) + timedelta(days=2)).isoformat()


def ends(steps: Course, turns: list[Fact]) -> set[str]:
    """The days on which time is over for what no text has settled before."""
    return {end for _, held in steps if held is not None and (end := over(held.due)) < confirmed(held, turns)}


def say(held: Held, counted: int, is_there: bool, state: State) -> None:
    """What it says on a day on which it stands: the rest of what was asked, beside what its order has ``counted`` in its currency."""
    rest = held.amount - counted
    if rest > 0:
        state["reserved", held.reservation, held.currency, held.due] = rest
    if held.is_settled and not is_there:
        state["pending:order", f"reservation:{held.reservation}", "", ""] = 1


class Standing(NamedTuple):
    """How the newest reservation of an order stands at an instant: ``reserved``, ``settled`` before its order came, ``confirmed`` by its order's own
    text, ``released``, or ``expired``. ``told`` is the fact that reserved it."""

    told: Fact
    state: str
    due: str


def newest(own: list[Fact], turns: list[Fact], day: str, instant: str) -> Standing | None:
    """``None`` where nothing was ever reserved for the order."""
    told = next((fact for fact in reversed(own) if fact.name == "CreditReserved"), None)
    if told is None:
        return None
    held = last_told(course(own), day)
    if held is None:
        return Standing(told, "released", LAST_DAY)
    if confirmed(held, turns) <= day:
        return Standing(told, "confirmed", held.due)
    return Standing(told, "expired" if held.due <= instant else "settled" if held.is_settled else "reserved", held.due)
