"""The sample is the same for the same seed, speaks the contract, and is as skewed as it says."""

from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from itertools import islice
from typing import Any

import orjson
import pytest

from service.sample import sample, shuffled

TYPES = [
    "customer.changed",
    "order.confirmed",
    "order.amended",
    "order.closed",
    "order.reopened",
    "delivery.posted",
    "delivery.reversed",
    "invoice.posted",
    "invoice.cancelled",
    "invoice.terms_changed",
    "credit_note.posted",
    "credit_note.cancelled",
    "payment.received",
    "payment.returned",
    "payment.return_cancelled",
    "allocation.made",
    "allocation.undone",
    "dispute.opened",
    "dispute.resolved",
    "write_off.posted",
    "write_off.reversed",
    "limit.changed",
    "protection.changed",
    "account.blocked",
    "account.unblocked",
    "fx_rate.published",
]
NEEDED = {
    "customer.changed": "version name currency",
    "order.confirmed": "order version date currency lines",
    "order.amended": "order version date currency lines",
    "order.closed": "order version date reason",
    "order.reopened": "order version date",
    "delivery.posted": "delivery date currency lines",
    "invoice.posted": "invoice date currency amount",
    "invoice.terms_changed": "invoice version date",
    "credit_note.posted": "credit_note date currency amount",
    "payment.received": "payment date currency amount",
    "allocation.made": "allocation date credit invoice amount",
    "dispute.opened": "dispute date invoice amount",
    "write_off.posted": "write_off date invoice amount",
    "limit.changed": "limit version kind amount currency valid_from",
    "protection.changed": "protection version kind amount currency valid_from",
    "account.blocked": "version date",
    "account.unblocked": "version date",
    "fx_rate.published": "base quote rate date",
}
DECIMALS = {"EUR": 2, "USD": 2, "GBP": 2, "PLN": 2, "JPY": 0, "KWD": 3}
DATES = {"date", "due", "requested", "valid_from", "valid_to", "value_date"}
NUMBERS = {"order", "delivery", "invoice", "credit_note", "payment", "allocation", "dispute", "write_off"}


@cache
def told(events: int = 20_000, skew: float = 1.1) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in sample(events, skew=skew)]


def kind(event: dict[str, Any]) -> str:
    return str(event["type"]).removeprefix("erp.").removesuffix(".v1")


def fields(value: object) -> list[tuple[str, Any]]:
    """Every name and plain value, however deep."""
    if isinstance(value, list):
        return [f for each in value for f in fields(each)]
    if not isinstance(value, dict):
        return []
    plain = [(k, v) for k, v in value.items() if not isinstance(v, dict | list)]
    return plain + [f for each in value.values() for f in fields(each)]


def test_the_same_seed_tells_the_same_bytes_and_another_seed_others() -> None:
    assert list(sample(3000, seed=3)) == list(sample(3000, seed=3))
    assert list(sample(3000, seed=3)) != list(sample(3000, seed=4))


@pytest.mark.parametrize("events", [0, 1, 7, 100, 4999, 20_000])
def test_it_tells_exactly_as_many_events_as_asked(events: int) -> None:
    assert sum(1 for _ in sample(events)) == events


@pytest.mark.parametrize("accounts", [1, 2, 10, 5000])
def test_any_number_of_accounts_will_do(accounts: int) -> None:
    subjects = {orjson.loads(line)["subject"] for line in sample(2000, accounts=accounts)} - set(DECIMALS)
    assert 1 <= len(subjects) <= accounts


def test_every_line_is_one_cloud_event_of_the_contract() -> None:
    names = set()
    for line in sample(20_000):
        event = orjson.loads(line)
        assert b"\n" not in line
        assert set(event) == {"specversion", "id", "source", "type", "subject", "time", "data"}
        assert event["specversion"] == "1.0"
        assert event["type"] == f"erp.{kind(event)}.v1"
        assert datetime.fromisoformat(event["time"]).weekday() < 5
        needed = NEEDED.get(kind(event), f"{kind(event).split('.')[0]} date")
        assert set(needed.split()) <= set(event["data"]), event
        names.add((event["source"], event["id"]))
    assert len(names) == 20_000


def test_dates_are_dates_and_money_is_a_string_with_the_decimals_of_its_currency() -> None:
    for event in told():
        currency = event["data"].get("currency")
        for name, value in fields(event["data"]):
            assert not isinstance(value, float)
            if name in DATES:
                assert date.fromisoformat(value).isoformat() == value
            elif name in {"amount", "value", "unit_price"} and value not in {"unlimited", "none"}:
                places = -int(Decimal(value).as_tuple().exponent)
                assert Decimal(value) > 0
                assert currency is None or places == DECIMALS[currency], event
            elif name == "quantity":
                assert Decimal(value) > 0


def test_the_stream_is_told_in_order_of_its_days_from_the_first_of_2024() -> None:
    times = [event["time"] for event in told()]
    assert times == sorted(times)
    assert times[0].startswith("2024-01-01")
    assert "2025-06-30" < times[-1] < "2026-07-01"


def test_dates_are_those_of_the_telling_but_for_a_few_late_postings() -> None:
    lags = [
        (date.fromisoformat(e["time"][:10]) - date.fromisoformat(e["data"]["date"])).days
        for e in told()
        if "date" in e["data"] and kind(e) != "order.amended"
    ]
    assert min(lags) == 0
    assert max(lags) <= 7
    assert 0.002 < sum(lag > 0 for lag in lags) / len(lags) < 0.05


def test_numbers_are_used_once_and_only_what_was_told_is_referred_to() -> None:
    known: dict[tuple[str, str], str] = {}
    for event in told():
        own = kind(event).split(".")[0]
        opens = kind(event).endswith((".posted", ".confirmed", ".received", ".made", ".opened"))
        if opens and own in NUMBERS:
            assert (own, event["data"][own]) not in known
            known[own, event["data"][own]] = event["subject"]
        for name, value in fields(event["data"]):
            if name in NUMBERS:
                assert known[name, value] == event["subject"]
        if own == "allocation" and opens:
            assert known[event["data"]["credit_kind"], event["data"]["credit"]] == event["subject"]


def test_versions_of_a_document_only_grow() -> None:
    last: dict[tuple[str, str], int] = {}
    for event in told():
        own = kind(event).split(".")[0]
        if "version" in event["data"]:
            document = (own, str(event["data"].get(own, event["subject"])))
            assert event["data"]["version"] == last.get(document, 0) + 1, event
            last[document] = event["data"]["version"]


def test_an_invoice_is_never_cleared_beyond_its_amount() -> None:
    """Bounced, cancelled and undone documents give back what they took."""
    open_now: dict[str, Decimal] = {}
    took: dict[str, list[tuple[str, Decimal]]] = {}
    for event in told():
        data, what = event["data"], kind(event)
        if what == "invoice.posted":
            open_now[data["invoice"]] = Decimal(data["amount"])
        elif what in {"payment.received", "credit_note.posted", "allocation.made", "write_off.posted"}:
            document = data[what.split(".")[0]]
            shares = data.get("allocations", [data] if "invoice" in data else [])
            took[document] = [(s["invoice"], Decimal(s["amount"]) + Decimal(s.get("discount", 0))) for s in shares]
            for invoice, amount in took[document]:
                open_now[invoice] -= amount
                assert open_now[invoice] >= 0, event
        elif what in {"payment.returned", "credit_note.cancelled", "allocation.undone", "write_off.reversed"}:
            for invoice, amount in took[data[what.split(".")[0]]]:
                open_now[invoice] += amount
    assert sum(amount == 0 for amount in open_now.values()) > 0.7 * len(open_now)


def test_all_types_occur_and_in_a_plausible_mix() -> None:
    mix = Counter(kind(event) for event in told())
    assert set(mix) == set(TYPES)
    families: Counter[str] = Counter()
    for what, many in mix.items():
        families[what.split(".")[0]] += many
    assert 4_400 < families["order"] < 6_400
    assert 4_000 < families["delivery"] < 5_600
    assert 3_200 < families["invoice"] < 4_800
    assert 3_200 < families["payment"] + families["allocation"] < 5_200


@pytest.mark.parametrize("skew", [0, 0.7, 1.1, 1.5])
def test_the_busiest_one_percent_has_the_share_the_skew_states(skew: float) -> None:
    events, accounts = 60_000, 600
    busy = Counter(event["subject"] for event in told(events, skew) if kind(event) == "order.confirmed")
    share = sum(many for _, many in busy.most_common(accounts // 100)) / busy.total()
    weights = [rank**-skew for rank in range(1, accounts + 1)]
    stated = sum(weights[: accounts // 100]) / sum(weights)
    assert share == pytest.approx(stated, abs=0.03)


def test_shuffled_keeps_every_line_and_repeats_some() -> None:
    lines = list(sample(2000))
    mixed = shuffled(iter(lines), seed=1, repeats=0.1)
    assert set(mixed) == set(lines)
    assert len(mixed) == 2200
    assert mixed == shuffled(lines, seed=1, repeats=0.1) != shuffled(lines, seed=2, repeats=0.1)
    assert sorted(shuffled(lines, seed=1, repeats=0)) == sorted(lines)
    assert shuffled([], seed=1) == []


def test_a_large_sample_begins_at_once() -> None:
    assert len(list(islice(sample(10_000_000, accounts=1000), 100))) == 100
