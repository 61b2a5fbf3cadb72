"""Policies as adopted: one stream of them, oldest first; the one in force at an instant is the one adopted last by then.

Law: what was adopted is never changed. A policy that is in force already is not adopted again.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from exposure.ledger.alerts import judge_all
from exposure.ledger.batch import Batch, Row
from schemas.facts import PolicyAdopted
from schemas.policies import DEFAULT, Policy
from schemas.policy_text import read_written, written
from schemas.stored import read_ours, write_ours

STREAM = "policy:adopted"


class Adopted(NamedTuple):
    """``recorded_at`` in microseconds; from then on it is in force."""

    place: int
    recorded_at: int
    event: PolicyAdopted

    @property
    def policy(self) -> Policy:
        return read_written(self.event.text, self.event.version)


def adopted(moment: Any, known_at: int | None = None) -> Iterator[Adopted]:
    """All that were adopted by an instant, oldest first."""
    for _, place, topic, state, recorded_at, _ in moment.events(STREAM):
        if known_at is None or recorded_at <= known_at:
            event = read_ours(topic, state)
            assert isinstance(event, PolicyAdopted)
            yield Adopted(place, recorded_at, event)


def in_force(moment: Any, known_at: int | None = None, before: int | None = None) -> Policy:
    """The policy of now, as known at an instant, or before a position of the log."""
    last = moment.last_event(STREAM, known_at, before)
    return DEFAULT if last is None else policy_recorded(*last)


@lru_cache(maxsize=64)
def policy_recorded(topic: str, state: bytes) -> Policy:
    """Every question asks for the policy, and its bytes never change: it is read from them once."""
    event = read_ours(topic, state)
    assert isinstance(event, PolicyAdopted)
    return read_written(event.text, event.version)


def adopt(store: Any, now: Callable[[], int], policy: Policy, by: str, reason: str) -> bool:
    """Whether it was adopted now; it was not where it is in force already."""
    with store.writing(now()) as writing:
        if in_force(writing).version == policy.version:
            return False
        topic, state = write_ours(PolicyAdopted(policy.version, policy.name, written(policy), by, reason))
        row = Row(STREAM, writing.last_version(STREAM) + 1, topic, state)
        writing.write(Batch(writing.recorded_at, by, events=[row]))
        judge_all(writing)
        return True
