"""Transfers: what a credit of one account gives to items of another, told there as a whole whenever it changes.

In the paying account it is granted like any other allocation and gone for good; in the account that gets it, it clears the items it names, and
what they do not take is unapplied there. Law: the last transfer told is a function of the paying account's documents alone, and what it does is one
of it and the items; so neither account depends on which facts came first.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from exposure.rules.credits import Grant, step
from exposure.rules.documents import Claim, Document, Key, Movement, State, moved
from exposure.rules.spans import Span, edges
from schemas.amounts import divided, minor
from schemas.facts import LAST_DAY, Data

TOLD = "transfer:"
"""Under which key a credit keeps what of it was told to other accounts: by account since which version, and what. All others in its inbox speak
to it; this is what it said itself."""


def number_of(account: str, credit: str) -> str:
    """Credits of two accounts never share one: slashes of the account are doubled, and it ends at the first that is not."""
    return f"{account.replace('/', '//')}/credit/{credit}"


def named_elsewhere(name: str, data: Data, account: str) -> Iterator[tuple[str, Key]]:
    """The documents of other accounts that one of the facts that may name some (``ALLOCATES``) does."""
    for told in data.get("allocations", ()) if name != "AllocationMade" else (data,):
        if "account" in told:
            yield told["account"], "invoice:" + told["invoice"]
            yield told["account"], "transfer:" + number_of(account, data.get("credit") or data.get("payment") or data["credit_note"])


def note(credit: Document, version: int, given: Mapping[str, Sequence[Grant]]) -> None:
    """Keeps what the credit now gives to each account, with the version since which it does."""
    told = {account: (since, parts) for account, since, parts in credit.inbox.get(TOLD, (LAST_DAY, "", ()))[2]}
    for account in sorted({*told, *given}):
        parts = tuple(sorted(tuple(grant) for grant in given.get(account, ())))
        if parts != told.get(account, (0, ()))[1]:
            told[account] = version, parts
    if told:
        credit.inbox[TOLD] = (LAST_DAY, "", tuple((account, *told[account]) for account in sorted(told)))


def news(document: Document, account: str, version: int) -> list[tuple[str, Data]]:
    """Of a document that a fact of the account changed: what other accounts have to be told, as the data of ``PaymentTransferred``."""
    claim = document.inbox.get(TOLD)
    if claim is None:
        return []
    transfer = {"transfer": number_of(account, document.number), "version": version, "account": account, "credit": document.number}
    return [(other, {**transfer, "parts": [part_of(*grant) for grant in parts]}) for other, since, parts in claim[2] if since == version]


def part_of(*grant: Any) -> Data:
    """What is granted by one allocation from a day on (until another one, if it ends): ``credit_amount`` and ``granted`` are in the credit's
    ``currency``, ``amount`` and ``discount`` in the item's. ``effective``, ``told`` and ``place`` are its turn at the item."""
    effective, time, source, id_, place, naming, credit, currency, start, until, invoice, amount, credit_amount, granted, discount = grant
    part = {"invoice": invoice, "amount": amount, "currency": currency, "granted": granted, "from": start}
    part |= {"until": until} if until < LAST_DAY else {}
    part |= {"credit_amount": credit_amount} if credit_amount else {}
    part |= {"discount": discount} if discount else {}
    return part | {"effective": effective, "told": [time, source, id_], "place": place, "credit": credit, "by": naming}


def parts_now(transfer: Document) -> list[Data]:
    """What the highest version says."""
    return list(max(transfer.facts, key=lambda fact: fact.data["version"]).data["parts"]) if transfer.facts else []


def items_named(transfer: Document) -> list[Key]:
    """The items that the highest version names."""
    return list(dict.fromkeys("invoice:" + part["invoice"] for part in parts_now(transfer)))


def evaluate(transfer: Document, version: int) -> tuple[list[Movement], dict[Key, Claim]]:
    """How what was transferred moves (before items refuse any), and what of it is granted to the items."""
    parts = parts_now(transfer)
    grants: dict[Key, list[Grant]] = {"invoice:" + part["invoice"]: [] for part in parts}
    days = edges((part["from"], part.get("until", LAST_DAY)) for part in parts) | edges(transfer.inbox[item][:2] for item in grants)
    said: list[tuple[str, State]] = []
    ordered = sorted(days)
    for day, until in zip(ordered, [*ordered[1:], LAST_DAY], strict=False):
        state: State = {}
        for part in parts:
            if part["from"] <= day < part.get("until", LAST_DAY):
                left = give(transfer, part, grants, (day, until), state)
                if left:
                    what = ("unapplied", transfer.key, part["currency"], "")
                    state[what] = state.get(what, 0) - left
        said.append((day, state))
    return moved(transfer, version, "", said), {item: item_claim(transfer, parts, item, given) for item, given in grants.items()}


def give(transfer: Document, part: Data, grants: dict[Key, list[Grant]], span: Span, state: State) -> int:
    """Grants a part to its item, where that stands on the day; returns what of it is not granted (minor units of the credit's currency)."""
    item, its_credit = "invoice:" + part["invoice"], part["currency"]
    start, until, currency = transfer.inbox[item]
    given = minor(part["granted"], its_credit)
    if not start <= span[0] < until:
        return given
    if currency != its_credit and "credit_amount" not in part:
        state["anomaly:currency_mismatch", transfer.key, "", ""] = 1
        return given
    amount = minor(part["amount"], currency)
    if currency == its_credit:
        cash = granted = min(amount, given)
    else:
        asked, granted = minor(part["credit_amount"], its_credit), given
        cash = divided(amount * granted, asked) if asked else 0
    discount = minor(part["discount"], currency) if "discount" in part else 0
    if cash or discount:
        head = [max(part["effective"], start), *part["told"], part["place"], transfer.key, transfer.key, its_credit]
        step(grants[item], head, span, [cash, granted, discount])
    return given - granted


def item_claim(transfer: Document, parts: list[Data], item: Key, given: list[Grant]) -> Claim:
    """What an item learns of a transfer, as it does of a credit: when it is named, and what it is granted."""
    spans = [(part["from"], part.get("until", LAST_DAY)) for part in parts if "invoice:" + part["invoice"] == item]
    names = tuple((transfer.key, *span) for span in sorted(set(spans)))
    days = edges(spans) | edges((grant[8], grant[9]) for grant in given)
    return min(days), max(days), names, tuple([tuple(grant) for grant in given]), None, ""
