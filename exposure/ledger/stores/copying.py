"""A whole store copied into an empty one, row by row, from one moment into one transaction: as a backup, and back from it, on either database.

Law: the copy holds the same, byte for byte, or nothing. Only who may send at the moment is not copied, for nobody sends from the copy yet; and the
outbox is numbered anew, in its order.
"""

from collections.abc import Callable, Iterator
from typing import Any

ROWS_AT_ONCE = 5_000
LOG, OUTBOX, CLOCK, LEASES, VERSION = "stored_events", "outbox", "clock", "leases", "alembic_version"
NUMBERS = {OUTBOX: "id"}
"""What the store numbers by itself."""


class NotEmpty(RuntimeError):
    """There is something in the store already: a copy would be mixed with it."""


def tables_copied(writing: Any) -> dict[str, list[str]]:
    """The tables of a store with the columns that are copied as they are."""
    numbered = {**NUMBERS, LOG: writing.position}
    every = writing.columns().items()
    return {table: [column for column in columns if column != numbered.get(table)] for table, columns in every if table not in (LEASES, VERSION)}


def count(moment: Any, tables: dict[str, list[str]]) -> int:
    return sum(int(moment.rows(f"SELECT count(*) FROM {table}")[0][0]) for table in tables)


def copy(moment: Any, writing: Any, tables: dict[str, list[str]], progress: Callable[[int], None] = lambda _: None) -> None:
    """Copies what a moment holds into the open transaction of an empty store of the same version; ``progress`` is told the rows copied so far.
    Raises ``NotEmpty``."""
    if any(writing.rows(f"SELECT 1 FROM {table} LIMIT 1") for table in tables if table != CLOCK):
        raise NotEmpty("there is something in that store already: restore into a new one")
    writing.rows(f"DELETE FROM {CLOCK} RETURNING 1")
    done = 0
    for table, columns in tables.items():
        for part in parts(moment.stream(f"SELECT {', '.join(of(moment, table, columns))} FROM {table} {ordered(moment, table)}")):
            writing.fill(table, of(writing, table, columns), part)
            done += len(part)
            progress(done)


def of(tables: Any, table: str, columns: list[str]) -> list[str]:
    """The columns of a table, and where an event stands in the log: each database has a name of its own for that."""
    return [tables.position, *columns] if table == LOG else columns


def ordered(moment: Any, table: str) -> str:
    order = moment.position if table == LOG else NUMBERS.get(table)
    return f"ORDER BY {order}" if order else ""


def parts(rows: Iterator[Any]) -> Iterator[list[tuple[Any, ...]]]:
    part: list[tuple[Any, ...]] = []
    for row in rows:
        part.append(tuple(row))
        if len(part) == ROWS_AT_ONCE:
            yield part
            part = []
    if part:
        yield part
