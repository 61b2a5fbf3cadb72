"""Limit requests as recorded: each in a stream of its own, from the request to the last yes or no; refused acts are among its events.

Law: the last yes and the limit it makes are one transaction, and who listens is told in it. From then on the figures follow that limit as they
follow one told by the ERP.
"""

from functools import partial
from itertools import count
from typing import Any, NamedTuple

from exposure.ledger.acts.cases import OPEN, open_one, state_after
from exposure.ledger.acts.cases import record as record_cases
from exposure.ledger.acts.decisions import digest_of
from exposure.ledger.acts.measures import announce
from exposure.ledger.own_facts import OwnFact, tell
from schemas.facts import LimitApproved, LimitRejected, LimitRequested, LimitRequestWithdrawn, OfLimit
from schemas.stored import read_ours

KIND = "limit_request"
TYPES: dict[type, str] = {
    LimitRequested: "credit.limit.requested.v1",
    LimitApproved: "credit.limit.approved.v1",
    LimitRejected: "credit.limit.rejected.v1",
    LimitRequestWithdrawn: "credit.limit.withdrawn.v1",
}


class Trail(NamedTuple):
    """A request and all that was said to it, each with its recorded instant (microseconds), oldest first."""

    request: LimitRequested
    events: list[tuple[int, OfLimit]]

    @property
    def state(self) -> str:
        return state_after(self.events[-1][1])

    @property
    def approvals(self) -> list[LimitApproved]:
        return [event for _, event in self.events if isinstance(event, LimitApproved)]


def stream_of(request: str) -> str:
    return f"{KIND}:{request}"


def trail(moment: Any, request: str, known_at: int | None = None) -> Trail | None:
    return trail_of_stream(moment, stream_of(request), known_at)


def trail_of_stream(moment: Any, stream: str, known_at: int | None = None) -> Trail | None:
    """As far as it was recorded by an instant; ``None`` where nothing was."""
    said = ((at, read_ours(topic, state)) for _, _, topic, state, at, _ in moment.events(stream) if known_at is None or at <= known_at)
    events = [(recorded_at, event) for recorded_at, event in said if isinstance(event, OfLimit)]
    if not events:
        return None
    request = events[0][1]
    assert isinstance(request, LimitRequested), f"{stream} does not begin with its request"
    return Trail(request, events)


def open_id(moment: Any, account: str, words: list[str | None]) -> tuple[str, Trail | None]:
    """The id of a request in these words: of the one that is open, else a new one. Those that are settled were other requests."""
    ids = (digest_of(account, ["limit", number, *words]) for number in count())
    return open_one(ids, partial(trail, moment), OPEN)


def record(writing: Any, request: LimitRequested, event: OfLimit) -> None:
    """Records what is said to a request, and tells it: a message has all that was asked for, and what was said."""
    record_cases(writing, [(stream_of(event.request), event)], event.by)
    if type(event) in TYPES:
        announce(writing, TYPES[type(event)], message_of(event), request, event)


def message_of(event: OfLimit) -> str:
    return digest_of(event.account, [KIND, event.request, TYPES[type(event)], event.by])


def tell_limit(writing: Any, request: LimitRequested, approved_by: list[str]) -> None:
    tell(writing, [limit_made(request, approved_by)], approved_by[-1])


def limit_made(request: LimitRequested, approved_by: list[str]) -> OwnFact:
    """The limit as a fact of the account, under a number of its own; back-dated where it was asked for so."""
    data = {
        "limit": request.request,
        "version": 1,
        "kind": request.kind,
        "amount": request.amount,
        "currency": request.currency,
        "valid_from": request.valid_from,
        **({"valid_to": request.valid_to} if request.valid_to else {}),
        "reason": request.reason,
        "approved_by": ", ".join(approved_by),
    }
    return request.account, "LimitChanged", stream_of(request.request), data
