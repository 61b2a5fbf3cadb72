"""What a customer is told of its account: what is open and when it is due, what of its money is not used yet, and how it came to that since a day.

Law: in each currency, opening balance and movements add up to the closing balance, and so do open items and credits; no rate has a part in it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from typing import Any, NamedTuple

from exposure.figures import Figures, days_late
from exposure.items import open_items
from exposure.ledger.loading import caught_up
from exposure.ledger.memory import Account
from exposure.ledger.policies import in_force
from exposure.rules import invoices, terms
from exposure.rules.credits import credits_of
from exposure.rules.documents import Document, Key
from exposure.rules.references import own_key
from exposure.rules.spans import standing
from projections.account import Asked, Known, account_known, day_of, figures_on, known_instant, speaking
from projections.bridge import DaysReversed, facts_known
from projections.history import told
from projections.rates import KnownRates
from projections.when import instant_text
from schemas.amounts import minor, shown
from schemas.facts import Fact

OWED = ("receivables", "unapplied")
ORDER = ("invoice", "debit_memo", "down_payment", "fee", "interest", "credit_note", "payment", "payment_returned", "return_cancelled")
"""Of one day, what is billed stands before what is paid, and what takes anything back behind it."""


class Entry(NamedTuple):
    """On a day the balance in a currency changed by so many minor units, for what a document says."""

    day: str
    currency: str
    kind: str
    document: str
    amount: int


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
    if day < since:
        raise DaysReversed(f"{day} is before {since}")
    before = (date.fromisoformat(since) - timedelta(days=1)).isoformat()
    day_of(known, Asked(asked.now, before, asked.known_at))
    rows = moment.documents_on(known.head.account, day, known.version, before)
    opening: dict[str, int] = defaultdict(int)
    net: dict[tuple[str, str], int] = defaultdict(int)
    for document in speaking(rows, stored, day, known.version, before):
        for move in document.moves:
            if move.component in OWED and move.day <= day and (known.version is None or move.version <= known.version):
                if move.day < since:
                    opening[move.currency] += move.amount
                else:
                    net[move.day, move.currency] += move.amount
    entries = [entry for entry in posted(moment, known) if since <= entry.day <= day and entry.amount]
    for entry in entries:
        net[entry.day, entry.currency] -= entry.amount
    entries += [Entry(when, currency, "adjustment", "", rest) for (when, currency), rest in net.items() if rest]
    currencies = sorted({entry.currency for entry in entries} | {currency for currency, amount in opening.items() if amount})
    return {"from": since, "to": day, "currencies": [in_currency(one, opening[one], entries) for one in currencies]}


def in_currency(currency: str, opening: int, entries: Iterable[Entry]) -> dict[str, Any]:
    rows, balance = [], opening
    for entry in sorted(entries, key=lambda entry: (entry.day, place_of(entry.kind), entry.document)):
        if entry.currency == currency:
            balance += entry.amount
            told = {"date": entry.day, "kind": entry.kind, "document": entry.document or None}
            rows.append({**told, "amount": shown(entry.amount, currency), "balance": shown(balance, currency)})
    return {"currency": currency, "opening": shown(opening, currency), "rows": rows, "closing": shown(balance, currency)}


def place_of(kind: str) -> int:
    return ORDER.index(kind) if kind in ORDER else len(ORDER)


def posted(moment: Any, known: Known) -> Iterator[Entry]:
    """What every invoice and credit of the account itself put on it and took off it again. It is read from the facts: of what is paid on its own day
    nothing is left that a document would say of any."""
    account, told_of = known.head.account, defaultdict[Key, list[Fact]](list)
    for fact in facts_known(moment, account, known.version):
        told_of[own_key(fact.name, fact.data, account)].append(fact)
    for key, facts in told_of.items():
        kind, _, number = key.partition(":")
        if kind == "invoice":
            yield from of_invoice(number, facts)
        elif kind == "credit":
            yield from of_credit(number, facts)


def of_invoice(number: str, facts: list[Fact]) -> Iterator[Entry]:
    """What comes of several documents (a discount, money for another account, an item cleared in another currency) is left over of the day's
    movements: an adjustment."""
    first = standing(facts, "InvoicePosted")
    if first is not None:
        start, until = invoices.span_of(facts, first)
        amount, currency = minor(first.data["amount"], first.data["currency"]), first.data["currency"]
        yield Entry(start, currency, first.data["kind"], number, amount)
        yield Entry(until, currency, "invoice_cancelled", number, -amount)


def of_credit(number: str, facts: list[Fact]) -> Iterator[Entry]:
    for kind, credit in credits_of(facts).items():
        ended = "payment_returned" if kind == "payment" else "credit_note_cancelled"
        for place, (start, until) in enumerate(credit.spans):
            yield Entry(start, credit.currency, "return_cancelled" if place else kind, number, -credit.amount)
            yield Entry(until, credit.currency, ended, number, credit.amount)
