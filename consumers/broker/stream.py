"""Records in from Kafka: the partitions a consumer group gave us, read from where our own store says, as batches for the ledger.

The group only says who reads what. Where to go on is in the store, and so is who may write: a partition that is given to us is claimed there before
its first record is read, and it is read from the position found there. Kafka's own offsets are committed for lag tools and never read.
"""

import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from kafka import KafkaConsumer, OffsetAndMetadata, TopicPartition
from kafka.consumer.subscription_state import ConsumerRebalanceListener
from kafka.errors import BrokerResponseError, CorruptRecordError, IllegalStateError, KafkaConnectionError, OffsetOutOfRangeError, RetriableError
from kafka.structs import MemberState

from consumers.broker.cluster import Cluster, checked, described, partitions_given
from consumers.broker.failures import BrokerFailure
from consumers.broker.subscription import Subscription, settings_of, with_topics_there
from consumers.cloudevents import record_of
from exposure.ledger.claims import AnotherTopic, Claim, Partition, claim
from exposure.ledger.records import Record, Source

BATCH = 1_000
REQUESTS_AT_ONCE = 100
"""To answer one takes longer than to take an event, and all of a batch are answered under the write lock."""
POLL_MS = 200
CLOSE_MS_MAX = 5_000
ASK_SECONDS = 1.0
COMMIT_SECONDS = 5.0
WAITED_SESSIONS = 1.5
"""So many sessions after the group has settled, a member that died before has been thrown out of it."""
BROKER_DOWN = (RetriableError, KafkaConnectionError)

Batch = tuple[list[Record], Source]


@dataclass(slots=True)
class Place:
    """How far one partition of ours was handed on, how far of that the store is (``reached``), and what is known of its end; instants in
    milliseconds since 1970."""

    epoch: int
    position: int
    end: int
    reached: int
    newest_ms: int | None = None

    @property
    def backlog(self) -> int:
        return max(0, self.end - self.reached)


class Given(ConsumerRebalanceListener):
    """What the group gives and takes. It is called by the client's own thread: it notes what happened and holds back what is new."""

    def __init__(self, consumer: Any) -> None:
        self.consumer = consumer
        self.lock = threading.Lock()
        self.unclaimed: set[TopicPartition] = set()
        self.taken_away: set[TopicPartition] = set()
        self.rebalances = 0

    def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        assigned = set(assigned)
        for partition in assigned:
            self.consumer.seek(partition, 0)  # somewhere, so that the client asks nobody where to begin
        self.consumer.pause(*assigned)
        with self.lock:
            self.unclaimed |= assigned
            self.taken_away -= assigned
            self.rebalances += 1

    def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        with self.lock:
            self.unclaimed -= set(revoked)
            self.taken_away |= set(revoked)

    def on_partitions_lost(self, lost: Iterable[TopicPartition]) -> None:
        self.on_partitions_revoked(lost)


class Stream:
    """One member of a consumer group. ``ended`` becomes true when it was stopped or, with ``until_caught_up``, has read what was there."""

    def __init__(
        self, store: Any, subscription: Subscription, stop: threading.Event, *, until_caught_up: bool = False, anew: tuple[str, ...] = ()
    ) -> None:
        self.store = store
        self.subscription = subscription = with_topics_there(subscription)
        self.stop = stop
        self.until_caught_up = until_caught_up
        self.places: dict[TopicPartition, Place] = {}
        self.targets: dict[TopicPartition, int] = {}
        self.suspended_until = 0.0
        self.suspended_in = 0
        self.committed_at = 0.0
        self.asked_at = 0.0
        self.waited_in, self.waited_since = 0, 0.0
        self.moved_at = time.monotonic()
        self.silence: BaseException | None = None
        """Why the broker does not answer, where it does not: to read from it only brings nothing then."""
        self.ended = False
        cluster = checked(subscription.connection, subscription.account_topics, subscription.other_topics)
        self.partitions = sum(topic.partitions for topic in cluster.topics.values())
        self.begin_again(cluster, anew)
        self.join()

    def begin_again(self, cluster: Cluster, topics: Iterable[str]) -> None:
        """Forgets the positions in all partitions of topics; whoever reads them now is overtaken, and begins again too."""
        strangers = sorted(set(topics) - cluster.topics.keys())
        if strangers:
            raise BrokerFailure("topics", f"{', '.join(strangers)}: not among what is read here, which is {', '.join(self.subscription.topics)}")
        places = [TopicPartition(name, number) for name in topics for number in range(cluster.topics[name].partitions)]
        if places:
            claim(self.store, [identified(place, cluster) for place in places], anew=True)

    def join(self) -> None:
        """Becomes a member of the group."""
        self.consumer = KafkaConsumer(**dict(self.subscription.connection) | settings_of(self.subscription))
        self.given = Given(self.consumer)
        self.consumer.subscribe(list(self.subscription.topics), listener=self.given)
        self.settled_at = time.monotonic()

    def join_anew(self) -> None:
        """With another client, where the old one does not find its way into the group: nothing that it held is ours any more."""
        old, rebalances = self.consumer, self.given.rebalances
        self.join()
        self.given.rebalances = rebalances
        self.places.clear()
        self.targets.clear()
        self.silence = None
        old.close(autocommit=False, timeout_ms=CLOSE_MS_MAX)

    def batches(self) -> Iterator[Batch | None]:
        """Batches as they come, ``None`` where nothing does: ends with the stream, so that what is on its way is finished before."""
        self.ended = False
        while True:
            polled = self.polled(POLL_MS)
            if self.is_astray():
                yield None
                self.join_anew()
                continue
            for partition, records in polled.items():
                at_once = REQUESTS_AT_ONCE if partition.topic in self.subscription.request_topics else len(records)
                for start in range(0, len(records), at_once):
                    yield self.batch_of(partition, records[start : start + at_once])
            if self.given.unclaimed and not self.is_suspended():
                yield None  # what is on its way was read under claims that the next ones end
                self.claim_given()
            self.commit(COMMIT_SECONDS)
            self.ended = self.stop.is_set() or (self.until_caught_up and self.is_caught_up())
            if self.ended or not polled:
                yield None
                yield from self.passed_over()
            if self.ended:
                return

    def polled(self, milliseconds: float) -> dict[TopicPartition, list[Any]]:
        """The next records of partitions that are ours; whoever was taken away from us is forgotten.

        A client that leads the group and joins anew because it has got to know of topics, as at each start, forgets so once it has shared them out:
        an answer of the group that comes after the end of a poll it never fetches. So it is told that it has to join for as long as it has not.
        """
        try:
            polled = self.consumer.poll(timeout_ms=int(milliseconds), max_records=BATCH)
        except OffsetOutOfRangeError as error:
            raise lost(f"records were deleted before they were taken: {error}") from error
        except CorruptRecordError as error:
            where = ", ".join(f"{tracking_of(one)} at {place.position}" for one, place in sorted(self.places.items()) if place.backlog)
            raise BrokerFailure("unreadable_record", f"Kafka's client can not read a record, at or after one of {where}: {error}") from error
        before, self.moved_at = self.moved_at, time.monotonic()
        is_fresh = self.moved_at - before > self.subscription.session_seconds  # who slept has to look round first
        is_settled = self.consumer.group_metadata().state == MemberState.STABLE
        if is_fresh or self.silence is not None or is_settled:
            self.settled_at = self.moved_at
        if not is_settled:
            self.consumer._coordinator.request_rejoin()
        with self.given.lock:
            gone, self.given.taken_away = self.given.taken_away, set()
        for partition in gone:
            self.places.pop(partition, None)
            self.targets.pop(partition, None)
        return {partition: records for partition, records in polled.items() if partition in self.places}

    def is_astray(self) -> bool:
        """Whether the client does not find its way into the group, for longer than a group ever needs."""
        return self.moved_at - self.settled_at > self.subscription.unsettled_seconds

    def batch_of(self, partition: TopicPartition, records: list[Any]) -> Batch:
        place = self.places[partition]
        before, place.position = place.position, records[-1].offset + 1
        assert records[0].offset >= before, f"{partition} went back from {before} to {records[0].offset}"
        place.newest_ms = records[-1].timestamp
        place.end = self.consumer.highwater(partition) or place.end
        name = tracking_of(partition)
        taken = [record_of(one.value, one.key, one.headers, one.offset, one.timestamp) for one in records]
        return taken, Source(name, name, before, place.position, epoch=place.epoch)

    def wrote(self, source: Source) -> None:
        """The store has the whole batch of a source."""
        for partition, place in self.places.items():
            if tracking_of(partition) == source.tracking:
                place.reached = source.after

    def passed_over(self) -> Iterator[Batch]:
        """Offsets that are no records, as the ends of transactions, now that nothing is on its way: the store passes over them too, for once they
        are deleted it could not tell them from records that were lost. Says where the ends are now, besides."""
        for partition, place in list(self.places.items()):
            position = place.position
            with suppress(IllegalStateError):  # taken away meanwhile
                place.end = self.consumer.highwater(partition) or place.end
                position = self.consumer.position(partition, timeout_ms=0) or position
            if position > place.position:
                before, place.position = place.position, position
                name = tracking_of(partition)
                yield [], Source(name, name, before, position, epoch=place.epoch)

    def claim_given(self) -> None:
        """Takes over what the group gave us and begins to read it where the store says."""
        with self.given.lock:
            partitions, self.given.unclaimed = self.given.unclaimed, set()
        try:
            places = self.claimed(partitions)
        except BaseException:
            with self.given.lock:
                self.given.unclaimed |= partitions
            raise
        with self.given.lock:
            ours = {partition: place for partition, place in places.items() if partition not in self.given.taken_away | self.given.unclaimed}
        for partition, place in ours.items():
            self.consumer.seek(partition, place.position)
        self.places |= ours
        self.targets |= {partition: place.end for partition, place in ours.items()}
        self.consumer.resume(*ours)

    def claimed(self, partitions: set[TopicPartition]) -> dict[TopicPartition, Place]:
        if not partitions:
            return {}
        cluster = described(self.subscription.connection, {partition.topic for partition in partitions})
        known = {partition: identified(partition, cluster) for partition in partitions}
        try:
            claims = claim(self.store, known.values())
        except AnotherTopic as error:
            raise lost(str(error)) from error
        first, end = self.consumer.beginning_offsets(list(partitions)), self.consumer.end_offsets(list(partitions))
        return {one: place_of(known[one], claims[tracking_of(one)], first[one], end[one]) for one in partitions}

    def rewind(self, *, overtaken: bool) -> None:
        """Forgets what was read and not written: everything is claimed again, and read from where the store is.

        Who was overtaken may not be a member any more and not know it yet: then it waits for the group's word, a session long at most.
        """
        with self.given.lock:
            self.given.unclaimed |= self.places.keys() - self.given.taken_away
        self.hold_back()
        self.places.clear()
        self.suspended_until = time.monotonic() + self.subscription.session_seconds if overtaken else 0.0
        self.suspended_in = self.given.rebalances

    def is_suspended(self) -> bool:
        return self.given.rebalances == self.suspended_in and time.monotonic() < self.suspended_until

    def stand_still(self, seconds: float) -> None:
        """Reads nothing for a while and stays in the group."""
        until = time.monotonic() + seconds
        while not self.stop.is_set() and (left := until - time.monotonic()) > 0:
            self.hold_back()
            try:
                self.polled(min(left * 1000, POLL_MS))
            except BROKER_DOWN:
                self.stop.wait(min(left, POLL_MS / 1000))

    def hold_back(self) -> None:
        with suppress(IllegalStateError):  # taken away between the two calls
            self.consumer.pause(*self.consumer.assignment())

    def is_caught_up(self) -> bool:
        """Whether all that was there when partitions became ours is handed on (offsets that are no records are passed over), and none is nobody's:
        who has only just joined a group may be given nothing at first. What others hold is waited for, as long as the group may take to notice that
        one of them is no more."""
        if not self.given.rebalances or self.given.unclaimed:
            return False
        if any((self.consumer.position(partition) or 0) < target for partition, target in self.targets.items()):
            return False
        if len(self.places) >= self.partitions:
            return True
        if time.monotonic() - self.asked_at < ASK_SECONDS:
            return False
        self.asked_at = time.monotonic()
        given = partitions_given(self.subscription.connection, self.subscription.group, self.subscription.topics)
        if given.get(self.consumer.group_metadata().member_id) != len(self.places) or sum(given.values()) < self.partitions:
            return False
        return self.is_all_taken() or self.has_waited()

    def has_waited(self) -> bool:
        """Whether nobody was thrown out of the group for longer than that takes."""
        if self.waited_in != self.given.rebalances:
            self.waited_in, self.waited_since = self.given.rebalances, time.monotonic()
        return time.monotonic() - self.waited_since > WAITED_SESSIONS * self.subscription.session_seconds

    def is_all_taken(self) -> bool:
        """Whether the store has reached the end of every partition, those of other members too: one that died may still be counted in the group,
        and what it held is nobody's for a while."""
        if len(self.places) >= self.partitions:
            return True
        cluster = described(self.subscription.connection, self.subscription.topics)
        places = [TopicPartition(name, number) for name, topic in cluster.topics.items() for number in range(topic.partitions)]
        ends = self.consumer.end_offsets(places)
        with self.store.reading() as moment:
            return all((moment.position_of(identified(place, cluster).tracking) or 0) >= end for place, end in ends.items())

    def commit(self, every_seconds: float) -> None:
        """Tells Kafka where we are, for lag tools; nothing of ours depends on it."""
        if time.monotonic() - self.committed_at < every_seconds:
            return
        self.committed_at = time.monotonic()
        offsets = {partition: OffsetAndMetadata(place.position, "", -1) for partition, place in self.places.items()}
        if offsets:
            self.consumer.commit_async(offsets, callback=self.answered)

    def answered(self, _: Any, answer: Any) -> None:
        """The broker has answered a commit, whatever it said, or the client has given up."""
        gave_up = isinstance(answer, BROKER_DOWN) and not isinstance(answer, BrokerResponseError)
        self.silence = answer if gave_up else None

    def close(self) -> None:
        """Leaves the group, which gives our partitions to others at once (a named member's after its session)."""
        self.consumer.close(autocommit=False, timeout_ms=CLOSE_MS_MAX)


def identified(partition: TopicPartition, cluster: Cluster) -> Partition:
    """Raises ``BrokerFailure`` where its topic is gone."""
    topic = cluster.topics.get(partition.topic)
    if topic is None:
        raise BrokerFailure("topics", f"there is no topic {partition.topic} any more")
    return Partition(tracking_of(partition), cluster.cluster_id, topic.topic_id)


def tracking_of(partition: TopicPartition) -> str:
    return f"kafka:{partition.topic}:{partition.partition}"


def place_of(partition: Partition, ours: Claim, first: int, end: int) -> Place:
    """Where to go on; raises ``BrokerFailure`` where the partition has not got what comes next."""
    position = first if ours.position is None else ours.position
    if not first <= position <= end:
        why = "they were deleted before they were taken" if position < first else "the partition has lost its end"
        raise lost(f"{partition.tracking} holds offsets {first} to {end}, the next to take is {position}: {why}")
    return Place(ours.epoch, position, end, reached=position)


def lost(why: str) -> BrokerFailure:
    """To go on from another place than the next record is not decided here."""
    return BrokerFailure("lost_records", f"{why}; `exposure consume --begin-again TOPIC` reads a topic from its first record on, repeats are known")
