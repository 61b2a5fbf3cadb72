"""CloudEvents as Kafka carries them: structured mode (the value is the event) and binary mode (the value is its data, the rest are headers).

Nothing is judged here: what the door reads is put together, and the record stays as it came.
"""

from collections.abc import Iterable

from exposure.ledger.carried import Carried
from exposure.ledger.records import Record
from schemas.jsontext import NotJson, read, written
from schemas.told import Unreadable

ATTRIBUTE = "ce_"
CONTENT_TYPE = "content-type"
STRUCTURED = "application/cloudevents"
BATCHED = "application/cloudevents-batch"
CONFLUENT_MARK, CONFLUENT_PREFIX_BYTES = b"\0", 5
"""A zero byte and the number of a schema, which some serializers put before a value."""

Headers = Iterable[tuple[str, bytes | None]]


def record_of(value: bytes | None, key: bytes | None, headers: Headers, position: int, timestamp: int) -> Record:
    """A record of a topic as the ledger takes it; ``timestamp`` in milliseconds since 1970."""
    headers = tuple(headers)
    if value is None:
        refusal = Unreadable("no_value", "the record has no value: what is deleted from a topic is told by an event, never by a tombstone")
        return Record(b"", position, refusal, Carried(key, headers, timestamp, is_null=True, attributes=key or b""))
    payload = value[CONFLUENT_PREFIX_BYTES:] if value.startswith(CONFLUENT_MARK) else value
    try:
        content_type, attributes = told_beside(headers)
    except UnicodeDecodeError:
        refusal = Unreadable("invalid", "headers: not a text in UTF-8")
        return Record(value, position, refusal, Carried(key, headers, timestamp, attributes=b"".join(part or b"" for _, part in headers)))
    if content_type.startswith(BATCHED):
        refusal = Unreadable("batched", "a batch of events in one record: send one event a record")
        return Record(value, position, refusal, Carried(key, headers, timestamp))
    if not attributes or content_type.startswith(STRUCTURED):
        return Record(value, position, None, Carried(key, headers, timestamp, text=payload if payload is not value else None))
    beside = written(attributes)
    try:
        read(payload)
    except NotJson as error:
        refusal = Unreadable("not_json", f"data: not a JSON text in UTF-8: {error}")
        return Record(value, position, refusal, Carried(key, headers, timestamp, attributes=beside))
    event = beside[:-1] + b',"data":' + payload + b"}"
    return Record(value, position, None, Carried(key, headers, timestamp, text=event, attributes=beside))


def told_beside(headers: tuple[tuple[str, bytes | None], ...]) -> tuple[str, dict[str, str]]:
    """The content type, and the attributes of an event in binary mode (none in structured mode)."""
    content_type = ""
    attributes: dict[str, str] = {}
    for name, value in headers:
        word = name.lower()
        if word == CONTENT_TYPE:
            content_type = (value or b"").decode().lower()
        elif word.startswith(ATTRIBUTE) and value is not None:
            attributes[word.removeprefix(ATTRIBUTE)] = value.decode()
    return content_type, attributes
