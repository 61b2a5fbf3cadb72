"""Decisions as recorded: each in a stream of its own, named by what it depended on, and told to who listens in the same transaction.

Law: the same question under unchanged inputs has one decision, however often it is asked. The write lock is taken before anything is read.
"""

from hashlib import blake2b
from typing import Any

from exposure.ledger.batch import Batch, Row
from schemas.facts import OrderChecked
from schemas.jsontext import written_sorted
from schemas.stored import read_ours, write_ours

TOPIC, TYPE, SOURCE = "credit.decisions", "credit.decision.made.v1", "/exposure"


def decision_id(account: str, inputs: Any) -> str:
    """16 bytes in hexadecimal that stand for an account and all that a decision depends on."""
    return blake2b(written_sorted([account, inputs]), digest_size=16).hexdigest()


def known(moment: Any, id_: str) -> OrderChecked | None:
    """The decision of that id, where it was recorded."""
    for _, _, topic, state, *_ in moment.events(stream(id_)):
        decision = read_ours(topic, state)
        assert isinstance(decision, OrderChecked)
        return decision
    return None


def record(writing: Any, decision: OrderChecked) -> None:
    topic, state = write_ours(decision)
    batch = Batch(writing.recorded_at, decision.by, events=[Row(stream(decision.decision_id), 1, topic, state)])
    writing.write(batch)
    writing.announce(TOPIC, decision.account, decision.decision_id, {"type": TYPE, "source": SOURCE, "data": decision._asdict()})


def stream(id_: str) -> str:
    return f"decision:{id_}"
