"""A document is the unit of state inside an account: the facts told of it, what others claim of it, and its dated movements.

Law: movements are only ever added. What a document says of any day, as known at any version of its account, is the sum of its
movements dated by that day and recorded by that version. They depend neither on today nor on exchange rates.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from schemas.facts import LAST_DAY, Fact

Key = str
"""``kind:number``, unique within an account; payments and credit notes share the kind ``credit``, for a number may mean either."""

Claim = Any
"""What one document says of another (plain JSON data), replaced as a whole when it changes."""

Net = dict["Place", int]


class Place(NamedTuple):
    """Where an amount stands: which figure (component), of what (item), in which currency ("" counts things), due when, from which day."""

    component: str
    item: str
    currency: str
    due: str
    day: str


class Movement(NamedTuple):
    """From ``day`` on, the component of the item changes by ``amount`` minor units; recorded with the account's ``version``."""

    version: int
    component: str
    item: str
    currency: str
    due: str
    day: str
    amount: int


class Document:
    """``key`` names it; ``version`` is the account's version that last changed it; ``net`` are its movements summed by place.

    ``opened`` is the first day on which it says anything, ``closed`` the first from which on it says nothing any more, as now known.
    """

    __slots__ = ("closed", "facts", "inbox", "key", "kind", "moves", "net", "opened", "version")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.kind = key[: key.index(":")]
        self.version = 0
        self.facts: list[Fact] = []
        self.inbox: dict[Key, Claim] = {}
        self.moves: list[Movement] = []
        self.net: Net = {}
        stays = self.kind in AGREED
        self.opened = "" if stays else LAST_DAY
        self.closed = LAST_DAY if stays else ""

    @property
    def number(self) -> str:
        return self.key[len(self.kind) + 1 :]

    def settle(self, net: Net, version: int) -> list[Movement]:
        """Records what changed since the last evaluation as movements of this version, and returns them."""
        old = self.net
        if net == old:
            return []
        moves = [Movement(version, *place, amount - old.get(place, 0)) for place, amount in net.items() if amount != old.get(place)]
        moves += [Movement(version, *place, -amount) for place, amount in old.items() if place not in net]
        self.net = net
        moves.sort()
        self.moves += moves
        self.version = version
        self.date()
        return moves

    def date(self) -> None:
        """Dates ``opened`` and ``closed`` by the movements."""
        if self.kind in AGREED:
            return
        remains: State = {}
        last = ""
        for place, amount in self.net.items():
            what, day = place[:4], place[4]
            remains[what] = remains.get(what, 0) + amount
            if day > last:
                last = day
        self.closed = LAST_DAY if any(remains.values()) else last
        self.opened = min([self.opened, *[move.day for move in self.moves]])


AGREED = ("customer", "limit", "protection")
"""Kinds that have no movements but a say on every day: they never close."""


def net_of(moves: list[Movement]) -> Net:
    net: Net = {}
    for version, component, item, currency, due, day, amount in moves:  # noqa: B007
        place = Place(component, item, currency, due, day)
        net[place] = net.get(place, 0) + amount
    return {place: amount for place, amount in net.items() if amount}


State = dict[tuple[str, str, str, str], int]
"""What a document says on one day: (component, item, currency, due) to amount."""


class Timeline:
    """Collects the states of ascending days into net movements; what an earlier evaluation found before the day ``since`` still holds."""

    __slots__ = ("_last", "net")

    def __init__(self, net: Net | None = None, since: str = "") -> None:
        self.net: Net = {}
        self._last: State = {}
        if net and since:
            for place, amount in net.items():
                if place[4] < since:
                    self.net[place] = amount
                    what = place[:4]
                    self._last[what] = self._last.get(what, 0) + amount

    def on(self, day: str, state: State) -> None:
        last = self._last
        for what, amount in state.items():
            change = amount - last.get(what, 0)
            if change:
                self.net[Place(*what, day)] = change
        for what, amount in last.items():
            if amount and what not in state:
                self.net[Place(*what, day)] = -amount
        self._last = state


Span = list[Any]
"""``[from, until]``: days from the first (included) until the second (not included; null is for ever)."""


def within(spans: list[Span], day: str) -> bool:
    for start, until in spans:  # noqa: SIM110 (the loop is what costs)
        if start <= day and (until is None or day < until):
            return True
    return False


def edges(spans: list[Span]) -> Iterator[str]:
    for start, until in spans:
        yield start
        if until is not None:
            yield until


def claim_days(claim: Claim) -> list[str]:
    """Every day on which what a claim says may change."""
    days = list(edges(claim.get("spans", [])))
    if isinstance(claim.get("naming"), list):
        for _, spans in claim["naming"]:
            days += edges(spans)
    for _, steps in claim.get("grants", ()):
        days += edges([step[:2] for step in steps])
    if "spread" in claim:
        days += edges([span[:2] for span in claim["spread"]])
        days += edges(claim["settled"])
    return days


def standing(facts: list[Fact], *names: str) -> Fact | None:
    """Of the facts that claim one number, the first in told order."""
    found = None
    for fact in facts:
        if fact.name in names and (found is None or fact.told < found.told):
            found = fact
    return found


def earliest_day(facts: list[Fact], name: str) -> str | None:
    """Of several cancellations the earliest date counts."""
    return min([fact.data["date"] for fact in facts if fact.name == name], default=None)


def clashes(rivals: list[Fact], day_of: str = "date") -> str | None:
    """From which day the number (or version) is told with other data than the standing fact's; ``None`` where it is not."""
    if len(rivals) < 2:
        return None
    first = min(rivals, key=lambda fact: fact.told)
    return min((rival.data[day_of] for rival in rivals if rival.digest != first.digest), default=None)
