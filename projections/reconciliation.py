"""An ERP's own balances or open items beside ours: what differs, and the first day and event from which it does.

A balance is what is open of invoices less what is unapplied, in one currency: no rate has a part in it. Law: two figures that differ by no more than
the tolerance are equal; of those that are not, the day named is the first after the last one on which ours was theirs. What is told of several days
is compared day by day, each as if it were told alone. A number that is open here of an invoice and of a credit is two documents: of theirs the rows
with a minus are the credit. Else all rows of a number are one document. Days on which it is due are compared where they are told of all that is open.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import cached_property
from itertools import chain, groupby
from operator import attrgetter
from typing import Any, NamedTuple

from exposure.bridge import Caused, caused
from exposure.figures import Figures, Item
from exposure.ledger.acts.dead_letters import Letter
from exposure.ledger.acts.policies import in_force
from exposure.rules.invoices import TERMS
from projections.account import Asked, Known, NotKnownBefore, day_of, figures_on, speaking
from projections.explanation import events_at, naming_of
from projections.history import facts_known
from projections.portfolio import accounts, shared_out
from projections.rates import KnownRates
from schemas.amounts import minor, shown

Key = tuple[str, str, bool]
"""A document's number and the currency, and whether it is a credit; a balance has no number and is none."""
OWED = ("receivables", "unapplied")
SETTING = ("InvoicePosted", TERMS)
"""What says when an invoice is due."""


class Row(NamedTuple):
    """What one side says: minor units, and by due day where days are told."""

    amount: int
    dues: dict[str, int]

    @property
    def open(self) -> dict[str, int]:
        """By due day, where anything is open."""
        return {due: amount for due, amount in sorted(self.dues.items()) if amount}


class Question(NamedTuple):
    """``asked`` is of what is told of no day of its own. ``tolerance`` is decimal text. ``is_named_only``: accounts that the statement does not name
    are not asked about."""

    asked: Asked
    of_items: bool
    tolerance: str = "0"
    is_named_only: bool = False


class Compared:
    """One account of theirs or ours (``known``) while it is compared; what ever moved it is read once, and only where anything differs."""

    def __init__(self, moment: Any, account: str, known: Known | None, question: Question) -> None:
        self.moment, self.account, self.known, self.question = moment, account, known, question

    @cached_property
    def moves(self) -> dict[Key, list[Caused]]:
        """All that ever moved what is owed, by what is compared, in the order of days."""
        found: dict[Key, list[Caused]] = defaultdict(list)
        if self.known is not None:
            for move in caused(self.account, facts_known(self.moment, self.account, self.known.version)):
                if move.item.component in OWED:
                    found[key_of(move.item, self.question)].append(move)
        return {key: sorted(moves, key=lambda move: move.day) for key, moves in found.items()}


def reconcile(moment: Any, claims: Iterable[Any], question: Question, compared: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Each difference, in order of accounts and of the days that are told of one; ``claims`` are in order of accounts too. ``compared`` is told of
    every account that was."""
    groups = groupby(claims, key=attrgetter("account"))
    waiting = next(groups, None)
    rates, policy = KnownRates(moment, question.asked.known_at), in_force(moment, question.asked.known_at)
    for known, stored, documents in chain.from_iterable(accounts(moment, question.asked, names) for names in shared_out(moment)):
        name = known.head.account
        while waiting is not None and waiting[0] < name:
            yield from theirs_alone(moment, *waiting, question, compared)
            waiting = next(groups, None)
        is_named = waiting is not None and waiting[0] == name
        if not is_named and question.is_named_only:
            continue
        told = theirs(waiting[1], question) if waiting is not None and is_named else {"": {}}
        waiting = next(groups, None) if is_named else waiting
        compared()
        account = Compared(moment, name, known, question)
        for as_of, rows in sorted(told.items()):
            asked = replace(question.asked, as_of=as_of) if as_of else question.asked
            try:
                day = day_of(known, asked)
            except NotKnownBefore as error:
                yield {"account": name, "as_of": asked.as_of, "difference": "not_known_before", "message": str(error)}
                continue
            of_day = moment.documents_on(name, day, known.version) if as_of else documents
            figures = figures_on(known, asked, day, speaking(of_day, stored, day, known.version), rates, policy)
            yield from differences(account, figures, rows, day)
    while waiting is not None:
        yield from theirs_alone(moment, *waiting, question, compared)
        waiting = next(groups, None)


def theirs_alone(moment: Any, name: str, claims: Iterable[Any], question: Question, compared: Callable[[], None]) -> Iterator[dict[str, Any]]:
    """Of an account of which nothing is known here."""
    compared()
    for as_of, told in sorted(theirs(claims, question).items()):
        yield from differences(Compared(moment, name, None, question), None, told, as_of or question.asked.as_of)


def theirs(claims: Iterable[Any], question: Question) -> dict[str, dict[Key, Row]]:
    """By the day that is told of them, which is empty where none is."""
    told: dict[str, dict[Key, Row]] = defaultdict(dict)
    for one in claims:
        key = (one.document, one.currency, one.amount < 0) if question.of_items else ("", one.currency, False)
        told[one.as_of][key] = together(told[one.as_of].get(key), Row(one.amount, {one.due: one.amount} if one.due else {}))
    return told


def together(one: Row | None, other: Row) -> Row:
    if one is None:
        return other
    dues = {due: one.dues.get(due, 0) + other.dues.get(due, 0) for due in {**one.dues, **other.dues}}
    return Row(one.amount + other.amount, dues)


def by_document(told: dict[Key, Row], own: dict[Key, Row]) -> dict[Key, Row]:
    """Theirs, all rows of a number as one document, unless it is two here."""
    found: dict[Key, Row] = {}
    for (number, currency, is_credit), row in told.items():
        sides = [side for side in (False, True) if (number, currency, side) in own]
        others = told.get((number, currency, not is_credit), Row(0, {})).amount
        side = is_credit if len(sides) == 2 else sides[0] if sides else row.amount + others < 0
        key = (number, currency, side)
        found[key] = together(found.get(key), row)
    return found


def key_of(item: Item, question: Question) -> Key:
    if not question.of_items:
        return "", item.currency, False
    return naming_of(item).partition(":")[2], item.currency, item.component == "unapplied"


def ours(figures: Figures, question: Question) -> dict[Key, Row]:
    found: dict[Key, Row] = {}
    for item, amount in figures.on.items.items():
        if item.component in OWED:
            key = key_of(item, question)
            found[key] = together(found.get(key), Row(amount, {item.due: amount} if item.component == "receivables" else {}))
    return found


def differences(of: Compared, figures: Figures | None, told: dict[Key, Row], day: str | None) -> Iterator[dict[str, Any]]:
    question = of.question
    own = ours(figures, question) if figures else {}
    told = by_document(told, own)
    for key in sorted({*own, *told}):
        here, there = own.get(key, Row(0, {})), told.get(key, Row(0, {}))
        kind = difference_of(here, there, key in told, question, key[1])
        if kind is None:
            continue
        yield {
            "account": of.account,
            "as_of": day,
            "difference": kind,
            "document": key[0] or None,
            "currency": key[1],
            "ours": shown(here.amount, key[1]),
            "theirs": shown(there.amount, key[1]) if key in told else None,
            **since_of(of, key, here, there, day or "", kind),
            **(hints(of, figures, key[0]) if kind == "missing_here" and key[0] else {}),
        }


def difference_of(here: Row, there: Row, is_told: bool, question: Question, currency: str) -> str | None:
    """``None`` where both say the same: what one side leaves out is 0 there."""
    tolerance = minor(question.tolerance, currency)
    if abs(here.amount - there.amount) > tolerance:
        if not here.amount:
            return "missing_here"
        return "other_amount" if is_told and there.amount else "missing_there"
    is_due_told = here.open and there.open and sum(there.open.values()) == there.amount
    return "other_due" if is_due_told and not is_same(here.open, there.open, tolerance) else None


def is_same(ours: dict[str, int], theirs: dict[str, int], tolerance: int) -> bool:
    """Whether as much is due on each day."""
    return all(abs(ours.get(due, 0) - theirs.get(due, 0)) <= tolerance for due in {**ours, **theirs})


def since_of(of: Compared, key: Key, here: Row, there: Row, day: str, kind: str) -> dict[str, Any]:
    moves, currency = of.moves.get(key, []), key[1]
    if kind != "other_due":
        return since(of, moves, here.amount, there.amount, day, currency)
    dues = {"ours": texts(here.open, currency), "theirs": texts(there.open, currency)}
    tolerance = minor(of.question.tolerance, currency)
    return {"dues": dues, **due_since(of, [move for move in moves if move.day <= day], here, there, tolerance)}


def due_since(of: Compared, moves: list[Caused], here: Row, there: Row, tolerance: int) -> dict[str, Any]:
    """The first day from which it is due here on other days than there (by other parts, where the days are the same), and the events that set the
    days of what is open now."""
    days_are_the_same, wanted = here.open.keys() == there.open.keys(), there.open
    dues: dict[str, int] = defaultdict(int)
    was_equal, first = False, None
    for on, of_day in groupby(moves, key=attrgetter("day")):
        for move in of_day:
            dues[move.item.due] += move.amount
        then = Row(0, dues).open
        if is_same(then, wanted, tolerance) if days_are_the_same else then.keys() == wanted.keys():
            was_equal, first = True, None
        elif first is None:
            first = on
    setting = sorted({move.fact.version for move in moves if move.fact.name in SETTING and move.amount > 0 and move.item.due in here.open})
    events = events_at(of.moment, of.account, setting)
    return {"since": first, "was_equal": was_equal, "events": [events[version] for version in setting], "same_amount": [], "dated_later": None}


def texts(dues: dict[str, int], currency: str) -> dict[str, str]:
    return {due: shown(amount, currency) for due, amount in sorted(dues.items())}


def since(of: Compared, moves: list[Caused], here: int, there: int, day: str, currency: str) -> dict[str, Any]:
    """The first day from which ours is not theirs, with its events. Where ours never was theirs it is the first day there was anything, and
    ``was_equal`` is false. ``same_amount`` are later events that changed exactly as much as is missing: the first to look at."""
    by_day = {on: list(group) for on, group in groupby((move for move in moves if move.day <= day), key=attrgetter("day"))}
    tolerance = minor(of.question.tolerance, currency)
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
    events = events_at(of.moment, of.account, sorted({version for of_day in versions.values() for version in of_day}))
    return {
        "since": first,
        "was_equal": was_equal,
        "events": [events[version] for version in versions.get(first or "", [])],
        "same_amount": [{"day": on, "events": [events[version] for version in versions[on]]} for on in alike if on != first],
        "dated_later": later,
    }


def hints(of: Compared, figures: Figures | None, number: str) -> dict[str, Any]:
    """What we have of a document that is not here: dead letters that name it, and documents of the account that wait for it."""
    naming = re.compile(rb"(?<![\w-])" + re.escape(number.encode()) + rb"(?![\w-])")
    letters = [Letter(*row) for row in of.moment.dead_letters(account=of.account, known_at=of.question.asked.known_at)]
    keys = of.moment.keys([of.account])
    pending = figures.findings()["pending"] if figures else []
    return {
        "dead_letters": [letter.digest.hex() for letter in letters if naming.search(letter.opened(keys.get(of.account)) or b"")],
        "pending": [one for one in pending if one["names"] == number],
    }
