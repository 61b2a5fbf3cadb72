"""What was recorded, as plain data: the stored half of the language, needing nothing but the standard library.

A ``Fact`` is one event of one account in the words it came in: days as ISO texts, money as decimal text with exactly its currency's
decimals, optional fields absent when not told. ``STORED`` names every fact for ever; a name is never used again for another shape.
What became of a dead letter, what a check said, and what an alert says, is told by nobody outside: it is recorded in words of our own. So is what is
reserved, but as facts of the account (``OWN``), for it counts in the figures. ``ASKED`` names what may be asked: a request is no fact, and
what is recorded of it is its answer. A payment that clears items of another account is told there by us too.
"""

from typing import Any, NamedTuple

from schemas.amends import DeadLetterErased, OfAmends
from schemas.dunning import OfDunning
from schemas.measures import OfMeasure
from schemas.portfolio import PortfolioMeasured

Data = dict[str, Any]
Told = tuple[str, str, str]
"""Told order: the ERP's time as a UTC instant text, then source, then id; compares as a tuple."""

OUR_SOURCE = "/exposure"
"""The source of the facts that the engine tells of an account itself."""

LAST_DAY = "9999-12-32"
"""After every day there is: "for ever"."""

LAST_VERSION = 2**53 - 1
"""The highest version that a text of a document may have."""


class Fact(NamedTuple):
    """One recorded event: ``version`` is its place in its account's history (1, 2, 3 …)."""

    version: int
    name: str
    time: str
    source: str
    id: str
    digest: str
    data: Data

    @property
    def told(self) -> Told:
        return self.time, self.source, self.id


class DeadLetterRetried(NamedTuple):
    """A dead letter was read again: ``outcome`` is ``taken``, ``told_before``, or ``still_dead`` with the ``code`` of why. ``letter`` is its id,
    ``by`` and ``reason`` are who did it and why."""

    letter: str
    by: str
    reason: str
    outcome: str
    code: str | None


class DeadLetterDiscarded(NamedTuple):
    """A dead letter was given up."""

    letter: str
    by: str
    reason: str


NONE: list[Any] = []
NOTHING_MORE: Data = {}
"""What an older version did not tell. Nobody changes a recorded event."""


class OrderChecked(NamedTuple):
    """A credit check was answered: what was asked, what it saw on its day, and what it said. ``amount`` is in ``currency``, all other money in that
    of the account; ``limit`` is as the account's figures show it.

    ``version`` is that of the account when it was asked, ``inputs`` all that the answer depends on. ``findings`` are the rules that fired with their
    figures, ``warnings`` those of them that refuse nothing, ``judged`` is what the policy makes of the exposure with the order. ``group`` is what
    its group said, ``instead_of`` the account the order leaves, ``reservation`` the credit that is held for it, ``lost_to`` the
    reservations without which it would have passed. ``released`` is the held decision whose release lets the order pass."""

    decision_id: str
    account: str
    order: str
    amount: str
    currency: str
    as_of: str
    policy: str
    decision: str
    reasons: list[str]
    exposure_before: str
    exposure_after: str
    limit: dict[str, Any] | None
    available_after: str | None
    by: str
    version: int = 0
    inputs: Data = NOTHING_MORE
    warnings: list[str] = NONE
    findings: list[Data] = NONE
    group: Data | None = None
    instead_of: str | None = None
    reservation: str | None = None
    lost_to: list[Data] = NONE
    judged: Data | None = None
    released: str | None = None


class RequestAnswered(NamedTuple):
    """A request that was named has its answer, for ever: ``asked`` are the words it was asked in, ``decision_id`` is what it was told. Where it came
    as an event, its name is that event's id and ``source``."""

    account: str
    request: str
    asked: list[str | None]
    decision_id: str
    source: str | None = None


class RequestRefused(NamedTuple):
    """A request that was named could not be decided, for ever: ``asked`` is what it told, ``code`` and ``message`` say why."""

    account: str
    request: str
    source: str
    asked: Data
    code: str
    message: str
    by: str


class PolicyAdopted(NamedTuple):
    """From its recorded instant on a policy is in force: ``text`` is its frozen form, ``version`` the digest of it."""

    version: str
    name: str
    text: str
    by: str
    reason: str


class CheckpointKeyRotated(NamedTuple):
    """From its place in the log on checkpoints are signed with another key (Ed25519, hexadecimal): the old one signs that it is this one."""

    old_key: str
    new_key: str
    made: str
    signature: str
    by: str
    reason: str


class LimitRequested(NamedTuple):
    """Somebody asks for a limit: ``amount`` is decimal text, ``unlimited`` or ``none``; ``policy`` is the version in force."""

    request: str
    account: str
    kind: str
    amount: str
    currency: str
    valid_from: str
    valid_to: str | None
    reason: str
    by: str
    policy: str


class LimitApproved(NamedTuple):
    """Somebody with authority says yes; with the one that ``is_final`` the limit is told of the account."""

    request: str
    account: str
    by: str
    reason: str | None
    policy: str
    is_final: bool


class LimitRejected(NamedTuple):
    """Somebody with authority says no: the request is over."""

    request: str
    account: str
    by: str
    reason: str
    policy: str


class LimitRequestWithdrawn(NamedTuple):
    """Who asked takes the request back."""

    request: str
    account: str
    by: str
    policy: str


class LimitApprovalRefused(NamedTuple):
    """Somebody tried to ``approve``, ``reject`` or ``withdraw`` and may not, for ``code``; the request stands in ``state`` as before."""

    request: str
    account: str
    by: str
    act: str
    code: str
    why: str
    policy: str
    state: str


class HoldReleaseProposed(NamedTuple):
    """Somebody with authority says that a held order may pass, and a second one is needed. ``amount`` is the order's whole value."""

    decision_id: str
    account: str
    order: str
    amount: str
    currency: str
    by: str
    reason: str
    policy: str


class HoldReleased(NamedTuple):
    """A held order may pass up to ``amount``, whatever of ``reasons`` (the rules that held it) still fires. ``proposed_by`` is the first of two who
    said so, ``as_of`` the account's day."""

    decision_id: str
    account: str
    order: str
    amount: str
    currency: str
    by: str
    reason: str
    policy: str
    reasons: list[str]
    proposed_by: str | None
    as_of: str


class HoldReleaseRefused(NamedTuple):
    """Somebody tried to release a held order and may not, for ``code``; the release stands in ``state`` as before."""

    decision_id: str
    account: str
    order: str
    amount: str
    currency: str
    by: str
    reason: str
    policy: str
    code: str
    why: str
    state: str


class AlertRaised(NamedTuple):
    """Something became true of an account that somebody should know, on the day ``effective``; ``sequence`` counts the alerts of the account."""

    alert_id: str
    account: str
    rule: str
    step: int | None
    severity: str
    sequence: int
    effective: str
    figures: dict[str, Any]


class AlertCleared(NamedTuple):
    """It is true no more from the day ``effective`` on. ``clears`` is the id of what was raised; ``reason`` is ``ended``, or ``corrected`` where
    what was told later shows that it was raised with another day than the right one, or should not have been."""

    alert_id: str
    account: str
    rule: str
    step: int | None
    severity: str
    sequence: int
    effective: str
    figures: dict[str, Any]
    clears: str
    reason: str


class AlertAcknowledged(NamedTuple):
    """Somebody has seen the alert ``acknowledges``, and takes care of it; it has its own place in the ``sequence`` of the account's alerts."""

    alert_id: str
    account: str
    rule: str
    step: int | None
    severity: str
    sequence: int
    acknowledges: str
    by: str
    note: str


class AlertEscalated(NamedTuple):
    """Somebody has passed the alert ``escalates`` on ``to`` whom it concerns more."""

    alert_id: str
    account: str
    rule: str
    step: int | None
    severity: str
    sequence: int
    escalates: str
    by: str
    to: str
    note: str


OfLetter = DeadLetterRetried | DeadLetterDiscarded
AlertAct = AlertAcknowledged | AlertEscalated
"""What people did about an alert."""
OfAlert = AlertRaised | AlertCleared
OfLimit = LimitRequested | LimitApproved | LimitRejected | LimitRequestWithdrawn | LimitApprovalRefused
OfRelease = HoldReleaseProposed | HoldReleased | HoldReleaseRefused
OfAccount = OrderChecked | RequestAnswered | RequestRefused | OfLimit | OfRelease | OfDunning | OfMeasure | OfAmends
"""What concerns an account and changes none of its figures: each stands in a stream of its own."""
Ours = OfLetter | DeadLetterErased | OfAccount | OfAlert | AlertAct | PolicyAdopted | PortfolioMeasured | CheckpointKeyRotated

STORED: dict[str, str] = {
    "erp.customer.changed.v1": "CustomerChanged",
    "erp.order.confirmed.v1": "OrderConfirmed",
    "erp.order.amended.v1": "OrderAmended",
    "erp.order.closed.v1": "OrderClosed",
    "erp.order.reopened.v1": "OrderReopened",
    "erp.delivery.posted.v1": "DeliveryPosted",
    "erp.delivery.reversed.v1": "DeliveryReversed",
    "erp.invoice.posted.v1": "InvoicePosted",
    "erp.invoice.cancelled.v1": "InvoiceCancelled",
    "erp.invoice.terms_changed.v1": "InvoiceTermsChanged",
    "erp.credit_note.posted.v1": "CreditNotePosted",
    "erp.credit_note.cancelled.v1": "CreditNoteCancelled",
    "erp.payment.received.v1": "PaymentReceived",
    "erp.payment.returned.v1": "PaymentReturned",
    "erp.payment.return_cancelled.v1": "PaymentReturnCancelled",
    "erp.allocation.made.v1": "AllocationMade",
    "erp.allocation.undone.v1": "AllocationUndone",
    "erp.dispute.opened.v1": "DisputeOpened",
    "erp.dispute.resolved.v1": "DisputeResolved",
    "erp.write_off.posted.v1": "WriteOffPosted",
    "erp.write_off.reversed.v1": "WriteOffReversed",
    "erp.limit.changed.v1": "LimitChanged",
    "erp.protection.changed.v1": "ProtectionChanged",
    "erp.account.blocked.v1": "AccountBlocked",
    "erp.account.unblocked.v1": "AccountUnblocked",
    "erp.fx_rate.published.v1": "FxRatePublished",
    "exposure.account.taken_on.v1": "AccountTakenOn",
    "exposure.credit.reserved.v1": "CreditReserved",
    "exposure.reservation.extended.v1": "ReservationExtended",
    "exposure.reservation.settled.v1": "ReservationSettled",
    "exposure.reservation.released.v1": "ReservationReleased",
    "exposure.payment.transferred.v1": "PaymentTransferred",
    "exposure.promise.made.v1": "PromiseMade",
    "exposure.promise.withdrawn.v1": "PromiseWithdrawn",
    "exposure.measure.applied.v1": "MeasureApplied",
    "exposure.measure.lifted.v1": "MeasureLifted",
}
ASKED: dict[str, str] = {"credit.check.requested.v1": "CheckRequested", "credit.reservation.requested.v1": "ReservationRequested"}
"""Every type of request, and the name it is answered by."""
REQUESTS = frozenset(ASKED.values())

CONTRACT_TYPE: dict[str, str] = {name: type_ for type_, name in STORED.items()}

RESERVING = frozenset({"CreditReserved", "ReservationExtended", "ReservationSettled", "ReservationReleased"})
"""Their ``time`` is the instant they were recorded, and their ``date`` its day in the account's time zone."""

TRANSFER = "PaymentTransferred"
"""What a credit of ``account`` gives to items of another one, all of it: of one ``transfer`` the highest ``version`` (the paying account's) counts.
Its ``time`` is that of the fact it follows from."""

PROMISES = frozenset({"PromiseMade", "PromiseWithdrawn"})
"""What a customer has said to pay: ``instalments`` in order of their days, of ``invoices`` that were open then, told to ``by``; ``paid_before`` is
what of these had been paid on its own day before it was made. A note on it is sealed. Their ``time`` is the instant they were recorded, and their
``date`` its day in the account's time zone."""

MEASURES = frozenset({"MeasureApplied", "MeasureLifted"})
"""What is done about an account from the day ``date`` on; ``until`` is the last day of what ends by itself. A lowered limit is a ``LimitChanged``."""

OWN = RESERVING | PROMISES | MEASURES | {TRANSFER}
"""Facts of an account that only the engine records. The door takes none of them: nobody outside can reserve by an event, or give back what others
reserved."""

ALLOCATES = frozenset({"PaymentReceived", "CreditNotePosted", "AllocationMade"})
"""Facts that may name items of another account."""
