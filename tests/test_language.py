"""The language is kept: contracts are what the models say, stored facts are read for ever, and every type has all of its parts.

A new fact, or a new version of one, adds its golden file with ``python -m tests.test_language``; a golden file is never changed.
"""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, FormatChecker

from exposure.ledger import records
from schemas.contracts import files
from schemas.door import ToldFact, Unreadable, read_record
from schemas.facts import (
    ASKED,
    CONTRACT_TYPE,
    OWN,
    STORED,
    TRANSFER,
    AlertAcknowledged,
    AlertCleared,
    AlertEscalated,
    AlertRaised,
    CorrectionMade,
    DeadLetterDiscarded,
    DeadLetterErased,
    DeadLetterRetried,
    DecisionReadBack,
    Fact,
    HoldReleased,
    HoldReleaseProposed,
    HoldReleaseRefused,
    LimitApprovalRefused,
    LimitApproved,
    LimitRejected,
    LimitRequested,
    LimitRequestWithdrawn,
    OrderChecked,
    Ours,
    PersonErased,
    PolicyAdopted,
    RequestAnswered,
    RequestRefused,
)
from schemas.inbound import MODELS
from schemas.jsontext import read, written
from schemas.requests import REQUESTS
from schemas.stored import NAMES, OURS, TOPICS, UPCASTERS, UnknownTopic, read_fact, read_ours, read_sealed, write_fact, write_ours
from service.sample import sample
from tests.examples import DATA, example, examples
from tests.folding import own_fact

GOLDEN = Path(__file__).parent / "golden"
CONTRACT_EXAMPLE = Path(__file__).parent / "contract_example.jsonl"
SEALED = b"sealed under the key of the account"
TELLING = {"type": "erp.invoice.posted.v1", "source": "/erp/1000", "id": "8f7"}
LETTER = "e7e0d64535c9cc54f572fbde32e0dfaf"
DECISION = "0f7d4a7ec1b9f4b7f5a1c2d3e4f50617"
REQUEST = "5c1e4a7ec1b9f4b7f5a1c2d3e4f50617"
RAISED = "3c0f3a52b6c9d7d84a9b5b6f4a1f2e30"
ACT = "7d1e6d0c5a4f4f6e8d7c6b5a49382716"
FIGURES = {
    "currency": "EUR",
    "total": "400.00",
    "receivables": "200.00",
    "unapplied": "0.00",
    "limit": "1000.00",
    "available": "600.00",
    "utilisation": "0.4000",
    "days_overdue": 30,
}
OURS_TOLD: list[Ours] = [
    DeadLetterRetried(LETTER, "m.vogt", "the engine was upgraded", "still_dead", "unknown_type"),
    DeadLetterDiscarded(LETTER, "m.vogt", "the bank told it twice"),
    OrderChecked(
        decision_id=DECISION,
        account="C-1001",
        order="O-2",
        amount="700.00",
        currency="EUR",
        as_of="2026-02-20",
        policy="default",
        decision="held",
        reasons=["over_limit"],
        exposure_before="400.00",
        exposure_after="1100.00",
        limit={"amount": "1000.00", "kind": "base", "valid_to": None},
        available_after="-100.00",
        by="m.vogt",
        version=3,
        inputs={"counts_now": "0.00"},
        warnings=["overdue"],
        findings=[
            {
                "rule": "over_limit",
                "effect": "refuse",
                "figure": "1100.00",
                "threshold": "1000.00",
                "remedy": {"pay": "100.00", "order_less": "100.00"},
            }
        ],
        group={"node": "C-1000"},
        instead_of="C-1002",
        reservation="R-1",
        lost_to=[{"order": "O-7", "amount": "100.00"}],
        judged={"gross": "1100.00", "protection": "0.00", "limit": "1000.00", "net": "1100.00", "available": "-100.00"},
        released="1a2b4a7ec1b9f4b7f5a1c2d3e4f50617",
    ),
    DeadLetterErased("e7e0d64535c9cc54f572fbde32e0dfaf", "m.vogt", "it names a person of C-1001"),
    CorrectionMade(
        "C-1001",
        "invoice",
        "I-9",
        "2026-02-20",
        [TELLING],
        "m.vogt",
        "told twice",
        "default",
    ),
    DecisionReadBack("C-1001", DECISION, "2026-02-20T12:00:00", "m.vogt", "the copy of 20 February was restored"),
    PersonErased("C-1001", "8f0d4a7ec1b9f4b7", "m.vogt", "request 17 of 2 March"),
    PolicyAdopted("b79cfe9f45cd", "Credit 2026", '{"class":[{}],"currency":"EUR","name":"Credit 2026"}', "m.vogt", "the board's decision of 2 March"),
    RequestAnswered("C-1001", "R-1", ["O-2", "700.00", None], "0f7d4a7ec1b9f4b7f5a1c2d3e4f50617", "/shop"),
    RequestRefused("C-9", "R-2", "/shop", {"order": "O-2", "amount": "700"}, "unknown_account", "nothing is known of account 'C-9'", "m.vogt"),
    LimitRequested(REQUEST, "C-1001", "temporary", "1500.00", "EUR", "2026-02-01", "2026-03-31", "the spring season", "k.weiss", "default"),
    LimitApproved(REQUEST, "C-1001", "m.vogt", "they pay well", "default", True),
    LimitRejected(REQUEST, "C-1001", "m.vogt", "they pay late", "default"),
    LimitRequestWithdrawn(REQUEST, "C-1001", "k.weiss", "default"),
    LimitApprovalRefused(REQUEST, "C-1001", "k.weiss", "approve", "own_request", "nobody says yes to what he asked for", "default", "open"),
    HoldReleaseProposed(DECISION, "C-1001", "O-2", "700.00", "EUR", "m.vogt", "they paid today", "b79cfe9f45cd"),
    HoldReleased(DECISION, "C-1001", "O-2", "700.00", "EUR", "j.albers", "they paid today", "b79cfe9f45cd", ["over_limit"], "m.vogt", "2026-02-20"),
    HoldReleaseRefused(
        DECISION, "C-1001", "O-2", "700.00", "EUR", "k.weiss", "it is urgent", "b79cfe9f45cd", "no_authority", "no authority is given", "proposed"
    ),
    AlertRaised(RAISED, "C-1001", "overdue", 30, "medium", 4, "2026-03-13", FIGURES),
    AlertCleared(
        "9b1e6d0c5a4f4f6e8d7c6b5a49382716",
        "C-1001",
        "over_limit",
        None,
        "high",
        5,
        "2026-03-20",
        FIGURES,
        RAISED,
        "ended",
    ),
    AlertAcknowledged(ACT, "C-1001", "overdue", 30, "medium", 6, RAISED, "m.vogt", "they promised to pay on Friday"),
    AlertEscalated(ACT, "C-1001", "overdue", 30, "medium", 7, RAISED, "m.vogt", "j.albers", "they did not pay on Friday"),
]
OWN_TOLD: list[ToldFact] = [
    own_fact(
        "CreditReserved",
        "2026-02-20T12:00:00",
        order="O-2",
        date="2026-02-20",
        currency="EUR",
        amount="600.00",
        until="2026-02-27T12:00:00",
        order_version=1,
        decision="0f7d4a7ec1b9f4b7f5a1c2d3e4f50617",
        reservation="R-1",
    ),
    own_fact("ReservationExtended", "2026-02-21T09:00:00.25", order="O-2", date="2026-02-21", reservation="R-1", until="2026-03-06T12:00:00"),
    own_fact("ReservationSettled", "2026-02-22T09:00:00", order="O-2", date="2026-02-22", reservation="R-1"),
    own_fact("ReservationReleased", "2026-02-23T09:00:00", order="O-2", date="2026-02-23", reservation="R-1"),
    records.own_fact(
        "C-1002",
        TRANSFER,
        "C-1001/credit/P-1/9/C-1002",
        "2026-02-16T09:00:00",
        {
            "transfer": "C-1001/credit/P-1",
            "version": 9,
            "account": "C-1001",
            "credit": "P-1",
            "parts": [
                {
                    "invoice": "I-7",
                    "amount": "120.00",
                    "currency": "EUR",
                    "granted": "100.00",
                    "from": "2026-02-17",
                    "until": "2026-02-18",
                    "credit_amount": "100.00",
                    "discount": "2.40",
                    "effective": "2026-02-17",
                    "told": ["2026-02-16T09:00:00", "/erp/1000", "8f0"],
                    "place": 0,
                    "credit": "payment:P-1",
                    "by": "payment:P-1",
                }
            ],
        },
    ),
]


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
