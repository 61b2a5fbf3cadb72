"""The documents of an account that have to do with some days, and the facts that what they say on those days is a function of.

Law: whoever takes these facts in the order of their own days sees of these documents what they would see of them among all facts of the account. So
what happened between two days costs what they and the open documents are, and not the account's history.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from exposure.ledger.encoding import days_of, decode_document
from exposure.ledger.loading import bring
from exposure.ledger.memory import Account
from exposure.rules.documents import Document, Key
from exposure.rules.references import CLAIMANTS, names
from schemas.facts import Fact

STEPS = 2
"""So far from its own document may a fact move others: by a delivery those of its orders, by a credit those of its other items."""


class Window(NamedTuple):
    """``moving`` are the documents that said anything at the end of the first day, or that anything moved behind it; ``facts`` are in the order they
    were recorded in."""

    moving: set[Key]
    facts: list[Fact]


def between(moment: Any, stored: Account, first: str, last: str, version: int | None) -> Window:
    """Behind a day and by another one, as known at a version of the account, which is as new as the log; its documents are read into it."""
    account, documents = stored.head.account, stored.documents
    moving = set(stored.unwritten)
    for key, changed_at, _, _, state in moment.documents_dated(account, first, last, version):
        if key not in documents:
            documents[key] = decode_document(key, changed_at, state)
        moving.add(key)
    reached = {key for key in moving if is_told_of(documents[key], first, last)}
    for _ in range(STEPS):
        reached = beside(moment, stored, reached)
        moving |= reached
    given = moving | beside(moment, stored, moving)
    given |= beside(moment, stored, [key for key in given if documents[key].kind in CLAIMANTS])
    facts = [fact for key in given for fact in documents[key].facts if version is None or fact.version <= version]
    return Window(moving, sorted(facts))


def is_told_of(document: Document, first: str, last: str) -> bool:
    return any(first < day <= last for fact in document.facts for day in days_of(fact.time, fact.data))


def beside(moment: Any, stored: Account, keys: Iterable[Key]) -> set[Key]:
    """Documents that some name, and those that claim anything of them; brought into the account."""
    account = stored.head.account
    documents = [stored.documents[key] for key in keys]
    named = {key for document in documents for fact in document.facts for key in names(fact.name, fact.data, account)}
    claiming = {key for document in documents for key in document.inbox if not key.endswith(":")}
    found = named | claiming
    bring(moment, {account: stored}, {(account, key) for key in found if key not in stored.documents})
    return found
