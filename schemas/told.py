"""What the door hands over, as plain data: a told fact, or an ``Unreadable`` with its reason; and what names an account or an event."""

import re
from hashlib import blake2b
from typing import Any, NamedTuple
from zlib import crc32

from schemas.facts import Data

NEAR = 2
REASON_LETTERS_MAX = 500
ACCOUNT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,250}")


class Unreadable(Exception):
    """What cannot be taken: a stable ``code``, a message for people that spells no value, and the account if it could be read."""

    def __init__(self, code: str, message: str, subject: str | None = None) -> None:
        super().__init__(message if len(message) <= REASON_LETTERS_MAX else f"{message[: REASON_LETTERS_MAX - 1]}…")
        self.code = code
        self.subject = subject


class ToldFact(NamedTuple):
    """One readable record, a request among them. ``naming`` and ``content`` are 16-byte digests of (source, id) and of its content."""

    name: str
    subject: str
    time: str
    source: str
    id: str
    digest: str
    data: Data
    personal: Data | None
    naming: bytes
    content: bytes


def account_told(value: Any) -> str | None:
    """The account a record or a row names, where an account can have such an id."""
    return value if isinstance(value, str) and ACCOUNT.fullmatch(value) else None


def naming_of(source: str, id_: str) -> bytes:
    """16 bytes that stand for (source, id). Ids of a source that differ in their last two letters only, as numbers given one after the other
    do, begin alike: a store finds and writes them side by side."""
    name = f"{len(source)}:{source}{id_}".encode()
    return crc32(name[:-NEAR]).to_bytes(4, "big") + blake2b(name, digest_size=12).digest()
