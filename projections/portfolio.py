"""All credit accounts at once, each as ``show`` without its items, and their totals: who owes us what?

Law: a row comes from the same functions as ``show``, so the two can never differ. Documents pass account by account; only the rows stay.
"""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import groupby, islice
from operator import itemgetter
from typing import Any

from exposure.figures import BUCKETS, COMPONENTS
from exposure.ledger.memory import Account
from exposure.ledger.policies import in_force
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
from projections.when import instant_text
from schemas.amounts import minor, shown

ACCOUNTS_AT_ONCE = 500
"""Accounts whose master data, and what is newer than their rows, is read in one query."""

SUMMED = ("overdue_amount", "disputed", "written_off")


def portfolio(moment: Any, asked: Asked, selection: Selection) -> dict[str, Any]:
    """The document of ``exposure list``. Totals and sources are those of all accounts the filters let through, listed or beyond ``top``."""
    not_known_before: list[str] = []
    rows = selection.sorted(row for row in rows_of(moment, asked, not_known_before) if selection.wants(row))
    return {
        "accounts": rows[: selection.top],
        "totals": totals(rows),
        "sources": freshest(rows),
        "not_known_before": not_known_before,
        "policy": in_force(moment, asked.known_at).version,
        "as_of": asked.as_of,
        "known_at": instant_text(known_instant(moment, asked)),
    }


def rows_of(moment: Any, asked: Asked, not_known_before: list[str]) -> Iterator[dict[str, Any]]:
    """One row per account, in order of accounts; those not yet taken on at the day are named in ``not_known_before`` instead."""
    known_at = known_instant(moment, asked)
    dead_letters = moment.dead_letter_counts(known_at)
    rates, policy = KnownRates(moment, asked.known_at), in_force(moment, asked.known_at)
    for known, stored, documents in accounts(moment, asked):
        account = known.head.account
        try:
            day = day_of(known, asked)
        except NotKnownBefore:
            not_known_before.append(account)
            continue
        figures = figures_on(known, asked, day, speaking(documents, stored, day, known.version), rates, policy)
        yield summary(figures, known_at, dead_letters.get(account, 0), sources(moment, known.head, known.version))


def accounts(moment: Any, asked: Asked) -> Iterator[tuple[Known, Account, Iterator[Any]]]:
    """Each account known at the instant, with a stream of its documents' rows that is read before the next account."""
    first_day, last_day = days(asked)
    everything = asked.known_at is not None and asked.known_at < moment.last_recorded()
    groups = groupby(moment.all_documents_on(first_day, last_day, everything), key=itemgetter(0))
    waiting = next(groups, None)
    for stored in all_accounts(moment):
        name = stored.head.account
        rows: Iterator[Any] = iter(())
        if waiting is not None and waiting[0] == name:
            rows = (row[1:] for row in waiting[1])
        known = known_account(moment, stored, asked)
        if known is not None:
            yield known, stored, rows
        if waiting is not None and waiting[0] == name:
            waiting = next(groups, None)


def all_accounts(moment: Any) -> Iterator[Account]:
    """Every account, in order."""
    names = (row[0] for row in moment.all_heads())
    while part := list(islice(names, ACCOUNTS_AT_ONCE)):
        stored = accounts_stored(moment, part)
        yield from (stored[name] for name in part)


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
