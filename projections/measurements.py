"""The portfolio measured: what do all accounts together owe on a day? And what it was measured at before.

Law: the figures of each account are those of the list, converted into the policy's currency at the rates of the day.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from exposure.figures import COMPONENTS, Figures
from exposure.ledger.acts import portfolio
from projections.account import Asked, NotKnownBefore, asked_now
from projections.portfolio import Listing, accounts, shared_out
from projections.selection import Selection
from projections.when import instant_text
from schemas.amounts import shown
from schemas.portfolio import PortfolioMeasured


class NoCurrency(LookupError):
    """The policy in force names no currency to add accounts up in."""


def measurement(moment: Any, day: str, now: int, by: str, progress: Callable[[int], None]) -> PortfolioMeasured:
    """Raises ``NoCurrency``. An account that is taken on after the day has no figures of it, and is not counted."""
    asked = asked_now(moment, Asked(now, day))
    listing = Listing(moment, asked, Selection())
    currency = listing.policy.currency
    if currency is None:
        raise NoCurrency("the policy in force names no currency to add accounts up in; adopt one that does with `exposure policy adopt`")
    total, many, done = 0, 0, 0
    missing: Counter[tuple[str, str]] = Counter()
    whole = 0
    for names in shared_out(moment):
        for known, stored, documents in accounts(moment, asked, names):
            try:
                figures = listing.figures(known, stored, documents)
            except NotKnownBefore:
                continue
            many += 1
            lacking = {
                (item.currency, str(figures.currency)) for item, value in figures.converted.items() if value is None and item.component in COMPONENTS
            }
            worth = worth_of(listing, figures, currency, day)
            if worth is None:
                lacking.add((str(figures.currency), currency))
            missing.update(lacking)
            whole += not lacking
            total += worth or 0
        done += len(names)
        progress(done)
    rates = [{"from": one, "into": into, "accounts": missing[one, into]} for one, into in sorted(missing)]
    known_at, names_of = instant_text(asked.now), sorted({one for one, _ in missing})
    return PortfolioMeasured(day, currency, shown(total, currency), many, names_of, listing.policy.version, known_at, by, rates, whole)


def worth_of(listing: Listing, figures: Figures, currency: str, day: str) -> int | None:
    """An account's exposure in the policy's currency; nothing is worth nothing in any."""
    if not figures.total:
        return 0
    return listing.rates.worth(figures.total, str(figures.currency), [currency], day).get(currency)


def listed(moment: Any, known_at: int | None) -> list[dict[str, Any]]:
    """Every measurement in order of days, each with whether it counts: the last of its day does."""
    told = sorted(portfolio.measurements(moment, known_at), key=lambda one: (one.event.day, one.recorded_at))
    days = [one.event.day for one in told]
    return [
        {**one.event._asdict(), "recorded": instant_text(one.recorded_at), "counts": one.event.day not in days[place + 1 :]}
        for place, one in enumerate(told)
    ]
