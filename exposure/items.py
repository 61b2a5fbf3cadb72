"""What makes an account's figures, document by document: open items, open orders, reservations, and the protections in force."""

from collections import defaultdict
from operator import itemgetter
from typing import Any

from exposure.figures import Figures, Item, days_late
from exposure.rules import invoices, orders, reservations
from schemas.amounts import minor, shown
from schemas.facts import LAST_DAY, Fact


def items(figures: Figures) -> dict[str, Any]:
    """Open items, open orders, reservations, and the protections in force."""
    return {
        "open_items": open_items(figures),
        "open_orders": open_orders(figures),
        "reservations": reservations_held(figures),
        "protection": [protection_shown(step) for step in figures.on.protections],
    }


def protection_shown(step: Fact) -> dict[str, Any]:
    fields = ("protection", "kind", "amount", "currency", "valid_from", "valid_to", "provider")
    return {name: step.data.get(name) for name in fields}


def open_items(figures: Figures) -> list[dict[str, Any]]:
    parts: dict[str, list[Item]] = defaultdict(list)
    disputed: dict[str, int] = defaultdict(int)
    for item, amount in figures.on.items.items():
        if item.component == "receivables":
            parts[item.document].append(item)
        elif item.component == "disputed":
            disputed[item.document] += amount
    rows = [open_item(figures, key, items, disputed[key]) for key, items in parts.items()]
    return sorted(rows, key=itemgetter("due", "document"))


def open_item(figures: Figures, key: str, parts: list[Item], disputed: int) -> dict[str, Any]:
    facts = figures.on.headers[key]
    data = invoices.header(facts)
    currency = data["currency"]
    due = min([part.due for part in parts])
    still_open = sum([figures.on.items[part] for part in parts])
    open_text = shown(still_open, currency)
    row = {
        "document": data["invoice"],
        "kind": data["kind"],
        "date": data["date"],
        "due": due,
        "amount": data["amount"],
        "currency": currency,
        "open": open_text,
        "open_account": open_text if currency == figures.currency else in_account(figures, parts),
        "disputed": shown(disputed, currency),
        "days_overdue": days_late(due, figures.on.day),
    }
    if len(facts) > 1 or "instalments" in data:
        terms_told, _ = invoices.terms_of(facts)
        instalments, _ = invoices.instalments_on(terms_told, minor(data["amount"], currency), currency, figures.on.day)
        if len(instalments) > 1:
            row["instalments"] = [{"due": due, "open": shown(part, currency)} for due, part in invoices.open_parts(instalments, still_open)]
    return row


def in_account(figures: Figures, parts: list[Item]) -> str | None:
    """What is open of an item in the account's currency; ``None`` where no rate tells."""
    amounts = [figures.converted[part] for part in parts]
    return None if None in amounts else figures.text(sum(filter(None, amounts)))


def open_orders(figures: Figures) -> list[dict[str, Any]]:
    lines_of: dict[tuple[str, str], list[Item]] = defaultdict(list)
    for item in figures.on.items:
        if item.component == "orders":
            lines_of[item.document.partition(":")[2], item.currency].append(item)
    rows = []
    for (order, currency), lines in sorted(lines_of.items()):
        known = [value for line in lines if (value := figures.converted[line]) is not None]
        rows.append(
            {
                "order": order,
                "open": shown(sum(figures.on.items[line] for line in lines), currency),
                "currency": currency,
                "open_account": figures.text(sum(known)) if len(known) == len(lines) else None,
            }
        )
    return rows


def reservations_held(figures: Figures) -> list[dict[str, Any]]:
    """What is still reserved, each in its currency; ``until`` is null where no time ends it."""
    held = sorted([item for item in figures.on.items if item.component == "reserved"])
    return [reservation(figures, item) for item in held]


def reservation(figures: Figures, item: Item) -> dict[str, Any]:
    _, own = orders.parted(figures.on.texts[item.document])
    told = reservations.last_told(reservations.course(own), figures.on.day)
    return {
        "order": item.document.partition(":")[2],
        "reservation": item.item,
        "amount": shown(figures.on.items[item], item.currency),
        "currency": item.currency,
        "until": None if item.due == LAST_DAY else f"{item.due}Z",
        "settled": told is not None and told.is_settled,
    }
