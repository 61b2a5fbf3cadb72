"""Interest on what is paid late: simple interest on what was open night by night, exact until it is rounded to minor units, half to even.

``interest = sum over nights of open x (rate + on_top) / 100 x days / year``. Open in minor units, rates in per cent a year. A night is named by
the day it ends on; the first is the one from the due day to the day after it, so that ``as_of - due`` nights are so many days overdue, and the
day of a payment is the last day that bears interest on what it paid. ``days`` is 1 and ``year`` 365, 360, or the days of the year that the day lies
in; under ``30/360`` every month has 30 days: a night counts the difference of ``360 y + 30 m + min(d, 30)``, so the 31st counts nothing and the
last days of a February are made up on 1 March (the European rule, 30E/360).

Sources: directive 2011/7/EU art. 2 (6) and 3 (simple interest, reference rate and points on top, from the day after the due date); art. 105 (3) of
the Swiss code of obligations and paragraph 289 of the German civil code (no interest on interest); 5 CFR 1315.17 (actual/360).
"""

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from exposure.rules.spans import later
from schemas.amounts import divided
from schemas.dunning import ACTUAL_360, ACTUAL_ACTUAL, DAILY, THIRTY_360, LateInterest

Open = Sequence[tuple[str, int]]
"""What is open from the end of each of some ascending days on, in minor units; before the first it is nothing."""


class Stretch(NamedTuple):
    """Nights in a row, the first ending on the day after ``since``, the last on ``until``, with what was open, the yearly rate (per cent) and the
    days of the year in all of them."""

    since: str
    until: str
    open: int
    rate: Fraction
    year: int
    days: int

    @property
    def a_day(self) -> Fraction:
        return self.open * self.rate / (100 * self.year)


def interest(open_: Open, since: str, until: str, terms: LateInterest) -> int:
    """Minor units for the nights from ``since`` (the due day, or the day up to which it was charged) to ``until``; never negative."""
    parts = stretches(open_, since, until, terms)
    if terms.rounding == DAILY:
        return sum(part.days * rounded(part.a_day) for part in parts)
    return rounded(sum((part.days * part.a_day for part in parts), Fraction()))


def exact(open_: Open, since: str, until: str, terms: LateInterest) -> Fraction:
    """The same before it is rounded: what two periods that follow each other bear adds up to what they bear together."""
    return sum((part.days * part.a_day for part in stretches(open_, since, until, terms)), Fraction())


def stretches(open_: Open, since: str, until: str, terms: LateInterest) -> Iterator[Stretch]:
    """The nights between two days, parted where what is open, the rate or the length of the year changes; those that bear nothing are left out."""
    turns = {day for day, _ in open_} | {later(rate.valid_from, -1) for rate in terms.rates} | {until}
    if terms.days == ACTUAL_ACTUAL:
        turns |= {f"{year}-12-31" for year in range(int(since[:4]), int(until[:4]) + 1)}
    begin = since
    for end in sorted(day for day in turns if since < day <= until):
        amount = max(open_at(open_, begin), 0)
        rate = rate_on(later(begin, 1), terms)
        days = days_between(begin, end, terms.days)
        if amount and rate and days:
            yield Stretch(begin, end, amount, rate, year_of(later(begin, 1), terms.days), days)
        begin = end


def open_at(open_: Open, day: str) -> int:
    """What was open at the end of a day."""
    return next((amount for since, amount in reversed(open_) if since <= day), 0)


def rate_on(day: str, terms: LateInterest) -> Fraction:
    """The yearly rate of a day, in per cent; nothing before the first that is known, and never below nothing."""
    base = next((rate.per_cent for rate in reversed(terms.rates) if rate.valid_from <= day), None)
    return Fraction() if base is None else max(Fraction(base) + Fraction(terms.on_top), Fraction())


def days_between(since: str, until: str, count: str) -> int:
    """The nights between two days, as the rule counts them."""
    first, last = date.fromisoformat(since), date.fromisoformat(until)
    if count == THIRTY_360:
        return months_of_thirty(last) - months_of_thirty(first)
    return (last - first).days


def months_of_thirty(day: date) -> int:
    return 360 * day.year + 30 * day.month + min(day.day, 30)


def year_of(day: str, count: str) -> int:
    """How many days the year has, of which a night bears one."""
    if count in (ACTUAL_360, THIRTY_360):
        return 360
    if count == ACTUAL_ACTUAL:
        year = int(day[:4])
        return (date(year + 1, 1, 1) - date(year, 1, 1)).days
    return 365


def rounded(amount: Fraction) -> int:
    return divided(amount.numerator, amount.denominator)
