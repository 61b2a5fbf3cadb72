"""Open items and credits, by the letter of laws 5 to 8: what was told to clear what, in the order it took effect.

First every credit grants its allocations, each up to what it has left; then every debit item takes what reaches it,
each up to what is open, write-offs after the allocations of their day. What is left on either side is what is owed, and
what is unapplied.
"""

from __future__ import annotations

from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tests.model import Day, Fact, Json

ZERO = Fraction(0)
Credit = tuple[str, str]  # kind, number


class Part(NamedTuple):
    """The open part of one instalment."""

    due: date
    open: Fraction
    disputed: Fraction
    days_overdue: int


class Item(NamedTuple):
    """One debit item after clearing, in its own currency; `parts` earliest due first."""

    document: str
    data: Json
    currency: str
    parts: list[Part]
    open: Fraction
    written_off: Fraction


class Clearing(NamedTuple):
    items: list[Item]
    remainders: list[tuple[Fraction, str]]  # of the credits, positive


class Allocation(NamedTuple):
    """One allocation in effect, amounts as told."""

    day: date
    told: int
    place: int
    credit: Credit
    invoice: str
    amount: Fraction  # in the item's currency
    asked: Fraction  # in the credit's currency
    discount: Fraction  # in the item's currency


class Granted(NamedTuple):
    allocation: Allocation
    granted: Fraction  # in the credit's currency
    clears: Fraction  # in the item's currency, at most


def clear(day: Day) -> Clearing:
    invoices = day.standing("invoice")
    credits = {(kind, number): fact for kind in ("payment", "credit_note") for number, fact in day.standing(kind).items()}
    allocations = [a for a in told_allocations(day, credits, invoices) if a.day <= day.as_of]
    granted = [g for credit, fact in credits.items() for g in grant(day, fact, [a for a in allocations if a.credit == credit], invoices)]
    write_offs = told_write_offs(day, invoices)
    used = {credit: sum((g.granted for g in granted if g.allocation.credit == credit), ZERO) for credit in credits}
    for number, fact in day.standing("dispute").items():
        day.names("dispute", number, "invoice", fact.data["invoice"])
    items = []
    for number, fact in invoices.items():
        taken, back, written_off = take(day, fact, [g for g in granted if g.allocation.invoice == number], write_offs[number], credits)
        items.append(item_of(day, number, fact, taken, written_off))
        for credit, amount in back:
            used[credit] -= amount
    remainders = [(Fraction(fact.data["amount"]) - used[credit], fact.data["currency"]) for credit, fact in credits.items()]
    return Clearing(items, remainders)


# ------------------------------------------------------------------ what was told


def told_allocations(day: Day, credits: dict[Credit, Fact], invoices: dict[str, Fact]) -> list[Allocation]:
    """Every allocation whose credit and item stand; notes on the way what is pending or in the wrong currency."""
    told = []
    for kind, number, fact, place, said in allocation_texts(day):
        credit = named_credit(day, number, said) if kind == "allocation" else (kind, number)
        day.names(kind, number, "invoice", said["invoice"])
        if credit in credits and said["invoice"] in invoices:
            allocation = allocation_of(credits[credit], invoices[said["invoice"]], credit, fact, place, said)
            if allocation is None:
                day.odd("currency_mismatch", kind, number)
            else:
                told.append(allocation)
    return told


def allocation_texts(day: Day) -> list[tuple[str, str, Fact, int, Json]]:
    """(kind, number, fact, place, text) of each allocation of a standing document."""
    own = [
        (kind, number, fact, place, said)
        for kind in ("payment", "credit_note")
        for number, fact in day.standing(kind).items()
        for place, said in enumerate(fact.data.get("allocations") or [])
    ]
    return own + [("allocation", number, fact, 0, fact.data) for number, fact in day.standing("allocation").items()]


def named_credit(day: Day, number: str, said: Json) -> Credit:
    """The kind told; without one the payment of that number if it is dated by the day, else the credit note."""
    kind, name = said.get("credit_kind"), said["credit"]
    if kind is not None:
        day.names("allocation", number, kind, name)
        return kind, name
    if day.dated("payment", name):
        return "payment", name
    if not day.dated("credit_note", name):
        day.pending.add(("allocation", number, "credit", name))
    return "credit_note", name


def allocation_of(credit_fact: Fact, item: Fact, credit: Credit, fact: Fact, place: int, said: Json) -> Allocation | None:
    """None where the credit is in another currency than the item and no `credit_amount` is told."""
    amount = Fraction(said["amount"])
    one_currency = credit_fact.data["currency"] == item.data["currency"]
    if not one_currency and said.get("credit_amount") is None:
        return None
    asked = amount if one_currency else Fraction(said["credit_amount"])
    discount = Fraction(said.get("discount") or 0) if fact.type == "payment.received" else ZERO
    in_effect = max(fact.day, credit_day(credit_fact), item.day)
    return Allocation(in_effect, fact.told, place, credit, said["invoice"], amount, asked, discount)


def credit_day(fact: Fact) -> date:
    value_date = fact.data.get("value_date") if fact.type == "payment.received" else None
    return max(fact.day, date.fromisoformat(value_date)) if value_date else fact.day


def told_write_offs(day: Day, invoices: dict[str, Fact]) -> dict[str, list[tuple[date, int, Fraction]]]:
    """Per standing item its standing write-offs, in the order they take their turn: (day, told, amount)."""
    turns: dict[str, list[tuple[date, int, Fraction]]] = {number: [] for number in invoices}
    for number, fact in day.standing("write_off").items():
        invoice = fact.data["invoice"]
        day.names("write_off", number, "invoice", invoice)
        if invoice in invoices:
            turns[invoice].append((max(fact.day, invoices[invoice].day), fact.told, Fraction(fact.data["amount"])))
    return {number: sorted(of) for number, of in turns.items()}


# ------------------------------------------------------------------ granting and taking


def grant(day: Day, credit: Fact, allocations: list[Allocation], invoices: dict[str, Fact]) -> list[Granted]:
    """Law 7: by day, told order and place, each up to what the credit has left."""
    left = Fraction(credit.data["amount"])
    grants = []
    for allocation in sorted(allocations, key=lambda a: (a.day, a.told, a.place)):
        granted = min(allocation.asked, left)
        left -= granted
        clears = granted
        item_currency = invoices[allocation.invoice].data["currency"]
        if item_currency != credit.data["currency"]:
            share = allocation.amount * granted / allocation.asked if allocation.asked else ZERO
            clears = day.rounded(share, item_currency)
        grants.append(Granted(allocation, granted, clears))
    return grants


def take(
    day: Day,
    item: Fact,
    grants: list[Granted],
    write_offs: list[tuple[date, int, Fraction]],
    credits: dict[Credit, Fact],
) -> tuple[Fraction, list[tuple[Credit, Fraction]], Fraction]:
    """What the item took in all, what goes back to which credit, and what write-offs took."""
    turns: list[tuple[date, int, int, int, Granted | Fraction]] = [(g.allocation.day, 0, g.allocation.told, g.allocation.place, g) for g in grants]
    turns += [(when, 1, told, 0, amount) for when, told, amount in write_offs]
    left, back, written_off = Fraction(item.data["amount"]), [], ZERO
    for *_, turn in sorted(turns, key=lambda t: t[:4]):
        if isinstance(turn, Granted):
            taken = min(turn.clears, left)
            left -= taken
            back.append((turn.allocation.credit, goes_back(day, turn, taken, item, credits[turn.allocation.credit])))
            if turn.granted == turn.allocation.asked:
                left -= min(turn.allocation.discount, left)
        else:
            written_off += min(turn, left)
            left -= min(turn, left)
    return Fraction(item.data["amount"]) - left, back, written_off


def goes_back(day: Day, turn: Granted, taken: Fraction, item: Fact, credit: Fact) -> Fraction:
    """What the item refused, in the credit's currency."""
    refused = turn.clears - taken
    if item.data["currency"] == credit.data["currency"] or refused == 0:
        return refused
    return day.rounded(turn.granted * refused / turn.clears, credit.data["currency"])


# ------------------------------------------------------------------ instalments and disputes


def item_of(day: Day, number: str, fact: Fact, taken: Fraction, written_off: Fraction) -> Item:
    amount, currency = Fraction(fact.data["amount"]), fact.data["currency"]
    open_parts = less(instalments(day, number, fact), taken)
    disputed = disputes(day, number, [amount for _, amount in open_parts])
    parts = [
        Part(due, part, in_dispute, max((day.as_of - due).days, 0) if part else 0)
        for (due, part), in_dispute in zip(open_parts, disputed, strict=True)
    ]
    return Item(number, fact.data, currency, parts, amount - taken, written_off)


def instalments(day: Day, number: str, fact: Fact) -> list[tuple[date, Fraction]]:
    """Law 6: the terms of the day, earliest due first, made to add up from the last due backwards."""
    versions = day.versions("invoice", number)
    terms = versions[-1].data if versions else fact.data
    amount = Fraction(fact.data["amount"])
    if not terms.get("instalments"):
        return [(date.fromisoformat(terms["due"]), amount)]
    told = sorted(((date.fromisoformat(i["due"]), Fraction(i["amount"])) for i in terms["instalments"]), key=lambda i: i[0])
    excess = sum((part for _, part in told), ZERO) - amount
    if excess:
        day.odd("instalments_mismatch", "invoice", number)
    if excess < 0:
        return [*told[:-1], (told[-1][0], told[-1][1] - excess)]
    return less(told[::-1], excess)[::-1]


def less(parts: list[tuple[date, Fraction]], amount: Fraction) -> list[tuple[date, Fraction]]:
    """The parts after that amount was taken from them in list order, none below zero."""
    rest = []
    for due, part in parts:
        taken = min(part, amount)
        amount -= taken
        rest.append((due, part - taken))
    return rest


def disputes(day: Day, number: str, open_parts: list[Fraction]) -> list[Fraction]:
    """Law 5: the standing disputes cover no more than is open, latest due first."""
    standing = {name: fact for name, fact in day.standing("dispute").items() if fact.data["invoice"] == number}
    left = sum((Fraction(fact.data["amount"]) for fact in standing.values()), ZERO)
    covered = []
    for part in reversed(open_parts):
        covered.append(min(part, left))
        left -= covered[-1]
    return covered[::-1]


# ------------------------------------------------------------------ rows


def open_items(day: Day, items: list[Item]) -> list[Json]:
    rows = [row(day, item) for item in items if item.open]
    return sorted(rows, key=lambda r: (r["due"], r["document"]))


def row(day: Day, item: Item) -> Json:
    earliest = next(part for part in item.parts if part.open)
    shown = {
        "document": item.document,
        "kind": item.data.get("kind") or "invoice",
        "date": item.data["date"],
        "due": earliest.due.isoformat(),
        "amount": day.money(Fraction(item.data["amount"]), item.currency),
        "currency": item.currency,
        "open": day.money(item.open, item.currency),
        "open_account": day.money_or_null([(part.open, item.currency) for part in item.parts]),
        "disputed": day.money(sum((part.disputed for part in item.parts), ZERO), item.currency),
        "days_overdue": earliest.days_overdue,
    }
    if len(item.parts) > 1:
        shown["instalments"] = [{"due": p.due.isoformat(), "open": day.money(p.open, item.currency)} for p in item.parts]
    return shown
