"""The log of alerts: what was said to be true of an account, and to be so no more, with the day it was so and the instant it was found out."""

from collections.abc import Iterator
from typing import Any

from exposure.ledger.alerts import recorded
from projections.account import UnknownAccount
from projections.when import instant_text
from schemas.facts import AlertRaised, OfAlert


def alert_log(moment: Any, account: str | None) -> Iterator[dict[str, Any]]:
    """The alerts of ``exposure alerts``, oldest first; raises ``UnknownAccount`` at once."""
    if account is not None and not moment.last_version(f"account:{account}"):
        raise UnknownAccount(f"nothing is known of account {account!r}")
    return (shown(alert, recorded_at) for alert, recorded_at in recorded(moment, account))


def shown(alert: OfAlert, recorded_at: int) -> dict[str, Any]:
    told = alert._asdict()
    state = "raised" if isinstance(alert, AlertRaised) else "cleared"
    return {"id": told.pop("alert_id"), **told, "state": state, "raised": instant_text(recorded_at)}
