"""Cases: what people and systems decide of an account without changing its figures, each in a stream of its own.

The table ``cases`` says which streams concern an account and how each stands now; it is derived from what the streams say.
"""

from collections.abc import Callable, Iterable
from typing import Any, Protocol, TypeVar

from exposure.ledger.batch import Batch, CaseRow, Row
from schemas.amends import CorrectionMade, DecisionReadBack, PersonErased
from schemas.dunning import (
    DunningApprovalRefused,
    DunningNoticeCancelled,
    DunningNoticeIssued,
    DunningNoticeProposed,
    DunningResumed,
    DunningStopped,
)
from schemas.facts import (
    HoldReleased,
    HoldReleaseProposed,
    HoldReleaseRefused,
    LimitApprovalRefused,
    LimitApproved,
    LimitRejected,
    LimitRequested,
    LimitRequestWithdrawn,
    OfAccount,
    OrderChecked,
    Ours,
    RequestAnswered,
    RequestRefused,
)
from schemas.measures import MeasureActRefused, MeasureApproved, MeasureLapsed, MeasureProposed, MeasureRejected, MeasureTakenBack
from schemas.stored import write_ours

ANSWERED, REFUSED = "answered", "refused"
OPEN, APPROVED, REJECTED, WITHDRAWN = "open", "approved", "rejected", "withdrawn"
PROPOSED, RELEASED = "proposed", "released"
ISSUED, CANCELLED = "issued", "cancelled"
STOPPED, RESUMED = "stopped", "resumed"
APPLIED, LAPSED, LIFTED = "applied", "lapsed", "lifted"
ERASED, READ_BACK, MADE = "erased", "read_back", "made"


def cases_of(stream: str, event: Ours, position: int) -> list[CaseRow]:
    """How a case stands after its event, which stands at a position of the log; a dead letter is no case."""
    if not isinstance(event, OfAccount):
        return []
    return [(event.account, stream, state_after(event), position)]


def state_after(event: OfAccount) -> str:
    match event:
        case OrderChecked():
            return event.decision
        case RequestAnswered():
            return ANSWERED
        case RequestRefused():
            return REFUSED
        case LimitRequested():
            return OPEN
        case LimitApproved():
            return APPROVED if event.is_final else OPEN
        case LimitRejected() | MeasureRejected():
            return REJECTED
        case LimitRequestWithdrawn():
            return WITHDRAWN
        case HoldReleaseProposed() | MeasureProposed():
            return PROPOSED
        case HoldReleased():
            return RELEASED
        case DunningNoticeProposed():
            return PROPOSED
        case DunningNoticeIssued():
            return ISSUED
        case DunningNoticeCancelled():
            return CANCELLED
        case DunningStopped():
            return STOPPED
        case DunningResumed():
            return RESUMED
        case MeasureApproved():
            return APPLIED
        case MeasureLapsed():
            return LAPSED
        case MeasureTakenBack():
            return LIFTED
        case LimitApprovalRefused() | HoldReleaseRefused() | DunningApprovalRefused() | MeasureActRefused():
            return event.state
        case PersonErased():
            return ERASED
        case DecisionReadBack():
            return READ_BACK
        case CorrectionMade():
            return MADE


class Case(Protocol):
    """What was said to one request, and how it stands."""

    @property
    def state(self) -> str: ...


Known = TypeVar("Known", bound=Case)


def open_one(ids: Iterable[str], known: Callable[[str], Known | None], waiting: str) -> tuple[str, Known | None]:
    """Of the ids that the same words may have, one after the other, that of the request that waits, else the first new one: those that are settled
    were other requests."""
    for id_ in ids:
        found = known(id_)
        if found is None or found.state == waiting:
            return id_, found
    raise AssertionError("ids never end")


def record(writing: Any, events: Iterable[tuple[str, OfAccount]], by: str) -> None:
    """Writes events, each into the stream it is named with, under the write lock."""
    batch = Batch(writing.recorded_at, by)
    versions: dict[str, int] = {}
    for stream, event in events:
        version = versions.get(stream) or writing.last_version(stream)
        versions[stream] = version + 1
        batch.events.append(Row(stream, version + 1, *write_ours(event)))
        batch.cases += cases_of(stream, event, writing.end.position + len(batch.events))
    writing.write(batch)
