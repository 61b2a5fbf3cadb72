"""Alerts out through Kafka: who drops repeats by id sees each once, in order and without a gap, whoever was killed while they were found."""

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any

import pytest
from kafka import KafkaConsumer

from schemas.jsontext import read
from schemas.topics import INBOUND
from service.sample import sample
from tests.alerting import Json
from tests.broker import Topics, structured
from tests.command import exposure
from tests.outgoing import ALERTS, arrived, depth, relayed, topics_at
from tests.patience import SECONDS_MAX, mortal, until
from tests.services import Killable
from tests.stores import opened

pytestmark = pytest.mark.usefixtures("each_store")

LINES = list(sample(1_500, seed=31, accounts=25))


@pytest.fixture
def topics(kafka: str) -> Topics:
    return topics_at(kafka)


def seen(topics: Topics) -> dict[str, list[Json]]:
    """Of each account what one sees who drops repeats by id."""
    found: dict[str, dict[bytes, Json]] = {}
    for records in arrived(topics, ALERTS).values():
        for record in records:
            found.setdefault(record.key.decode(), {}).setdefault(dict(record.headers)["ce_id"], read(record.value))
    return {account: list(alerts.values()) for account, alerts in found.items()}


def without_gaps(alerts: dict[str, list[Json]]) -> bool:
    return all([one["sequence"] for one in of_account] == list(range(1, len(of_account) + 1)) for of_account in alerts.values())


def month(line: bytes) -> str:
    return str(read(line)["time"])[:7]


def quarters(lines: list[bytes]) -> list[tuple[str, list[bytes]]]:
    """The sample cut into four times, each with an instant after all of it."""
    months = [(name, list(of_month)) for name, of_month in groupby(sorted(lines, key=month), key=month)]
    size = -(-len(months) // 4)
    parts = [months[start : start + size] for start in range(0, len(months), size)]
    return [(f"{part[-1][0]}-28T12:00:00Z", [line for _, lines in part for line in lines]) for part in parts]


def taken_by_quarters(topics: Topics, store: Path, lines: list[bytes], kills: int, broker: Killable | None = None) -> dict[str, list[Json]]:
    """So many consumers are killed in each quarter, and another one goes on; where a broker is given, every fifth kill is the broker's."""
    random = Random(5)
    for now, told in quarters(lines):
        topics.send(map(structured, told))
        for turn in range(kills):
            with topics.consumer(store, "--until-caught-up", "--now", now) as consumer:
                time.sleep(random.uniform(0.5, 3.0))
                if broker is not None and turn % 5 == 4:
                    broker.kill()
                    broker.start()
                    time.sleep(random.uniform(0.0, 2.0))
                consumer.kill()
        assert topics.consume(store, "--now", now).exit_code == 0
    return seen(topics)


def test_consumers_that_are_killed_say_what_one_says_that_was_not(kafka: str, tmp_path: Path) -> None:
    say_the_same(kafka, tmp_path, LINES, kills=1)


@pytest.mark.long
def test_a_hundred_consumers_and_twenty_brokers_that_are_killed_say_what_one_says_that_was_not(killable_kafka: Killable, tmp_path: Path) -> None:
    say_the_same(killable_kafka.start(), tmp_path, list(sample(50_000, seed=31, accounts=400)), kills=25, broker=killable_kafka)


def say_the_same(kafka: str, folder: Path, lines: list[bytes], kills: int, broker: Killable | None = None) -> None:
    clean = taken_by_quarters(topics_at(kafka), folder / "clean.db", lines, 0)
    killed = taken_by_quarters(topics_at(kafka), folder / "killed.db", lines, kills, broker)
    assert sum(map(len, clean.values())) > 50
    assert without_gaps(clean)
    assert killed == clean


@contextmanager
def another_member(topics: Topics) -> Iterator[None]:
    """Somebody in the group who is given partitions and takes nothing from them.

    It knows its topics before it joins: otherwise it leads the group before it has anything to share out, joins anew, and where the group's answer
    comes between two of its polls, its client is a member to the group and not to itself, and is thrown out after its session.
    """
    ended, names = threading.Event(), [topics.prefix + name for name in INBOUND]
    consumer = KafkaConsumer(*names, bootstrap_servers=topics.bootstrap, group_id=f"{topics.prefix}group", enable_auto_commit=False)

    def hold() -> None:
        until(lambda: all(consumer.partitions_for_topic(name) for name in names))
        while not ended.is_set():
            consumer.poll(timeout_ms=100)
        consumer.close()

    holding = threading.Thread(target=hold)
    holding.start()
    try:
        until(lambda: bool(consumer.assignment()))
        yield
    finally:
        ended.set()
        holding.join()


def test_who_is_not_given_all_says_nothing_while_others_have_something_to_take(topics: Topics, tmp_path: Path) -> None:
    store, now = tmp_path / "exposure.db", quarters(LINES)[-1][0]
    topics.send(map(structured, LINES))
    with another_member(topics):
        part = topics.consume(store, "--now", now)
    assert (part.exit_code, 0 < part.json["recorded"] < len(LINES)) == (0, True)
    assert seen(topics) == {}, "what is due could be otherwise by what is not taken yet"
    assert topics.consume(store, "--now", now).exit_code == 0
    assert without_gaps(said := seen(topics))
    assert sum(map(len, said.values())) > 50


MEMBER = """
import sys
from kafka import KafkaConsumer
bootstrap, group, *topics = sys.argv[1:]
consumer = KafkaConsumer(*topics, bootstrap_servers=bootstrap, group_id=group, enable_auto_commit=False, session_timeout_ms=10_000)
while not all([consumer.partitions_for_topic(topic) for topic in topics]):
    pass
while True:
    consumer.poll(timeout_ms=100)
    consumer.pause(*consumer.assignment())
"""
"""It knows its topics before it joins, as ``another_member`` does, and reads nothing."""


def test_what_a_member_held_that_died_is_waited_for(topics: Topics, tmp_path: Path) -> None:
    """It dies once the group has shared out what there is between two, and is counted in it until its session ends."""
    store, now = tmp_path / "exposure.db", quarters(LINES)[-1][0]
    topics.send(map(structured, LINES))
    names = [topics.prefix + name for name in INBOUND]
    with subprocess.Popen([sys.executable, "-c", MEMBER, topics.bootstrap, f"{topics.prefix}group", *names]) as member, mortal(member):
        until(lambda: topics.members() == 1)
        with topics.consumer(store, "--until-caught-up", "--now", now) as consumer, mortal(consumer):
            until(lambda: topics.members() == 2)
            member.kill()
            out, _ = consumer.communicate(timeout=SECONDS_MAX)
    assert read(out)["recorded"] == len(LINES)
    assert sum(map(len, seen(topics).values())) > 50


def test_a_consumer_lets_time_pass_while_it_runs_and_sends_what_it_finds(topics: Topics, tmp_path: Path) -> None:
    store: Any = opened(tmp_path / "exposure.db")
    with topics.consumer(tmp_path / "exposure.db") as consumer:
        topics.send(map(structured, LINES[:300]))
        until(lambda: bool(seen(topics)) and depth(store) == 0)
        consumer.send_signal(signal.SIGTERM)
        consumer.communicate(timeout=SECONDS_MAX)
    assert consumer.returncode == 0
    assert without_gaps(seen(topics))


def newest(topics: Topics) -> dict[str, Json]:
    """What a compacted topic leaves of each account."""
    return {record.key.decode(): read(record.value) for records in arrived(topics, "credit.exposure").values() for record in records}


def test_the_newest_figures_of_an_account_are_those_of_the_list_and_a_feed_leaves_them_to_the_next_consumer(topics: Topics, tmp_path: Path) -> None:
    store, now = tmp_path / "exposure.db", "2026-02-20T12:00:00Z"
    (tmp_path / "first.jsonl").write_bytes(b"\n".join(LINES[:200]))
    assert exposure("feed", tmp_path / "first.jsonl", "--now", now, store=store).exit_code == 0
    assert relayed(topics, store).exit_code == 0
    assert newest(topics) == {}
    topics.send(map(structured, LINES[200:500]))
    assert topics.consume(store, "--now", now).exit_code == 0
    listed = {row["account"]: row for row in exposure("list", "--now", now, "--json", store=store).json["accounts"]}
    told = newest(topics)
    assert told.keys() == listed.keys()
    for account, row in listed.items():
        assert told[account]["exposure"] == row["exposure"]
        assert (told[account]["sequence"], told[account]["available"]) == (1, row["available"])


@pytest.mark.parametrize(("setting", "tells"), [("true", True), ("false", False), (None, False)])
def test_whether_a_feed_tells_of_figures_is_a_setting(setting: str | None, tells: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if setting is not None:
        monkeypatch.setenv("EXPOSURE_TELL_EXPOSURE", setting)
    (tmp_path / "first.jsonl").write_bytes(b"\n".join(LINES[:50]))
    assert exposure("feed", tmp_path / "first.jsonl", store=tmp_path / "exposure.db").exit_code == 0
    with opened(tmp_path / "exposure.db").reading() as moment:
        assert bool(moment.rows("SELECT 1 FROM outbox WHERE topic = 'credit.exposure' LIMIT 1")) == tells
