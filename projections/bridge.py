"""The bridge of an account's exposure between two days: opening, what orders, deliveries, invoices, payments and the rest changed, closing."""

from collections import defaultdict
from functools import lru_cache
from itertools import groupby
from typing import Any

from exposure.bridge import CAUSES, Bridge, Caused, Conditions, Line, bridge, caused
from exposure.figures import COMPONENTS
from exposure.ledger.window import between
from exposure.rules import terms
from projections.account import Asked, Known, account_known, clock, day_of, known_instant, today
from projections.explanation import events_at, named, naming_of
from projections.rates import KnownRates
from projections.when import DaysReversed, instant_text
from schemas.amounts import shown
from schemas.facts import LAST_DAY
from schemas.instants import instant_of


def bridge_between(moment: Any, account: str, first: str, asked: Asked) -> dict[str, Any]:
    """The document of ``exposure bridge``, from the end of ``first`` to the day asked for, else the account's today. Raises ``UnknownAccount``,
    ``NotKnownBefore`` or ``DaysReversed``."""
    stored, known = account_known(moment, account, asked)
    last = day_of(known, asked)
    day_of(known, Asked(asked.now, first, asked.known_at))
    if last < first:
        raise DaysReversed(f"{first} lies behind {last}")
    window = between(moment, stored, first, last, known.version)
    moves = list(caused(account, window.facts, window.moving))
    under = conditions(moment, known, asked, moves, last)
    made = bridge(moves, first, last, under)
    versions = sorted({line.fact.version for line in made.lines if line.fact})
    events = events_at(moment, account, versions)
    return {
        "account": account,
        "currency": under.currency or None,
        "from": first,
        "to": last,
        "known_at": instant_text(known_instant(moment, asked)),
        "without_rate": made.without_rate,
        **spanned(made, under),
        "days": days(made, under),
        "events": [events[version] for version in versions],
    }


def conditions(moment: Any, known: Known, asked: Asked, moves: list[Caused], last: str) -> Conditions:
    master = terms.master_data(known.customer, LAST_DAY)
    currencies = {move.item.currency for move in moves if move.day <= last}
    currency = master.get("currency") or known.head.first_currency(known.version) or min(currencies, default="")
    rates = KnownRates(moment, asked.known_at)
    foreign = currencies - {currency}
    of_day = lru_cache(maxsize=None)(lambda day: rates.on(foreign, currency, day))
    instant = instant_of(clock(asked))
    return Conditions(currency, master.get("timezone", "UTC"), of_day, sorted(rates.days(foreign, currency)), (today(known.customer, asked), instant))


def spanned(made: Bridge, under: Conditions) -> dict[str, Any]:
    """Opening, every cause over all days, and closing."""
    return {"opening": row(made.opening, under), "causes": causes(made.lines, under), "closing": row(made.closing, under)}


def days(made: Bridge, under: Conditions) -> list[dict[str, Any]]:
    """Each day on which anything changed."""
    sums, told = dict(made.opening), []
    for day, group in groupby(made.lines, key=lambda line: line.day):
        lines = list(group)
        opening = row(sums, under)
        for line in lines:
            sums[line.item.component] += line.amount
        told.append({"day": day, "opening": opening, "causes": causes(lines, under, by_document=True), "closing": row(sums, under)})
    return told


def causes(lines: list[Line], under: Conditions, *, by_document: bool = False) -> list[dict[str, Any]]:
    """Only those that there were: an amount may be 0 where money moved from one component to another and back."""
    told = []
    for cause in CAUSES:
        of_cause = [line for line in lines if line.cause == cause]
        if of_cause:
            documents = {"documents": documents_of(of_cause, under)} if by_document else {}
            told.append({"cause": cause, **row(summed(of_cause), under), **documents})
    return told


def documents_of(lines: list[Line], under: Conditions) -> list[dict[str, Any]]:
    """What of a row each document makes, and the account's versions of the events that did it."""
    by_naming: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        by_naming[naming_of(line.item)].append(line)
    return [
        {**named(naming), "amounts": texts(summed(of), under), "versions": sorted({line.fact.version for line in of if line.fact})}
        for naming, of in sorted(by_naming.items())
    ]


def summed(lines: list[Line]) -> dict[str, int]:
    sums: dict[str, int] = defaultdict(int)
    for line in lines:
        sums[line.item.component] += line.amount
    return sums


def row(sums: dict[str, int], under: Conditions) -> dict[str, str]:
    """Every component, and their total."""
    return texts({name: sums.get(name, 0) for name in COMPONENTS} | {"total": sum(sums.values())}, under)


def texts(sums: dict[str, int], under: Conditions) -> dict[str, str]:
    return {name: shown(amount, under.currency or "EUR") for name, amount in sums.items()}
