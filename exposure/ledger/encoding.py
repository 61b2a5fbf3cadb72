"""Heads, documents, rates and members as derived rows, and documents back from them: what is loaded by number, never the truth."""

from collections.abc import Sequence
from typing import Any

from exposure.ledger.account import Head
from exposure.ledger.batch import DocumentRow, HeadRow, MemberRow, RateRow
from exposure.ledger.looks import width_of_versions
from exposure.rules.documents import Document, Movement
from exposure.rules.spans import later, width
from schemas.facts import LAST_DAY, Data, Fact
from schemas.jsontext import TooLarge, read, written

CUSTOMER = "CustomerChanged"


def encode_document(document: Document) -> bytes:
    """Facts, inbox and movements as JSON; amounts beyond 64 bits are written as text."""
    facts = list(map(tuple, document.facts))
    try:
        return written([facts, document.inbox, list(map(tuple, document.moves))])
    except TooLarge:
        return written([facts, document.inbox, [(*move[:6], str(move.amount)) for move in document.moves]])


def decode_document(key: str, version: int, state: bytes) -> Document:
    document = Document(key)
    facts, inbox, moves = read(state)
    document.recall(
        version,
        list(map(Fact._make, facts)),
        {source: told_of(claim) for source, claim in inbox.items()},
        [Movement._make((*move[:6], int(move[6]))) for move in moves],
    )
    return document


def told_of(claim: Any) -> Any:
    """A claim as the rules hold it: of tuples, where JSON has arrays."""
    return tuple(map(told_of, claim)) if type(claim) is list else claim


def head_row(head: Head) -> HeadRow:
    return head.account, head.version, head.written, head.encoded()


def document_row(account: str, document: Document) -> DocumentRow:
    placed = places_of(document.version, document.opened, document.closed, document.facts, document.moves)
    return account, document.key, document.version, document.opened, document.closed, *placed, encode_document(document)


def places_of(version: int, opened: str, closed: str, facts: Sequence[Any], moves: Sequence[Any]) -> tuple[int, int, str, str, int]:
    """Where a document is looked for, as its row says it. What is dated but never said anything is among its days: somebody may ask what happened
    on them."""
    first, begun, last = version, opened, ""
    for told in (facts, moves):
        if told and told[0][0] < first:
            first = told[0][0]
    for fact in facts:
        for day in days_of(fact[2], fact[6]):
            if day < begun:
                begun = day
            if day > last:
                last = day
    for move in moves:
        if last < move[5] < LAST_DAY:
            last = move[5]
    ended = max(closed, later(last, 1)) if last and closed < LAST_DAY else closed
    return first, width_of_versions(first, version), begun, ended, width(begun, ended)


def days_of(time: str, data: Data) -> list[str]:
    """The days that a fact is dated."""
    days = [data.get("date", time[:10])]
    if "value_date" in data:
        days.append(data["value_date"])
    for part in data.get("parts", ()):
        days += [part["from"], part["until"]] if "until" in part else [part["from"]]
    return days


def rate_row(fact: Fact) -> RateRow:
    data = fact.data
    return data["base"], data["quote"], data["date"], fact.version, written(fact.told), data["rate"]


def member_rows(account: str, fact: Fact) -> list[MemberRow]:
    """The parent that a fact of an account names, whatever day it does from."""
    parent = fact.data.get("parent") if fact.name == CUSTOMER else None
    return [] if parent is None else [(parent, account)]
