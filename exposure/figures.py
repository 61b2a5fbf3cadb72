"""The figures of one day: a pure function of dated movements, the day, what was known, and the rates; the same for every question asked.

``exposure = orders + deliveries + receivables + unapplied + reserved`` (law 3). Every item is converted once, half-even, and every
sum adds converted items (law 12).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any, NamedTuple

from exposure.rules import invoices, terms
from exposure.rules.documents import SIGNS, Document
from schemas.amounts import decimal_text, divided, minor, shown
from schemas.currencies import DECIMALS
from schemas.facts import Fact

BUCKETS = ("not_due", "1-30", "31-60", "61-90", "91-120", "121+")
COMPONENTS = ("orders", "deliveries", "receivables", "unapplied", "reserved")
MONEY = ("orders", "deliveries", "receivables", "unapplied", "disputed", "written_off")
Rates = dict[str, tuple[int, int]]
"""Currency to (numerator, denominator): how many of the account's currency one unit buys."""

Limit = int | str | None
"""Minor units, ``"unlimited"``, ``"none"``, or ``None`` where no limit was ever set."""


class Item(NamedTuple):
    """What is converted once: part of a figure, of one document, due on one day."""

    component: str
    document: str
    item: str
    currency: str
    due: str


@dataclass(slots=True)
class AccountOn:
    """One account on one day as known at one version: what its documents say, before any rate."""

    account: str
    day: str
    currency: str | None
    master: dict[str, Any]
    blocked: bool
    items: dict[Item, int] = field(default_factory=dict)
    pending: set[tuple[str, str, str, str]] = field(default_factory=set)
    anomalies: set[tuple[str, str, str]] = field(default_factory=set)
    headers: dict[str, list[Fact]] = field(default_factory=dict)
    limits: list[Fact] = field(default_factory=list)
    ended_limit: Fact | None = None
    protections: list[Fact] = field(default_factory=list)

    @property
    def currencies(self) -> set[str]:
        """Every currency that has to be converted."""
        told = {item.currency for item in self.items} | {step.data["currency"] for step in self.limits}
        return told - {self.currency or ""}


def account_on(account: str, documents: Iterable[Document], day: str, *, version: int | None = None, first_currency: str | None = None) -> AccountOn:
    """What the documents say on the day, as known at the account's ``version`` (all of it where ``None``)."""
    limits: list[list[Fact]] = []
    protections: list[list[Fact]] = []
    customer: list[Fact] = []
    on = AccountOn(account, day, first_currency, {}, False)
    sums: dict[Item, int] = defaultdict(int)
    for document in documents:
        facts = document.facts if version is None else [fact for fact in document.facts if fact.version <= version]
        if document.kind == "limit":
            limits.append(facts)
        elif document.kind == "protection":
            protections.append(facts)
        elif document.kind == "customer":
            customer = facts
        elif document.kind == "invoice":
            on.headers[document.key] = facts
        for move in document.moves:
            if move.day <= day and (version is None or move.version <= version):
                sums[Item(move.component, "" if move.component == "unapplied" else document.key, move.item, move.currency, move.due)] += move.amount
    sort_out(on, sums)
    on.master = terms.master_data(customer, day)
    on.currency = on.master.get("currency", first_currency)
    if not on.master:
        on.anomalies.add(("unknown_customer", "customer", account))
    on.blocked = terms.is_blocked(customer, day)
    on.limits, on.ended_limit = terms.limits_on(limits, day)
    steps = [step for facts in protections if (step := terms.step_on(facts, day)) and terms.in_force(step, day)]
    on.protections = sorted(steps, key=lambda step: str(step.data["protection"]))
    return on


def sort_out(on: AccountOn, sums: dict[Item, int]) -> None:
    for item, amount in sums.items():
        if amount == 0:
            continue
        if item.component in MONEY:
            on.items[item] = amount
        elif item.component in SIGNS:
            continue  # alerts read it from the movements themselves
        elif item.component.startswith("pending:"):
            kind, _, number = item.item.partition(":")
            on.pending.add((kind, number, item.component.partition(":")[2], item.document.partition(":")[2]))
        else:
            kind, _, number = item.item.partition(":")
            on.anomalies.add((item.component.partition(":")[2], kind, number))


def converted(amount: int, currency: str, into: str | None, rates: Rates) -> int | None:
    """Minor units of ``into``, half-even; ``None`` where no rate is known."""
    if currency == into:
        return amount
    rate = rates.get(currency)
    if rate is None or into is None:
        return None
    numerator, denominator = rate
    return divided(amount * numerator * 10 ** DECIMALS[into], denominator * 10 ** DECIMALS[currency])


def counting(limits: list[Fact], ended: Fact | None, into: str | None, rates: Rates) -> tuple[Fact | None, Limit, set[str]]:
    """The first limit in force whose amount can be told in the account's currency; else the one that ended last, as none. And what lacks a rate."""
    missing: set[str] = set()
    for step in limits:
        amount, currency = step.data["amount"], step.data["currency"]
        if amount in ("none", "unlimited"):
            return step, amount, missing
        told = minor(amount, currency)
        value = converted(told, currency, into, rates) if told else 0
        if value is not None:
            return step, value or "none", missing
        missing.add(currency)
    return ended, "none" if ended else None, missing


class Figures:
    """The figures of an ``AccountOn`` under rates; amounts are minor units of the account's currency."""

    def __init__(self, on: AccountOn, rates: Rates) -> None:
        self.on = on
        self.currency = on.currency
        self.sums = dict.fromkeys((*MONEY, "reserved"), 0)
        self.ageing = dict.fromkeys((*BUCKETS, "unapplied"), 0)
        self.converted: dict[Item, int | None] = {}
        self.overdue_amount = 0
        self.oldest_due: str | None = None
        self.missing: set[str] = set()
        for item, amount in on.items.items():
            value = self.converted[item] = converted(amount, item.currency, self.currency, rates)
            if value is None:
                self.missing.add(item.currency)
            else:
                self.sums[item.component] += value
                self.age(item, value)
            if item.component == "receivables" and amount > on.items.get(item._replace(component="disputed"), 0):
                self.oldest_due = min(item.due, self.oldest_due or item.due)
        self.limit_step, self.limit = self.counting_limit(rates)

    def age(self, item: Item, value: int) -> None:
        if item.component == "receivables":
            late = days_late(item.due, self.on.day)
            self.ageing[bucket(late)] += value
            self.overdue_amount += value if late else 0
        elif item.component == "unapplied":
            self.ageing["unapplied"] += value

    def counting_limit(self, rates: Rates) -> tuple[Fact | None, Limit]:
        step, amount, missing = counting(self.on.limits, self.on.ended_limit, self.currency, rates)
        self.missing |= missing
        return step, amount

    @property
    def total(self) -> int:
        return sum(self.sums[component] for component in COMPONENTS)

    @property
    def available(self) -> int | None:
        if self.limit == "unlimited":
            return None
        return (self.limit if isinstance(self.limit, int) else 0) - self.total

    @property
    def utilisation(self) -> str | None:
        if not isinstance(self.limit, int):
            return None
        return decimal_text(divided(self.total * 10**4, self.limit), 4)

    @property
    def days_overdue(self) -> int:
        return days_late(self.oldest_due, self.on.day) if self.oldest_due else 0

    def summary(self) -> dict[str, Any]:
        """The account's figures as the contract shows them, without its items."""
        on = self.on
        return {
            "account": on.account,
            "currency": self.currency,
            "as_of": on.day,
            "limit": self.limit_shown(),
            "exposure": {**{name: self.text(self.sums[name]) for name in COMPONENTS}, "total": self.text(self.total)},
            "available": None if self.available is None else self.text(self.available),
            "utilisation": self.utilisation,
            "days_overdue": self.days_overdue,
            "overdue_amount": self.text(self.overdue_amount),
            "disputed": self.text(self.sums["disputed"]),
            "written_off": self.text(self.sums["written_off"]),
            "ageing": {name: self.text(amount) for name, amount in self.ageing.items()},
            "blocked": on.blocked,
        }

    def findings(self) -> dict[str, Any]:
        """What is pending, and anomalies: currencies without a rate are left out of the sums in plain sight."""
        anomalies = self.on.anomalies | {("missing_rate", "currency", currency) for currency in self.missing}
        return {
            "pending": [
                {"kind": kind, "document": number, "names_kind": names_kind, "names": names}
                for kind, number, names_kind, names in sorted(self.on.pending)
            ],
            "anomalies": [{"code": code, "kind": kind, "document": number} for code, kind, number in sorted(anomalies)],
        }

    def items(self) -> dict[str, Any]:
        """Open items, open orders, and the protections in force."""
        return {
            "open_items": self.open_items(),
            "open_orders": self.open_orders(),
            "protection": [self.protection_shown(step) for step in self.on.protections],
        }

    def text(self, amount: int) -> str:
        return shown(amount, self.currency or "EUR")

    def limit_shown(self) -> dict[str, Any] | None:
        step = self.limit_step
        if step is None:
            return None
        amount = self.text(self.limit) if isinstance(self.limit, int) else self.limit
        return {"amount": amount, "kind": step.data["kind"], "valid_to": step.data.get("valid_to")}

    @staticmethod
    def protection_shown(step: Fact) -> dict[str, Any]:
        fields = ("protection", "kind", "amount", "currency", "valid_from", "valid_to", "provider")
        return {name: step.data.get(name) for name in fields}

    def open_items(self) -> list[dict[str, Any]]:
        parts: dict[str, list[Item]] = defaultdict(list)
        for item in self.on.items:
            if item.component == "receivables":
                parts[item.document].append(item)
        rows = [self.open_item(key, sorted(items, key=lambda item: item.due)) for key, items in parts.items()]
        return sorted(rows, key=lambda row: (row["due"], row["document"]))

    def open_item(self, key: str, parts: list[Item]) -> dict[str, Any]:
        amounts = self.on.items
        data = invoices.header(self.on.headers[key])
        currency = data["currency"]
        in_account = [self.converted[part] for part in parts]
        disputed = sum(amounts.get(part._replace(component="disputed"), 0) for part in parts)
        known = [value for value in in_account if value is not None]
        row = {
            "document": data["invoice"],
            "kind": data["kind"],
            "date": data["date"],
            "due": parts[0].due,
            "amount": data["amount"],
            "currency": currency,
            "open": shown(sum(amounts[part] for part in parts), currency),
            "open_account": self.text(sum(known)) if len(known) == len(parts) else None,
            "disputed": shown(disputed, currency),
            "days_overdue": days_late(parts[0].due, self.on.day),
        }
        terms_told, _ = invoices.terms_of(self.on.headers[key])
        instalments, _ = invoices.instalments_on(terms_told, minor(data["amount"], currency), currency, self.on.day)
        if len(instalments) > 1:
            still_open = invoices.open_parts(instalments, sum(amounts[part] for part in parts))
            row["instalments"] = [{"due": due, "open": shown(part, currency)} for due, part in still_open]
        return row

    def open_orders(self) -> list[dict[str, Any]]:
        orders: dict[tuple[str, str], list[Item]] = defaultdict(list)
        for item in self.on.items:
            if item.component == "orders":
                orders[item.document.partition(":")[2], item.currency].append(item)
        rows = []
        for (order, currency), lines in sorted(orders.items()):
            known = [value for line in lines if (value := self.converted[line]) is not None]
            rows.append(
                {
                    "order": order,
                    "open": shown(sum(self.on.items[line] for line in lines), currency),
                    "currency": currency,
                    "open_account": self.text(sum(known)) if len(known) == len(lines) else None,
                }
            )
        return rows


def days_late(due: str, day: str) -> int:
    """As-of day − due day, at least 0: due today is 0 (law 5)."""
    return max(date.fromisoformat(day).toordinal() - date.fromisoformat(due).toordinal(), 0)


def bucket(days: int) -> str:
    """The ageing bucket of an instalment so many days late (law 6)."""
    return "not_due" if days == 0 else BUCKETS[min((days - 1) // 30 + 1, 5)]
