"""A statement: what an ERP says its accounts owe on a day, as balances or as open items, put in order of accounts: on disk where it is long.

Law: what is compared is all that could be read; a row that could not is named and never guessed.
"""

from __future__ import annotations

import csv
import io
import tempfile
from codecs import BOM_UTF8
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from heapq import merge
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Self

from pydantic import ValidationError, model_validator

from consumers.cells import amount_told, currency_told, dated, filled
from consumers.mapping import Column, DateFormat, MappingError, Section, Sheet
from consumers.rows import UnreadableRow, rows
from schemas.amounts import minor
from schemas.jsontext import NotJson, read, written

ROWS_IN_MEMORY = 50_000
MINUS = "\u2212"
"""What typesetters write; keyboards have the hyphen."""


class StatementColumns(Section):
    account: Column
    balance: Column | None = None
    document: Column | None = None
    open: Column | None = None
    due: Column | None = None
    currency: Column | None = None
    as_of: Column | None = None


class StatementMapping(Sheet):
    """Which column of a statement means what: ``balance``, or ``document`` and ``open`` (and ``due``). ``as_of`` is the day it was drawn up, or in
    a column that of each row."""

    columns: StatementColumns
    date_format: DateFormat = "%Y-%m-%d"
    as_of: str | None = None

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        columns = self.columns
        if (columns.balance is None) == (columns.document is None) or (columns.document is None) != (columns.open is None):
            raise ValueError("give either columns.balance, or columns.document and columns.open")
        if (self.currency is None) == (columns.currency is None):
            raise ValueError("give either currency (one for the whole file) or columns.currency, and not both")
        return self


class Claim(NamedTuple):
    """One row: minor units of its currency, negative for what the customer has to get. ``document`` is empty for a balance, ``due`` where it is not
    told, ``as_of`` where the day is that of the whole statement."""

    account: str
    document: str
    currency: str
    due: str
    amount: int
    as_of: str = ""


class Refused(NamedTuple):
    """A row that could not be read: its line, counted from 1, and why."""

    line: int
    reason: str


def mapping_by_headings(path: str) -> StatementMapping:
    """That of a file whose headings are the names of ``StatementColumns``. Raises MappingError."""
    named, found = StatementColumns.model_fields, headings(path)
    columns = {name: name for name in named if name in found}
    try:
        return StatementMapping.model_validate({"columns": columns})
    except ValidationError as error:
        wrong = "; ".join(str(one["msg"]).removeprefix("Value error, ") for one in error.errors() if one["type"] == "value_error")
        wanted = "account, currency, and document and open (and due), or balance; as_of where each row has a day"
        told = f"it has {', '.join(found) or 'none'}" + (f": {wrong}" if wrong else "")
        raise MappingError(f"{path}: without --mapping the headings have to be ours: {wanted}; {told}") from None


def headings(path: str) -> list[str]:
    try:
        with open(path, encoding="utf-8-sig", newline="") as file:
            if not path.endswith(".jsonl"):
                return [cell.strip() for cell in next(csv.reader(file), [])]
            first: Any = read(next(filter(str.strip, file), ""))
            return list(first) if isinstance(first, dict) else []
    except (UnicodeDecodeError, NotJson, csv.Error):
        return []


def mapping_of(path: str) -> StatementMapping:
    """Raises MappingError."""
    try:
        return StatementMapping.read(Path(path).read_text(encoding="utf-8"), where=path)
    except (OSError, UnicodeDecodeError) as error:
        raise MappingError(f"the mapping {path!r} could not be read: {error}") from None


def claims_of(file: BinaryIO, mapping: StatementMapping, *, is_json: bool) -> Iterator[Claim | Refused]:
    """The rows of a CSV, or of a file with a JSON object of texts a line. Raises MappingError where mapping and file do not fit."""
    for line, cells in json_rows(file, mapping) if is_json else csv_rows(file, mapping):
        try:
            if isinstance(cells, UnreadableRow):
                raise cells
            yield claim(cells, mapping)
        except UnreadableRow as error:
            yield Refused(line, f"column {error.column}: {error.reason}" if error.column else error.reason)


def csv_rows(file: BinaryIO, mapping: StatementMapping) -> Iterator[tuple[int, dict[str, str] | UnreadableRow]]:
    text = io.TextIOWrapper(file, encoding=mapping.encoding, errors="surrogateescape", newline="")
    for line, _, cells in rows(text, mapping):
        yield line, cells


def json_rows(file: BinaryIO, mapping: StatementMapping) -> Iterator[tuple[int, dict[str, str] | UnreadableRow]]:
    for line, raw in enumerate(file, 1):
        text = raw.removeprefix(BOM_UTF8) if line == 1 else raw
        if not text.strip():
            continue
        try:
            told: Any = read(text)
        except NotJson:
            told = None
        if not isinstance(told, dict):
            yield line, UnreadableRow(None, "not a JSON object")
        elif wrong := next((name for name in mapping.mapped if not isinstance(told.get(name), str | None)), None):
            yield line, UnreadableRow(wrong, "not a text")
        else:
            yield line, {name: (told.get(name) or "").strip() for name in mapping.mapped}


def claim(cells: dict[str, str], mapping: StatementMapping) -> Claim:
    columns = mapping.columns
    currency = mapping.currency or currency_told(cells, str(columns.currency))
    column = columns.balance or str(columns.open)
    text = filled(cells, column).replace(MINUS, "-")
    is_negative = text.startswith("-") or text.endswith("-")
    size = text.removeprefix("-") if text.startswith("-") else text.removesuffix("-")
    if "-" in size or "(" in size:
        raise UnreadableRow(column, "a credit is written with one minus, before its amount or behind it")
    amount = minor(amount_told({column: size}, column, currency, mapping), currency)
    document = filled(cells, columns.document) if columns.document else ""
    due = str(dated(cells, columns.due, mapping)) if columns.due and cells[columns.due] else ""
    day = str(dated(cells, columns.as_of, mapping)) if columns.as_of else ""
    return Claim(filled(cells, columns.account), document, currency, due, -amount if is_negative else amount, day)


def in_order(claims: Iterable[Claim], at_once: int = ROWS_IN_MEMORY) -> Iterator[Claim]:
    """By account; of a long statement only so many rows are in memory, the others wait sorted in files."""
    left = iter(claims)
    with ExitStack() as files:
        parts: list[Iterable[Claim]] = []
        while part := sorted(islice(left, at_once)):
            if len(part) < at_once:
                parts.append(part)
                break
            file = files.enter_context(tempfile.TemporaryFile())
            file.writelines(written(list(one)) + b"\n" for one in part)
            file.seek(0)
            parts.append(Claim(*read(line)) for line in file)
        yield from merge(*parts)
