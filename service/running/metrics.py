"""What Prometheus is told of a consumer, under names that stay. Nothing is computed or asked of the store when it is scraped."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from exposure.ledger.ledger import STORE_FAILS
from projections.dead_letters import EVER
from service.running.watching import Watch

LOOK_SECONDS = 5.0
SILENT_SECONDS_MAX = 15.0
SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store said when it was last looked at; ``oldest`` in microseconds since 1970."""

    outbox: int
    oldest: int | None
    dead_letters: int


class Look(threading.Thread):
    """Looks at the store every few seconds, so that nobody who scrapes has to wait for it or can make it work."""

    def __init__(self, store: Any) -> None:
        super().__init__(name="look", daemon=True)
        self.store = store
        self.over = threading.Event()
        self.standing: Standing | None = None
        self.answered_at = time.monotonic()

    def run(self) -> None:
        while not self.over.is_set():
            try:
                with self.store.reading() as moment:
                    self.standing = Standing(moment.outbox_depth(), moment.outbox_oldest(), sum(moment.dead_letter_counts(EVER).values()))
                self.answered_at = time.monotonic()
            except STORE_FAILS:
                self.standing = None
            self.over.wait(LOOK_SECONDS)

    @property
    def not_ready(self) -> str | None:
        silent = self.standing is None or time.monotonic() - self.answered_at > SILENT_SECONDS_MAX
        return "the store does not answer" if silent else None


class Metrics:
    """A registry of its own; ``batch_seconds`` is observed by whoever watches, the rest is read off its watch and look when it is scraped."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.batch_seconds = Histogram(
            "exposure_batch_seconds",
            "How long the ledger was at work on one batch and on no other, until it was written; up to 0.2 s more where nothing came behind it",
            registry=self.registry,
            buckets=SECONDS,
        )
        ProcessCollector(registry=self.registry)

    def read_off(self, watch: Watch, look: Look) -> None:
        self.registry.register(Reading(watch, look))


class Reading:
    def __init__(self, watch: Watch, look: Look) -> None:
        self.watch = watch
        self.look = look

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        yield from self.of_partitions()
        yield from self.of_records()
        yield from self.of_the_store()

    def of_partitions(self) -> Iterator[Metric]:
        """Of those partitions only that are ours at this moment."""
        names = ["topic", "partition"]
        backlog = GaugeMetricFamily("exposure_backlog_records", "Records between the store's position and the partition's end", labels=names)
        reached = GaugeMetricFamily("exposure_position_offset", "The next offset to take, by the store's position", labels=names)
        for partition, place in self.watch.places.items():
            labels = [partition.topic, str(partition.partition)]
            backlog.add_metric(labels, place.backlog)
            reached.add_metric(labels, place.reached)
        yield from (backlog, reached)

    def of_records(self) -> Iterator[Metric]:
        total, stream = self.watch.total, self.watch.stream
        records = CounterMetricFamily("exposure_records", "Records that were taken, by what became of them", labels=["outcome"])
        for outcome, count in (("recorded", total.recorded), ("duplicate", total.duplicates), ("dead_letter", total.dead_letters)):
            records.add_metric([outcome], count)
        yield records
        yield CounterMetricFamily(
            "exposure_overtaken_batches", "Batches that were not written, for another consumer had their partition", value=total.overtaken
        )
        yield CounterMetricFamily(
            "exposure_rebalances", "How often the group has given partitions to this member", value=stream.given.rebalances if stream else 0
        )
        yield CounterMetricFamily("exposure_sent_messages", "Messages of the outbox that Kafka has acknowledged", value=self.watch.relayed.sent)
        waiting = int(self.watch.down_since is not None)
        yield GaugeMetricFamily("exposure_waiting", "1 while the store or Kafka is down and waited for", value=waiting)
        age = self.watch.newest_record_age_seconds
        if age is not None:
            yield GaugeMetricFamily("exposure_newest_record_age_seconds", "Since the newest record that was read was written to Kafka", value=age)

    def of_the_store(self) -> Iterator[Metric]:
        """Nothing where the store did not answer: a number of before would look like one of now."""
        standing = self.look.standing
        if standing is None:
            return
        oldest_age = 0.0 if standing.oldest is None else max(0.0, time.time() - standing.oldest / 1e6)
        yield GaugeMetricFamily("exposure_outbox_rows", "Messages in the store that wait to be sent", value=standing.outbox)
        yield GaugeMetricFamily("exposure_outbox_oldest_age_seconds", "How long the oldest of them waits; 0 where none does", value=oldest_age)
        yield GaugeMetricFamily("exposure_open_dead_letters", "Dead letters in the store that nobody has settled yet", value=standing.dead_letters)
