"""Histories that are dense in what can go wrong: few numbers, few dates, few amounts, so that facts meet, overtake and contradict.

Small templates are drawn (plain tuples and dictionaries of small values, per family of documents) and completed deterministically:
amounts in the decimals of their currency, ids by position, times on a coarse grid so that some are equal. Every event is valid.
"""

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import ROUND_DOWN, Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

Json = dict[str, Any]
Template = dict[str, Any]

FIRST_DAY = date(2026, 1, 5)
ACCOUNTS = ("C-1", "C-2")
SOURCES = ("/erp/1000", "/erp/2000", "/crm")
CURRENCIES = ("EUR",) * 16 + ("USD", "USD", "JPY", "KWD")
DECIMALS = {"EUR": 2, "USD": 2, "JPY": 0, "KWD": 3}
UNITS = (0, 1, 10, 20, 25, 30, 33, 40, 50, 60, 75, 100, 100, 150, 400)
FRACTIONS = {0: ("",), 2: ("", ".00", ".5", ".33", ".01"), 3: ("", ".000", ".125", ".001")}
QUANTITIES = ("10", "5", "4", "3", "2", "1", "2.5", "0.333", 6, "0")
PRICES = ("10", "9.99", "3.333333333", "20.00", "0.005", "7.125", 12, "33.333")
RATES = ("1.10", "0.9", "0.005", "160", "1.083333333", "2")
AMOUNT_FIELDS = ("amount", "value", "discount", "credit_amount")
DECIMAL_FIELDS = (*AMOUNT_FIELDS, "quantity", "unit_price", "rate")


# ------------------------------------------------------------------ small things


def maybe(strategy: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.none() | strategy


numbers = st.sampled_from(("1", "2", "3", "4"))
likely = st.sampled_from(("1", "1", "2", "2", "3", "4"))
few = st.sampled_from(("1", "1", "2"))
lines = st.sampled_from(("1", "1", "1", "2", "10"))
accounts = st.sampled_from((0, 0, 0, 1))
currencies = st.sampled_from(CURRENCIES)
days = st.one_of(*[st.integers(0, 25)] * 3, st.integers(0, 40), st.sampled_from((0, 10, 30, -20, 70, 100, 130)))
early = st.one_of(*[st.integers(0, 12)] * 5, days)
amounts = st.tuples(st.sampled_from(UNITS), st.integers(0, 4))
quantities = st.sampled_from(QUANTITIES)
versions = st.sampled_from((1, 2, 3, 4, 10, 0))
moments = st.integers(0, 60)
value_or_quantity = st.fixed_dictionaries({"value": amounts}) | st.fixed_dictionaries({"quantity": quantities})


def template(kind: str, required: Template, optional: Template | None = None, when: SearchStrategy[int] = days) -> SearchStrategy[Template]:
    """A drawn event: its type, account, moment and day, and data with `None` where an optional field is left out."""
    return st.fixed_dictionaries(
        {
            "type": st.just(kind),
            "account": accounts,
            "moment": moments,
            "source": st.integers(0, 2),
            "day": when,
            "data": st.fixed_dictionaries(required | {name: maybe(of) for name, of in (optional or {}).items()}),
        }
    )


def joined(*parts: SearchStrategy[Template]) -> SearchStrategy[Template]:
    """One dictionary out of several drawn ones."""
    return st.tuples(*parts).map(lambda drawn: {name: value for part in drawn for name, value in part.items()})


# ------------------------------------------------------------------ templates by family

priced = st.fixed_dictionaries({"quantity": quantities, "unit_price": st.sampled_from(PRICES)})
order_lines = st.lists(
    joined(
        st.fixed_dictionaries({"line": lines}),
        priced | priced | st.fixed_dictionaries({"value": amounts}),
    ),
    min_size=1,
    max_size=3,
    unique_by=lambda line: line["line"],
)
places = st.one_of(
    st.fixed_dictionaries({"order": few}),
    st.fixed_dictionaries({"order": few, "line": lines}),
    st.fixed_dictionaries({"order": few, "line": lines}),
)
of_a_delivery = st.fixed_dictionaries({"delivery": few})
of_a_delivered_line = st.fixed_dictionaries({"order": few, "line": maybe(lines), "delivery": few})
billed_places = st.one_of(places, of_a_delivery, of_a_delivery, of_a_delivery, of_a_delivered_line, of_a_delivered_line)
delivered_lines = st.lists(joined(places | places | places | st.just({}), value_or_quantity), min_size=1, max_size=3)
finals = st.sampled_from((None, None, None, None, True))
invoiced_lines = st.lists(joined(billed_places, value_or_quantity, st.fixed_dictionaries({"final": finals})), max_size=3)
uninvoiced_lines = st.lists(joined(billed_places, value_or_quantity), max_size=2)
kinds = st.sampled_from((None, None, "invoice", "debit_memo", "down_payment", "fee", "interest"))
dues = st.integers(-5, 60)
terms = st.fixed_dictionaries({"due": dues}) | st.fixed_dictionaries(
    {"instalments": st.lists(st.fixed_dictionaries({"due": dues, "amount": amounts}), min_size=1, max_size=3)}
)
text_fields = {"order": few, "version": versions, "currency": currencies, "lines": order_lines}
step_fields = {"order": few, "version": versions}

order_family = st.one_of(
    template("order.confirmed", text_fields, when=early),
    template("order.amended", text_fields, when=early),
    template("order.closed", step_fields | {"reason": st.sampled_from(("completed", "cancelled"))}),
    template("order.reopened", step_fields),
)
delivery_family = template("delivery.posted", {"delivery": few, "currency": currencies, "lines": delivered_lines}, when=early)
invoice_family = template(
    "invoice.posted",
    {"invoice": numbers, "currency": currencies, "amount": amounts, "terms": terms, "fits": st.booleans(), "kind": kinds, "lines": invoiced_lines},
    when=early,
)
told_allocation = {"invoice": likely, "amount": amounts}
payment_family = template(
    "payment.received",
    {
        "payment": few,
        "currency": currencies,
        "amount": amounts,
        "allocations": st.lists(
            st.fixed_dictionaries(told_allocation | {"discount": maybe(amounts), "credit_amount": maybe(amounts)}), max_size=3
        ),
    },
    {"value_date": days},
    when=early,
)
credit_note_family = template(
    "credit_note.posted",
    {
        "credit_note": few,
        "currency": currencies,
        "amount": amounts,
        "lines": uninvoiced_lines,
        "allocations": st.lists(st.fixed_dictionaries(told_allocation | {"credit_amount": maybe(amounts)}), max_size=2),
    },
    when=early,
)
credit_family = payment_family | credit_note_family
allocation_family = template(
    "allocation.made",
    {"allocation": numbers, "credit": few} | told_allocation,
    {"credit_kind": st.sampled_from(("payment", "credit_note")), "credit_amount": amounts},
)
claim_family = st.one_of(
    template("dispute.opened", {"dispute": few, "invoice": likely, "amount": amounts}),
    template("write_off.posted", {"write_off": few, "invoice": likely, "amount": amounts}),
    template("invoice.terms_changed", {"invoice": likely, "version": versions, "terms": terms}),
)
undoing_family = st.one_of(
    template("delivery.reversed", {"delivery": few}),
    template("invoice.cancelled", {"invoice": numbers}),
    template("credit_note.cancelled", {"credit_note": few}),
    template("payment.returned", {"payment": few}),
    template("payment.returned", {"payment": few}, {"reason": st.just("no funds")}),
    template("payment.return_cancelled", {"payment": few}),
    template("allocation.undone", {"allocation": numbers}),
    template("dispute.resolved", {"dispute": few}),
    template("write_off.reversed", {"write_off": few}),
)
account_family = st.one_of(
    template(
        "limit.changed",
        {
            "limit": few,
            "version": versions,
            "kind": st.sampled_from(("base", "base", "temporary")),
            "amount": st.one_of(amounts, amounts, amounts, st.sampled_from(("unlimited", "none"))),
            "currency": currencies,
        },
        {"lasts": st.integers(0, 40)},
    ),
    template(
        "protection.changed",
        {"protection": few, "version": versions, "kind": st.just("insurance"), "amount": amounts, "currency": currencies},
        {"lasts": st.integers(0, 40)},
    ),
    template("account.blocked", {"version": versions}, {"reason": st.just("late")}),
    template("account.unblocked", {"version": versions}),
)
customer_family = template(
    "customer.changed",
    {"version": versions, "name": st.sampled_from(("Acme", "Acme Ltd")), "currency": st.sampled_from(("EUR", "EUR", "EUR", "USD", "JPY"))},
    {"timezone": st.sampled_from(("Europe/Berlin", "Pacific/Auckland", "America/Los_Angeles")), "dated": st.just(True)},
)
rate_family = template(
    "fx_rate.published",
    {"pair": st.sampled_from((("USD", "EUR"), ("EUR", "USD"), ("EUR", "JPY"), ("JPY", "EUR"), ("USD", "JPY"), ("KWD", "EUR"))), "rate": st.sampled_from(RATES)},
    when=early,
)  # fmt: skip
again = st.fixed_dictionaries(
    {
        "of": st.integers(0, 40),
        "moment": moments,
        "source": st.integers(0, 2),
        "changed": st.sampled_from((None, None, "spelling", "spelling", "date", "amount", "currency")),
    }
)


# ------------------------------------------------------------------ completion


def completed(drawn: Template, position: int) -> Json:
    """The event a template stands for."""
    kind, account, data = drawn["type"], ACCOUNTS[drawn["account"]], dict(drawn["data"])
    on = FIRST_DAY + timedelta(days=drawn["day"])
    if kind == "fx_rate.published":
        base, quote = data.pop("pair")
        return event(drawn, position, base, {"base": base, "quote": quote, "rate": data["rate"], "date": on.isoformat()})
    places_of_currency = DECIMALS[data.get("currency") or "JPY"]  # without a currency: whole units, valid in all of them
    data = spelled(data, places_of_currency)
    if data.pop("fits", False):
        data["terms"] = fitting(data["terms"], Decimal(data["amount"]), places_of_currency)
    if "terms" in data:
        data |= dated_terms(data.pop("terms"), on)
    if kind in ("limit.changed", "protection.changed"):
        data |= validity(data.pop("lasts", None), on)
    elif kind != "customer.changed" or data.pop("dated", False):
        data["date"] = on.isoformat()
    if "value_date" in data:
        data["value_date"] = (FIRST_DAY + timedelta(days=data["value_date"])).isoformat()
    return event(drawn, position, account, data)


def event(drawn: Template, position: int, subject: str, data: Json) -> Json:
    return {
        "specversion": "1.0",
        "id": f"e{position}",
        "source": SOURCES[drawn["source"]],
        "type": f"erp.{drawn['type']}.v1",
        "subject": subject,
        "time": time_of(drawn["moment"], position),
        "data": data,
    }


def time_of(moment: int, position: int) -> str:
    """A time on a grid of sixteen hours; the same instant is written in several ways."""
    at = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(hours=16 * moment)
    if position % 5 == 1:
        return at.astimezone(timezone(timedelta(hours=2))).isoformat()
    return at.isoformat().replace("+00:00", "Z") if position % 5 else at.isoformat(timespec="milliseconds")


def spelled(value: Any, places_: int, field: str = "") -> Any:
    """Drawn amounts become decimal strings or integers; fields left out disappear."""
    if isinstance(value, dict):
        inner = 0 if field == "allocations" and value["credit_amount"] is not None else places_
        told = {name: of for name, of in value.items() if of is not None and not (name in ("lines", "allocations") and not of)}
        return {name: spelled(of, places_ if name == "credit_amount" else inner, name) for name, of in told.items()}
    if isinstance(value, list):
        return [spelled(of, places_, field) for of in value]
    return amount_text(value, places_) if field in AMOUNT_FIELDS and isinstance(value, tuple) else value


def amount_text(drawn: tuple[int, int], places_: int) -> str | int:
    units, variant = drawn
    endings = FRACTIONS[places_]
    return units if variant == 4 and units % 2 else f"{units}{endings[variant % len(endings)]}"


def fitting(drawn: Json, amount: Decimal, places_: int) -> Json:
    """Instalments that add up: equal parts, the last one takes the rest."""
    if "due" in drawn:
        return drawn
    parts = drawn["instalments"]
    each = (amount / len(parts)).quantize(Decimal(1).scaleb(-places_), ROUND_DOWN)
    sums = [each] * (len(parts) - 1) + [amount - each * (len(parts) - 1)]
    return {"instalments": [part | {"amount": str(one)} for part, one in zip(parts, sums, strict=True)]}


def dated_terms(drawn: Json, on: date) -> Json:
    """Due days count from the document's day."""
    if "due" in drawn:
        return {"due": (on + timedelta(days=drawn["due"])).isoformat()}
    return {"instalments": [part | {"due": (on + timedelta(days=part["due"])).isoformat()} for part in drawn["instalments"]]}


def validity(lasts: int | None, on: date) -> Json:
    ends = {} if lasts is None else {"valid_to": (on + timedelta(days=lasts)).isoformat()}
    return {"valid_from": on.isoformat()} | ends


def told_again(drawn: Template, events: list[Json], position: int) -> Json:
    """An earlier event under a new id: with equal data, with the same values spelled otherwise, or contradicting it."""
    first = events[drawn["of"] % len(events)]
    data = changed(first["data"], drawn["changed"])
    kind = {"erp.order.confirmed.v1": "erp.order.amended.v1"}.get(first["type"], first["type"]) if drawn["source"] else first["type"]
    told: Json = {"id": f"e{position}", "type": kind, "source": SOURCES[drawn["source"]], "time": time_of(drawn["moment"], position)}
    return {**first, **told, "data": data}


def changed(data: Json, how: str | None) -> Json:
    if how == "spelling":
        return {**respelled(data)}
    if how == "date" and "date" in data:
        return data | {"date": (date.fromisoformat(data["date"]) + timedelta(days=3)).isoformat()}
    if how == "amount" and data.get("amount") not in (None, "unlimited", "none"):
        return data | {"amount": "55"}
    if how == "currency" and "currency" in data and not any(field in str(data) for field in (".", "amount")):
        return data | {"currency": "USD"}
    return dict(data)


def respelled(value: Any, field: str = "") -> Any:
    """The same values in other words: another zero, a null where a field was absent."""
    if isinstance(value, dict):
        return {name: respelled(of, name) for name, of in value.items()} | ({} if field else {"comment": None})
    if isinstance(value, list):
        return [respelled(of, "item") for of in value]
    if field in DECIMAL_FIELDS and value not in ("unlimited", "none"):
        return f"{value}0" if "." in str(value) else f"{value}.0"
    return value


# ------------------------------------------------------------------ strategies



def claimed(drawn: Template) -> tuple[Any, ...]:
    """The number (and version) a template claims: clashes are left to `told_again`, lest they drown all else."""
    kind, data = str(drawn["type"]).split(".")[0], drawn["data"]
    return drawn["account"], kind, data.get(kind), data.get("version")


def some(family: SearchStrategy[Template], least: int, most: int) -> SearchStrategy[list[Template]]:
    return st.lists(family, min_size=least, max_size=most, unique_by=claimed)


customers = st.lists(customer_family, max_size=2)
rates = st.lists(rate_family, max_size=4)
undoings = st.lists(undoing_family, max_size=3)
THEMES = (
    (customers, some(order_family, 1, 4), some(delivery_family, 1, 3), some(invoice_family, 1, 4), some(credit_note_family, 0, 2), undoings, rates),
    (customers, some(invoice_family, 1, 4), some(credit_family, 1, 4), some(allocation_family, 0, 5), some(claim_family, 0, 4), undoings, rates),
    (st.lists(customer_family, max_size=3), some(account_family, 1, 6), some(invoice_family, 0, 2), rates),
    (
        customers, some(order_family, 1, 4), some(delivery_family, 1, 3), some(invoice_family, 1, 5), some(credit_family, 1, 4),
        some(allocation_family, 0, 4), some(claim_family, 0, 4), undoings, some(account_family, 0, 3), rates,
    ),
)  # fmt: skip


def history_of(drawn: tuple[tuple[list[Template], ...], list[Template], bool]) -> list[Json]:
    families, repeats, one_account = drawn
    templates = [one | {"account": 0} if one_account else one for family in families for one in family]
    events = [completed(one, position) for position, one in enumerate(templates)]
    for one in repeats if events else []:
        events.append(told_again(one, events, len(events)))
    return events


def histories() -> SearchStrategy[list[Json]]:
    """Valid contract events of one or two accounts, and the exchange rates between their currencies."""
    families = st.one_of(*(st.tuples(*theme) for theme in THEMES))
    return st.tuples(families, st.lists(again, max_size=3), st.sampled_from((True, True, False))).map(history_of)


def arrivals(history: list[Json]) -> SearchStrategy[list[Json]]:
    """The same events in another order of arrival, some of them more than once."""
    if not history:
        return st.just([])
    return st.lists(st.sampled_from(history), max_size=4).flatmap(lambda more: st.permutations(history + more))


def as_of_days() -> SearchStrategy[date]:
    """Days worth asking for: mostly within the window, sometimes before all or long after."""
    offsets = st.integers(15, 50) | st.integers(15, 50) | days | st.sampled_from((30, 60, 100, 200))
    return offsets.map(lambda offset: FIRST_DAY + timedelta(days=offset))
