"""The portfolio as it was measured: one stream of measurements, as recorded; of one day the last one counts.

Law: a measurement is never changed, and one that says what the last of its day has said is not recorded again. Accounts that a policy weighs against
the portfolio are judged again from its day on, in the transaction that records it.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from exposure.concentration import Measured
from exposure.ledger.acts.policies import in_force
from exposure.ledger.alerts import judge_weighed
from exposure.ledger.batch import Batch, Row
from schemas.amounts import minor
from schemas.portfolio import PortfolioMeasured
from schemas.stored import read_ours, write_ours

STREAM = "portfolio:measured"


class Measurement(NamedTuple):
    """``recorded_at`` in microseconds."""

    recorded_at: int
    event: PortfolioMeasured


def measurements(moment: Any, known_at: int | None = None) -> Iterator[Measurement]:
    """All that were recorded by an instant, oldest first."""
    for _, _, topic, state, recorded_at, _ in moment.events(STREAM):
        if known_at is None or recorded_at <= known_at:
            event = read_ours(topic, state)
            assert isinstance(event, PortfolioMeasured)
            yield Measurement(recorded_at, event)


def measured(moment: Any, known_at: int | None = None) -> dict[str, Measured]:
    """What counts, by its day."""
    return {event.day: Measured(event.currency, minor(event.exposure, event.currency)) for _, event in measurements(moment, known_at)}


def record(store: Any, now: Callable[[], int], event: PortfolioMeasured) -> bool:
    """Whether it was recorded now; it was not where the last measurement of its day has the same figures."""
    with store.writing(now()) as writing:
        of_day = [one.event for one in measurements(writing) if one.event.day == event.day]
        if of_day and figures(of_day[-1]) == figures(event):
            return False
        row = Row(STREAM, writing.last_version(STREAM) + 1, *write_ours(event))
        writing.write(Batch(writing.recorded_at, event.by, events=[row]))
        if any(rules.alerts.concentration is not None for rules in in_force(writing).classes):
            judge_weighed(writing, event.day)
        return True


def figures(event: PortfolioMeasured) -> tuple[str, str, int, list[str]]:
    return event.currency, event.exposure, event.accounts, event.missing
