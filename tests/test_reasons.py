"""Why a record is refused: the models alone refuse it, in words that say the place and what belongs there, and never what stood there."""

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pydantic import ValidationError

from schemas.door import read_record
from schemas.inbound import MODELS, Envelope
from schemas.jsontext import written
from schemas.told import Unreadable
from tests.bad_records import KINDS
from tests.examples import Event, example, examples
from tests.test_bad_input import parts_of

INVOICE, ORDER, LIMIT, RATE = "erp.invoice.posted.v1", "erp.order.confirmed.v1", "erp.limit.changed.v1", "erp.fx_rate.published.v1"
A_DECIMAL = 'a decimal text of at most 15 digits before the point, as "12.50"'
AN_ID = "not an id: a text, not empty, at most 250 characters, no control characters"
SECRET = "Zebediah Quux"


README = Path(__file__).parents[1] / "schemas" / "README.md"


def refused(event: Event) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        read_record(written(event))
    return caught.value


def with_data(type_: str, **fields: Any) -> Event:
    event = example(type_)
    event["data"] |= fields
    return event


def without(type_: str, field: str) -> Event:
    event = example(type_)
    del event["data"][field]
    return event


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (with_data(INVOICE, amount=12.5), f"data.amount: not {A_DECIMAL}"),
        (with_data(INVOICE, amount="1e3"), f"data.amount: not {A_DECIMAL}"),
        (with_data(INVOICE, amount=10**15), f"data.amount: not {A_DECIMAL}"),
        (with_data(INVOICE, lines=[{"order": "O-1", "value": "1,00"}]), f"data.lines.0.value: not {A_DECIMAL}"),
        (with_data(LIMIT, amount="boundless"), f"data.amount: neither unlimited, nor none, nor {A_DECIMAL}"),
        (with_data(INVOICE, invoice=""), f"data.invoice: {AN_ID}"),
        (with_data(ORDER, order=5), f"data.order: {AN_ID}"),
        (example(INVOICE) | {"subject": "a\nb"}, f"subject: {AN_ID}"),
        (with_data(INVOICE, date="2026-02-30"), "data.date: not a day, as 2026-02-20"),
        (with_data(INVOICE, date=20260220), "data.date: not a day, as 2026-02-20"),
        (with_data(INVOICE, instalments=[{"amount": "1"}]), "data.instalments.0.due: missing"),
        (without(INVOICE, "date"), "data.date: missing"),
        (with_data(INVOICE, date=None), "data.date: missing"),
        (with_data(INVOICE, date=None, amount=1.5, currency=7), "data.date: missing (and 2 more)"),
        (with_data(INVOICE, kind="gift"), "data.kind: not one of invoice, debit_memo, down_payment, fee, interest"),
        (with_data(INVOICE, currency="EURO"), "data.currency: not an ISO 4217 currency with a minor unit"),
        (with_data(INVOICE, currency=978), "data.currency: not an ISO 4217 currency with a minor unit"),
        (with_data(INVOICE, due="2026-02-11"), "data: an invoice has either due or instalments"),
        (with_data(INVOICE, instalments=[]), "data.instalments: an empty list"),
        (with_data(INVOICE, instalments={}), "data.instalments: not a list"),
        (with_data(INVOICE, lines=[None]), "data.lines.0: not an object"),
        (with_data(INVOICE, lines=[{"value": "1", "final": "X"}]), "data.lines.0.final: neither true nor false"),
        (with_data(INVOICE, lines=[{"order": "O-1"}]), "data.lines.0: a reference has either a value or a quantity"),
        (with_data(ORDER, version="1"), "data.version: not a whole number from 0 to 9007199254740991"),
        (with_data("erp.customer.changed.v1", timezone="Europe/Bonn"), "data.timezone: not an IANA time zone"),
        (with_data("erp.customer.changed.v1", name=7), "data.name: not a text without NUL characters"),
        (example(INVOICE) | {"specversion": "0.3"}, "specversion: not 1.0"),
        (example(INVOICE) | {"data": []}, "data: not an object"),
        (example(INVOICE) | {"time": "2026-01-12"}, "time: not an RFC 3339 instant with its offset, as 2026-01-12T09:30:00Z"),
        (example(INVOICE) | {"time": "2026-02-30T09:30:00Z"}, "time: no such day or time of day"),
        (example(RATE) | {"subject": SECRET}, "subject: not the base currency of the rate"),
    ],
)
def test_a_reason_says_the_place_and_what_belongs_there(event: Event, reason: str) -> None:
    assert str(refused(event)) == reason


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (with_data(INVOICE, amount="400.001"), "data.amount: more than the 2 decimals of its currency"),
        (with_data(LIMIT, currency="JPY", amount="1.5"), "data.amount: more than the 0 decimals of its currency"),
        (with_data(INVOICE, lines=[{"value": "0.10"}, {"value": "0.101"}]), "data.lines.1.value: more than the 2 decimals of its currency"),
        (with_data(ORDER, lines=[{"line": "1", "quantity": "0.1234567891", "unit_price": "1"}]), "data.lines.0.quantity: more than 9 decimals"),
        (with_data("erp.dispute.opened.v1", amount="1.00001"), "data.amount: more than 4 decimals"),
        (with_data(RATE, rate="0.1234567891"), "data.rate: more than 9 decimals"),
    ],
)
def test_the_models_alone_refuse_too_many_decimals(event: Event, reason: str) -> None:
    wrong = refused(event)
    assert (wrong.code, str(wrong)) == ("too_many_decimals", reason)
    with pytest.raises(ValidationError, match=reason.removeprefix("data.")):
        MODELS[event["type"]].model_validate(event["data"])


def test_what_the_models_have_validated_is_in_its_one_spelling() -> None:
    order = MODELS[ORDER].model_validate(
        with_data(ORDER, lines=[{"line": "1", "value": 7}, {"line": "2", "quantity": "012.50", "unit_price": "3.9990"}])["data"]
    )
    assert order.model_dump(include={"lines"}, exclude_none=True) == {
        "lines": [{"line": "1", "value": "7.00"}, {"line": "2", "quantity": "12.5", "unit_price": "3.999"}]
    }
    assert MODELS[LIMIT].model_validate(with_data(LIMIT, currency="JPY", amount="0400.0")["data"]).model_dump()["amount"] == "400"
    assert MODELS[LIMIT].model_validate(with_data(LIMIT, amount="none")["data"]).model_dump()["amount"] == "none"
    assert Envelope.model_validate(example(INVOICE) | {"time": "2026-01-12t10:30:00.50+01:00"}).time == "2026-01-12T09:30:00.5"


@pytest.mark.parametrize("type_", MODELS)
def test_no_reason_spells_what_was_told(type_: str) -> None:
    """A name typed into any field, or for any list or object, of any event; only a type is spelled."""
    reasons = [why for number in range(len(parts_of(example(type_)))) for why in spoiled(type_, number) if why.code != "unknown_type"]
    assert len(reasons) > 3
    assert not [str(why) for why in reasons if "Quux" in str(why)]


def spoiled(type_: str, number: int) -> Iterator[Unreadable]:
    """Why the type's example is refused with a name in each place of one of its parts, where it is."""
    part = parts_of(example(type_))[number]
    for place in list(part) if isinstance(part, dict) else range(len(part)):
        event = example(type_)
        parts_of(event)[number][place] = SECRET
        yield from refusals(written(event))


def refusals(raw: bytes) -> Iterator[Unreadable]:
    try:
        read_record(raw)
    except Unreadable as why:
        yield why


def test_no_reason_spells_a_part_of_what_is_no_json() -> None:
    random = Random(3)
    for event in examples():
        raw = written(event | {"source": SECRET})
        for _ in range(20):
            place = random.randrange(len(raw))
            wrong = raw[:place] + random.choice([b"", b"Quux", b'"', b"\xff", b"{"]) + raw[place + 1 :]
            assert not [str(why) for why in refusals(wrong) if why.code == "not_json" and "Quux" in str(why)]


def test_every_code_is_explained() -> None:
    explained = [line.split("`")[1] for line in README.read_text(encoding="utf-8").splitlines() if line.startswith("| `")]
    assert sorted(explained) == sorted({kind.code for kind in KINDS.values()} | {"name_reused", "bad_row", "erased", "no_value", "batched"})
