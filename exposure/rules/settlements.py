"""Allocations, disputes and write-offs: documents of their own that claim something of an item (and an allocation of a credit)."""

from typing import Any, NamedTuple

from exposure.rules.documents import Claim, Document, Key, Movement, moved
from exposure.rules.spans import clash_of, last_change, span_from, standing
from schemas.facts import LAST_DAY


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
    data = fact.data
    start, until = span_from(data["date"], document.facts, form.ended)
    last = last_change(start, until)
    names: tuple[Any, ...] = ((document.key, start, until),) if start < LAST_DAY else ()
    item = "invoice:" + data["invoice"]
    if document.kind != "allocation":
        return {item: (start, last, names, (), fact.told, data["amount"])}
    credit = (start, last, fact.told, start, until, data.get("credit_kind"), data["invoice"], data["amount"], data.get("credit_amount"))
    if "account" in data:
        return {"credit:" + data["credit"]: (*credit, data["account"])}
    return {item: (start, last, names, (), None, ""), "credit:" + data["credit"]: credit}


def evaluate(document: Document, version: int) -> list[Movement]:
    """Its money moves at the item and the credit; of its own it only has a clash of its number."""
    clash = clash_of(document.facts, FORMS[document.kind].made)
    if clash is None and not document.moves:
        return []
    return moved(document, version, "", [(clash, {("anomaly:number_clash", document.key, "", ""): 1})] if clash else [])
