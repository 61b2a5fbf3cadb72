"""A document as bytes and back: the derived state that is loaded by number, never the truth."""

from exposure.rules.documents import Document, Movement
from schemas.facts import Fact
from schemas.jsontext import read, written

INT64 = 1 << 63


def encode_document(document: Document) -> bytes:
    moves = [(*move[:6], amount if -INT64 <= (amount := move.amount) < INT64 else str(amount)) for move in document.moves]
    return written([[list(fact) for fact in document.facts], document.inbox, moves])


def decode_document(key: str, version: int, state: bytes) -> Document:
    document = Document(key)
    facts, document.inbox, moves = read(state)
    document.version = version
    document.facts = [Fact(*fact) for fact in facts]
    document.moves = [Movement._make((*move[:6], int(move[6]))) for move in moves]
    document.count(document.moves)
    return document
