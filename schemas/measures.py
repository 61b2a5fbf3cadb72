"""What is recorded of measures: what an alert or somebody proposes to do about an account, what became of it, and what was taken back.

A measure that was applied is told as a fact of the account beside this (``LimitChanged``, ``MeasureApplied``), for figures and checks follow it.
"""

from typing import Any, NamedTuple

LOWER_LIMIT, WATCH, PREPAYMENT, STOP_DELIVERIES = "lower_limit", "watch", "prepayment", "stop_deliveries"
TAKES = (LOWER_LIMIT, WATCH, PREPAYMENT, STOP_DELIVERIES)
"""All that may be done."""


class MeasureProposed(NamedTuple):
    """To ``take`` something is proposed: because of the ``alert`` by a ``rule`` (all ``None`` where a person proposes it), in sight of ``figures``.
    A limit is lowered to ``amount`` of ``currency``; it ends by itself after ``days``. ``by`` is who proposes: of an alert ``policy VERSION``."""

    measure: str
    account: str
    take: str
    alert: str | None
    rule: str | None
    step: int | None
    figures: dict[str, Any]
    amount: str | None
    currency: str | None
    days: int | None
    by: str
    reason: str
    policy: str


class MeasureApproved(NamedTuple):
    """Somebody says yes, or the policy does it alone: it counts from the day ``date`` on, until the day ``until`` where it ends by itself. A lowered
    limit is of the kind (``limit_kind``) of the one that counted."""

    measure: str
    account: str
    by: str
    reason: str
    policy: str
    date: str
    until: str | None
    limit_kind: str | None = None


class MeasureRejected(NamedTuple):
    """Somebody says no, or takes back what they proposed themselves."""

    measure: str
    account: str
    by: str
    reason: str
    policy: str


class MeasureLapsed(NamedTuple):
    """The alert was cleared while the proposal waited: ``cleared_by`` is the id of what cleared it, ``reason`` why (``ended``, ``corrected``)."""

    measure: str
    account: str
    by: str
    reason: str
    cleared_by: str


class MeasureTakenBack(NamedTuple):
    """Somebody lifts it: from the day ``date`` on it does not count any more."""

    measure: str
    account: str
    by: str
    reason: str
    policy: str
    date: str


class MeasureActRefused(NamedTuple):
    """Somebody tried to ``act`` and may not, for ``code``; the measure stands in ``state`` as before."""

    measure: str
    account: str
    by: str
    act: str
    code: str
    why: str
    policy: str
    state: str


OfMeasure = MeasureProposed | MeasureApproved | MeasureRejected | MeasureLapsed | MeasureTakenBack | MeasureActRefused
