"""Takes what a stream brings until it ends. What is down is waited for, in place; what another consumer has taken over is left to it."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_when_event_set, wait_random_exponential

from consumers.broker.stream import BROKER_DOWN, Batch, Stream
from exposure.ledger.ledger import STORE_DOWN, Ledger
from exposure.ledger.records import Counts, Source
from exposure.ledger.writing import Overtaken

WAIT_SECONDS_MAX = 5.0
IDLE_SECONDS, BUSY_SECONDS = 1.0, 10.0
"""How often time is let pass beside what is taken: where nothing comes, and where something always does."""


@dataclass(slots=True)
class Taken(Counts):
    """``overtaken`` counts the batches that were not written, for another consumer had their partition: it is who counts their records."""

    overtaken: int = 0


class Watch(Protocol):
    """Who is told how it goes: at each turn what goes to the ledger, then what became of it, in the same order."""

    def turned(self, batch: Batch | None) -> None: ...

    def taken(self, counts: Counts) -> None: ...

    def overtaken(self, why: str) -> None: ...

    def waiting(self, why: BaseException) -> None: ...


def consume(ledger: Ledger, stream: Stream, watch: Watch, let_time_pass: Callable[[], object]) -> Taken:
    """Everything the stream brings goes into the ledger, exactly once; returns what became of it when the stream has ended.

    Time is let pass beside it; where the stream ends of itself only when all is taken, by whomever, so that nothing depends on how it came in.
    """
    total = Taken()

    def told(state: RetryCallState) -> None:
        assert state.outcome is not None
        failure = state.outcome.exception()
        assert failure is not None
        watch.waiting(failure)
        stream.rewind(overtaken=False)

    def stopped(_: RetryCallState) -> None:
        """It was told to stop while it waited: what was taken stays taken, the rest is there next time."""
        stream.ended = True

    retrying = Retrying(
        retry=retry_if_exception_type((*STORE_DOWN, *BROKER_DOWN)),
        wait=wait_random_exponential(multiplier=0.1, max=WAIT_SECONDS_MAX),
        stop=stop_when_event_set(stream.stop),
        sleep=stream.stand_still,
        before_sleep=told,
        retry_error_callback=stopped,
    )
    while not stream.ended:
        retrying(take, ledger, stream, watch, total, let_time_pass)
    if not stream.stop.is_set() and retrying(stream.is_all_taken):
        retrying(let_time_pass)
    return total


def take(ledger: Ledger, stream: Stream, watch: Watch, total: Taken, let_time_pass: Callable[[], object]) -> None:
    """Takes batches until the stream ends or somebody else has taken a partition over."""
    on_the_way: deque[Source] = deque()

    def turns() -> Iterator[Batch | None]:
        passed_at = time.monotonic()
        for batch in stream.batches():
            watch.turned(batch)
            on_the_way.extend([batch[1]] if batch else [])
            yield batch
            if not stream.until_caught_up and time.monotonic() - passed_at > (BUSY_SECONDS if batch else IDLE_SECONDS):
                yield None  # what is on its way is written before
                let_time_pass()
                passed_at = time.monotonic()

    try:
        for counts in ledger.take_all(turns()):
            stream.wrote(on_the_way.popleft())
            total.add(counts)
            watch.taken(counts)
        ledger.settle()
    except Overtaken as lost:
        total.overtaken += 1
        watch.overtaken(str(lost))
        stream.rewind(overtaken=True)
        stream.ended = stream.stop.is_set()
