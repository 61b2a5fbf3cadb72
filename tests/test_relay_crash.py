"""Relays and brokers die while messages flow: none is missing, repeats are known by their id, the first of each is in the order of the outbox."""

import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.broker import Topics
from tests.outgoing import Row, alerts, depth, ended, holds_all_in_order, put, relayed, relaying, topics_at, until_left
from tests.patience import until
from tests.services import Killable
from tests.stores import opened

pytestmark = pytest.mark.usefixtures("each_store")


@pytest.fixture
def topics(kafka: str) -> Topics:
    return topics_at(kafka)


def test_a_broker_that_dies_is_waited_for_and_a_relay_is_stopped_meanwhile(killable_kafka: Killable, tmp_path: Path) -> None:
    topics = topics_at(killable_kafka.start())
    path, rows = tmp_path / "exposure.db", alerts(0, 12_000)
    store = opened(path)
    put(store, rows)
    with relaying(topics, path) as relay:
        until_left(store, 11_000)
        killable_kafka.kill()
        time.sleep(1)
        assert depth(store) > 0
        killable_kafka.start()
        until_left(store, 6_000)
        killable_kafka.kill()
        relay.send_signal(signal.SIGTERM)
        said = ended(relay)
    assert said.exit_code == 0, said.err
    assert "Traceback" not in said.err
    left = depth(store)
    assert left + said.json["sent"] == len(rows)
    assert left > 0
    killable_kafka.start()
    assert relayed(topics, path).json["sent"] == left
    holds_all_in_order(topics, rows)


@contextmanager
def flowing(store: Any, at_least: int, many: int, seconds: float) -> Iterator[list[Row]]:
    """Puts so many at a time, at least as many as that in about so long, and goes on to the end; brings those that were put."""
    rows: list[Row] = []
    ended = threading.Event()

    def flow() -> None:
        while len(rows) < at_least or not ended.is_set():
            put(store, portion := alerts(len(rows), many))
            rows.extend(portion)
            time.sleep(seconds * many / at_least)

    thread = threading.Thread(target=flow)
    thread.start()
    try:
        yield rows
    finally:
        ended.set()
        thread.join()


def sent_through_kills(topics: Topics, path: Path, at_least: int, kills: int, seconds: float, seed: int) -> tuple[int, int]:
    """A relay is killed while it sends and another begins; returns how many messages there were, and how many arrived more than once."""
    store, random = opened(path), Random(seed)
    with flowing(store, at_least, 200, seconds) as rows:
        for _ in range(kills):
            with relaying(topics, path) as relay:
                until(lambda: has_lease(store, relay))
                time.sleep(random.uniform(0.0, seconds / kills / 3))
                until(lambda: depth(store) > 0)
                time.sleep(random.uniform(0.0, 0.06))
                assert relay.poll() is None, relay.communicate()
            with store.writing(0) as writing:
                assert writing.rows("UPDATE leases SET until = 0 RETURNING 1"), "nobody waits here for it to run out"
    said = relayed(topics, path)
    assert (said.exit_code, depth(store)) == (0, 0), said.err
    return len(rows), holds_all_in_order(topics, rows)


def has_lease(store: Any, relay: "subprocess.Popen[bytes]") -> bool:
    with store.reading() as moment:
        return any(f":{relay.pid}:" in holder for (holder,) in moment.rows("SELECT holder FROM leases"))


def test_a_relay_killed_three_times_sends_all_in_order(topics: Topics, tmp_path: Path) -> None:
    sent_through_kills(topics, tmp_path / "exposure.db", 6_000, kills=3, seconds=12, seed=1)


@pytest.mark.long
def test_sixty_thousand_messages_and_ten_kills(topics: Topics, tmp_path: Path) -> None:
    begin = time.monotonic()
    messages, repeats = sent_through_kills(topics, tmp_path / "exposure.db", 60_000, kills=10, seconds=60, seed=2)
    print(f"{messages:,} messages, 10 kills, {time.monotonic() - begin:.0f} s: 0 missing, {repeats} repeats, 0 out of order")
