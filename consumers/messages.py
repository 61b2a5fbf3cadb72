"""What goes out, as messages: events of ours as CloudEvents in binary mode, dead letters as they came with headers that say where and why."""

from typing import Any, NamedTuple

from exposure.ledger.acts.dead_letters import Letter
from exposure.ledger.carried import Carried
from exposure.ledger.out.outbox import Waiting
from projections.when import instant_text
from schemas.jsontext import read, written
from schemas.topics import prefixed

Headers = list[tuple[str, bytes]]


class Message(NamedTuple):
    """``id`` is the same however often the message is sent: who drops repeats drops them by it."""

    id: str
    topic: str
    key: bytes | None
    value: bytes | None
    headers: Headers


def message_of(waiting: Waiting, prefix: str) -> Message:
    topic = prefixed(prefix, waiting.topic)
    key = None if waiting.key is None else waiting.key.encode()
    if waiting.letter is None:
        value, headers = event(waiting)
        return Message(waiting.message_id, topic, key, value, headers)
    carried, raw = waiting.letter.carried_opened(waiting.letter_key), waiting.letter.opened(waiting.letter_key)
    headers = headers_of(waiting.letter, carried, is_erased=raw is None)
    if carried is None:
        return Message(waiting.message_id, topic, key, raw, headers)
    return Message(waiting.message_id, topic, carried.key, None if carried.is_null else raw, headers)


def event(waiting: Waiting) -> tuple[bytes, Headers]:
    """In binary mode: the attributes are headers, the data is the value."""
    told = read(waiting.payload)
    attributes = attributes_of(told, waiting.message_id, waiting.key, waiting.recorded_at)
    headers = [(f"ce_{name}", value.encode()) for name, value in attributes.items() if value is not None]
    return written(told["data"]), [*headers, ("content-type", b"application/json")]


def structured(told: dict[str, Any], message_id: str, subject: str, recorded_at: int) -> bytes:
    """The same event in structured mode: one JSON object."""
    return written({**attributes_of(told, message_id, subject, recorded_at), "datacontenttype": "application/json", "data": told["data"]})


def attributes_of(told: dict[str, Any], message_id: str, subject: str | None, recorded_at: int) -> dict[str, str | None]:
    return {
        "specversion": "1.0",
        "id": message_id,
        "source": told["source"],
        "type": told["type"],
        "subject": subject,
        "time": instant_text(recorded_at),
    }


def headers_of(letter: Letter, carried: Carried | None, *, is_erased: bool) -> Headers:
    """Those that the record had, first and untouched, and ours behind them; only what is known.

    Kafka's client can not write a header without a value: such a one is empty, and ``dl_null_headers`` names its place, from 0 on.
    """
    theirs = carried.headers if carried else ()
    told = {
        "id": letter.digest.hex(),
        "code": letter.code,
        "reason": letter.reason,
        **place(letter),
        "timestamp": str(carried.timestamp) if carried else None,
        "source": letter.source,
        "recorded": instant_text(letter.recorded_at),
        "null_headers": ",".join(str(number) for number, (_, value) in enumerate(theirs) if value is None) or None,
        "erased": "true" if is_erased else None,
    }
    ours = [(f"dl_{name}", value.encode()) for name, value in told.items() if value is not None]
    return [*((name, value or b"") for name, value in theirs), *ours]


def place(letter: Letter) -> dict[str, str]:
    """A partition's source says the topic and the partition, any other says all it is."""
    kind, _, name = letter.source.partition(":")
    topic, _, partition = name.rpartition(":")
    if kind == "kafka" and topic:
        return {"topic": topic, "partition": partition, "offset": str(letter.position)}
    return {"position": str(letter.position)}
