"""The way from the exposure of one day to that of a later one: what each kind of fact, time alone and the rates of exchange changed, day by day.

Law: opening and lines add up to closing, to the last unit, for every component; opening and closing are the figures of their days. A line is a
function of what was told, never of the order it was told in: the facts are taken once more in the order of their own days, and a movement belongs
to the fact after which it came.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Container, Iterable, Iterator
from typing import NamedTuple

from exposure.figures import COMPONENTS, Item, Rates, converted
from exposure.rules.documents import Document, Key
from exposure.rules.evolve import fold
from exposure.rules.spans import later
from exposure.rules.terms import last_instant, local_day
from schemas.facts import LAST_DAY, RESERVING, TRANSFER, Fact

EXPIRED, RATES = "expired", "rates"
CAUSES: dict[str, tuple[str, ...]] = {
    "orders": ("OrderConfirmed", "OrderAmended", "OrderClosed", "OrderReopened"),
    "deliveries": ("DeliveryPosted",),
    "invoices": ("InvoicePosted", "InvoiceTermsChanged"),
    "credit_notes": ("CreditNotePosted",),
    "payments": ("PaymentReceived", "AllocationMade", TRANSFER),
    "returned_payments": ("PaymentReturned", "PaymentReturnCancelled"),
    "write_offs": ("WriteOffPosted",),
    "corrections": ("DeliveryReversed", "InvoiceCancelled", "CreditNoteCancelled", "AllocationUndone", "WriteOffReversed"),
    "reservations": tuple(sorted(RESERVING)),
    EXPIRED: (),
    RATES: (),
}
"""The rows of a bridge, and which facts each is of: corrections take a document back, reservations that time ended have expired, and rates value
anew what is in another currency."""
CAUSE_OF = {name: cause for cause, names in CAUSES.items() for name in names}


class Caused(NamedTuple):
    """From ``day`` on an item is so much more (minor units of its currency), because of a fact."""

    fact: Fact
    item: Item
    day: str
    amount: int


def cause_of(move: Caused) -> str:
    """Of what another account gave: money that only goes on the day, and what comes once more, were returned there."""
    if move.fact.name != TRANSFER:
        return CAUSE_OF[move.fact.name]
    begins, ends = [], []
    for part in move.fact.data["parts"]:
        begins += [part] if part["from"] == move.day else []
        ends += [part] if part.get("until") == move.day else []
    again = [part for part in begins if any(other["by"] == part["by"] and other["from"] < part["from"] for other in move.fact.data["parts"])]
    return "returned_payments" if (ends and not begins) or (again and again == begins and not ends) else "payments"


class Line(NamedTuple):
    """What changed on a day (minor units of the account's currency); of time and of rates there is no fact."""

    day: str
    cause: str
    item: Item
    fact: Fact | None
    amount: int


class Bridge(NamedTuple):
    """``opening`` and ``closing`` are sums by component; what was in a currency of ``without_rate`` counted nothing on one of the days at least."""

    opening: dict[str, int]
    lines: list[Line]
    closing: dict[str, int]
    without_rate: list[str]


class Conditions(NamedTuple):
    """Under which an account is looked at: its ``currency`` and ``zone``, the ``rates`` of a day and the days on which they change, and its today,
    which is looked at as of an instant and not of its end."""

    currency: str
    zone: str
    rates: Callable[[str], Rates]
    rate_days: list[str]
    today: tuple[str, str]

    def is_over(self, item: Item, day: str) -> bool:
        """Whether time has ended a reservation by the day."""
        until = self.today[1] if day == self.today[0] else last_instant(day, self.zone)
        return item.component == "reserved" and item.due <= until

    def worth(self, amount: int, item: Item, day: str) -> int:
        """In the account's currency; what has no rate counts nothing."""
        return converted(amount, item.currency, self.currency, self.rates(day)) or 0

    def days_of(self, item: Item, first: str, last: str) -> set[str]:
        """On which an item may be worth something else though nobody tells anything."""
        days: set[str] = set()
        if item.currency != self.currency:
            days.update(self.rate_days[bisect_right(self.rate_days, first) : bisect_right(self.rate_days, last)])
        if item.component == "reserved" and item.due < LAST_DAY:
            ends = local_day(item.due, self.zone)
            days.update(day for day in (ends, later(ends, 1)) if first < day <= last)
        return days


def caused(account: str, facts: Iterable[Fact], wanted: Container[Key] | None = None) -> Iterator[Caused]:
    """Every movement of the exposure, or of some documents alone, with the fact that caused it: none of them depends on the order in which the facts
    were recorded."""
    documents: dict[Key, Document] = {}
    for fact in by_day(facts):
        changed, _ = fold(account, fact, documents)
        for document in changed:
            if wanted is not None and document.key not in wanted:
                continue
            for move in reversed(document.moves):
                if move.version != fact.version:
                    break
                if move.component in COMPONENTS:
                    of = "" if move.component == "unapplied" else document.key
                    yield Caused(fact, Item(move.component, of, move.item, move.currency, move.due), move.day, move.amount)


def by_day(facts: Iterable[Fact]) -> list[Fact]:
    """In the order of their own days, and of one day in told order. What is reserved is told by us, in the order it happened."""
    placed: list[tuple[tuple[str, ...], Fact]] = []
    last = ""
    for fact in facts:
        day = fact.data.get("date", fact.time[:10])
        if fact.name in RESERVING:
            day = last = max(last, day)
            placed.append(((day, fact.time, fact.source, f"{fact.version:020}"), fact))
        else:
            placed.append(((day, *fact.told), fact))
    return [fact for _, fact in sorted(placed, key=lambda one: one[0])]


def bridge(moves: Iterable[Caused], first: str, last: str, under: Conditions) -> Bridge:
    """From the end of the ``first`` day to that of the ``last``."""
    opening, closing = dict.fromkeys(COMPONENTS, 0), dict.fromkeys(COMPONENTS, 0)
    lines: list[Line] = []
    by_item: dict[Item, list[Caused]] = defaultdict(list)
    for move in moves:
        if move.day <= last:
            by_item[move.item].append(move)
    for item, of_item in by_item.items():
        amount = sum(move.amount for move in of_item if move.day <= first)
        opening[item.component] += 0 if under.is_over(item, first) else under.worth(amount, item, first)
        lines += lines_of(item, of_item, first, last, under)
    for line in lines:
        closing[line.item.component] += line.amount
    for component, amount in opening.items():
        closing[component] += amount
    lines.sort(key=lambda line: (line.day, list(CAUSES).index(line.cause), line.item, line.fact.version if line.fact else 0))
    return Bridge(opening, lines, closing, without_rate(by_item, first, under))


def without_rate(by_item: dict[Item, list[Caused]], first: str, under: Conditions) -> list[str]:
    """The currencies in which something stood on a day on which there was no rate for it: once there is one, there is one for ever."""
    lacking: set[str] = set()
    for item, moves in by_item.items():
        if item.currency != under.currency and item.currency not in lacking:
            sums: dict[str, int] = defaultdict(int)
            for move in moves:
                sums[max(move.day, first)] += move.amount
            begins = min((day for day, amount in sums.items() if amount), default=None)
            if begins is not None and not under.is_over(item, begins) and item.currency not in under.rates(begins):
                lacking.add(item.currency)
    return sorted(lacking)


def lines_of(item: Item, moves: list[Caused], first: str, last: str, under: Conditions) -> Iterator[Line]:
    """What changed the worth of one item: a day begins with its rates, and at its end time takes what is over."""
    told: dict[str, list[Caused]] = defaultdict(list)
    for move in moves:
        told[move.day].append(move)
    amount = sum(move.amount for move in moves if move.day <= first)
    value = 0 if under.is_over(item, first) else under.worth(amount, item, first)
    before = first
    for day in sorted({day for day in told if day > first} | under.days_of(item, first, last)):
        if under.is_over(item, before):
            return
        before = day
        now = under.worth(amount, item, day)
        if now != value:
            yield Line(day, RATES, item, None, now - value)
            value = now
        for move in told.get(day, ()):
            amount += move.amount
            now = under.worth(amount, item, day)
            yield Line(day, cause_of(move), item, move.fact, now - value)
            value = now
        if value and under.is_over(item, day):
            yield Line(day, EXPIRED, item, None, -value)
