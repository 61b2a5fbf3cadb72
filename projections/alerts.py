"""The log of alerts: what was said to be true of an account, and to be so no more, with the day it was so, the instant it was found out, and what
people did about it."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from exposure.ledger.alerts import acts, recorded
from projections.account import refuse_unknown
from projections.when import instant_text
from schemas.facts import AlertAcknowledged, AlertAct, AlertRaised, OfAlert

Acts = Sequence[tuple[AlertAct, int]]


class Wanted(NamedTuple):
    """Which alerts are asked for: of an account, and by some rules (all where none is named), or only what stands; as the log was at an instant,
    and what stood on a day (``None``: whatever the day)."""

    account: str | None = None
    rules: frozenset[str] = frozenset()
    standing: bool = False
    as_of: str | None = None
    known_at: int | None = None

    def wants(self, alert: OfAlert) -> bool:
        return self.account in (None, alert.account) and (not self.rules or alert.rule in self.rules)


def alert_log(moment: Any, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The alerts of ``exposure alerts``, oldest first; raises ``UnknownAccount`` at once."""
    account, known_at = wanted.account, wanted.known_at
    refuse_unknown(moment, account, known_at)
    done, said = acts(moment, account, known_at), recorded(moment, account, known_at)
    told = raised_still(said, wanted.as_of) if wanted.standing else said
    return (shown(alert, recorded_at, done.get(alert.alert_id, ())) for alert, recorded_at in told if wanted.wants(alert))


def raised_still(said: Iterator[tuple[OfAlert, int]], day: str | None) -> Iterator[tuple[OfAlert, int]]:
    """Of what was said only what stands, or what of it stood on a day: from the day it became true until it is true no more."""
    stands: dict[str, tuple[OfAlert, int]] = {}
    for alert, recorded_at in said:
        if isinstance(alert, AlertRaised):
            if day is None or alert.effective <= day:
                stands[alert.alert_id] = (alert, recorded_at)
        elif day is None or alert.effective <= day:
            stands.pop(alert.clears, None)
    return iter(stands.values())


def shown(alert: OfAlert, recorded_at: int, done: Acts = ()) -> dict[str, Any]:
    """The newest of what was done counts."""
    told = alert._asdict()
    state = "raised" if isinstance(alert, AlertRaised) else "cleared"
    acknowledged: dict[str, Any] | None = None
    escalated: dict[str, Any] | None = None
    for act, at in done:
        words = {"by": act.by, "note": act.note, "at": instant_text(at)}
        if isinstance(act, AlertAcknowledged):
            acknowledged = words
        else:
            escalated = {**words, "to": act.to}
    return {
        "id": told.pop("alert_id"),
        **told,
        "state": state,
        "raised": instant_text(recorded_at),
        "acknowledged": acknowledged,
        "escalated": escalated,
    }
