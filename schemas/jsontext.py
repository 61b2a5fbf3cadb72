"""The one place that spells JSON: compact UTF-8 bytes out, plain data in."""

import json
from typing import Any

import orjson


class NotJson(ValueError):
    """The bytes are not one JSON text."""


class TooLarge(ValueError):
    """An integer that does not fit into 64 bits."""


def written(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError as error:
        if "64-bit" in str(error):
            raise TooLarge(str(error)) from error
        raise


def written_sorted(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def laid_out(value: Any) -> bytes:
    """For people and for version control: members sorted, one a line."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS | orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)


def read(raw: bytes | str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotJson(str(error)) from error


def named_twice(raw: bytes) -> str | None:
    """The first member that an object of a JSON text has twice; reading keeps only the last of them."""
    twice: list[str] = []

    def once(pairs: list[tuple[str, Any]]) -> None:
        seen: set[str] = set()
        for name, _ in pairs:
            twice.extend([name] if name in seen else [])
            seen.add(name)

    json.loads(raw, object_pairs_hook=once)
    return twice[0] if twice else None


def is_cut_off(raw: bytes) -> bool:
    """Whether the bytes are the beginning of a JSON text that ends too early, as a line that is still being written does."""
    try:
        raw.decode()
        orjson.loads(raw)
    except UnicodeDecodeError as error:
        return error.reason == "unexpected end of data"
    except orjson.JSONDecodeError as error:
        return str(error).startswith("unexpected end of data")
    return False
