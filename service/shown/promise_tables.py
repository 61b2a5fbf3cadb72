"""Promises to pay as tables and lines for people."""

from typing import Any

from rich.markup import escape

from service.shown.tables import console, listed, table

AMOUNTS = ("amount", "paid", "to come", "missing")


def promises_table(told: dict[str, Any]) -> None:
    promises = told["promises"]
    columns = ["account", "made", "last due", "amount", "paid", "to come", "missing", "currency", "state", "invoices"]
    rows = [cells(one) for one in promises]
    listed(table("", columns, rows, numbers=AMOUNTS), [f"{one['account']}  promise {one['promise']}" for one in promises], "promise")


def cells(one: dict[str, Any]) -> list[str]:
    amounts = [one[name.replace(" ", "_")] for name in AMOUNTS]
    last = one["instalments"][-1]["due"]
    return [one["account"], one["date"], last, *amounts, one["currency"], one["state"].replace("_", " "), ", ".join(one["invoices"])]


def promise_lines(one: dict[str, Any]) -> None:
    """One promise, its instalments, and what was said of it."""
    out = console()
    what = f"{one['amount']} {one['currency']} of {', '.join(one['invoices'])}, promised by {one['account']} on {one['date']}"
    out.print(f"[bold]{one['state'].replace('_', ' ')}[/bold]  {escape(what)}", soft_wrap=True)
    out.print(f"paid {one['paid']}  to come {one['to_come']}  missing {one['missing']}")
    for part in one["instalments"]:
        out.print(f"  {part['due']}  {part['amount']}  {part['state'].replace('_', ' ')}")
    for said in one["trail"]:
        out.print(f"  {said['recorded']}  {escape(trail_line(said))}", soft_wrap=True)
    out.print(f"promise {one['promise']}", soft_wrap=True)


def trail_line(said: dict[str, Any]) -> str:
    """``withdrawn by m.vogt: it was another customer's``"""
    why = said.get("reason") or said.get("note")
    done = "made" if said["type"] == "exposure.promise.made.v1" else "withdrawn"
    return f"{done}, told to {said['by']}{f': {why}' if why else ''}" if done == "made" else f"{done} by {said['by']}: {why}"
