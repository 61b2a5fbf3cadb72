"""The outbox in the hands of a test: messages put into it, relays as a user would start them, and what a subscriber sees of it."""

import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition

from consumers.broker.topics import create_topics
from schemas.jsontext import written
from tests.broker import Topics, fresh
from tests.command import Said, ran
from tests.patience import SECONDS_MAX, until
from tests.stores import NOW, url_of

ALERTS, LETTERS = "credit.alerts", "erp.dead-letters"
ACCOUNTS = 40
PARTITIONS = 3


class Row(NamedTuple):
    """A message as it is put into the outbox."""

    topic: str
    key: str | None
    message_id: str
    payload: bytes
    recorded_at: int


def alerts(first: int, count: int, seed: int = 1) -> list[Row]:
    random = Random(seed * 1_000_003 + first)
    told = {"type": "credit.alert.raised.v1", "source": "/exposure"}
    return [
        Row(ALERTS, f"C-{random.randrange(ACCOUNTS)}", f"a-{number}", written({**told, "data": {"sequence": number, "rule": "over_limit"}}), NOW)
        for number in range(first, first + count)
    ]


def put(store: Any, rows: Iterable[Row]) -> None:
    with store.writing(NOW) as writing:
        writing.put("INSERT INTO outbox (topic, key, message_id, payload, recorded_at) VALUES {rows}", list(rows))


def depth(store: Any) -> int:
    with store.reading() as moment:
        return int(moment.outbox_depth())


def topics_at(bootstrap: str) -> Topics:
    topics = fresh(bootstrap)
    create_topics({"bootstrap_servers": [bootstrap]}, topics.prefix, PARTITIONS)
    return topics


@contextmanager
def relaying(topics: Topics, store: Path, *words: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "service", "relay", "--json", "--store", url_of(store), *words]
    with subprocess.Popen(command, env=topics.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as relay:
        try:
            yield relay
        finally:
            relay.kill()


def ended(relay: "subprocess.Popen[bytes]") -> Said:
    out, err = relay.communicate(timeout=SECONDS_MAX)
    return Said(relay.returncode, out.decode(), err.decode())


def relayed(topics: Topics, store: Path) -> Said:
    """Sends everything that waits."""
    return ran(["relay", "--json", "--store", url_of(store), "--until-empty"], topics.environment)


def arrived(topics: Topics, topic: str) -> dict[int, list[Any]]:
    """Every record of a topic, by partition."""
    consumer = KafkaConsumer(bootstrap_servers=topics.bootstrap, auto_offset_reset="none", enable_auto_commit=False)
    partitions = [TopicPartition(topics.prefix + topic, number) for number in consumer.partitions_for_topic(topics.prefix + topic)]
    found: dict[int, list[Any]] = {partition.partition: [] for partition in partitions}
    consumer.assign(partitions)
    ends = consumer.end_offsets(partitions)
    for partition in partitions:
        consumer.seek(partition, 0)
    while any(consumer.position(partition) < ends[partition] for partition in partitions):
        for partition, records in consumer.poll(timeout_ms=1_000).items():
            found[partition.partition] += records
    consumer.close()
    return found


def letters(topics: Topics) -> dict[str, Any]:
    """The dead letters that arrived, by what ``dl_id`` says."""
    return {dict(record.headers)["dl_id"].decode(): record for records in arrived(topics, LETTERS).values() for record in records}


def seen_once(records: Iterable[Any]) -> list[tuple[str, str]]:
    """(key, id) as one sees them who drops repeats by id."""
    return list({dict(record.headers)["ce_id"]: (record.key.decode(), dict(record.headers)["ce_id"].decode()) for record in records}.values())


def by_key(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for key, id_ in pairs:
        found.setdefault(key, []).append(id_)
    return found


def holds_all_in_order(topics: Topics, rows: list[Row]) -> int:
    """Asserts that a subscriber sees each message once and those of an account in order; returns how many repeats there were."""
    partitions = arrived(topics, ALERTS)
    place = {row.message_id: number for number, row in enumerate(rows)}
    for records in partitions.values():
        places = [place[id_] for _, id_ in seen_once(records)]
        assert places == sorted(places), "the first of each is in the order of the outbox"
    once = [pair for records in partitions.values() for pair in seen_once(records)]
    assert by_key(once) == by_key((str(row.key), row.message_id) for row in rows)
    return sum(map(len, partitions.values())) - len(once)


def until_left(store: Any, at_most: int) -> None:
    until(lambda: depth(store) <= at_most)
