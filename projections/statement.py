"""What a customer is told of its account: what is open and when it is due, what of its money is not used yet, and how it came to that since a day.

Law: in each currency, opening balance and movements add up to the closing balance, and so do open items and credits; no rate has a part in it.
"""

from collections.abc import Iterable
from typing import Any

from exposure.entries import MONEY, OWED, Entry, balances, entries
from exposure.figures import Figures, days_late
from exposure.items import open_items
from exposure.ledger.acts.policies import in_force
from exposure.ledger.loading import caught_up
from exposure.ledger.memory import Account
from exposure.ledger.window import between
from exposure.rules import terms
from exposure.rules.credits import credits_of
from exposure.rules.documents import Document, Key
from exposure.rules.evolve import fold
from exposure.rules.spans import later
from projections.account import Asked, Known, account_known, day_of, figures_on, known_instant, speaking
from projections.history import told
from projections.rates import KnownRates
from projections.when import DaysReversed, instant_text
from schemas.amounts import minor, shown
from schemas.facts import Fact


def statement(moment: Any, account: str, asked: Asked, since: str | None = None) -> dict[str, Any]:
    """The document of ``exposure statement``, with the movements from a day on if one is named; raises ``UnknownAccount``,
    ``NotKnownBefore`` or ``DaysReversed``."""
    stored, known = account_known(moment, account, asked)
    day = day_of(known, asked)
    documents = {one.key: one for one in speaking(moment.documents_on(account, day, known.version), stored, day, known.version)}
    figures = figures_on(known, asked, day, documents.values(), KnownRates(moment, asked.known_at), in_force(moment, asked.known_at))
    return {
        "account": account,
        "name": name_of(moment, account, known),
        "currency": figures.currency,
        "as_of": day,
        "known_at": instant_text(known_instant(moment, asked)),
        "balance": figures.text(figures.sums["receivables"] + figures.sums["unapplied"]),
        "overdue": figures.text(figures.overdue_amount),
        "disputed": figures.text(figures.sums["disputed"]),
        "open_items": [item_shown(row, day) for row in open_items(figures)],
        "credits": credits_shown(moment, figures, documents, known.version),
        "ageing": {name: figures.text(amount) for name, amount in figures.ageing.items()},
        "without_rate": sorted({item.currency for item in figures.on.items if item.component in OWED and figures.converted[item] is None}),
        "movements": None if since is None else movements(moment, stored, known, asked, since, day),
    }


def name_of(moment: Any, account: str, known: Known) -> str | None:
    """What the customer is called; ``None`` where it was never told, or was erased."""
    changes = terms.by_version([fact for fact in known.customer if fact.name == "CustomerChanged"])
    if not changes:
        return None
    (row,) = moment.events_at(f"account:{account}", [changes[-1].version])
    personal = told(account, moment.keys([account]).get(account), None, *row).get("personal") or {}
    return personal.get("name")


def item_shown(row: dict[str, Any], day: str) -> dict[str, Any]:
    """Of an open item what its customer may see; ``cleared`` is what was paid of it, credited or given up."""
    currency = row["currency"]
    told = {name: row[name] for name in ("document", "kind", "date", "due", "currency", "amount")}
    cleared = shown(minor(row["amount"], currency) - minor(row["open"], currency), currency)
    parts = [{**part, "days_overdue": days_late(part["due"], day)} for part in row.get("instalments", ()) if minor(part["open"], currency)]
    return {**told, "cleared": cleared, "open": row["open"], "disputed": row["disputed"], "days_overdue": row["days_overdue"], "instalments": parts}


def credits_shown(moment: Any, figures: Figures, documents: dict[Key, Document], version: int | None) -> list[dict[str, Any]]:
    """Money of the customer that no invoice has taken yet, in order of its days; what another account gave has no day of its own."""
    left = {(item.item, item.currency): amount for item, amount in figures.on.items.items() if item.component == "unapplied"}
    keys = {f"credit:{naming.partition(':')[2]}" for naming, _ in left if not naming.startswith("transfer:")}
    absent, account = sorted(keys - documents.keys()), figures.on.account
    found = {**documents, **(caught_up(moment, [account], [(account, key) for key in absent])[account].documents if absent else {})}
    rows = []
    for (naming, currency), amount in left.items():
        kind, _, number = naming.partition(":")
        first = None if kind == "transfer" else credits_of(facts_by(found[f"credit:{number}"], version))[kind].fact
        told = {"document": number if first else None, "kind": kind, "date": first and first.data["date"], "currency": currency}
        rows.append({**told, "amount": first and first.data["amount"], "open": shown(amount, currency)})
    return sorted(rows, key=lambda row: (row["date"] or "", row["kind"], row["document"] or "", row["currency"]))


def facts_by(document: Document, version: int | None) -> list[Fact]:
    return [fact for fact in document.facts if version is None or fact.version <= version]


def movements(moment: Any, stored: Account, known: Known, asked: Asked, since: str, day: str) -> dict[str, Any]:
    """What was open before a day, what changed it until another, and what is open then: in each currency by itself."""
    before = later(since, -1)
    day_of(known, Asked(asked.now, before, asked.known_at))
    if day < since:
        raise DaysReversed(f"{since} lies behind {day}")
    window, documents = between(moment, stored, before, day, known.version), dict[Key, Document]()
    for fact in window.facts:
        if fact.name in MONEY:
            fold(known.head.account, fact, documents)
    opening = balances((document for key, document in documents.items() if key in window.moving), since)
    moved = [entry for entry in entries(documents, window.moving) if since <= entry.day <= day]
    currencies = sorted({entry.currency for entry in moved} | {currency for currency, amount in opening.items() if amount})
    return {"from": since, "to": day, "currencies": [in_currency(one, opening[one], moved) for one in currencies]}


def in_currency(currency: str, opening: int, moved: Iterable[Entry]) -> dict[str, Any]:
    rows, balance = [], opening
    for entry in moved:
        if entry.currency == currency:
            balance += entry.amount
            told = {"date": entry.day, "kind": entry.kind, "document": entry.document, "account": entry.account or None}
            rows.append({**told, "amount": shown(entry.amount, currency), "balance": shown(balance, currency)})
    return {"currency": currency, "opening": shown(opening, currency), "rows": rows, "closing": shown(balance, currency)}
