"""A document is the unit of state inside an account: the facts told of it, what others claim of it, and its dated movements.

Law: movements are only ever added. What a document says of any day, as known at any version of its account, is the sum of its
movements dated by that day and recorded by that version. They depend neither on today nor on exchange rates.
"""

from collections.abc import Hashable, Iterable
from typing import Any, NamedTuple, TypeVar

from exposure.rules.lines import Tally
from schemas.facts import LAST_DAY, Fact

Key = str
"""``kind:number``, unique within an account; payments and credit notes share the kind ``credit``, for a number may mean either."""

Claim = tuple[Any, ...]
"""What one document says of another, replaced as a whole when it changes: plain data, as tuples. The first two parts of every claim
are the first and the last day on which what it says changes; a claim that never holds begins on ``LAST_DAY``."""

What = tuple[str, str, str, str]
"""What an amount is: which figure (component), of what (item), in which currency ("" counts things), due when."""

State = dict[What, int]
"""What a document says on one day; nothing stands with 0."""

Place = tuple[str, str, str, str, str]
"""What an amount is, and from which day."""


class Movement(NamedTuple):
    """From ``day`` on, the component of the item changes by ``amount`` minor units; recorded with the account's ``version``."""

    version: int
    component: str
    item: str
    currency: str
    due: str
    day: str
    amount: int


SIGNS = ("over_invoiced", "payment_returned", "promise_broken")
"""Components that count what an alert is about: order lines invoiced above what was ordered, payments returned lately, promises to pay that were
missed and are still owed."""

OF_PROMISES = "promise:"
"""Components that begin so tell how a promise stands: they are no money of the account. The keys of promises begin so too."""

AGREED = ("customer", "limit", "protection", "measure")
"""Kinds that have no movements but a say on every day: they never close."""


class Document:
    """``key`` names it; ``version`` is the account's version that last changed it.

    After its ``last_day`` of change it says so many ``amounts``; ``opened`` is the first day on which it says anything, ``closed`` the first
    from which on it says nothing any more, as now known. No fact and no claim it knows changes anything after its ``horizon``
    (``LAST_DAY`` where that has still to be found out); an order's ``tally`` holds the lines it has from then on. Both only save work.
    """

    __slots__ = ("amounts", "closed", "facts", "horizon", "inbox", "key", "kind", "last_day", "moves", "opened", "tally", "version")

    def __init__(self, key: Key) -> None:
        self.key = key
        self.kind = kind = key[: key.index(":")]
        self.version = 0
        self.facts: list[Fact] = []
        self.inbox: dict[Key, Claim] = {}
        self.moves: list[Movement] = []
        self.amounts = 0
        self.last_day = ""
        self.horizon = ""
        self.tally: Tally | None = None
        if kind in AGREED:
            self.opened, self.closed = "", LAST_DAY
        else:
            self.opened, self.closed = LAST_DAY, ""

    @property
    def number(self) -> str:
        return self.key[len(self.kind) + 1 :]

    @property
    def net(self) -> dict[Place, int]:
        """Its movements summed by place."""
        return summed(self.moves)

    @property
    def totals(self) -> State:
        """What it says after its last day."""
        return said_before(self, LAST_DAY)

    def record(self, version: int, moves: list[Movement]) -> None:
        """Adds movements."""
        self.moves += moves
        self.version = version
        for move in moves:
            if move.day > self.last_day:
                self.last_day = move.day
            if move.day < self.opened:
                self.opened = move.day
        self.amounts = len(self.totals)
        if self.kind not in AGREED:
            self.closed = LAST_DAY if self.amounts else last_of(self.net)

    def turn(self, version: int, day: str, moves: list[Movement], amounts: int) -> None:
        """Adds movements of one day, after which it says so many amounts."""
        self.moves += moves
        self.version = version
        self.amounts = amounts
        is_later = day > self.last_day
        if is_later:
            self.last_day = day
        if day < self.opened:
            self.opened = day
        if amounts or self.kind in AGREED:
            self.closed = LAST_DAY
        else:
            self.closed = day if is_later else last_of(self.net)

    def recall(self, version: int, facts: list[Fact], inbox: dict[Key, Claim], moves: list[Movement]) -> None:
        """Takes what was kept of it: all else follows."""
        self.facts, self.inbox = facts, inbox
        self.horizon = LAST_DAY
        self.record(version, moves)


Sum = TypeVar("Sum", bound=Hashable)


def add(sums: dict[Sum, int], what: Sum, amount: int) -> None:
    """Adds to a sum; nothing stands with 0."""
    rest = sums.get(what, 0) + amount
    if rest:
        sums[what] = rest
    else:
        del sums[what]


def summed(moves: Iterable[Movement]) -> dict[Place, int]:
    sums: dict[Place, int] = {}
    for _, component, item, currency, due, day, amount in moves:
        place = (component, item, currency, due, day)
        sums[place] = sums.get(place, 0) + amount
    return {place: amount for place, amount in sums.items() if amount}


def last_of(net: dict[Place, int]) -> str:
    return max([place[4] for place in net], default="")


def moved(document: Document, version: int, since: str, said: list[tuple[str, State]]) -> list[Movement]:
    """Records and returns the movements after which the document says this on these ascending days, none before ``since``.

    What it said before ``since`` still holds.
    """
    is_later = since > document.last_day
    if is_later and len(said) == 1:
        day, state = said[0]
        return moved_on(document, version, day, state)
    last = document.totals if is_later else said_before(document, since)
    net: dict[Place, int] = {}
    for day, state in said:
        for what, amount in state.items():
            change = amount - last.get(what, 0)
            if change:
                net[(*what, day)] = change
        for what, amount in last.items():
            if what not in state:
                net[(*what, day)] = -amount
        last = state
    if not is_later:
        for place, amount in summed([move for move in document.moves if move.day >= since]).items():
            change = net.pop(place, 0) - amount
            if change:
                net[place] = change
    moves = [Movement(version, *place, amount) for place, amount in net.items()]
    if moves:
        moves.sort()
        document.record(version, moves)
    return moves


def moved_on(document: Document, version: int, day: str, state: State) -> list[Movement]:
    """The same of one day after all others."""
    moves: list[Movement] = []
    totals = document.totals if document.amounts else {}
    for what, amount in state.items():
        change = amount - totals.get(what, 0)
        if change:
            component, item, currency, due = what
            moves.append(Movement(version, component, item, currency, due, day, change))
    for what, amount in totals.items():
        if what not in state:
            component, item, currency, due = what
            moves.append(Movement(version, component, item, currency, due, day, -amount))
    if moves:
        if len(moves) > 1:
            moves.sort()
        document.turn(version, day, moves, len(state))
    return moves


def said_before(document: Document, since: str) -> State:
    state: State = {}
    for _, component, item, currency, due, day, amount in document.moves:
        if day < since:
            what = (component, item, currency, due)
            state[what] = state.get(what, 0) + amount
    return {what: amount for what, amount in state.items() if amount}
