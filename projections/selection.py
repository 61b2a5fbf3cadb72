"""Which accounts are listed, and in which order: ``days_overdue>30``, ``account~C-1*``, ``-total``.

Amounts compare exactly. ``unlimited`` lies above every amount, ``none`` is 0, and what has no value (null) comes last and fulfils no
condition but ``=null`` and ``!=``.
"""

import operator
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fnmatch import fnmatchcase
from typing import Any

from exposure.figures import BUCKETS, COMPONENTS

Row = dict[str, Any]
Value = str | bool | Decimal | None
Condition = Callable[[Row], bool]

UNLIMITED = Decimal("Infinity")
WORDS = {"unlimited": UNLIMITED, "none": Decimal(0)}
COMPARED: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "~": fnmatchcase,
}
EXPRESSION = re.compile(r"\s*([\w+-]+?)\s*(!=|<=|>=|=|<|>|~)\s*(.*?)\s*", re.ASCII | re.DOTALL)
DECIMAL = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


class BadSelection(ValueError):
    """A filter or a sort that cannot be understood: what is wrong, and what there is."""


@dataclass(frozen=True, slots=True)
class Field:
    """One figure of a row: its ``kind`` is ``text``, ``truth`` or ``number``."""

    kind: str
    value: Callable[[Row], Value]


def number(*path: str) -> Field:
    def value(row: Row) -> Value:
        for name in path:
            row = row[name]
        return None if row is None else Decimal(str(row))

    return Field("number", value)


def limit(row: Row) -> Value:
    if row["limit"] is None:
        return None
    amount = row["limit"]["amount"]
    return WORDS[amount] if amount in WORDS else Decimal(amount)


def available(row: Row) -> Value:
    """Null says unlimited here."""
    return UNLIMITED if row["available"] is None else Decimal(row["available"])


FIELDS: dict[str, Field] = {
    "account": Field("text", lambda row: str(row["account"])),
    "currency": Field("text", lambda row: None if row["currency"] is None else str(row["currency"])),
    **{name: number("exposure", name) for name in ("total", *COMPONENTS)},
    "limit": Field("number", limit),
    "available": Field("number", available),
    **{name: number(name) for name in ("utilisation", "days_overdue", "overdue_amount", "disputed", "written_off")},
    "blocked": Field("truth", lambda row: bool(row["blocked"])),
    "dead_letters": number("dead_letters"),
    "pending": Field("number", lambda row: Decimal(len(row["pending"]))),
    "anomalies": Field("number", lambda row: Decimal(len(row["anomalies"]))),
    **{bucket: number("ageing", bucket) for bucket in BUCKETS},
    "policy": Field("text", lambda row: str(row["policy"])),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """All ``conditions`` are required; ``order`` is a field and whether it descends; ``top`` is how many are listed (``None``: all)."""

    conditions: list[Condition] = field(default_factory=list)
    order: tuple[Field, bool] | None = None
    top: int | None = None

    def wants(self, row: Row) -> bool:
        return all(condition(row) for condition in self.conditions)

    def sorted(self, rows: Iterable[Row]) -> list[Row]:
        """In the order asked for; equals stay as they came."""
        told = list(rows)
        if self.order is None:
            return told
        by, descending = self.order
        valued = [(value, row) for row in told if (value := by.value(row)) is not None]
        valued.sort(key=lambda pair: pair[0], reverse=descending)
        return [row for _, row in valued] + [row for row in told if by.value(row) is None]


def selection(filters: Iterable[str] = (), sort: str | None = None, top: int | None = None) -> Selection:
    """Reads what was asked for; raises ``BadSelection``."""
    order = None
    if sort is not None:
        order = field_named(sort.removeprefix("-"), f"sort {sort!r}"), sort.startswith("-")
    return Selection([condition(text) for text in filters], order, top)


def condition(text: str) -> Condition:
    """``days_overdue>30`` as a test of a row."""
    match = EXPRESSION.fullmatch(text)
    if match is None:
        raise BadSelection(f"filter {text!r} is not a figure, an operator ({' '.join(COMPARED)}) and a value, as days_overdue>30; {there_is()}")
    name, sign, said = match.groups()
    of = field_named(name, f"filter {text!r}")
    holds, value = COMPARED[sign], compared_with(said, name, of, sign, text)
    if value is None:
        return lambda row: holds(of.value(row), None)
    return lambda row: (sign == "!=") if (told := of.value(row)) is None else holds(told, value)


def compared_with(said: str, name: str, of: Field, sign: str, text: str) -> Value:
    """The value of an expression in the kind of its field; ``null`` is none at all."""
    if sign == "~" and of.kind != "text":
        raise BadSelection(f"filter {text!r}: ~ compares texts (account, policy, currency), {name} is a {of.kind}")
    if said == "null" and sign in ("=", "!="):
        return None
    if of.kind == "text":
        return said
    if of.kind == "truth":
        if said not in ("true", "false") or sign not in ("=", "!="):
            raise BadSelection(f"filter {text!r}: {name} is true or false, as {name}=true")
        return said == "true"
    if name in ("limit", "available") and said in WORDS:
        return WORDS[said]
    if not DECIMAL.fullmatch(said):
        raise BadSelection(f"filter {text!r}: {said!r} is not a number, as {name}>30 or {name}>=1000.00")
    return Decimal(said)


def field_named(name: str, where: str) -> Field:
    if name not in FIELDS:
        raise BadSelection(f"{where}: there is no figure {name!r}; {there_is()}")
    return FIELDS[name]


def there_is() -> str:
    return f"there are: {', '.join(FIELDS)}"
