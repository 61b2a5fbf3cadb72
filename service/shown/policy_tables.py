"""Policies for people: what one says, which were adopted, and what differs between two."""

from typing import Any

import typer

from service.shown.tables import console, table
from service.shown.words import counted


def policy_lines(shown: dict[str, Any]) -> None:
    """Rule by rule as the file says it; what is as by default is left out."""
    typer.echo(f"policy {shown['policy']} ({shown['name']})")
    for name, value in shown.items():
        if name not in ("policy", "name", "class"):
            typer.echo(f"{name}: {said(value)}")
    for one in shown["class"]:
        kinds = [f"{kind.replace('_', ' ')} {one[kind]}" for kind in ("risk_class", "segment") if kind in one]
        typer.echo(", ".join(kinds) or "all others")
        for name, value in one.items():
            if name not in ("risk_class", "segment"):
                typer.echo(f"  {name}: {said(value)}")


def policies_table(listed: list[dict[str, Any]]) -> None:
    if not listed:
        typer.echo("none was adopted: the default policy is in force")
        return
    columns = ["policy", "name", "adopted", "by", "reason"]
    console().print(table("", columns, [[one[name] for name in columns] for one in listed]))


def differences_table(told: dict[str, Any]) -> None:
    if not told["differences"]:
        typer.echo(f"{told['old']} and {told['new']} say the same")
        return
    rows = [[row["class"] or "", row["rule"], said(row["old"]), said(row["new"])] for row in told["differences"]]
    console().print(table("", ["class", "rule", f"{told['old']}", f"{told['new']}"], rows))


def backtest_tables(told: dict[str, Any]) -> None:
    """How many were judged, and of each account that differs what would be held more and what less."""
    judged = f"{counted(told['orders'], 'order')} and {counted(told['checks'], 'check')} decided again"
    typer.echo(f"policy {told['policy']} from {told['from']} to {told['to']}: {judged}")
    typer.echo(f"held then {told['held_then']}, held under it {told['held_now']}, not judged for want of a rate {told['not_judged']}")
    if told["accounts"]:
        columns = list(told["accounts"][0])
        rows = [[row[name] for name in columns] for row in told["accounts"]]
        console().print(table("", [name.replace("_", " ") for name in columns], rows, numbers=[name.replace("_", " ") for name in columns[2:]]))


def said(value: Any) -> str:
    """A value as a policy's file would have it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(said(part) for part in value)
    if isinstance(value, dict):
        return " ".join(f"{name} {said(part)}" for name, part in value.items())
    return str(value)
