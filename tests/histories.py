"""Histories dense in what can go wrong: few numbers, days and amounts, so that facts meet, overtake and contradict.

Hypothesis draws a theme and a plain list of short byte strings. Each string is read as the choices of one event, a
smaller byte being an earlier and simpler option, so that shrinking drops events and simplifies the rest. Every event
is valid by the contract.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_DOWN, Decimal
from typing import Any, NamedTuple, TypeVar

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Json = dict[str, Any]
T = TypeVar("T")

FIRST_DAY = date(2026, 1, 5)
ACCOUNTS = ("C-1", "C-2")
SOURCES = ("/erp/1000", "/erp/2000", "/crm")
CURRENCIES = ("EUR",) * 14 + ("USD", "USD", "JPY", "KWD")
DECIMALS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
UNITS = (100, 10, 20, 25, 30, 33, 40, 50, 60, 75, 100, 150, 400, 1, 0)
ENDINGS = {0: ("",), 2: ("", ".00", ".5", ".33", ".01"), 3: ("", ".000", ".125", ".001")}
QUANTITIES = ("10", "5", "4", "3", "2", "1", "2.5", "0.333", 6, "7.0", "0")
PRICES = ("10", "9.99", "20.00", "3.333333333", "7.125", 12, "33.333", "0.005")
PAIRS = (("USD", "EUR"), ("EUR", "USD"), ("EUR", "JPY"), ("JPY", "EUR"), ("KWD", "EUR"), ("USD", "JPY"))
RATES = ("2", "1.10", "0.9", "0.005", "160", "1.083333333")
NUMBERS = ("1", "1", "1", "2", "2", "3")
LINES = ("1", "2", "10")
VERSIONS = (1, 2, 3, 4, 10, 0)
SELDOM = (False,) * 7 + (True,)
AMOUNT_FIELDS = ("amount", "value", "discount", "credit_amount", "quantity", "unit_price", "rate")


class Choices:
    """Reads drawn bytes as choices: byte 0, and no byte left, is the first option.

    Narrow ones name the same order, delivery and currency again and again.
    """

    def __init__(self, drawn: bytes, narrow: bool) -> None:
        self.left, self.narrow = list(reversed(drawn)), narrow

    def among(self, options: Sequence[T]) -> T:
        return options[(self.left.pop() if self.left else 0) * len(options) // 256]

    def yes(self) -> bool:
        return self.among((False, True))

    def seldom(self) -> bool:
        return self.among(SELDOM)

    def few(self) -> str:
        return self.among(("1",) if self.narrow else ("1", "1", "2"))

    def line(self) -> Json:
        return self.among(({"line": "1"}, {"line": "2"}, {}) if self.narrow else ({"line": "1"}, {"line": "2"}, {"line": "10"}, {}))

    def currency(self) -> str:
        return self.among(("EUR",) if self.narrow else CURRENCIES)

    def amount(self, currency: str) -> str | int:
        """A decimal string, now and then an integer, with no more decimals than the currency has."""
        endings = ENDINGS[DECIMALS[currency]]
        units, ending = self.among(UNITS), self.among(endings)
        return units if not ending and units % 2 else f"{units}{ending}"

    def whole(self) -> str:
        """An amount that is valid in every currency, for what does not say its own."""
        return str(self.among(UNITS))

    def several(self, least: int, most: int) -> Iterator[int]:
        return iter(range(self.among(range(least, most + 1))))

    def soon(self) -> int:
        """The day of a document: mostly in the first two weeks."""
        return self.late() if self.seldom() else self.among(range(12))

    def late(self) -> int:
        return self.among((50, -20, 70, 100, 130)) if self.seldom() else self.among(range(26))


# ------------------------------------------------------------------ goods


def order_text(pick: Choices) -> Json:
    currency, first = pick.currency(), pick.among(range(3))
    lines = [{"line": LINES[(first + n) % 3]} | ordered(pick, currency) for n in pick.several(1, 3)]
    return {"order": pick.few(), "version": pick.among(VERSIONS), "currency": currency, "lines": lines}


def ordered(pick: Choices, currency: str) -> Json:
    if pick.among((True, False, False)):
        return {"value": pick.amount(currency)}
    return {"quantity": pick.among(QUANTITIES), "unit_price": pick.among(PRICES)}


def order_step(pick: Choices) -> Json:
    return {"order": pick.few(), "version": pick.among(VERSIONS)}


def order_closed(pick: Choices) -> Json:
    return order_step(pick) | {"reason": pick.among(("completed", "cancelled"))}


def of_order(pick: Choices) -> Json:
    return {"order": pick.few()} | pick.line()


def of_delivery(pick: Choices) -> Json:
    """A delivery alone; a line beside it means nothing."""
    return {"delivery": pick.few()} | ({"line": pick.among(LINES)} if pick.seldom() else {})


def of_delivered_line(pick: Choices) -> Json:
    return of_order(pick) | {"delivery": pick.few()}


def how_much(pick: Choices, currency: str) -> Json:
    return {"quantity": pick.among(QUANTITIES)} if pick.yes() else {"value": pick.amount(currency)}


def delivery(pick: Choices) -> Json:
    currency = pick.currency()
    lines = [({} if pick.among(SELDOM) else of_order(pick)) | how_much(pick, currency) for _ in pick.several(1, 3)]
    return {"delivery": pick.few(), "currency": currency, "lines": lines}


def billed(pick: Choices, currency: str, least: int, most: int) -> Json:
    places = (of_order, of_delivery, of_delivered_line, of_delivery)
    lines = [pick.among(places)(pick) | how_much(pick, currency) for _ in pick.several(least, most)]
    return {"lines": lines} if lines else {}


# ------------------------------------------------------------------ open items and credits


def invoice(pick: Choices) -> Json:
    currency = pick.currency()
    data: Json = {"invoice": pick.among(NUMBERS), "currency": currency, "amount": pick.amount(currency)} | billed(pick, currency, 0, 3)
    for line in data.get("lines", []):
        if pick.seldom():
            line["final"] = True
    if pick.yes():
        data["kind"] = pick.among(("invoice", "debit_memo", "down_payment", "fee", "interest"))
    terms = terms_of(pick, currency)
    return data | (fitting(terms, Decimal(data["amount"]), DECIMALS[currency]) if pick.yes() else terms)


def terms_of(pick: Choices, currency: str) -> Json:
    """Due days count from the document's day; they become dates when that day is known."""
    if pick.yes():
        return {"instalments": [{"due": pick.among(range(-5, 61)), "amount": pick.amount(currency)} for _ in pick.several(1, 3)]}
    return {"due": pick.among(range(-5, 61))}


def fitting(terms: Json, amount: Decimal, places: int) -> Json:
    """Instalments that add up: equal parts, the last one takes the rest."""
    parts = terms.get("instalments")
    if not parts:
        return terms
    each = (amount / len(parts)).quantize(Decimal(1).scaleb(-places), ROUND_DOWN)
    sums = [each] * (len(parts) - 1) + [amount - each * (len(parts) - 1)]
    return {"instalments": [part | {"amount": str(one)} for part, one in zip(parts, sums, strict=True)]}


def terms_changed(pick: Choices) -> Json:
    return {"invoice": pick.among(NUMBERS), "version": pick.among(VERSIONS)} | terms_of(pick, "JPY")


def allocation_in(pick: Choices, currency: str) -> Json:
    """One inside a credit. Beside a `credit_amount` the item may be in any currency, so its amount is whole."""
    if pick.among((False, False, True)):
        return {"invoice": pick.among(NUMBERS), "amount": pick.whole(), "credit_amount": pick.amount(currency)}
    return {"invoice": pick.among(NUMBERS), "amount": pick.amount(currency)}


def payment(pick: Choices) -> Json:
    currency = pick.currency()
    data: Json = {"payment": pick.few(), "currency": currency, "amount": pick.amount(currency)}
    allocations = [allocation_in(pick, currency) for _ in pick.several(0, 3)]
    for one in allocations:
        if pick.yes():
            one["discount"] = pick.among(("2", "10", "30"))
    if pick.among((False, False, True)):
        data["value_date"] = dated(pick.among(range(31)))
    return data | ({"allocations": allocations} if allocations else {})


def credit_note(pick: Choices) -> Json:
    currency = pick.currency()
    data = {"credit_note": pick.few(), "currency": currency, "amount": pick.amount(currency)} | billed(pick, currency, 0, 2)
    allocations = [allocation_in(pick, currency) for _ in pick.several(0, 2)]
    return data | ({"allocations": allocations} if allocations else {})


def allocation(pick: Choices) -> Json:
    data = {
        "allocation": pick.among(NUMBERS),
        "credit": pick.few(),
        "invoice": pick.among(NUMBERS),
        "amount": pick.whole(),
    }
    data |= pick.among(({}, {}, {"credit_kind": "payment"}, {"credit_kind": "credit_note"}))
    return data | ({"credit_amount": pick.whole()} if pick.among((False, False, True)) else {})


def dispute(pick: Choices) -> Json:
    return {"dispute": pick.few(), "invoice": pick.among(NUMBERS), "amount": pick.whole()}


def write_off(pick: Choices) -> Json:
    return {"write_off": pick.few(), "invoice": pick.among(NUMBERS), "amount": pick.whole()}


def naming(kind: str) -> Callable[[Choices], Json]:
    """What cancels or returns a document needs no more than its number."""
    return lambda pick: {kind: pick.among(NUMBERS)}


# ------------------------------------------------------------------ the account


def customer(pick: Choices) -> Json:
    zone = pick.among((None, "Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles"))
    data = {
        "version": pick.among(VERSIONS),
        "name": pick.among(("Acme", "Acme Ltd")),
        "currency": pick.among(("EUR",) * 4 + ("USD", "JPY")),
    }
    return data | ({"timezone": zone} if zone else {}) | ({"undated": True} if pick.yes() else {})


def limit(pick: Choices) -> Json:
    data = {
        "limit": pick.among(("1", "2", "3")),
        "version": pick.among(VERSIONS),
        "kind": pick.among(("base", "temporary")),
    }
    currency = pick.currency()
    amount = pick.among(("unlimited", "none")) if pick.seldom() else pick.amount(currency)
    return data | {"amount": amount, "currency": currency} | validity(pick)


def protection(pick: Choices) -> Json:
    data = {
        "protection": pick.few(),
        "version": pick.among(VERSIONS),
        "kind": pick.among(("insurance", "guarantee", "collateral")),
    }
    return data | {"amount": pick.whole(), "currency": pick.currency()} | validity(pick)


def validity(pick: Choices) -> Json:
    return {"valid_to": pick.among(range(41))} if pick.yes() else {}


def block(pick: Choices) -> Json:
    return {"version": pick.among(VERSIONS)} | pick.among(({}, {"reason": "late"}))


def rate(pick: Choices) -> Json:
    base, quote = pick.among(PAIRS)
    return {"base": base, "quote": quote, "rate": pick.among(RATES)}


# ------------------------------------------------------------------ events

WRITERS: dict[str, Callable[[Choices], Json]] = {
    "customer.changed": customer,
    "order.confirmed": order_text,
    "order.amended": order_text,
    "order.closed": order_closed,
    "order.reopened": order_step,
    "delivery.posted": delivery,
    "delivery.reversed": naming("delivery"),
    "invoice.posted": invoice,
    "invoice.cancelled": naming("invoice"),
    "invoice.terms_changed": terms_changed,
    "credit_note.posted": credit_note,
    "credit_note.cancelled": naming("credit_note"),
    "payment.received": payment,
    "payment.returned": naming("payment"),
    "payment.return_cancelled": naming("payment"),
    "allocation.made": allocation,
    "allocation.undone": naming("allocation"),
    "dispute.opened": dispute,
    "dispute.resolved": naming("dispute"),
    "write_off.posted": write_off,
    "write_off.reversed": naming("write_off"),
    "limit.changed": limit,
    "protection.changed": protection,
    "account.blocked": block,
    "account.unblocked": block,
    "fx_rate.published": rate,
}
SOON = {
    "order.confirmed",
    "order.amended",
    "delivery.posted",
    "invoice.posted",
    "payment.received",
    "credit_note.posted",
    "fx_rate.published",
}
CANCELLING = {name for name in WRITERS if name.rsplit(".")[1] in ("reversed", "cancelled", "undone", "resolved", "returned", "return_cancelled")}


class Drawn(NamedTuple):
    """One event to be: what it says, and the words around it."""

    type: str
    account: str
    source: str
    moment: int
    day: int
    data: Json


def written(kind: str, pick: Choices, one_account: bool) -> Drawn:
    account, source, moment = pick.among((0, 0, 0, 1)), pick.among(SOURCES), pick.among(range(61))
    day = pick.soon() if kind in SOON else pick.late()
    return Drawn(kind, ACCOUNTS[0 if one_account else account], source, moment, day, WRITERS[kind](pick))


def numbered_apart(one: Drawn, claimed: set[tuple[Any, ...]]) -> Drawn:
    """Takes the next free number or version: clashes are left to `told_again`, lest they drown all else."""
    kind = one.type.split(".")[0]
    field = "version" if "version" in one.data else kind
    if one.type in CANCELLING or field not in one.data:
        return one
    pool = [one.data[field], *(VERSIONS if field == "version" else ("2", "3", "4"))]
    keys = [(one.account, kind, one.data.get(kind) if field == "version" else None, value) for value in pool]
    free = next((n for n, key in enumerate(keys) if key not in claimed), 0)
    claimed.add(keys[free])
    return one._replace(data=one.data | {field: pool[free]})


def event_of(one: Drawn, position: int) -> Json:
    data = with_dates(one)
    return {
        "specversion": "1.0",
        "id": f"e{position}",
        "source": one.source,
        "type": f"erp.{one.type}.v1",
        "subject": data["base"] if one.type == "fx_rate.published" else one.account,
        "time": time_of(one.moment, position),
        "data": data,
    }


def dated(offset: int) -> str:
    return (FIRST_DAY + timedelta(days=offset)).isoformat()


def with_dates(one: Drawn) -> Json:
    data = dict(one.data)
    if data.pop("undated", False):
        return data
    for field in ("due", "valid_to"):
        if field in data:
            data[field] = dated(one.day + data[field])
    if "instalments" in data:
        data["instalments"] = [part | {"due": dated(one.day + part["due"])} for part in data["instalments"]]
    return data | {"valid_from" if one.type in ("limit.changed", "protection.changed") else "date": dated(one.day)}


def time_of(moment: int, position: int) -> str:
    """A time on a grid of sixteen hours; the same instant is written in several ways."""
    at = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(hours=16 * moment)
    if position % 5 == 1:
        return at.astimezone(timezone(timedelta(hours=2))).isoformat()
    return at.isoformat().replace("+00:00", "Z") if position % 5 else at.isoformat(timespec="milliseconds")


# ------------------------------------------------------------------ told again

SIBLINGS = {"erp.order.confirmed.v1": "erp.order.amended.v1", "erp.account.blocked.v1": "erp.account.unblocked.v1"}


def told_again(pick: Choices, events: list[Json]) -> Json:
    """An earlier event under a new id: with equal data, with the same values spelled otherwise, or contradicting it."""
    position, first = len(events), pick.among(events)
    kind = SIBLINGS.get(first["type"], first["type"]) if pick.yes() else first["type"]
    data = pick.among((equal, respelled, changed_date, changed_amount))(first["data"])
    told = {
        "id": f"e{position}",
        "type": kind,
        "source": pick.among(SOURCES),
        "time": time_of(pick.among(range(61)), position),
    }
    return {**first, **told, "data": data}


def equal(data: Json) -> Json:
    return dict(data)


def respelled(data: Json) -> Json:
    """The same values in other words: another zero, a null where a field was absent."""
    return {**spelled_otherwise(data), "comment": None}


def spelled_otherwise(value: Any, field: str = "") -> Any:
    if isinstance(value, dict):
        return {name: spelled_otherwise(of, name) for name, of in value.items()}
    if isinstance(value, list):
        return [spelled_otherwise(of) for of in value]
    if field in AMOUNT_FIELDS and value not in ("unlimited", "none"):
        return f"{value}0" if "." in str(value) else f"{value}.0"
    return value


def changed_date(data: Json) -> Json:
    return data | {field: (date.fromisoformat(data[field]) + timedelta(days=-3)).isoformat() for field in ("date", "valid_from") if field in data}


def changed_amount(data: Json) -> Json:
    return data | ({"amount": "55"} if "amount" in data else {"reason": "cancelled" if data.get("reason") == "completed" else "completed"})


# ------------------------------------------------------------------ strategies

NOTHING, AGAIN = "nothing", "again"
ACCOUNT_THEME = {
    NOTHING: 2,
    "limit.changed": 6,
    "account.blocked": 2,
    "account.unblocked": 2,
    "customer.changed": 2,
    "invoice.posted": 2,
}
GOODS_THEME = {
    NOTHING: 3,
    "order.confirmed": 4,
    "delivery.posted": 6,
    "invoice.posted": 7,
    "credit_note.posted": 3,
    "order.amended": 2,
    "order.closed": 1,
    "order.reopened": 1,
    "delivery.reversed": 1,
    "invoice.cancelled": 1,
    "credit_note.cancelled": 1,
}
CLEARING_THEME = {
    NOTHING: 3,
    "invoice.posted": 7,
    "payment.received": 7,
    "allocation.made": 7,
    "credit_note.posted": 2,
    "write_off.posted": 4,
    "dispute.opened": 4,
    "payment.returned": 2,
    "payment.return_cancelled": 1,
    "invoice.terms_changed": 2,
    "invoice.cancelled": 1,
    "credit_note.cancelled": 1,
    "allocation.undone": 1,
    "dispute.resolved": 1,
    "write_off.reversed": 1,
    "customer.changed": 1,
}
MIXED_THEME = dict.fromkeys([NOTHING, *WRITERS], 1) | dict.fromkeys(SOON, 3)
THEMES = [
    tuple(kind for kind, weight in (theme | {"fx_rate.published": 2, AGAIN: 2}).items() for _ in range(weight))
    for theme in (
        ACCOUNT_THEME,
        CLEARING_THEME,
        CLEARING_THEME,
        GOODS_THEME,
        GOODS_THEME,
        GOODS_THEME,
        MIXED_THEME,
        MIXED_THEME,
    )
]


def history_of(theme: tuple[str, ...], one_account: bool, narrow: bool, drawn: list[bytes]) -> list[Json]:
    events: list[Json] = []
    claimed: set[tuple[Any, ...]] = set()
    for pick in (Choices(one, narrow) for one in drawn):
        kind = pick.among(theme)
        if kind == AGAIN and events:
            events.append(told_again(pick, events))
        elif kind not in (NOTHING, AGAIN):
            events.append(event_of(numbered_apart(written(kind, pick, one_account), claimed), len(events)))
    return events


def histories() -> SearchStrategy[list[Json]]:
    """Valid contract events of one or two accounts, and the exchange rates between their currencies."""
    drawn = st.lists(st.binary(min_size=48, max_size=48), min_size=8, max_size=28)
    return st.builds(history_of, st.sampled_from(THEMES), st.sampled_from((True, True, True, False)), st.booleans(), drawn)


def arrivals(history: list[Json]) -> SearchStrategy[list[Json]]:
    """The same events in another order of arrival, some of them more than once."""
    if not history:
        return st.just([])
    return st.lists(st.sampled_from(history), max_size=4).flatmap(lambda more: st.permutations(history + more))


def as_of_days() -> SearchStrategy[date]:
    """Days worth asking for: mostly when the first documents are there, sometimes before all or long after."""
    offsets = st.integers(12, 45) | st.integers(20, 45) | st.integers(-21, 140)
    return offsets.map(lambda offset: FIRST_DAY + timedelta(days=offset))
