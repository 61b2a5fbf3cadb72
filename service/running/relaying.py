"""``exposure relay``, and the relay that runs beside ``exposure consume`` in a thread of its own."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from consumers.broker.failures import telling
from consumers.broker.relay import Relay, Relayed
from service.options import clock
from service.running.consuming import Relaying
from service.running.logs import in_a_line, log, starting
from service.running.stopping import stopping
from service.running.watching import Watch


def relay_outbox(store: Any, connection: dict[str, Any], prefix: str, *, until_empty: bool) -> Relayed:
    relay, enough = relay_of(store, connection, prefix), threading.Event()
    if until_empty:
        enough.set()
    with stopping() as stop, telling(connection):
        relay.run(stop, enough)
    return relay.relayed


def beside(store: Any, connection: dict[str, Any], prefix: str, watch: Watch, *, patient: bool) -> Relaying:
    """A relay beside a consumer: it ends with it, and sends first what is there by then where the consumer ended of itself.

    Where it fails the consumer is stopped: nobody should take events for months of which no alert goes out.
    """

    @contextmanager
    def relaying(stop: threading.Event) -> Iterator[None]:
        relay, enough = relay_of(store, connection, prefix), threading.Event()
        watch.relayed = relay.relayed

        def run() -> None:
            try:
                relay.run(stop, enough, patient=patient)
            except BaseException:
                stop.set()
                raise

        with ThreadPoolExecutor(1, "relay") as thread:
            running = thread.submit(run)
            try:
                yield
            except BaseException:
                stop.set()
                raise
            enough.set()
            running.result()

    return relaying


def relay_of(store: Any, connection: dict[str, Any], prefix: str) -> Relay:
    with starting():
        return Relay(store, connection, prefix, clock(None), Telling())


class Telling:
    """Tells the log how a relay does."""

    def sent(self, count: int) -> None:
        log.debug("sent", messages=count)

    def waiting(self, why: BaseException) -> None:
        log.warning("relay_waiting", why=in_a_line(why))
