"""The words of dunning, as plain data: what a policy says of its ladder, interest and fixed sums, and what was recorded of notices and of stops.

Money is decimal text in the policy's currency, a rate a decimal text in per cent a year, a day an ISO text. Levels are counted from 1, in the
order in which the policy has them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

DISPUTE, PROMISE, BLOCK = "dispute", "promise", "block"
STOPS = (DISPUTE, PROMISE, BLOCK)
"""What keeps an item from being dunned: a dispute of it, a promise to pay it, and somebody's word (``exposure dunning stop``)."""
ACTUAL_365, ACTUAL_360, ACTUAL_ACTUAL, THIRTY_360 = "actual/365", "actual/360", "actual/actual", "30/360"
TOTAL, DAILY = "total", "daily"


class DunningStep(NamedTuple):
    """A level of the ladder: from so many ``days`` overdue on an item may be noticed so, by a ``channel``, by ``who``; ``legal`` hands it over."""

    days: int
    name: str
    channel: str
    who: str | None = None
    fee: str | None = None
    legal: bool = False
    text: str | None = None


class YearlyRate(NamedTuple):
    """From a day on, until the next one is."""

    valid_from: str
    per_cent: str


class LateInterest(NamedTuple):
    """Simple interest at the rate of each day and ``on_top`` points more, charged from a level on; ``rounding`` is ``total`` (once, of all days)
    or ``daily`` (each day's interest first)."""

    rates: tuple[YearlyRate, ...]
    on_top: str = "0"
    days: str = ACTUAL_365
    rounding: str = TOTAL
    from_level: int = 1


class FixedSum(NamedTuple):
    """What the first notice of an item asks for its recovery, where at least so much of it is owed."""

    amount: str
    at_least: str = "0"


class Dunning(NamedTuple):
    """How accounts of a class are dunned. Between two notices of an item lie ``interval_days`` at least; below ``minimum`` nothing is dunned."""

    levels: tuple[DunningStep, ...]
    interval_days: int = 1
    minimum: str | None = None
    interest: LateInterest | None = None
    fixed_sums: tuple[FixedSum, ...] = ()
    stops: tuple[str, ...] = STOPS


def dunning_of(levels: Sequence[Mapping[str, Any]], **rest: Any) -> Dunning:
    """From the content of a policy."""
    if "interest" in rest:
        told = dict(rest["interest"])
        rates = sorted((YearlyRate(**rate) for rate in told.pop("rates")), key=lambda rate: rate.valid_from)
        rest["interest"] = LateInterest(tuple(rates), **told)
    if "fixed_sums" in rest:
        rest["fixed_sums"] = tuple(FixedSum(**told) for told in rest["fixed_sums"])
    if "stops" in rest:
        rest["stops"] = tuple(stop for stop in STOPS if stop in rest["stops"])
    return Dunning(tuple(DunningStep(**told) for told in levels), **rest)


class DunningNotice(NamedTuple):
    """A notice with all it was made of. ``level`` (with its ``name``, ``channel``, ``who``, ``legal`` and ``text``) is the highest of its ``lines``;
    ``total`` is what they ask for, in the account's ``currency``. ``number`` counts the notices of the account.

    A line is an item with its ``due``, ``days``, ``amount`` (what of it is asked for), ``level``, and what it is charged: ``interest`` for the nights
    ``interest_from`` to ``interest_to``, and ``compensation``. ``debit_items`` is what the ERP is asked to post, each under the ``number``
    proposed. ``left_out`` are the items that are overdue and not dunned by it, with the reason; ``figures`` are those of the account on its day."""

    notice: str
    account: str
    number: int
    as_of: str
    level: int
    name: str
    channel: str
    who: str | None
    legal: bool
    text: str | None
    currency: str
    total: str
    lines: list[dict[str, Any]]
    debit_items: list[dict[str, Any]]
    left_out: list[dict[str, Any]]
    figures: dict[str, Any]
    policy: str
    version: int


class DunningNoticeProposed(NamedTuple):
    """A notice of a level that is legal waits for somebody's yes: ``content`` is the notice. Nobody outside is told of it."""

    notice: str
    account: str
    content: dict[str, Any]
    by: str


class DunningNoticeIssued(NamedTuple):
    """A notice went out, and the ERP is told what to post: ``content`` is the notice; ``reason`` says why, of one that was approved."""

    notice: str
    account: str
    content: dict[str, Any]
    by: str
    reason: str | None = None


class DunningNoticeCancelled(NamedTuple):
    """A notice, or the proposal of one, is taken back: its items are again on the level they were on before."""

    notice: str
    account: str
    by: str
    reason: str


class DunningApprovalRefused(NamedTuple):
    """Somebody tried to approve a notice and may not, or it stands no more as it was proposed, for ``code``; it stays in ``state``."""

    notice: str
    account: str
    by: str
    reason: str
    code: str
    why: str
    state: str


class DunningStopped(NamedTuple):
    """Nothing of the account, or of one ``invoice`` of it, is dunned, ``until`` the end of a day or until it is resumed."""

    account: str
    invoice: str | None
    until: str | None
    by: str
    reason: str


class DunningResumed(NamedTuple):
    """What was stopped may be dunned again."""

    account: str
    invoice: str | None
    by: str
    reason: str


OfNotice = DunningNoticeProposed | DunningNoticeIssued | DunningNoticeCancelled | DunningApprovalRefused
OfStop = DunningStopped | DunningResumed
OfDunning = OfNotice | OfStop
