"""Watches a consumer at work: tells the log how it goes, and whoever asks over HTTP whether it lives and can do its work.

The consumer's own thread tells it everything; other threads only read.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from consumers.broker.consume import Taken
from consumers.broker.relay import Relayed
from consumers.broker.stream import BROKER_DOWN, Batch, Place, Stream
from exposure.ledger.records import Counts
from service.running.logs import in_a_line, log


class Watch:
    """``every_seconds`` is how often progress is told: to ``line``, a line for people that is written over, or where there is none to the log.

    ``batch_taken`` is told for how many seconds the ledger was at work on a batch and on no other.
    """

    def __init__(self, every_seconds: float, batch_taken: Callable[[float], None], line: Callable[[str], None] | None) -> None:
        self.every_seconds = every_seconds
        self.batch_taken = batch_taken
        self.line = line
        self.total = Taken()
        self.relayed = Relayed()
        self.stream: Stream | None = None
        self.claimed: dict[Any, int] = {}
        self.is_caught_up = False
        self.down_since: float | None = None
        self.on_the_way: deque[float] = deque()
        self.begun_at = self.told_at = self.warned_at = self.done_at = time.monotonic()
        self.told_read = self.told_letters = 0
        self.waits_for = ""

    def began(self, stream: Stream) -> None:
        self.stream = stream

    def turned(self, batch: Batch | None) -> None:
        self.notice_claims()
        self.notice_silence()
        if not self.is_caught_up and self.claimed and not self.backlog:
            self.is_caught_up = True
            log.info("caught_up", read=self.total.read)
        if time.monotonic() - self.told_at >= self.every_seconds:
            self.tell_progress()
        if batch is not None:
            self.on_the_way.append(time.monotonic())

    def taken(self, counts: Counts) -> None:
        self.total.add(counts)
        began, self.done_at = max(self.on_the_way.popleft(), self.done_at), time.monotonic()
        self.batch_taken(self.done_at - began)
        log.debug("taken", **asdict(counts))

    def overtaken(self, why: str) -> None:
        self.total.overtaken += 1
        self.on_the_way.clear()
        log.warning("overtaken", why=why)

    def waiting(self, why: BaseException) -> None:
        self.on_the_way.clear()
        self.tell_waiting(why)

    def stopped(self) -> None:
        log.info("stopped", **asdict(self.total), backlog_records=self.backlog, run_seconds=round(time.monotonic() - self.begun_at, 1))

    def notice_claims(self) -> None:
        """Partitions come and go between two turns; one that was claimed anew has another epoch."""
        places = self.places
        epochs = {partition: place.epoch for partition, place in places.items()}
        new = {named(one): places[one].backlog for one, epoch in epochs.items() if self.claimed.get(one) != epoch}
        gone = [named(one) for one in self.claimed.keys() - epochs.keys()]
        self.claimed = epochs
        if gone:
            log.info("released", partitions=sorted(gone))
        if new:
            self.is_caught_up = False
            log.info("claimed", partitions=sorted(new), backlog_records=sum(new.values()))

    def notice_silence(self) -> None:
        """A broker that falls silent is only noticed by asking it. What was waited for is there once partitions are claimed: for that both the store
        and the broker have answered."""
        assert self.stream is not None
        if self.stream.silence is not None:
            self.tell_waiting(self.stream.silence)
        elif self.down_since is not None and not self.stream.given.unclaimed:
            log.info("resumed", waiting_seconds=round(time.monotonic() - self.down_since, 1))
            self.down_since = None

    def tell_waiting(self, why: BaseException) -> None:
        """Once, and again as often as progress is told."""
        now = time.monotonic()
        self.waits_for = "Kafka" if isinstance(why, BROKER_DOWN) else "the store"
        if self.down_since is None:
            self.down_since = now
        elif now - self.warned_at < self.every_seconds:
            return
        self.warned_at = now
        log.warning("waiting", why=in_a_line(why), waiting_seconds=round(now - self.down_since, 1))

    def tell_progress(self) -> None:
        now = time.monotonic()
        rate = (self.total.read - self.told_read) / (now - self.told_at)
        letters = self.total.dead_letters - self.told_letters
        self.told_at, self.told_read, self.told_letters = now, self.total.read, self.total.dead_letters
        age = self.newest_record_age_seconds
        if self.line is not None:
            told = "nothing taken yet" if age is None else f"newest record {age:,.0f} s old"
            self.line(f"{self.total.read:,} records  {rate:,.0f}/s  backlog {self.backlog:,}  {told}")
        else:
            (log.warning if letters else log.info)(
                "progress",
                backlog_records=self.backlog,
                rate_per_second=round(rate, 1),
                newest_record_age_seconds=None if age is None else round(age, 3),
                dead_letters=letters,
            )

    @property
    def places(self) -> dict[Any, Place]:
        """As they are at this moment, whichever thread asks."""
        return dict(self.stream.places) if self.stream else {}

    @property
    def backlog(self) -> int:
        return sum(place.backlog for place in self.places.values())

    @property
    def newest_record_age_seconds(self) -> float | None:
        newest = [place.newest_ms for place in self.places.values() if place.newest_ms is not None]
        return max(0.0, time.time() - max(newest) / 1000) if newest else None

    @property
    def still_seconds(self) -> float:
        """How long the main loop has not moved."""
        return time.monotonic() - (self.stream.moved_at if self.stream else self.begun_at)

    @property
    def not_ready(self) -> str | None:
        """Why records could not be taken at this moment."""
        if self.down_since is not None:
            return f"it waits for {self.waits_for}"
        return None if self.places else "it has claimed no partitions"


def named(partition: Any) -> str:
    return f"{partition.topic}:{partition.partition}"
