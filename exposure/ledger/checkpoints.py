"""A checkpoint says of a log how it was: how many events it had, the hash of the last, and the root of the tree over all, signed.

Kept elsewhere it finds what a log cannot find of itself: a cut end, yesterday's copy in its place, a history chained anew.
"""

from hashlib import sha256
from typing import Any, NamedTuple

from exposure.ledger.keys import is_signed, sign


class Checkpoint(NamedTuple):
    """Hashes, the public key (Ed25519) and the signature are hexadecimal; ``made`` is an instant (UTC)."""

    events: int
    position: int
    hash: str
    root: str
    made: str
    key: str
    signature: str

    @property
    def told(self) -> bytes:
        """What is signed."""
        return told(self.events, self.position, self.hash, self.root, self.made)

    @property
    def is_signed(self) -> bool:
        try:
            return is_signed(bytes.fromhex(self.key), bytes.fromhex(self.signature), self.told)
        except ValueError:
            return False


def told(*parts: Any) -> bytes:
    return "".join(f"{part}\n" for part in ("exposure checkpoint 1", *parts)).encode()


def signed(pem: bytes, events: int, position: int, hash_: bytes, root: bytes, made: str) -> Checkpoint:
    """Raises ``ValueError`` where the key is none."""
    parts = (events, position, hash_.hex(), root.hex(), made)
    key, signature = sign(pem, told(*parts))
    return Checkpoint(*parts, key.hex(), signature.hex())


class Tree:
    """The tree of RFC 6962 over hashes in their order; only the roots of its full parts are kept, the largest first."""

    def __init__(self) -> None:
        self.parts: list[tuple[int, bytes]] = []

    def add(self, hash_: bytes) -> None:
        part = (1, sha256(b"\x00" + hash_).digest())
        while self.parts and self.parts[-1][0] == part[0]:
            size, left = self.parts.pop()
            part = (2 * size, sha256(b"\x01" + left + part[1]).digest())
        self.parts.append(part)

    @property
    def root(self) -> bytes:
        if not self.parts:
            return sha256().digest()
        root = self.parts[-1][1]
        for _, left in reversed(self.parts[:-1]):
            root = sha256(b"\x01" + left + root).digest()
        return root
