"""Promises to pay as questions: how each of an account's stands on a day, which invoices they cover, and how a repayment plan is split."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

from exposure.figures import AccountOn
from exposure.rules.documents import OF_PROMISES, Key
from exposure.rules.promises import MISSING, PAID, STATES, TO_COME, made_of
from schemas.amounts import minor, shown

MONTHS, WEEKS = EVERY = ("month", "week")


def promised_invoices(on: AccountOn) -> set[str]:
    """The invoices of an account for which more is promised and to come on the day: of promises that are neither missed nor over."""
    keys = {item.document for item in on.promised if item.component == TO_COME}
    return {invoice for key in keys for invoice in made_of(on.promises[key])["invoices"]}


def promises_on(on: AccountOn) -> list[dict[str, Any]]:
    """Every promise that was made by the day, in the order they were made."""
    made = {item.document for item in on.promised}
    return [promise_on(on, key) for key in sorted(made, key=lambda key: on.promises[key][0].version)]


def promise_on(on: AccountOn, key: Key) -> dict[str, Any]:
    """How a promise stands: what of it was paid since, what is to come, and what is missed and still owed."""
    made = made_of(on.promises[key])
    said = {(item.component, item.item): amount for item, amount in on.promised.items() if item.document == key}
    states = {item: component.removeprefix(OF_PROMISES) for component, item in said if component.removeprefix(OF_PROMISES) in STATES}
    currency = made["currency"]
    to_come = sum(amount for (component, _), amount in said.items() if component == TO_COME)
    return {
        "promise": made["promise"],
        "date": made["date"],
        "currency": currency,
        "amount": shown(sum(minor(part["amount"], currency) for part in made["instalments"]), currency),
        "state": states[""],
        "paid": shown(said.get((PAID, ""), 0), currency),
        "to_come": shown(to_come, currency),
        "missing": shown(said.get((MISSING, ""), 0), currency),
        "invoices": made["invoices"],
        "instalments": [{**part, "state": states[str(place)]} for place, part in enumerate(made["instalments"], start=1)],
        "by": made["by"],
    }


def split(amount: int, instalments: int) -> list[int]:
    """Into equal parts, in minor units: the last one has what is left over."""
    part = amount // instalments
    return [part] * (instalments - 1) + [amount - part * (instalments - 1)]


def dues(first: str, every: str, instalments: int) -> list[str]:
    """So many days a week or a month apart; a month that lacks the day of the first ends it at its last."""
    start = date.fromisoformat(first)
    if every == WEEKS:
        return [(start + timedelta(weeks=place)).isoformat() for place in range(instalments)]
    return [months_later(start, place).isoformat() for place in range(instalments)]


def months_later(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last = (date(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day
    return date(year, month + 1, min(day.day, last))


def covering(items: Iterable[tuple[str, int]], amount: int) -> list[str]:
    """Of invoices with what is open of them, the first that together are at least the amount; all where they are less."""
    named: list[str] = []
    for invoice, open_ in items:
        if amount <= 0:
            break
        named.append(invoice)
        amount -= open_
    return named
