"""Cells of a CSV become values: days, currencies and amounts, as the mapping says they are written; what is none of them is named by its column."""

from __future__ import annotations

import re
from datetime import date, datetime
from functools import lru_cache

from consumers.mapping import NO_CURRENCY, Sheet
from consumers.rows import UnreadableRow
from schemas.currencies import DECIMALS


def filled(cells: dict[str, str], column: str) -> str:
    if not cells[column]:
        raise UnreadableRow(column, "empty")
    return cells[column]


def dated(cells: dict[str, str], column: str, mapping: Sheet) -> date:
    text = filled(cells, column)
    try:
        return day_told(text, mapping.date_format)
    except ValueError:
        raise UnreadableRow(column, f"not a date written as {mapping.date_format}") from None


@lru_cache(maxsize=4096)
def day_told(text: str, pattern: str) -> date:
    return datetime.strptime(text, pattern).date()


def currency_told(cells: dict[str, str], column: str) -> str:
    code = filled(cells, column)
    if code not in DECIMALS:
        raise UnreadableRow(column, NO_CURRENCY)
    return code


def amount_told(cells: dict[str, str], column: str, currency: str, mapping: Sheet) -> str:
    """The amount as the contract writes it: a point, and all decimals the currency has."""
    text = filled(cells, column)
    if text.startswith(("-", "\u2212", "(")) or text.endswith("-"):
        raise UnreadableRow(column, "negative: a credit is not an invoice; take it in as a credit note")
    written = amount_pattern(mapping.decimal, mapping.thousands).fullmatch(text)
    if not written:
        grouped = f" and {mapping.thousands!r} between thousands" if mapping.thousands else ""
        raise UnreadableRow(column, f"not an amount with {mapping.decimal!r} before decimals{grouped}")
    decimals = DECIMALS[currency]
    fraction = (written["fraction"] or "").rstrip("0")
    if len(fraction) > decimals:
        raise UnreadableRow(column, f"more than the {decimals} decimals of its currency")
    whole = (written["whole"] or "").replace(mapping.thousands, "").lstrip("0") or "0"
    return f"{whole}.{fraction:0<{decimals}}" if decimals else whole


@lru_cache(maxsize=16)
def amount_pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    grouped = rf"[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+|" if thousands else ""
    return re.compile(rf"(?=.*[0-9])(?P<whole>{grouped}[0-9]+)?(?:{re.escape(decimal)}(?P<fraction>[0-9]+))?")
