"""What was recorded, as plain data: the stored half of the language, importing nothing but the standard library.

A ``Fact`` is one event of one account in the words it came in: days as ISO texts, money as decimal text with exactly its currency's
decimals, optional fields absent when not told. ``STORED`` names every fact for ever; a name is never used again for another shape.
What became of a dead letter, what a check said, and what an alert says, is told by nobody outside: it is recorded in words of our own.
"""

from typing import Any, NamedTuple

Data = dict[str, Any]
Told = tuple[str, str, str]
"""Told order: the ERP's time as a UTC instant text, then source, then id; compares as a tuple."""

LAST_DAY = "9999-12-32"
"""After every day there is: "for ever"."""


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


class OrderChecked(NamedTuple):
    """A credit check was answered: what was asked, what it saw on its day, and what it said. ``amount`` is in ``currency``, all other money in that
    of the account; ``limit`` is as the account's figures show it."""

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


OfLetter = DeadLetterRetried | DeadLetterDiscarded
OfAlert = AlertRaised | AlertCleared
Ours = OfLetter | OrderChecked | OfAlert

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
}
CONTRACT_TYPE: dict[str, str] = {name: type_ for type_, name in STORED.items()}
