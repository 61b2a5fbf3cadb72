"""The door: bytes of one CloudEvent become one told fact in canonical words, or an ``Unreadable`` with the reason; nothing is guessed.

Canonical: money with exactly its currency's decimals, other decimals without trailing zeros, absent instead of null, UTC instants.
Two records with equal content (type, subject, time, data as values) have equal digests, whatever their spelling.
"""

import re
from collections.abc import Callable
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from schemas.facts import STORED, Data
from schemas.fields import model_inside
from schemas.inbound import MODELS, Envelope, Inbound
from schemas.jsontext import NotJson, named_twice, read, written, written_sorted
from schemas.reasons import refusal

RECORD_BYTES_MAX = 1 << 20
DEPTH_MAX = 64
REASON_LETTERS_MAX = 500
INT64 = 1 << 63
ACCOUNT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,250}")
M = TypeVar("M", bound=Inbound)
PERSONAL = {"CustomerChanged": ("name", "contact", "account_manager")}
CURRENCY_OF_NO_ACCOUNT = "FxRatePublished"


class Unreadable(Exception):
    """What cannot be taken: a stable ``code``, a message for people that spells no value, and the account if it could be read."""

    def __init__(self, code: str, message: str, subject: str | None = None) -> None:
        super().__init__(message if len(message) <= REASON_LETTERS_MAX else f"{message[: REASON_LETTERS_MAX - 1]}…")
        self.code = code
        self.subject = subject


class ToldFact(NamedTuple):
    """One readable record. ``naming`` and ``content`` are 16-byte digests of (source, id) and of its content."""

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


def read_record(raw: bytes) -> ToldFact:
    """Reads one CloudEvents JSON object (structured mode); raises ``Unreadable``."""
    if len(raw) > RECORD_BYTES_MAX:
        raise Unreadable("too_large", f"the record has {len(raw)} bytes, more than {RECORD_BYTES_MAX}")
    try:
        record = read(raw)
    except NotJson as error:
        raise Unreadable("not_json", f"not a JSON text in UTF-8: {error}") from error
    if type(record) is not dict:
        raise Unreadable("not_an_object", "a record is one JSON object")
    try:
        check_shape(raw, record)
        return told_fact(raw, record)
    except Unreadable as error:
        error.subject = account_told(record.get("subject"))
        raise


def account_told(value: Any) -> str | None:
    """The account a record or a row names, where an account can have such an id."""
    return value if isinstance(value, str) and ACCOUNT.fullmatch(value) else None


def told_fact(raw: bytes, record: dict[str, Any]) -> ToldFact:
    envelope = validated(Envelope, record, "")
    name = STORED.get(envelope.type)
    if name is None:
        raise Unreadable("unknown_type", f"type {envelope.type!r} is not one this engine takes")
    model = validated(MODELS[envelope.type], envelope.data, "data.")
    unknown: list[BaseModel] = []
    data = plain(model, unknown)
    if name == CURRENCY_OF_NO_ACCOUNT and data["base"] != envelope.subject:
        raise Unreadable("wrong_subject", "subject: not the base currency of the rate")
    values = written(data)
    if unknown and (others := unknown_fields(model)):
        values += written_sorted(others)
    personal = {field: data.pop(field) for field in PERSONAL.get(name, ()) if field in data}
    if unknown or envelope.__pydantic_extra__:
        personal["unknown"] = raw.decode()
    source, id_, time = envelope.source, envelope.id, envelope.time
    head = f"{envelope.type}\n{envelope.subject}\n{time}\n".encode()
    return ToldFact(
        name,
        envelope.subject,
        time,
        source,
        id_,
        blake2b(values, digest_size=8).hexdigest(),
        data,
        personal or None,
        blake2b(f"{len(source)}:{source}{id_}".encode(), digest_size=16).digest(),
        blake2b(head + values, digest_size=16).digest(),
    )


def validated(model: type[M], value: Any, place: str) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Unreadable(*refusal(model, error, place)) from error


def check_shape(raw: bytes, record: Any) -> None:
    """At most 64 levels, and no member named twice in one object; both looked at closely only where they could be wrong.

    A member that was named twice is gone from what was read, and its quotes with it: then the bytes have more of them.
    """
    if raw.count(b"{") + raw.count(b"[") > DEPTH_MAX and depth(record) > DEPTH_MAX:
        raise Unreadable("too_deep", f"nested deeper than {DEPTH_MAX} levels")
    if raw.count(b'"') + raw.count(b"\\u0022") != written(record).count(b'"'):
        twice = named_twice(raw)
        if twice is not None:
            raise Unreadable("member_twice", f"an object has the member {twice!r} twice")


def depth(value: Any) -> int:
    level, layer = 0, [value]
    while layer:
        level += 1
        layer = [
            inner
            for outer in layer
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return level


Collect = Callable[[Any, list[BaseModel]], Any]


def plain(model: BaseModel, unknown: list[BaseModel]) -> Data:
    """The told fields; every part with fields its model does not know is appended to ``unknown``."""
    if model.__pydantic_extra__:
        unknown.append(model)
    values = model.__dict__
    return {
        field: collect(value, unknown) if collect else value
        for field, collect in plan(type(model))
        if (value := values[field]) is not None and value is not False
    }


@cache
def plan(model: type[BaseModel]) -> list[tuple[str, Collect | None]]:
    """The fields of a model, and how those that are more than one word are collected."""
    return [
        (name, parts_plain if model_inside(field) else any_plain if field.annotation is Any else None) for name, field in model.model_fields.items()
    ]


def parts_plain(parts: list[BaseModel], unknown: list[BaseModel]) -> list[Data]:
    return [plain(part, unknown) for part in parts]


def any_plain(value: Any, _: list[BaseModel]) -> Any:
    return as_value(value)


def unknown_fields(model: BaseModel) -> Data:
    """What the models do not know, each at its place: a part of what the record says."""
    found = {field: as_value(value) for field, value in (model.__pydantic_extra__ or {}).items() if value is not None}
    for field, value in model.__dict__.items():
        if isinstance(value, list) and value and isinstance(value[0], BaseModel):
            lines = [unknown_fields(line) for line in value]
            if any(lines):
                found[field] = lines
    return found


def as_value(value: Any) -> Any:
    """A JSON value in one spelling: members sorted, null ones absent, 1.0 as 1."""
    if isinstance(value, dict):
        return {name: as_value(inner) for name, inner in sorted(value.items()) if inner is not None}
    if isinstance(value, list):
        return [as_value(inner) for inner in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < INT64:
        return int(value)
    return value
