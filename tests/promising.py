"""Promises to pay in the hands of a test: told as they are recorded, and judged by a small slow model written apart from the engine."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from exposure.ledger import records
from exposure.promises import promises_on
from schemas.told import ToldFact
from tests.folding import Books
from tests.model import Recorded, show

Json = dict[str, Any]
Terms = dict[str, str]
"""Days with amounts."""


def promised(number: str, day: str, terms: Terms, *invoices: str, account: str = "C-1001", currency: str = "EUR", **more: Any) -> ToldFact:
    """What was recorded at noon of a day."""
    parts = [{"due": due, "amount": amount} for due, amount in terms.items()]
    data = {"promise": number, "date": day, "currency": currency, "instalments": parts, "invoices": list(invoices), "by": "m.vogt"}
    data |= more
    return records.own_fact(account, "PromiseMade", number, f"{day}T12:00:00", data)


def withdrawn(number: str, day: str, *, account: str = "C-1001") -> ToldFact:
    data = {"promise": number, "date": day, "by": "m.vogt", "reason": "it was another customer's"}
    return records.own_fact(account, "PromiseWithdrawn", f"{number}:withdrawn", f"{day}T12:00:00", data)


def promises(books: Books, day: str, version: int | None = None, account: str = "C-1001") -> dict[str, Json]:
    """Every promise by its number, from only those documents that a store would load."""
    return {row["promise"]: row for row in promises_on(books.on(account, day, version))}


def slowly(events: list[Json], told: list[ToldFact], day: str, account: str = "C-1001") -> dict[str, tuple[str, list[str], str, str]]:
    """Of each promise its state, those of its instalments, what was paid of it, and what is missing: each day of it looked at by itself, with what
    the slow model of the account says of its invoices."""
    made = [fact.data for fact in told if fact.name == "PromiseMade"]
    return {one["promise"]: judged(events, told, one, made[place + 1 :], day, account) for place, one in enumerate(made) if one["date"] <= day}


def judged(events: list[Json], told: list[ToldFact], one: Json, newer: list[Json], day: str, account: str) -> tuple[str, list[str], str, str]:
    over = {fact.data["date"]: "withdrawn" for fact in told if fact.name == "PromiseWithdrawn" and fact.data["promise"] == one["promise"]}
    for other in newer:
        if set(other["invoices"]) & set(one["invoices"]):
            over.setdefault(max(other["date"], one["date"]), "replaced")
    end = min([when for when in over if when <= day], default=None)
    last = day if end is None else yesterday(end)
    seen = [sums(events, one, on, account) for on in days(one["date"], last)]
    states, asked, missing = [], Decimal(0), Decimal(0)
    for part in one["instalments"]:
        before, asked = asked, asked + Decimal(part["amount"])
        turns = [turn(paid, owed, before, asked) for on, paid, owed, _ in seen if on >= min(part["due"], last)]
        if part["due"] < (end or day):
            states.append(next(state for state in ("broken", "partly_kept", "kept") if state in turns))
        elif turns and turns[-1] == "kept":
            states.append("kept")
        else:
            states.append("open" if end is None else over[end])
        if end is None and part["due"] < day:
            _, paid, owed, left = seen[-1]
            missing = max(min(min(asked, owed) - paid, left), Decimal(0))
    whole = next(state for state in ("broken", "partly_kept", "open", "withdrawn", "replaced", "kept") if state in states)
    if end is not None and over[end] == "withdrawn":
        whole = "withdrawn"
    is_missed = whole in ("broken", "partly_kept")
    paid = min(seen[-1][1], asked) if seen else Decimal(0)
    return whole, states, f"{paid:.2f}", f"{missing if is_missed else Decimal(0):.2f}"


def turn(paid: Decimal, owed: Decimal, before: Decimal, asked: Decimal) -> str:
    if paid >= min(asked, owed) or owed <= before:
        return "kept"
    return "partly_kept" if paid > before else "broken"


def sums(events: list[Json], one: Json, on: str, account: str) -> tuple[str, Decimal, Decimal, Decimal]:
    """What was paid of a promise by the end of a day, what it was owed when it was made, and what is open."""
    paid = owed = left = Decimal(0)
    eve = yesterday(one["date"])
    for invoice in one["invoices"]:
        now, then = invoice_on(events, invoice, on, account), invoice_on(events, invoice, eve, account)
        if now is None:
            owed, left = owed + 10**9, left + 10**9
        elif now != "cancelled":
            amount, open_, written_off = now
            _, open_then, off_then = then if isinstance(then, tuple) else (amount, amount, Decimal(0))
            earlier = sum((Decimal(told["amount"]) for told in one.get("paid_before", ()) if told["invoice"] == invoice), Decimal(0))
            paid += max((amount - open_ - written_off) - (amount - open_then - off_then) - earlier, Decimal(0))
            owed, left = owed + max(open_then - earlier, Decimal(0)), left + open_
    return on, paid, owed, left


def invoice_on(events: list[Json], invoice: str, on: str, account: str) -> tuple[Decimal, Decimal, Decimal] | str | None:
    """Amount, what is open, what is written off; ``None`` where it is not there yet."""
    posted = [event for event in events if event["type"] == "erp.invoice.posted.v1" and event["data"]["invoice"] == invoice]
    if not posted or posted[0]["data"]["date"] > on:
        return None
    cancelled = [event["data"]["date"] for event in events if event["type"] == "erp.invoice.cancelled.v1" and event["data"]["invoice"] == invoice]
    if any(when <= on for when in cancelled):
        return "cancelled"
    alone = [event for event in events if concerns(event, invoice)]
    figures = show([Recorded(event) for event in alone], account, date.fromisoformat(on))
    assert figures is not None
    open_ = sum((Decimal(row["open"]) for row in figures["open_items"] if row["document"] == invoice), Decimal(0))
    return Decimal(posted[0]["data"]["amount"]), open_, Decimal(figures["written_off"])


def concerns(event: Json, invoice: str) -> bool:
    """All but other invoices and what is written off of them."""
    return event["type"] != "erp.write_off.posted.v1" or event["data"]["invoice"] == invoice


def days(first: str, last: str) -> list[str]:
    start = date.fromisoformat(first)
    return [(start + timedelta(days=place)).isoformat() for place in range((date.fromisoformat(last) - start).days + 1)]


def yesterday(day: str) -> str:
    return (date.fromisoformat(day) - timedelta(days=1)).isoformat()
