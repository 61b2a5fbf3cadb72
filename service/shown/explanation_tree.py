"""An explanation as a tree for people: figure, document, movement, event."""

from typing import Any

from rich.markup import escape
from rich.tree import Tree

from projections.origins import place_text
from service.shown.tables import console

AMOUNT_WIDTH = 10


def explanation_tree(explained: dict[str, Any]) -> None:
    """Figures that nothing makes are left out."""
    currency = explained["currency"] or "no currency told"
    out = console()
    out.print(f"[bold]{escape(explained['account'])}[/bold]  {currency}, as of {explained['as_of']}, known at {explained['known_at']}")
    events = {event["version"]: event for document in explained["documents"] for event in document["events"]}
    for name, figure in explained["figures"].items():
        if figure.get("parts"):
            tree = Tree(f"[bold]{name.replace('_', ' ')} {figure['amount']}[/bold]")
            for part in figure["parts"]:
                branch = tree.add(part_line(part, explained["currency"]))
                moves = part.get("movements", [{"day": part.get("valid_from"), "amount": "", "version": part.get("version")}])
                width = max([AMOUNT_WIDTH, *(len(move["amount"]) for move in moves)])
                for move in moves:
                    branch.add(escape(f"{move['day']}  {move['amount']:>{width}}  {event_line(events[move['version']])}"))
            out.print(tree)
    if not any(figure.get("parts") for figure in explained["figures"].values()):
        out.print("no document has a part in any figure")


def part_line(part: dict[str, Any], currency: str | None) -> str:
    of = f" {part['item']}" if part.get("item") else ""
    due = f", due {part['due']}" if part.get("due") else ""
    into = "" if part["currency"] == currency else f" ({part.get('account_amount') or 'no rate'})"
    return escape(f"{part['kind'].replace('_', ' ')} {part['document']}{of}{due}: {part['amount']} {part['currency']}{into}")


def event_line(event: dict[str, Any]) -> str:
    stood = f", from {place_text(event['origin'])}" if event["origin"] else ""
    return f"#{event['version']} {event['type']} {event['source']} {event['id']}, told {event['time']}, recorded {event['recorded']}{stood}"
