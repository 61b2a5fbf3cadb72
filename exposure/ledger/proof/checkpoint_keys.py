"""Which keys sign checkpoints: each is named by the one before it, in a statement that this one signed and that stands in the log.

Law: who trusts one key can trust those that follow it, each from its place in the log on; a key that another one follows signs nothing behind it.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from exposure.ledger.batch import Batch, Row
from exposure.ledger.keys import is_signed, key_id, public_key, sign
from schemas.facts import CheckpointKeyRotated
from schemas.stored import read_ours, write_ours

STREAM = "checkpoint_key:rotated"


class KeyNotInUse(ValueError):
    """A key that does not sign checkpoints: another one follows it, or nothing says that it follows another."""


class Rotation(NamedTuple):
    """Keys and the signature are hexadecimal, ``made`` is an instant (UTC), and ``position`` where in the log it stands."""

    position: int
    old_key: str
    new_key: str
    made: str
    signature: str

    @property
    def is_signed(self) -> bool:
        try:
            return is_signed(bytes.fromhex(self.old_key), bytes.fromhex(self.signature), told(self.old_key, self.new_key, self.made))
        except ValueError:
            return False

    @property
    def document(self) -> dict[str, Any]:
        """As it is kept elsewhere: with what people call the keys."""
        return {**self._asdict(), "old_key_id": key_id(self.old_key), "new_key_id": key_id(self.new_key)}


def read_rotation(document: dict[str, Any]) -> Rotation:
    """Raises ``ValueError`` where the document is none of a rotation."""
    try:
        return Rotation(*(document[field] for field in Rotation._fields))
    except (KeyError, TypeError) as error:
        raise ValueError("it holds no rotation of keys") from error


def told(old_key: str, new_key: str, made: str) -> bytes:
    """What is signed."""
    return "".join(f"{part}\n" for part in ("exposure checkpoint key 1", old_key, new_key, made)).encode()


def rotations(moment: Any, known_at: int | None = None) -> Iterator[Rotation]:
    """All of a log that were recorded by an instant, in its order."""
    for position, _, topic, state, recorded_at, _ in moment.events(STREAM):
        event = read_ours(topic, state)
        assert isinstance(event, CheckpointKeyRotated)
        if known_at is None or recorded_at <= known_at:
            yield Rotation(position, event.old_key, event.new_key, event.made, event.signature)


def key_in_use(trusted: str, rotated: Iterable[Rotation], position: int) -> str:
    """The key that signs what a log was up to a position, as who trusts one key knows it; raises ``KeyNotInUse`` where a statement is not signed."""
    key = trusted
    for rotation in rotated:
        if rotation.old_key == key and rotation.position <= position:
            if not rotation.is_signed:
                raise KeyNotInUse(f"the statement at position {rotation.position} that key {key_id(rotation.new_key)} follows is not signed")
            key = rotation.new_key
    return key


def check_in_use(moment: Any, pem: bytes) -> None:
    """Raises ``KeyNotInUse`` where keys were rotated and this one is not the last."""
    last = list(rotations(moment))[-1:]
    if last and last[0].new_key != public_key(pem).hex():
        raise KeyNotInUse(f"checkpoints of this log are signed with key {key_id(last[0].new_key)}, not with {key_id(public_key(pem).hex())}")


def rotate(store: Any, now: Callable[[], int], old: bytes, new: bytes, made: str, by: str, reason: str) -> Rotation:
    """Records that another key (PEM) follows one. Raises ``ValueError`` where one is no key, ``KeyNotInUse`` where the old one does not sign."""
    with store.writing(now()) as writing:
        check_in_use(writing, old)
        old_key, new_key = public_key(old).hex(), public_key(new).hex()
        if new_key in {old_key, *(rotation.old_key for rotation in rotations(writing))}:
            raise KeyNotInUse(f"key {key_id(new_key)} has signed checkpoints of this log already: make another one")
        _, signature = sign(old, told(old_key, new_key, made))
        topic, state = write_ours(CheckpointKeyRotated(old_key, new_key, made, signature.hex(), by, reason))
        writing.write(Batch(writing.recorded_at, by, events=[Row(STREAM, writing.last_version(STREAM) + 1, topic, state)]))
        return Rotation(writing.end.position, old_key, new_key, made, signature.hex())
