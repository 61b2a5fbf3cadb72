"""Cases: what people and systems decide of an account without changing its figures, each in a stream of its own.

The table ``cases`` says which streams concern an account and how each stands now; it is derived from what the streams say.
"""

from collections.abc import Iterable
from typing import Any

from exposure.ledger.batch import Batch, CaseRow, Row
from schemas.facts import (
    CorrectionMade,
    DecisionReadBack,
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
    PersonErased,
    RequestAnswered,
    RequestRefused,
)
from schemas.stored import write_ours

ANSWERED, REFUSED = "answered", "refused"
OPEN, APPROVED, REJECTED, WITHDRAWN = "open", "approved", "rejected", "withdrawn"
PROPOSED, RELEASED = "proposed", "released"
ERASED, READ_BACK, MADE = "erased", "read_back", "made"


def cases_of(stream: str, event: Ours) -> list[CaseRow]:
    """How a case stands after its event; a dead letter is no case."""
    if not isinstance(event, OfAccount):
        return []
    return [(event.account, stream, state_after(event))]


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
        case LimitRejected():
            return REJECTED
        case LimitRequestWithdrawn():
            return WITHDRAWN
        case HoldReleaseProposed():
            return PROPOSED
        case HoldReleased():
            return RELEASED
        case LimitApprovalRefused() | HoldReleaseRefused():
            return event.state
        case PersonErased():
            return ERASED
        case DecisionReadBack():
            return READ_BACK
        case CorrectionMade():
            return MADE


def record(writing: Any, events: Iterable[tuple[str, OfAccount]], by: str) -> None:
    """Writes events, each into the stream it is named with, under the write lock."""
    batch = Batch(writing.recorded_at, by)
    versions: dict[str, int] = {}
    for stream, event in events:
        version = versions.get(stream) or writing.last_version(stream)
        versions[stream] = version + 1
        batch.events.append(Row(stream, version + 1, *write_ours(event)))
        batch.cases += cases_of(stream, event)
    writing.write(batch)
