"""Tables for people, in words a credit manager uses; made for 80 columns, and no figure is ever cut off."""

from collections.abc import Iterable, Sequence
from typing import Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from exposure.approvals import RELEASED
from projections.origins import place_text
from schemas.jsontext import written
from service.shown.words import counted

COLUMNS_MAX = 1000
"""Rows are as wide as they are: a narrow terminal wraps a line sooner than it loses a digit."""

Rows = Iterable[Sequence[Any]]


def console() -> Console:
    return Console(highlight=False, width=COLUMNS_MAX)


def table(title: str, columns: Sequence[str], rows: Rows, *, numbers: Sequence[str] = ()) -> Table:
    """A table whose columns named in ``numbers`` are aligned right."""
    made = Table(title=title or None, box=SIMPLE_HEAD, title_justify="left", title_style="bold")
    made.show_edge, made.pad_edge, made.padding = False, False, (0, 1, 0, 0)
    for column in columns:
        made.add_column(column, justify="right" if column in numbers else "left", no_wrap=True)
    for row in rows:
        made.add_row(*("" if value is None else escape(str(value)) for value in row))
    return made


def printed(parts: Iterable[Table]) -> None:
    """Tables below each other, a blank line before each."""
    out = console()
    for part in parts:
        out.print()
        out.print(part)


def listed(found: Table, names: Sequence[str], what: str) -> None:
    """A table, under it the names of its rows in full, for a table may be too wide, and how many there are."""
    if names:
        printed([found])
    for name in names:
        console().print(escape(name), soft_wrap=True)
    console().print(counted(len(names), what))


def account_tables(shown: dict[str, Any]) -> None:
    out = console()
    currency = shown["currency"] or "no currency told"
    out.print(f"[bold]{escape(shown['account'])}[/bold]  {currency}, as of {shown['as_of']}, known at {shown['known_at']}")
    parts = [figures_grid(shown)]
    if shown["open_items"]:
        parts.append(open_items_table(shown))
    if shown["open_orders"]:
        columns = ["order", "open", *(["currency"] if foreign(shown["open_orders"], shown) else [])]
        parts.append(table("Open orders", columns, columns_of(shown["open_orders"], columns), numbers=["open"]))
    if shown["promises"]:
        columns = ["date", "amount", "currency", "paid", "to_come", "missing", "state"]
        parts.append(table("Promises to pay", columns, columns_of(shown["promises"], columns), numbers=["amount", "paid", "to_come", "missing"]))
    for name in ("reservations", "protection", "pending", "anomalies", "measures", "alerts"):
        if shown[name]:
            columns = list(shown[name][0])
            parts.append(table(name.capitalize(), columns, columns_of(shown[name], columns)))
    printed(parts)
    if differs(shown["judged"], shown["exposure"]["total"]):
        out.print(f"\npolicy {shown['policy']} {judged_line(shown['judged'])}")
    if shown["blocked"]:
        out.print("\n[bold red]blocked[/bold red]")
    if shown["dead_letters"]:
        out.print(f"\n[bold red]{counted(shown['dead_letters'], 'record')} of this account could not be taken: the figures are not whole[/bold red]")


def columns_of(rows: list[dict[str, Any]], columns: Iterable[str]) -> Rows:
    wanted = list(columns)
    return ([row[column] for column in wanted] for row in rows)


def figures_grid(shown: dict[str, Any]) -> Table:
    """Exposure, limit and lateness, and ageing, side by side."""
    limit = shown["limit"]
    exposure = [*shown["exposure"].items()]
    standing = [
        ("limit", "none set" if limit is None else limit_text(limit)),
        ("available", shown["available"] or "unlimited"),
        ("utilisation", shown["utilisation"] or "-"),
        ("days overdue", shown["days_overdue"]),
        ("overdue", shown["overdue_amount"]),
        ("disputed", shown["disputed"]),
        ("written off", shown["written_off"]),
    ]
    ageing = [(name.replace("_", " "), amount) for name, amount in shown["ageing"].items()]
    grid = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, header_style="bold")
    for place, title in enumerate(("Exposure", "", "Limit", "", "Ageing", "")):
        grid.add_column(title, justify="right" if place % 2 else "left", no_wrap=True)
        if place in (1, 3):
            grid.add_column("", width=2)
    for left, middle, right in zip([*exposure, ("", "")], standing, ageing, strict=True):
        mark = "[bold]" if left[0] == "total" else ""
        grid.add_row(mark + left[0], mark + left[1], "", middle[0], str(middle[1]), "", *right)
    return grid


def limit_text(limit: dict[str, Any]) -> str:
    return limit["amount"] if limit["kind"] == "base" else f"{limit['amount']} ({limit['kind']})"


def open_items_table(shown: dict[str, Any]) -> Table:
    """Columns that would say the same in every row are left out."""
    items = shown["open_items"]
    columns = {"document": "document", "kind": "kind", "date": "date", "due": "due", "amount": "amount", "open": "open"}
    columns |= {"disputed": "disputed", "currency": "currency", "days_overdue": "days late"}
    if all(item["kind"] == "invoice" for item in items):
        del columns["kind"]
    if not any(item["disputed"].strip("0.") for item in items):
        del columns["disputed"]
    if not foreign(items, shown):
        del columns["currency"]
    numbers = ("amount", "open", "disputed", "days late")
    return table("Open items", list(columns.values()), columns_of(items, columns), numbers=numbers)


def foreign(rows: list[dict[str, Any]], shown: dict[str, Any]) -> bool:
    return any(row["currency"] != shown["currency"] for row in rows)


def portfolio_tables(listed: dict[str, Any]) -> None:
    out = console()
    day = listed["as_of"] or "each account's own day"
    rows = [
        [
            row["account"],
            row["currency"],
            row["exposure"]["total"],
            "-" if row["limit"] is None else row["limit"]["amount"],
            row["available"] or "unlimited",
            row["overdue_amount"],
            row["days_overdue"],
            notes(row),
        ]
        for row in listed["accounts"]
    ]
    columns = ["account", "", "total", "limit", "available", "overdue", "days late", "notes"]
    numbers = columns[2:7]
    if not any(row[-1] for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    out.print(f"[bold]Accounts[/bold]  as of {day}, known at {listed['known_at']}")
    printed([table("", columns, rows, numbers=numbers), *([totals_table(listed["totals"])] if listed["totals"] else [])])
    if listed["not_known_before"]:
        names = escape(", ".join(listed["not_known_before"]))
        out.print(f"\n{len(listed['not_known_before'])} accounts were taken on later than that day: {names}")


def notes(row: dict[str, Any]) -> str:
    said = ["blocked"] if row["blocked"] else []
    said += [counted(row["dead_letters"], "dead letter")] if row["dead_letters"] else []
    said += [f"{len(row['pending'])} pending"] if row["pending"] else []
    return ", ".join(said + sorted({anomaly["code"] for anomaly in row["anomalies"]}))


def group_tables(listed: dict[str, Any]) -> None:
    """Who stands under whom, and beside each limit what of it is left."""
    out = console()
    out.print(f"[bold]Group of {escape(listed['top'])}[/bold]  as of {listed['as_of']}, known at {listed['known_at']}")
    rows = [
        [
            "  " * node["depth"] + node["account"],
            node["currency"],
            node["exposure"],
            "-" if node["limit"] is None else node["limit"]["amount"],
            *(node[name] for name in ("carved", "residual", "used", "available")),
            max((told["last_time"] for told in node["sources"]), default="-"),
            notes({**node, "pending": []}),
        ]
        for node in listed["nodes"]
    ]
    columns = ["account", "", "exposure", "limit", "carved out", "residual", "used", "available", "last told", "notes"]
    if not any(row[-1] for row in rows):
        columns, rows = columns[:-1], [row[:-1] for row in rows]
    printed([table("", columns, rows, numbers=columns[2:8])])


def totals_table(totals: dict[str, Any]) -> Table:
    columns = ["accounts", "orders", "deliveries", "receivables", "unapplied", "total", "overdue"]
    rows = [
        [f"{total['accounts']} {currency}", *(total["exposure"][name] for name in columns[1:6]), total["overdue_amount"]]
        for currency, total in totals.items()
    ]
    return table("Totals", columns, rows, numbers=columns)


def history_lines(events: Iterable[dict[str, Any]]) -> None:
    """One event a line or two, as they come."""
    for event in events:
        stood = f"  from {place_text(event['origin'])}" if event["origin"] else ""
        typer.echo(f"{event['version']:>6}  recorded {event['recorded']}  told {event['time']}  {event['type']}{stood}")
        typer.echo(f"        {event['source']} {event['id']}  {written(event['data']).decode()}")


def alert_lines(alerts: Iterable[dict[str, Any]]) -> None:
    """One alert a line, as they come."""
    for alert in alerts:
        rule = alert["rule"] if alert["step"] is None else f"{alert['rule']} {alert['step']}"
        why = f" ({alert['reason']})" if alert.get("reason") == "corrected" else ""
        where = f"{alert['account']} #{alert['sequence']}"
        typer.echo(f"{where:<16} {alert['state']:<8} {rule:<19} {alert['severity']:<7} from {alert['effective']}  found {alert['raised']}{why}")
        if (acknowledged := alert["acknowledged"]) is not None:
            typer.echo(f"{'':<16} acknowledged by {acknowledged['by']} at {acknowledged['at']}: {acknowledged['note']}")
        if (escalated := alert["escalated"]) is not None:
            typer.echo(f"{'':<16} escalated by {escalated['by']} to {escalated['to']} at {escalated['at']}: {escalated['note']}")


def given_up_lines(alerts: list[dict[str, Any]]) -> None:
    """Each alert, and below it why it did not arrive."""
    for alert in alerts:
        alert_lines([alert])
        typer.echo(f"  {alert['subscription']}: {alert['failure']}, attempts {alert['attempts']}, id {alert['id']}")
    typer.echo(counted(len(alerts), "dead letter"))


def dead_letter_table(letters: list[dict[str, Any]]) -> None:
    out = console()
    for letter in letters:
        out.print(f"[bold]{escape(letter['account'] or 'no account')}[/bold]  {letter['code']}: {escape(letter['reason'])}", soft_wrap=True)
        out.print(f"  recorded {letter['recorded']}, {escape(letter['source'])} at {letter['position']}, id {letter['id']}", soft_wrap=True)
        if letter["outcome"]:
            settled = f"{letter['outcome']} {letter['settled']} by {letter['by']}: {letter['why']}"
            out.print(f"  {escape(settled)}", soft_wrap=True)
    out.print(counted(len(letters), "dead letter"))


def status_tables(standing: dict[str, Any]) -> None:
    out = console()
    rows = [
        ("store version", standing["store_version"]),
        ("events", f"{standing['events']:,}"),
        ("accounts", f"{standing['accounts']:,}"),
        ("last recorded", standing["last_recorded"] or "-"),
        ("dead letters", f"{standing['dead_letters']:,}"),
        ("pending references", f"{standing['pending']:,}"),
        ("waiting to be sent", f"{standing['outbox']:,}"),
    ]
    grid = Table.grid(padding=(0, 2, 0, 0))
    for name, value in rows:
        grid.add_row(name, str(value))
    out.print(grid)
    if standing["inputs"]:
        columns = ["input", "generation", "position"]
        printed([table("Inputs", columns, columns_of(standing["inputs"], columns), numbers=columns[1:])])


def topics_table(standings: list[Any]) -> None:
    columns = ["topic", "state", "partitions", "replicas", "differs from what is advised"]
    rows = [
        (
            one.topic,
            one.state,
            one.partitions,
            one.replication,
            ", ".join(f"{that.setting} {that.value} (advised {that.advised})" for that in one.differs),
        )
        for one in standings
    ]
    console().print(table("", columns, rows, numbers=["partitions", "replicas"]))


def decision_lines(told: dict[str, Any]) -> None:
    """What was decided of an order, why, and what of the limit would be left."""
    why = f": {', '.join(told['reasons'])}" if told["reasons"] else ""
    limit = limit_text(told["limit"]) if told["limit"] else "none"
    left = "unlimited" if told["available_after"] is None else told["available_after"]
    out = console()
    out.print(f"[bold]{told['decision']}[/bold]{why}  order {escape(told['order'])} of {told['amount']} {told['currency']}, as of {told['as_of']}")
    judged_here = told["group"] is None or told["group"]["node"] in (None, told["account"])
    by_limit = f"; limit {limit}, left {left}" if judged_here else ""
    out.print(f"exposure {told['exposure_before']}, with it {told['exposure_after']}{by_limit}")
    if told["group"]:
        out.print(group_line(told["group"]))
    if told["reservation"]:
        out.print("the credit is reserved for it")
    for held in told["lost_to"]:
        whose = "" if held["account"] == told["account"] else f" of {escape(held['account'])}"
        out.print(f"lost to order {escape(held['order'])}{whose}, for which {held['amount']} {held['currency']} are reserved")
    if told.get("dead_letters"):
        out.print(f"{counted(told['dead_letters'], 'record')} of this account could not be taken: the figures are not whole")
    if told["released"]:
        overridden = ", ".join(finding["rule"] for finding in told["findings"] if finding["effect"] == RELEASED)
        out.print(f"{overridden} overridden by the release of decision {told['released']}", soft_wrap=True)
    if differs(told["judged"], told["exposure_after"]):
        out.print(f"policy {judged_line(told['judged'])}")
    for finding in told["findings"]:
        if finding["effect"] != RELEASED:
            out.print(finding_line(finding))
    out.print(f"policy {told['policy']}, decision {told['decision_id']}")


def recorded_decision_lines(told: dict[str, Any]) -> None:
    """A decision as it was told, and whether the log makes it again."""
    decision_lines(told)
    out = console()
    out.print(f"recorded {told['recorded']} by {escape(told['by'])}, made of version {told['version']} of the account")
    for one in told["differences"]:
        out.print(f"{one['field']}: recorded {one['recorded']}, made again {one['again']}", soft_wrap=True, markup=False)
    out.print(escape(reproduced_text(told)))


def reproduced_text(told: dict[str, Any]) -> str:
    if told["read_back"] is not None:
        disagrees = ", and does not say what follows from its inputs" if told["differences"] else ""
        return f"read back by {told['read_back']['by']}: it was made of another log{disagrees}"
    return "made again from the log: the same" if told["reproduced"] else "made again from the log it is another one"


def reservation_line(told: dict[str, Any]) -> None:
    """How a reservation stands, and why nothing was done where nothing was."""
    until = f", until {told['until']}" if told["until"] and told["state"] == "reserved" else ""
    refused = f": {told['refused']}" if told["refused"] else ""
    order = f"order {escape(told['order'])} of {told['amount']} {told['currency']}"
    console().print(f"[bold]{told['state']}[/bold]{refused}  {order}{until}, reservation {told['reservation']}")


def finding_line(finding: dict[str, Any]) -> str:
    """``over_limit: 1060.25 against 1000.00; pay 60.25 or order 60.25 less``"""
    words = {"pay": "pay {}", "order_less": "order {} less"}
    remedy = " or ".join(words[name].format(amount) for name, amount in finding.get("remedy", {}).items())
    only = "" if finding["effect"] == "refuse" else " (warns)"
    late = f", {finding['days']} days late where {finding['days_allowed']} are allowed" if "days" in finding else ""
    return f"{finding['rule']}{only}: {finding['figure']} against {finding['threshold']}{late}{'; ' if remedy else ''}{remedy}"


def differs(judged: dict[str, Any] | None, total: str) -> bool:
    """Whether a policy judges another figure than the exposure."""
    return judged is not None and (judged["gross"], judged["net"], judged["protection"].strip("0.")) != (total, total, "")


def judged_line(judged: dict[str, Any]) -> str:
    left = "unlimited" if judged["available"] is None else judged["available"]
    limit = judged["limit"] or "none"
    return f"judges: gross {judged['gross']}, protection {judged['protection']}, net {judged['net']}; limit {limit}, left {left}"


def group_line(group: dict[str, Any]) -> str:
    """By which limit of its group an order was judged, and which account refuses it."""
    refused = ", ".join(f"{refusal['reason']} at {refusal['node']}" for refusal in group["refusals"])
    said = "group: no account above it has a limit"
    if group["node"] is not None:
        left = "unlimited" if group["available_after"] is None else f"{group['available_after']} {group['currency']}"
        said = f"group: limit {group['limit']} of {group['node']}, carved out {group['carved']}\n"
        said += f"used {group['used_before']}, with it {group['used_after']}, left {left}"
    return escape(f"{said}; refused: {refused}" if refused else said)
