"""Held orders that wait for somebody, and those that somebody let pass: who, why, and which rules were overridden."""

from typing import Any

from exposure.decisions import HELD
from exposure.ledger import releases
from projections.when import instant_text
from schemas.facts import OrderChecked
from schemas.stored import read_ours

DECISIONS = "decision"


def holds(moment: Any, account: str | None) -> list[dict[str, Any]]:
    """Orders whose newest decision holds them and was not released, of one account or of every one: the oldest of an account first."""
    accounts = dict.fromkeys(name for name, _ in moment.cases_of_kind(DECISIONS, HELD, account))
    return [shown for name in accounts for at, decision in newest(moment, name) if (shown := hold(moment, at, decision)) is not None]


def newest(moment: Any, account: str) -> list[tuple[int, OrderChecked]]:
    """Of each order of an account its newest decision, with its recorded instant."""
    streams = [stream for _, stream in moment.cases_of_kind(DECISIONS, None, account)]
    last: dict[str, tuple[int, OrderChecked]] = {}
    for _, _, _, topic, state, recorded_at, _ in moment.events_of(streams):
        decision = read_ours(topic, state)
        assert isinstance(decision, OrderChecked)
        last.pop(decision.order, None)
        last[decision.order] = recorded_at, decision
    return list(last.values())


def hold(moment: Any, recorded_at: int, decision: OrderChecked) -> dict[str, Any] | None:
    trail = releases.trail(moment, decision.decision_id)
    if decision.decision != HELD or releases.released(trail) is not None:
        return None
    fields = ("decision_id", "account", "order", "amount", "currency", "as_of", "reasons", "exposure_after", "limit", "available_after", "by")
    proposed = releases.proposed(trail)
    told = {name: getattr(decision, name) for name in fields}
    return {**told, "recorded": instant_text(recorded_at), "proposed_by": proposed.by if proposed else None}


def overrides(moment: Any, first: str | None, last: str | None) -> list[dict[str, Any]]:
    """Every release, oldest first; between two days, each account's own, both included."""
    found = [{**release._asdict(), "recorded": instant_text(at)} for at, release in releases.all_released(moment)]
    return [one for one in found if (first or "") <= one["as_of"] <= (last or one["as_of"])]
