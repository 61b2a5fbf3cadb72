"""Measures as tables and lines for people."""

from typing import Any

from rich.markup import escape

from service.shown.approval_tables import trail_line
from service.shown.tables import console, listed, table


def measures_table(measures: list[dict[str, Any]]) -> None:
    columns = ["account", "measure", "because of", "alert", "state", "from", "to", "by"]
    rows = [
        [one["account"], take_of(one), one["reason"], one["alert_state"] or "-", one["state"], one["date"] or "-", one["until"] or "-", one["by"]]
        for one in measures
    ]
    listed(table("", columns, rows), [f"{one['account']}  {one['take']} {one['measure']}" for one in measures], "measure")


def measure_lines(one: dict[str, Any]) -> None:
    """One measure and all that was said to it."""
    out = console()
    since = f" from {one['date']}" if one["date"] else ""
    until = f" to {one['until']}" if one["until"] else ""
    out.print(f"[bold]{one['state']}[/bold]  {take_of(one)} for {escape(one['account'])}{since}{until}", soft_wrap=True)
    for said in one["trail"]:
        out.print(f"  {said['recorded']}  {escape(trail_line(said))}", soft_wrap=True)
    if one["waiting_for"]:
        who = one["waiting_for"]["who"]
        out.print(f"still to say yes: {escape('1 of ' + (', '.join(who) or 'nobody') if who is not None else '1 other than ' + one['by'])}")
    out.print(f"measure {one['measure']}", soft_wrap=True)


def take_of(one: dict[str, Any]) -> str:
    """``lower_limit to 800.00 EUR``"""
    return f"{one['take']} to {one['amount']} {one['currency']}" if one["amount"] else str(one["take"])
