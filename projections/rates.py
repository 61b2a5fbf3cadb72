"""Exchange rates of a day: the latest dated not after it, direct, else inverted, no third currency; of one day the last told (law 12)."""

from collections.abc import Iterable
from typing import Any

from exposure.figures import Rates, converted
from projections.when import version_at
from schemas.amounts import BILLION, billionths
from schemas.jsontext import read


class KnownRates:
    """The rates of one moment as known at an instant; each pair is read once for each day."""

    def __init__(self, moment: Any, known_at: int | None) -> None:
        self.moment = moment
        self.known_at = known_at
        self.seen: dict[tuple[str, str, str], tuple[int, int] | None] = {}

    def on(self, currencies: Iterable[str], into: str | None, day: str) -> Rates:
        rates: Rates = {}
        for currency in currencies if into else ():
            rate = self.rate(currency, str(into), day)
            if rate is not None:
                rates[currency] = rate
        return rates

    def worth(self, amount: int, currency: str, into: Iterable[str], day: str) -> dict[str, int]:
        """One amount in several currencies, each converted once, half-even; those without a rate are missing."""
        values = {one: converted(amount, currency, one, self.on({currency} - {one}, one, day)) for one in into}
        return {one: value for one, value in values.items() if value is not None}

    def rate(self, currency: str, into: str, day: str) -> tuple[int, int] | None:
        """How many ``into`` one ``currency`` buys, as numerator and denominator; ``None`` where no rate is known."""
        pair = (currency, into, day)
        if pair not in self.seen:
            self.seen[pair] = self.told(currency, into, day)
        return self.seen[pair]

    def told(self, currency: str, into: str, day: str) -> tuple[int, int] | None:
        direct = self.latest(currency, into, day)
        if direct is not None:
            return direct, BILLION
        inverse = self.latest(into, currency, day)
        return None if inverse is None else (BILLION, inverse)

    def latest(self, base: str, quote: str, day: str) -> int | None:
        """The rate in billionths."""
        version = version_at(self.moment, f"currency:{base}", self.known_at)
        told_on: str | None = None
        candidates = []
        for rate_day, told, rate_version, rate in self.moment.rates(base, quote, day):
            if version is not None and rate_version > version:
                continue
            if told_on not in (None, rate_day):
                break
            told_on = rate_day
            candidates.append((tuple(read(told)), rate))
        return billionths(max(candidates)[1]) if candidates else None
