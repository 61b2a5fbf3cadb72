"""Instants and what was known at them: recorded time never falls, so *known at* is a place in an account's history."""

from datetime import datetime, timedelta
from typing import Any

from schemas.instants import EPOCH


class DaysReversed(ValueError):
    """What is told leads from a day to a later one."""


def microseconds(instant: datetime) -> int:
    """Microseconds since 1970 (UTC) of an instant with its offset."""
    return (instant - EPOCH) // timedelta(microseconds=1)


def instant_text(at: int) -> str:
    """``2026-02-20T12:00:00Z``, with a fraction only where there is one."""
    return (EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def version_at(moment: Any, stream: str, known_at: int | None) -> int | None:
    """The last version of a stream recorded by the instant, 0 where there was none; ``None`` means all of it."""
    if known_at is None or known_at >= moment.last_recorded():
        return None
    low, high = 0, moment.last_version(stream)
    while low < high:
        middle = (low + high + 1) // 2
        if moment.event_at(stream, middle) <= known_at:
            low = middle
        else:
            high = middle - 1
    return int(low)
