"""Heads, documents, rates and members as derived rows, and documents back from them: what is loaded by number, never the truth."""

from typing import Any

from exposure.ledger.account import Head
from exposure.ledger.batch import DocumentRow, HeadRow, MemberRow, RateRow
from exposure.rules.documents import Document, Movement
from exposure.rules.spans import width
from schemas.facts import Fact
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
    opened, closed = document.opened, document.closed
    return account, document.key, document.version, opened, closed, width(opened, closed), encode_document(document)


def rate_row(fact: Fact) -> RateRow:
    data = fact.data
    return data["base"], data["quote"], data["date"], fact.version, written(fact.told), data["rate"]


def member_rows(account: str, fact: Fact) -> list[MemberRow]:
    """The parent that a fact of an account names, whatever day it does from."""
    parent = fact.data.get("parent") if fact.name == CUSTOMER else None
    return [] if parent is None else [(parent, account)]
