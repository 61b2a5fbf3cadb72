"""Measures as recorded: each in a stream of its own, from its proposal to its end, and told to who listens in the same transaction.

Law: what an alert proposes has one id, so it is proposed once. With the yes that applies it the account is told, and its figures follow.
"""

from collections.abc import Iterable
from functools import partial
from itertools import count
from typing import Any, NamedTuple

from exposure.ledger.acts.cases import APPLIED, PROPOSED, open_one, state_after
from exposure.ledger.acts.cases import record as record_case
from exposure.ledger.acts.decisions import digest_of
from exposure.ledger.own_facts import OwnFact, tell
from exposure.rules.spans import later
from schemas.facts import LAST_DAY, OUR_SOURCE, Data
from schemas.instants import instant_of
from schemas.measures import (
    LOWER_LIMIT,
    MeasureApproved,
    MeasureLapsed,
    MeasureProposed,
    MeasureRejected,
    MeasureTakenBack,
    OfMeasure,
)
from schemas.stored import read_ours

KIND = "measure"
TOPIC = "credit.measures"
TYPES: dict[type[OfMeasure], str] = {
    MeasureProposed: "credit.measure.proposed.v1",
    MeasureApproved: "credit.measure.applied.v1",
    MeasureRejected: "credit.measure.rejected.v1",
    MeasureLapsed: "credit.measure.lapsed.v1",
    MeasureTakenBack: "credit.measure.lifted.v1",
}
"""What goes out; who might not do something is nobody else's business."""


class Trail(NamedTuple):
    """A measure and all that was said to it, each with its recorded instant (microseconds), oldest first."""

    proposed: MeasureProposed
    events: list[tuple[int, OfMeasure]]

    @property
    def state(self) -> str:
        return state_after(self.events[-1][1])

    @property
    def applied(self) -> MeasureApproved | None:
        return next((event for _, event in self.events if isinstance(event, MeasureApproved)), None)

    def is_in_force(self, day: str) -> bool:
        return self.state == APPLIED and self.applied is not None and day <= (self.applied.until or LAST_DAY)


def id_of(account: str, alert: str, take: str) -> str:
    """Of what an alert proposes."""
    return digest_of(account, [KIND, alert, take])


def stream_of(measure: str) -> str:
    return f"{KIND}:{measure}"


def trail(moment: Any, measure: str, before: int | None = None) -> Trail | None:
    return next(iter(trails(moment, [stream_of(measure)], before)), None)


def trails(moment: Any, streams: list[str], before: int | None = None) -> list[Trail]:
    """Those of the streams that are there, in the order they were proposed; as they stood before a position of the log."""
    found: dict[str, list[tuple[int, OfMeasure]]] = {}
    for _, stream, _, topic, state, recorded_at, _ in moment.events_of(streams, before):
        event = read_ours(topic, state)
        assert isinstance(event, OfMeasure)
        found.setdefault(stream, []).append((recorded_at, event))
    made = []
    for stream, events in found.items():
        proposed = events[0][1]
        assert isinstance(proposed, MeasureProposed), f"{stream} does not begin with its proposal"
        made.append(Trail(proposed, events))
    return made


def of_account(moment: Any, account: str | None, state: str | None = None, before: int | None = None) -> list[Trail]:
    """Of one account or of all, those in a state or all: in order of accounts, the oldest first; as they stood before a position of the log."""
    found = trails(moment, [stream for _, stream in moment.cases_of_kind(KIND, state if before is None else None, account, before)], before)
    return sorted((one for one in found if state in (None, one.state)), key=lambda one: one.proposed.account)


def open_id(moment: Any, account: str, words: list[Any]) -> tuple[str, Trail | None]:
    """The id of what a person proposes in these words: of the one that waits, else a new one."""
    ids = (digest_of(account, [KIND, number, *words]) for number in count())
    return open_one(ids, partial(trail, moment), PROPOSED)


def record(writing: Any, proposed: MeasureProposed, events: Iterable[OfMeasure]) -> None:
    """Records what is said to a measure, and tells it: a message has all that was proposed, and what became of it."""
    for event in events:
        record_case(writing, [(stream_of(event.measure), event)], event.by)
        if type(event) in TYPES:
            type_ = TYPES[type(event)]
            announce(writing, type_, digest_of(event.account, [KIND, event.measure, type_]), proposed, event)


def announce(writing: Any, type_: str, message_id: str, about: Any, said: Any) -> None:
    """Tells what was said of an account and when it was recorded, with what it was said about."""
    data = {**about._asdict(), **said._asdict(), "at": f"{instant_of(writing.recorded_at)}Z"}
    writing.announce(TOPIC, said.account, message_id, {"type": type_, "source": OUR_SOURCE, "data": data})


def tell_applied(writing: Any, proposed: MeasureProposed, applied: MeasureApproved) -> None:
    tell(writing, [fact_applied(proposed, applied)], applied.by)


def fact_applied(proposed: MeasureProposed, applied: MeasureApproved) -> OwnFact:
    """What is done, as a fact of the account: a limit beside the ones there are, which counts from its day on; or the measure itself."""
    stream = stream_of(proposed.measure)
    if proposed.take == LOWER_LIMIT:
        return proposed.account, "LimitChanged", f"{stream}/1", limit_of(proposed, applied, 1, applied.until)
    data: Data = {"measure": proposed.measure, "kind": proposed.take, "date": applied.date}
    if applied.until is not None:
        data["until"] = applied.until
    return proposed.account, "MeasureApplied", stream, data


def tell_lifted(writing: Any, proposed: MeasureProposed, applied: MeasureApproved, lifted: MeasureTakenBack) -> None:
    tell(writing, [fact_lifted(proposed, applied, lifted)], lifted.by)


def fact_lifted(proposed: MeasureProposed, applied: MeasureApproved, lifted: MeasureTakenBack) -> OwnFact:
    """What is done no more: a lowered limit ends the day before, and what it stood before counts again."""
    stream = stream_of(proposed.measure)
    if proposed.take == LOWER_LIMIT:
        return proposed.account, "LimitChanged", f"{stream}/2", limit_of(proposed, applied, 2, later(lifted.date, -1))
    data: Data = {"measure": proposed.measure, "kind": proposed.take, "date": lifted.date}
    return proposed.account, "MeasureLifted", f"{stream}/lifted", data


def limit_of(proposed: MeasureProposed, applied: MeasureApproved, version: int, valid_to: str | None) -> Data:
    """The lowered limit, under a number of its own."""
    return {
        "limit": proposed.measure,
        "version": version,
        "kind": applied.limit_kind,
        "amount": proposed.amount,
        "currency": proposed.currency,
        "valid_from": applied.date,
        **({"valid_to": valid_to} if valid_to else {}),
        "reason": proposed.reason,
        "approved_by": applied.by,
    }
