"""How the store stands: what it holds, how far its inputs were taken, and what still waits."""

from typing import Any

from exposure.ledger import account as heads
from projections.dead_letters import EVER
from projections.when import instant_text


def status(moment: Any) -> dict[str, Any]:
    """The document of ``exposure status``; ``pending`` counts references to what has not come, over all accounts as now known."""
    events, last_recorded = moment.count_events()
    accounts = pending = 0
    for row in moment.all_heads():
        accounts += 1
        pending += sum(amount for place, amount in heads.decoded(*row).sums.items() if place.startswith("pending:"))
    return {
        "store_version": moment.version(),
        "events": events,
        "accounts": accounts,
        "last_recorded": None if last_recorded is None else instant_text(last_recorded),
        "inputs": [input_shown(name, position) for name, position in moment.positions()],
        "dead_letters": sum(moment.dead_letter_counts(EVER).values()),
        "pending": pending,
        "outbox": moment.outbox_depth(),
    }


def input_shown(tracking: str, position: int) -> dict[str, Any]:
    """``generation`` counts how often a file of this name was another one."""
    name, mark, generation = tracking.rpartition("#")
    if not mark or not generation.isdecimal():
        return {"input": tracking, "generation": None, "position": position}
    return {"input": name, "generation": int(generation), "position": position}
