"""How a database is asked and told: what differs between them. Everything else is said once, for all of them.

In statements ``?`` stands where a value goes.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any


class Tables(ABC):
    """The tables of a store in one transaction. ``position`` is the column that numbers all events, ``greatest`` and ``least`` the functions of two
    values, ``octets`` what gives the bytes of a text, ``plain`` what gives a value that is no text, and nothing where a text stands in its place."""

    position: str
    greatest: str
    least: str
    octets: str
    plain: str

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    @abstractmethod
    def named(self) -> str:
        """A name by which others read the same moment while this one lasts."""

    @abstractmethod
    def columns(self) -> dict[str, list[str]]:
        """The columns of every table of the store."""

    @abstractmethod
    def misfit(self, kinds: Mapping[str, str]) -> str:
        """What gives the first of some columns whose value is not of its kind (``text``, ``integer``, ``blob``), and nothing where all are: such a
        value can have the same bytes, and no question finds it."""

    def lost(self, tables: Sequence[str]) -> str | None:
        """The first of some tables that is not there."""
        there = self.columns()
        return next((table for table in tables if table not in there), None)

    @abstractmethod
    def fill(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        """Puts many rows into a table as they are; a column may have no value in any of them."""

    @abstractmethod
    def rows(self, sql: str, *values: Any) -> list[Any]: ...

    @abstractmethod
    def stream(self, sql: str, *values: Any) -> Iterator[Any]:
        """Rows one by one."""

    @abstractmethod
    def joining(self, columns: str, table: str, on: str, given: Sequence[tuple[str | int, ...]], order: str) -> tuple[str, list[Any]]:
        """The statement of ``joined``, and its values."""

    def joined(self, columns: str, table: str, on: str, given: Sequence[tuple[str | int, ...]], order: str = "g.place") -> list[Any]:
        """The columns of a table (``t``) joined on rows that are given (``g.c0``, ``g.c1`` …), in their order (``g.place``) or another one."""
        if not given:
            return []
        sql, values = self.joining(columns, table, on, given, order)
        return self.rows(sql, *values)

    def streamed(self, columns: str, table: str, on: str, given: Sequence[tuple[str | int, ...]]) -> Iterator[Any]:
        """The same one by one."""
        if not given:
            return iter(())
        sql, values = self.joining(columns, table, on, given, "g.place")
        return self.stream(sql, *values)

    @abstractmethod
    def among(self, columns: str, table: str, column: str, digests: Sequence[bytes]) -> list[Any]:
        """The columns of a table where one of them is among the digests."""

    @abstractmethod
    def put(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        """Executes a statement on many rows; ``{rows}`` in it stands where their values go."""
