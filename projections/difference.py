"""What was learnt of an account between two instants: one day asked twice, and of each document what it said then, what it says now, and which
events recorded in between did it.

Law: the differences of the documents add up to the difference of the figures, to the last unit, and both sides are what ``show`` says.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from exposure.figures import COMPONENTS, Figures, Item, days_late
from exposure.ledger.acts.policies import in_force
from exposure.ledger.looks import NO_VERSION
from exposure.ledger.memory import Account
from exposure.ledger.timelines import Spoken
from exposure.rules.documents import AGREED, Document
from projections.account import Asked, Known, account_known, day_of, figures_on, known_account, speaking
from projections.explanation import events_at, named, naming_of, rate_told
from projections.rates import KnownRates
from projections.standing import Stood
from projections.when import instant_text, version_at
from schemas.amounts import shown
from schemas.facts import LAST_DAY, Fact

COMPARED = (*COMPONENTS, "disputed", "written_off")


class Side(NamedTuple):
    """The day as known at one of the two instants."""

    known_at: int
    known: Known
    figures: Figures
    rates: KnownRates


def difference(moment: Any, account: str, between: tuple[int, int], asked: Asked) -> dict[str, Any]:
    """The document of ``exposure diff``: as of the day asked for, else the account's day of the later instant. Raises ``UnknownAccount`` or
    ``NotKnownBefore``; an account of which nothing was recorded by the earlier instant said nothing then."""
    earlier, later = between
    asked = Asked(asked.now, asked.as_of, later)
    stored, known = account_known(moment, account, asked)
    day = day_of(known, asked)
    before = known_account(stored, version_at(moment, f"account:{account}", earlier)) or Known(stored.head, 0, [])
    rows = moment.documents_on(account, day, known.version, after=before.version)
    documents = list(speaking(rows, stored, day, before.version))
    then, now = (side(moment, documents, Asked(asked.now, day, at), known_then) for at, known_then in ((earlier, before), (later, known)))
    versions = [NO_VERSION if one.version is None else one.version for one in (before, known)]
    changed = changes(then.figures, now.figures, documents, (versions[0], versions[1]))
    events = events_at(moment, account, sorted(set().union(*(change.versions for change in changed.values()))))
    return {
        "account": account,
        "currency": now.figures.currency,
        "as_of": day,
        "known_at": [instant_text(earlier), instant_text(later)],
        "figures": compared(then.figures, now.figures),
        **{name: {"then": one, "now": other} for name, one, other in standings(then.figures, now.figures)},
        "documents": [
            {
                **named(naming),
                "difference": told(now.figures, change.difference) if is_comparable(then.figures, now.figures) else None,
                "parts": [part_compared(then.figures, now.figures, item) for item in change.items],
                "events": [events[version] for version in sorted(change.versions)],
            }
            for naming, change in sorted(changed.items())
        ],
        "rates": list(rates_compared(moment, then, now, day)),
        "alerts": alerts_compared(moment, stored, then, now, day, documents),
    }


def side(moment: Any, documents: list[Document], asked: Asked, known: Known) -> Side:
    rates, policy = KnownRates(moment, asked.known_at), in_force(moment, asked.known_at)
    return Side(int(asked.known_at or 0), known, figures_on(known, asked, str(asked.as_of), documents, rates, policy), rates)


def is_comparable(then: Figures, now: Figures) -> bool:
    """Whether both are in one currency: that of an account may turn out to be another one."""
    return then.currency in (None, now.currency)


class Change:
    """What changed of one document: its items, the sums of their differences (minor units of the account's currency), and by which versions."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.difference: dict[str, int] = defaultdict(int)
        self.versions: set[int] = set()


def changes(then: Figures, now: Figures, documents: Iterable[Document], between: tuple[int, int]) -> dict[str, Change]:
    """By naming; what was told of a document that has begun by the day and changed nothing of it is there too, with its events alone."""
    found: dict[str, Change] = defaultdict(Change)
    day = now.on.day
    for item in sorted({*then.on.items, *now.on.items}):
        was, is_ = amounts(then, item), amounts(now, item)
        if was != is_:
            change = found[naming_of(item)]
            change.items.append(item)
            for figure in figures_of(item, day):
                change.difference[figure] += (is_[1] or 0) - (was[1] or 0)
    for document in documents:
        for move in document.moves:
            item = Item(move.component, "" if move.component == "unapplied" else document.key, move.item, move.currency, move.due)
            if between[0] < move.version <= between[1] and move.day <= day and item in found[naming_of(item)].items:
                found[naming_of(item)].versions.add(move.version)
        for fact in document.facts if has_begun(document, day, between[1]) else ():
            if between[0] < fact.version <= between[1] and fact.data.get("date", "") <= day:
                found[naming_in(document, fact)].versions.add(fact.version)
    return {naming: change for naming, change in found.items() if change.items or change.versions}


def has_begun(document: Document, day: str, version: int) -> bool:
    """Whether it says anything by the day, as known at a version of its account."""
    return document.kind in AGREED or any(move.day <= day and move.version <= version for move in document.moves)


def amounts(figures: Figures, item: Item) -> tuple[int, int | None]:
    """In the item's currency, and in the account's: ``None`` where there is no rate."""
    return figures.on.items.get(item, 0), figures.converted.get(item, 0)


def figures_of(item: Item, day: str) -> tuple[str, ...]:
    """The figures an item is part of."""
    is_late = item.component == "receivables" and days_late(item.due, day) > 0
    return (item.component, *(["total"] if item.component in COMPONENTS else []), *(["overdue_amount"] if is_late else []))


def naming_in(document: Document, fact: Fact) -> str:
    """What a fact names its document: a number may be a payment's and a credit note's."""
    if document.kind != "credit":
        return document.key
    kind = "payment" if "payment" in fact.data or fact.data.get("credit_kind") == "payment" else "credit_note"
    return f"{kind}:{document.number}"


def told(figures: Figures, sums: dict[str, int]) -> dict[str, str]:
    return {name: figures.text(amount) for name, amount in sums.items()}


def compared(then: Figures, now: Figures) -> dict[str, dict[str, str | None]]:
    """Each figure then and now, and the difference, which is null where it is not in one currency."""
    sums = [{**{name: one.sums[name] for name in COMPARED}, "total": one.total, "overdue_amount": one.overdue_amount} for one in (then, now)]
    of_then = then if then.currency else now
    return {
        name: {
            "then": of_then.text(sums[0][name]),
            "now": now.text(sums[1][name]),
            "difference": now.text(sums[1][name] - sums[0][name]) if is_comparable(then, now) else None,
        }
        for name in sums[0]
    }


def standings(then: Figures, now: Figures) -> Iterator[tuple[str, Any, Any]]:
    """What is no sum of documents."""
    yield "limit", then.limit_shown(), now.limit_shown()
    for name in ("available", "utilisation", "days_overdue", "blocked"):
        yield name, then.summary()[name], now.summary()[name]
    fields = sorted({name for name in {**then.on.master, **now.on.master} if then.on.master.get(name) != now.on.master.get(name)})
    yield "customer", {name: then.on.master.get(name) for name in fields}, {name: now.on.master.get(name) for name in fields}


def part_compared(then: Figures, now: Figures, item: Item) -> dict[str, Any]:
    was, is_ = amounts(then, item), amounts(now, item)
    return {
        "component": item.component,
        "item": None if item.component == "unapplied" else item.item or None,
        "due": None if item.due in ("", LAST_DAY) else item.due,
        "currency": item.currency,
        "then": shown(was[0], item.currency),
        "now": shown(is_[0], item.currency),
        "account_then": None if was[1] is None else (then if then.currency else now).text(was[1]),
        "account_now": None if is_[1] is None else now.text(is_[1]),
    }


def rates_compared(moment: Any, then: Side, now: Side, day: str) -> Iterator[dict[str, Any]]:
    """The rates that count on the day and were others then, each with the event that told it."""
    into = now.figures.currency
    for currency in sorted({*then.figures.on.currencies, *now.figures.on.currencies} - {into}):
        one, other = (side.rates.published(currency, into, day) if into else None for side in (then, now))
        if one != other:
            yield {"currency": currency, "then": rate_told(moment, one), "now": rate_told(moment, other)}


def alerts_compared(moment: Any, stored: Account, then: Side, now: Side, day: str, documents: list[Document]) -> dict[str, Any]:
    """What stands on the day and did not then, and what did and does not; ``documents`` are at least those that say anything on it."""
    was, is_ = (
        Stood(moment, stored, side.known.customer, side.rates, side.figures.policy, day, side.known.version).alerts(Spoken(day, documents))
        if side.known.version != 0
        else []
        for side in (then, now)
    )
    return {"raised": [alert for alert in is_ if alert not in was], "cleared": [alert for alert in was if alert not in is_]}
