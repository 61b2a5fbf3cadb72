"""The AsyncAPI document is one, by its own specification, and says what the topics and the contracts say."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from schemas.contracts import FOLDER
from schemas.inbound import MODELS
from schemas.jsontext import read
from schemas.requests import REQUESTS
from schemas.topics import INBOUND, TOPICS

SPECIFICATION = read((Path(__file__).parent / "specs" / "asyncapi-3.1.0.json").read_bytes())
DOCUMENT = read((FOLDER / "asyncapi.json").read_bytes())


def named(reference: dict[str, str]) -> Any:
    """What stands where a reference within the document leads."""
    found = DOCUMENT
    for step in reference["$ref"].removeprefix("#/").split("/"):
        found = found[step]
    return found


def test_the_document_is_valid_by_the_specification() -> None:
    assert list(Draft7Validator(SPECIFICATION).iter_errors(DOCUMENT)) == []


@pytest.mark.parametrize(
    ("place", "value"),
    [("operations/receive-erp.orders/action", "read"), ("channels/erp.orders/bindings/kafka/partitions", 0), ("info/version", None)],
)
def test_a_document_that_is_none_is_found_out(place: str, value: object) -> None:
    document = read((FOLDER / "asyncapi.json").read_bytes())
    *way, last = place.split("/")
    found = document
    for step in way:
        found = found[step]
    found[last] = value
    assert not Draft7Validator(SPECIFICATION).is_valid(document)


def test_every_topic_is_a_channel_with_its_settings_and_its_operation() -> None:
    assert DOCUMENT["channels"].keys() == {topic.name for topic in TOPICS}
    for topic in TOPICS:
        channel = DOCUMENT["channels"][topic.name]
        settings = channel["bindings"]["kafka"]["topicConfiguration"]
        told = {name: ",".join(value) if isinstance(value, list) else str(value) for name, value in settings.items()}
        assert (channel["address"], told) == (topic.name, {advice.setting: advice.value for advice in topic.advice})
        operation = DOCUMENT["operations"][f"{'receive' if topic.direction == 'in' else 'send'}-{topic.name}"]
        assert named(operation["channel"]) is channel
        assert [named(named(message)) for message in operation["messages"]] == [named(message) for message in channel["messages"].values()]


def test_every_type_is_a_message_that_its_contract_describes() -> None:
    told = [name for topic in INBOUND for name in DOCUMENT["channels"][topic]["messages"]]
    assert sorted(told) == sorted(MODELS | REQUESTS)
    for name in told:
        payload = DOCUMENT["components"]["messages"][name]["payload"]
        assert read((FOLDER / payload["$ref"]).read_bytes())["properties"]["type"]["const"] == name


def test_every_message_that_goes_out_is_described() -> None:
    sent = [named(message) for topic in TOPICS if topic.direction == "out" for message in DOCUMENT["channels"][topic.name]["messages"].values()]
    assert [message["name"] for message in sent] == [
        "credit.alert.acknowledged.v1",
        "credit.alert.cleared.v1",
        "credit.alert.escalated.v1",
        "credit.alert.raised.v1",
        "credit.decision.made.v1",
        "credit.decision.refused.v1",
        "credit.dunning.cancelled.v1",
        "credit.dunning.noticed.v1",
        "credit.promise.made.v1",
        "credit.promise.withdrawn.v1",
        "credit.hold.release_proposed.v1",
        "credit.hold.released.v1",
        "credit.limit.approved.v1",
        "credit.limit.rejected.v1",
        "credit.limit.requested.v1",
        "credit.limit.withdrawn.v1",
        "credit.measure.applied.v1",
        "credit.measure.lapsed.v1",
        "credit.measure.lifted.v1",
        "credit.measure.proposed.v1",
        "credit.measure.rejected.v1",
        "credit.reservation.extended.v1",
        "credit.reservation.released.v1",
        "credit.reservation.settled.v1",
        "credit.exposure.changed.v1",
        "dead-letter",
    ]
    assert all(message["description"] and message["payload"] for message in sent)
