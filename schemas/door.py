"""The door: bytes of one CloudEvent become one told fact in canonical words, or an ``Unreadable`` with the reason; nothing is guessed.

Canonical: money with exactly its currency's decimals, other decimals without trailing zeros, absent instead of null, UTC instants.
Two records with equal content (type, subject, time, data as values) have equal digests, whatever their spelling.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import cache
from hashlib import blake2b
from typing import Any, NamedTuple, TypeVar, get_args

from pydantic import BaseModel, ValidationError

from schemas.currencies import DECIMALS
from schemas.facts import STORED, Data
from schemas.inbound import MODELS, Decimals, Envelope, Inbound
from schemas.jsontext import NotJson, named_twice, read, written, written_sorted

RECORD_BYTES_MAX = 1 << 20
DEPTH_MAX = 64
REASON_LETTERS_MAX = 500
ITEM_DECIMALS_MAX = max(DECIMALS.values())
M = TypeVar("M", bound=Inbound)
PERSONAL = {"CustomerChanged": ("name", "contact", "account_manager")}
CURRENCY_OF_NO_ACCOUNT = "FxRatePublished"


class Unreadable(Exception):
    """What cannot be taken: a stable ``code``, a message for people, and the account if it could be read."""

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
    subject = record.get("subject")
    try:
        check_shape(raw, record)
        return told_fact(raw, record)
    except Unreadable as error:
        error.subject = subject if isinstance(subject, str) and ACCOUNT.fullmatch(subject) else None
        raise


def told_fact(raw: bytes, record: dict[str, Any]) -> ToldFact:
    envelope = validated(Envelope, record, "")
    name = STORED.get(envelope.type)
    if name is None:
        raise Unreadable("unknown_type", f"type {envelope.type!r} is not one this engine takes")
    time = instant(envelope.time)
    model = validated(MODELS[envelope.type], envelope.data, "data.")
    unknown: list[BaseModel] = []
    data = plain(model, getattr(model, "currency", None), unknown)
    if name == CURRENCY_OF_NO_ACCOUNT and data["base"] != envelope.subject:
        raise Unreadable("wrong_subject", f"the subject of a rate is its base currency {data['base']}, not {envelope.subject!r}")
    values = written(data)
    if unknown and (others := unknown_fields(model)):
        values += written_sorted(others)
    personal = {field: data.pop(field) for field in PERSONAL.get(name, ()) if field in data}
    if unknown or envelope.__pydantic_extra__:
        personal["unknown"] = raw.decode()
    source, id_ = envelope.source, envelope.id
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
        first, *others = error.errors(include_url=False, include_context=False)
        where = place + ".".join(str(part) for part in first["loc"])
        said = first["msg"].removeprefix("Value error, ")
        more = f" (and {len(others)} more)" if others else ""
        raise Unreadable("invalid", f"{where.rstrip('.')}: {said}{more}") from error


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


ACCOUNT = re.compile(r"[^\x00-\x1f\x7f]{1,250}")
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,30})?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII)
INT64 = 1 << 63
FIRST_INSTANT, LAST_INSTANT = "0001-01-02", "9999-12-31"
"""Between these an instant is a day of the calendar in every time zone."""


def instant(text: str) -> str:
    """An RFC 3339 date-time as UTC text without trailing zeros (``2026-01-12T09:30:00`` or ``…00.25``), so that texts compare as instants."""
    match = INSTANT.fullmatch(text)
    if match is None:
        raise Unreadable("invalid", "time: not an RFC 3339 instant with its offset, as 2026-01-12T09:30:00Z")
    fraction = (match[1] or "").rstrip("0").rstrip(".")
    try:
        whole = datetime.fromisoformat(text[:19].upper() + match[2].upper())
        utc = whole if match[2] in "Zz" else whole.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise Unreadable("invalid", "time: no such day or time of day") from error
    told = utc.isoformat()[:19] + fraction
    if not FIRST_INSTANT <= told < LAST_INSTANT:
        raise Unreadable("invalid", "time: no day of the calendar in every time zone")
    return told


Canonical = Callable[[Any, str | None, list[BaseModel]], Any]


def plain(model: BaseModel, currency: str | None, unknown: list[BaseModel]) -> Data:
    """The told fields in canonical words; every part with fields its model does not know is appended to ``unknown``."""
    if model.__pydantic_extra__:
        unknown.append(model)
    values = model.__dict__
    return {
        field: canonical(value, currency, unknown) if canonical else value
        for field, canonical in plan(type(model))
        if (value := values[field]) is not None and value is not False
    }


@cache
def plan(model: type[BaseModel]) -> list[tuple[str, Canonical | None]]:
    """How each field of a model is brought to its canonical words."""
    return [(name, canonical_of(name, field.annotation, field.metadata)) for name, field in model.model_fields.items()]


def canonical_of(name: str, annotation: Any, metadata: list[Any]) -> Canonical | None:
    inner = next((found for found in nested(annotation) if isinstance(found, type) and issubclass(found, BaseModel)), None)
    if inner is not None:
        return lambda items, currency, unknown: [plain(item, currency, unknown) for item in items]
    if annotation is Any:
        return lambda value, _currency, _unknown: as_value(value)
    marks = [mark for mark in (*metadata, *nested(annotation)) if isinstance(mark, Decimals)]
    if not marks:
        return None
    of = marks[0].of
    if of == "document":
        return lambda value, currency, _: money(value, currency, name)
    decimals = ITEM_DECIMALS_MAX if of == "item" else 9
    return lambda value, _currency, _unknown: number(value, decimals, name)


def nested(annotation: Any) -> list[Any]:
    """Everything inside an annotation, metadata included."""
    found = [annotation, *getattr(annotation, "__metadata__", ())]
    for part in get_args(annotation):
        found += nested(part)
    return found


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


def money(value: str | int, currency: str | None, field: str) -> str:
    if value == "unlimited" or value == "none":
        return str(value)
    if currency is None:
        return number(value, ITEM_DECIMALS_MAX, field)
    text = number(value, DECIMALS[currency], field, of=f" of {currency}")
    whole, _, fraction = text.partition(".")
    return f"{whole}.{fraction.ljust(DECIMALS[currency], '0')}" if DECIMALS[currency] else whole


def number(value: str | int, decimals: int, field: str, *, of: str = "") -> str:
    """A decimal text without leading or trailing zeros; more decimals than allowed (zeros apart) are refused."""
    whole, _, fraction = str(value).partition(".")
    fraction = fraction.rstrip("0")
    if len(fraction) > decimals:
        raise Unreadable("too_many_decimals", f"{field}: more than the {decimals} decimals{of}")
    whole = whole.lstrip("0") or "0"
    return f"{whole}.{fraction}" if fraction else whole
