"""How a SQLite store is asked: given rows go in as one JSON text, so a statement has no limit on how many they are."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from exposure.ledger.moment import Moment
from exposure.ledger.stores.tables import Tables
from exposure.ledger.writing import Writing
from schemas.jsontext import written

DIGESTS_AT_ONCE = 500
ROWS_AT_ONCE = 250
"""Many go in by one statement: a thread that writes has to get the interpreter back after each, and another one is folding meanwhile."""


class SQLiteTables(Tables):
    position = "rowid"
    greatest = "max"
    least = "min"
    octets = "CAST({} AS BLOB)"
    plain = "CASE WHEN typeof({0}) <> 'text' THEN {0} END"

    def named(self) -> str:
        """Whatever is written of accounts is an event, or a dead letter; that rows are made as new as the log changes no answer."""
        of_moment = "SELECT recorded_at, position, hex(hash), (SELECT count(*) FROM dead_letters) FROM clock"
        return " ".join(map(str, self.rows(of_moment)[0]))

    def columns(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        listed = "sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table' ORDER BY m.name, c.cid"
        for table, column in self.rows(f"SELECT m.name, c.name FROM {listed}"):
            found.setdefault(table, []).append(column)
        return found

    def misfit(self, kinds: Mapping[str, str]) -> str:
        """A column takes values of every kind here, whatever it was declared to be."""
        cases = " ".join(f"WHEN typeof({column}) NOT IN ('{kind}', 'null') THEN '{column}'" for column, kind in kinds.items())
        return f"CASE {cases} END"

    def fill(self, table: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]) -> None:
        self.put(f"INSERT INTO {table} ({', '.join(columns)}) VALUES {{rows}}", rows)

    def rows(self, sql: str, *values: Any) -> list[Any]:
        self.cursor.execute(sql, values)
        return list(self.cursor.fetchall())

    def stream(self, sql: str, *values: Any) -> Iterator[Any]:
        """Rows one by one, on a cursor of their own."""
        cursor = self.cursor.sqlite_cursor.connection.cursor()
        cursor.row_factory = None
        for row in cursor.execute(sql, values):  # noqa: UP028 - ``yield from`` would close the cursor, after its store where a reader left early
            yield row

    def joining(self, columns: str, table: str, on: str, given: Sequence[tuple[str | int, ...]], order: str) -> tuple[str, list[Any]]:
        parts = ", ".join(f"value ->> {place} AS c{place}" for place in range(len(given[0])))
        rows = f"(SELECT key AS place, {parts} FROM json_each(?))"
        return f"SELECT {columns} FROM {rows} g CROSS JOIN {table} t ON {on} ORDER BY {order}", [written(given)]

    def among(self, columns: str, table: str, column: str, digests: Sequence[bytes]) -> list[Any]:
        found: list[Any] = []
        for start in range(0, len(digests), DIGESTS_AT_ONCE):
            part = digests[start : start + DIGESTS_AT_ONCE]
            found += self.rows(f"SELECT {columns} FROM {table} WHERE {column} IN ({','.join('?' * len(part))})", *part)
        return found

    def put(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows[start : start + ROWS_AT_ONCE]
            marks = f"({','.join('?' * len(part[0]))})"
            self.cursor.execute(statement.format(rows=",".join([marks] * len(part))), [value for row in part for value in row])


class SQLiteMoment(SQLiteTables, Moment):
    pass


class SQLiteWriting(SQLiteTables, Writing):
    pass
