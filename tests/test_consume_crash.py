"""Consumers, the broker and the database die at any moment, and a consumer sleeps past its session: nothing is lost, and nothing counts twice."""

import signal
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from random import Random
from typing import IO, Any

import pytest
from eventsourcing.persistence import PersistenceError
from kafka.coordinator.consumer import ConsumerCoordinator

from consumers.broker.consume import consume
from consumers.broker.stream import POLL_MS, Batch, Stream
from consumers.broker.subscription import Subscription
from exposure.ledger.claims import Partition, claim
from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Counts
from exposure.ledger.writing import Overtaken
from schemas.topics import INBOUND
from service.sample import sample
from tests import stores
from tests.broker import Topics, fresh, shuffled, structured
from tests.patience import SECONDS_MAX, until
from tests.services import Killable
from tests.stores import fed, figures, opened

SESSION_SECONDS = 2
DAYS = ["2023-06-30", "2024-12-31"]


class Pair:
    """Two consumers of one group, and who starts them anew."""

    def __init__(self, topics: Topics, store: Path, logs: Path) -> None:
        self.topics = topics
        self.store = store
        self.seen = opened(store)
        self.logs = logs
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self.files: list[IO[bytes]] = []
        self.begins: dict[str, int] = {}
        """Where in its log a consumer that runs now began."""

    def start(self, name: str) -> None:
        log = (self.logs / f"{name}.log").open("ab")
        self.files.append(log)
        self.begins[name] = log.tell()
        command = self.topics.command(self.store, "--member", name)
        environment = self.topics.environment | {"EXPOSURE_KAFKA_SESSION_SECONDS": str(SESSION_SECONDS)}
        self.running[name] = subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def revive(self) -> None:
        """Starts those anew that could not start because a server was down, as whatever runs a service does."""
        for name, consumer in list(self.running.items()):
            if consumer.poll() is not None:
                assert consumer.returncode == 1, self.said[-3000:]
                self.start(name)

    def kill(self, name: str) -> None:
        self.revive()
        consumer = self.running[name]
        consumer.kill()
        assert consumer.wait() == -signal.SIGKILL

    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None:
        """However a test went, none goes on."""
        for consumer in self.running.values():
            consumer.send_signal(signal.SIGCONT)
            consumer.kill()
            consumer.wait()

    def are_at_work(self) -> bool:
        """Whether each has partitions: one that has only just been started knows no clean stop yet."""
        return all(b'"claimed"' in (self.logs / f"{name}.log").read_bytes()[begin:] for name, begin in self.begins.items())

    def stop(self) -> list[int]:
        until(self.are_at_work)
        for consumer in self.running.values():
            consumer.send_signal(signal.SIGTERM)
        codes = [consumer.wait(timeout=SECONDS_MAX) for consumer in self.running.values()]
        for file in self.files:
            file.close()
        return codes

    @property
    def said(self) -> str:
        return "".join(file.read_text() for file in self.logs.glob("*.log"))


@contextmanager
def sending(topics: Topics, lines: list[bytes], seconds: float) -> Iterator[threading.Thread]:
    """Sends in the background for as long as that."""
    thread = threading.Thread(target=topics.send, args=(map(structured, lines), len(lines) / seconds), daemon=True)
    thread.start()
    yield thread
    thread.join(SECONDS_MAX)
    assert not thread.is_alive(), "all is sent"


class Season:
    """Two consumers take what is sent while everything around them, and they themselves, die and come back."""

    def __init__(self, broker: Killable, database: Killable | None, folder: Path, seed: int) -> None:
        self.broker = broker
        self.database = database
        self.random = Random(seed)
        self.pair = Pair(fresh(broker.start()).make(), folder / "killed.db", folder)
        self.kills = self.stalls = 0

    def run(self, lines: list[bytes], seconds: float, troubles: list[str]) -> None:
        with self.pair:
            self.go(lines, seconds, troubles)

    def go(self, lines: list[bytes], seconds: float, troubles: list[str]) -> None:
        for name in ("one", "two"):
            self.pair.start(name)
        with sending(self.pair.topics, lines, seconds):
            wait_for(self.pair, 1)
            for trouble in troubles:
                time.sleep(self.random.uniform(0.0, 2 * seconds / len(troubles) / 3))
                getattr(self, trouble)(self.random.choice(("one", "two")))
        self.pair.revive()
        wait_for(self.pair, len(set(lines)))
        assert self.pair.stop() == [0, 0], self.pair.said[-3000:]

    def consumer_killed(self, name: str) -> None:
        self.pair.kill(name)
        self.pair.start(name)
        self.kills += 1

    def consumer_stalled(self, name: str) -> None:
        """It sleeps in the middle of what it does until the group has given its partitions to the other."""
        self.pair.revive()
        stalled = self.pair.running[name]
        stalled.send_signal(signal.SIGSTOP)
        time.sleep(2 * SESSION_SECONDS)
        stalled.send_signal(signal.SIGCONT)
        self.stalls += 1

    def broker_killed(self, _: str) -> None:
        self.broker.kill()
        self.broker.start()
        self.kills += 1

    def database_killed(self, _: str) -> None:
        assert self.database is not None
        self.database.kill()
        self.database.start()
        self.kills += 1


def wait_for(pair: Pair, events: int) -> None:
    until(lambda: taken(pair.seen) >= events, lambda: f"{taken(pair.seen)} of {events} events are taken\n{pair.said[-3000:]}")


def until_said(pair: Pair, words: str) -> None:
    until(lambda: words in pair.said, lambda: pair.said[-3000:])


def taken(store: Any) -> int:
    """How many events a store holds while others write; none is seen while its server is down."""
    with suppress(PersistenceError):
        return stores.taken(store)
    return 0


def holds_what_a_file_gives(season: Season, lines: list[bytes], folder: Path) -> None:
    """Everything once, and the figures of one who was fed the same from a file in peace."""
    again = season.pair.topics.consume(season.pair.store)
    assert again.json["recorded"] == 0, "nothing was left behind"
    clean = opened(folder / "clean.db")
    fed(clean, lines)
    assert taken(season.pair.seen) == len(set(lines))
    assert figures(season.pair.seen, DAYS) == figures(clean, DAYS)


def test_deaths_and_a_stalled_consumer_lose_nothing_on_postgresql(killable_kafka: Killable, killable_postgresql: Killable, tmp_path: Path) -> None:
    with stores.using(killable_postgresql.start()):
        lines = shuffled(sample(5_000, seed=31, accounts=50), seed=31)
        season = Season(killable_kafka, killable_postgresql, tmp_path, seed=31)
        troubles = ["consumer_killed", "database_killed", "consumer_killed", "broker_killed", "consumer_killed", "consumer_stalled"]
        season.run(lines, 25, troubles)
        assert season.kills == 5
        holds_what_a_file_gives(season, lines, tmp_path)


def test_deaths_lose_nothing_on_sqlite(killable_kafka: Killable, tmp_path: Path) -> None:
    lines = shuffled(sample(3_000, seed=32, accounts=50), seed=32)
    season = Season(killable_kafka, None, tmp_path, seed=32)
    season.run(lines, 12, ["consumer_killed", "broker_killed", "consumer_killed"])
    assert season.kills == 3
    holds_what_a_file_gives(season, lines, tmp_path)


def fall_asleep(consumer: "subprocess.Popen[bytes]", file: Path | None) -> None:
    """Between two writes where the store is a file: whoever sleeps with its lock holds up everybody."""
    while True:
        consumer.send_signal(signal.SIGSTOP)
        if file is None or not is_locked(file):
            return
        consumer.send_signal(signal.SIGCONT)
        time.sleep(0.05)


def is_locked(file: Path) -> bool:
    with closing(sqlite3.connect(file, timeout=0.2, isolation_level=None)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            return True
        connection.execute("ROLLBACK")
    return False


@pytest.mark.parametrize("server", ["sqlite", "postgresql"])
def test_a_consumer_that_slept_past_its_session_writes_nothing_of_what_is_anothers(
    server: str, kafka: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """It falls asleep at work, the other takes over, and when it wakes up, what it had read is counted as lost to it."""
    with stores.using(request.getfixturevalue("postgresql_server") if server == "postgresql" else None):
        lines = shuffled(sample(12_000, seed=35, accounts=50), seed=35)
        topics = fresh(kafka).make()
        topics.send(map(structured, lines))
        pair = Pair(topics, tmp_path / "exposure.db", tmp_path)
        with pair:
            pair.start("one")
            wait_for(pair, 1_000)
            fall_asleep(pair.running["one"], pair.store if server == "sqlite" else None)
            pair.start("two")
            wait_for(pair, taken(pair.seen) + 1_000)
            pair.running["one"].send_signal(signal.SIGCONT)
            wait_for(pair, len(set(lines)))
            until_said(pair, "overtaken")
            assert pair.stop() == [0, 0], pair.said[-3000:]
        clean = opened(tmp_path / "clean.db")
        fed(clean, lines)
        assert figures(pair.seen, DAYS) == figures(clean, DAYS)


@pytest.mark.long
def test_fifty_deaths_of_consumers_and_twenty_of_servers_lose_nothing(
    killable_kafka: Killable, killable_postgresql: Killable, tmp_path: Path
) -> None:
    with stores.using(killable_postgresql.start()):
        lines = shuffled(sample(100_000, seed=33, accounts=500), seed=33)
        season = Season(killable_kafka, killable_postgresql, tmp_path, seed=33)
        troubles = ["consumer_killed"] * 50 + ["broker_killed"] * 10 + ["database_killed"] * 10 + ["consumer_stalled"] * 5
        season.random.shuffle(troubles)
        season.run(lines, 400, troubles)
        assert (season.kills, season.stalls) == (70, 5)
        holds_what_a_file_gives(season, lines, tmp_path)


def subscription_of(topics: Topics) -> Subscription:
    names = tuple(f"{topics.prefix}{name}" for name in INBOUND)
    connection = {"bootstrap_servers": [topics.bootstrap]}
    return Subscription(names[:-1], names[-1:], f"{topics.prefix}group", connection, session_seconds=SESSION_SECONDS)


def test_a_partition_taken_over_in_mid_batch_is_not_written_to_any_more(kafka: str, tmp_path: Path) -> None:
    """What was read under the old claim goes back unwritten; read again under the new one it is taken once."""
    topics, store = fresh(kafka).make(), opened(tmp_path / "exposure.db")
    lines = list(sample(600, seed=34, accounts=20))
    topics.send(map(structured, lines))
    stream, ledger = Stream(store, subscription_of(topics), threading.Event(), until_caught_up=True), Ledger(store, lambda: stores.NOW)
    records, source = next(batch for batch in stream.batches() if batch is not None)
    claim_as_another(store, source.name)
    with pytest.raises(Overtaken, match="claimed by another reader"):
        ledger.take(records, source)
    assert taken(store) == 0
    watch = Counting()
    stream.rewind(overtaken=True)
    assert consume(ledger, stream, watch, lambda: None).recorded == len(lines)
    stream.close()
    assert watch.lost == 0


def test_who_is_overtaken_in_the_last_batch_is_not_caught_up(kafka: str, tmp_path: Path) -> None:
    """Another consumer takes the partition over and is never heard of again: what it should have taken is read and taken here after all."""
    topics, store = fresh(kafka).make(), opened(tmp_path / "exposure.db")
    lines = list(sample(40, seed=37, accounts=1))
    topics.send([("erp.orders", b"C-1", line, []) for line in lines])
    stream, ledger = Stream(store, subscription_of(topics), threading.Event(), until_caught_up=True), Ledger(store, lambda: stores.NOW)
    watch = Counting()

    def overtake(batch: Batch | None) -> None:
        if batch and not watch.lost:
            claim_as_another(store, batch[1].name)

    watch.turned = overtake  # type: ignore[method-assign]
    assert consume(ledger, stream, watch, lambda: None).recorded == len(lines)
    assert watch.lost == 1
    stream.close()


def claim_as_another(store: Any, tracking: str) -> None:
    with store.reading() as moment:
        ((cluster, topic),) = moment.rows("SELECT cluster_id, topic_id FROM claims WHERE tracking = ?", tracking)
    claim(store, [Partition(tracking, cluster, topic)])


def test_a_broker_that_stays_away_for_long_is_waited_for(killable_kafka: Killable, tmp_path: Path) -> None:
    """Longer than a group needs to settle who reads what, which is when a client is replaced otherwise."""
    topics = fresh(killable_kafka.start()).make()
    lines = list(sample(300, seed=38, accounts=10))
    topics.send(map(structured, lines[:100]))
    store = tmp_path / "exposure.db"
    seen = opened(store)
    hasty = {"EXPOSURE_KAFKA_SESSION_SECONDS": "1", "EXPOSURE_KAFKA_STALL_SECONDS": "2"}
    with topics.consumer(store, "--no-relay", **hasty) as consumer:
        until(lambda: taken(seen) == 100)
        killable_kafka.kill()
        time.sleep(12)
        assert consumer.poll() is None, "it waits"
        killable_kafka.start()
        topics.send(map(structured, lines[100:]))
        until(lambda: taken(seen) == 300)
        consumer.send_signal(signal.SIGTERM)
        assert consumer.wait(timeout=SECONDS_MAX) == 0


class Counting:
    """A watch that counts the batches that were another consumer's."""

    lost = 0

    def turned(self, batch: Batch | None) -> None: ...

    def taken(self, counts: Counts) -> None: ...

    def overtaken(self, why: str) -> None:  # noqa: ARG002
        self.lost += 1

    def waiting(self, why: BaseException) -> None:
        raise AssertionError from why


def test_a_client_that_is_lost_between_two_assignments_is_replaced(kafka: str, tmp_path: Path) -> None:
    """What it had read and not handed on is read again, and nothing counts twice."""
    topics, store = fresh(kafka).make(), opened(tmp_path / "exposure.db")
    lines = list(sample(600, seed=36, accounts=20))
    topics.send(map(structured, lines))
    stream, ledger = Stream(store, subscription_of(topics), threading.Event(), until_caught_up=True), Ledger(store, lambda: stores.NOW)
    ledger.take(*next(batch for batch in stream.batches() if batch is not None))
    before = taken(store)
    stream.join_anew()
    assert consume(ledger, stream, Counting(), lambda: None).recorded == len(lines) - before
    stream.close()


def test_a_client_to_whom_the_group_answers_late_finds_its_way_into_it_by_itself(kafka: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each answer comes when the poll in which it was asked for is over."""
    joined = ConsumerCoordinator._do_join_and_sync_async

    async def joined_late(self: Any) -> bytes:
        answer: bytes = await joined(self)
        await self._net.sleep(2 * POLL_MS / 1000)
        return answer

    monkeypatch.setattr(ConsumerCoordinator, "_do_join_and_sync_async", joined_late)
    topics, store = fresh(kafka).make(), opened(tmp_path / "exposure.db")
    lines = list(sample(100, seed=39, accounts=5))
    topics.send(map(structured, lines))
    stream = Stream(store, subscription_of(topics), threading.Event(), until_caught_up=True)
    client = stream.consumer
    assert consume(Ledger(store, lambda: stores.NOW), stream, Counting(), lambda: None).recorded == len(lines)
    assert stream.consumer is client
    stream.close()
