"""``exposure alerts --follow``: a live tail of the alert log, read from the store by position; a store that is down is waited for."""

import threading
from collections.abc import Iterator
from typing import Any

import typer

from exposure.ledger.alerts import recorded_after
from projections.alerts import Wanted, shown
from service.running.logs import in_a_line
from service.running.stopping import patiently

IDLE_SECONDS = 0.5
ALERTS_AT_ONCE = 500


def follow(store: Any, wanted: Wanted, stop: threading.Event, *, from_beginning: bool) -> Iterator[dict[str, Any]]:
    """Alerts as they come, until stopped: those recorded from now on, or all of them."""
    retrying = patiently(stop, lambda failure: typer.echo(f"waiting for the store: {in_a_line(failure)}", err=True))

    def read(position: int) -> tuple[list[dict[str, Any]], int]:
        with store.reading() as moment:
            found, end = recorded_after(moment, position, ALERTS_AT_ONCE)
        return [shown(alert, recorded_at) for _, alert, recorded_at in found if wanted.wants(alert)], end

    with store.reading() as moment:
        position = 0 if from_beginning else moment.last_position()
    while not stop.is_set():
        before, (found, position) = position, retrying(read, position) or ([], position)
        yield from found
        if position == before:
            stop.wait(IDLE_SECONDS)
