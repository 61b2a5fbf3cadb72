"""What is recorded of the portfolio: what all accounts together owe on a day, as it was measured."""

from typing import Any, NamedTuple


class PortfolioMeasured(NamedTuple):
    """On ``day`` the ``accounts`` that were known then had ``exposure`` in all, in ``currency``; what is in one of ``missing`` lacked a rate and is
    left out. ``known_at`` is the instant up to which it was known; ``policy`` says the currency. ``rates_missing`` tells each rate that lacked,
    ``from`` and ``into``, with how many ``accounts`` something is left out of for want of it; ``whole`` is how many accounts are in it with all they
    owe. Both are null where it was measured before they were told."""

    day: str
    currency: str
    exposure: str
    accounts: int
    missing: list[str]
    policy: str
    known_at: str
    by: str
    rates_missing: list[dict[str, Any]] | None = None
    whole: int | None = None
