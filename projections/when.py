"""Instants and what was known at them: recorded time never falls, so *known at* is a place in an account's history."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from schemas.instants import EPOCH


class DaysReversed(ValueError):
    """What is told leads from a day to a later one."""


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970 (UTC) of an instant with its offset."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def microseconds_of(instant: str) -> int:
    """The same of an instant as facts have it."""
    return microseconds(datetime.fromisoformat(f"{instant}+00:00"))


def instant_text(at: int) -> str:
    """``2026-02-20T12:00:00Z``, with a fraction only where there is one."""
    return (EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def version_at(moment: Any, stream: str, known_at: int | None) -> int | None:
    """The last version of a stream recorded by the instant, 0 where there was none; ``None`` means all of it."""
    return versions_at(moment, [stream], known_at)[stream]


def versions_at(moment: Any, streams: Sequence[str], known_at: int | None) -> dict[str, int | None]:
    """The same of several streams."""
    is_past = known_at is not None and known_at < moment.last_recorded()
    return moment.versions_at(streams, known_at) if is_past else dict.fromkeys(streams)
