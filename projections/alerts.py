"""The log of alerts: what was said to be true of an account, and to be so no more, with the day it was so and the instant it was found out."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from exposure.ledger.alerts import recorded
from projections.account import UnknownAccount
from projections.when import instant_text
from schemas.facts import AlertRaised, OfAlert


class Wanted(NamedTuple):
    """Which alerts are asked for: of an account, and by some rules; all where none is named."""

    account: str | None = None
    rules: frozenset[str] = frozenset()

    def wants(self, alert: OfAlert) -> bool:
        return self.account in (None, alert.account) and (not self.rules or alert.rule in self.rules)


def alert_log(moment: Any, wanted: Wanted) -> Iterator[dict[str, Any]]:
    """The alerts of ``exposure alerts``, oldest first; raises ``UnknownAccount`` at once."""
    if wanted.account is not None and not moment.last_version(f"account:{wanted.account}"):
        raise UnknownAccount(f"nothing is known of account {wanted.account!r}")
    return (shown(alert, recorded_at) for alert, recorded_at in recorded(moment, wanted.account) if wanted.wants(alert))


def shown(alert: OfAlert, recorded_at: int) -> dict[str, Any]:
    told = alert._asdict()
    state = "raised" if isinstance(alert, AlertRaised) else "cleared"
    return {"id": told.pop("alert_id"), **told, "state": state, "raised": instant_text(recorded_at)}
