"""Requests for limits: which are open, who still has to say yes, and all that was said to one."""

from typing import Any

from exposure import approvals
from exposure.approvals import UNLIMITED, Asked, Worth
from exposure.ledger.acts.cases import OPEN
from exposure.ledger.acts.limit_requests import KIND, Trail, trail_of_stream
from exposure.ledger.acts.policies import in_force
from projections.account import Asked as Question
from projections.account import accounts_stored, known_account, refuse_unknown, today
from projections.history import type_of
from projections.rates import KnownRates
from projections.when import instant_text, version_at
from schemas.amounts import minor
from schemas.facts import LimitRequested
from schemas.policies import Policy
from schemas.stored import TOPIC_OF_OURS


def limit_requests(moment: Any, account: str | None, question: Question, *, settled: bool) -> list[dict[str, Any]]:
    """The open ones, or all, of one account or of every one: in order of accounts, the oldest first. Raises ``UnknownAccount``."""
    refuse_unknown(moment, account, question.known_at)
    # What is settled now may have been open then.
    state = OPEN if not settled and question.known_at is None else None
    streams = [stream for _, stream in moment.cases_of_kind(KIND, state, account, moment.position_behind(question.known_at))]
    known = [found for stream in streams if (found := trail_of_stream(moment, stream, question.known_at)) is not None]
    trails, policy = [one for one in known if settled or one.state == OPEN], in_force(moment, question.known_at)
    return [
        shown(moment, one, question, policy) for one in sorted(trails, key=lambda one: (one.request.account, one.events[0][0], one.request.request))
    ]


def shown(moment: Any, trail: Trail, question: Question, policy: Policy) -> dict[str, Any]:
    """A request, how it stands under a policy at the instant of the question, and all that was said to it by then."""
    request = trail.request
    told = {name: value for name, value in request._asdict().items() if name != "policy"}
    said = [{"type": type_of(TOPIC_OF_OURS[type(event)]), "recorded": instant_text(at), **event._asdict()} for at, event in trail.events]
    waits = waiting_for(moment, trail, question, policy) if trail.state == OPEN else None
    return {**told, "state": trail.state, "approved_by": [one.by for one in trail.approvals], "waiting_for": waits, "trail": said}


def waiting_for(moment: Any, trail: Trail, question: Question, policy: Policy) -> dict[str, Any]:
    """How many have to say yes still (``None`` where no rate tells), and who may; where the policy names nobody, anybody but who asked. What the
    policy says in a currency into which there is no rate nobody can weigh."""
    asked = asked_of(moment, trail, question, policy)
    needed = approvals.approvers_needed(asked.worth, policy)
    missing = max(needed - len(asked.agreed), 1) if isinstance(needed, int) else None
    named = approvals.may_still_agree(asked, approvals.limit_powers(policy), policy) if policy.authority else None
    lacking = sorted(approvals.currencies_of(policy) - asked.worth.keys()) if asked.worth is not None else []
    rates = [{"from": trail.request.currency, "into": currency} for currency in lacking]
    return {"approvers": missing, "who": named, "not": [asked.by, *asked.agreed], "rates_missing": rates}


def asked_of(moment: Any, trail: Trail, question: Question, policy: Policy) -> Asked:
    """What the rules of approval look at; amounts at the rates of the account's today."""
    agreed = tuple(one.by for one in trail.approvals)
    return Asked(trail.request.by, worth_of(moment, trail.request, question, policy), agreed, trail.state != OPEN)


def worth_of(moment: Any, request: LimitRequested, question: Question, policy: Policy) -> Worth | None:
    currencies = approvals.currencies_of(policy)
    if request.amount == UNLIMITED:
        return None
    if request.amount == "none":
        return dict.fromkeys(currencies, 0)
    return worth_today(moment, request.account, minor(request.amount, request.currency), request.currency, question, policy)


def worth_today(moment: Any, account: str, amount: int, currency: str, question: Question, policy: Policy) -> Worth:
    """An amount in every currency the policy speaks of, at the rates of the account's today; a limit may be asked for before the account is known."""
    currencies = approvals.currencies_of(policy)
    if not currencies:
        return {}
    known = known_account(accounts_stored(moment, [account])[account], version_at(moment, f"account:{account}", question.known_at))
    day = today(known.customer if known else [], question)
    return KnownRates(moment, question.known_at).worth(amount, currency, currencies, day)
