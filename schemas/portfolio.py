"""What is recorded of the portfolio: what all accounts together owe on a day, as it was measured."""

from typing import NamedTuple


class PortfolioMeasured(NamedTuple):
    """On ``day`` the ``accounts`` that were known then had ``exposure`` in all, in ``currency``; what is in one of ``missing`` lacked a rate and is
    left out. ``known_at`` is the instant up to which it was known; ``policy`` says the currency."""

    day: str
    currency: str
    exposure: str
    accounts: int
    missing: list[str]
    policy: str
    known_at: str
    by: str
