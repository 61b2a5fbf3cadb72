"""The figures of one day: a pure function of dated movements, the day, what was known, and the rates; the same for every question asked.

``exposure = orders + deliveries + receivables + unapplied + reserved`` (law 3). Every item is converted once, half-even, and every
sum adds converted items (law 12).
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple

from exposure.judgement import Judgement, Limit
from exposure.rules import orders, terms
from exposure.rules.documents import OF_PROMISES, SIGNS, Document
from exposure.rules.spans import ordinal
from schemas.amounts import decimal_text, divided, minor, shown
from schemas.currencies import DECIMALS
from schemas.facts import Fact
from schemas.policies import ADDS, CATEGORIES, DEFAULT, OFF, SHOWN, Policy, Rules

BUCKETS = ("not_due", "1-30", "31-60", "61-90", "91-120", "121+")
COMPONENTS = CATEGORIES
MONEY = (*COMPONENTS, "disputed", "written_off")
Rates = dict[str, tuple[int, int]]
"""Currency to (numerator, denominator): how many of the account's currency one unit buys."""


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
    texts: dict[str, list[Fact]] = field(default_factory=dict)
    limits: list[Fact] = field(default_factory=list)
    ended_limit: Fact | None = None
    protections: list[Fact] = field(default_factory=list)
    promises: dict[str, list[Fact]] = field(default_factory=dict)
    promised: dict[Item, int] = field(default_factory=dict)
    measures: list[Fact] = field(default_factory=list)

    @property
    def taken(self) -> set[str]:
        """What is done about the account, but for its limit."""
        return {measure.data["kind"] for measure in self.measures}

    @property
    def currencies(self) -> set[str]:
        """Every currency that has to be converted."""
        told = {item.currency for item in self.items} | {step.data["currency"] for step in self.limits}
        return told - {self.currency or ""}

    def rules_of(self, policy: Policy) -> Rules:
        return policy.rules_for(self.master.get("risk_class"), self.master.get("segment"))

    def currencies_under(self, policy: Policy) -> set[str]:
        """And those that a policy's own amounts and the protections it counts are in."""
        rules = self.rules_of(policy)
        counting = {step.data["currency"] for step in self.protections if getattr(rules.protection, step.data["kind"]) != SHOWN}
        return (self.currencies | counting | ({rules.currency} if rules.currency else set())) - {self.currency or ""}


def account_on(
    account: str,
    documents: Iterable[Document],
    day: str,
    *,
    version: int | None = None,
    first_currency: str | None = None,
    instant: str | None = None,
) -> AccountOn:
    """What the documents say on the day, as known at the account's ``version`` (all of it where ``None``); what ends at an instant has ended
    by ``instant`` (UTC, as facts have it; the last one of the day in the account's time zone where ``None``)."""
    limits: list[list[Fact]] = []
    protections: list[list[Fact]] = []
    measures: list[list[Fact]] = []
    customer: list[Fact] = []
    on = AccountOn(account, day, first_currency, {}, False)
    sums: dict[Item, int] = defaultdict(int)
    for document in documents:
        facts = document.facts if version is None else [fact for fact in document.facts if fact.version <= version]
        if document.kind == "limit":
            limits.append(facts)
        elif document.kind == "protection":
            protections.append(facts)
        elif document.kind == "measure":
            measures.append(facts)
        elif document.kind == "customer":
            customer = facts
        elif document.kind == "invoice":
            on.headers[document.key] = facts
        elif document.kind == "order":
            on.texts[document.key] = facts
        elif document.kind == "promise":
            on.promises[document.key] = facts
        for recorded, component, item, currency, due, begins, amount in document.moves:
            if begins <= day and (version is None or recorded <= version):
                sums[Item(component, "" if component == "unapplied" else document.key, item, currency, due)] += amount
    on.master = terms.master_data(customer, day)
    paid_in = (item.currency for item, amount in sums.items() if amount and item.component in MONEY)
    on.currency = on.master.get("currency", first_currency) or min(paid_in, default=None)
    if not on.master:
        on.anomalies.add(("unknown_customer", "customer", account))
    sort_out(on, sums, instant)
    on.blocked = terms.is_blocked(customer, day)
    on.measures = terms.measures_on(measures, day)
    on.limits, on.ended_limit = terms.limits_on(limits, day)
    steps = [step for facts in protections if (step := terms.step_on(facts, day)) and terms.in_force(step, day)]
    on.protections = sorted(steps, key=lambda step: str(step.data["protection"]))
    return on


def sort_out(on: AccountOn, sums: dict[Item, int], instant: str | None) -> None:
    for item, amount in sums.items():
        if amount == 0:
            continue
        if item.component == "reserved":
            instant = instant or terms.last_instant(on.day, on.master.get("timezone", "UTC"))
            if item.due <= instant:
                continue
        if item.component in MONEY:
            on.items[item] = amount
        elif item.component in SIGNS:
            continue  # alerts read it from the movements themselves
        elif item.component.startswith(OF_PROMISES):
            on.promised[item] = amount
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
    """The figures of an ``AccountOn`` under rates, and as a policy judges them; amounts are minor units of the account's currency."""

    def __init__(self, on: AccountOn, rates: Rates, policy: Policy = DEFAULT) -> None:
        self.on = on
        self.rates = rates
        self.policy = policy
        self.rules = on.rules_of(policy)
        self.currency = on.currency
        self.sums = dict.fromkeys(MONEY, 0)
        self.ageing = dict.fromkeys((*BUCKETS, "unapplied"), 0)
        self.converted: dict[Item, int | None] = {}
        self.overdue_amount = 0
        self.oldest_due: str | None = None
        self.missing: set[str] = set()
        disputed = {item: amount for item, amount in on.items.items() if item.component == "disputed"}
        for item, amount in on.items.items():
            value = self.converted[item] = converted(amount, item.currency, self.currency, rates)
            if value is None:
                self.missing.add(item.currency)
            else:
                self.sums[item.component] += value
                self.age(item, value)
            if item.component == "receivables" and amount > (disputed.get(Item("disputed", *item[1:]), 0) if disputed else 0):
                self.oldest_due = min(item.due, self.oldest_due or item.due)
        self.limit_step, self.limit = self.counting_limit(rates)
        self.beyond = self.beyond_horizon()
        self.judged = self.judgement()

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
        if self.on.limits or self.on.ended_limit or self.rules.limit is None:
            return step, amount
        return None, self.told(self.rules.limit) or "none"

    def told(self, amount: str) -> int | None:
        """An amount of the policy; ``None`` where there is no rate for it."""
        currency = str(self.rules.currency)
        value = converted(minor(amount, currency), currency, self.currency, self.rates)
        if value is None:
            self.missing.add(currency)
        return value

    def judgement(self) -> Judgement:
        """What counts under the policy, and how protection does."""
        sums = {ADDS: 0, OFF: 0}
        for step in self.on.protections:
            how, currency = getattr(self.rules.protection, step.data["kind"]), step.data["currency"]
            if how == SHOWN:
                continue
            value = converted(minor(step.data["amount"], currency), currency, self.currency, self.rates)
            if value is None:
                self.missing.add(currency)
            else:
                sums[how] += value
        gross = sum(self.sums[name] for name in self.rules.counts) - sum(self.beyond.values())
        return Judgement(gross, sums[OFF], sums[ADDS], self.limit)

    def beyond_horizon(self) -> dict[Item, int]:
        """The order lines that do not count yet: they are requested after the policy's horizon, and time alone lets them in."""
        days = self.rules.horizon_days
        if days is None:
            return {}
        last = (date.fromisoformat(self.on.day) + timedelta(days=days)).isoformat()
        lines = [item for item in self.converted if item.component == "orders"]
        requested = {key: orders.requested_days(self.on.texts[key], self.on.day) for key in {item.document for item in lines}}
        return {item: self.converted[item] or 0 for item in lines if requested[item.document].get(item.item, "") > last}

    @property
    def is_limit_of_class(self) -> bool:
        """Whether the account has no limit of its own, and its class lends it one."""
        return self.limit is not None and self.limit_step is None

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
            "policy": self.rules.policy,
            "judged": self.judged_shown(self.judged),
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

    def text(self, amount: int) -> str:
        return shown(amount, self.currency or "EUR")

    def limit_shown(self) -> dict[str, Any] | None:
        step = self.limit_step
        amount = self.text(self.limit) if isinstance(self.limit, int) else self.limit
        if step is None:
            return None if amount is None else {"amount": amount, "kind": "policy", "valid_to": None}
        return {"amount": amount, "kind": step.data["kind"], "valid_to": step.data.get("valid_to")}

    def judged_shown(self, judged: Judgement) -> dict[str, str | None]:
        """Gross and net: ``protection`` is what of it counts, ``limit`` has what it adds."""
        nothing = None if judged.limit is None else "none"
        return {
            "gross": self.text(judged.gross),
            "protection": self.text(judged.off + judged.adds),
            "limit": "unlimited" if judged.ceiling is None else self.text(judged.ceiling) if judged.ceiling else nothing,
            "net": self.text(judged.net),
            "available": None if judged.available is None else self.text(judged.available),
        }


def days_late(due: str, day: str) -> int:
    """As-of day − due day, at least 0: due today is 0 (law 5)."""
    return ordinal(day) - ordinal(due) if due < day else 0


def bucket(days: int) -> str:
    """The ageing bucket of an instalment so many days late (law 6)."""
    return "not_due" if days == 0 else BUCKETS[min((days - 1) // 30 + 1, 5)]
