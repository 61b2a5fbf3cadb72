"""Where to look for what holds a place: nothing that holds it is missed, whatever it lasts, and no more than a few times as much is passed over."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from exposure.ledger.looks import by_days, by_versions, width_of_versions
from exposure.rules.spans import FOR_EVER, width
from schemas.facts import LAST_DAY

DAYS = st.dates(date(2020, 1, 1), date(2030, 12, 31))


@given(st.integers(1, 10**7), st.integers(0, 10**7), st.integers(0, 10**7), st.integers(0, 1000))
def test_whatever_was_told_of_between_two_versions_is_found_by_the_look_of_its_width(first: int, length: int, place: int, more: int) -> None:
    last = first + length
    (found,) = [look for look in by_versions("C-1", place, place + more) if look[1] == width_of_versions(first, last)]
    _, _, behind, until, by = found
    assert (behind < last <= until and first <= by) == (first <= place + more and last > place)


@given(DAYS, DAYS, DAYS, DAYS)
def test_whatever_lasts_on_some_days_is_found_by_the_look_of_its_width(one: date, other: date, start: date, end: date) -> None:
    (begun, last_day), (first, last) = sorted((one, other)), sorted((start, end))
    for ended in ((last_day + timedelta(days=1)).isoformat(), LAST_DAY):
        (found,) = [look for look in by_days("C-1", first.isoformat(), last.isoformat()) if look[1] == width(begun.isoformat(), ended)]
        _, _, behind, until, by = found
        assert (behind < ended <= until and begun.isoformat() <= by) == (begun <= last and ended > first.isoformat())


def test_there_is_one_look_for_each_width_up_to_the_last_day_there_is() -> None:
    assert [look[1] for look in by_days("C-1", "", "9999-12-31")] == [*range(1, FOR_EVER + 1)]
    assert {look[3] for look in by_days("C-1", "", "9999-12-31")} == {LAST_DAY}
    assert [look[1] for look in by_versions("C-1", 0, 0)] == [*range(FOR_EVER + 1)]
