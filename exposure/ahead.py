"""When an account's figures change next by time alone: an item falls due or grows into another bucket, an order line comes within the horizon,
a reservation ends, what was told ahead of the customer begins.

Limits, protections and movements dated ahead are days of the account's course (``exposure/alerts.py``), and stand beside this.
"""

from datetime import date, timedelta

from exposure.figures import Figures, days_late
from exposure.rules import orders
from exposure.rules.spans import later
from schemas.facts import LAST_DAY, Fact

AGED = (1, 31, 61, 91, 121)
"""Days late from which on an item is in another bucket."""


def next_day(figures: Figures, customer: list[Fact]) -> str:
    """The first day behind that of the figures on which they are others; ``LAST_DAY`` where none is in sight."""
    on, days = figures.on, {LAST_DAY}
    for due in {item.due for item in on.items if item.component == "receivables"}:
        late = days_late(due, on.day)
        days |= {later(due, next(age for age in AGED if age > late))} if late < AGED[-1] else set()
    horizon = figures.rules.horizon_days
    for item in figures.beyond if horizon is not None else ():
        requested = orders.requested_days(on.texts[item.document], on.day)[item.item]
        days.add((date.fromisoformat(requested) - timedelta(days=horizon or 0)).isoformat())
    days.update([str(fact.data["date"]) for fact in customer if fact.data.get("date", "") > on.day])
    return min(days)


def next_end(figures: Figures) -> str:
    """The instant at which the first reservation ends (UTC, as facts have it); ``LAST_DAY`` where none does."""
    return min([item.due for item in figures.on.items if item.component == "reserved"], default=LAST_DAY)


def lasting(figures: Figures) -> dict[str, object]:
    """The figures without what merely counts days: of the days overdue the day they are counted from."""
    told = figures.summary() | figures.findings()
    del told["as_of"], told["days_overdue"]
    return {**told, "oldest_due": figures.oldest_due}
