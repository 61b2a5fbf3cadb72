"""What one fact changes: the documents it names are evaluated anew, in the order money moves, and their new movements are returned.

Law: evaluating a document depends only on the facts told of it and on what others claim of it, never on the order they arrived in.
"""

from collections.abc import Iterable, Mapping

from exposure.rules import credits, deliveries, grants, invoices, orders, promises, settlements, terms, transfers
from exposure.rules.documents import Claim, Document, Key, Movement
from exposure.rules.references import ANNOUNCES, CLAIMANTS, announced, names, own_key, reaches, watching
from schemas.facts import OWN, Fact

EVERY_TURN = frozenset({"PaymentReturned", "PaymentReturnCancelled"}) | OWN
"""Facts that have no number of their own: each counts."""


class MissingDocument(LookupError):
    """Documents of an account that have to be loaded before this fact can be taken."""

    def __init__(self, account: str, *keys: Key) -> None:
        super().__init__(f"{', '.join(keys)} of {account}")
        self.places = {(account, key) for key in keys}

    def note(self, missed: set[tuple[str, Key]]) -> None:
        """Adds the documents to those that were missed; raises itself again where they were loaded and are missed all the same."""
        if self.places <= missed:
            raise self
        missed |= self.places


Changed = dict[Key, str]
"""The documents a fact changes, each with the first day on which it may say something else."""


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


def fold(account: str, fact: Fact, documents: dict[Key, Document]) -> tuple[list[Document], list[Movement]]:
    """The same where all documents of the account are at hand: one that is not among them is new."""
    named = names(fact.name, fact.data, account)
    wanted = set(named)
    while wanted:
        for key in wanted:
            documents.setdefault(key, Document(key))
        reached = reaches(fact.name, documents[own_key(fact.name, fact.data, account)], named, documents)
        wanted = {key for key in reached if key not in documents}
    return evolve(account, fact, documents)


def taken(account: str, fact: Fact, documents: Mapping[Key, Document]) -> tuple[list[Document], list[Movement]]:
    name, data = fact.name, fact.data
    own = documents[own_key(name, data, account)]
    since = day = data.get("date", "")
    before: dict[Key, Claim] = {}
    announces = name in ANNOUNCES
    if own.facts:
        if not is_news(own, fact):
            return [], []
        if not is_alone(own, fact):
            since = ""
        if announces:
            before = announced(own)
    own.facts.append(fact)
    own.version = fact.version
    if day > own.horizon:
        own.horizon = day
    changed: Changed = {own.key: since}
    if announces:
        after = announced(own)
        post(own.key, after, documents, changed)
        for key in before:
            if key not in after:
                withdraw(own.key, documents[key], changed)
    if own.inbox and not (since and own.kind == "order" and name not in orders.TEXTS):
        for key in watching(name, own):
            changed[documents[key].key] = ""
    return settled(fact, own.key, documents, changed)


def is_alone(own: Document, fact: Fact) -> bool:
    """Whether nothing of its kind was told of the document before: then nothing changes before its own day.

    A reservation never changes what was reserved before.
    """
    if fact.name in OWN:
        return True
    if own.kind == "order" or fact.name == invoices.TERMS:
        version = fact.data["version"]
        for known in own.facts:
            if known.data.get("version") == version:
                return False
        return bool(version > 0)
    return own.kind == "invoice" and all(known.name != fact.name and known.data.get("version") != 0 for known in own.facts)


def is_news(own: Document, fact: Fact) -> bool:
    """Told again with equal data and later in told order, a fact changes nothing."""
    if fact.name in EVERY_TURN:
        return True
    for known in own.facts:  # noqa: SIM110 (the loop is what costs)
        if known.digest == fact.digest and known.name == fact.name and known.told <= fact.told:
            return False
    return True


def settled(fact: Fact, source: Key, documents: Mapping[Key, Document], changed: Changed) -> tuple[list[Document], list[Movement]]:
    """Evaluates what changed: claimants first, for what they claim changes others; promises last, for they look at what invoices then say."""
    moves: list[Movement] = []
    version = fact.version
    news = [documents[key] for key in changed]
    for document in news:
        if document.kind == "credit":
            moves += give_credit(document, version, documents, changed)
        elif document.kind == "delivery" and (document.moves or not deliveries.says_nothing(document)):
            moves += deliver(document, version, documents, changed)
        elif document.kind == "transfer":
            moves += give_transfer(document, version, documents, changed)
    if len(changed) > len(news):
        news = [documents[key] for key in changed]
    promised: dict[Key, None] = {}
    for document in news:
        kind = document.kind
        if kind == "order":
            moves += orders.evaluate(document, version, changed[document.key], fact if document.key == source else None)
        elif kind == "invoice":
            moves += invoices.evaluate(document, version, changed[document.key])
            if document.inbox:
                promised.update(dict.fromkeys(promises.named_by(document)))
        elif kind in settlements.FORMS:
            moves += settlements.evaluate(document, version)
        elif kind == "promise":
            promised[document.key] = None
        elif kind != "measure" and kind not in CLAIMANTS:
            moves += terms.evaluate(document, version)
    for promise in [documents[key] for key in promised]:
        if promises.look(promise, documents) or promise.key == source:
            moves += promises.evaluate(promise, version)
            if promise.key not in changed:
                news.append(promise)
    return news, moves


def deliver(delivery: Document, version: int, documents: Mapping[Key, Document], changed: Changed) -> list[Movement]:
    """Evaluates a delivery; one that has to spread copies the prices of its orders first."""
    for source, claim in delivery.inbox.items():
        if not source.startswith("order:") and deliveries.only_delivery(claim):
            for key in deliveries.orders_of(delivery):
                delivery.inbox[key] = orders.prices(documents[key])
            break
    moves, claims = deliveries.evaluate(delivery, version, changed[delivery.key])
    post(delivery.key, claims, documents, changed)
    return moves


def give_credit(credit: Document, version: int, documents: Mapping[Key, Document], changed: Changed) -> list[Movement]:
    """Evaluates a credit, which first copies from when until when the items it names can be cleared, where those are loaded (else its copy holds)."""
    look_at(credits.items_named(credit), credit, documents)
    since = changed[credit.key]
    done = grants.in_order(credit, version, since) if len(credit.facts) == 1 else None
    if done is None:
        moves, claims, given = credits.evaluate(credit, version, since)
        transfers.note(credit, version, given)
    else:
        moves, claims = done
    hand_over(credit, claims, documents, changed)
    return moves


def give_transfer(transfer: Document, version: int, documents: Mapping[Key, Document], changed: Changed) -> list[Movement]:
    """Evaluates what another account gave, from its first day on."""
    look_at(transfers.items_named(transfer), transfer, documents)
    moves, claims = transfers.evaluate(transfer, version)
    hand_over(transfer, claims, documents, changed)
    return moves


def look_at(items: Iterable[Key], credit: Document, documents: Mapping[Key, Document]) -> None:
    for key in items:
        item = documents.get(key)
        if item is not None:
            credit.inbox[key] = invoices.existence(item)


def hand_over(credit: Document, claims: dict[Key, Claim], documents: Mapping[Key, Document], changed: Changed) -> None:
    """Posts what is granted, and takes back what is claimed of items that are named no more."""
    post(credit.key, claims, documents, changed)
    if len(credit.inbox) > len(claims):
        for key in [key for key in credit.inbox if key.startswith("invoice:") and key not in claims]:
            # Another text of its number, or of an allocation's, turned out to be the first told.
            del credit.inbox[key]
            withdraw(credit.key, documents[key], changed)


def post(source: Key, claims: dict[Key, Claim], documents: Mapping[Key, Document], changed: Changed) -> None:
    """Puts claims into the documents they are about; those that learn something new are evaluated too, from its first day on."""
    for key, claim in claims.items():
        target = documents[key]
        old = target.inbox.get(source)
        if old == claim:
            continue
        target.inbox[source] = claim
        since = claim[0]
        if target.kind == "order":
            if old is not None:
                since = orders.first_difference(old, claim)
            orders.hear(target, source, old, claim, since)
        elif old is not None:
            since = min(since, old[0])
        if claim[1] > target.horizon:
            target.horizon = claim[1]
        if key not in changed or since < changed[key]:
            changed[key] = since


def withdraw(source: Key, target: Document, changed: Changed) -> None:
    """Takes a claim away again."""
    old = target.inbox.pop(source, None)
    if old is not None:
        target.tally = None
        changed[target.key] = min(old[0], changed.get(target.key, old[0]))
