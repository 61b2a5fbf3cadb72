"""Measures by hand: somebody proposes one, says yes or no to one that waits, or lifts one that is in force. All of it is recorded.

Each act reads and writes under the write lock. The same act of the same person again answers the same and records nothing.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from exposure import approvals
from exposure.approvals import TWICE, Agreed, Asked, Refused
from exposure.figures import Figures
from exposure.ledger.acts import measures as recorded
from exposure.ledger.acts.cases import PROPOSED
from exposure.ledger.acts.measures import Trail
from exposure.ledger.acts.policies import in_force
from exposure.measures import lowered
from exposure.rules.spans import later
from projections.account import Asked as Question
from projections.account import figures_of
from projections.measures import shown
from schemas.amounts import minor
from schemas.measures import LOWER_LIMIT, MeasureActRefused, MeasureApproved, MeasureProposed, MeasureRejected, MeasureTakenBack, OfMeasure
from schemas.policies import Policy
from service.failures import Done, Failure

NOT_LOWER = Refused("not_lower", "the limit that counts by now is not higher than this one: a measure never raises a limit")


class Wanted(NamedTuple):
    """What is proposed, in the words of who does: a limit is lowered to a ``share`` of the one in force, else to the exposure."""

    account: str
    take: str
    share: str | None
    days: int | None
    reason: str


class Act(NamedTuple):
    """What somebody does about a measure: ``approve``, ``reject`` or ``lift``."""

    name: str
    measure: str
    by: str
    reason: str


def propose(store: Any, wanted: Wanted, by: str, now: Callable[[], int]) -> Done:
    """Raises ``UnknownAccount``, or ``Failure`` where there is nothing to lower."""
    with store.writing(now()) as writing:
        policy, at = in_force(writing), writing.recorded_at
        figures = figures_of(writing, wanted.account, Question(at))[0]
        amount = amount_lowered(figures, wanted.take, wanted.share)
        if wanted.take == LOWER_LIMIT and amount is None:
            raise Failure("not_lower", f"account {wanted.account!r} has no limit that this would lower")
        id_, known = recorded.open_id(writing, wanted.account, [*wanted, by])
        if known is None:
            said = MeasureProposed(
                id_, wanted.account, wanted.take, None, None, None, figures_seen(figures), amount, figures.currency if amount else None,
                wanted.days, by, wanted.reason, policy.version,
            )  # fmt: skip
            recorded.record(writing, said, [said])
        return Done(shown(writing, trail_of(writing, id_), Question(at), policy))


def amount_lowered(figures: Figures, take: str, share: str | None) -> str | None:
    """What a limit is lowered to, in the account's currency; ``None`` where it is not lower, or of another measure."""
    amount = lowered(figures.limit, figures.total, share) if take == LOWER_LIMIT else None
    return None if amount is None else figures.text(amount)


def figures_seen(figures: Figures) -> dict[str, Any]:
    """In sight of which figures somebody proposes; an alert has its own."""
    told = figures.summary()
    limit = told["limit"] and told["limit"]["amount"]
    plain = {name: told[name] for name in ("currency", "available", "utilisation", "days_overdue")}
    return {**plain, "total": told["exposure"]["total"], "limit": limit}


def act(store: Any, act: Act, now: Callable[[], int]) -> Done:
    """Raises ``Failure`` where there is no such measure."""
    with store.writing(now()) as writing:
        policy, trail = in_force(writing), trail_of(writing, act.measure)
        refused = None if done_before(trail, act) else answered(writing, trail, act, policy)
        return Done(shown(writing, trail_of(writing, act.measure), Question(writing.recorded_at), policy), refused)


def answered(writing: Any, trail: Trail, act: Act, policy: Policy) -> Refused | None:
    """Does it, or records why it was refused, once."""
    proposed = trail.proposed
    figures = figures_of(writing, proposed.account, Question(writing.recorded_at))[0]
    refused = judged(trail, act, policy, figures)
    if refused == TWICE:
        return None
    words = (proposed.measure, proposed.account, act.by)
    if refused is not None:
        said = MeasureActRefused(*words, act.name, *refused, policy.version, trail.state)
        if all(event != said for _, event in trail.events):
            recorded.record(writing, proposed, [said])
    elif act.name == "approve":
        apply(writing, proposed, figures, act.by, act.reason, policy)
    elif act.name == "reject":
        recorded.record(writing, proposed, [MeasureRejected(*words, act.reason, policy.version)])
    else:
        assert trail.applied is not None
        lifted = MeasureTakenBack(*words, act.reason, policy.version, figures.on.day)
        recorded.record(writing, proposed, [lifted])
        recorded.tell_lifted(writing, proposed, trail.applied, lifted)
    return refused


def judged(trail: Trail, act: Act, policy: Policy, figures: Figures) -> Refused | None:
    """Why somebody may not do it."""
    proposed, approved = trail.proposed, trail.applied
    asked = Asked(proposed.by, None, (approved.by,) if approved else (), trail.state != PROPOSED)
    if act.name == "lift":
        return approvals.measure_lifted(act.by, proposed.take, policy, is_in_force=trail.is_in_force(figures.on.day))
    if act.name == "reject":
        return approvals.measure_rejected(asked, act.by, proposed.take, policy)
    answer = approvals.measure_approved(asked, act.by, proposed.take, policy)
    if isinstance(answer, Agreed):
        return NOT_LOWER if proposed.take == LOWER_LIMIT and not is_lower(proposed, figures) else None
    return answer


def is_lower(proposed: MeasureProposed, figures: Figures) -> bool:
    """Whether the limit that was proposed is still less than the one that counts."""
    assert proposed.amount is not None
    assert proposed.currency is not None
    limit = figures.limit
    return limit == "unlimited" or (
        isinstance(limit, int) and proposed.currency == figures.currency and minor(proposed.amount, proposed.currency) < limit
    )


def apply(writing: Any, proposed: MeasureProposed, figures: Figures, by: str, reason: str, policy: Policy) -> None:
    """From the account's day on. Where a temporary limit is lowered, the lower one ends when that would have."""
    day, step, kind = figures.on.day, figures.limit_step, None
    until = later(day, proposed.days - 1) if proposed.days is not None else None
    if proposed.take == LOWER_LIMIT:
        kind = step.data["kind"] if step else "base"
        if kind == "temporary" and step is not None:
            until = min([end for end in (until, step.data.get("valid_to")) if end is not None], default=None)
    applied = MeasureApproved(proposed.measure, proposed.account, by, reason, policy.version, day, until, kind)
    recorded.record(writing, proposed, [applied])
    recorded.tell_applied(writing, proposed, applied)


def done_before(trail: Trail, act: Act) -> bool:
    """Whether the same person has rejected or lifted it already."""
    kinds: dict[str, type[OfMeasure]] = {"reject": MeasureRejected, "lift": MeasureTakenBack}
    kind = kinds.get(act.name)
    return kind is not None and any(isinstance(event, kind) and approvals.same(event.by, act.by) for _, event in trail.events)


def trail_of(moment: Any, measure: str, known_at: int | None = None) -> Trail:
    found = recorded.trail(moment, measure, moment.position_behind(known_at))
    if found is None:
        raise Failure("unknown_measure", f"there is no measure {measure!r}; `exposure measures --all` names them")
    return found
