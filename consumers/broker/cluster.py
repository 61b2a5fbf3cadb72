"""What a cluster says of itself: its id, the ids and partitions of topics, and how many partitions a consumer group has given to its members."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kafka import KafkaAdminClient
from kafka.errors import NoError, UnknownTopicOrPartitionError, for_code

from consumers.broker.failures import BOOTSTRAP_MS_MAX, BrokerFailure


class Described(NamedTuple):
    """A topic's id tells it from another one of its name."""

    topic_id: str
    partitions: int


class Cluster(NamedTuple):
    cluster_id: str
    topics: dict[str, Described]


def described(connection: Mapping[str, Any], names: Iterable[str]) -> Cluster:
    """The cluster and those of the topics that are there. Raises ``KafkaError`` where one is there and can not be described."""
    with KafkaAdminClient(**connection, bootstrap_timeout_ms=BOOTSTRAP_MS_MAX) as admin:
        cluster_id = admin.describe_cluster()["cluster_id"]
        topics = []
        for topic in admin.describe_topics(list(names)):
            error = for_code(topic["error_code"])
            if error is NoError:
                topics.append(topic)
            elif error is not UnknownTopicOrPartitionError:
                raise error(topic["name"])
    return Cluster(cluster_id, {topic["name"]: Described(str(topic["topic_id"]), len(topic["partitions"])) for topic in topics})


def required(connection: Mapping[str, Any], names: Sequence[str]) -> Cluster:
    """The same, where all of them are there. Raises ``BrokerFailure``."""
    cluster = described(connection, names)
    missing = [name for name in names if name not in cluster.topics]
    if missing:
        raise BrokerFailure("topics", f"there is no topic {', '.join(missing)}: `exposure topics create` makes them")
    return cluster


def checked(connection: Mapping[str, Any], account_topics: Iterable[str], other_topics: Iterable[str]) -> Cluster:
    """The same, where the topics are as accounts need them: an account must not be spread over two consumers, so the topics of accounts have one
    number of partitions, and ranges of them go together. Raises ``BrokerFailure``."""
    cluster = required(connection, [*account_topics, *other_topics])
    counts = {name: cluster.topics[name].partitions for name in account_topics}
    if len(set(counts.values())) > 1:
        told = ", ".join(f"{name} {count}" for name, count in counts.items())
        raise BrokerFailure(
            "partitions", f"topics of accounts must have one number of partitions, for an account has one consumer; there are: {told}"
        )
    return cluster


def partitions_given(connection: Mapping[str, Any], group: str, topics: Iterable[str]) -> dict[str, int]:
    """How many partitions of the topics each member of a group has, by its id; of nobody while it is being settled who reads what."""
    ours = set(topics)
    with KafkaAdminClient(**connection, bootstrap_timeout_ms=BOOTSTRAP_MS_MAX) as admin:
        told = admin.describe_groups([group])[group]
    if told["group_state"] != "Stable":
        return {}
    return {
        member["member_id"]: sum(len(topic["partitions"]) for topic in member["member_assignment"]["assigned_partitions"] if topic["topic"] in ours)
        for member in told["members"]
    }
