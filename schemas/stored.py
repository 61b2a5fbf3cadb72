"""How a fact is written for ever: ``topic`` is its own name and shape version, ``state`` its frozen bytes.

An older shape is read through its upcaster; golden files in the tests hold one example of every version ever written.
"""

from base64 import b64decode, b64encode
from collections.abc import Callable
from typing import Protocol

from schemas.amends import CorrectionMade, DeadLetterErased, DecisionReadBack, PersonErased
from schemas.dunning import (
    DunningApprovalRefused,
    DunningNoticeCancelled,
    DunningNoticeIssued,
    DunningNoticeProposed,
    DunningResumed,
    DunningStopped,
)
from schemas.facts import (
    ALLOCATES,
    CONTRACT_TYPE,
    AlertAcknowledged,
    AlertCleared,
    AlertEscalated,
    AlertRaised,
    CheckpointKeyRotated,
    Data,
    DeadLetterDiscarded,
    DeadLetterRetried,
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
    PolicyAdopted,
    RequestAnswered,
    RequestRefused,
)
from schemas.jsontext import read, written
from schemas.measures import MeasureActRefused, MeasureApproved, MeasureLapsed, MeasureProposed, MeasureRejected, MeasureTakenBack
from schemas.portfolio import PortfolioMeasured

VERSIONS: dict[str, int] = {**dict.fromkeys(CONTRACT_TYPE, 1), **dict.fromkeys(ALLOCATES, 2), "CustomerChanged": 2}
TOPICS: dict[str, str] = {name: f"{name}.v{version}" for name, version in VERSIONS.items()}
NAMES: dict[str, str] = {topic: name for name, topic in TOPICS.items()}
UPCASTERS: dict[str, Callable[[Data], tuple[str, Data]]] = {
    "PaymentReceived.v1": lambda data: ("PaymentReceived.v2", data),
    "CreditNotePosted.v1": lambda data: ("CreditNotePosted.v2", data),
    "AllocationMade.v1": lambda data: ("AllocationMade.v2", data),
    "CustomerChanged.v1": lambda data: ("CustomerChanged.v2", data),
}
"""Old topic to a function from its data to (next topic, data). Allocations of version 1 named no other account: who only knows that version must
not read one that does as clearing an item of its own. Customers of version 1 had no dunning level."""
OURS: dict[str, type[Ours]] = {
    "DeadLetterRetried.v1": DeadLetterRetried,
    "DeadLetterDiscarded.v1": DeadLetterDiscarded,
    "DeadLetterErased.v1": DeadLetterErased,
    "PersonErased.v1": PersonErased,
    "DecisionReadBack.v1": DecisionReadBack,
    "CorrectionMade.v1": CorrectionMade,
    "OrderChecked.v1": OrderChecked,
    "OrderChecked.v2": OrderChecked,
    "PolicyAdopted.v1": PolicyAdopted,
    "CheckpointKeyRotated.v1": CheckpointKeyRotated,
    "RequestAnswered.v1": RequestAnswered,
    "RequestRefused.v1": RequestRefused,
    "LimitRequested.v1": LimitRequested,
    "LimitApproved.v1": LimitApproved,
    "LimitRejected.v1": LimitRejected,
    "LimitRequestWithdrawn.v1": LimitRequestWithdrawn,
    "LimitApprovalRefused.v1": LimitApprovalRefused,
    "HoldReleaseProposed.v1": HoldReleaseProposed,
    "HoldReleased.v1": HoldReleased,
    "HoldReleaseRefused.v1": HoldReleaseRefused,
    "AlertRaised.v1": AlertRaised,
    "AlertCleared.v1": AlertCleared,
    "AlertAcknowledged.v1": AlertAcknowledged,
    "AlertEscalated.v1": AlertEscalated,
    "DunningNoticeProposed.v1": DunningNoticeProposed,
    "DunningNoticeIssued.v1": DunningNoticeIssued,
    "DunningNoticeCancelled.v1": DunningNoticeCancelled,
    "DunningApprovalRefused.v1": DunningApprovalRefused,
    "DunningStopped.v1": DunningStopped,
    "DunningResumed.v1": DunningResumed,
    "MeasureProposed.v1": MeasureProposed,
    "MeasureApproved.v1": MeasureApproved,
    "MeasureRejected.v1": MeasureRejected,
    "MeasureLapsed.v1": MeasureLapsed,
    "MeasureTakenBack.v1": MeasureTakenBack,
    "MeasureActRefused.v1": MeasureActRefused,
    "PortfolioMeasured.v1": PortfolioMeasured,
    "PortfolioMeasured.v2": PortfolioMeasured,
}
"""The last shape of each is the one that is written; what an older one does not say is as by default."""
TOPIC_OF_OURS: dict[type[Ours], str] = {kind: topic for topic, kind in OURS.items()}


class UnknownTopic(LookupError):
    """The store holds a fact of a name or version this engine does not know: it was written by a newer one."""


class Told(Protocol):
    """What is stored of a fact: its words, and not its place in the account's history, which is its row's."""

    @property
    def time(self) -> str: ...
    @property
    def source(self) -> str: ...
    @property
    def id(self) -> str: ...
    @property
    def digest(self) -> str: ...
    @property
    def data(self) -> Data: ...


def write_fact(fact: Told, sealed: bytes | None = None) -> bytes:
    """The frozen bytes of a fact; ``sealed`` are its personal fields, encrypted under the account's key."""
    state = {"time": fact.time, "source": fact.source, "id": fact.id, "digest": fact.digest, "data": fact.data}
    if sealed is not None:
        state["sealed"] = b64encode(sealed).decode()
    return written(state)


def read_fact(version: int, topic: str, state: bytes) -> Fact:
    parts = read(state)
    data = parts["data"]
    while topic not in NAMES:
        if topic not in UPCASTERS:
            raise UnknownTopic(f"{topic!r} is not a fact this engine knows; the store was written by a newer one")
        topic, data = UPCASTERS[topic](data)
    return Fact(version, NAMES[topic], parts["time"], parts["source"], parts["id"], parts["digest"], data)


def read_sealed(state: bytes) -> bytes | None:
    """The encrypted personal fields of a fact; ``None`` where it has none."""
    sealed = read(state).get("sealed")
    return None if sealed is None else b64decode(sealed)


def write_ours(event: Ours) -> tuple[str, bytes]:
    """The topic and the frozen bytes of what nobody outside told."""
    return TOPIC_OF_OURS[type(event)], written(event._asdict())


def read_ours(topic: str, state: bytes) -> Ours:
    if topic not in OURS:
        raise UnknownTopic(f"{topic!r} is nothing this engine says; the store was written by a newer one")
    return OURS[topic](**read(state))
