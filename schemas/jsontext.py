"""The one place that spells JSON: compact UTF-8 bytes out, plain data in."""

from typing import Any

import orjson


class NotJson(ValueError):
    """The bytes are not one JSON text."""


def written(value: Any) -> bytes:
    return orjson.dumps(value)


def written_sorted(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def read(raw: bytes | str) -> Any:
    try:
        return orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        raise NotJson(str(error)) from error
