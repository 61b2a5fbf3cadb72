"""One topic read whole by a reader of its own, from offsets that it keeps itself: no group, nothing committed, nothing taken from others."""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from kafka import KafkaConsumer, TopicPartition
from kafka.errors import OffsetOutOfRangeError

from consumers.broker.cluster import required
from consumers.broker.failures import BOOTSTRAP_MS_MAX, BrokerFailure, telling

RECONNECT_MS_MAX = 5_000


class Arrived(NamedTuple):
    """A record: where it stood, and what it is; of headers that come twice the last counts."""

    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]


class Reading:
    """``offsets`` are those to go on at, by partition; where none is told it begins at the first record that is there. ``numbers`` are the partitions
    to be read, where it is not all of them. Raises ``BrokerFailure`` where the topic is not the one that ``topic_id`` names, or lacks records from
    such an offset on."""

    def __init__(
        self, connection: Mapping[str, Any], topic: str, offsets: Mapping[int, int], topic_id: str | None, numbers: Collection[int] | None = None
    ) -> None:
        self.connection = dict(connection)
        self.topic = topic
        with telling(self.connection):
            self.topic_id = required(self.connection, [topic]).topics[topic].topic_id
            if topic_id not in (None, self.topic_id):
                raise BrokerFailure("another_topic", f"{topic} was made anew since the position was kept: begin again without it")
            self.consumer = KafkaConsumer(**self.connection | SETTINGS)
            wanted = self.consumer.partitions_for_topic(topic) if numbers is None else numbers
            partitions = [TopicPartition(topic, number) for number in sorted(wanted)]
            self.consumer.assign(partitions)
            self.first = {one.partition: offset for one, offset in self.consumer.beginning_offsets(partitions).items()}
            self.ends = {one.partition: offset for one, offset in self.consumer.end_offsets(partitions).items()}
            for one in partitions:
                self.consumer.seek(one, offsets.get(one.partition, self.first[one.partition]))

    def records(self, milliseconds: int) -> list[Arrived]:
        """What comes next, each partition's in order; nothing where nothing comes for so long."""
        with telling(self.connection):
            try:
                polled = self.consumer.poll(timeout_ms=milliseconds)
            except OffsetOutOfRangeError as error:
                raise BrokerFailure("lost_records", f"{self.topic}: records were deleted before they were read; begin again") from error
        return [Arrived(one.partition, one.offset, one.key, one.value, dict(one.headers)) for part in polled.values() for one in part]

    def is_caught_up(self) -> bool:
        """Whether all is read that was there when reading began."""
        with telling(self.connection):
            return all((self.consumer.position(TopicPartition(self.topic, number)) or 0) >= end for number, end in self.ends.items())

    def close(self) -> None:
        self.consumer.close(autocommit=False)


SETTINGS: dict[str, Any] = {
    "group_id": None,
    "auto_offset_reset": "none",
    "enable_auto_commit": False,
    "isolation_level": "read_committed",
    "reconnect_backoff_max_ms": RECONNECT_MS_MAX,
    "bootstrap_timeout_ms": BOOTSTRAP_MS_MAX,
}
