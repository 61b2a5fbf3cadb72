"""All credit accounts at once, each as ``show`` without its items, and their totals: who owes us what?

Law: a row comes from the same functions as ``show``, so the two can never differ. Documents pass account by account; only the rows stay.
"""

from collections.abc import Callable, Iterable, Iterator
from datetime import date, timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from exposure.figures import BUCKETS, COMPONENTS, Figures
from exposure.ledger.acts.policies import in_force
from exposure.ledger.heard import heard
from exposure.ledger.looks import NO_VERSION
from exposure.ledger.memory import Account
from projections.account import (
    Asked,
    Known,
    NotKnownBefore,
    accounts_stored,
    clock,
    day_of,
    figures_on,
    known_account,
    known_instant,
    sources,
    speaking,
    summary,
)
from projections.rates import KnownRates
from projections.selection import Selection
from projections.when import instant_text, versions_at
from schemas.amounts import minor, shown

SHORT = 1_000
"""An account of so many events has all its documents looked at in less time than those of a day are looked up."""
ACCOUNTS_AT_ONCE = 500
"""Accounts that are one part of the list: what is read of them is read in one query each, and parts are what processes share out."""

NO_MORE: tuple[str | None, Iterator[Any]] = None, iter(())
"""Stands for the rows behind those of the last account that has any."""

SUMMED = ("overdue_amount", "disputed", "written_off")


class Part(NamedTuple):
    """Rows of accounts that stand side by side in the list, and those of them that were not yet taken on at the day."""

    rows: list[dict[str, Any]]
    not_known_before: list[str]


def portfolio(moment: Any, asked: Asked, selection: Selection) -> dict[str, Any]:
    """The document of ``exposure list``."""
    return whole(moment, asked, selection, parts_of(moment, asked, selection))


def parts_of(moment: Any, asked: Asked, selection: Selection, progress: Callable[[int], None] = lambda _: None) -> Iterator[Part]:
    """The list's parts, each made when it is asked for; ``progress`` is told of how many accounts they are by now."""
    listing, done = Listing(moment, asked, selection), 0
    for names in shared_out(moment):
        yield listing.part(names)
        progress(done := done + len(names))


def whole(moment: Any, asked: Asked, selection: Selection, parts: Iterable[Part]) -> dict[str, Any]:
    """The list from its parts in order of accounts, whoever made them of the same moment. Totals and sources are those of all accounts the filters
    let through, listed or beyond ``top``."""
    found: list[dict[str, Any]] = []
    not_known_before: list[str] = []
    for part in parts:
        found += part.rows
        not_known_before += part.not_known_before
    rows = selection.sorted(found)
    return {
        "accounts": rows[: selection.top],
        "totals": totals(rows),
        "sources": freshest(rows),
        "not_known_before": not_known_before,
        "policy": in_force(moment, asked.known_at).version,
        "as_of": asked.as_of,
        "known_at": instant_text(known_instant(moment, asked)),
    }


def shared_out(moment: Any) -> list[list[str]]:
    """All accounts in order, part by part."""
    names = moment.account_names()
    return [names[start : start + ACCOUNTS_AT_ONCE] for start in range(0, len(names), ACCOUNTS_AT_ONCE)]


class Listing:
    """What all rows have in common is read once: rates, policy, and how many records of each account could not be taken."""

    def __init__(self, moment: Any, asked: Asked, selection: Selection) -> None:
        self.moment = moment
        self.asked = asked
        self.selection = selection
        self.known_at = known_instant(moment, asked)
        self.dead_letters = moment.dead_letter_counts(self.known_at)
        self.rates, self.policy = KnownRates(moment, asked.known_at), in_force(moment, asked.known_at)

    def part(self, names: list[str]) -> Part:
        """Of accounts that stand side by side, one row of each that the filters let through."""
        part = Part([], [])
        for known, stored, documents in accounts(self.moment, self.asked, names):
            try:
                row = self.row(known, stored, documents)
            except NotKnownBefore:
                part.not_known_before.append(known.head.account)
                continue
            if self.selection.wants(row):
                part.rows.append(row)
        return part

    def figures(self, known: Known, stored: Account, documents: Iterable[Any]) -> Figures:
        day = day_of(known, self.asked)
        return figures_on(known, self.asked, day, speaking(documents, stored, day, known.version), self.rates, self.policy)

    def row(self, known: Known, stored: Account, documents: Iterable[Any]) -> dict[str, Any]:
        figures = self.figures(known, stored, documents)
        letters = self.dead_letters.get(known.head.account, 0)
        return summary(figures, self.known_at, letters, sources(self.moment, known))


def accounts(moment: Any, asked: Asked, names: list[str]) -> Iterator[tuple[Known, Account, Iterator[Any]]]:
    """Each of the accounts known at the instant, with its documents' rows, which are read before the next account. Those of short accounts come in
    one stream; in a long one those of the days are looked up."""
    first, last = days(asked)
    stored, versions = accounts_stored(moment, names), versions_at(moment, [f"account:{name}" for name in names], asked.known_at)
    known_by = {name: version for name in names if (version := versions[f"account:{name}"]) != 0}
    past = [(name, version) for name, version in known_by.items() if version is not None]
    told_by = heard(moment, past)
    short = [(name, NO_VERSION if version is None else version) for name, version in known_by.items() if stored[name].head.version <= SHORT]
    groups = groupby(moment.all_documents_on(short, first, last, is_past=bool(past)), key=itemgetter(0))
    here, found = next(groups, NO_MORE)
    for name, version in known_by.items():
        known = known_account(stored[name], version, told_by.get(name))
        if known is not None and stored[name].head.version > SHORT:
            yield known, stored[name], iter(moment.documents_on(name, last, version, first))
        elif known is not None:
            yield known, stored[name], (row[1:] for row in (found if here == name else ()))
        if here == name:
            here, found = next(groups, NO_MORE)


def days(asked: Asked) -> tuple[str, str]:
    """The days that may be asked of any account: one, or those on which it is now somewhere on earth."""
    if asked.as_of is not None:
        return asked.as_of, asked.as_of
    utc = date.fromisoformat(instant_text(clock(asked))[:10])
    return (utc - timedelta(days=1)).isoformat(), (utc + timedelta(days=1)).isoformat()


def totals(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Of each account currency the sums of the accounts' figures, as decimal texts, and how many accounts they are of."""
    by_currency: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        if row["currency"]:
            by_currency.setdefault(row["currency"], []).append(row)
    return {currency: total(currency, by_currency[currency]) for currency in sorted(by_currency)}


def total(currency: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    def added(amounts: Iterator[str]) -> str:
        return shown(sum(minor(amount, currency) for amount in amounts), currency)

    return {
        "accounts": len(rows),
        "exposure": {name: added(row["exposure"][name] for row in rows) for name in (*COMPONENTS, "total")},
        **{name: added(row[name] for row in rows) for name in SUMMED},
        "ageing": {name: added(row["ageing"][name] for row in rows) for name in (*BUCKETS, "unapplied")},
    }


def freshest(rows: list[dict[str, Any]]) -> list[dict[str, str]]:
    """Of each source the time of the last it told of any of the accounts."""
    last: dict[str, str] = {}
    for row in rows:
        for told in row["sources"]:
            last[told["source"]] = max(last.get(told["source"], ""), told["last_time"].removesuffix("Z"))
    return [{"source": source, "last_time": f"{time}Z"} for source, time in sorted(last.items())]
