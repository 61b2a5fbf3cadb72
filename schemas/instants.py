"""Instants in one spelling: UTC without trailing zeros, so that texts compare as instants."""

import re
from datetime import UTC, datetime

INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,30})?([Zz]|[+-]\d\d:[0-5]\d)", re.ASCII)
NOT_AN_INSTANT = "not an RFC 3339 instant with its offset, as 2026-01-12T09:30:00Z"
FIRST_INSTANT, LAST_INSTANT = "0001-01-02", "9999-12-31"
"""Between these an instant is a day of the calendar in every time zone."""


def instant(text: str) -> str:
    """An RFC 3339 date-time as UTC text (``2026-01-12T09:30:00`` or ``…00.25``); raises ``ValueError``."""
    match = INSTANT.fullmatch(text)
    if match is None:
        raise ValueError(NOT_AN_INSTANT)
    fraction, offset = match.groups()
    try:
        whole = datetime.fromisoformat(text[:19].upper() + offset.upper())
        utc = whole if offset in "Zz" else whole.astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("no such day or time of day") from None
    told = utc.isoformat()[:19] + (fraction or "").rstrip("0").rstrip(".")
    if not FIRST_INSTANT <= told < LAST_INSTANT:
        raise ValueError("no day of the calendar in every time zone")
    return told
