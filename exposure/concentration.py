"""An account's share of the portfolio: its exposure of a day beside what all accounts together were measured at last by then.

Law: a measurement counts from its day on until the next one. Other accounts move no share, only a measurement does.
"""

from typing import NamedTuple

from exposure.figures import Rates, converted
from schemas.amounts import divided

PLACES = 4
"""Of a share: it is judged as it is shown."""


class Measured(NamedTuple):
    """The exposure of all accounts of a day, in minor units of ``currency``."""

    currency: str
    exposure: int


def share(total: int, currency: str | None, measured: Measured | None, rates: Rates) -> int | None:
    """An account's ``total`` in ten-thousandths of what was measured; ``None`` where nothing was, or there is no rate.

    ``rates`` are those into the account's currency: the one between the two is turned round.
    """
    if measured is None or measured.exposure <= 0:
        return None
    turned = {} if currency is None or measured.currency not in rates else {currency: rates[measured.currency][::-1]}
    worth = converted(total, str(currency), measured.currency, turned)
    return None if worth is None else divided(worth * 10**PLACES, measured.exposure)
