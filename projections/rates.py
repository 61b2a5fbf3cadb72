"""Exchange rates of a day: the latest dated not after it, direct, else inverted, no third currency; of one day the last told (law 12)."""

from collections.abc import Iterable
from typing import Any

from exposure.figures import Rates
from projections.when import version_at
from schemas.amounts import BILLION, billionths
from schemas.jsontext import read


def rates_on(moment: Any, currencies: Iterable[str], into: str | None, day: str, known_at: int | None) -> Rates:
    rates: Rates = {}
    for currency in currencies if into else ():
        direct = latest(moment, currency, str(into), day, known_at)
        inverse = latest(moment, str(into), currency, day, known_at) if direct is None else None
        if direct is not None:
            rates[currency] = (direct, BILLION)
        elif inverse is not None:
            rates[currency] = (BILLION, inverse)
    return rates


def latest(moment: Any, base: str, quote: str, day: str, known_at: int | None) -> int | None:
    """The rate in billionths."""
    version = version_at(moment, f"currency:{base}", known_at)
    told_on: str | None = None
    candidates = []
    for rate_day, told, rate_version, rate in moment.rates(base, quote, day):
        if version is not None and rate_version > version:
            continue
        if told_on not in (None, rate_day):
            break
        told_on = rate_day
        candidates.append((tuple(read(told)), rate))
    return billionths(max(candidates)[1]) if candidates else None
