"""What people do about an alert: acknowledge it, pass it on; recorded beside the alert, once for the same words of the same person."""

from collections.abc import Callable
from typing import Any, NamedTuple

from exposure.ledger import alerts
from projections.alerts import Wanted, alert_log
from projections.when import instant_text
from schemas.facts import AlertAcknowledged, AlertAct, AlertEscalated, AlertRaised
from service.failures import Failure


class Act(NamedTuple):
    """Who acknowledges an alert or, where ``to`` is told, passes it on to whom."""

    alert_id: str
    by: str
    note: str
    to: str | None


def act(store: Any, wanted: Act, now: Callable[[], int]) -> dict[str, Any] | None:
    """Under the write lock. The alert as the log now shows it; ``None`` where it was cleared. Raises ``Failure`` where none has the id."""
    with store.writing(now()) as writing:
        alert = alerts.found(writing, wanted.alert_id)
        if alert is None:
            raise Failure("unknown_alert", f"there is no alert {wanted.alert_id!r}: nothing was done; `exposure alerts --json` tells the ids")
        if alerts.is_cleared(writing, alert):
            return None
        said = event(alert, wanted, *alerts.next_place(writing, alert.account))
        done = [one for one, _ in alerts.acts(writing, alert.account).get(alert.alert_id, ()) if type(one) is type(said)]
        if not done or words(done[-1]) != words(said):
            alerts.record_act(writing, said, instant_text(writing.recorded_at))
        return next(one for one in alert_log(writing, Wanted(alert.account)) if one["id"] == alert.alert_id)


def event(alert: AlertRaised, wanted: Act, alert_id: str, sequence: int) -> AlertAct:
    about = (alert_id, alert.account, alert.rule, alert.step, alert.severity, sequence, alert.alert_id)
    if wanted.to is None:
        return AlertAcknowledged(*about, wanted.by, wanted.note)
    return AlertEscalated(*about, wanted.by, wanted.to, wanted.note)


def words(said: AlertAct) -> tuple[str, ...]:
    return (said.by, said.note) if isinstance(said, AlertAcknowledged) else (said.by, said.to, said.note)
