"""The worklist of today, or of an instant that is past: what collectors and credit managers have to do, a row each, the most pressing first.

The order: priority (high, medium, low), then what of the account is overdue, the most first, then how long it waits.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from exposure.approvals import same
from projections.account import Asked, asked_now
from projections.dunning import is_asked_of_all, overdue_ones
from projections.duties import KINDS, PRIORITIES, SOURCES, Duty
from projections.portfolio import Part
from projections.today import Follow, Today
from schemas.amounts import minor, shown

Row = dict[str, Any]


class Wanted(NamedTuple):
    """Which rows are asked for: those of some kinds (all where none is named), of whom they wait for or whose account it is, the first so many."""

    kinds: frozenset[str] = frozenset()
    who: str | None = None
    top: int | None = None


def asks_all(moment: Any, asked: Asked, wanted: Wanted) -> bool:
    """Whether it is made of the list of all accounts of which anything is overdue."""
    return "dunning_due" in (wanted.kinds or KINDS) and is_asked_of_all(moment, asked)


def worklist(moment: Any, asked: Asked, wanted: Wanted, overdue: Iterable[Part] | None = None, follow: Follow = iter) -> dict[str, Any]:
    """The document of ``exposure worklist``; as known at an instant it is what it was then. Totals are of all rows that were asked for, listed or
    beyond ``top``. ``overdue`` are parts of the list, where somebody else makes them of the same moment; ``follow`` gives names one by
    one, and shows how far it is."""
    asked = asked_now(moment, asked)
    today = Today(moment, asked, overdue_ones(moment, asked) if overdue is None else overdue, follow)
    rows = [row_of(today, duty) for duty in found(today, wanted.kinds or frozenset(KINDS))]
    rows = sorted((row for row in rows if wanted.who is None or is_for(row, wanted.who)), key=lambda row: pressing(today, row))
    return {"worklist": rows[: wanted.top], "totals": totals(rows), "policy": today.policy.version, "known_at": today.instant}


def found(today: Today, wanted: frozenset[str]) -> list[Duty]:
    """A source is asked only where a kind of it is wanted."""
    return [duty for source, kinds in SOURCES if wanted.intersection(kinds) for duty in source(today) if duty.kind in wanted]


def row_of(today: Today, duty: Duty) -> Row:
    figures, keeper = today.figures(duty.account), today.account_manager(duty.account)
    return {
        "priority": duty.priority,
        "account": duty.account,
        "kind": duty.kind,
        "what": duty.what,
        "amount": duty.amount,
        "currency": duty.currency,
        "day": duty.day,
        "who": [*duty.who] or ([] if keeper is None else [keeper]),
        "account_manager": keeper,
        "overdue_amount": figures.text(figures.overdue_amount) if figures else None,
        "account_currency": figures.currency if figures else None,
        "id": duty.id,
    }


def is_for(row: Row, who: str) -> bool:
    return any(same(one, who) for one in (*row["who"], row["account_manager"]) if one is not None)


def pressing(today: Today, row: Row) -> tuple[Any, ...]:
    """What comes first is the smaller."""
    return PRIORITIES.index(row["priority"]), -today.overdue(row["account"]), row["day"], row["account"] or "", KINDS.index(row["kind"]), row["what"]


def totals(rows: list[Row]) -> dict[str, Any]:
    """Of each kind how many rows there are, and the sums of their amounts by currency, as decimal texts."""
    told: dict[str, Any] = {}
    for kind in KINDS:
        of_kind = [row for row in rows if row["kind"] == kind]
        if of_kind:
            currencies = sorted({row["currency"] for row in of_kind if row["amount"] is not None})
            told[kind] = {"rows": len(of_kind), "amounts": {one: total(one, of_kind) for one in currencies}}
    return told


def total(currency: str, rows: list[Row]) -> str:
    return shown(sum(minor(row["amount"], currency) for row in rows if row["amount"] is not None and row["currency"] == currency), currency)
