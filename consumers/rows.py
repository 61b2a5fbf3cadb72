"""The rows of a CSV: lines become cells by column, or the reason why a row's cells cannot be told apart; a bad row spoils no other."""

from __future__ import annotations

import csv
from collections import deque
from collections.abc import Iterator
from typing import TextIO

from consumers.mapping import MappingError, Sheet
from schemas.told import account_told

CELL_LINES_MAX = 20
"""Lines one row may span (`cells_span_lines`). A stray quote is given up after these: the rows behind it go on."""


class UnreadableRow(Exception):
    """Why a row cannot be taken: the column, where it is one cell's fault, what belongs there, and the account, where its own cell can be read."""

    def __init__(self, column: str | None, reason: str, account: str | None = None) -> None:
        self.column, self.reason, self.account = column, reason, account


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


def _cells(text: str, mapping: Sheet) -> list[str]:
    try:
        cells = next(csv.reader([text], delimiter=mapping.delimiter, strict=True), [])
    except csv.Error as error:
        raise UnreadableRow(None, f"not a CSV row: {error}") from None
    return [cell.strip() for cell in cells]


def _longer_row(first: str, width: int, lines: _Lines, mapping: Sheet) -> tuple[str, list[str]] | None:
    """The row that begins with `first` and goes on behind it, or None, with nothing taken from `lines`."""
    taken: list[tuple[int, str]] = []
    while len(taken) < CELL_LINES_MAX - 1 and (line := lines.next()):
        taken.append(line)
        text = first + "".join(part for _, part in taken)
        try:
            cells = _cells(text, mapping)
        except UnreadableRow:
            continue
        if len(cells) == width:
            return text, cells
        break
    lines.put_back(taken)
    return None


def _header(line: tuple[int, str] | None, mapping: Sheet) -> list[str]:
    if line is None:
        raise MappingError("the file is empty; its first line must name the columns")
    try:
        header = _cells(line[1].removeprefix("\ufeff"), mapping)
    except UnreadableRow as error:
        raise MappingError(f"line 1 does not name the columns: {error.reason}") from None
    names = f"the file has: {', '.join(map(repr, header))} (parted by {mapping.delimiter!r}, read as {mapping.encoding})"
    if absent := [name for name in mapping.mapped if name not in header]:
        raise MappingError(f"no column {', '.join(absent)}; {names}. Correct the mapping or choose another")
    if twice := [name for name in mapping.mapped if header.count(name) > 1]:
        raise MappingError(f"more than one column {', '.join(twice)}; {names}. Rename all but one")
    return header


def rows(file: TextIO, mapping: Sheet) -> Iterator[tuple[int, str, dict[str, str] | UnreadableRow]]:
    """Each row: its line, its text, and its cells by column or why they cannot be told apart."""
    lines = _Lines(file)
    header = _header(lines.next(), mapping)
    while line := lines.next():
        number, text = line
        try:
            cells = _cells(text, mapping)
        except UnreadableRow as error:
            longer = _longer_row(text, len(header), lines, mapping) if mapping.cells_span_lines else None
            if longer is None:
                yield number, text, error
                continue
            text, cells = longer
        if any(cells):
            yield number, text, _by_column(header, cells, mapping)


def _by_column(header: list[str], cells: list[str], mapping: Sheet) -> dict[str, str] | UnreadableRow:
    if len(cells) > len(header):
        return UnreadableRow(None, f"the row has {len(cells)} cells, the header {len(header)}: one unquoted")
    row = dict(zip(header, cells, strict=False))
    account = account_told(row.get(mapping.columns.account))
    if len(cells) < len(header):
        return UnreadableRow(header[len(cells)], f"missing: the row has {len(cells)} cells, the header {len(header)}", account)
    for column in mapping.mapped:
        if not row[column].isascii() and any("\udc80" <= letter <= "\udcff" for letter in row[column]):
            return UnreadableRow(column, f"bytes that are no text in {mapping.encoding}", account)
    return row
