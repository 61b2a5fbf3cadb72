"""What a fact is told of, what it names, and what else it may change: the documents that have to be loaded before it is taken."""

from collections.abc import Iterable, Mapping
from typing import Any

from exposure.rules import credits, deliveries, invoices, promises, settlements
from exposure.rules.documents import Claim, Document, Key
from exposure.rules.orders import line_claim
from exposure.rules.spans import NEVER, Span, standing
from schemas.facts import TRANSFER, Data, Fact

OWN_KIND: dict[str, tuple[str, str]] = {
    "CustomerChanged": ("customer:", ""),
    "AccountBlocked": ("customer:", ""),
    "AccountUnblocked": ("customer:", ""),
    "AccountTakenOn": ("customer:", ""),
    "OrderConfirmed": ("order:", "order"),
    "OrderAmended": ("order:", "order"),
    "OrderClosed": ("order:", "order"),
    "OrderReopened": ("order:", "order"),
    "CreditReserved": ("order:", "order"),
    "ReservationExtended": ("order:", "order"),
    "ReservationSettled": ("order:", "order"),
    "ReservationReleased": ("order:", "order"),
    "DeliveryPosted": ("delivery:", "delivery"),
    "DeliveryReversed": ("delivery:", "delivery"),
    "InvoicePosted": ("invoice:", "invoice"),
    "InvoiceCancelled": ("invoice:", "invoice"),
    "InvoiceTermsChanged": ("invoice:", "invoice"),
    "CreditNotePosted": ("credit:", "credit_note"),
    "CreditNoteCancelled": ("credit:", "credit_note"),
    "PaymentReceived": ("credit:", "payment"),
    "PaymentReturned": ("credit:", "payment"),
    "PaymentReturnCancelled": ("credit:", "payment"),
    "AllocationMade": ("allocation:", "allocation"),
    "AllocationUndone": ("allocation:", "allocation"),
    "DisputeOpened": ("dispute:", "dispute"),
    "DisputeResolved": ("dispute:", "dispute"),
    "WriteOffPosted": ("write_off:", "write_off"),
    "WriteOffReversed": ("write_off:", "write_off"),
    "LimitChanged": ("limit:", "limit"),
    "ProtectionChanged": ("protection:", "protection"),
    TRANSFER: ("transfer:", "transfer"),
    "PromiseMade": ("promise:", "promise"),
    "PromiseWithdrawn": ("promise:", "promise"),
    "MeasureApplied": ("measure:", "measure"),
    "MeasureLifted": ("measure:", "measure"),
}
"""Of each fact, the kind of document it is told of and the field that holds its number ("" for the account itself)."""

CLAIMANTS = ("delivery", "credit", "transfer")
"""Kinds of documents whose evaluation changes what they claim of others: they come first. Promises come last: they only look at invoices."""

ANNOUNCES = frozenset({name for name, (kind, _) in OWN_KIND.items() if kind in ("delivery:", "invoice:", "allocation:", "dispute:", "write_off:")})
ANNOUNCES |= {"CreditNotePosted", "CreditNoteCancelled", "PromiseMade"}
"""Facts that change what their document claims of others by its own facts alone."""

NAMES_LINES = ("InvoicePosted", "DeliveryPosted", "CreditNotePosted")
NAMES_AN_INVOICE = ("AllocationMade", "DisputeOpened", "WriteOffPosted")
HAS_ALLOCATIONS = ("PaymentReceived", "CreditNotePosted")

EXISTENCE = ("InvoicePosted", "InvoiceCancelled")
"""Facts that decide from when until when an item can be cleared."""


def own_key(name: str, data: Data, account: str) -> Key:
    kind, field = OWN_KIND[name]
    return kind + (data[field] if field else account)


def names(name: str, data: Data, account: str) -> list[Key]:
    """Every document a fact names, pending references included, once each: first its own."""
    keys = {own_key(name, data, account): None}
    if name in NAMES_LINES:
        for line in data.get("lines", ()):
            if "order" in line:
                keys["order:" + line["order"]] = None
            if "delivery" in line:
                keys["delivery:" + line["delivery"]] = None
    if name in HAS_ALLOCATIONS:
        for allocation in data.get("allocations", ()):
            if "account" not in allocation:
                keys["invoice:" + allocation["invoice"]] = None
    elif name in NAMES_AN_INVOICE:
        if "account" not in data:
            keys["invoice:" + data["invoice"]] = None
        if "credit" in data:
            keys["credit:" + data["credit"]] = None
    elif name == "PromiseMade":
        for invoice in data["invoices"]:
            keys["invoice:" + invoice] = None
    elif name == TRANSFER:
        for part in data["parts"]:
            keys["invoice:" + part["invoice"]] = None
    return list(keys)


def reaches(name: str, own: Document, named: Iterable[Key], documents: Mapping[Key, Document]) -> set[Key]:
    """What else may change, as far as the loaded documents tell: called again when more are loaded, until nothing is new.

    ``own`` is the document the fact is told of, ``named`` are all that it names.
    """
    keys: set[Key] = set()
    if own.facts and own.kind != "order":
        keys.update(announced(own))
    if own.inbox:
        keys.update(watching(name, own))
    for key in (*keys, *named) if keys else named:
        document = documents.get(key)
        if document is None or not (document.facts or document.inbox):
            continue
        if document.kind == "delivery":
            keys.update(deliveries.orders_of(document))
        elif document.kind == "credit":
            keys.update(credits.items_named(document))
        elif document.kind == "transfer":
            keys.update(document.inbox)
        elif document.kind == "invoice":
            keys.update(promises.named_by(document))
    return keys


def watching(name: str, own: Document) -> list[Key]:
    """Those that copied something of this document which the fact changes: credits and transfers its existence, deliveries its prices."""
    if name in EXISTENCE:
        return [key for key in own.inbox if key.startswith(("credit:", "transfer:"))]
    if own.kind == "order":
        return [key for key, claim in own.inbox.items() if claim[8] is not None]
    return []


def announced(document: Document) -> dict[Key, Claim]:
    """What a document claims of others by its own facts alone."""
    kind = document.kind
    if kind == "invoice":
        posted = standing(document.facts, "InvoicePosted")
        return line_claims(document.key, "invoiced", posted, invoices.span_of(document.facts, posted))
    if kind == "delivery":
        posted = standing(document.facts, "DeliveryPosted")
        return deliveries.orders_claims(document, posted, deliveries.span_of(document, posted), {})
    if kind == "credit":
        posted = standing(document.facts, "CreditNotePosted")
        span = credits.noted_spans(document.facts, posted.data["date"])[0] if posted else NEVER
        return line_claims("credit_note:" + document.number, "uninvoiced", posted, span)
    if kind in settlements.FORMS:
        return settlements.claims_of(document)
    if kind == "promise":
        return promises.claims(document)
    return {}


def line_claims(naming: str, role: str, posted: Fact | None, span: Span) -> dict[Key, Claim]:
    """What the lines of an invoice or credit note say of the orders and deliveries they name."""
    if posted is None or "lines" not in posted.data:
        return {}
    of_orders: dict[str, list[Any]] = {}
    of_deliveries: dict[str, list[Any]] = {}
    for line in posted.data["lines"]:
        unit = "quantity" if "quantity" in line else "value"
        order, number, delivery, is_final = line.get("order"), line.get("line"), None, "final" in line
        if "delivery" in line:
            delivery = "delivery:" + line["delivery"]
            of_deliveries.setdefault(delivery, []).append((order, number, unit, line[unit], is_final))
        if order is not None:
            of_orders.setdefault(order, []).append((number, unit, line[unit], is_final, delivery))
    currency = posted.data["currency"]
    claims = {"order:" + order: line_claim(role, naming, currency, span, tuple(told)) for order, told in of_orders.items()}
    for delivery, told in of_deliveries.items():
        claims[delivery] = line_claim(role, naming, currency, span, tuple(told))
    return claims
