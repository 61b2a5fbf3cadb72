"""A document is the unit of state inside an account: the facts told of it, what others claim of it, and its dated movements.

Law: movements are only ever added. What a document says of any day, as known at any version of its account, is the sum of its
movements dated by that day and recorded by that version. They depend neither on today nor on exchange rates.
"""

from collections.abc import Hashable, Iterator
from typing import Any, NamedTuple, TypeVar

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

    ``totals`` is what it says after its ``last_day`` of change; ``opened`` the first day on which it says anything, ``closed`` the first
    from which on it says nothing any more, as now known.
    """

    __slots__ = ("closed", "facts", "inbox", "key", "kind", "last_day", "moves", "net", "opened", "totals", "version")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.kind = key[: key.index(":")]
        self.version = 0
        self.facts: list[Fact] = []
        self.inbox: dict[Key, Claim] = {}
        self.moves: list[Movement] = []
        self.net: Net = {}
        self.totals: State = {}
        self.last_day = ""
        stays = self.kind in AGREED
        self.opened = "" if stays else LAST_DAY
        self.closed = LAST_DAY if stays else ""

    @property
    def number(self) -> str:
        return self.key[len(self.kind) + 1 :]

    def move(self, version: int, changes: Net) -> list[Movement]:
        """Records changes of the net as movements of this version, and returns them."""
        if not changes:
            return []
        moves = sorted([Movement(version, *place, amount) for place, amount in changes.items()])
        self.moves += moves
        self.version = version
        self.count(moves)
        return moves

    def count(self, moves: list[Movement]) -> None:
        """Adds movements to what is derived from them."""
        net, totals = self.net, self.totals
        for _, component, item, currency, due, day, amount in moves:
            add(net, Place(component, item, currency, due, day), amount)
            add(totals, (component, item, currency, due), amount)
            if day > self.last_day:
                self.last_day = day
            if day < self.opened:
                self.opened = day
        if self.kind not in AGREED:
            self.closed = LAST_DAY if totals else max([place.day for place in net], default="")


What = TypeVar("What", bound=Hashable)


def add(sums: dict[What, int], what: What, amount: int) -> None:
    """Adds to a sum; nothing stands with 0."""
    rest = sums.get(what, 0) + amount
    if rest:
        sums[what] = rest
    else:
        del sums[what]


AGREED = ("customer", "limit", "protection")
"""Kinds that have no movements but a say on every day: they never close."""


State = dict[tuple[str, str, str, str], int]
"""What a document says on one day: (component, item, currency, due) to amount; nothing stands with 0."""


class Timeline:
    """Collects what a document says on ascending days, from the day ``since`` on; what it said before still holds."""

    __slots__ = ("_document", "_last", "_net", "_since")

    def __init__(self, document: Document, since: str) -> None:
        self._document = document
        self._since = since
        self._net: Net = {}
        self._last = document.totals if since > document.last_day else said_before(document, since)

    def on(self, day: str, state: State) -> None:
        last = self._last
        for what, amount in state.items():
            change = amount - last.get(what, 0)
            if change:
                self._net[Place(*what, day)] = change
        for what, amount in last.items():
            if what not in state:
                self._net[Place(*what, day)] = -amount
        self._last = state

    def changes(self) -> Net:
        """What is to be added to the document's net, so that it says this."""
        if self._since > self._document.last_day:
            return self._net
        old = {place: amount for place, amount in self._document.net.items() if place.day >= self._since}
        changes = {place: amount - old.get(place, 0) for place, amount in self._net.items() if amount != old.get(place)}
        changes.update((place, -amount) for place, amount in old.items() if place not in self._net)
        return changes


def said_before(document: Document, since: str) -> State:
    state: State = {}
    for place, amount in document.net.items():
        if place.day < since:
            what = place[:4]
            state[what] = state.get(what, 0) + amount
    return {what: amount for what, amount in state.items() if amount}


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


def clashes(rivals: list[Fact]) -> str | None:
    """From which day the number (or version) is told with other data than the standing fact's; ``None`` where it is not."""
    if len(rivals) < 2:
        return None
    first = min(rivals, key=lambda fact: fact.told)
    return min((rival.data["date"] for rival in rivals if rival.digest != first.digest), default=None)
