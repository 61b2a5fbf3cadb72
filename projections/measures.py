"""Measures: which wait for somebody's yes, which are in force and until when, and what became of the alerts that they were proposed for."""

from typing import Any

from exposure import approvals
from exposure.ledger import alerts
from exposure.ledger.cases import APPLIED, PROPOSED
from exposure.ledger.measures import Trail, of_account
from projections.account import Asked, account_known, today
from projections.history import type_of
from projections.when import instant_text
from schemas.facts import AlertCleared
from schemas.policies import Policy
from schemas.stored import TOPIC_OF_OURS

ENDED = "ended"
"""Was applied, and its last day is over."""


def measures(moment: Any, account: str | None, now: int, policy: Policy, states: set[str] | None) -> list[dict[str, Any]]:
    """Of one account or of every one, those in some states, or all: in order of accounts, the oldest first."""
    found = [shown(moment, trail, now, policy) for trail in of_account(moment, account)]
    return [one for one in found if states is None or one["state"] in states]


def shown(moment: Any, trail: Trail, now: int, policy: Policy) -> dict[str, Any]:
    """A measure, how it stands by the account's day, and all that was said to it."""
    proposed, applied, state = trail.proposed, trail.applied, trail.state
    if state == APPLIED and not trail.is_in_force(today_of(moment, proposed.account, now)):
        state = ENDED
    told = {name: value for name, value in proposed._asdict().items() if name != "policy"}
    said = [{"type": type_of(TOPIC_OF_OURS[type(event)]), "recorded": instant_text(at), **event._asdict()} for at, event in trail.events]
    return {
        **told,
        "state": state,
        "date": applied.date if applied else None,
        "until": applied.until if applied else None,
        "alert_state": alert_state(moment, proposed.account, proposed.alert),
        "waiting_for": waiting_for(trail, policy) if state == PROPOSED else None,
        "trail": said,
    }


def today_of(moment: Any, account: str, now: int) -> str:
    asked = Asked(max(now, moment.last_recorded()))
    return today(account_known(moment, account, asked)[1].customer, asked)


def alert_state(moment: Any, account: str, alert: str | None) -> str | None:
    """``raised``, or why it was cleared: ``ended``, or ``corrected`` where it should not have been raised so."""
    if alert is None:
        return None
    cleared = (event for event, _ in alerts.stream(moment, account) if isinstance(event, AlertCleared) and event.clears == alert)
    return next((event.reason for event in cleared), "raised")


def waiting_for(trail: Trail, policy: Policy) -> dict[str, Any]:
    """Who may say yes; where the policy names nobody, anybody but who proposed it."""
    proposed = trail.proposed
    named = [one.who for one in policy.authority if proposed.take in one.measures and not approvals.same(one.who, proposed.by)]
    return {"who": named if policy.authority else None, "not": [proposed.by]}
