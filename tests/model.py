"""The judge: what an account owes on a day, worked out from nothing by the letter of the contract.

It keeps no state, knows nothing of the engine and hurries nowhere: `show` takes every event known, settles by told
order who stands, leaves out what is dated after the day, and adds up. `model_orders` holds laws 1 and 2,
`model_clearing` laws 5 to 8.
"""

from collections.abc import Iterable, Iterator
from datetime import date, datetime
from fractions import Fraction
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from tests import model_clearing, model_orders

Json = dict[str, Any]
Key = tuple[str, str, int | None]  # kind, number, version (None: the document itself)
ZERO = Fraction(0)
DECIMALS = {"JPY": 0, "KRW": 0, "CLP": 0, "VND": 0, "KWD": 3, "BHD": 3, "TND": 3, "OMR": 3, "JOD": 3}
MONEY_FIELDS = {"amount", "value", "quantity", "unit_price", "discount", "credit_amount", "rate"}
DOCUMENTS = {
    "delivery.posted": "delivery",
    "invoice.posted": "invoice",
    "credit_note.posted": "credit_note",
    "payment.received": "payment",
    "allocation.made": "allocation",
    "dispute.opened": "dispute",
    "write_off.posted": "write_off",
}
CANCELLATIONS = {
    "delivery.reversed": "delivery",
    "invoice.cancelled": "invoice",
    "credit_note.cancelled": "credit_note",
    "allocation.undone": "allocation",
    "dispute.resolved": "dispute",
    "write_off.reversed": "write_off",
}
VERSIONED = {
    "order.confirmed": "order",
    "order.amended": "order",
    "order.closed": "order",
    "order.reopened": "order",
    "invoice.terms_changed": "invoice",
    "limit.changed": "limit",
    "protection.changed": "protection",
    "customer.changed": "customer",
    "account.blocked": "block",
    "account.unblocked": "block",
}
RETURNS = {"payment.returned", "payment.return_cancelled"}
BUCKETS = [(0, "not_due"), (30, "1-30"), (60, "31-60"), (90, "61-90"), (120, "91-120")]


class Recorded(NamedTuple):
    """One event as it came: a parsed CloudEvents object."""

    event: Json


class Fact(NamedTuple):
    """An event in its place of told order, with the business day it counts from."""

    told: int
    type: str
    day: date
    data: Json


# ------------------------------------------------------------------ reading what was told


def told_events(recorded: Iterable[Recorded]) -> list[Json]:
    """Every event once, by (source, id), in told order."""
    once = {(r.event["source"], r.event["id"]): r.event for r in reversed(list(recorded))}
    return sorted(once.values(), key=lambda e: (instant(e), e["source"], e["id"]))


def instant(event: Json) -> datetime:
    return datetime.fromisoformat(event["time"])


def short_type(event: Json) -> str:
    return str(event["type"]).removeprefix("erp.").removesuffix(".v1")


def profile(events: list[Json]) -> tuple[str | None, ZoneInfo, bool]:
    """Law 14: the account's currency, its time zone, and whether the customer is known."""
    versions: dict[int, Json] = {}
    for event in events:
        if short_type(event) == "customer.changed":
            versions.setdefault(event["data"]["version"], event["data"])
    if versions:
        newest = versions[max(versions)]
        return newest["currency"], ZoneInfo(newest.get("timezone") or "UTC"), True
    currencies = [e["data"]["currency"] for e in events if e["data"].get("currency")]
    return (currencies[0] if currencies else None), ZoneInfo("UTC"), False


def day_of(event: Json, zone: ZoneInfo) -> date:
    data = event["data"]
    told = data.get("valid_from") or data.get("date")
    return date.fromisoformat(told) if told else instant(event).astimezone(zone).date()


def claims(fact: Fact, account: str) -> list[Key]:
    """The numbers, or versions of a number, that a fact claims. A posted invoice is version 0 of its own terms."""
    if fact.type in DOCUMENTS:
        kind = DOCUMENTS[fact.type]
        number = fact.data[kind]
        return [(kind, number, None), (kind, number, 0)] if kind == "invoice" else [(kind, number, None)]
    if fact.type in VERSIONED:
        kind = VERSIONED[fact.type]
        number = account if kind in ("customer", "block") else fact.data[kind]
        return [(kind, number, fact.data["version"])]
    return []


def same(one: Fact, other: Fact) -> bool:
    """Told twice with equal data; a confirmed and an amended order are one kind of text."""
    texts = {"order.confirmed", "order.amended"}
    alike = one.type == other.type or {one.type, other.type} <= texts
    return alike and plain(one.data) == plain(other.data)


def plain(value: Any, field: str = "") -> Any:
    """Data as values: a null field is an absent one, and "400", "400.0" and 400 are one amount."""
    if isinstance(value, dict):
        return {k: plain(v, k) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [plain(v, field) for v in value]
    if field in MONEY_FIELDS and value not in ("unlimited", "none"):
        return Fraction(value)
    return value


def rates_by(events: list[Json], day: date) -> dict[tuple[str, str], Fraction]:
    """Of each pair the latest rate dated by the day; of two of one day the last told."""
    published = [e["data"] for e in events if short_type(e) == "fx_rate.published"]
    dated = [d for d in published if date.fromisoformat(d["date"]) <= day]
    return {(d["base"], d["quote"]): Fraction(d["rate"]) for d in sorted(dated, key=lambda d: date.fromisoformat(d["date"]))}


# ------------------------------------------------------------------ one account on one day


class Day:
    """What stands of one account on one day, and what was found odd or missing while looking."""

    def __init__(self, account: str, events: list[Json], as_of: date) -> None:
        own = [e for e in events if e["subject"] == account and short_type(e) != "fx_rate.published"]
        self.account, self.as_of = account, as_of
        self.currency, zone, known = profile(own)
        self.rates = rates_by(events, as_of)
        self.facts = [Fact(n, short_type(e), day_of(e, zone), e["data"]) for n, e in enumerate(own)]
        self.anomalies: set[tuple[str, str, str]] = set()
        self.pending: set[tuple[str, str, str, str]] = set()
        self.first: dict[Key, Fact] = {}
        self.settle_clashes()
        self.gone = set(self.cancelled()) | set(self.returned())
        if not known:
            self.odd("unknown_customer", "customer", account)

    def settle_clashes(self) -> None:
        """Law 11: of two facts claiming one number the first told stands on every day."""
        for fact in self.facts:
            for key in claims(fact, self.account):
                first = self.first.setdefault(key, fact)
                if first is not fact and not same(first, fact) and fact.day <= self.as_of:
                    self.odd("number_clash", key[0], key[1])

    def cancelled(self) -> Iterator[tuple[str, str]]:
        for fact in self.facts:
            if fact.type in CANCELLATIONS and fact.day <= self.as_of:
                kind = CANCELLATIONS[fact.type]
                yield kind, fact.data[kind]

    def returned(self) -> Iterator[tuple[str, str]]:
        """Law 7: of the returns and cancelled returns by the day the last one decides."""
        by_day = sorted((f for f in self.facts if f.type in RETURNS and f.day <= self.as_of), key=lambda f: (f.day, f.told))
        last = {f.data["payment"]: f.type for f in by_day}
        return (("payment", number) for number, kind in last.items() if kind == "payment.returned")

    def odd(self, code: str, kind: str, document: str) -> None:
        self.anomalies.add((code, kind, document))

    # -- documents

    def dated(self, kind: str, number: str) -> bool:
        """Whether that document is there by the day, standing or not."""
        if kind == "order":
            return self.text(number) is not None
        fact = self.first.get((kind, number, None))
        return fact is not None and fact.day <= self.as_of

    def stands(self, kind: str, number: str) -> bool:
        return self.dated(kind, number) and (kind, number) not in self.gone

    def standing(self, kind: str) -> dict[str, Fact]:
        """The standing documents of a kind, by number."""
        return {key[1]: fact for key, fact in self.first.items() if key[0] == kind and key[2] is None and self.stands(kind, key[1])}

    def names(self, kind: str, document: str, names_kind: str, names: str) -> None:
        """A standing document names another one: pending while that one is not there."""
        if not self.dated(names_kind, names):
            self.pending.add((kind, document, names_kind, names))

    def versions(self, kind: str, number: str, *types: str) -> list[Fact]:
        """The standing versions dated by the day, lowest first; of some types only, where types are given."""
        keys = sorted((k[2], f) for k, f in self.first.items() if k[:2] == (kind, number) and k[2] is not None)
        return [f for _, f in keys if f.day <= self.as_of and (not types or f.type in types)]

    # -- orders (law 1)

    def texts(self, order: str) -> list[Json]:
        return [f.data for f in self.versions("order", order, "order.confirmed", "order.amended")]

    def text(self, order: str) -> Json | None:
        texts = self.texts(order)
        return texts[-1] if texts else None

    def closed(self, order: str) -> bool:
        steps = self.versions("order", order, "order.closed", "order.reopened")
        return bool(steps) and steps[-1].type == "order.closed"

    # -- currencies (law 12)

    def rounded(self, amount: Fraction, currency: str | None) -> Fraction:
        return Fraction(round(amount, decimals(currency)))  # Fraction rounds half to even

    def rate(self, currency: str) -> Fraction | None:
        """How many units of the account's currency one unit buys: direct, else inverted."""
        if currency == self.currency:
            return Fraction(1)
        direct = self.rates.get((currency, str(self.currency)))
        inverse = self.rates.get((str(self.currency), currency))
        return direct if direct is not None else 1 / inverse if inverse else None

    def converted(self, amount: Fraction, currency: str) -> Fraction | None:
        """One item in the account's currency, rounded once; None and an anomaly without a rate. 0 needs none."""
        if amount == 0:
            return ZERO
        rate = self.rate(currency)
        if rate is None:
            self.odd("missing_rate", "currency", currency)
            return None
        return self.rounded(amount * rate, self.currency)

    def total(self, items: Iterable[tuple[Fraction, str]]) -> Fraction:
        """The sum of converted items; what has no rate is left out."""
        return sum((c for c in [self.converted(a, cur) for a, cur in items] if c is not None), ZERO)

    def money(self, amount: Fraction, currency: str | None = None) -> str:
        return written(amount, decimals(currency or self.currency))

    def money_or_null(self, items: list[tuple[Fraction, str]]) -> str | None:
        """The sum of converted items of one document, null where a rate is missing."""
        parts = [self.converted(a, cur) for a, cur in items]
        return None if None in parts else self.money(sum((p for p in parts if p is not None), ZERO))


def decimals(currency: str | None) -> int:
    return DECIMALS.get(currency or "", 2)


def written(amount: Fraction, places: int) -> str:
    """A decimal string with exactly that many places, half-even, never "-0"."""
    units = round(amount * 10**places)
    digits = str(abs(units)).rjust(places + 1, "0")
    sign = "-" if units < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


# ------------------------------------------------------------------ limit (law 4)


class Limit(NamedTuple):
    """The limit that counts; amount None is unlimited, 0 is none."""

    amount: Fraction | None
    kind: str
    valid_to: str | None


def steps_of_the_day(day: Day) -> list[Fact]:
    """Of each limit number its highest version that has begun."""
    numbers = {key[1] for key in day.first if key[0] == "limit"}
    return [versions[-1] for n in sorted(numbers) if (versions := day.versions("limit", n))]


def limit_of(day: Day) -> Limit | None:
    steps = steps_of_the_day(day)
    in_force = [f for f in steps if not ended(f, day.as_of)]
    for fact in sorted(in_force, key=lambda f: (f.data["kind"] == "temporary", f.day, f.told), reverse=True):
        amount = limit_amount(day, fact.data)
        if amount != "no rate":
            return Limit(amount, fact.data["kind"], fact.data.get("valid_to"))
    if not steps or in_force:
        return None
    last = max(steps, key=lambda f: (date.fromisoformat(f.data["valid_to"]), f.told))
    return Limit(ZERO, last.data["kind"], last.data["valid_to"])


def ended(fact: Fact, as_of: date) -> bool:
    valid_to = fact.data.get("valid_to")
    return valid_to is not None and date.fromisoformat(valid_to) < as_of


def limit_amount(day: Day, data: Json) -> Any:
    """A Fraction in the account's currency, None for unlimited, or "no rate"."""
    if data["amount"] == "unlimited":
        return None
    if data["amount"] == "none":
        return ZERO
    amount = day.converted(Fraction(data["amount"]), data["currency"])
    return "no rate" if amount is None else amount


def against_the_limit(day: Day, limit: Limit | None, exposure: Fraction) -> Json:
    """`limit`, `available` and `utilisation`."""
    if limit is None:
        return {"limit": None, "available": day.money(-exposure), "utilisation": None}
    shown = {"amount": "unlimited", "kind": limit.kind, "valid_to": limit.valid_to}
    if limit.amount is None:
        return {"limit": shown, "available": None, "utilisation": None}
    shown["amount"] = day.money(limit.amount) if limit.amount else "none"
    used = written(exposure / limit.amount, 4) if limit.amount else None
    return {"limit": shown, "available": day.money(limit.amount - exposure), "utilisation": used}


def judged(day: Day, shown: Json) -> Json:
    """Under the default policy all of the exposure is judged, and protection changes nothing."""
    total, limit = shown["exposure"]["total"], shown["limit"] and shown["limit"]["amount"]
    return {"gross": total, "protection": day.money(ZERO), "limit": limit, "net": total, "available": shown["available"]}


# ------------------------------------------------------------------ the document


def is_blocked(day: Day) -> bool:
    steps = day.versions("block", day.account)
    return bool(steps) and steps[-1].type == "account.blocked"


def bucket(days: int) -> str:
    return next((name for most, name in BUCKETS if days <= most), "121+")


def ageing(day: Day, items: list[model_clearing.Item], unapplied: Fraction) -> dict[str, str]:
    """Law 6: the open part of each instalment by the days it is overdue."""
    parts: dict[str, list[tuple[Fraction, str]]] = {name: [] for name in [n for _, n in BUCKETS] + ["121+"]}
    for item in items:
        for part in item.parts:
            parts[bucket(part.days_overdue)].append((part.open, item.currency))
    sums = {name: day.money(day.total(of)) for name, of in parts.items()}
    return sums | {"unapplied": day.money(unapplied)}


def show(recorded: list[Recorded], account: str, as_of: date) -> Json | None:
    """The document of `exposure show` but for known_at, dead_letters, alerts and sources; None for an unknown account."""
    day = Day(account, told_events(recorded), as_of)
    if not day.facts:
        return None
    goods = model_orders.goods(day)
    clearing = model_clearing.clear(day)
    parts = [(part, item.currency) for item in clearing.items for part in item.parts]
    exposure = {
        "orders": day.total(goods.orders),
        "deliveries": day.total(goods.deliveries),
        "receivables": day.total((p.open, cur) for p, cur in parts),
        "unapplied": -day.total(clearing.remainders),
        "reserved": ZERO,
    }
    total = sum(exposure.values(), ZERO)
    figures = {
        "account": account,
        "currency": day.currency,
        "as_of": as_of.isoformat(),
        "exposure": {name: day.money(amount) for name, amount in (exposure | {"total": total}).items()},
        **against_the_limit(day, limit_of(day), total),
        "policy": "default",
        "days_overdue": max((p.days_overdue for p, _ in parts if p.open > p.disputed), default=0),
        "overdue_amount": day.money(day.total((p.open, cur) for p, cur in parts if p.days_overdue > 0)),
        "disputed": day.money(day.total((p.disputed, cur) for p, cur in parts)),
        "written_off": day.money(day.total((item.written_off, item.currency) for item in clearing.items)),
        "ageing": ageing(day, clearing.items, exposure["unapplied"]),
        "open_items": model_clearing.open_items(day, clearing.items),
        "open_orders": goods.open_orders,
        "blocked": is_blocked(day),
        **whats_odd(day),  # last: everything above may find something
    }
    return figures | {"judged": judged(day, figures)}


def whats_odd(day: Day) -> Json:
    return {
        "pending": [dict(zip(("kind", "document", "names_kind", "names"), row, strict=True)) for row in sorted(day.pending)],
        "anomalies": [dict(zip(("code", "kind", "document"), row, strict=True)) for row in sorted(day.anomalies)],
    }
