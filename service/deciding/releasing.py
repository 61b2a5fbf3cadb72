"""Releases of held orders: somebody with the authority lets one pass, with a reason; above the policy's threshold a second person says so too.

What was released is known again by the checks that come after it: the decision that is made of it names the release.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from exposure import approvals
from exposure.approvals import TWICE, Asked, Refused
from exposure.decisions import HELD
from exposure.ledger.acts import decisions, releases
from exposure.ledger.acts.cases import PROPOSED, RELEASED
from exposure.ledger.acts.policies import in_force
from projections.account import Asked as Question
from projections.account import figures_of
from projections.limit_requests import worth_today
from schemas.amounts import minor
from schemas.facts import HoldReleased, HoldReleaseProposed, HoldReleaseRefused, OfRelease, OrderChecked
from schemas.policies import Policy
from service.failures import Done, Failure

NOT_RELEASED = "held"
"""How a release stands to which nobody with authority has said anything."""


class Release(NamedTuple):
    """Who lets the order of a decision pass, and why."""

    decision_id: str
    by: str
    reason: str


def release(store: Any, wanted: Release, now: Callable[[], int], policy_at: Callable[[Any], Policy] = in_force) -> Done:
    """Under the write lock; the same person once more answers the same. Raises ``Failure`` where the decision holds nothing."""
    with store.writing(now()) as writing:
        decision, policy = held(writing, wanted.decision_id), policy_at(writing)
        trail = releases.trail(writing, wanted.decision_id)
        said, refused = answered(writing, decision, trail, wanted, policy)
        if said is not None and said not in trail:
            releases.record(writing, said)
            trail.append(said)
        return Done(shown(decision, trail), refused)


def answered(
    writing: Any, decision: OrderChecked, trail: list[OfRelease], wanted: Release, policy: Policy
) -> tuple[OfRelease | None, Refused | None]:
    """What is recorded of it, and why it was refused."""
    done, first = releases.released(trail), releases.proposed(trail)
    agreed = tuple(event.by for event in (first, done) if event is not None)
    worth = worth_today(
        writing, decision.account, minor(decision.amount, decision.currency), decision.currency, Question(writing.recorded_at), policy
    )
    answer = approvals.release_approved(Asked(decision.by, worth, agreed, done is not None), wanted.by, policy)
    if answer == TWICE:
        return None, None
    told = HoldReleaseProposed(
        decision.decision_id, decision.account, decision.order, decision.amount, decision.currency, wanted.by, wanted.reason, policy.version
    )
    if isinstance(answer, Refused):
        return HoldReleaseRefused(*told, *answer, state_of(trail)), answer
    if not answer.is_final:
        return told, None
    day = figures_of(writing, decision.account, Question(writing.recorded_at))[0].on.day
    return HoldReleased(*told, decision.reasons, first.by if first else None, day), None


def held(moment: Any, decision_id: str) -> OrderChecked:
    decision = decisions.known(moment, decision_id)
    if decision is None:
        raise Failure("unknown_decision", f"there is no decision {decision_id!r}; `exposure holds list` names those that hold an order")
    if decision.decision != HELD:
        raise Failure("not_held", f"decision {decision_id} holds no order: there is nothing to release")
    return decision


def shown(decision: OrderChecked, trail: list[OfRelease]) -> dict[str, Any]:
    """``state`` is ``held`` (nobody with authority has said anything), ``proposed`` (one more has to say so) or ``released``."""
    first, done = releases.proposed(trail), releases.released(trail)
    told = {name: getattr(decision, name) for name in ("decision_id", "account", "order", "amount", "currency", "reasons")}
    by, reason = (done.by, done.reason) if done else (None, None)
    return {**told, "state": state_of(trail), "proposed_by": first.by if first else None, "released_by": by, "reason": reason}


def state_of(trail: list[OfRelease]) -> str:
    return RELEASED if releases.released(trail) else PROPOSED if releases.proposed(trail) else NOT_RELEASED


def let_through(writing: Any, decision: OrderChecked, *, is_new: bool, by: str, version: int) -> tuple[OrderChecked, bool]:
    """A decision as the release of its order makes it, where there is one that covers it, and whether it is new."""
    found = releases.covering(writing, decision) if decision.decision == HELD else None
    if found is None:
        return decision, is_new
    inputs = {**decision.inputs, "released": found.decision_id}
    id_ = decisions.digest_of(decision.account, inputs)
    known = decisions.known(writing, id_)
    if known is not None:
        return known, False
    return approvals.let_through(decision, found)._replace(decision_id=id_, inputs=inputs, by=by, version=version), True
