"""How fresh the figures of a past instant are: the time of the last that each source had told by then, as the log read through says."""

from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.heard import EVERY, Unmarked, heard
from exposure.rules.spans import later
from projections.account import Asked, show
from schemas.facts import OUR_SOURCE
from schemas.jsontext import written
from schemas.stored import read_fact
from service.deciding.checking import Request
from service.deciding.reserving import reserve
from tests.stores import DAY, NOW, alter, fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, told

pytestmark = pytest.mark.usefixtures("each_store")

OTHER = "C-2"
SOURCES = ("/erp/1000", "/erp/2000", "/crm")


def event(number: int, account: str = ACCOUNT) -> bytes:
    """Sources take turns, and every seventh event comes late."""
    day = later("2026-01-01", number) if number % 7 else "2025-12-01"
    one = told("order.confirmed", day, subject=account, order=f"O-{number}", version=1, currency="EUR", lines=[{"line": "1", "value": "1.00"}])
    return written({**one, "source": SOURCES[number % 5 % 3]})


@pytest.fixture
def store(path: Path) -> Any:
    store = opened(path)
    fed(store, [written(told("customer.changed", "2025-01-01", **CUSTOMER)), *map(event, range(2 * EVERY))])
    reserve(store, Request(ACCOUNT, "N-1", "0.00", holds=True), lambda: NOW + DAY, "shop")
    fed(store, [*map(event, range(2 * EVERY, 3 * EVERY + 9)), event(1, OTHER)], now=NOW + 2 * DAY, batch=50)
    return store


def read_through(moment: Any, account: str, version: int) -> dict[str, str]:
    last: dict[str, str] = {}
    for _, place, topic, state, *_ in moment.events(f"account:{account}"):
        fact = read_fact(place, topic, state)
        if place <= version and fact.source != OUR_SOURCE:
            last[fact.source] = max(last.get(fact.source, ""), fact.time)
    return last


def test_it_is_what_the_log_says_at_every_version(store: Any) -> None:
    with store.reading() as moment:
        last = moment.last_version(f"account:{ACCOUNT}")
        assert last > 3 * EVERY
        for version in range(1, last + 1):
            assert heard(moment, [(ACCOUNT, version), (OTHER, 1)]) == {
                ACCOUNT: read_through(moment, ACCOUNT, version),
                OTHER: read_through(moment, OTHER, 1),
            }


def test_a_question_about_the_past_shows_them(store: Any) -> None:
    with store.reading() as moment:
        then = show(moment, ACCOUNT, Asked(NOW + 3 * DAY, None, NOW + DAY))["sources"]
        now = show(moment, ACCOUNT, Asked(NOW + 3 * DAY, None, NOW + 2 * DAY))["sources"]
        assert then == [{"source": one, "last_time": f"{time}Z"} for one, time in sorted(read_through(moment, ACCOUNT, 2 * EVERY + 2).items())]
        assert now == show(moment, ACCOUNT, Asked(NOW + 3 * DAY))["sources"]
    assert then != now


def test_a_mark_that_is_gone_is_no_answer(store: Any) -> None:
    alter(store, "DELETE FROM heard WHERE account = ?", ACCOUNT)
    with store.reading() as moment, pytest.raises(Unmarked, match=ACCOUNT):
        show(moment, ACCOUNT, Asked(NOW + 3 * DAY, None, NOW))
