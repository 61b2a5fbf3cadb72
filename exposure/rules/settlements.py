"""Allocations, disputes and write-offs: documents of their own that claim something of an item (and an allocation of a credit)."""

from typing import NamedTuple

from exposure.rules.documents import Claim, Document, Key, Net, Span, Timeline, clashes, earliest_day, standing
from schemas.facts import Fact


class Form(NamedTuple):
    """The fact that makes the document and the fact that ends it."""

    made: str
    ended: str


FORMS = {
    "allocation": Form("AllocationMade", "AllocationUndone"),
    "dispute": Form("DisputeOpened", "DisputeResolved"),
    "write_off": Form("WriteOffPosted", "WriteOffReversed"),
}


def claims_of(document: Document) -> dict[Key, Claim]:
    """What the document says of the item it names, and an allocation also of its credit."""
    form = FORMS[document.kind]
    fact = standing(document.facts, form.made)
    if fact is None:
        return {}
    data, spans = fact.data, spans_of(document, fact)
    claim: Claim = {"naming": [[document.key, spans]]}
    claims = {f"invoice:{data['invoice']}": claim}
    if document.kind == "allocation":
        claims[f"credit:{data['credit']}"] = {
            "told": list(fact.told),
            "spans": spans,
            "kind": data.get("credit_kind"),
            "invoice": data["invoice"],
            "amount": data["amount"],
            "credit_amount": data.get("credit_amount"),
        }
    else:
        claim.update(told=list(fact.told), amount=data["amount"])
    return claims


def spans_of(document: Document, fact: Fact) -> list[Span]:
    start, until = fact.data["date"], earliest_day(document.facts, FORMS[document.kind].ended)
    return [[start, until]] if until is None or start < until else []


def evaluate(document: Document) -> Net:
    """Its money moves at the item and the credit; of its own it only has a clash of its number."""
    timeline = Timeline(document, "")
    clash = clashes([fact for fact in document.facts if fact.name == FORMS[document.kind].made])
    if clash:
        timeline.on(clash, {("anomaly:number_clash", document.key, "", ""): 1})
    return timeline.changes()
