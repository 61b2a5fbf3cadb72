"""A checkpoint says of a log how it was: how many events it had, the hash of the last, and the root of the tree over all, signed.

Kept elsewhere it finds what a log cannot find of itself: a cut end, yesterday's copy in its place, a history chained anew.
"""

from typing import Any, NamedTuple

from exposure.ledger.keys import is_signed, key_id, sign


class Checkpoint(NamedTuple):
    """Hashes, the public key (Ed25519) and the signature are hexadecimal, the last two empty where nobody signed; ``made`` is an instant (UTC)."""

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
    def document(self) -> dict[str, Any]:
        """As it is kept: with what people call its key; null where nobody signed it."""
        if not self.key:
            return {**self._asdict(), "key": None, "signature": None, "key_id": None}
        return {**self._asdict(), "key_id": key_id(self.key)}

    @property
    def is_signed(self) -> bool:
        try:
            return is_signed(bytes.fromhex(self.key), bytes.fromhex(self.signature), self.told)
        except ValueError:
            return False


def read_checkpoint(document: dict[str, Any]) -> Checkpoint:
    """The checkpoint of a document; raises ``ValueError`` where it holds none, or an altered one."""
    parts = dict(document)
    named = parts.pop("key_id", None)
    try:
        checkpoint = Checkpoint(**parts)
    except TypeError as error:
        raise ValueError("it holds no checkpoint") from error
    if not all(isinstance(part, int if name in ("events", "position") else str) for name, part in checkpoint._asdict().items()):
        raise ValueError("it holds no checkpoint")
    if not checkpoint.is_signed or named not in (None, key_id(checkpoint.key)):
        raise ValueError("its signature is not right: the checkpoint was altered")
    return checkpoint


def told(*parts: Any) -> bytes:
    return "".join(f"{part}\n" for part in ("exposure checkpoint 1", *parts)).encode()


def signed(pem: bytes, events: int, position: int, hash_: bytes, root: bytes, made: str) -> Checkpoint:
    """Raises ``ValueError`` where the key is none."""
    parts = (events, position, hash_.hex(), root.hex(), made)
    key, signature = sign(pem, told(*parts))
    return Checkpoint(*parts, key.hex(), signature.hex())


def unsigned(events: int, position: int, hash_: bytes, root: bytes, made: str) -> Checkpoint:
    """What a log is like by its own word: it proves something where its root is that of a signed one."""
    return Checkpoint(events, position, hash_.hex(), root.hex(), made, "", "")
