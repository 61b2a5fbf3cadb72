"""The topics in a broker: those that are missing are made as advised, those that are there are left alone, and what differs is said.

Partitions are never added: the key of an account would lead to another partition from then on, and its events would overtake each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource
from kafka.errors import TopicAlreadyExistsError, for_code

from consumers.broker.failures import BOOTSTRAP_MS_MAX, BrokerFailure, telling
from schemas.topics import PARTITIONS, TOPICS, Topic, prefixed

BROKERS_DEFAULT = -1
READY_MS_MAX = 30_000
NOT_TOLD = "unknown"
"""A setting that we may not read."""


@dataclass(slots=True)
class Difference:
    """A setting (or ``partitions``) that is not as advised."""

    setting: str
    value: str
    advised: str


@dataclass(slots=True)
class Standing:
    """How a topic stands in the broker."""

    topic: str
    state: Literal["created", "there", "missing"]
    partitions: int | None = None
    replication: int | None = None
    differs: list[Difference] = field(default_factory=list)


def create_topics(connection: dict[str, Any], prefix: str, partitions: int | None = None, replication: int | None = None) -> list[Standing]:
    """Makes what is missing, and says of every topic how it stands.

    ``partitions`` is as many as the topics of accounts that are there have, else 6; ``replication`` what the broker gives a topic by itself.
    Raises ``BrokerFailure`` where topics of accounts would get different numbers of partitions, before any is made.
    """
    with telling(connection), KafkaAdminClient(**connection, bootstrap_timeout_ms=BOOTSTRAP_MS_MAX) as admin:
        there = described(admin)
        counts = partition_counts(there, prefix)
        wanted = partitions or max(counts.values(), default=PARTITIONS)
        missing = [topic for topic in TOPICS if prefixed(prefix, topic.name) not in there]
        if any(topic.holds_accounts for topic in missing) and counts and wanted not in counts.values():
            name, count = min(counts.items())
            raise BrokerFailure("partitions", f"{name} has {count} partitions, and topics of accounts must all have as many: not {wanted}")
        made = make(admin, missing, prefix, wanted, replication or BROKERS_DEFAULT)
        return standings(admin, prefix, wanted, made)


def list_topics(connection: dict[str, Any], prefix: str) -> list[Standing]:
    """How every topic stands; topics of accounts should have as many partitions as the one that has the most."""
    with telling(connection), KafkaAdminClient(**connection, bootstrap_timeout_ms=BOOTSTRAP_MS_MAX) as admin:
        counts = partition_counts(described(admin), prefix)
        return standings(admin, prefix, max(counts.values(), default=PARTITIONS))


def topics_there(connection: dict[str, Any]) -> set[str]:
    """The names of all topics that the broker has."""
    with telling(connection), KafkaAdminClient(**connection, bootstrap_timeout_ms=BOOTSTRAP_MS_MAX) as admin:
        return set(admin.list_topics())


def described(admin: KafkaAdminClient) -> dict[str, list[dict[str, Any]]]:
    """The partitions of every topic there is. All are asked for: to ask for one by its name may make it."""
    return {topic["name"]: topic["partitions"] for topic in admin.describe_topics()}


def partition_counts(there: dict[str, list[dict[str, Any]]], prefix: str) -> dict[str, int]:
    """How many partitions the topics of accounts have that are there."""
    names = [prefixed(prefix, topic.name) for topic in TOPICS if topic.holds_accounts]
    return {name: len(there[name]) for name in names if name in there}


def make(admin: KafkaAdminClient, missing: Iterable[Topic], prefix: str, partitions: int, replication: int) -> set[str]:
    """Makes topics; the names of those that were made and not found, should another process make them at the same time."""
    asked = {
        prefixed(prefix, topic.name): {
            "num_partitions": partitions,
            "replication_factor": replication,
            "configs": {advice.setting: advice.value for advice in topic.advice},
        }
        for topic in missing
    }
    if not asked:
        return set()
    made: set[str] = set()
    refused: dict[str, list[str]] = {}
    for answer in admin.create_topics(asked, raise_errors=False)["topics"]:
        error = for_code(answer["error_code"])
        if not answer["error_code"]:
            made.add(answer["name"])
        elif error is not TopicAlreadyExistsError:
            refused.setdefault(answer["error_message"] or error.__name__, []).append(answer["name"])
    if refused:
        whys = "; ".join(f"{why} ({', '.join(names)})" for why, names in refused.items())
        raise BrokerFailure("topics", f"{len(made)} of {len(asked)} missing topics were made: {whys}")
    admin.wait_for_topics(asked, timeout_ms=READY_MS_MAX)
    return made


def standings(admin: KafkaAdminClient, prefix: str, partitions: int, made: Iterable[str] = ()) -> list[Standing]:
    there = described(admin)
    topics = {prefixed(prefix, topic.name): topic for topic in TOPICS}
    settings = settings_of(admin, [name for name in topics if name in there])
    return [standing(topic, name, there.get(name), settings.get(name, {}), partitions, name in made) for name, topic in topics.items()]


def standing(topic: Topic, name: str, there: list[dict[str, Any]] | None, settings: dict[str, str], partitions: int, is_made: bool) -> Standing:
    if there is None:
        return Standing(name, "missing")
    differs = [
        Difference(advice.setting, told, advice.value) for advice in topic.advice if (told := settings.get(advice.setting, NOT_TOLD)) != advice.value
    ]
    if topic.holds_accounts and len(there) != partitions:
        differs.insert(0, Difference("partitions", str(len(there)), str(partitions)))
    return Standing(name, "created" if is_made else "there", len(there), len(there[0]["replica_nodes"]), differs)


def settings_of(admin: KafkaAdminClient, names: list[str]) -> dict[str, dict[str, str]]:
    """Every setting of these topics, those that were never set too."""
    if not names:
        return {}
    answer = admin.describe_configs([ConfigResource("TOPIC", name) for name in names], config_filter="all")
    return {name: {setting: told["value"] for setting, told in settings.items()} for name, settings in answer["topic"].items()}
