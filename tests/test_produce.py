"""Events are sent to Kafka as an ERP would send them: their bytes, under their account, each to its topic, and none is dropped."""

import gzip
import time
from pathlib import Path
from typing import Any

import orjson
import pytest
from kafka import KafkaConsumer, TopicPartition

from schemas.topics import INBOUND, topic_of
from service.sample import sample
from tests.command import exposure

EXAMPLE = Path(__file__).parent / "contract_example.jsonl"
PARTITIONS = 3
JAVA_SENDS_TO = {"C-1001": 0, "C-1002": 0, "C-1003": 0, "4711": 1, "Ämter": 0, "EUR": 0, "株式会社": 2, "0000100042": 0}
"""The partition of three that Kafka's own client has for a key (BuiltInPartitioner.partitionForKey)."""


@pytest.fixture
def prefix(kafka_prefix: str) -> str:
    """What a test's topics begin with; they are made."""
    assert exposure("topics", "create", "--partitions", str(PARTITIONS)).exit_code == 0
    return kafka_prefix


def records(kafka: str, prefix: str) -> list[Any]:
    """All that stands in the topics that come in, up to their ends."""
    with KafkaConsumer(bootstrap_servers=kafka, enable_auto_commit=False, auto_offset_reset="none") as consumer:
        partitions = [TopicPartition(f"{prefix}{name}", number) for name in INBOUND for number in range(PARTITIONS)]
        consumer.assign(partitions)
        consumer.seek_to_beginning()
        left = sum(consumer.end_offsets(partitions).values())
        found: list[Any] = []
        while len(found) < left:
            found += [record for batch in consumer.poll(timeout_ms=10_000).values() for record in batch]
        return found


def test_every_event_goes_to_its_topic_under_its_account_with_its_bytes(kafka: str, prefix: str, tmp_path: Path) -> None:
    lines = list(sample(3000, seed=11))
    file = tmp_path / "events.jsonl.gz"
    file.write_bytes(gzip.compress(b"\n".join(lines)))
    assert exposure("produce", file, "--json").json == {"sent": 3000, "unplaced": 0}
    found = records(kafka, prefix)
    assert sorted(record.value for record in found) == sorted(lines)
    place: dict[bytes, set[int]] = {}
    for record in found:
        event = orjson.loads(record.value)
        assert (record.topic, record.key) == (f"{prefix}{topic_of(event['type'])}", event["subject"].encode())
        place.setdefault(record.key, set()).add(record.partition)
    assert all(len(partitions) == 1 for partitions in place.values())
    assert set.union(*place.values()) == set(range(PARTITIONS))


def test_an_account_is_in_the_partition_that_kafkas_own_client_has_for_it(kafka: str, prefix: str) -> None:
    lines = [orjson.dumps({"type": "erp.customer.changed.v1", "subject": account}) for account in JAVA_SENDS_TO]
    assert exposure("produce", "-", stdin=b"\n".join(lines)).exit_code == 0
    assert {record.key.decode(): record.partition for record in records(kafka, prefix)} == JAVA_SENDS_TO


def test_events_of_one_account_and_topic_stay_in_their_order(kafka: str, prefix: str) -> None:
    lines = EXAMPLE.read_bytes().splitlines()
    assert exposure("produce", "-", "--topic", "erp.fx", stdin=EXAMPLE.read_bytes()).exit_code == 0
    assert [record.value for record in records(kafka, prefix)] == lines


def test_what_says_no_topic_is_sent_all_the_same_and_told(kafka: str, prefix: str) -> None:
    lines = [b"not JSON", b"[1]", b'{"type":7,"subject":8}', b'{"type":"erp.weather.changed.v1","subject":"C-1"}', b'{"type":"erp.payment.']
    said = exposure("produce", "-", "--json", stdin=b"\n\n".join(lines))
    assert (said.json, said.err) == ({"sent": 5, "unplaced": 5}, f"5 lines said no topic and went to {prefix}erp.invoices\n")
    found = {record.value: (record.topic, record.key) for record in records(kafka, prefix)}
    assert found == {line: (f"{prefix}erp.invoices", b"C-1" if b"weather" in line else None) for line in lines}


def test_a_line_larger_than_its_topic_takes_is_a_failure_that_names_its_place(kafka: str, prefix: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(EXAMPLE.read_bytes() + b'{"type":"' + b"x" * (2 << 20) + b'"}\n' + EXAMPLE.read_bytes())
    said = exposure("produce", file, "--json")
    assert (said.exit_code, said.json["error"]["code"]) == (1, "too_large")
    assert f"the line at {EXAMPLE.stat().st_size} of {file}" in said.json["error"]["message"]
    assert sorted(record.value for record in records(kafka, prefix)) == sorted(EXAMPLE.read_bytes().splitlines())


def test_a_record_of_one_mebibyte_fits(kafka: str, prefix: str) -> None:
    line = b'{"type":"erp.order.confirmed.v1","subject":"C-1","data":"'
    line += b"x" * ((1 << 20) - len(line) - 2) + b'"}'
    assert exposure("produce", "-", "--json", stdin=line).json["sent"] == 1
    assert [record.value for record in records(kafka, prefix)] == [line]


@pytest.mark.usefixtures("kafka_prefix")
def test_a_topic_that_is_not_there_is_a_failure_and_is_not_made() -> None:
    said = exposure("produce", EXAMPLE, "--json")
    assert (said.exit_code, said.json["error"]["code"]) == (1, "no_topic")
    assert {topic["state"] for topic in exposure("topics", "list", "--json").json["topics"]} == {"missing"}


def test_a_rate_is_kept_over_all_files(kafka: str, prefix: str) -> None:
    started = time.monotonic()
    assert exposure("produce", EXAMPLE, EXAMPLE, "--rate", "4", "--json").json == {"sent": 12, "unplaced": 0}
    assert time.monotonic() - started >= 11 / 4
    sent_at = [record.timestamp / 1000 for record in records(kafka, prefix)]
    assert (len(sent_at), max(sent_at) - min(sent_at) < 60) == (12, True), "how long the command itself takes is not its rate"


def test_a_file_that_is_cut_off_is_a_failure_and_what_came_before_is_sent(kafka: str, prefix: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl.gz"
    file.write_bytes(gzip.compress(EXAMPLE.read_bytes())[:-5])
    said = exposure("produce", EXAMPLE, file, "--json")
    assert (said.exit_code, said.json["error"]["code"]) == (1, "cut_off")
    assert len(records(kafka, prefix)) >= 6


def test_the_sample_is_written_to_a_file_or_out(tmp_path: Path) -> None:
    lines = b"".join(line + b"\n" for line in sample(200, seed=3))
    file = tmp_path / "sample.jsonl.gz"
    assert exposure("sample", "--events", "200", "--seed", "3", "--out", file, "--json").json == {"written": 200}
    assert gzip.decompress(file.read_bytes()) == lines
    assert exposure("sample", "--events", "200", "--seed", "3").out.encode() == lines
    assert exposure("sample", "--events", "200", "--json").exit_code == 2
