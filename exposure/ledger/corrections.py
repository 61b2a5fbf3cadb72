"""Corrections made by people: what an ERP told wrongly and can not take back is taken back by an event that says what it corrects, who and why.

Law: nothing recorded is changed, and the figures are those of the ERP's own cancellation of that day. The event and the word that gives its reasons
are one transaction; the same correction once more records nothing.
"""

from typing import Any, NamedTuple

from exposure.ledger.cases import record as record_cases
from exposure.ledger.decisions import digest_of
from exposure.ledger.own_facts import tell
from schemas.amends import CorrectionMade
from schemas.facts import CONTRACT_TYPE, Fact
from schemas.stored import NAMES, UPCASTERS, read_fact, read_ours

KIND = "correction"


class Undoing(NamedTuple):
    """The fact that posts a document, and the one that takes it back."""

    posts: str
    undoes: str


UNDOING = {
    "delivery": Undoing("DeliveryPosted", "DeliveryReversed"),
    "invoice": Undoing("InvoicePosted", "InvoiceCancelled"),
    "credit_note": Undoing("CreditNotePosted", "CreditNoteCancelled"),
    "payment": Undoing("PaymentReceived", "PaymentReturned"),
    "allocation": Undoing("AllocationMade", "AllocationUndone"),
    "dispute": Undoing("DisputeOpened", "DisputeResolved"),
    "write_off": Undoing("WriteOffPosted", "WriteOffReversed"),
}
"""By kind of document. Orders are not among them: closing counts their versions on, and the ERP's next version would clash with ours."""


def stream_of(account: str, kind: str, number: str) -> str:
    return f"{KIND}:{digest_of(account, [KIND, kind, number])}"


def told_of(moment: Any, account: str, kind: str, number: str) -> tuple[list[Fact], list[Fact]]:
    """What was told of a document, as posted and as taken back."""
    undoing = UNDOING[kind]
    facts: dict[str, list[Fact]] = {undoing.posts: [], undoing.undoes: []}
    for _, version, topic, state, *_ in moment.events(f"account:{account}"):
        if topic.partition(".")[0] in facts and (topic in NAMES or topic in UPCASTERS):
            fact = read_fact(version, topic, state)
            if fact.data[kind] == number:
                facts[fact.name].append(fact)
    return facts[undoing.posts], facts[undoing.undoes]


def known(moment: Any, stream: str) -> CorrectionMade | None:
    first = moment.first_event(stream)
    event = None if first is None else read_ours(*first)
    assert event is None or isinstance(event, CorrectionMade)
    return event


def record(writing: Any, made: CorrectionMade) -> None:
    """Takes the document back, and says why."""
    stream = stream_of(made.account, made.kind, made.document)
    tell(writing, [(made.account, UNDOING[made.kind].undoes, stream, {made.kind: made.document, "date": made.date})], made.by)
    record_cases(writing, [(stream, made)], made.by)


def naming(facts: list[Fact]) -> list[dict[str, str]]:
    return [{"type": CONTRACT_TYPE[fact.name], "source": fact.source, "id": fact.id} for fact in facts]
