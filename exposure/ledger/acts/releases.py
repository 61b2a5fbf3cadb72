"""Releases of held orders as recorded: one stream for each decision that held an order, with who proposed, who released, and who might not. The
first two are told to who listens in the same transaction."""

from typing import Any

from exposure.approvals import covers
from exposure.ledger.acts.cases import RELEASED
from exposure.ledger.acts.cases import record as record_cases
from exposure.ledger.acts.decisions import digest_of
from exposure.ledger.acts.measures import announce
from schemas.facts import HoldReleased, HoldReleaseProposed, OfRelease, OrderChecked
from schemas.stored import read_ours

KIND = "release"
TYPES: dict[type, str] = {HoldReleaseProposed: "credit.hold.release_proposed.v1", HoldReleased: "credit.hold.released.v1"}


def stream_of(decision_id: str) -> str:
    return f"{KIND}:{decision_id}"


def trail(moment: Any, decision_id: str, known_at: int | None = None) -> list[OfRelease]:
    """All that was said to the release of a decision by an instant, oldest first."""
    rows = moment.events(stream_of(decision_id))
    said = (read_ours(topic, state) for _, _, topic, state, at, _ in rows if known_at is None or at <= known_at)
    return [event for event in said if isinstance(event, OfRelease)]


def proposed(events: list[OfRelease]) -> HoldReleaseProposed | None:
    return next((event for event in events if isinstance(event, HoldReleaseProposed)), None)


def released(events: list[OfRelease]) -> HoldReleased | None:
    return next((event for event in events if isinstance(event, HoldReleased)), None)


def record(writing: Any, event: OfRelease) -> None:
    record_cases(writing, [(stream_of(event.decision_id), event)], event.by)
    if type(event) in TYPES:
        announce(writing, TYPES[type(event)], message_of(event), event, event)


def message_of(event: OfRelease) -> str:
    return digest_of(event.account, [KIND, event.decision_id, TYPES[type(event)]])


def all_released(moment: Any, account: str | None = None, before: int | None = None) -> list[tuple[int, HoldReleased]]:
    """Every release with its recorded instant (microseconds), of all accounts or of one, oldest first; those before a position of the log."""
    streams = [stream for _, stream in moment.cases_of_kind(KIND, RELEASED, account, before)]
    events = [(row[5], read_ours(row[3], row[4])) for row in moment.events_of(streams, before)]
    return [(recorded_at, event) for recorded_at, event in events if isinstance(event, HoldReleased)]


def covering(moment: Any, decision: OrderChecked, before: int | None = None) -> HoldReleased | None:
    """The last release that lets a held decision pass."""
    return next((release for _, release in reversed(all_released(moment, decision.account, before)) if covers(release, decision)), None)
