"""The worklist for people: its rows and totals as tables, and as CSV for a spreadsheet."""

import csv
from typing import Any, TextIO

import typer
from rich.table import Table

from service.shown.sheet import harmless
from service.shown.tables import printed, table
from service.shown.words import counted

COLUMNS = ("priority", "account", "kind", "what", "amount", "currency", "day", "who", "account_manager", "overdue_amount", "account_currency", "id")
TEXTS = ("account", "what", "who", "account_manager")


def worklist_tables(listed: dict[str, Any]) -> None:
    rows, totals = listed["worklist"], listed["totals"]
    typer.echo(f"{counted(sum(one['rows'] for one in totals.values()), 'thing')} to do, known at {listed['known_at']}")
    if rows:
        printed([rows_table(rows)])
    if totals:
        printed([table("Totals", ["kind", "rows", "amounts"], [[kind, one["rows"], amounts(one)] for kind, one in totals.items()], numbers=["rows"])])


def rows_table(rows: list[dict[str, Any]]) -> Table:
    columns = ["priority", "account", "kind", "what", "amount", "", "day", "who", "overdue", "id"]
    cells = [
        [
            row["priority"],
            row["account"],
            row["kind"],
            row["what"],
            row["amount"],
            row["currency"],
            row["day"],
            ", ".join(row["who"]),
            f"{row['overdue_amount']} {row['account_currency']}" if row["account_currency"] else None,
            row["id"],
        ]
        for row in rows
    ]
    return table("", columns, cells, numbers=["amount", "overdue"])


def amounts(total: dict[str, Any]) -> str:
    return ", ".join(f"{amount} {currency}" for currency, amount in total["amounts"].items())


def write_worklist(rows: list[dict[str, Any]], out: TextIO) -> None:
    """No value is an empty cell."""
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        told = row | {"who": ", ".join(row["who"])}
        writer.writerow(told | {name: harmless(told[name]) for name in TEXTS if told[name] is not None})
