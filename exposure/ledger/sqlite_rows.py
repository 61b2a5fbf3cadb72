"""Many rows in one statement: a thread that writes has to get the interpreter back after every statement, and another one is folding meanwhile."""

from collections.abc import Sequence
from typing import Any

ROWS_AT_ONCE = 250


def put(cursor: Any, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
    """Executes a statement on rows; ``{rows}`` in it stands where their values go."""
    for start in range(0, len(rows), ROWS_AT_ONCE):
        part = rows[start : start + ROWS_AT_ONCE]
        marks = f"({','.join('?' * len(part[0]))})"
        cursor.execute(statement.format(rows=",".join([marks] * len(part))), [value for row in part for value in row])
