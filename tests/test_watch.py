"""A consumer is watched: what it tells Prometheus is what was taken, it says when it can do its work and when not, and its log gives nothing away."""

import json
import os
import pty
import signal
import sqlite3
import subprocess
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from queue import Queue
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import pytest
from prometheus_client.parser import text_string_to_metric_families

from consumers.broker.stream import Stream
from consumers.broker.subscription import Subscription
from schemas.topics import INBOUND
from service.sample import sample
from tests import stores
from tests.broker import Topics, fresh, structured
from tests.patience import SECONDS_MAX, mortal, until
from tests.services import Killable
from tests.stores import opened
from tests.test_consume import invoice

SASL_PASSWORD = "a-word-for-kafka"
SESSION = {"EXPOSURE_KAFKA_SESSION_SECONDS": "2"}


class Answer(NamedTuple):
    status: int
    body: str


class Consumer:
    """A running consumer, and the lines of its log that were looked at so far: they are read as they come, for it stands still where nobody does."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process
        self.log: list[dict[str, Any]] = []
        self.said: Queue[bytes] = Queue()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self.said.put(line)
        self.said.put(b"")

    def lines(self) -> Iterator[dict[str, Any]]:
        while line := self.said.get(timeout=SECONDS_MAX):
            self.log.append(json.loads(line))
            yield self.log[-1]

    def logged(self, event: str) -> dict[str, Any]:
        """The next line of an event."""
        for line in self.lines():
            if line["event"] == event:
                return line
        raise AssertionError(f"it ended and never said {event}: {self.log}")

    def get(self, path: str) -> Answer:
        host, _, port = next(line for line in self.log if line["event"] == "listening")["http"].rpartition(":")
        with closing(HTTPConnection(host, int(port), timeout=SECONDS_MAX)) as connection:
            connection.request("GET", path)
            response = connection.getresponse()
            return Answer(response.status, response.read().decode())

    def answers(self, path: str, status: int) -> bool:
        return self.get(path).status == status

    def metrics(self) -> dict[str, dict[tuple[str, ...], float]]:
        """By name, then by the values of their labels."""
        told: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
        for family in text_string_to_metric_families(self.get("/metrics").body):
            for one in family.samples:
                told[one.name][tuple(value for _, value in sorted(one.labels.items()))] = one.value
        return told

    def stop(self) -> Any:
        """What it says at the end, asked to stop."""
        assert self.process.stdout is not None
        self.process.send_signal(signal.SIGTERM)
        for _ in self.lines():
            pass
        assert self.process.wait(timeout=SECONDS_MAX) == 0
        return json.loads(self.process.stdout.read())


@contextmanager
def consuming(topics: Topics, store: Path, *words: str, **environment: str) -> Iterator[Consumer]:
    with topics.consumer(store, "--http", "127.0.0.1:0", *words, **environment) as process, mortal(process):
        consumer = Consumer(process)
        consumer.logged("listening")
        yield consumer


@contextmanager
def nobody_writes(store: Path) -> Iterator[Callable[[], None]]:
    """To a store, until it is told that the time is over."""
    with closing(sqlite3.connect(store, isolation_level=None)) as another:
        another.execute("BEGIN IMMEDIATE")
        yield another.close


@pytest.fixture
def password(postgresql_server: str) -> Iterator[str]:
    """Stores are on a server that asks for it."""
    with stores.using(postgresql_server):
        yield urlsplit(postgresql_server).password or ""


def test_what_is_told_of_a_consumer_is_what_it_took_and_gives_nothing_away(kafka: str, password: str, tmp_path: Path) -> None:
    topics = fresh(kafka).make(2)
    lines = list(sample(400, seed=41, accounts=10))
    names = {event["data"]["name"] for event in map(json.loads, lines) if event["data"].get("name")}
    topics.send([*map(structured, [*lines, *lines[:20]]), ("erp.orders", b"C-1", b"Kessler Maschinenbau", [])])
    secret = {"EXPOSURE_KAFKA_SASL_PASSWORD": SASL_PASSWORD, "EXPOSURE_LOG_LEVEL": "debug", "EXPOSURE_LOG_SECONDS": "0.5"}
    with consuming(topics, tmp_path / "store", "--no-relay", **secret) as consumer:
        until(lambda: sum(consumer.metrics()["exposure_records_total"].values()) == 421)
        until(lambda: consumer.metrics()["exposure_outbox_rows"][()] > 10)  # a dead letter, and what is said of each account
        told = consumer.metrics()
        consumer.logged("progress")
        counts = consumer.stop()
    assert counts == {"read": 421, "recorded": 400, "duplicates": 20, "dead_letters": 1, "overtaken": 0}
    assert told["exposure_records_total"] == {("recorded",): 400, ("duplicate",): 20, ("dead_letter",): 1}
    assert told["exposure_backlog_records"] == {(str(partition), topics.prefix + name): 0 for name in INBOUND for partition in range(2)}
    assert sum(told["exposure_position_offset"].values()) == 421
    assert told["exposure_batch_seconds_count"][()] == sum(line["event"] == "taken" for line in consumer.log)
    assert 0 < told["exposure_newest_record_age_seconds"][()] < 2 * SECONDS_MAX
    assert 0 < told["exposure_outbox_oldest_age_seconds"][()] < 2 * SECONDS_MAX
    assert told["exposure_open_dead_letters"][()] == 1 <= told["exposure_rebalances_total"][()]
    assert told["exposure_waiting"][()] == told["exposure_overtaken_batches_total"][()] == 0
    assert told["process_start_time_seconds"]
    happened = dict.fromkeys(line["event"] for line in consumer.log if line["event"] != "library")
    assert [event for event in happened if event != "progress"] == ["started", "listening", "claimed", "taken", "caught_up", "stopped"]
    assert all(line["timestamp"].endswith("Z") for line in consumer.log)
    assert consumer.log[-1].items() > {**counts, "backlog_records": 0}.items()
    written = json.dumps(consumer.log)
    assert names
    assert not [word for word in (password, SASL_PASSWORD, "Kessler", *names) if word in written]


def test_what_its_relay_sends_is_told_without_what_it_is(kafka: str, tmp_path: Path) -> None:
    topics = fresh(kafka).make(2)
    topics.send([("erp.orders", b"C-1", b"Kessler Maschinenbau", [])])
    with consuming(topics, tmp_path / "exposure.db", EXPOSURE_LOG_LEVEL="debug") as consumer:
        until(lambda: consumer.metrics()["exposure_sent_messages_total"] == {(): 1})
        until(lambda: consumer.metrics()["exposure_outbox_rows"] == {(): 0})
        assert consumer.metrics()["exposure_outbox_oldest_age_seconds"] == {(): 0}
        consumer.stop()
    assert [line["messages"] for line in consumer.log if line["event"] == "sent"] == [1]
    assert "Kessler" not in json.dumps(consumer.log)


def test_it_is_ready_once_it_has_its_partitions_and_alive_before(kafka: str, tmp_path: Path) -> None:
    opened(tmp_path / "exposure.db").datastore.close()
    with nobody_writes(tmp_path / "exposure.db") as it_may_write, consuming(fresh(kafka).make(1), tmp_path / "exposure.db") as consumer:
        assert consumer.get("/readyz") == (503, '{"status":"unavailable","reason":"it has claimed no partitions"}\n')
        assert consumer.get("/healthz") == (200, '{"status":"ok"}\n')
        it_may_write()
        consumer.logged("claimed")
        until(lambda: consumer.answers("/readyz", 200))
        assert consumer.get("/elsewhere").status == 404


def test_a_partition_that_went_to_another_is_not_told_of_any_more(kafka: str, tmp_path: Path) -> None:
    topics = fresh(kafka).make(2)
    opened(tmp_path / "exposure.db").datastore.close()
    with consuming(topics, tmp_path / "exposure.db", "--member", "a", **SESSION) as one:
        until(lambda: len(one.metrics()["exposure_backlog_records"]) == 2 * len(INBOUND))
        with consuming(topics, tmp_path / "exposure.db", "--member", "b", **SESSION) as other:
            until(lambda: have_halves([set(consumer.metrics()["exposure_backlog_records"]) for consumer in (one, other)]))


def have_halves(told: list[set[tuple[str, ...]]]) -> bool:
    return all(len(of_one) == len(INBOUND) for of_one in told) and len(set.union(*told)) == 2 * len(INBOUND)


def test_it_is_not_ready_while_the_store_is_down(kafka: str, killable_postgresql: Killable, tmp_path: Path) -> None:
    with stores.using(killable_postgresql.start()):
        topics = fresh(kafka).make(1)
        with consuming(topics, tmp_path / "store") as consumer:
            is_not_ready_without(killable_postgresql, consumer, topics)
            consumer.stop()


def test_it_is_not_ready_while_the_broker_is_down_and_says_that_it_waits(killable_kafka: Killable, tmp_path: Path) -> None:
    """To read from a broker that is away only brings nothing."""
    topics = fresh(killable_kafka.start()).make(1)
    with consuming(topics, tmp_path / "exposure.db") as consumer:
        is_not_ready_without(killable_kafka, consumer, topics)
        consumer.stop()
    happened = [line["event"] for line in consumer.log if line["event"] in ("waiting", "resumed")]
    assert list(dict.fromkeys(happened)) == ["waiting", "resumed"]


def is_not_ready_without(server: Killable, consumer: Consumer, topics: Topics) -> None:
    until(lambda: consumer.answers("/readyz", 200))
    server.kill()
    until(lambda: consumer.answers("/readyz", 503))
    assert consumer.answers("/healthz", 200)
    server.start()
    topics.send([structured(invoice(1))])
    until(lambda: consumer.metrics()["exposure_records_total"].get(("recorded",)) == 1)
    until(lambda: consumer.answers("/readyz", 200))
    assert consumer.metrics()["exposure_waiting"] == {(): 0}


def test_it_stops_cleanly_while_it_waits(killable_kafka: Killable, tmp_path: Path) -> None:
    """Its session is over by then, so that it waits to claim its partitions anew."""
    topics = fresh(killable_kafka.start()).make(1)
    with consuming(topics, tmp_path / "exposure.db", **SESSION) as consumer:
        until(lambda: consumer.answers("/readyz", 200))
        killable_kafka.kill()
        consumer.logged("waiting")
        assert consumer.stop()["read"] == 0
        assert consumer.log[-1]["event"] == "stopped"


def test_a_batch_counts_once_it_is_written(kafka: str, tmp_path: Path) -> None:
    topics, store = fresh(kafka).make(1), opened(tmp_path / "exposure.db")
    topics.send([structured(invoice(1))])
    names = tuple(topics.prefix + name for name in INBOUND)
    stream = Stream(store, Subscription(names, (), f"{topics.prefix}group", {"bootstrap_servers": [kafka]}), threading.Event())
    _, source = next(batch for batch in stream.batches() if batch is not None)
    assert sum(place.backlog for place in stream.places.values()) == 1
    stream.wrote(source)
    assert sum(place.backlog for place in stream.places.values()) == 0
    stream.close()


def test_it_is_not_alive_while_its_main_loop_stands_still(kafka: str, tmp_path: Path) -> None:
    topics = fresh(kafka).make(1)
    with consuming(topics, tmp_path / "exposure.db", EXPOSURE_KAFKA_STALL_SECONDS="3", **SESSION) as consumer:
        until(lambda: consumer.answers("/readyz", 200))
        with nobody_writes(tmp_path / "exposure.db"):
            topics.send([structured(invoice(1))])
            until(lambda: consumer.answers("/healthz", 503))
            assert "the main loop has not moved for" in consumer.get("/healthz").body
        until(lambda: consumer.answers("/healthz", 200))


def test_what_the_kafka_library_says_at_the_start_is_in_the_log_at_debug_and_gives_no_password_away(
    kafka: str, password: str, tmp_path: Path
) -> None:
    """The broker speaks no SASL, so that there is no getting in."""
    sasl = {"SECURITY_PROTOCOL": "SASL_PLAINTEXT", "SASL_MECHANISM": "PLAIN", "SASL_USERNAME": "exposure", "SASL_PASSWORD": SASL_PASSWORD}
    told = {f"EXPOSURE_KAFKA_{name}": value for name, value in sasl.items()}
    said = fresh(kafka).consume(tmp_path / "store", EXPOSURE_LOG_LEVEL="debug", **told)
    assert said.exit_code == 1
    log = [json.loads(line) for line in said.err.splitlines()]
    assert {line["event"] for line in log} == {"started", "library", "failed"}
    assert {line["level"] for line in log if line["event"] == "library"} <= {"warning", "error", "critical"}
    assert not [word for word in (password, SASL_PASSWORD) if word in said.err + said.out]


def test_on_a_terminal_a_line_tells_the_progress(kafka: str, tmp_path: Path) -> None:
    topics = fresh(kafka).make(1)
    topics.send([structured(invoice(1))])
    ours, theirs = pty.openpty()
    command, environment = topics.command(tmp_path / "exposure.db"), topics.environment | {"TERM": "xterm"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=theirs) as process, mortal(process):
        os.close(theirs)
        seen = ""
        while "1 records" not in seen:
            seen += os.read(ours, 4096).decode()
        process.send_signal(signal.SIGTERM)
        with closing(os.fdopen(ours, "rb", buffering=0)):
            assert process.wait(timeout=SECONDS_MAX) == 0
    assert "backlog 0" in seen
    assert "caught_up" in seen
