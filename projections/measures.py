"""Measures: which wait for somebody's yes, which are in force and until when, and what became of the alerts that they were proposed for."""

from collections.abc import Iterator
from typing import Any

from exposure import approvals
from exposure.ledger import alerts
from exposure.ledger.acts.cases import APPLIED, PROPOSED
from exposure.ledger.acts.measures import Trail, of_account
from exposure.ledger.acts.policies import in_force
from projections.account import Asked, account_known, asked_now, days_said, refuse_unknown, today
from projections.history import type_of
from projections.when import instant_text
from schemas.facts import AlertCleared, Fact
from schemas.policies import Policy
from schemas.stored import TOPIC_OF_OURS

ENDED = "ended"
"""Was applied, and its last day is over."""


def measures(moment: Any, account: str | None, asked: Asked, states: set[str] | None) -> list[dict[str, Any]]:
    """Of one account or of every one, those in some states, or all: in order of accounts, the oldest first; what was proposed by the day, as it stood
    on it. Raises ``UnknownAccount``."""
    refuse_unknown(moment, account, asked.known_at)
    policy = in_force(moment, asked.known_at)
    trails = of_account(moment, account, before=moment.position_behind(asked.known_at))
    found = [shown(moment, trail, asked, policy) for trail in (trails if asked.as_of is None else by_day(moment, trails, asked, asked.as_of))]
    return [one for one in found if states is None or one["state"] in states]


def by_day(moment: Any, trails: list[Trail], asked: Asked, day: str) -> Iterator[Trail]:
    """What was said to each by a day; what carries no date was said on that of its instant."""
    day_said = days_said(moment, (trail.proposed.account for trail in trails), asked)
    for trail in trails:
        said = [(at, event) for at, event in trail.events if getattr(event, "date", day_said(trail.proposed.account, at)) <= day]
        if said:
            yield trail._replace(events=said)


def shown(moment: Any, trail: Trail, asked: Asked, policy: Policy) -> dict[str, Any]:
    """A measure, how it stands by the day asked for, else the account's today, and all that was said to it."""
    proposed, applied, state = trail.proposed, trail.applied, trail.state
    if state == APPLIED and not trail.is_in_force(asked.as_of or today(customer_of(moment, proposed.account, asked), asked_now(moment, asked))):
        state = ENDED
    told = {name: value for name, value in proposed._asdict().items() if name != "policy"}
    said = [{"type": type_of(TOPIC_OF_OURS[type(event)]), "recorded": instant_text(at), **event._asdict()} for at, event in trail.events]
    return {
        **told,
        "state": state,
        "date": applied.date if applied else None,
        "until": applied.until if applied else None,
        "alert_state": alert_state(moment, proposed.account, proposed.alert, asked),
        "waiting_for": waiting_for(trail, policy) if state == PROPOSED else None,
        "trail": said,
    }


def customer_of(moment: Any, account: str, asked: Asked) -> list[Fact]:
    return account_known(moment, account, asked)[1].customer


def alert_state(moment: Any, account: str, alert: str | None, asked: Asked) -> str | None:
    """``raised``, or why it was cleared by the day: ``ended``, or ``corrected`` where it should not have been raised so."""
    if alert is None:
        return None
    cleared = (event for event, _ in alerts.stream(moment, account, asked.known_at) if isinstance(event, AlertCleared) and event.clears == alert)
    return next((event.reason for event in cleared if asked.as_of is None or event.effective <= asked.as_of), "raised")


def waiting_for(trail: Trail, policy: Policy) -> dict[str, Any]:
    """Who may say yes; where the policy names nobody, anybody but who proposed it."""
    proposed = trail.proposed
    named = [one.who for one in policy.authority if proposed.take in one.measures and not approvals.same(one.who, proposed.by)]
    return {"who": named if policy.authority else None, "not": [proposed.by]}
