"""What subscribers were not told: alerts that were given up, with the reason."""

from typing import Any

from exposure.ledger.alerts import at_positions
from exposure.ledger.out import deliveries
from projections.alerts import shown


def given_up(moment: Any, name: str | None) -> list[dict[str, Any]]:
    """Of one subscription or of all, oldest first."""
    dead = deliveries.dead(moment, name)
    alerts = at_positions(moment, sorted({one.position for one in dead}))
    return [{"subscription": one.subscription, "attempts": one.attempts, "failure": one.failure, **shown(*alerts[one.position])} for one in dead]
