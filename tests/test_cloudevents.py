"""An event is the same event however a topic carries it; the CloudEvents SDK, which knows nothing of ours, writes the messages."""

import json
from datetime import datetime
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, to_binary_event, to_structured_event
from cloudevents.core.v1.event import CloudEvent
from hypothesis import given
from hypothesis import strategies as st

from consumers.cloudevents import record_of
from exposure.ledger.carried import decode_carried, encode_carried
from exposure.ledger.records import Read, Record, read_or_refuse
from schemas.told import ToldFact, Unreadable
from tests.examples import examples

KEY, AT_MS = b"C-1", 1_700_000_000_000
EXAMPLES = examples()


def spoken(event: dict[str, Any], *, binary: bool) -> KafkaMessage:
    attributes = {name: value for name, value in event.items() if name != "data"} | {"datacontenttype": "application/json"}
    attributes["time"] = datetime.fromisoformat(attributes["time"])
    return (to_binary_event if binary else to_structured_event)(CloudEvent(attributes, event["data"]))


def taken(message: KafkaMessage, value: bytes | None = None) -> Read:
    return read_or_refuse(record_of(message.value if value is None else value, KEY, list(message.headers.items()), 7, AT_MS))


def fact(read: Read) -> ToldFact:
    assert isinstance(read.told, ToldFact), read.told
    return read.told


def refusal(read: Read) -> Unreadable:
    assert isinstance(read.told, Unreadable)
    return read.told


@pytest.mark.parametrize("event", EXAMPLES, ids=lambda event: event["type"])
def test_both_modes_tell_what_a_line_of_a_file_tells(event: dict[str, Any]) -> None:
    line = fact(read_or_refuse(Record(json.dumps(event).encode(), 0)))
    for binary in (True, False):
        told = fact(taken(spoken(event, binary=binary)))
        assert told._replace(personal=None) == line._replace(personal=None)


def test_the_prefix_that_names_a_schema_is_passed_over() -> None:
    for binary in (True, False):
        message = spoken(EXAMPLES[0], binary=binary)
        plain, prefixed = taken(message), taken(message, b"\0\0\0\0\x07" + message.value)
        assert fact(prefixed) == fact(plain)
        assert prefixed.record.raw.startswith(b"\0"), "the record stays as it came"


def test_data_cannot_smuggle_in_attributes() -> None:
    """In binary mode the value is one JSON text and nothing behind it."""
    message = spoken(EXAMPLES[0], binary=True)
    read = taken(message, message.value + b',"subject":"C-2"')
    assert refusal(read).code == "not_json"
    assert refusal(read).subject == KEY.decode()


@pytest.mark.parametrize(
    ("value", "headers", "code"),
    [
        (None, {}, "no_value"),
        (b"[]", {"content-type": b"application/cloudevents-batch+json"}, "batched"),
        (b"{}", {"ce_specversion": b"1.0", "ce_id": b"\xff"}, "invalid"),
        (b"{}", {"ce_specversion": b"1.0"}, "invalid"),
        (b"\0\0\0\0\x07\x02\x10", {}, "not_json"),
    ],
)
def test_what_is_no_event_is_refused(value: bytes | None, headers: dict[str, bytes], code: str) -> None:
    read = read_or_refuse(record_of(value, KEY, list(headers.items()), 7, AT_MS))
    assert refusal(read).code == code
    assert refusal(read).subject == "C-1", "the key says whose it is"


def test_records_with_equal_values_are_told_apart_by_what_stands_beside_them() -> None:
    one, other = ({"ce_specversion": b"1.0", "ce_id": id_} for id_ in (b"1", b"2"))
    assert record_of(b"?", KEY, list(one.items()), 1, 0).digest != record_of(b"?", KEY, list(other.items()), 2, 0).digest
    assert record_of(None, b"C-1", [], 1, 0).digest != record_of(None, b"C-2", [], 1, 0).digest
    assert record_of(b"?", b"C-1", [], 1, 0).digest == Record(b"?", 5).digest, "the same bytes are one dead letter, by file or topic"


@given(
    value=st.none() | st.binary(max_size=80),
    key=st.none() | st.binary(max_size=10),
    headers=st.lists(st.tuples(st.sampled_from(["content-type", "ce_id", "ce_type", "x"]), st.none() | st.binary(max_size=20)), max_size=4),
)
def test_whatever_a_topic_carries_is_a_fact_or_a_dead_letter_and_nothing_of_it_is_lost(
    value: bytes | None, key: bytes | None, headers: list[tuple[str, bytes | None]]
) -> None:
    record = record_of(value, key, headers, 7, AT_MS)
    assert isinstance(read_or_refuse(record).told, ToldFact | Unreadable)
    assert record.carried is not None
    kept = decode_carried(encode_carried(record.carried))
    assert (record.raw, kept.key, kept.headers, kept.timestamp, kept.is_null) == (value or b"", key, tuple(headers), AT_MS, value is None)
