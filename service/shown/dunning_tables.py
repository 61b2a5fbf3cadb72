"""Dunning for people: the notices of a run or of a list, one notice with its lines, and what is stopped."""

from typing import Any

import typer
from rich.table import Table

from service.shown.tables import printed, reproduced_text, table
from service.shown.words import counted


def dunning_tables(told: dict[str, Any]) -> None:
    if "accounts" in told:
        would = "would be sent" if told["dry_run"] else "sent"
        typer.echo(f"{counted(told['accounts'], 'account')} looked at, {counted(len(told['notices']), 'notice')} {would}")
    elif not told["notices"] and not told["stopped"]:
        typer.echo("no notices, and nothing is stopped")
    parts = [notices_table(told["notices"])] if told["notices"] else []
    if told.get("stopped"):
        columns = ["account", "invoice", "until", "by", "reason"]
        parts.append(table("Stopped", columns, [[one[name] for name in columns] for one in told["stopped"]]))
    printed(parts)


def notices_table(notices: list[dict[str, Any]]) -> Table:
    columns = ["notice", "account", "as of", "level", "how", "total", "", "charges", "state"]
    rows = [
        [
            one["notice"],
            one["account"],
            one["as_of"],
            f"{one['level']} {one['name']}",
            one["channel"],
            one["total"],
            one["currency"],
            charges(one["debit_items"]),
            one["state"],
        ]
        for one in notices
    ]
    return table("Notices", columns, rows, numbers=["total"])


def charges(items: list[dict[str, Any]]) -> str:
    return ", ".join(f"{one['kind']} {one['amount']} {one['currency']}" for one in items)


def notice_tables(shown: dict[str, Any]) -> None:
    typer.echo(f"notice {shown['notice']}: {shown['state']}")
    who = f", by {shown['who']}" if shown["who"] else ""
    legal = ", to the lawyers" if shown["legal"] else ""
    typer.echo(f"{shown['account']}  {shown['as_of']}  level {shown['level']} {shown['name']}  {shown['channel']}{who}{legal}")
    typer.echo(f"asks for {shown['total']} {shown['currency']}; {charges(shown['debit_items']) or 'no charges'}; policy {shown['policy']}")
    columns = ["invoice", "instalment", "due", "days", "amount", "currency", "level", "interest", "compensation"]
    parts = [table("Items", columns, [[line[name] for name in columns] for line in shown["lines"]], numbers=["days", "amount", "interest"])]
    if shown["left_out"]:
        columns = ["invoice", "instalment", "reason"]
        parts.append(table("Left out", columns, [[one[name] for name in columns] for one in shown["left_out"]]))
    columns = ["recorded", "what", "by", "reason"]
    rows = [[one["recorded"], one["type"].split(".")[1].replace("_", " "), one["by"], one["reason"]] for one in map(with_reason, shown["trail"])]
    printed([*parts, table("Trail", columns, rows)])
    if "reproduced" in shown:
        typer.echo(f"\n{reproduced_text(shown)}")


def with_reason(said: dict[str, Any]) -> dict[str, Any]:
    return {"reason": None, **said}


def stop_line(told: dict[str, Any]) -> None:
    what = f"invoice {told['invoice']} of {told['account']}" if told["invoice"] else told["account"]
    until = f" until {told['until']}" if told.get("until") else ""
    typer.echo(f"dunning of {what} is {told['state']}{until}: {told['reason']}")
