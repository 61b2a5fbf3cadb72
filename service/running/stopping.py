"""What runs until it is told to stop: SIGTERM or an interrupt says so, and a store that is down is waited for meanwhile."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tenacity import RetryCallState, Retrying, retry_if_exception_type, sleep_using_event, stop_when_event_set, wait_random_exponential

from exposure.ledger.ledger import STORE_DOWN

WAIT_SECONDS_MAX = 5.0


@contextmanager
def stopping() -> Iterator[threading.Event]:
    """Set by SIGTERM or an interrupt: then what is on its way is finished first."""
    stop = threading.Event()
    before = {name: signal.signal(name, lambda *_: stop.set()) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield stop
    finally:
        for name, handling in before.items():
            signal.signal(name, handling)


def patiently(stop: threading.Event, waiting: Callable[[BaseException], None]) -> Retrying:
    """Calls again what fails because the store is down, with growing pauses; ``None`` where it is told to stop meanwhile."""

    def told(state: RetryCallState) -> None:
        failure = state.outcome and state.outcome.exception()
        assert failure
        waiting(failure)

    return Retrying(
        retry=retry_if_exception_type(STORE_DOWN),
        wait=wait_random_exponential(multiplier=0.1, max=WAIT_SECONDS_MAX),
        stop=stop_when_event_set(stop),
        sleep=sleep_using_event(stop),
        before_sleep=told,
        retry_error_callback=lambda _: None,
    )
