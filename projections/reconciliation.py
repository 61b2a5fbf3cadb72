"""An ERP's own balances or open items beside ours: what differs, and the first day and event from which it does.

A balance is what is open of invoices less what is unapplied, in one currency: no rate has a part in it. Law: two figures that differ by no more than
the tolerance are equal; of those that are not, the day named is the first after the last one on which ours was theirs.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, NamedTuple

from exposure.bridge import Caused, caused
from exposure.figures import Figures, Item
from exposure.ledger.dead_letters import Letter
from exposure.ledger.policies import in_force
from projections.account import Asked, Known, NotKnownBefore, day_of, figures_on, speaking
from projections.explanation import events_at, naming_of
from projections.history import facts_known
from projections.portfolio import accounts, shared_out
from projections.rates import KnownRates
from schemas.amounts import minor, shown

Key = tuple[str, str]
"""A document's number and the currency; of a balance the number is empty."""
OWED = ("receivables", "unapplied")


class Row(NamedTuple):
    """What one side says: minor units, and by due day where days are told."""

    amount: int
    dues: dict[str, int]


class Question(NamedTuple):
    """``tolerance`` is decimal text. ``is_named_only``: accounts that the statement does not name are not asked about."""

    asked: Asked
    of_items: bool
    tolerance: str = "0"
    is_named_only: bool = False


class Looked(NamedTuple):
    """One account of ours on the day asked for."""

    known: Known
    figures: Figures


def reconcile(moment: Any, claims: Iterable[Any], question: Question, compared: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Each difference, in order of accounts; ``claims`` are in that order too. ``compared`` is told of every account that was."""
    groups = groupby(claims, key=attrgetter("account"))
    waiting = next(groups, None)
    rates, policy = KnownRates(moment, question.asked.known_at), in_force(moment, question.asked.known_at)
    for known, stored, documents in chain.from_iterable(accounts(moment, question.asked, names) for names in shared_out(moment)):
        name = known.head.account
        while waiting is not None and waiting[0] < name:
            compared()
            yield from differences(moment, waiting[0], None, theirs(waiting[1], question), question)
            waiting = next(groups, None)
        is_named = waiting is not None and waiting[0] == name
        if not is_named and question.is_named_only:
            continue
        told = theirs(waiting[1], question) if waiting is not None and is_named else {}
        waiting = next(groups, None) if is_named else waiting
        compared()
        try:
            day = day_of(known, question.asked)
        except NotKnownBefore as error:
            yield {"account": name, "difference": "not_known_before", "message": str(error)}
            continue
        figures = figures_on(known, question.asked, day, speaking(documents, stored, day, known.version), rates, policy)
        yield from differences(moment, name, Looked(known, figures), told, question)
    while waiting is not None:
        compared()
        yield from differences(moment, waiting[0], None, theirs(waiting[1], question), question)
        waiting = next(groups, None)


def theirs(claims: Iterable[Any], question: Question) -> dict[Key, Row]:
    told: dict[Key, Row] = {}
    for one in claims:
        key = (one.document if question.of_items else "", one.currency)
        before = told.get(key, Row(0, {}))
        dues = {**before.dues, one.due: before.dues.get(one.due, 0) + one.amount} if one.due else before.dues
        told[key] = Row(before.amount + one.amount, dues)
    return told


def key_of(item: Item, question: Question) -> Key:
    return (naming_of(item).partition(":")[2] if question.of_items else "", item.currency)


def ours(figures: Figures, question: Question) -> dict[Key, Row]:
    found: dict[Key, Row] = {}
    for item, amount in figures.on.items.items():
        if item.component in OWED:
            key = key_of(item, question)
            before = found.get(key, Row(0, {}))
            dues = {**before.dues, item.due: amount} if item.component == "receivables" else before.dues
            found[key] = Row(before.amount + amount, dues)
    return found


def differences(moment: Any, account: str, looked: Looked | None, told: dict[Key, Row], question: Question) -> Iterator[dict[str, Any]]:
    own = ours(looked.figures, question) if looked else {}
    moves: dict[Key, list[Caused]] | None = None
    for key in sorted({*own, *told}):
        here, there = own.get(key, Row(0, {})), told.get(key, Row(0, {}))
        kind = difference_of(here, there, key in told, question, key[1])
        if kind is None:
            continue
        if moves is None:
            moves = moves_of(moment, account, looked, question)
        yield {
            "account": account,
            "difference": kind,
            "document": key[0] or None,
            "currency": key[1],
            "ours": shown(here.amount, key[1]),
            "theirs": shown(there.amount, key[1]) if key in told else None,
            **({"dues": {"ours": texts(here.dues, key[1]), "theirs": texts(there.dues, key[1])}} if kind == "other_due" else {}),
            **since(moment, account, moves.get(key, []), here.amount, there.amount, looked, question, key[1]),
            **(hints(moment, account, looked, key[0]) if kind == "missing_here" and key[0] else {}),
        }


def difference_of(here: Row, there: Row, is_told: bool, question: Question, currency: str) -> str | None:
    """``None`` where both say the same: what one side leaves out is 0 there."""
    if abs(here.amount - there.amount) > minor(question.tolerance, currency):
        if not here.amount:
            return "missing_here"
        return "other_amount" if is_told and there.amount else "missing_there"
    return "other_due" if there.dues and here.amount == there.amount and here.dues != there.dues else None


def texts(dues: dict[str, int], currency: str) -> dict[str, str]:
    return {due: shown(amount, currency) for due, amount in sorted(dues.items())}


def moves_of(moment: Any, account: str, looked: Looked | None, question: Question) -> dict[Key, list[Caused]]:
    """All that ever moved what is owed, by what is compared, in the order of days."""
    found: dict[Key, list[Caused]] = defaultdict(list)
    if looked is not None:
        for move in caused(account, facts_known(moment, account, looked.known.version)):
            if move.item.component in OWED:
                found[key_of(move.item, question)].append(move)
    return {key: sorted(moves, key=lambda move: move.day) for key, moves in found.items()}


def since(
    moment: Any, account: str, moves: list[Caused], here: int, there: int, looked: Looked | None, question: Question, currency: str
) -> dict[str, Any]:
    """The first day from which ours is not theirs, with its events. Where ours never was theirs it is the first day there was anything, and
    ``was_equal`` is false. ``same_amount`` are later events that changed exactly as much as is missing: the first to look at."""
    day = looked.figures.on.day if looked else ""
    by_day = {on: list(group) for on, group in groupby((move for move in moves if move.day <= day), key=attrgetter("day"))}
    tolerance = minor(question.tolerance, currency)
    sum_, was_equal, first = 0, abs(there) <= tolerance, None
    for on, of_day in by_day.items():
        sum_ += sum(move.amount for move in of_day)
        if abs(sum_ - there) <= tolerance:
            was_equal, first = True, None
        elif first is None:
            first = on
    alike = [on for on, of_day in by_day.items() if abs(sum(move.amount for move in of_day)) == abs(here - there)]
    later = min((move.day for move in moves if move.day > day), default=None)
    versions = {on: sorted({move.fact.version for move in by_day[on]}) for on in {*alike, *([first] if first else [])}}
    events = events_at(moment, account, sorted({version for of_day in versions.values() for version in of_day}))
    return {
        "since": first,
        "was_equal": was_equal,
        "events": [events[version] for version in versions.get(first or "", [])],
        "same_amount": [{"day": on, "events": [events[version] for version in versions[on]]} for on in alike if on != first],
        "dated_later": later,
    }


def hints(moment: Any, account: str, looked: Looked | None, number: str) -> dict[str, Any]:
    """What we have of a document that is not here: dead letters that name it, and documents of the account that wait for it."""
    naming = re.compile(rb"(?<![\w-])" + re.escape(number.encode()) + rb"(?![\w-])")
    letters = [Letter(*row) for row in moment.dead_letters(account=account)]
    keys = moment.keys([account])
    pending = looked.figures.findings()["pending"] if looked else []
    return {
        "dead_letters": [letter.digest.hex() for letter in letters if naming.search(letter.opened(keys.get(account)) or b"")],
        "pending": [one for one in pending if one["names"] == number],
    }
