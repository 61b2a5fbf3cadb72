"""Events per second through Kafka: one consumer into a SQLite store beside the same events from a file, and two consumers beside one on PostgreSQL.

A consumer's time includes joining its group, not the start of its process. Two are timed from the first tenth of the events in the store to the last.
"""

import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from statistics import median
from typing import Any

from consumers.broker.consume import consume
from consumers.broker.stream import Batch, Stream
from consumers.broker.subscription import Subscription
from consumers.feed import feed
from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Counts
from schemas.topics import INBOUND
from service.sample import sample
from tests import stores
from tests.broker import Topics, fresh, structured

EVENTS, ACCOUNTS, RUNS = 50_000, 1_000, 3
NOW = 1_800_000_000_000_000


class Undisturbed:
    """A watch for whom nothing but batches may come."""

    def turned(self, batch: Batch | None) -> None: ...

    def taken(self, counts: Counts) -> None:
        assert not counts.dead_letters

    def overtaken(self, why: str) -> None:
        raise AssertionError(why)

    def waiting(self, why: BaseException) -> None:
        raise AssertionError from why


def from_topics(topics: Topics, group: str, folder: Path) -> float:
    names = tuple(f"{topics.prefix}{name}" for name in INBOUND)
    subscription = Subscription(names[:-1], names[-1:], group, {"bootstrap_servers": [topics.bootstrap]})
    store = stores.opened(folder / "kafka.db")
    stream = Stream(store, subscription, threading.Event(), until_caught_up=True)
    began = time.perf_counter()
    counts = consume(Ledger(store, lambda: NOW), stream, Undisturbed(), lambda: None)
    rate = EVENTS / (time.perf_counter() - began)
    stream.close()
    assert counts.recorded == EVENTS
    return rate


def from_file(file: Path, folder: Path) -> float:
    store = stores.opened(folder / "file.db")
    began = time.perf_counter()
    assert feed(Ledger(store, lambda: NOW), str(file)).counts.recorded == EVENTS
    return EVENTS / (time.perf_counter() - began)


def together(topics: Topics, group: str, path: Path, many: int) -> float:
    """Events a second that so many consumers bring into one store."""
    store = stores.opened(path)
    environment = topics.environment | {"EXPOSURE_KAFKA_GROUP": group}
    commands = [topics.command(path, "--member", f"{group}-{number}") for number in range(many)]
    running = [subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) for command in commands]
    try:
        until(store, EVENTS // 10)
        first, began = count(store), time.perf_counter()
        until(store, EVENTS)
        return (EVENTS - first) / (time.perf_counter() - began)
    finally:
        for consumer in running:
            consumer.send_signal(signal.SIGTERM)
            consumer.wait()


def count(store: Any) -> int:
    return stores.taken(store)


def until(store: Any, events: int) -> None:
    while count(store) < events:
        time.sleep(0.05)


def through_kafka(bootstrap: str, postgresql: str | None) -> dict[str, float]:
    """Medians of runs that take turns; ``two_to_one`` only where there is PostgreSQL."""
    lines = list(sample(EVENTS, accounts=ACCOUNTS))
    topics = fresh(bootstrap).make()
    topics.send(map(structured, lines))
    found: dict[str, list[float]] = {"ours": [], "file": []} | ({"two_to_one": []} if postgresql else {})
    for run in range(RUNS):
        with tempfile.TemporaryDirectory() as name, stores.given_back():
            folder = Path(name)
            (folder / "events.jsonl").write_bytes(b"\n".join(lines) + b"\n")
            found["file"].append(from_file(folder / "events.jsonl", folder))
            found["ours"].append(from_topics(topics, f"{topics.prefix}{run}", folder))
            if postgresql:
                with stores.using(postgresql):
                    one, two = (together(topics, f"{topics.prefix}{run}-{many}", folder / f"{many}.db", many) for many in (1, 2))
                found["two_to_one"].append(two / one)
    figures = {name: round(median(of), 2 if name == "two_to_one" else None) for name, of in found.items()}
    said = f"ours / file {figures['ours'] / figures['file']:.2f}" + (f"   two consumers / one {figures['two_to_one']:.2f}" if postgresql else "")
    print(f"kafka {said}", file=sys.stderr)
    return figures
