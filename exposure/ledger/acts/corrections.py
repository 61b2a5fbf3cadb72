"""Corrections made by people: what an ERP told wrongly and can not take back is taken back by an event that says what it corrects, who and why.

Law: nothing recorded is changed, and the figures are those of the ERP's own cancellation of that day. The event and the word that gives its reasons
are one transaction; the same correction once more records nothing. What it costs does not grow with the account's history: one document is read.
"""

from typing import Any, NamedTuple

from exposure.ledger.acts.cases import record as record_cases
from exposure.ledger.acts.decisions import digest_of
from exposure.ledger.loading import caught_up
from exposure.ledger.own_facts import tell
from exposure.rules.orders import TEXTS
from exposure.rules.references import own_key
from schemas.amends import CorrectionMade
from schemas.facts import CONTRACT_TYPE, LAST_VERSION, Data, Fact
from schemas.stored import read_ours

KIND = "correction"


class Undoing(NamedTuple):
    """The facts that tell a document, the one that takes it back, and the one that takes that back again, where there is one."""

    tells: tuple[str, ...]
    undoes: str
    restores: str = ""


UNDOING = {
    "order": Undoing(TEXTS, "OrderClosed", "OrderReopened"),
    "delivery": Undoing(("DeliveryPosted",), "DeliveryReversed"),
    "invoice": Undoing(("InvoicePosted",), "InvoiceCancelled"),
    "credit_note": Undoing(("CreditNotePosted",), "CreditNoteCancelled"),
    "payment": Undoing(("PaymentReceived",), "PaymentReturned", "PaymentReturnCancelled"),
    "allocation": Undoing(("AllocationMade",), "AllocationUndone"),
    "dispute": Undoing(("DisputeOpened",), "DisputeResolved"),
    "write_off": Undoing(("WriteOffPosted",), "WriteOffReversed"),
}
"""By kind of document."""


class Found(NamedTuple):
    """What was told of a document: by which events (one that was told again in the same words only once), and of what takes it back or does so no
    more the one that counts last."""

    told: list[Fact]
    last: Fact | None
    has_last_version: bool


def stream_of(account: str, kind: str, number: str) -> str:
    return f"{KIND}:{digest_of(account, [KIND, kind, number])}"


def told_of(moment: Any, account: str, kind: str, number: str) -> Found:
    undoing = UNDOING[kind]
    key = own_key(undoing.undoes, {kind: number}, account)
    facts = caught_up(moment, [account], [(account, key)])[account].documents[key].facts
    turns = [fact for fact in facts if fact.name in (undoing.undoes, undoing.restores)]
    last = max(turns, key=lambda fact: (fact.data.get("version", 0), fact.data["date"], fact.told), default=None)
    has_last_version = kind == "order" and any(fact.data.get("version") == LAST_VERSION for fact in facts)
    return Found([fact for fact in facts if fact.name in undoing.tells], last, has_last_version)


def of_account(moment: Any, account: str | None, before: int | None = None) -> list[CorrectionMade]:
    """Those of one account or of all, in order of accounts; that were made before a position of the log."""
    found = (known(moment, stream) for _, stream in moment.cases_of_kind(KIND, None, account, before))
    return [one for one in found if one is not None]


def known(moment: Any, stream: str) -> CorrectionMade | None:
    first = moment.first_event(stream)
    event = None if first is None else read_ours(*first)
    assert event is None or isinstance(event, CorrectionMade)
    return event


def record(writing: Any, made: CorrectionMade) -> None:
    """Takes the document back, and says why. An order is closed by the last version there is: no version of its ERP clashes with it or follows it."""
    stream = stream_of(made.account, made.kind, made.document)
    data: Data = {made.kind: made.document, "date": made.date}
    if made.kind == "order":
        data |= {"version": LAST_VERSION, "reason": "cancelled"}
    tell(writing, [(made.account, UNDOING[made.kind].undoes, stream, data)], made.by)
    record_cases(writing, [(stream, made)], made.by)


def naming(facts: list[Fact]) -> list[dict[str, str]]:
    return [{"type": CONTRACT_TYPE[fact.name], "source": fact.source, "id": fact.id} for fact in facts]
