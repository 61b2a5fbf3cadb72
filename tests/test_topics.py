"""The topics of the contract: each is named once, every event has one to go to, and Kafka has them as they are advised."""

from typing import Any

import pytest
from kafka import KafkaAdminClient

from schemas.inbound import MODELS
from schemas.requests import REQUESTS
from schemas.topics import INBOUND, TOPICS, topic_of
from tests.command import Said, exposure

NAMES = [topic.name for topic in TOPICS]


def by_name(said: Said, prefix: str) -> dict[str, dict[str, Any]]:
    assert said.exit_code == 0, said
    return {topic["topic"].removeprefix(prefix): topic for topic in said.json["topics"]}


def create(kafka: str, name: str, partitions: int = 1, **settings: str) -> None:
    configs = {setting.replace("_", "."): value for setting, value in settings.items()}
    with KafkaAdminClient(bootstrap_servers=kafka) as admin:
        admin.create_topics({name: {"num_partitions": partitions, "configs": configs}}, wait_for_metadata=True)


def test_every_type_of_the_contract_is_sent_to_a_topic_that_comes_in() -> None:
    assert {topic_of(type_) for type_ in MODELS | REQUESTS} == set(INBOUND)


def test_a_topic_is_of_accounts_where_its_key_is_one() -> None:
    assert all(topic.holds_accounts == (topic.key == "account") for topic in TOPICS)
    assert len(set(NAMES)) == len(NAMES) == 13


@pytest.mark.parametrize(
    ("type_", "topic"),
    [
        ("erp.delivery.posted.v1", "erp.orders"),
        ("erp.credit_note.posted.v1", "erp.invoices"),
        ("erp.allocation.made.v1", "erp.payments"),
        ("erp.account.blocked.v1", "erp.limits"),
        ("exposure.account.taken_on.v1", "erp.customers"),
        ("erp.invoice.forgotten.v9", "erp.invoices"),
        ("erp.weather.changed.v1", None),
        ("erp.account.painted.v1", None),
        ("credit.check.requested.v1", "credit.requests"),
        ("credit.alert.raised.v1", None),
        ("erp.check.requested.v1", None),
        ("com.invoice.posted.v1", None),
        ("invoice", None),
    ],
)
def test_what_a_type_speaks_of_says_where_it_is_sent(type_: str, topic: str | None) -> None:
    assert topic_of(type_) == topic


def test_what_is_missing_is_made_as_advised_and_once(kafka_prefix: str) -> None:
    assert {topic["state"] for topic in exposure("topics", "list", "--json").json["topics"]} == {"missing"}
    made = by_name(exposure("topics", "create", "--partitions", "2", "--json"), kafka_prefix)
    assert list(made) == NAMES
    assert all((topic["state"], topic["partitions"], topic["differs"]) == ("created", 2, []) for topic in made.values())
    again = exposure("topics", "create", "--partitions", "2", "--json")
    assert {topic["state"] for topic in again.json["topics"]} == {"there"}
    assert again.json == exposure("topics", "list", "--json").json


def test_a_topic_that_is_there_is_left_alone_and_what_differs_is_said(kafka: str, kafka_prefix: str) -> None:
    create(kafka, f"{kafka_prefix}credit.exposure", cleanup_policy="delete")
    stood = by_name(exposure("topics", "create", "--json"), kafka_prefix)
    assert {setting["setting"]: (setting["value"], setting["advised"]) for setting in stood["credit.exposure"]["differs"]} == {
        "cleanup.policy": ("delete", "compact"),
        "max.message.bytes": ("1048588", "1114112"),
    }
    assert stood["erp.orders"] == {"topic": f"{kafka_prefix}erp.orders", "state": "created", "partitions": 1, "replication": 1, "differs": []}
    said = exposure("topics", "list")
    assert "cleanup.policy delete (advised compact)" in said.out


def test_topics_of_accounts_are_never_made_with_another_number_of_partitions_than_those_that_are_there(kafka: str, kafka_prefix: str) -> None:
    create(kafka, f"{kafka_prefix}erp.fx", 3)
    create(kafka, f"{kafka_prefix}erp.orders", 2)
    said = exposure("topics", "create", "--partitions", "6", "--json")
    assert (said.exit_code, said.json["error"]["code"]) == (1, "partitions")
    assert f"{kafka_prefix}erp.orders has 2" in said.json["error"]["message"]
    stood = by_name(exposure("topics", "create", "--json"), kafka_prefix)
    assert {topic["partitions"] for name, topic in stood.items() if name != "erp.fx"} == {2}
    other = by_name(exposure("topics", "create", "--partitions", "6", "--json"), kafka_prefix)
    assert other["erp.orders"]["differs"] == [{"setting": "partitions", "value": "2", "advised": "6"}, *stood["erp.orders"]["differs"]]
    assert other["erp.fx"]["partitions"] == 3


def test_a_topic_that_kafka_refuses_is_told_with_its_reason(kafka_prefix: str) -> None:
    said = exposure("topics", "create", "--replication", "99", "--json")
    assert (said.exit_code, said.json["error"]["code"]) == (1, "topics")
    assert "only 1 broker" in said.json["error"]["message"]
    assert f"{kafka_prefix}erp.orders" in said.json["error"]["message"]


@pytest.mark.parametrize("command", [("topics", "list"), ("produce", "-")])
def test_a_broker_that_is_not_there_is_a_failure_in_a_line(command: tuple[str, ...]) -> None:
    said = exposure(*command, "--bootstrap", "127.0.0.1:1", stdin=b"")
    assert (said.exit_code, said.out) == (1, "")
    assert said.err == "exposure: no Kafka answers at 127.0.0.1:1 (--bootstrap or EXPOSURE_KAFKA_BOOTSTRAP)\n"
