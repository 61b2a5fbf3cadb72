"""Events out of files into their topics, as an ERP's own producer would send them: bytes untouched, keyed by account, none lost.

A line that says no topic is sent as well: what is wrong with it is for whoever takes it to find out.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from kafka import KafkaProducer
from kafka.errors import MessageSizeTooLargeError
from kafka.producer.future import FutureRecordMetadata

from consumers.broker.failures import BOOTSTRAP_MS_MAX, BrokerFailure, telling
from consumers.broker.topics import topics_there
from consumers.feed import BATCH, from_beginning, next_records
from exposure.ledger.records import Record
from schemas.jsontext import NotJson, read
from schemas.topics import OTHERWISE, RECORD_FITS, prefixed, topic_of

FAITHFUL = {
    "acks": "all",
    "enable_idempotence": True,
    "allow_auto_create_topics": False,
    "max_request_size": int(RECORD_FITS.value),
    "bootstrap_timeout_ms": BOOTSTRAP_MS_MAX,
    "linger_ms": 5,
    "batch_size": 256 << 10,
}
"""The partition of a key is the client's default: murmur2, as Kafka's own clients have it."""
ANSWER_SECONDS_MAX = 150


@dataclass(slots=True)
class Sent:
    """How many records Kafka has; ``unplaced`` of them said no topic and went to one all the same."""

    sent: int = 0
    unplaced: int = 0


class Outlet:
    """One producer for all files: ``topic`` is where everything goes, should the types not decide; ``rate`` is events per second."""

    def __init__(self, producer: KafkaProducer, there: set[str], prefix: str, topic: str | None, rate: float | None) -> None:
        self.producer = producer
        self.there = there
        self.prefix = prefix
        self.topic = topic
        self.rate = rate
        self.counts = Sent()
        self._next = time.monotonic()

    def send_file(self, path: str, progress: Callable[[int], None]) -> None:
        """Sends every line; ``progress`` is told the bytes read so far. Raises ``CutOff`` as ``feed`` does."""
        batch = BATCH if self.rate is None else max(1, min(BATCH, round(self.rate)))
        source = from_beginning(path)
        waiting: list[tuple[int, FutureRecordMetadata]] = []
        with source.stream:
            while records := next_records(source, path, batch):
                sent = [(record.position, self.send(record, path)) for record in records]
                self.confirm(waiting, path)
                waiting = sent
                progress(source.position)
        self.confirm(waiting, path)

    def send(self, record: Record, path: str) -> FutureRecordMetadata:
        topic, key = addressed(record.raw)
        self.counts.unplaced += topic is None and self.topic is None
        name = prefixed(self.prefix, self.topic or topic or OTHERWISE)
        if name not in self.there:
            raise BrokerFailure("no_topic", f"there is no topic {name!r}: `exposure topics create` makes those that are missing")
        self.wait_for_turn()
        try:
            return self.producer.send(name, value=record.raw, key=key)
        except MessageSizeTooLargeError as error:
            raise too_large(record.position, path) from error

    def wait_for_turn(self) -> None:
        if self.rate is not None:
            time.sleep(max(0.0, self._next - time.monotonic()))
            self._next += 1 / self.rate

    def confirm(self, waiting: list[tuple[int, FutureRecordMetadata]], path: str) -> None:
        """Waits until Kafka has these; the first that it refuses is the failure."""
        for position, future in waiting:
            try:
                future.get(timeout=ANSWER_SECONDS_MAX)
            except MessageSizeTooLargeError as error:
                raise too_large(position, path) from error
            self.counts.sent += 1


def too_large(position: int, path: str) -> BrokerFailure:
    return BrokerFailure("too_large", f"the line at {position} of {path} is larger than its topic takes; lines before it were sent")


@contextmanager
def outlet(connection: dict[str, Any], prefix: str, topic: str | None = None, rate: float | None = None) -> Iterator[Outlet]:
    with telling(connection):
        there = topics_there(connection)
        with KafkaProducer(**connection, **FAITHFUL) as producer:
            yield Outlet(producer, there, prefix, topic, rate)


def addressed(raw: bytes) -> tuple[str | None, bytes | None]:
    """The topic a line's type says, and its key; ``None`` for what it does not say."""
    try:
        event = read(raw)
    except NotJson:
        return None, None
    if not isinstance(event, dict):
        return None, None
    type_, subject = event.get("type"), event.get("subject")
    topic = topic_of(type_) if isinstance(type_, str) else None
    return topic, subject.encode() if isinstance(subject, str) and subject else None
