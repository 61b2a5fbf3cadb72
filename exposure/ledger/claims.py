"""Who reads a partition: taking one over raises the epoch of its claim, and what was read under an earlier epoch can not be written any more."""

from collections.abc import Iterable
from typing import Any, NamedTuple


class Partition(NamedTuple):
    """One partition of a topic, as a cluster knows it: ``tracking`` names it in the store. Ids tell a topic or cluster from another of its name."""

    tracking: str
    cluster_id: str
    topic_id: str


class Claim(NamedTuple):
    """Under ``epoch`` a partition is ours to read from ``position`` on; ``None`` where nothing of it was taken yet."""

    epoch: int
    position: int | None


class AnotherTopic(Exception):
    """The store's position is one of another topic, or another cluster, of that name: its offsets say nothing here."""


def claim(store: Any, partitions: Iterable[Partition], *, anew: bool = False) -> dict[str, Claim]:
    """Takes partitions over, all in one transaction; by ``tracking`` what was claimed.

    ``anew`` forgets their positions and which topic and cluster they were of. Raises ``AnotherTopic``.
    """
    claimed: dict[str, Claim] = {}
    with store.writing(0) as writing:
        for partition in sorted(partitions):
            if anew:
                writing.forget_position(*partition)
            cluster_id, topic_id, epoch = writing.claim(*partition)
            if (cluster_id, topic_id) != partition[1:]:
                what = "cluster" if cluster_id != partition.cluster_id else "topic"
                raise AnotherTopic(f"{partition.tracking} is of another {what} now: the store's position in it says nothing any more")
            claimed[partition.tracking] = Claim(epoch, writing.position_of(partition.tracking))
    return claimed
