"""The relay: sends what waits in the outbox, in the order it was written, and takes out what Kafka has acknowledged.

Law: of every partition the first occurrences of messages are in the order of the outbox, whoever is killed when. A relay begins at the oldest
message that is there, only what was acknowledged is taken out, and the first failure ends the producer: nothing behind it is sent before it.
"""

import os
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol
from uuid import uuid4

from kafka import KafkaProducer
from kafka.errors import KafkaError
from kafka.partitioner.default import DefaultPartitioner
from kafka.producer.future import FutureRecordMetadata
from kafka.serializer import Serializer
from tenacity import RetryCallState, Retrying, retry_if_exception_type, sleep_using_event, stop_when_event_set, wait_random_exponential

from consumers.broker.cluster import required
from consumers.broker.consume import WAIT_SECONDS_MAX
from consumers.broker.failures import telling
from consumers.broker.produce import FAITHFUL
from consumers.broker.stream import BROKER_DOWN
from consumers.broker.subscription import RECONNECT_MS_MAX
from consumers.messages import Message, message_of
from exposure.ledger.ledger import STORE_DOWN
from exposure.ledger.out.outbox import Lease, LeaseLost, Waiting, is_empty, take_out, waiting
from schemas.topics import TOPICS, prefixed

IDLE_SECONDS = 0.2
OTHER_HANDS_SECONDS = 15.0
"""Longer than a lease lasts: where the outbox is another relay's for so long, that one lives, and it is not for us to wait until it is done."""
SLOW_SECONDS = 5.0
"""Longer without an acknowledgement is told; so long is waited for one when the relay is to stop."""


class AsItIs(Serializer):
    """The client takes no message that has neither key nor value: it is given the whole message, and its value is found here."""

    def serialize(self, topic: str, headers: Any, data: Message) -> bytes | None:  # noqa: ARG002
        return data.value


class ByKeyOrId(DefaultPartitioner):
    """By key as Kafka's own clients do it, without one by id: so a repeat is where the message was."""

    def partition(self, topic: str, key: Any, serialized_key: bytes | None, value: Message, serialized_value: Any, cluster: Any) -> int:
        told = value.id.encode() if serialized_key is None else serialized_key
        partition: int = super().partition(topic, key, told, value, serialized_value, cluster)
        return partition


PATIENT = FAITHFUL | {
    "delivery_timeout_ms": 7 * 86_400_000,
    "reconnect_backoff_max_ms": RECONNECT_MS_MAX,
    "max_block_ms": 10_000,
    "max_request_size": 64 << 20,
    "compression_type": "lz4",
    "value_serializer": AsItIs(),
    "partitioner": ByKeyOrId(),
}
"""No message is given up because it waited too long, and how large one may be its topic says."""


class Watch(Protocol):
    """Who is told how it goes."""

    def sent(self, count: int) -> None: ...

    def waiting(self, why: BaseException) -> None: ...


@dataclass(slots=True)
class Relayed:
    """How many messages were sent and taken out."""

    sent: int = 0


class Post:
    """One producer, from its first message to its first failure, which is kept: nothing is sent after it, for nothing may overtake what failed."""

    def __init__(self, connection: dict[str, Any]) -> None:
        self.producer = KafkaProducer(**connection, **PATIENT)
        self.failure: BaseException | None = None

    def send(self, message: Message) -> FutureRecordMetadata:
        """Raises ``KafkaError``."""
        sent = self.producer.send(message.topic, value=message, key=message.key, headers=message.headers)
        return sent.add_errback(self.failed)

    def failed(self, failure: BaseException) -> None:
        """The client's own thread says so, before it sends anything else."""
        self.failure = self.failure or failure
        self.abandon()

    def abandon(self) -> None:
        """Gives up what is on its way. The client has no word for it: to close it is to wait until all is sent."""
        self.producer._sender.force_close()

    def close(self) -> None:
        self.abandon()
        with suppress(KafkaError):
            self.producer.close(timeout=SLOW_SECONDS)


class Relay:
    """One relay of a store; ``now`` is the system's clock (microseconds since 1970). Raises ``BrokerFailure`` where a topic is missing."""

    def __init__(self, store: Any, connection: dict[str, Any], prefix: str, now: Callable[[], int], watch: Watch) -> None:
        self.store = store
        self.connection = connection
        self.prefix = prefix
        self.now = now
        self.watch = watch
        self.relayed = Relayed()
        self.lease = Lease(f"{socket.gethostname()}:{os.getpid()}:{uuid4().hex}")
        self.post: Post | None = None
        with telling(connection):
            required(connection, [prefixed(prefix, topic.name) for topic in TOPICS if topic.direction == "out"])

    def run(self, stop: threading.Event, enough: threading.Event, *, patient: bool = False) -> None:
        """Sends until stopped; with ``enough`` until nothing waits. A store or broker that is down is waited for, and where ``patient`` whatever
        else a broker fails with."""

        def told(state: RetryCallState) -> None:
            assert state.outcome is not None
            failure = state.outcome.exception()
            assert failure is not None
            self.watch.waiting(failure)

        retrying = Retrying(
            retry=retry_if_exception_type((*STORE_DOWN, *BROKER_DOWN, *((KafkaError,) if patient else ()))),
            wait=wait_random_exponential(multiplier=0.1, max=WAIT_SECONDS_MAX),
            stop=stop_when_event_set(stop),
            sleep=sleep_using_event(stop),
            before_sleep=told,
            retry_error_callback=lambda _: None,  # stopped: what was not sent waits for the next relay
        )
        idle_since = time.monotonic()
        try:
            while not stop.is_set():
                sent = retrying(self.round, stop)
                if sent is not None:
                    idle_since = time.monotonic()
                is_in_other_hands = time.monotonic() - idle_since > OTHER_HANDS_SECONDS
                if enough.is_set() and (sent == 0 or is_in_other_hands):
                    return
                if not sent:
                    stop.wait(IDLE_SECONDS)
        finally:
            self.close()

    def round(self, stop: threading.Event) -> int | None:
        """Sends the oldest of what waits, and takes it out; how many it was, ``None`` where another relay has the outbox."""
        if self.lease.runs_out(self.now()):
            with self.store.reading() as moment:
                if is_empty(moment):
                    return 0  # and nothing is written: the lease runs out
                is_anothers = self.lease.is_anothers(moment, self.now())
            if is_anothers or not self.take_lease():
                return None
        with self.store.reading() as moment:
            pending = waiting(moment)
        if not pending:
            return 0
        try:
            return self.send(pending, stop)
        except LeaseLost:
            self.give_up_post()
            return None
        except BaseException:
            self.give_up_post()
            raise

    def take_lease(self) -> bool:
        with self.store.writing(0) as writing:
            is_ours: bool = self.lease.take(writing, self.now())
        return is_ours

    def send(self, pending: list[Waiting], stop: threading.Event) -> int:
        self.post = post = self.post or Post(self.connection)
        sent: list[FutureRecordMetadata] = []
        refused: KafkaError | None = None
        for one in pending:
            try:
                sent.append(post.send(message_of(one, self.prefix)))
            except KafkaError as error:
                refused = error
                break
        self.confirm(post, sent, stop)
        are_sent: list[bool] = [future.succeeded() for future in sent]
        with self.store.writing(0) as writing:
            self.lease.extend(writing, self.now())
            take_out(writing, pending[: len(sent)], are_sent)
        count = sum(are_sent)
        self.relayed.sent += count
        self.watch.sent(count)
        failure = post.failure or refused
        if failure is not None and not stop.is_set():
            raise failure
        return count

    def confirm(self, post: Post, sent: list[FutureRecordMetadata], stop: threading.Event) -> None:
        """Waits until Kafka has acknowledged each or one has failed, and keeps the lease meanwhile. Who is to stop waits a little, and gives up."""
        begun, is_told, stopped = time.monotonic(), False, None
        for future in sent:
            while not future.is_done:
                with suppress(KafkaError):
                    future.get(timeout=IDLE_SECONDS)
                if future.is_done:
                    break
                now = time.monotonic()
                if self.lease.runs_out(self.now()):
                    with self.store.writing(0) as writing:
                        self.lease.extend(writing, self.now())
                if not is_told and now - begun > SLOW_SECONDS:
                    is_told = True
                    self.watch.waiting(TimeoutError(f"Kafka has acknowledged nothing for {SLOW_SECONDS:.0f} seconds"))
                if stop.is_set():
                    stopped = stopped or now
                    if now - stopped > 2 * SLOW_SECONDS:
                        return
                    if now - stopped > SLOW_SECONDS:
                        post.abandon()

    def give_up_post(self) -> None:
        post, self.post = self.post, None
        if post is not None:
            post.close()

    def close(self) -> None:
        self.give_up_post()
        if self.lease.until:
            with suppress(*STORE_DOWN), self.store.writing(0) as writing:
                self.lease.give_back(writing)
