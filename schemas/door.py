"""The door: bytes of one CloudEvent become one told fact in canonical words, or an ``Unreadable`` with the reason; nothing is guessed.

Canonical: money with exactly its currency's decimals, other decimals without trailing zeros, absent instead of null, UTC instants.
Two records with equal content (type, subject, time, data as values) have equal digests, whatever their spelling.
"""

from collections.abc import Callable
from hashlib import blake2b
from typing import Any, NamedTuple

from pydantic import ValidationError

from schemas.facts import ALLOCATES, ASKED, STORED, Data
from schemas.inbound import MODELS, Envelope, Inbound
from schemas.jsontext import NotJson, named_twice, read, written, written_sorted
from schemas.plainly import has_any, plainly
from schemas.reasons import refusal
from schemas.requests import REQUESTS
from schemas.told import ToldFact, Unreadable, account_told, naming_of
from schemas.unknown import knows_all, tidy, unknown_fields

RECORD_BYTES_MAX = 1 << 20
DEPTH_MAX = 64
PERSONAL = {"CustomerChanged": ("name", "contact", "account_manager")}
CURRENCY_OF_NO_ACCOUNT = "FxRatePublished"
BACKSLASH = 0x5C


class Kind(NamedTuple):
    """What the door knows of a type: the name of its facts, its model, and how its data becomes a plain dict.

    ``has_any`` says whether a field may be any value, ``filled_in`` are fields that have a value when they are not told.
    """

    name: str
    model: type[Inbound]
    data: Callable[[Any], Data]
    has_any: bool
    filled_in: tuple[str, ...]
    personal: tuple[str, ...]


def kind_of(name: str, model: type[Inbound]) -> Kind:
    filled_in = tuple(field for field, of in model.model_fields.items() if not of.is_required() and of.default is not None)
    return Kind(name, model, plainly(model), has_any(model), filled_in, PERSONAL.get(name, ()))


KINDS = {type_: kind_of((STORED | ASKED)[type_], model) for type_, model in (MODELS | REQUESTS).items()}
envelope_of = plainly(Envelope)


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
        return told_fact(raw, record)
    except Unreadable as error:
        error.subject = account_told(record.get("subject"))
        raise


def told_fact(raw: bytes, record: Data) -> ToldFact:
    try:
        envelope, kind, data = validated(record)
    except Unreadable:
        check_shape(raw, record)  # is said first: the rest may only follow from it
        raise
    if kind.has_any:
        check_shape(raw, record)
    values = written(data)
    is_all = is_all_of(raw, record, kind, len(envelope), values)
    if kind.has_any or values.find(b":null") >= 0 or values.find(b":false") >= 0:
        data = tidy(data, kind.model)
        values = written(data)
    subject, time, source, id_ = envelope["subject"], envelope["time"], envelope["source"], envelope["id"]
    if kind.name in ALLOCATES and values.find(b'"account":') >= 0:
        data = without_account(data, subject)
        values = written(data)
    content = f"{envelope['type']}\n{subject}\n{time}\n".encode() + values
    others = None if is_all else beyond_models(raw, kind, record)
    if others:
        values += others
        content += others
    personal = {field: data.pop(field) for field in kind.personal if field in data} if kind.personal else {}
    if others is not None:
        personal["unknown"] = raw.decode()
    return ToldFact(
        kind.name,
        subject,
        time,
        source,
        id_,
        blake2b(values, digest_size=8).hexdigest(),
        data,
        personal or None,
        naming_of(source, id_),
        blake2b(content, digest_size=16).digest(),
    )


def without_account(told: Data, own: str) -> Data:
    """An allocation that names the item's account where that is its own says no more than one that names none."""
    if "allocations" in told:
        return {**told, "allocations": [without_account(part, own) for part in told["allocations"]]}
    return {field: value for field, value in told.items() if field != "account" or value != own}


def validated(record: Data) -> tuple[Data, Kind, Data]:
    """The envelope, the kind of its type, and the data as its model has it."""
    model: type[Inbound] = Envelope
    inside = ""
    try:
        envelope = envelope_of(record)
        kind = KINDS.get(envelope["type"])
        if kind is None:
            raise Unreadable("unknown_type", f"type {envelope['type']!r} is not one this engine takes")
        model, inside = kind.model, "data."
        data = kind.data(envelope["data"])
    except ValidationError as error:
        raise Unreadable(*refusal(model, error, inside)) from error
    if kind.name == CURRENCY_OF_NO_ACCOUNT and data["base"] != envelope["subject"]:
        raise Unreadable("wrong_subject", "subject: not the base currency of the rate")
    return envelope, kind, data


def is_all_of(raw: bytes, record: Data, kind: Kind, attributes: int, values: bytes) -> bool:
    """Whether what was read is all that the record says: no member is unknown, and none was named twice (only the last of them is read).

    Every member is a colon, and texts have colons of their own: when what was read has as many as the record, no member is missing. Without a
    backslash texts are their own bytes. Where there is one, or a colon that is not counted here, the answer is no: then look closely.
    """
    texts = f"{record['id']}{record['source']}{record['subject']}{record['time']}"
    colons = attributes + values.count(b":") + texts.count(":")
    for field in kind.filled_in:
        colons -= field not in record["data"]
    return raw.count(b":") == colons and BACKSLASH not in raw


def beyond_models(raw: bytes, kind: Kind, record: Data) -> bytes | None:
    """What the models do not know, where there is something (nothing is said by a null, and the attributes are no content)."""
    check_shape(raw, record)
    if knows_all(Envelope, record) and knows_all(kind.model, record["data"]):
        return None
    others = unknown_fields(kind.model, record["data"])
    return written_sorted(others) if others else b""


def check_shape(raw: bytes, record: Data) -> None:
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
