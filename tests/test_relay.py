"""What waits in the outbox reaches Kafka: bytes untouched, where it belongs, sent by one relay at a time, and nothing overtakes anything."""

import signal
import threading
from pathlib import Path
from random import Random
from typing import Any

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from cloudevents.core.formats.json import JSONFormat
from kafka.admin import NewTopic
from kafka.errors import KafkaError

from consumers.broker.relay import Post, Relay, Relayed
from consumers.cloudevents import record_of
from consumers.messages import message_of
from exposure.ledger.ledger import Ledger
from exposure.ledger.out.outbox import LEASE_MICROSECONDS, LeaseLost, Waiting, waiting
from exposure.ledger.records import Record, Source
from schemas.contracts.asyncapi import DEAD_LETTER_HEADERS
from schemas.jsontext import read, written
from tests.broker import Topics, fresh, structured
from tests.letters import invoice
from tests.outgoing import (
    ALERTS,
    alerts,
    arrived,
    depth,
    ended,
    holds_all_in_order,
    letters,
    put,
    relayed,
    relaying,
    seen_once,
    topics_at,
    until_left,
)
from tests.patience import SECONDS_MAX
from tests.stores import NOW, opened

pytestmark = pytest.mark.usefixtures("each_store")


@pytest.fixture
def topics(kafka: str) -> Topics:
    return topics_at(kafka)


class Silent:
    def sent(self, count: int) -> None: ...

    def waiting(self, why: BaseException) -> None:
        raise AssertionError from why


def relay_at(topics: Topics, store: Any, now: int) -> Relay:
    return Relay(store, {"bootstrap_servers": [topics.bootstrap]}, topics.prefix, lambda: now, Silent())


BROKEN = b'{"specversion":"1.0",\xff'
HEADERS = [("trace", b"\x00\xfe"), ("empty", b""), ("nothing", None), ("trace", b"again")]


@pytest.mark.parametrize(
    ("value", "key", "headers"),
    [(BROKEN, b"C-\xff", HEADERS), (BROKEN, None, []), (None, b"C-1", HEADERS), (None, None, []), (b"", b"", [])],
    ids=["all of it", "no key", "no value", "nothing at all", "empty"],
)
def test_a_dead_letter_goes_out_as_it_came(topics: Topics, tmp_path: Path, value: Any, key: Any, headers: Any) -> None:
    store = opened(tmp_path / "exposure.db")
    record = record_of(value, key, headers, 41, 1_767_225_600_123)
    Ledger(store, lambda: NOW).take([record], Source("kafka:some.erp.invoices:2"))
    assert relayed(topics, tmp_path / "exposure.db").json == {"sent": 1}
    ((id_, sent),) = letters(topics).items()
    assert (sent.value, sent.key) == (value, key)
    assert sent.headers[: len(headers)] == [(name, told or b"") for name, told in headers]
    ours = {name: told.decode() for name, told in sent.headers[len(headers) :]}
    assert ours.keys() <= DEAD_LETTER_HEADERS.keys(), "headers are promised in the contract"
    assert ours.pop("dl_reason")
    assert ours.pop("dl_code") in ("not_json", "no_value", "invalid")
    assert ours.pop("dl_null_headers", None) == ("2" if headers else None)
    assert ours == {
        "dl_id": id_,
        "dl_topic": "some.erp.invoices",
        "dl_partition": "2",
        "dl_offset": "41",
        "dl_timestamp": "1767225600123",
        "dl_source": "kafka:some.erp.invoices:2",
        "dl_recorded": "2024-10-04T00:00:00Z",
    }


def test_a_dead_letter_of_a_file_says_where_it_stood_and_has_its_account_as_key(topics: Topics, tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    line = invoice("I-1", amount="-1.00", account="C-7")
    Ledger(store, lambda: NOW).take([Record(line, 83)], Source("file:/in/late.jsonl"))
    assert relayed(topics, tmp_path / "exposure.db").json == {"sent": 1}
    ((_, sent),) = letters(topics).items()
    assert (sent.key, sent.value) == (b"C-7", line)
    ours = dict(sent.headers)
    assert (ours["dl_source"], ours["dl_position"]) == (b"file:/in/late.jsonl", b"83")
    assert not {"dl_topic", "dl_offset", "dl_timestamp", "dl_erased"} & ours.keys()


def test_of_an_erased_account_only_that_there_was_a_dead_letter_goes_out(topics: Topics, tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    line = invoice("I-1", amount="-1.00", account="C-7")
    Ledger(store, lambda: NOW).take([record_of(line, b"C-7", [("name", b"Ada")], 0, 0)], Source("kafka:erp.invoices:0"))
    with store.writing(NOW) as writing:
        assert writing.rows("DELETE FROM account_keys WHERE account = 'C-7' RETURNING 1")
    assert relayed(topics, tmp_path / "exposure.db").json == {"sent": 1}
    ((_, sent),) = letters(topics).items()
    assert (sent.key, sent.value) == (b"C-7", None)
    assert dict(sent.headers)["dl_erased"] == b"true"
    assert "name" not in dict(sent.headers)


def test_dead_letters_larger_than_a_record_may_be_go_out_one_by_one(topics: Topics, tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    lines = [Random(number).randbytes((1 << 20) + number * 700_000) for number in range(5)]
    Ledger(store, lambda: NOW).take([Record(line, number) for number, line in enumerate(lines)], Source("file:/in/large"))
    with store.reading() as moment:
        assert len(waiting(moment)) == 2
    assert relayed(topics, tmp_path / "exposure.db").json == {"sent": 5}
    assert {record.value for record in letters(topics).values()} == set(lines)


def test_an_event_of_ours_is_a_cloud_event_with_its_stable_id(topics: Topics, tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    put(store, alerts(7, 1))
    assert relayed(topics, tmp_path / "exposure.db").json == {"sent": 1}
    (record,) = [one for records in arrived(topics, ALERTS).values() for one in records]
    event = from_binary_event(KafkaMessage(dict(record.headers), record.key, record.value), JSONFormat())
    assert (event.get_id(), event.get_type(), event.get_source()) == ("a-7", "credit.alert.raised.v1", "/exposure")
    assert (event.get_subject(), event.get_time().isoformat()) == (record.key.decode(), "2024-10-04T00:00:00+00:00")
    assert read(record.value) == {"sequence": 7, "rule": "over_limit"}


def test_two_relays_at_once_take_turns(topics: Topics, tmp_path: Path) -> None:
    store, rows = opened(tmp_path / "exposure.db"), alerts(0, 5_000)
    put(store, rows)
    both = (tmp_path / "exposure.db", "--until-empty")
    with relaying(topics, *both) as one, relaying(topics, *both) as other:
        assert ended(one).json["sent"] + ended(other).json["sent"] == len(rows)
    assert holds_all_in_order(topics, rows) == 0


def test_a_relay_that_lost_its_lease_takes_nothing_out(topics: Topics, tmp_path: Path) -> None:
    """It stalls between reading and sending; another sends all, and new messages wait, maybe under the numbers of those."""
    store, rows, stop = opened(tmp_path / "exposure.db"), alerts(0, 300), threading.Event()
    put(store, rows[:200])
    stalled, other = relay_at(topics, store, NOW), relay_at(topics, store, NOW + LEASE_MICROSECONDS + 1)
    assert stalled.take_lease()
    with store.reading() as moment:
        pending = waiting(moment)
    assert other.round(stop) == 200
    other.close()
    put(store, rows[200:])
    with pytest.raises(LeaseLost):
        stalled.send(pending, stop)
    stalled.close()
    assert stalled.relayed == Relayed(0)
    assert depth(store) == 100
    assert relayed(topics, tmp_path / "exposure.db").json == {"sent": 100}
    assert holds_all_in_order(topics, rows) == 200


def test_while_another_relay_has_the_lease_nothing_is_sent(topics: Topics, tmp_path: Path) -> None:
    store, stop = opened(tmp_path / "exposure.db"), threading.Event()
    first, second = relay_at(topics, store, NOW), relay_at(topics, store, NOW + LEASE_MICROSECONDS // 2)
    put(store, alerts(0, 10))
    assert first.take_lease()
    assert second.round(stop) is None
    first.close()
    assert second.round(stop) == 10
    assert second.round(stop) == 0
    second.close()


def test_without_its_topic_nothing_is_lost_and_the_command_that_makes_it_is_named(kafka: str, tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    put(store, alerts(0, 1))
    said = relayed(fresh(kafka).make(credit_alerts=0), tmp_path / "exposure.db")
    assert (said.exit_code, said.json["error"]["code"]) == (1, "topics")
    assert "`exposure topics create` makes them" in said.json["error"]["message"]
    assert depth(store) == 1


def test_nothing_overtakes_what_a_topic_refuses(kafka: str, tmp_path: Path) -> None:
    topics, store = fresh(kafka).make(credit_alerts=0), opened(tmp_path / "exposure.db")
    with topics.admin() as admin:
        narrow = NewTopic(topics.prefix + ALERTS, 1, 1, topic_configs={"max.message.bytes": "2000"})
        admin.create_topics([narrow], wait_for_metadata=True)
    rows = alerts(0, 9)
    large = {"type": "credit.alert.raised.v1", "source": "/exposure", "data": Random(1).randbytes(4_000).hex()}
    rows[4] = rows[4]._replace(payload=written(large))
    put(store, rows)
    said = relayed(topics, tmp_path / "exposure.db")
    assert (said.exit_code, said.json["error"]["code"]) == (1, "kafka")
    (records,) = arrived(topics, ALERTS).values()
    assert [id_ for _, id_ in seen_once(records)] == [row.message_id for row in rows[: len(records)]]
    assert len(records) <= 4
    assert depth(store) == 9 - len(records)


def test_a_failure_ends_its_producer_and_what_is_still_in_it(topics: Topics) -> None:
    post = Post({"bootstrap_servers": [topics.bootstrap]})
    first, second, third = [message_of(Waiting(number, *row), topics.prefix) for number, row in enumerate(alerts(0, 3))]
    post.send(first).get(timeout=SECONDS_MAX)
    left = post.send(second)
    post.failed(KafkaError("made up"))
    with pytest.raises(KafkaError):
        post.send(third)
    post.close()
    assert left.is_done
    ids = [id_ for records in arrived(topics, ALERTS).values() for _, id_ in seen_once(records)]
    assert ids in ([first.id], [first.id, second.id]), "what was on its way may arrive"


def test_consume_sends_what_it_buries_unless_told_not_to(topics: Topics, tmp_path: Path) -> None:
    store = tmp_path / "exposure.db"
    topics.send([structured(invoice("I-1", amount="-1.00"))])
    assert topics.consume(store, "--no-relay").json["dead_letters"] == 1
    assert (depth(opened(store)), letters(topics)) == (1, {})
    topics.send([structured(invoice("I-2", amount="-2.00"))])
    assert topics.consume(store).json["dead_letters"] == 1
    assert (depth(opened(store)), len(letters(topics))) == (0, 2)


def test_consume_sends_while_it_runs_and_stops_with_its_relay(topics: Topics, tmp_path: Path) -> None:
    store, rows = opened(tmp_path / "exposure.db"), alerts(0, 100)
    with topics.consumer(tmp_path / "exposure.db") as consumer:
        put(store, rows)
        until_left(store, 0)
        consumer.send_signal(signal.SIGTERM)
        out, err = consumer.communicate(timeout=SECONDS_MAX)
    assert consumer.returncode == 0, out
    assert not {"relay_waiting", "failed"} & {line["event"] for line in map(read, err.splitlines())}
    assert holds_all_in_order(topics, rows) == 0
