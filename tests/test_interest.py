"""Interest on what is paid late: published figures reproduced to the cent, each with its source, and laws."""

from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.interest import exact, interest
from schemas.dunning import ACTUAL_360, ACTUAL_365, ACTUAL_ACTUAL, DAILY, THIRTY_360, TOTAL, LateInterest, YearlyRate

DUE = "2025-03-31"
COUNTS = (ACTUAL_365, ACTUAL_360, ACTUAL_ACTUAL, THIRTY_360)


def later(day: str, days: int) -> str:
    return (date.fromisoformat(day) + timedelta(days=days)).isoformat()


def terms(*rates: str | tuple[str, str], on_top: str = "0", days: str = ACTUAL_365, rounding: str = TOTAL) -> LateInterest:
    """Rates, each from a day on or from ever."""
    told = tuple(YearlyRate("2000-01-01", rate) if isinstance(rate, str) else YearlyRate(*rate) for rate in rates)
    return LateInterest(told, on_top, days, rounding)


def cents(amount: str) -> int:
    return int(amount.replace(".", "").replace(",", ""))


def bears(amount: str, rule: LateInterest, days: int, due: str = DUE) -> int:
    """What an amount that stays open bears in so many days after its due day."""
    return interest([("2000-01-01", cents(amount))], due, later(due, days), rule)


# Published figures


def test_the_united_kingdom_rounds_the_interest_of_a_day_first() -> None:
    """GOV.UK, "Late commercial payments: charging interest and debt recovery", page "Interest on late commercial payments": 1,000 pounds at the
    base rate of 0.5 % and 8 % on top are 85 pounds a year and, at a 365th, 23 pence a day; after 50 days 11.50 pounds."""
    rule = terms("0.5", on_top="8", rounding=DAILY)
    assert bears("1000.00", rule, 1) == cents("0.23")
    assert bears("1000.00", rule, 50) == cents("11.50")
    assert bears("1000.00", rule._replace(rounding=TOTAL), 50) == cents("11.64"), "rounded once it would be another figure"


def test_a_county_court_claims_eight_per_cent_by_the_day() -> None:
    """Business East Sussex, "Make a court claim for money: 3. Work out interest" (the text of GOV.UK): 1,000 pounds at 8 % are 80 pounds a year,
    about 22 pence a day, and 11 pounds after 50 days."""
    assert bears("1000.00", terms("8", rounding=DAILY), 50) == cents("11.00")


def test_a_debt_of_ten_thousand_pounds_thirty_days_late() -> None:
    """paymentcheck.co.uk, "Calculating late invoice interest": 10,000 pounds, base rate 4.5 % and 8 points: 1,250 a year, 3.42 a day, 102.60 in
    30 days."""
    assert bears("10000.00", terms("4.5", on_top="8", rounding=DAILY), 30) == cents("102.60")


def test_the_american_prompt_payment_rule_divides_by_360() -> None:
    """Code of Federal Regulations, 5 CFR 1315.17 "Formulas" (Office of Management and Budget): 1,500 dollars at 6.5 % over 10 days of 360 are
    2.71 dollars."""
    assert bears("1500.00", terms("6.5", days=ACTUAL_360), 10) == cents("2.71")


def test_a_german_claim_counts_every_month_as_thirty_days() -> None:
    """p-konto.de, "Zinsformel": 10,000 euros at 6 % from 1 January to 30 July 2016 are 210 days of 360, and 350 euros: leap year or not."""
    assert interest([("2015-01-01", cents("10000.00"))], "2015-12-31", "2016-07-30", terms("6", days=THIRTY_360)) == cents("350.00")


def test_a_german_claim_by_the_day() -> None:
    """anleiter.de, "Wie berechnet man Verzugszinsen": capital x days x per cent through 365 x 100; 1,000 euros, 25 days, 5.12 %: 3.51 euros, which is
    the base rate of 0.12 % and five points."""
    assert bears("1000.00", terms("0.12", on_top="5"), 25) == cents("3.51")


def test_a_swiss_claim_falls_with_a_part_payment() -> None:
    """Buergi Naegeli Rechtsanwaelte, verzugszins.ch, "Berechnung Verzugszinsbetrag": capital x rate x days through 100 x 360. 100 francs at 5 % bear
    5 a year; 200 francs, of which 100 are paid after exactly a year, bear 10 in the first and 5 in the second: 15 francs."""
    rule = terms("5", days=THIRTY_360)
    assert interest([("2020-01-01", cents("100.00"))], "2023-03-31", "2024-03-31", rule) == cents("5.00")
    course = [("2020-01-01", cents("200.00")), ("2024-03-31", cents("100.00"))]
    assert interest(course, "2023-03-31", "2025-03-31", rule) == cents("15.00")


def test_the_days_of_a_part_payment_are_counted_to_it_and_from_it() -> None:
    """Buergi Naegeli Rechtsanwaelte, law.ch, "Berechnung der Verzugszinstage": from 1 to 20 January are 19 days on the whole, and from the 20th, on
    which a part is paid, to the 30th are 10 on the rest."""
    course = [("2024-12-01", 36_000_00), ("2025-01-20", 3_600_00)]
    rule = terms("1", days=ACTUAL_360)
    assert interest(course, "2025-01-01", "2025-01-20", rule) == 19_00
    assert interest(course, "2025-01-01", "2025-01-30", rule) == 19_00 + 10 * 10


def test_a_rate_that_changes_counts_from_its_day() -> None:
    """Pavone Costruzioni, "Esempio di Calcolo Mora" (D.Lgs. 231/2002): 1,000 euros from 1 January 2010 to 1 January 2012, 730 days, at 8 %, at 8.25 %
    in the second half of 2011, and at 8 % again: 39.45, 40.33, 39.67, 41.59 and 0.22, together 161.26 euros."""
    rule = terms(("2010-01-01", "8.00"), ("2011-07-01", "8.25"), ("2012-01-01", "8.00"))
    course = [("2009-12-01", cents("1000.00"))]
    ends = ["2010-01-01", "2010-06-30", "2010-12-31", "2011-06-30", "2011-12-31", "2012-01-01"]
    parts = [interest(course, since, until, rule) for since, until in pairwise(ends)]
    assert parts == [cents(part) for part in ("39.45", "40.33", "39.67", "41.59", "0.22")]
    assert interest(course, ends[0], ends[-1], rule) == sum(parts) == cents("161.26")


def test_an_italian_invoice_three_weeks_late() -> None:
    """Knowunity, "Economia: il calcolo dell'interesse": an invoice of 8,200 euros paid 22 days late at 8.05 % bears 39.79 euros."""
    assert bears("8200.00", terms("0.05", on_top="8"), 22) == cents("39.79")


def test_a_french_invoice_a_month_late() -> None:
    """Les Jooristes, "Comment calculer les penalites de retard": 5,000 euros at 10 %, 30 days late: 41.10 euros."""
    assert bears("5000.00", terms("10"), 30) == cents("41.10")


def test_a_european_invoice_a_month_late() -> None:
    """payrequest.io, "Late Payment Interest Calculator" (directive 2011/7/EU): 1,000 euros at 10.5 %, 30 days late: 8.63 euros."""
    assert bears("1000.00", terms("2.5", on_top="8"), 30) == cents("8.63")


# By hand


def test_in_a_leap_year_a_night_bears_a_366th_where_days_are_actual() -> None:
    rule = terms("10", days=ACTUAL_ACTUAL)
    assert bears("3660.00", rule, 10, due="2024-02-20") == 10_00
    assert bears("3650.00", rule, 10, due="2025-02-20") == 10_00
    assert exact([("2020-01-01", 1)], "2023-12-30", "2024-01-02", rule) == Fraction(10, 36500) + Fraction(20, 36600)


def test_nothing_is_borne_before_any_rate_is_known_and_no_rate_lies_below_nothing() -> None:
    assert bears("1000.00", terms((later(DUE, 11), "10")), 10) == 0
    assert bears("1000.00", terms((later(DUE, 10), "3.65")), 10) == 10
    assert bears("1000.00", terms("-0.88"), 100) == 0
    assert bears("1000.00", terms("-0.88", on_top="9"), 365) == cents("81.20")


def test_what_is_due_today_bears_nothing() -> None:
    assert bears("1000.00", terms("10"), 0) == 0


@pytest.mark.parametrize(
    ("since", "until", "days"), [("2025-01-30", "2025-01-31", 0), ("2025-02-28", "2025-03-01", 3), ("2024-12-31", "2025-12-31", 360)]
)
def test_every_month_has_thirty_days_where_days_are_so_counted(since: str, until: str, days: int) -> None:
    assert interest([("2024-01-01", 36_000_00)], since, until, terms("1", days=THIRTY_360)) == days * 100


def test_half_a_cent_goes_to_the_even_one() -> None:
    assert interest([("2020-01-01", 365_00)], "2025-01-01", "2025-01-02", terms("0.5")) == 0
    assert interest([("2020-01-01", 365_00)], "2025-01-01", "2025-01-02", terms("1.5")) == 2


# Laws

amounts = st.integers(0, 10**9)
rates = st.decimals("-2", "20", places=2).map(str)
courses = st.dictionaries(st.integers(0, 900), amounts, min_size=1, max_size=6).map(
    lambda told: [(later("2023-06-01", at), told[at]) for at in sorted(told)]
)
rate_lists = st.dictionaries(st.integers(0, 900), rates, min_size=1, max_size=5).map(
    lambda told: tuple(YearlyRate(later("2023-06-01", at), told[at]) for at in sorted(told))
)
rules = st.builds(LateInterest, rate_lists, st.sampled_from(["0", "8", "9.25"]), st.sampled_from(COUNTS), st.sampled_from([TOTAL, DAILY]))


def slowly(course: Sequence[tuple[str, int]], since: str, until: str, rule: LateInterest) -> Fraction:
    """Night by night, as a clerk would."""
    sum_ = Fraction()
    day = date.fromisoformat(since)
    while day < date.fromisoformat(until):
        evening, day = day, day + timedelta(days=1)
        owed = [amount for turn, amount in course if turn <= evening.isoformat()]
        told = [Fraction(rate.per_cent) for rate in rule.rates if rate.valid_from <= day.isoformat()]
        if rule.days == THIRTY_360:
            thirty = [360 * one.year + 30 * one.month + (30 if one.day == 31 else one.day) for one in (evening, day)]
            part = Fraction(thirty[1] - thirty[0], 360)
        elif rule.days == ACTUAL_ACTUAL:
            part = Fraction(1, 366 if day.year % 4 == 0 else 365)
        else:
            part = Fraction(1, 360 if rule.days == ACTUAL_360 else 365)
        if owed and told:
            sum_ += owed[-1] * max(told[-1] + Fraction(rule.on_top), Fraction()) / 100 * part
    return sum_


@given(courses, rules, st.integers(0, 900), st.integers(0, 300))
@settings(max_examples=150)
def test_it_is_what_a_clerk_adds_up_night_by_night(course: list[tuple[str, int]], rule: LateInterest, start: int, days: int) -> None:
    since = later("2023-06-01", start)
    assert exact(course, since, later(since, days), rule) == slowly(course, since, later(since, days), rule)


@given(courses, rules, st.integers(0, 900), st.integers(0, 500), st.integers(0, 500))
@settings(max_examples=300)
def test_two_periods_that_follow_each_other_add_up(course: list[tuple[str, int]], rule: LateInterest, start: int, first: int, second: int) -> None:
    since = later("2023-06-01", start)
    turn, until = later(since, first), later(since, first + second)
    assert exact(course, since, turn, rule) + exact(course, turn, until, rule) == exact(course, since, until, rule)
    parts = interest(course, since, turn, rule) + interest(course, turn, until, rule)
    assert abs(parts - interest(course, since, until, rule)) <= (0 if rule.rounding == DAILY else 1)
