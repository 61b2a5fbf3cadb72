"""Tables for people, in words a credit manager uses."""

from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table


def table(title: str, columns: list[str], rows: list[list[Any]], *, numbers: int) -> Table:
    """A table whose last ``numbers`` columns are aligned right."""
    made = Table(title=title, box=SIMPLE, title_justify="left", title_style="bold")
    for place, column in enumerate(columns):
        made.add_column(column, justify="right" if place >= len(columns) - numbers else "left", no_wrap=place >= len(columns) - numbers)
    for row in rows:
        made.add_row(*("" if value is None else str(value) for value in row))
    return made


def account_tables(shown: dict[str, Any]) -> None:
    console = Console()
    currency = shown["currency"] or "no currency told"
    console.print(f"[bold]{shown['account']}[/bold]  as of {shown['as_of']}, known at {shown['known_at']}  ({currency})")
    limit = shown["limit"]
    rows = [[name, amount] for name, amount in shown["exposure"].items()]
    rows += [
        ["limit", "none set" if limit is None else f"{limit['amount']} ({limit['kind']})"],
        ["available", "unlimited" if shown["available"] is None else shown["available"]],
        ["utilisation", shown["utilisation"] or "-"],
        ["days overdue", shown["days_overdue"]],
        ["overdue amount", shown["overdue_amount"]],
        ["disputed", shown["disputed"]],
        ["written off", shown["written_off"]],
    ]
    console.print(table("Exposure", ["", currency], rows, numbers=1))
    console.print(table("Ageing", list(shown["ageing"]), [list(shown["ageing"].values())], numbers=7))
    if shown["open_items"]:
        columns = ["document", "kind", "date", "due", "amount", "open", "disputed", "days_overdue"]
        console.print(table("Open items", columns, [[row[column] for column in columns] for row in shown["open_items"]], numbers=4))
    if shown["open_orders"]:
        console.print(table("Open orders", ["order", "open"], [[row["order"], row["open"]] for row in shown["open_orders"]], numbers=1))
    for name in ("pending", "anomalies"):
        if shown[name]:
            columns = list(shown[name][0])
            console.print(table(name.capitalize(), columns, [list(row.values()) for row in shown[name]], numbers=0))
    if shown["blocked"]:
        console.print("[bold red]blocked[/bold red]")
    if shown["dead_letters"]:
        console.print(f"[bold red]{shown['dead_letters']} records of this account could not be taken: the figures are not whole[/bold red]")
