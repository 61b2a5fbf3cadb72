"""How a PostgreSQL store is asked: rows that are given and rows that are put in go as one array a column, in one statement."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from uuid import uuid4

from exposure.ledger.moment import Moment
from exposure.ledger.stores.tables import Tables
from exposure.ledger.writing import Writing

ROWS_AT_ONCE = 2_000
TYPES = {str: "text", int: "bigint", bytes: "bytea", type(None): "text"}


class PostgresTables(Tables):
    position = "notification_id"
    greatest = "greatest"
    least = "least"
    octets = "convert_to({}, 'UTF8')"
    plain = "{}"

    def named(self) -> str:
        return str(self.rows("SELECT pg_export_snapshot()")[0][0])

    def columns(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        listed = "information_schema.columns WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
        for table, column in self.rows(f"SELECT table_name::text, column_name::text FROM {listed}"):
            found.setdefault(table, []).append(column)
        return found

    def misfit(self, kinds: Mapping[str, str]) -> str:  # noqa: ARG002
        """A column takes no value of another kind."""
        return "NULL"

    def fill(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        with self.cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copied:
            for row in rows:
                copied.write_row(row)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        self.cursor.execute(marked(sql), values)
        return list(self.cursor.fetchall())

    def stream(self, sql: str, *values: Any) -> Iterator[Any]:
        """Rows a few thousand at a time, on a cursor of their own at the server."""
        with self.cursor.connection.cursor(name=f"stream_{uuid4().hex}", row_factory=self.cursor.row_factory) as cursor:
            cursor.itersize = ROWS_AT_ONCE
            yield from cursor.execute(marked(sql), values)

    def joining(self, columns: str, table: str, on: str, given: Sequence[tuple[str | int, ...]], order: str) -> tuple[str, list[Any]]:
        arrays = ", ".join(f"%s::{TYPES[type(part)]}[]" for part in given[0])
        names = ", ".join(f"c{place}" for place in range(len(given[0])))
        # OFFSET 0: each given row is looked up by itself. A planner that takes few rows for many would rather read the whole table.
        found = f"CROSS JOIN LATERAL (SELECT * FROM {table} t WHERE {on} OFFSET 0) t"
        sql = f"SELECT {columns} FROM unnest({arrays}) WITH ORDINALITY AS g({names}, place) {found} ORDER BY {order}"
        return sql, [list(column) for column in zip(*given, strict=True)]

    def among(self, columns: str, table: str, column: str, digests: Sequence[bytes]) -> list[Any]:
        return self.rows(f"SELECT {columns} FROM {table} WHERE {column} = ANY(?::bytea[])", list(digests)) if digests else []

    def put(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        for start in range(0, len(rows), ROWS_AT_ONCE):
            columns = list(zip(*rows[start : start + ROWS_AT_ONCE], strict=True))
            arrays = ", ".join(f"%b::{type_of(column)}[]" for column in columns)
            before, after = statement.split("VALUES {rows}")
            self.cursor.execute(f"{before}SELECT * FROM unnest({arrays}){after}", [list(column) for column in columns])


def marked(sql: str) -> str:
    return sql.replace("?", "%s")


def type_of(column: tuple[Any, ...]) -> str:
    return next((TYPES[type(value)] for value in column if value is not None), "text")


class PostgresMoment(PostgresTables, Moment):
    pass


class PostgresWriting(PostgresTables, Writing):
    pass
