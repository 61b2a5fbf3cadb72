"""Held orders that wait for somebody, and those that somebody let pass: who, why, and which rules were overridden."""

from typing import Any

from exposure.decisions import HELD
from exposure.ledger.acts import releases
from exposure.ledger.acts.decisions import KIND, decided
from projections.account import refuse_unknown
from projections.when import instant_text
from schemas.facts import OrderChecked


def holds(moment: Any, account: str | None, known_at: int | None = None) -> list[dict[str, Any]]:
    """Orders whose newest decision holds them and was not released, as known at an instant, of one account or of every one: the oldest of an account
    first. Raises ``UnknownAccount``."""
    refuse_unknown(moment, account, known_at)
    accounts = dict.fromkeys(name for name, _ in moment.cases_of_kind(KIND, HELD, account, moment.position_behind(known_at)))
    newest_ones = (one for name in accounts for one in newest(moment, name, known_at))
    return [shown for at, decision in newest_ones if (shown := hold(moment, at, decision, known_at)) is not None]


def newest(moment: Any, account: str, known_at: int | None) -> list[tuple[int, OrderChecked]]:
    """Of each order of an account its newest decision, with its recorded instant."""
    last: dict[str, tuple[int, OrderChecked]] = {}
    for recorded_at, decision in decided(moment, account, known_at):
        last.pop(decision.order, None)
        last[decision.order] = recorded_at, decision
    return list(last.values())


def hold(moment: Any, recorded_at: int, decision: OrderChecked, known_at: int | None) -> dict[str, Any] | None:
    trail = releases.trail(moment, decision.decision_id, known_at)
    if decision.decision != HELD or releases.released(trail) is not None:
        return None
    fields = ("decision_id", "account", "order", "amount", "currency", "as_of", "reasons", "exposure_after", "limit", "available_after", "by")
    proposed = releases.proposed(trail)
    told = {name: getattr(decision, name) for name in fields}
    return {**told, "recorded": instant_text(recorded_at), "proposed_by": proposed.by if proposed else None}


def overrides(moment: Any, first: str | None, last: str | None, known_at: int | None = None) -> list[dict[str, Any]]:
    """Every release recorded by an instant, oldest first; between two days, each account's own, both included."""
    known = releases.all_released(moment, before=moment.position_behind(known_at))
    found = [{**release._asdict(), "recorded": instant_text(at)} for at, release in known]
    return [one for one in found if (first or "") <= one["as_of"] <= (last or one["as_of"])]
