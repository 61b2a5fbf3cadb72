"""``exposure consume``: one member of a consumer group takes events from Kafka until it is told to stop."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any

from consumers.broker.consume import Taken, consume
from consumers.broker.failures import telling
from consumers.broker.stream import Stream
from consumers.broker.subscription import Subscription
from exposure.ledger.ledger import Ledger
from schemas.topics import REQUESTS, TOPICS, prefixed
from service.failures import of_the_broker
from service.running.answering import answer
from service.running.logs import starting
from service.running.stopping import stopping
from service.running.ticking import tick
from service.running.watching import Watch


def subscription(settings: Any, bootstrap: str | None, group: str | None, member: str | None) -> Subscription:
    names = {
        of_accounts: tuple(
            prefixed(settings.kafka_prefix, topic.name) for topic in TOPICS if topic.direction == "in" and topic.holds_accounts is of_accounts
        )
        for of_accounts in (True, False)
    }
    return Subscription(
        names[True],
        names[False],
        group or settings.kafka_group,
        settings.connection(bootstrap),
        member or settings.kafka_member,
        settings.kafka_session_seconds,
        settings.kafka_stall_seconds,
        frozenset([prefixed(settings.kafka_prefix, REQUESTS)]),
    )


Relaying = Callable[[threading.Event], AbstractContextManager[None]]
"""What runs beside: it is told when to stop; where it is left in peace it ends when it has nothing more to do."""


def consume_topics(
    store: Any,
    wanted: Subscription,
    now: Callable[[], int],
    watch: Watch,
    *,
    memory: int,
    until_caught_up: bool,
    anew: tuple[str, ...],
    relaying: Relaying | None,
    tells: bool,
) -> Taken:
    with of_the_broker(), telling(dict(wanted.connection)), stopping() as stop, relaying(stop) if relaying else nullcontext():
        with starting():
            stream = Stream(store, wanted, stop, until_caught_up=until_caught_up, anew=anew)
        watch.began(stream)
        try:
            ledger = Ledger(store, now, answer=answer, documents_in_memory=memory)
            return consume(ledger, stream, watch, partial(tick, store, now, tells=tells))
        finally:
            stream.close()
