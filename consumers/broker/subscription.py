"""What a consumer reads, and as which member of which group."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from kafka.coordinator.assignors.range import RangePartitionAssignor

from consumers.broker.cluster import described
from consumers.broker.failures import BOOTSTRAP_MS_MAX

FETCH_BYTES = 4 << 20
RECONNECT_MS_MAX = 5_000


@dataclass(frozen=True, slots=True)
class Subscription:
    """What is read: ``account_topics`` must have one number of partitions, ``other_topics`` any. Of ``request_topics``, which are among them, fewer
    records are taken at once, and who makes none is asked nothing. ``connection`` is told to every client.

    With a ``member`` name the group gives back the same partitions after a restart within ``session_seconds``.
    """

    account_topics: tuple[str, ...]
    other_topics: tuple[str, ...]
    group: str
    connection: Mapping[str, Any]
    member: str | None = None
    session_seconds: float = 10.0
    stall_seconds: float = 60.0
    request_topics: frozenset[str] = frozenset()

    @property
    def unsettled_seconds(self) -> float:
        """Longer a group never needs to settle who reads what: it waits for a member that stalls, and no longer."""
        return self.stall_seconds + self.session_seconds

    @property
    def topics(self) -> tuple[str, ...]:
        return self.account_topics + self.other_topics


def with_topics_there(subscription: Subscription) -> Subscription:
    """Without the topics of requests that are not there: events are taken where nobody wants to ask."""
    missing = subscription.request_topics - described(subscription.connection, subscription.request_topics).topics.keys()
    return replace(subscription, account_topics=tuple(name for name in subscription.account_topics if name not in missing))


def settings_of(subscription: Subscription) -> dict[str, Any]:
    session_ms = int(subscription.session_seconds * 1000)
    return {
        "group_id": subscription.group,
        "group_instance_id": subscription.member,
        "partition_assignment_strategy": [RangePartitionAssignor],
        "auto_offset_reset": "none",
        "enable_auto_commit": False,
        "isolation_level": "read_committed",
        "session_timeout_ms": session_ms,
        "heartbeat_interval_ms": session_ms // 5,
        "max_poll_interval_ms": int(subscription.stall_seconds * 1000),
        "max_partition_fetch_bytes": FETCH_BYTES,
        "reconnect_backoff_max_ms": RECONNECT_MS_MAX,
        "bootstrap_timeout_ms": BOOTSTRAP_MS_MAX,
    }
