"""What a record of a topic had beside its value, and how that is kept of a dead letter."""

from base64 import b64decode, b64encode
from typing import NamedTuple

from schemas.jsontext import read, written
from schemas.told import account_told


class Carried(NamedTuple):
    """What a record of a topic had beside its value: key, headers, and when it was written (milliseconds since 1970, UTC).

    ``text`` is what the door reads where that is not the value, ``attributes`` what else tells two records apart whose values are equal.
    """

    key: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]
    timestamp: int
    is_null: bool = False
    text: bytes | None = None
    attributes: bytes = b""

    @property
    def account(self) -> str | None:
        """The account that the key names, where it can be one."""
        try:
            return account_told(self.key.decode()) if self.key is not None else None
        except UnicodeDecodeError:
            return None


def encode_carried(carried: Carried) -> bytes:
    return written(
        {
            "key": in_letters(carried.key),
            "headers": [(name, in_letters(value)) for name, value in carried.headers],
            "timestamp": carried.timestamp,
            "null": carried.is_null,
            "text": in_letters(carried.text),
        }
    )


def decode_carried(state: bytes) -> Carried:
    told = read(state)
    headers = tuple((name, in_bytes(value)) for name, value in told["headers"])
    return Carried(in_bytes(told["key"]), headers, told["timestamp"], told["null"], in_bytes(told["text"]))


def in_letters(value: bytes | None) -> str | None:
    return None if value is None else b64encode(value).decode()


def in_bytes(value: str | None) -> bytes | None:
    return None if value is None else b64decode(value)
