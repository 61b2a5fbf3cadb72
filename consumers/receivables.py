"""Receivables from a CSV, one row an invoice, told as contract events: a row is taken whole or refused whole.

What a row becomes depends on that row, the mapping and the cut-over alone, never on its place in the file: the same
row read again gives the same event ids with the same content, so a newer export of the same ledger can be imported
over the older one. Rows stream; of what went by, only the account ids are remembered, and only where something is
said once per account (a customer's name, a cut-over). Amounts stay text from the cell to the event.
"""

from __future__ import annotations

import csv
import io
import re
import tomllib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property, lru_cache
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, NamedTuple, Self, TextIO, cast

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from schemas.currencies import DECIMALS

CELL_LINES_MAX = 20
"""Lines one row may span (`cells_span_lines`). A stray quote is given up after these: the rows behind it go on."""

Event = dict[str, Any]
"""One contract event (CloudEvents 1.0, as JSON values)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that could not be taken. Lines count from 1, the header's. `raw` is the row as it stood, its line end
    included: the file's own bytes where it is UTF-8, else its text in UTF-8."""

    line: int
    column: str | None
    reason: str
    raw: bytes

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{place}: {self.reason}"


Result = Event | Refusal


class MappingError(ValueError):
    """The mapping cannot be used, or does not fit the file: what is wrong, where, and what to do."""


# The mapping: which column means what. `mappings/ibm-receivables.toml` describes every field.


def _currency_code(code: str) -> str:
    if code not in DECIMALS:
        raise ValueError(f"{code!r} is not an ISO 4217 currency with a minor unit; write it like USD")
    return code


def _date_format(pattern: str) -> str:
    day = date(2013, 11, 22)
    try:
        same = datetime.strptime(day.strftime(pattern), pattern).date() == day
    except ValueError:
        same = False
    if not same:
        raise ValueError(f"{pattern!r} does not give back a whole date; write it like %m/%d/%Y or %Y-%m-%d")
    return pattern


def _delimiter(mark: str) -> str:
    if len(mark) != 1 or mark in '"\r\n':
        raise ValueError(f'{mark!r} cannot part cells; write one character like "," or ";" or "\\t"')
    return mark


def _encoding(name: str) -> str:
    try:
        "a".encode(name)
    except LookupError:
        raise ValueError(f"{name!r} is no text encoding; write one like utf-8-sig or cp1252") from None
    return name


def _thousands(mark: str) -> str:
    if len(mark) > 1 or mark.isdigit() or mark in ("-", "+"):
        raise ValueError(f'{mark!r} cannot group thousands; write one mark like "," or "." or nothing')
    return mark


Column = Annotated[str, Field(min_length=1)]
CurrencyCode = Annotated[str, AfterValidator(_currency_code)]


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True, extra="forbid")


class Columns(_Section):
    account: Column
    invoice: Column
    invoice_date: Column
    due_date: Column
    amount: Column
    currency: Column | None = None


class Settled(_Section):
    column: Column
    still_open: list[str] = []


class Disputed(_Section):
    column: Column
    yes: list[str] = Field(min_length=1)
    no: list[str] = []


class Customer(_Section):
    name: Column
    currency: CurrencyCode | None = None
    currency_column: Column | None = None
    country: Column | None = None


class Mapping(_Section):
    """Which column of a receivables CSV means what, and how its dates and amounts are written."""

    columns: Columns
    currency: CurrencyCode | None = None
    settled: Settled | None = None
    disputed: Disputed | None = None
    customer: Customer | None = None
    date_format: Annotated[str, AfterValidator(_date_format)]
    decimal: Literal[".", ","] = "."
    thousands: Annotated[str, AfterValidator(_thousands)] = ""
    delimiter: Annotated[str, AfterValidator(_delimiter)] = ","
    encoding: Annotated[str, AfterValidator(_encoding)] = "utf-8-sig"
    cells_span_lines: bool = False
    invoice_numbers: Literal["unique", "unique-per-account"] = "unique"

    @classmethod
    def read(cls, toml: str, *, where: str) -> Mapping:
        """The mapping written in `toml`. `where` names it in errors. Raises MappingError."""
        try:
            return cls.model_validate(tomllib.loads(toml))
        except tomllib.TOMLDecodeError as error:
            raise MappingError(f"{where}: not TOML: {error}") from None
        except ValidationError as error:
            raise MappingError("\n".join(f"{where}: {wrong}" for wrong in _wrongs(error))) from None

    @model_validator(mode="after")
    def _one_currency_each(self) -> Self:
        if (self.currency is None) == (self.columns.currency is None):
            raise ValueError("give either currency (one for the whole file) or columns.currency, and not both")
        if self.decimal == self.thousands:
            raise ValueError("decimal and thousands are the same mark; change one of them")
        if self.customer is not None:
            told = (self.customer.currency is not None) + (self.customer.currency_column is not None)
            if told == 2 or (told == 0 and self.currency is None):
                raise ValueError("give either customer.currency or customer.currency_column, and not both")
        return self

    @cached_property
    def mapped(self) -> list[str]:
        """The columns this mapping reads, each once."""
        names = [*self.columns.model_dump().values()]
        names += [part.column for part in (self.settled, self.disputed) if part]
        if self.customer:
            names += [self.customer.name, self.customer.currency_column, self.customer.country]
        return list(dict.fromkeys(name for name in names if name))


def _wrongs(error: ValidationError) -> Iterator[str]:
    for wrong in error.errors():
        field = ".".join(map(str, wrong["loc"]))
        match wrong["type"]:
            case "missing":
                yield f"{field} is missing; add it"
            case "extra_forbidden":
                yield f"{field} is not a field of a mapping; correct its name or take it out"
            case _:
                said = wrong["msg"].removeprefix("Value error, ")
                yield f"{field}: {said}" if field else said


def mapping_named(name_or_path: str) -> Mapping:
    """A mapping that ships with the engine, by its name, or one of your own, by its path. Raises MappingError."""
    folder = resources.files("consumers").joinpath("mappings")
    shipped = {item.name.removesuffix(".toml"): item for item in folder.iterdir() if item.name.endswith(".toml")}
    found = shipped.get(name_or_path, Path(name_or_path))
    try:
        toml = found.read_text(encoding="utf-8")
    except OSError as error:
        raise MappingError(
            f"no mapping {name_or_path!r}: not a file that can be read ({error.strerror}), nor a shipped one. "
            f"Give a path, or one of: {', '.join(sorted(shipped))}"
        ) from None
    except UnicodeDecodeError:
        raise MappingError(f"{name_or_path}: not UTF-8; save the mapping as UTF-8") from None
    return Mapping.read(toml, where=name_or_path)


# The file: lines become rows of cells, or refusals.


class _Unreadable(Exception):
    def __init__(self, column: str | None, reason: str) -> None:
        self.column, self.reason = column, reason


class _Lines:
    """Numbered lines, with a way to put back those read too far."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._number, self._back = file, 0, deque[tuple[int, str]]()

    def next(self) -> tuple[int, str] | None:
        if self._back:
            return self._back.popleft()
        self._number += 1
        try:
            line = self._file.readline()
        except UnicodeError as error:
            raise MappingError(f"line {self._number} or behind it: {error}; correct the mapping's encoding") from None
        return (self._number, line) if line else None

    def put_back(self, lines: list[tuple[int, str]]) -> None:
        self._back.extendleft(reversed(lines))


def _cells(text: str, mapping: Mapping) -> list[str]:
    try:
        cells = next(csv.reader([text], delimiter=mapping.delimiter, strict=True), [])
    except csv.Error as error:
        raise _Unreadable(None, f"not a CSV row: {error}") from None
    return [cell.strip() for cell in cells]


def _longer_row(first: str, width: int, lines: _Lines, mapping: Mapping) -> tuple[str, list[str]] | None:
    """The row that begins with `first` and goes on behind it, or None, with nothing taken from `lines`."""
    taken: list[tuple[int, str]] = []
    while len(taken) < CELL_LINES_MAX - 1 and (line := lines.next()):
        taken.append(line)
        text = first + "".join(part for _, part in taken)
        try:
            cells = _cells(text, mapping)
        except _Unreadable:
            continue
        if len(cells) == width:
            return text, cells
        break
    lines.put_back(taken)
    return None


def _header(line: tuple[int, str] | None, mapping: Mapping) -> list[str]:
    if line is None:
        raise MappingError("the file is empty; its first line must name the columns")
    try:
        header = _cells(line[1].removeprefix("\ufeff"), mapping)
    except _Unreadable as error:
        raise MappingError(f"line 1 does not name the columns: {error.reason}") from None
    names = (
        f"the file has: {', '.join(map(repr, header))} (parted by {mapping.delimiter!r}, read as {mapping.encoding})"
    )
    if absent := [name for name in mapping.mapped if name not in header]:
        raise MappingError(f"no column {', '.join(absent)}; {names}. Correct the mapping or choose another")
    if twice := [name for name in mapping.mapped if header.count(name) > 1]:
        raise MappingError(f"more than one column {', '.join(twice)}; {names}. Rename all but one")
    return header


def _rows(file: TextIO, mapping: Mapping) -> Iterator[tuple[int, str, dict[str, str] | _Unreadable]]:
    """Each row: its line, its text, and its cells by column or why they cannot be told apart."""
    lines = _Lines(file)
    header = _header(lines.next(), mapping)
    while line := lines.next():
        number, text = line
        try:
            cells = _cells(text, mapping)
        except _Unreadable as error:
            longer = _longer_row(text, len(header), lines, mapping) if mapping.cells_span_lines else None
            if longer is None:
                yield number, text, error
                continue
            text, cells = longer
        if any(cells):
            yield number, text, _by_column(header, cells, mapping)


def _by_column(header: list[str], cells: list[str], mapping: Mapping) -> dict[str, str] | _Unreadable:
    if len(cells) < len(header):
        return _Unreadable(header[len(cells)], f"missing: the row has {len(cells)} cells, the header {len(header)}")
    if len(cells) > len(header):
        return _Unreadable(None, f"the row has {len(cells)} cells, the header {len(header)}: one unquoted")
    row = dict(zip(header, cells, strict=True))
    for column in mapping.mapped:
        if not row[column].isascii() and any("\udc80" <= letter <= "\udcff" for letter in row[column]):
            return _Unreadable(column, f"bytes that are no text in {mapping.encoding}")
    return row


# The row: cells become values.


class Row(NamedTuple):
    account: str
    invoice: str
    invoice_date: date
    due: date
    currency: str
    amount: str
    disputed: bool
    settled: date | None
    customer: dict[str, str] | None


def _read(cells: dict[str, str], mapping: Mapping) -> Row:
    """The row's values. Raises _Unreadable naming the first column that has none."""
    columns = mapping.columns
    currency = mapping.currency or _currency(cells, columns.currency or "")
    return Row(
        account=_filled(cells, columns.account),
        invoice=_filled(cells, columns.invoice),
        invoice_date=_date(cells, columns.invoice_date, mapping),
        due=_date(cells, columns.due_date, mapping),
        currency=currency,
        amount=_amount(cells, columns.amount, currency, mapping),
        disputed=_disputed(cells, mapping.disputed),
        settled=_settled(cells, mapping),
        customer=_customer(cells, mapping),
    )


def _filled(cells: dict[str, str], column: str) -> str:
    if not cells[column]:
        raise _Unreadable(column, "empty")
    return cells[column]


def _date(cells: dict[str, str], column: str, mapping: Mapping) -> date:
    text = _filled(cells, column)
    try:
        return _day(text, mapping.date_format)
    except ValueError:
        raise _Unreadable(column, f"{text!r} is not a date written as {mapping.date_format}") from None


@lru_cache(maxsize=4096)
def _day(text: str, pattern: str) -> date:
    return datetime.strptime(text, pattern).date()


def _currency(cells: dict[str, str], column: str) -> str:
    code = _filled(cells, column)
    try:
        return _currency_code(code)
    except ValueError as error:
        raise _Unreadable(column, str(error)) from None


def _amount(cells: dict[str, str], column: str, currency: str, mapping: Mapping) -> str:
    """The amount as the contract writes it: a point, and all decimals the currency has."""
    text = _filled(cells, column)
    if text.startswith(("-", "\u2212", "(")) or text.endswith("-"):
        raise _Unreadable(column, f"{text!r} is negative: a credit is not an invoice; take it in as a credit note")
    written = _amount_pattern(mapping.decimal, mapping.thousands).fullmatch(text)
    if not written:
        grouped = f" and {mapping.thousands!r} between thousands" if mapping.thousands else ""
        raise _Unreadable(column, f"{text!r} is not an amount with {mapping.decimal!r} before decimals{grouped}")
    decimals = DECIMALS[currency]
    fraction = (written["fraction"] or "").rstrip("0")
    if len(fraction) > decimals:
        raise _Unreadable(column, f"{text!r} has {len(fraction)} decimals, {currency} has {decimals}")
    whole = (written["whole"] or "").replace(mapping.thousands, "").lstrip("0") or "0"
    return f"{whole}.{fraction:0<{decimals}}" if decimals else whole


@lru_cache(maxsize=16)
def _amount_pattern(decimal: str, thousands: str) -> re.Pattern[str]:
    grouped = rf"[0-9]{{1,3}}(?:{re.escape(thousands)}[0-9]{{3}})+|" if thousands else ""
    return re.compile(rf"(?=.*[0-9])(?P<whole>{grouped}[0-9]+)?(?:{re.escape(decimal)}(?P<fraction>[0-9]+))?")


def _disputed(cells: dict[str, str], disputed: Disputed | None) -> bool:
    if disputed is None or not (text := cells[disputed.column]):
        return False
    if text.casefold() in map(str.casefold, disputed.yes):
        return True
    if disputed.no and text.casefold() not in map(str.casefold, disputed.no):
        raise _Unreadable(disputed.column, f"{text!r} is neither yes ({disputed.yes}) nor no ({disputed.no})")
    return False


def _settled(cells: dict[str, str], mapping: Mapping) -> date | None:
    settled = mapping.settled
    if settled is None or cells[settled.column] in ("", *settled.still_open):
        return None
    return _date(cells, settled.column, mapping)


def _customer(cells: dict[str, str], mapping: Mapping) -> dict[str, str] | None:
    customer = mapping.customer
    if customer is None:
        return None
    fixed = customer.currency or (None if customer.currency_column else mapping.currency)
    data = {
        "name": _filled(cells, customer.name),
        "currency": fixed or _currency(cells, customer.currency_column or ""),
    }
    if customer.country and cells[customer.country]:
        data["country"] = cells[customer.country]
    return data


# The events a row tells.


def events_of(
    file: BinaryIO | TextIO, mapping: Mapping, *, source: str, cut_over: date | None = None
) -> Iterator[Result]:
    """The contract events of a receivables CSV, row by row, and a refusal for each row that cannot be read.

    With `cut_over` D an invoice dated by D and settled by D is left out, the rest comes over with its own dates, and
    each account is first said to be taken on at D. `file` stays open. Raises MappingError where mapping and file do not
    fit, before the first result.
    """
    if hasattr(file, "encoding"):
        yield from _results(cast(TextIO, file), mapping, source, cut_over)
        return
    binary: BinaryIO = file
    text = io.TextIOWrapper(binary, encoding=mapping.encoding, errors="surrogateescape", newline="")
    try:
        yield from _results(text, mapping, source, cut_over)
    finally:
        if not binary.closed:
            text.detach()


def _results(file: TextIO, mapping: Mapping, source: str, cut_over: date | None) -> Iterator[Result]:
    announced: set[str] = set()
    says_once = cut_over is not None or mapping.customer is not None
    for line, text, cells in _rows(file, mapping):
        try:
            if isinstance(cells, _Unreadable):
                raise cells
            row = _read(cells, mapping)
        except _Unreadable as error:
            yield Refusal(line, error.column, error.reason, text.encode("utf-8", "surrogateescape"))
            continue
        stem = _stem(row, mapping)
        left_out = cut_over is not None and _settled_by(row, cut_over)
        if says_once and row.account not in announced and not (left_out and row.customer is None):
            announced.add(row.account)
            yield from _announcements(row, stem, source, cut_over)
        if not left_out:
            yield from _postings(row, stem, source)


def _settled_by(row: Row, day: date) -> bool:
    """An invoice paid ahead of its date is not settled before that date: its credit stands open until then."""
    return row.settled is not None and max(row.settled, row.invoice_date) <= day


def _stem(row: Row, mapping: Mapping) -> str:
    """What the row's event ids begin with: no two invoices share it."""
    if mapping.invoice_numbers == "unique":
        return row.invoice
    return f"{_part(row.account)}/{row.invoice}"


def _part(text: str) -> str:
    return text.replace("%", "%25").replace("/", "%2F")


def _announcements(row: Row, stem: str, source: str, cut_over: date | None) -> Iterator[Event]:
    def event(name: str, kind: str, day: date, data: dict[str, Any]) -> Event:
        return _event(source, row.account, name, kind, day, data)

    if cut_over is not None:
        taken_on = f"{_part(row.account)}/taken-on/{cut_over}"
        yield event(taken_on, "exposure.account.taken_on.v1", cut_over, {"cut_over": str(cut_over)})
    if row.customer is not None:
        # Named by its row: whichever row comes first, the same name never stands for another day's text.
        yield event(f"{stem}/customer", "erp.customer.changed.v1", row.invoice_date, {"version": 1, **row.customer})


def _postings(row: Row, stem: str, source: str) -> Iterator[Event]:
    def event(name: str, kind: str, day: date, **data: Any) -> Event:
        return _event(source, row.account, f"{stem}/{name}", f"erp.{kind}.v1", day, data)

    money = {"currency": row.currency, "amount": row.amount}
    cleared = {"invoice": row.invoice, "amount": row.amount}
    payment, dispute = f"P-{row.invoice}", f"D-{row.invoice}"
    opened, settled = str(row.invoice_date), row.settled

    yield event(
        "posted", "invoice.posted", row.invoice_date, invoice=row.invoice, date=opened, **money, due=str(row.due)
    )
    if row.disputed:
        yield event("disputed", "dispute.opened", row.invoice_date, dispute=dispute, date=opened, **cleared)
    if row.disputed and settled:
        yield event("dispute-resolved", "dispute.resolved", settled, dispute=dispute, date=str(settled))
    if settled:
        yield event(
            "paid", "payment.received", settled, payment=payment, date=str(settled), **money, allocations=[cleared]
        )


def _event(source: str, account: str, name: str, kind: str, day: date, data: dict[str, Any]) -> Event:
    return {
        "specversion": "1.0",
        "id": name,
        "source": source,
        "type": kind,
        "subject": account,
        "time": f"{day}T00:00:00Z",
        "data": data,
    }
