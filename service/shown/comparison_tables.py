"""Comparisons as tables for people: figures then and now, and what made the difference."""

from collections.abc import Iterable
from typing import Any

from rich.markup import escape

from exposure.figures import COMPONENTS
from service.shown.explanation_tree import event_line
from service.shown.tables import console, limit_text, printed, table


def difference_tables(told: dict[str, Any]) -> None:
    """Figures that did not change are left out."""
    out, (earlier, later) = console(), told["known_at"]
    out.print(
        f"[bold]{escape(told['account'])}[/bold]  {told['currency'] or 'no currency told'}, as of {told['as_of']}, known at {earlier} and {later}"
    )
    rows = [
        (name.replace("_", " "), one["then"], one["now"], one["difference"]) for name, one in told["figures"].items() if one["then"] != one["now"]
    ]
    rows += [(name.replace("_", " "), *sides, "") for name, sides in others(told)]
    if not rows and not told["documents"]:
        out.print("nothing was learnt")
        return
    printed([table("", ["figure", "then", "now", "difference"], rows, numbers=["then", "now", "difference"])])
    for document in told["documents"]:
        out.print(f"\n[bold]{escape(document['kind'].replace('_', ' '))} {escape(document['document'])}[/bold]")
        for part in document["parts"]:
            out.print(escape(f"  {part_line(part)}"))
        for event in document["events"]:
            out.print(escape(f"  {event_line(event)}"))
    for rate in told["rates"]:
        out.print(f"\n[bold]rate of {rate['currency']}[/bold]")
        for side in ("then", "now"):
            out.print(escape(f"  {side}: {rate_line(rate[side])}"))
    for turned in ("raised", "cleared"):
        for alert in told["alerts"][turned]:
            step = "" if alert["step"] is None else f" {alert['step']}"
            out.print(f"\nalert {alert['rule']}{step} from {alert['effective']}: {turned}")


def others(told: dict[str, Any]) -> list[tuple[str, tuple[str, str]]]:
    sides = [("limit", *(("none set" if one is None else limit_text(one)) for one in (told["limit"]["then"], told["limit"]["now"])))]
    sides += [(name, *(str(told[name][side]) for side in ("then", "now"))) for name in ("available", "utilisation", "days_overdue", "blocked")]
    sides += [(name, *(str(told["customer"][side][name]) for side in ("then", "now"))) for name in told["customer"]["now"]]
    return [(name, (then.replace("None", "-"), now.replace("None", "-"))) for name, then, now in sides if then != now]


def part_line(part: dict[str, Any]) -> str:
    of = f" {part['item']}" if part["item"] else ""
    due = f", due {part['due']}" if part["due"] else ""
    return f"{part['component'].replace('_', ' ')}{of}{due}: {part['then']} then, {part['now']} now, {part['currency']}"


def rate_line(rate: dict[str, Any] | None) -> str:
    return "none" if rate is None else f"1 {rate['base']} buys {rate['rate']} {rate['quote']} from {rate['day']}, {event_line(rate['event'])}"


def bridge_tables(told: dict[str, Any]) -> None:
    """The whole way, and then day by day with the documents."""
    out, columns = console(), (*COMPONENTS, "total")
    currency = told["currency"] or "no currency told"
    out.print(f"[bold]{escape(told['account'])}[/bold]  {currency}, from {told['from']} to {told['to']}, known at {told['known_at']}")
    if told["without_rate"]:
        out.print(f"left out on some or all of these days, for want of a rate into {currency}: what is in {', '.join(told['without_rate'])}")
    causes = [(one["cause"].replace("_", " "), *(one[name] for name in columns)) for one in told["causes"]]
    ends = [(name, *(told[name][column] for column in columns)) for name in ("opening", "closing")]
    tables = [table("", ["", *columns], [ends[0], *causes, ends[1]], numbers=columns)]
    rows = [
        ("" if place else day["day"], one["cause"].replace("_", " "), *(one[name] for name in columns), documents_line(one["documents"]))
        for day in told["days"]
        for place, one in enumerate(day["causes"])
    ]
    if rows:
        tables.append(table("By day", ["day", "", *columns, "documents"], rows, numbers=columns))
    printed(tables)


def documents_line(documents: list[dict[str, Any]]) -> str:
    """``invoice I-9 #6``: the document, and the events of the account's history that did it."""
    return ", ".join(" ".join([one["kind"].replace("_", " "), one["document"], *(f"#{version}" for version in one["versions"])]) for one in documents)


def due_text(dues: dict[str, str]) -> str:
    """Where there is one day the amount stands before it."""
    return f" due {'; '.join(dues if len(dues) == 1 else (f'{day}: {amount}' for day, amount in dues.items()))}"


def difference_lines(differences: Iterable[dict[str, Any]], as_of: str | None) -> None:
    """As they are found: what differs, since when, and the events of that day; with the day where it is another one than that of the question."""
    out = console()
    for one in differences:
        on = f" on {one['as_of']}" if one["as_of"] and one["as_of"] != as_of else ""
        if "message" in one:
            out.print(escape(f"{one['account']}{on}  {one['message']}"))
            continue
        of = one["document"] or "balance"
        ours, theirs = (due_text(one["dues"][side]) if "dues" in one else "" for side in ("ours", "theirs"))
        said = f"ours {one['ours']}{ours}, theirs {one['theirs']}{theirs} {one['currency']}"
        if one["theirs"] is None:
            said = f"ours {one['ours']}{ours} {one['currency']}, theirs not named"
        out.print(f"[bold]{escape(one['account'])} {escape(of)}{on}[/bold]  {one['difference'].replace('_', ' ')}: {said}")
        if one["since"]:
            out.print(f"  since {one['since']}" + ("" if one["was_equal"] else ", and never the same before"))
        for event in one["events"]:
            out.print(escape(f"  {event_line(event)}"))
        for alike in one["same_amount"]:
            out.print(escape(f"  as much on {alike['day']}: {'; '.join(map(event_line, alike['events']))}"))
        if one["dated_later"]:
            out.print(f"  equal here from {one['dated_later']} on")
        for letter in one.get("dead_letters", ()):
            out.print(f"  dead letter {letter} names it")
        for waiting in one.get("pending", ()):
            out.print(escape(f"  {waiting['kind']} {waiting['document']} waits for it"))
