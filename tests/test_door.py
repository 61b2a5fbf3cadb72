"""The door reads what the models read and misses no member: it looks closely only where one could be missing, and there it finds it."""

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

import tests.bad_documents  # noqa: F401 - adds its kinds
from schemas.door import read_record
from schemas.inbound import MODELS, Envelope
from schemas.jsontext import NotJson, read, written
from schemas.plainly import plainly
from schemas.told import Unreadable
from schemas.unknown import parts_of as fields_with_parts
from service.sample import sample
from tests.bad_records import KINDS
from tests.examples import Event, example, examples
from tests.test_bad_input import changed

PLAINLY = {model: plainly(model) for model in (Envelope, *MODELS.values())}
INVOICE = "erp.invoice.posted.v1"


def as_the_model(model: type[BaseModel], value: Any) -> Any:
    """The told fields, or what is wrong and where."""
    try:
        return fields_of(model.model_validate(value))
    except ValidationError as error:
        return wrong(error)


def fields_of(model: BaseModel) -> dict[str, Any]:
    told = {name: getattr(model, name) for name in type(model).model_fields if getattr(model, name) is not None}
    return told | {name: [fields_of(part) for part in told[name]] for name in fields_with_parts(type(model)) if name in told}


def as_the_door(model: type[BaseModel], value: Any) -> Any:
    try:
        return not_null(model, PLAINLY[model](value))
    except ValidationError as error:
        return wrong(error)


def not_null(model: type[BaseModel], data: dict[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in data.items() if value is not None}
    return told | {name: [not_null(inner, part) for part in told[name]] for name, inner in fields_with_parts(model).items() if name in told}


def wrong(error: ValidationError) -> list[tuple[Any, ...]]:
    found = error.errors(include_url=False, include_context=False)
    return [(one["loc"], one["type"].replace("dict_type", "model_type"), one["input"]) for one in found]


def records(random: Random) -> Iterator[bytes]:
    yield from sample(1000)
    for kind in KINDS.values():
        yield from (kind.recipe(random) for _ in range(10) if kind.code != "too_large")
    yield from (changed(random) for _ in range(4000))


def test_the_door_takes_and_refuses_what_the_models_do_word_for_word() -> None:
    for raw in records(Random(5)):
        try:
            record = read(raw)
        except NotJson:
            continue
        assert as_the_door(Envelope, record) == as_the_model(Envelope, record)
        if isinstance(record, dict) and (model := MODELS.get(str(record.get("type")))):
            data = record.get("data")
            door, alone = as_the_door(model, data), as_the_model(model, data)
            assert (door, list(door)) == (alone, list(alone))


def objects_of(event: Event) -> list[dict[str, Any]]:
    """The record, its data and its lines."""
    lines = [part for value in event["data"].values() if isinstance(value, list) for part in value]
    return [event, event["data"], *lines]


def with_member(event: Event, part: dict[str, Any], member: str) -> bytes:
    """The bytes of the event with one more member at the beginning of one of its objects."""
    members = dict(part)
    part.clear()
    part.update({"@": "@"} | members)
    raw = written(event).replace(b'"@":"@"', member.encode())
    del part["@"]
    return raw


def named(name: str, spelling: str) -> str:
    return {"plain": f'"{name}":', "spaced": f'"{name}" \n : ', "escaped": f'"\\u{ord(name[0]):04x}{name[1:]}":'}[spelling]


@pytest.mark.parametrize("spelling", ["plain", "spaced", "escaped"])
@pytest.mark.parametrize("value", ["null", "false", '"x"', '"a:b"', "[]", "{}", '{"a":1}'])
def test_a_member_named_twice_is_found_wherever_it_stands(spelling: str, value: str) -> None:
    for event in examples():
        for part in objects_of(event):
            twice = [code_of(with_member(event, part, named(name, spelling) + value)) for name in [*part]]
            assert set(twice) == {"member_twice"}


@pytest.mark.parametrize("value", ["null", "false", '"x"', '"a:b"', "[]", '{"a":1}'])
def test_a_member_no_model_knows_seals_the_record_wherever_it_stands(value: str) -> None:
    for event in examples():
        fact = read_record(written(event))
        for part in objects_of(event):
            raw = with_member(event, part, f'"note":{value}')
            other = read_record(raw)
            assert other.personal == {**(fact.personal or {}), "unknown": raw.decode()}
            assert other.data == fact.data
            assert (other.content != fact.content) == (part is not event and value != "null")


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ('"id":', '"id":"x","id":', "member_twice"),
        ('"kind":"invoice",', "", None),
        ('"kind":"invoice",', '"invoice":"I-8",', "member_twice"),
        ('"kind":"invoice",', '"note":1,', None),
        ("T09:30", 'T09\\u003a30","subject":"x', "member_twice"),
        ('"id":"', '"subject":"x","id":"\\u003a', "member_twice"),
        ('"id":"', '"subject":"x","id":":', "member_twice"),
        ('"source":"', '"source":"urn:erp:', None),
        ('"source":"', '"source":"x","source":"urn:erp:', "member_twice"),
        ('"invoice":"', '"invoice":"a:b', None),
        ('"invoice":"', '"invoice":"x","invoice":"a:b', "member_twice"),
        ('"amount":', '"kind":null,"kind":null,"amount":', "member_twice"),
    ],
)
def test_no_colon_hides_a_member(old: str, new: str, code: str | None) -> None:
    """Members are counted by their colons: a field that is filled in has none, and texts have some of their own."""
    raw = written(example(INVOICE)).decode()
    assert old in raw
    assert code_of(raw.replace(old, new, 1).encode()) == code


def code_of(raw: bytes) -> str | None:
    try:
        read_record(raw)
    except Unreadable as why:
        return why.code
    return None


def test_what_is_nested_in_a_field_that_may_be_anything_is_looked_at_too() -> None:
    customer = example("erp.customer.changed.v1")
    raw = written(customer | {"data": customer["data"] | {"contact": "@"}}).decode()
    nested = {levels: raw.replace('"@"', "[" * levels + "]" * levels).encode() for levels in (62, 63, 900)}
    assert [code_of(record) for record in nested.values()] == [None, "too_deep", "too_deep"]
    assert code_of(raw.replace('"@"', '{"a":1,"a":1}').encode()) == "member_twice"
