"""Dunning as it is asked for: what is due of an account now, the notices there were, and what is stopped."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from exposure import dunning
from exposure.dunning import Late, LeftOut, Line, Notice, Stops
from exposure.figures import Figures, converted
from exposure.ledger.acts import dunning as recorded
from exposure.ledger.acts.dunning import Trail
from exposure.ledger.acts.policies import in_force
from exposure.promises import promised_invoices
from exposure.rules import invoices
from exposure.rules.documents import Document, Key, Movement
from projections.account import Asked, Known, NotKnownBefore, accounts_stored, days_said, figures_known, refuse_unknown
from projections.history import type_of
from projections.portfolio import Part, parts_of
from projections.selection import selection
from projections.when import instant_text
from schemas.amounts import minor, shown
from schemas.dunning import DISPUTE, DunningNotice
from schemas.facts import LAST_DAY
from schemas.stored import TOPIC_OF_OURS

OVERDUE = ("overdue_amount>0",)
"""Filters of the list of accounts of which anything is overdue."""


class DueOf(NamedTuple):
    """What is due of an account as its figures of now say: notices that nobody has numbered yet, behind ``last_number``, and the account's
    ``version``."""

    figures: Figures
    version: int
    notices: tuple[Notice, ...]
    left_out: tuple[LeftOut, ...]
    last_number: int


def is_asked_of_all(moment: Any, asked: Asked) -> bool:
    """Whether who is late is known of no account before its figures are. Alerts tell of what is not in dispute, and nobody has kept of whom they told
    at an instant that is past."""
    ladders = [one.dunning for one in in_force(moment, asked.known_at).classes if one.dunning is not None]
    return any(asked.known_at is not None or DISPUTE not in ladder.stops for ladder in ladders)


def overdue_ones(moment: Any, asked: Asked, progress: Callable[[int], None] = lambda _: None) -> Iterator[Part]:
    """The list of all accounts of which anything is overdue, made by this process."""
    return parts_of(moment, asked, selection(OVERDUE, None, None), progress)


def perhaps_late(moment: Any, asked: Asked, overdue: Iterable[Part]) -> list[str]:
    """At least the accounts of which anything is overdue that may be dunned; ``overdue`` is the list of all that have, which is only read where it is
    needed."""
    if is_asked_of_all(moment, asked):
        return [row["account"] for part in overdue for row in part.rows]
    return recorded.candidates(moment, asked.now)


def due_of(moment: Any, account: str, asked: Asked, but: str | None = None) -> DueOf:
    """``but`` is a notice that is looked at as if it were not there. Raises ``UnknownAccount`` or ``NotKnownBefore``."""
    return due_by(moment, account, asked, *figures_known(moment, account, asked)[:2], but)


def due_by(moment: Any, account: str, asked: Asked, figures: Figures, known: Known, but: str | None = None) -> DueOf:
    """The same of an account whose figures are read."""
    position = moment.position_behind(asked.known_at)
    before = [one for one in recorded.trails(moment, account, position) if one.notice.notice != but]
    keys = late_keys(figures) if figures.rules.dunning else set()
    documents = accounts_stored(moment, [account], [(account, key) for key in keys])[account].documents if keys else {}
    stops = recorded.stops(moment, account, figures.on.day, position)
    return due_from(figures, known.version or known.head.version, documents, before, stops)


def notices_due(moment: Any, accounts: Iterable[str], asked: Asked, *, are_named: bool = False) -> Iterator[DunningNotice]:
    """The notices that are due of some accounts. One that is taken on at a cut-over to come has none yet; who names it is told so."""
    for account in accounts:
        try:
            yield from notices_of(due_of(moment, account, asked))
        except NotKnownBefore:
            if are_named:
                raise


def due_from(figures: Figures, version: int, documents: Mapping[Key, Document], before: list[Trail], stops: Stops) -> DueOf:
    """What is due by the figures of an account, the documents of what is late, the notices of before, and what somebody stopped. An open promise
    stops it too: which there are is said by the figures, so a notice made again knows those of then."""
    rules, last_number = figures.rules.dunning, max((one.notice.number for one in before), default=0)
    if rules is None:
        return DueOf(figures, version, (), (), last_number)

    def in_account(amount: int, currency: str) -> int | None:
        return converted(amount, currency, figures.currency, figures.rates)

    late, noticed = late_items(figures, documents, version), recorded.noticed(before)
    stopped = stops._replace(promised=promised_invoices(figures.on))
    found = dunning.due(late, noticed, rules, stopped, figures.on.day, in_account, lambda amount: in_policy(figures, amount))
    return DueOf(figures, version, found.notices, found.left_out, last_number)


def late_keys(figures: Figures) -> set[Key]:
    """The documents that are past due, or a part of them is."""
    return {item.document for item in figures.on.items if item.component == "receivables" and item.due < figures.on.day}


def in_policy(figures: Figures, amount: str) -> int | None:
    """An amount of the policy in the account's currency."""
    currency = str(figures.rules.currency)
    return converted(minor(amount, currency), currency, figures.currency, figures.rates)


def late_items(figures: Figures, documents: Mapping[Key, Document], version: int) -> Iterator[Late]:
    """The items that are past due on the day of the figures, with their course as known at a version of the account."""
    on = figures.on
    for item in (item for item in on.items if item.component == "receivables" and item.due < on.day):
        header = invoices.header(on.headers[item.document])
        moves = [move for move in documents[item.document].moves if move.version <= version]
        yield Late(
            header["invoice"],
            item.item,
            header["kind"],
            item.currency,
            item.due,
            on.items[item],
            on.items.get(item._replace(component="disputed"), 0),
            course(moves, "receivables", item.item),
            course(moves, "disputed", item.item),
        )


def course(moves: Iterable[Movement], component: str, item: str) -> list[tuple[str, int]]:
    """How much of a component there was of an item, from the end of each day on which that changed."""
    by_day: dict[str, int] = defaultdict(int)
    for move in moves:
        if (move.component, move.item) == (component, item):
            by_day[move.day] += move.amount
    told, sum_ = [], 0
    for day in sorted(by_day):
        sum_ += by_day[day]
        told.append((day, sum_))
    return told


def notices_of(due: DueOf) -> list[DunningNotice]:
    """What is due as it is recorded, numbered behind the notices there are."""
    return [content(due, notice, due.last_number + place) for place, notice in enumerate(due.notices, 1)]


def content(due: DueOf, notice: Notice, number: int) -> DunningNotice:
    figures, step = due.figures, notice.step
    on, fee = figures.on, step.fee
    lines = [line_shown(line, on.day) for line in notice.lines]
    return DunningNotice(
        recorded.notice_id(on.account, number), on.account, number, on.day, notice.level, step.name, step.channel, step.who, step.legal, step.text,
        str(figures.currency), figures.text(notice.total), lines, list(debit_items(notice.lines, fee, str(figures.rules.currency), number, on.day)),
        [left_out_shown(one) for one in due.left_out], figures.summary(), figures.policy.version, due.version,
    )  # fmt: skip


def line_shown(line: Line, day: str) -> dict[str, Any]:
    late, charges = line.late, line.interest_from is not None
    return {
        "invoice": late.invoice,
        "instalment": late.instalment or None,
        "kind": late.kind,
        "due": late.due,
        "days": line.days,
        "currency": late.currency,
        "open": shown(late.open, late.currency),
        "disputed": shown(late.disputed, late.currency),
        "amount": shown(line.amount, late.currency),
        "level": line.level,
        "interest": shown(line.interest, late.currency) if charges else None,
        "interest_from": line.interest_from,
        "interest_to": day if charges else None,
        "compensation": line.compensation,
    }


def debit_items(lines: Iterable[Line], fee: str | None, currency: str, number: int, day: str) -> Iterator[dict[str, Any]]:
    """What the ERP is asked to post: the fee of the notice, interest in each currency, and the fixed sums together."""
    charged: dict[tuple[str, str], int] = defaultdict(int)
    if fee is not None:
        charged["fee", currency] += minor(fee, currency)
    for line in lines:
        charged["interest", line.late.currency] += line.interest
        if line.compensation is not None:
            charged["compensation", currency] += minor(line.compensation, currency)
    for (kind, told_in), amount in sorted(charged.items()):
        if amount:
            number_proposed = f"DN-{number}-{kind}-{told_in}"
            yield {"kind": kind, "amount": shown(amount, told_in), "currency": told_in, "date": day, "number": number_proposed}


def left_out_shown(one: LeftOut) -> dict[str, Any]:
    return {"invoice": one.invoice, "instalment": one.instalment or None, "reason": one.reason}


def notice_row(known: Trail) -> dict[str, Any]:
    """A notice as the list has it."""
    notice = known.notice
    names = ("notice", "account", "number", "as_of", "level", "name", "channel", "who", "legal", "currency", "total", "debit_items")
    return {**{name: getattr(notice, name) for name in names}, "state": known.state}


def notice_shown(known: Trail) -> dict[str, Any]:
    """A notice with all that it was made of, and all that was said of it."""
    said = [
        {
            "type": type_of(TOPIC_OF_OURS[type(event)]),
            "recorded": instant_text(at),
            **{name: value for name, value in event._asdict().items() if name not in ("content", "notice", "account")},
        }
        for at, event in known.events
    ]
    return {**known.notice._asdict(), "state": known.state, "trail": said}


def listed(moment: Any, account: str | None, asked: Asked) -> dict[str, Any]:
    """The document of ``exposure dunning list``: every notice, oldest first account by account, and what is stopped; of a day the notices that there
    were, as they stood on it, and what was stopped on it. Raises ``UnknownAccount``."""
    refuse_unknown(moment, account, asked.known_at)
    before, day = moment.position_behind(asked.known_at), asked.as_of
    trails = recorded.trails(moment, account, before)
    if day is None:
        stops = recorded.stopped(moment, account, before)
    else:
        said = recorded.stop_trails(moment, account, before)
        day_said = days_said(moment, [*(one.notice.account for one in trails), *(one[0][1].account for one in said)], asked)
        trails = [by_day(one, day, day_said) for one in trails if one.notice.as_of <= day]
        stops = recorded.standing([(at, word) for at, word in one if day_said(word.account, at) <= day] for one in said)
    return {
        "notices": [notice_row(one) for one in trails],
        "stopped": [one._asdict() for one in stops if day is None or day <= (one.until or LAST_DAY)],
    }


def by_day(known: Trail, day: str, day_said: Callable[[str, int], str]) -> Trail:
    """What was said of a notice by a day. It is there from its own day on, also where it was read back later."""
    first, *others = known.events
    return known._replace(events=[first, *((at, word) for at, word in others if day_said(word.account, at) <= day)])
