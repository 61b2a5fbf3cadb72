"""Limits by request: somebody asks, those with authority say yes or no, and the last yes makes the limit. All of it is recorded.

Each act reads and writes under the write lock. The same act of the same person again answers the same and records nothing.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from exposure import approvals
from exposure.approvals import TWICE, UNLIMITED, Agreed, Refused
from exposure.ledger.acts import limit_requests as recorded
from exposure.ledger.acts.limit_requests import Trail
from exposure.ledger.acts.policies import in_force
from projections.account import Asked, figures_of
from projections.limit_requests import asked_of, shown
from schemas.amounts import shown as text_of
from schemas.facts import LimitApprovalRefused, LimitApproved, LimitRejected, LimitRequested, LimitRequestWithdrawn, OfLimit
from schemas.policies import Policy
from service.deciding.checking import minor_of
from service.failures import WRONG_USAGE, Done, Failure
from service.options import known_currency

Policies = Callable[[Any], Policy]
"""The policy in force at a moment."""
UNBOUNDED = (UNLIMITED, "none")


class Wanted(NamedTuple):
    """The limit that is asked for, in the words of who asks: days are the account's own."""

    account: str
    amount: str
    currency: str | None
    kind: str
    valid_from: str
    valid_to: str | None
    reason: str


class Act(NamedTuple):
    """What somebody does to a request: ``approve``, ``reject`` or ``withdraw``."""

    name: str
    request: str
    by: str
    reason: str | None = None


def request(store: Any, wanted: Wanted, by: str, now: Callable[[], int], policy_at: Policies = in_force) -> Done:
    """Raises ``UnknownAccount`` or ``Failure``."""
    in_order(wanted)
    with store.writing(now()) as writing:
        policy, at = policy_at(writing), writing.recorded_at
        currency = known_currency(wanted.currency or figures_of(writing, wanted.account, Asked(at))[0].currency)
        amount = amount_of(wanted.amount, currency)
        asked = LimitRequested(
            "", wanted.account, wanted.kind, amount, currency, wanted.valid_from, wanted.valid_to, wanted.reason, by, policy.version
        )
        id_, known = recorded.open_id(writing, wanted.account, list(asked[2:-1]))
        if known is None:
            asked = asked._replace(request=id_)
            recorded.record(writing, asked, asked)
        return Done(shown(writing, trail_of(writing, id_), Asked(at), policy))


def act(store: Any, act: Act, now: Callable[[], int], policy_at: Policies = in_force) -> Done:
    """Raises ``Failure`` where there is no such request."""
    with store.writing(now()) as writing:
        policy, trail = policy_at(writing), trail_of(writing, act.request)
        said, refused = answered(writing, trail, act, policy)
        if said is not None:
            recorded.record(writing, trail.request, said)
        if isinstance(said, LimitApproved) and said.is_final:
            recorded.tell_limit(writing, trail.request, [*(one.by for one in trail.approvals), act.by])
        return Done(shown(writing, trail_of(writing, act.request), Asked(writing.recorded_at), policy), refused)


def answered(writing: Any, trail: Trail, act: Act, policy: Policy) -> tuple[OfLimit | None, Refused | None]:
    """What is recorded of an act, and why it was refused; nothing is recorded of one that was done before."""
    if done_before(trail, act):
        return None, None
    asked = asked_of(writing, trail, Asked(writing.recorded_at), policy)
    named = (act.request, trail.request.account, act.by)
    answer = judged(asked, act, policy)
    if answer == TWICE:
        return None, None
    if isinstance(answer, Refused):
        told = LimitApprovalRefused(*named, act.name, *answer, policy.version, trail.state)
        return (None if any(event == told for _, event in trail.events) else told), answer
    if isinstance(answer, Agreed):
        return LimitApproved(*named, act.reason, policy.version, answer.is_final), None
    return LimitRejected(*named, act.reason or "", policy.version) if act.name == "reject" else LimitRequestWithdrawn(*named, policy.version), None


def judged(asked: approvals.Asked, act: Act, policy: Policy) -> Agreed | Refused | None:
    if act.name == "approve":
        return approvals.limit_approved(asked, act.by, policy)
    return approvals.limit_rejected(asked, act.by, policy) if act.name == "reject" else approvals.limit_withdrawn(asked, act.by)


def done_before(trail: Trail, act: Act) -> bool:
    """Whether the same person has rejected or withdrawn it already."""
    kinds: dict[str, type[OfLimit]] = {"reject": LimitRejected, "withdraw": LimitRequestWithdrawn}
    kind = kinds.get(act.name)
    return kind is not None and any(isinstance(event, kind) and approvals.same(event.by, act.by) for _, event in trail.events)


def trail_of(moment: Any, request: str, known_at: int | None = None) -> Trail:
    found = recorded.trail(moment, request, known_at)
    if found is None:
        raise Failure("unknown_request", f"there is no limit request {request!r}; `exposure limit list --all` names them")
    return found


def in_order(wanted: Wanted) -> None:
    if wanted.kind not in ("base", "temporary"):
        raise Failure("usage", f"--kind: {wanted.kind!r} is neither base nor temporary", WRONG_USAGE)
    if wanted.kind == "temporary" and wanted.valid_to is None:
        raise Failure("usage", "--valid-to: say when the temporary limit ends", WRONG_USAGE)
    if wanted.valid_to is not None and wanted.valid_to < wanted.valid_from:
        raise Failure("usage", f"--valid-to: {wanted.valid_to} is before {wanted.valid_from}", WRONG_USAGE)


def amount_of(text: str, currency: str) -> str:
    """In one spelling, so that the same request is known again."""
    return text if text in UNBOUNDED else text_of(minor_of(text, currency), currency)
