"""Days and instants: instants in one spelling, UTC without trailing zeros, so that texts compare as instants."""

import re
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

NOT_A_DAY = "not a day, as 2026-02-20"
NOT_AN_INSTANT = "not an RFC 3339 instant with its offset, as 2026-01-12T09:30:00Z"
INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,30})?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII)
IN_ONE_SPELLING = re.compile(r"\d{4}-\d\d-\d\dT([01]\d|2[0-3]):[0-5]\d:[0-5]\dZ", re.ASCII)
FIRST_INSTANT, LAST_INSTANT = "0001-01-02", "9999-12-31"
"""Between these an instant is a day of the calendar in every time zone."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@lru_cache(maxsize=1 << 14)
def real_day(text: str) -> str:
    """A day as ``2026-02-20``, where the calendar has it; raises ``ValueError``."""
    try:
        # What has another form, as 20260220, is read as well, but not written so.
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise ValueError(NOT_A_DAY)


@lru_cache(maxsize=1 << 14)
def is_day_everywhere(text: str) -> bool:
    """Whether a text is a day of the calendar, in every time zone."""
    try:
        return FIRST_INSTANT <= real_day(text) < LAST_INSTANT
    except ValueError:
        return False


def instant(text: str) -> str:
    """An RFC 3339 date-time as UTC text (``2026-01-12T09:30:00`` or ``…00.25``); raises ``ValueError``."""
    # Most come in their one spelling already: then there is nothing to reckon.
    if IN_ONE_SPELLING.fullmatch(text) and is_day_everywhere(text[:10]):
        return text[:19]
    try:
        told = in_utc(text)
    except (ValueError, OverflowError) as error:
        raise ValueError("no such day or time of day") from error
    if told is None:
        raise ValueError(NOT_AN_INSTANT)
    if not FIRST_INSTANT <= told < LAST_INSTANT:
        raise ValueError("no day of the calendar in every time zone")
    return told


def in_utc(text: str) -> str | None:
    match = INSTANT.fullmatch(text)
    if match is None:
        return None
    fraction, offset = match.groups()
    whole = datetime.fromisoformat(text[:19].upper() + offset.upper())
    utc = whole if offset in "Zz" else whole.astimezone(UTC)
    return utc.isoformat()[:19] + (fraction or "").rstrip("0").rstrip(".")


def instant_of(at: int) -> str:
    """The same spelling of microseconds since 1970 (UTC)."""
    text = (EPOCH + timedelta(microseconds=at)).isoformat()[:-6]
    return text.rstrip("0") if "." in text else text
