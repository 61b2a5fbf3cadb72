"""The language is kept: contracts are what the models say, stored facts are read for ever, and every type has all of its parts.

A new fact, or a new version of one, adds its golden file with ``python -m tests.test_language``; a golden file is never changed.
"""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from schemas.contracts import files
from schemas.door import read_record
from schemas.facts import (
    ASKED,
    CONTRACT_TYPE,
    OWN,
    STORED,
    Fact,
    OrderChecked,
    Ours,
)
from schemas.inbound import MODELS
from schemas.jsontext import read, written
from schemas.requests import REQUESTS
from schemas.stored import NAMES, OURS, TOPICS, UPCASTERS, UnknownTopic, read_fact, read_ours, read_sealed, write_fact, write_ours
from schemas.told import ToldFact, Unreadable
from service.sample import sample
from tests.examples import DATA, example, examples
from tests.own_words import OURS_TOLD, OWN_TOLD

GOLDEN = Path(__file__).parent / "golden"
CONTRACT_EXAMPLE = Path(__file__).parent / "contract_example.jsonl"
SEALED = b"sealed under the key of the account"


def golden_of(told: ToldFact) -> bytes:
    fact = Fact(1, told.name, told.time, told.source, told.id, told.digest, told.data)
    return write_fact(fact, SEALED if told.personal else None)


def told(event: dict[str, Any]) -> ToldFact:
    return read_record(written(event))


def validator(type_: str) -> Draft202012Validator:
    schema = read((Path(__file__).parents[1] / "schemas" / "contracts" / f"{type_}.json").read_bytes())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema, format_checker=FormatChecker())


def test_the_committed_contracts_are_what_the_models_say() -> None:
    committed = {file: file.read_bytes() for file in next(iter(files())).parent.glob("*.json")}
    assert committed == files(), "run python -m schemas.contracts and read the difference: an old event must stay valid"


def test_every_type_has_a_model_a_stored_name_a_contract_a_golden_file_and_an_example() -> None:
    assert MODELS.keys() == DATA.keys() == STORED.keys() - {CONTRACT_TYPE[name] for name in OWN}
    assert {file.stem for file in files()} == {*MODELS, *REQUESTS, "asyncapi"}
    assert REQUESTS.keys() == ASKED.keys()
    assert len(set(STORED.values())) == len(STORED)
    assert {file.stem for file in GOLDEN.iterdir()} == {*NAMES, *UPCASTERS, *OURS}


@pytest.mark.parametrize("event", examples(), ids=lambda event: event["type"])
def test_the_example_tells_every_field_and_its_contract_and_the_door_take_it(event: dict[str, Any]) -> None:
    known = MODELS[event["type"]].model_fields.keys()
    assert known - event["data"].keys() <= {"due", "instalments"}
    assert event["data"].keys() <= known
    validator(event["type"]).validate(event)
    assert told(event).personal is None or event["type"] == "erp.customer.changed.v1"


def test_the_events_of_the_contract_are_valid_by_their_contracts() -> None:
    events = [read(line) for line in CONTRACT_EXAMPLE.read_bytes().splitlines()]
    for event in events:
        validator(event["type"]).validate(event)
    assert "erp.invoice.posted.v1" in {event["type"] for event in events}


def test_what_the_sample_tells_is_valid_by_its_contracts() -> None:
    contracts = {type_: validator(type_) for type_ in MODELS}
    for line in sample(2000):
        event = read(line)
        contracts[event["type"]].validate(event)


@pytest.mark.parametrize(
    ("type_", "change"),
    [
        ("erp.invoice.posted.v1", {"due": "2026-02-11"}),
        ("erp.invoice.posted.v1", {"instalments": None}),
        ("erp.invoice.posted.v1", {"amount": 400.5}),
        ("erp.invoice.posted.v1", {"amount": "-1.00"}),
        ("erp.invoice.posted.v1", {"amount": "1e3"}),
        ("erp.invoice.posted.v1", {"currency": "EURO"}),
        ("erp.invoice.posted.v1", {"kind": "gift"}),
        ("erp.invoice.posted.v1", {"lines": [{"order": "O-1", "value": "1.00", "quantity": "1"}]}),
        ("erp.invoice.posted.v1", {"lines": [{"order": "O-1"}]}),
        ("erp.order.confirmed.v1", {"lines": [{"line": "1", "quantity": "1"}]}),
        ("erp.order.confirmed.v1", {"version": "1"}),
        ("erp.order.confirmed.v1", {"order": ""}),
        ("erp.order.confirmed.v1", {"date": "2026-02-30"}),
        ("erp.limit.changed.v1", {"amount": "boundless"}),
    ],
)
def test_a_contract_refuses_what_the_door_refuses(type_: str, change: dict[str, Any]) -> None:
    event = example(type_)
    event["data"] |= change
    assert not validator(type_).is_valid(event)
    with pytest.raises(Unreadable):
        told(event)


@pytest.mark.parametrize("golden", sorted(file for file in GOLDEN.iterdir() if file.stem not in OURS), ids=lambda file: file.stem)
def test_a_fact_written_once_is_read_for_ever_and_written_the_same(golden: Path) -> None:
    state = golden.read_bytes()
    fact = read_fact(7, golden.stem, state)
    assert fact.version == 7
    if golden.stem in NAMES:
        assert fact.name == NAMES[golden.stem]
        assert write_fact(fact, read_sealed(state)) == state


@pytest.mark.parametrize("event", examples(), ids=lambda event: event["type"])
def test_the_example_is_stored_as_its_golden_file_says(event: dict[str, Any]) -> None:
    fact = told(event)
    assert golden_of(fact) == (GOLDEN / f"{TOPICS[fact.name]}.json").read_bytes(), "facts told again would not be known again"


@pytest.mark.parametrize("fact", OWN_TOLD, ids=lambda fact: fact.name)
def test_a_fact_of_our_own_is_stored_as_its_golden_file_says_and_the_door_takes_none(fact: ToldFact) -> None:
    assert golden_of(fact) == (GOLDEN / f"{TOPICS[fact.name]}.json").read_bytes()
    event = example("erp.order.closed.v1") | {"type": CONTRACT_TYPE[fact.name], "data": fact.data}
    with pytest.raises(Unreadable) as refused:
        told(event)
    assert refused.value.code == "unknown_type"


@pytest.mark.parametrize("event", OURS_TOLD, ids=lambda event: type(event).__name__)
def test_what_we_say_ourselves_is_stored_as_its_golden_file_says_and_read_for_ever(event: Ours) -> None:
    topic, state = write_ours(event)
    assert state == (GOLDEN / f"{topic}.json").read_bytes()
    assert read_ours(topic, state) == event


def test_a_check_recorded_before_policies_is_read_for_ever() -> None:
    check = read_ours("OrderChecked.v1", (GOLDEN / "OrderChecked.v1.json").read_bytes())
    assert isinstance(check, OrderChecked)
    assert (check.policy, check.reasons, check.findings, check.judged) == ("default", ["over_limit"], [], None)


def test_everything_we_say_ourselves_has_an_example() -> None:
    assert {type(event) for event in OURS_TOLD} == set(OURS.values())
    assert {fact.name for fact in OWN_TOLD} == OWN
    with pytest.raises(UnknownTopic):
        read_ours("DeadLetterBurned.v1", b"{}")


if __name__ == "__main__":
    for topic, state in map(write_ours, OURS_TOLD):
        if not (GOLDEN / f"{topic}.json").exists():
            (GOLDEN / f"{topic}.json").write_bytes(state)
    for fact in [*map(told, examples()), *OWN_TOLD]:
        file = GOLDEN / f"{TOPICS[fact.name]}.json"
        if not file.exists():
            file.write_bytes(golden_of(fact))
