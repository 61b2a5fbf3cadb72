"""Takes what a stream brings until it ends. What is down is waited for, in place; what another consumer has taken over is left to it."""

from typing import Protocol

from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_when_event_set, wait_random_exponential

from consumers.broker.stream import BROKER_DOWN, Stream
from exposure.ledger.ledger import STORE_DOWN, Ledger
from exposure.ledger.records import Counts
from exposure.ledger.writing import Overtaken

WAIT_SECONDS_MAX = 5.0


class Watch(Protocol):
    """Who is told how it goes."""

    def taken(self, counts: Counts) -> None: ...

    def overtaken(self, why: str) -> None: ...

    def waiting(self, why: BaseException) -> None: ...


def consume(ledger: Ledger, stream: Stream, watch: Watch) -> Counts:
    """Everything the stream brings goes into the ledger, exactly once; returns what became of it when the stream has ended."""
    total = Counts()

    def told(state: RetryCallState) -> None:
        assert state.outcome is not None
        failure = state.outcome.exception()
        assert failure is not None
        watch.waiting(failure)
        stream.rewind(overtaken=False)

    retrying = Retrying(
        retry=retry_if_exception_type((*STORE_DOWN, *BROKER_DOWN)),
        wait=wait_random_exponential(multiplier=0.1, max=WAIT_SECONDS_MAX),
        stop=stop_when_event_set(stream.stop),
        sleep=stream.stand_still,
        before_sleep=told,
        reraise=True,
    )
    while not stream.ended:
        retrying(take, ledger, stream, watch, total)
    return total


def take(ledger: Ledger, stream: Stream, watch: Watch, total: Counts) -> None:
    """Takes batches until the stream ends or somebody else has taken a partition over."""
    try:
        for counts in ledger.take_all(stream.batches()):
            total.add(counts)
            watch.taken(counts)
        ledger.settle()
    except Overtaken as lost:
        watch.overtaken(str(lost))
        stream.rewind(overtaken=True)
