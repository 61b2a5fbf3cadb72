"""Exchange rates of a day: the latest dated not after it, direct, else inverted, no third currency; of one day the last told (law 12)."""

from bisect import bisect_right
from collections.abc import Collection, Iterable
from functools import cached_property
from typing import Any, NamedTuple

from exposure.concentration import Measured
from exposure.figures import Rates, converted
from exposure.ledger.acts.portfolio import measured
from exposure.ledger.alerts import PORTFOLIO
from projections.when import version_at
from schemas.amounts import BILLION, billionths
from schemas.facts import LAST_DAY
from schemas.jsontext import read

Told = tuple[list[str], list[int]]
"""Days in order, and from each on the rate in billionths."""


class Published(NamedTuple):
    """The rate that counts: one ``base`` buys so many ``quote``, from the day on. It is the event ``version`` of the currency's history."""

    base: str
    quote: str
    day: str
    rate: str
    version: int


class KnownRates:
    """The rates of one moment as known at an instant, and what the portfolio was measured at; each pair and the measurements are read once."""

    def __init__(self, moment: Any, known_at: int | None) -> None:
        self.moment = moment
        self.known_at = known_at
        self.pairs: dict[tuple[str, str], Told] = {}

    @cached_property
    def portfolio(self) -> dict[str, Measured]:
        """What it was measured at, by the day of it."""
        return measured(self.moment, self.known_at)

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
        direct = latest(self.told(currency, into), day)
        if direct is not None:
            return direct, BILLION
        inverse = latest(self.told(into, currency), day)
        return None if inverse is None else (BILLION, inverse)

    def days(self, currencies: Iterable[str], into: str | None) -> set[str]:
        """Every day from which on another rate may count."""
        return {day for currency in currencies if into for pair in ((currency, into), (into, currency)) for day in self.told(*pair)[0]}

    def changed_since(self, currencies: Collection[str], into: str | None) -> str:
        """The first day on which anything is known otherwise now: one of these rates or, among them, what the portfolio was measured at."""
        now = KnownRates(self.moment, None)
        pairs = [pair for one in currencies if into for pair in ((one, into), (into, one))]
        known: list[tuple[dict[str, Any], dict[str, Any]]] = [(by_day(self.told(*pair)), by_day(now.told(*pair))) for pair in pairs]
        if PORTFOLIO in currencies:
            known.append((self.portfolio, now.portfolio))
        return min([day for then, since in known for day in then.keys() | since.keys() if then.get(day) != since.get(day)], default=LAST_DAY)

    def published(self, currency: str, into: str, day: str) -> Published | None:
        """Which told rate is the one that counts on the day, direct or inverted."""
        for base, quote in ((currency, into), (into, currency)):
            version = version_at(self.moment, f"currency:{base}", self.known_at)
            known = [row for row in self.moment.rates(base, quote, day) if version is None or row[2] <= version]
            if known:
                last, _, rate_version, rate = max(known, key=lambda row: (row[0], tuple(read(row[1]))))
                return Published(base, quote, last, rate, rate_version)
        return None

    def told(self, base: str, quote: str) -> Told:
        pair = (base, quote)
        if pair not in self.pairs:
            version = version_at(self.moment, f"currency:{base}", self.known_at)
            last: dict[str, tuple[bytes, str]] = {}
            for day, told, rate_version, rate in self.moment.rates(base, quote, LAST_DAY):
                if (version is None or rate_version <= version) and (day not in last or tuple(read(last[day][0])) < tuple(read(told))):
                    last[day] = told, rate
            self.pairs[pair] = sorted(last), [billionths(last[day][1]) for day in sorted(last)]
        return self.pairs[pair]


def by_day(told: Told) -> dict[str, int]:
    return dict(zip(*told, strict=True))


def latest(told: Told, day: str) -> int | None:
    """The rate in billionths that counts on a day."""
    days, rates = told
    place = bisect_right(days, day)
    return rates[place - 1] if place else None
