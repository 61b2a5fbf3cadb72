"""What one fact changes: the documents it names are evaluated anew, in the order money moves, and their new movements are returned.

Law: evaluating a document depends only on the facts told of it and on what others claim of it, never on the order they arrived in.
"""

from collections.abc import Iterable, Mapping

from exposure.rules import credits, deliveries, invoices, orders, settlements, terms
from exposure.rules.documents import Claim, Document, Key, Movement, Span, claim_days, standing
from schemas.facts import LAST_DAY, Data, Fact

OWN_KIND: dict[str, tuple[str, str]] = {
    "CustomerChanged": ("customer", ""),
    "AccountBlocked": ("customer", ""),
    "AccountUnblocked": ("customer", ""),
    "AccountTakenOn": ("customer", ""),
    "OrderConfirmed": ("order", "order"),
    "OrderAmended": ("order", "order"),
    "OrderClosed": ("order", "order"),
    "OrderReopened": ("order", "order"),
    "DeliveryPosted": ("delivery", "delivery"),
    "DeliveryReversed": ("delivery", "delivery"),
    "InvoicePosted": ("invoice", "invoice"),
    "InvoiceCancelled": ("invoice", "invoice"),
    "InvoiceTermsChanged": ("invoice", "invoice"),
    "CreditNotePosted": ("credit", "credit_note"),
    "CreditNoteCancelled": ("credit", "credit_note"),
    "PaymentReceived": ("credit", "payment"),
    "PaymentReturned": ("credit", "payment"),
    "PaymentReturnCancelled": ("credit", "payment"),
    "AllocationMade": ("allocation", "allocation"),
    "AllocationUndone": ("allocation", "allocation"),
    "DisputeOpened": ("dispute", "dispute"),
    "DisputeResolved": ("dispute", "dispute"),
    "WriteOffPosted": ("write_off", "write_off"),
    "WriteOffReversed": ("write_off", "write_off"),
    "LimitChanged": ("limit", "limit"),
    "ProtectionChanged": ("protection", "protection"),
}
"""Of each fact, the kind of document it is told of and the field that holds its number ("" for the account itself)."""

CLAIMANTS = ("delivery:", "credit:")
"""Documents whose evaluation changes what they claim of others: they come first."""

EVERY_TURN = ("PaymentReturned", "PaymentReturnCancelled")
"""Facts that have no number of their own: each counts."""

NAMES_AN_INVOICE = ("AllocationMade", "DisputeOpened", "WriteOffPosted")

EXISTENCE = ("InvoicePosted", "InvoiceCancelled")
"""Facts that decide from when until when an item can be cleared."""


class MissingDocument(LookupError):
    """A document that has to be loaded before this fact can be taken."""

    def __init__(self, account: str, key: Key) -> None:
        super().__init__(f"{key} of {account}")
        self.account = account
        self.key = key

    def note(self, missed: set[tuple[str, Key]]) -> None:
        """Adds the document to those that were missed; raises itself again where it was loaded and is missed all the same."""
        if (self.account, self.key) in missed:
            raise self
        missed.add((self.account, self.key))


Changed = dict[Key, str]
"""The documents a fact changes, each with the first day on which it may say something else."""


def own_key(name: str, data: Data, account: str) -> Key:
    kind, field = OWN_KIND[name]
    return f"{kind}:{data[field] if field else account}"


def names(name: str, data: Data, account: str) -> set[Key]:
    """Every document a fact names, its own among them, pending references included."""
    keys = {own_key(name, data, account)}
    for line in data.get("lines", ()):
        if "order" in line:
            keys.add("order:" + line["order"])
        if "delivery" in line:
            keys.add("delivery:" + line["delivery"])
    for allocation in data.get("allocations", ()):
        keys.add("invoice:" + allocation["invoice"])
    if name in NAMES_AN_INVOICE:
        keys.add("invoice:" + data["invoice"])
        if "credit" in data:
            keys.add("credit:" + data["credit"])
    return keys


def reaches(name: str, own: Document, named: Iterable[Key], documents: Mapping[Key, Document]) -> set[Key]:
    """What else may change, as far as the loaded documents tell: called again when more are loaded, until nothing is new.

    ``own`` is the document the fact is told of, ``named`` are all that it names.
    """
    keys: set[Key] = set()
    if own.facts:
        keys.update(announced(own))
    if own.inbox and name in EXISTENCE:
        keys.update(key for key in own.inbox if key.startswith("credit:"))
    elif own.inbox and own.kind == "order":
        keys.update(key for key, claim in own.inbox.items() if "watches" in claim)
    for key in (*keys, *named):
        if key.startswith(CLAIMANTS) and (document := documents.get(key)) and (document.facts or document.inbox):
            keys.update(credits.items_named(document) if document.kind == "credit" else announced(document))
    return keys


def evolve(account: str, fact: Fact, documents: Mapping[Key, Document]) -> tuple[list[Document], list[Movement]]:
    """Takes one fact into its documents. Returns the changed documents and the movements the fact caused.

    ``documents`` holds at least what the fact names and reaches; raises ``MissingDocument`` where it does not
    (the documents are then half changed and must be loaded again).
    """
    try:
        return taken(account, fact, documents)
    except KeyError as missing:
        key = missing.args[0]
        if key in documents or ":" not in key:
            raise
        raise MissingDocument(account, key) from missing


def taken(account: str, fact: Fact, documents: Mapping[Key, Document]) -> tuple[list[Document], list[Movement]]:
    own = documents[own_key(fact.name, fact.data, account)]
    since = "" if own.facts and not is_alone(own, fact) else fact.data.get("date", "")
    if own.facts and not is_news(own, fact):
        return [], []
    before = announced(own) if own.facts else {}
    own.facts.append(fact)
    own.version = fact.version
    changed: Changed = {own.key: since}
    after = announced(own)
    post(own, after, documents, changed)
    post(own, {key: None for key in before if key not in after}, documents, changed)
    watch(fact.name, own, documents, changed)
    return settled(fact.version, documents, changed)


def is_alone(own: Document, fact: Fact) -> bool:
    """Whether nothing of its kind was told of the document before: then nothing changes before its own day."""
    if own.kind == "order" or fact.name == invoices.TERMS:
        version = fact.data["version"]
        return version > 0 and all(known.data.get("version") != version for known in own.facts)
    return own.kind == "invoice" and all(known.name != fact.name and known.data.get("version") != 0 for known in own.facts)


def is_news(own: Document, fact: Fact) -> bool:
    """Told again with equal data and later in told order, a fact changes nothing."""
    return fact.name in EVERY_TURN or not any(
        known.name == fact.name and known.digest == fact.digest and known.told <= fact.told for known in own.facts
    )


def settled(version: int, documents: Mapping[Key, Document], changed: Changed) -> tuple[list[Document], list[Movement]]:
    moves: list[Movement] = []
    for key in list(changed):
        if key.startswith(CLAIMANTS):
            moves += evaluated(documents[key], version, changed[key], documents, changed)
    for key, since in changed.items():
        if not key.startswith(CLAIMANTS):
            moves += evaluated(documents[key], version, since, documents, changed)
    return [documents[key] for key in changed], moves


def evaluated(document: Document, version: int, since: str, documents: Mapping[Key, Document], changed: Changed) -> list[Movement]:
    kind = document.kind
    if kind == "order":
        changes = orders.evaluate(document, since)
    elif kind == "invoice":
        changes = invoices.evaluate(document, since)
    elif kind == "delivery":
        learn_prices(document, documents)
        changes, claims = deliveries.evaluate(document)
        post(document, claims, documents, changed)
    elif kind == "credit":
        learn_existence(document, documents)
        changes, claims = credits.evaluate(document)
        post(document, claims, documents, changed)
        post(document, forgotten(document, claims), documents, changed)
    elif kind in settlements.FORMS:
        changes = settlements.evaluate(document)
    else:
        changes = terms.evaluate(document)
    return document.move(version, changes)


def forgotten(document: Document, claims: dict[Key, Claim]) -> dict[Key, Claim]:
    """Items a credit does not name any more (another text of its number turned out to be the first told)."""
    lost = [key for key in document.inbox if key.startswith("invoice:") and key not in claims]
    for key in lost:
        del document.inbox[key]
    return dict.fromkeys(lost)


def learn_existence(credit: Document, documents: Mapping[Key, Document]) -> None:
    """A credit copies from when until when the items it names can be cleared, where those are loaded (else its copy still holds)."""
    for key in credits.items_named(credit):
        if key in documents:
            credit.inbox[key] = invoices.existence(documents[key])


def learn_prices(delivery: Document, documents: Mapping[Key, Document]) -> None:
    """A delivery that has to spread copies the prices of its orders."""
    if any(deliveries.only_delivery(claim) for claim in delivery.inbox.values()):
        for key in announced(delivery):
            delivery.inbox[key] = {"prices": orders.prices(documents[key])}


def post(source: Document, claims: Mapping[Key, Claim | None], documents: Mapping[Key, Document], changed: Changed) -> None:
    """Puts claims into the documents they are about; those that learn something new are evaluated too, from its first day on."""
    for key, claim in claims.items():
        target = documents[key]
        old = target.inbox.get(source.key)
        if old == claim:
            continue
        if claim is None:
            del target.inbox[source.key]
        else:
            target.inbox[source.key] = claim
        days = (claim_days(old) if old else []) + (claim_days(claim) if claim else [])
        changed[key] = min([*days, changed.get(key, LAST_DAY)])


def watch(name: str, own: Document, documents: Mapping[Key, Document], changed: Changed) -> None:
    """Those that copied something of this document learn its news."""
    for key, claim in own.inbox.items():
        if (name in EXISTENCE and key.startswith("credit:")) or (own.kind == "order" and "watches" in claim):
            changed[documents[key].key] = ""


def announced(document: Document) -> dict[Key, Claim]:
    """What a document claims of others by its own facts alone."""
    if document.kind in settlements.FORMS:
        return settlements.claims_of(document)
    if document.kind == "invoice":
        return line_claims(document.key, "invoiced", standing(document.facts, "InvoicePosted"), invoices.spans_of(document))
    if document.kind == "credit":
        return line_claims(f"credit_note:{document.number}", "uninvoiced", *credits.credit_note_of(document))
    if document.kind == "delivery":
        return deliveries.orders_claims(document, standing(document.facts, "DeliveryPosted"), deliveries.spans_of(document))
    return {}


def line_claims(naming: str, role: str, posted: Fact | None, spans: list[Span]) -> dict[Key, Claim]:
    """What the lines of an invoice or credit note say of the orders and deliveries they name."""
    claims: dict[Key, Claim] = {}
    if posted is None or "lines" not in posted.data:
        return claims
    head = {"naming": naming, "role": role, "currency": posted.data["currency"], "spans": spans}
    for line in posted.data["lines"]:
        unit = "quantity" if "quantity" in line else "value"
        is_final = bool(line.get("final"))
        delivery = f"delivery:{line['delivery']}" if "delivery" in line else None
        if "order" in line:
            claim = claims.setdefault(f"order:{line['order']}", {**head, "entries": []})
            claim["entries"].append([line.get("line"), unit, line[unit], is_final, delivery])
        if delivery:
            claim = claims.setdefault(delivery, {**head, "entries": []})
            claim["entries"].append([line.get("order"), line.get("line"), unit, line[unit], is_final])
    return claims
