"""The log, or one account's part of it, as evidence: each event with all that is hashed, and what proves it beside a checkpoint.

Law: whoever has these lines, a trusted key and the README of this folder needs nothing of ours to check them. Their shape never changes.
"""

from base64 import b64encode
from collections.abc import Iterator
from typing import Any

from exposure.ledger.acts.policies import STREAM as POLICIES
from exposure.ledger.proof.checkpoint_keys import STREAM as KEYS
from exposure.ledger.proof.checkpoints import Checkpoint
from exposure.ledger.proof.proofs import NoProof, Proofs
from exposure.ledger.proof.stretches import text

SHAPE = 1


def export(moment: Any, account: str | None, checkpoint: Checkpoint, until: int | None = None) -> Iterator[dict[str, Any]]:
    """The lines of evidence, as far as the checkpoint knows of the log: what it is of, then the events in their order; of all accounts where none is
    named. Of an account only those recorded by an instant, where that is said; which keys signed is told to the end. Raises ``NoProof`` where that
    can not be proven: the log is not the one of the checkpoint, or was altered."""
    yield {"exposure_evidence": SHAPE, "account": account, "checkpoint": checkpoint.document}
    if account is None:
        yield from whole(moment, checkpoint)
        return
    proofs = Proofs(moment, checkpoint)
    for row in moment.chained_of(streams_of(moment, account), checkpoint.position):
        if until is not None and row[5] > until and row[1] != KEYS:
            continue
        told = proofs.included(row[0])
        yield {**event(row, told.before), "index": told.place, "path": [part.hex() for part in told.path]}


def streams_of(moment: Any, account: str) -> list[str]:
    """What is recorded of an account, which policies were adopted, for its decisions name them, and which keys signed."""
    return [f"account:{account}", f"alerts:{account}", *moment.cases(account), POLICIES, KEYS]


def whole(moment: Any, checkpoint: Checkpoint) -> Iterator[dict[str, Any]]:
    before = bytes(32)
    for position, stream, version, topic, state, recorded_at, actor, previous, own, misfit in moment.chained(0, checkpoint.position):
        if misfit is not None:
            raise NoProof(f"the {misfit} of the event at position {position} is of another type than was recorded: verify says more")
        by = None if actor is None else text(actor)
        yield event((position, text(stream), version, text(topic), state, recorded_at, by, previous, own), before)
        before = own


def event(row: Any, before: bytes) -> dict[str, Any]:
    position, stream, version, topic, state, recorded_at, actor, previous, own = row
    return {
        "position": position,
        "stream": stream,
        "version": version,
        "topic": topic,
        "state": b64encode(state).decode(),
        "recorded_at": recorded_at,
        "actor": actor,
        "in_stream": previous.hex(),
        "in_log": before.hex(),
        "hash": own.hex(),
    }
