"""What an account's allocations wait for and another account of its group has: they named no ``account``, so it never comes to this one.

A question about other accounts, so it is asked when figures are shown: by who has a pending reference to an invoice and a parent or members.
"""

from typing import Any

from exposure.figures import AccountOn
from exposure.ledger.loading import caught_up
from exposure.ledger.memory import Account
from exposure.rules import terms
from exposure.rules.documents import Document
from projections.when import version_at
from schemas.facts import Fact

OTHER_ACCOUNT = "other_account"
ALLOCATING = ("allocation", "credit_note", "payment")
"""Kinds of documents that can name the account of an item."""


def name_other_accounts(moment: Any, on: AccountOn, known_at: int | None) -> None:
    """References of allocations to invoices of the parent, the members or the siblings are pending no more, but anomalies of what names them."""
    waiting = [entry for entry in on.pending if entry[0] in ALLOCATING and entry[2] == "invoice"]
    if not waiting:
        return
    numbers = {names for _, _, _, names in waiting}
    parent = on.master.get("parent")
    kin = {*moment.members(on.account), *([parent, *moment.members(parent)] if parent else [])} - {on.account}
    wanted = [(name, key) for name in kin for key in (f"customer:{name}", *(f"invoice:{number}" for number in numbers))]
    found: set[str] = set()
    for name, stored in caught_up(moment, sorted(kin), wanted).items() if kin else ():
        version = version_at(moment, f"account:{name}", known_at)
        if name == parent or parent_of(stored, on.day, version) in {on.account, parent} - {None}:
            found.update(number for number in numbers if has_come(stored.documents[f"invoice:{number}"], on.day, version))
    for entry in waiting:
        kind, document, _, names = entry
        if names in found:
            on.pending.discard(entry)
            on.anomalies.add((OTHER_ACCOUNT, kind, document))


def parent_of(stored: Account, day: str, version: int | None) -> str | None:
    parent: str | None = terms.master_data(known(stored.documents[f"customer:{stored.head.account}"], version), day).get("parent")
    return parent


def has_come(invoice: Document, day: str, version: int | None) -> bool:
    return any(fact.name == "InvoicePosted" and fact.data["date"] <= day for fact in known(invoice, version))


def known(document: Document, version: int | None) -> list[Fact]:
    return [fact for fact in document.facts if version is None or fact.version <= version]
