"""What was known at an instant costs what was open then, and not how long the account has been there before or since: counted, not timed.

What is counted is every row that comes out of the store, with its statements; and on SQLite, of which it can be asked, every step that its machine
takes, which tells of rows that are passed over as well.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from projections.account import Asked, show
from projections.alerts import Wanted, alert_log
from projections.bridge import bridge_between
from projections.decisions import decisions_of
from projections.difference import difference
from projections.explanation import explain
from projections.groups import group
from projections.history import history
from projections.holds import holds
from projections.portfolio import portfolio
from projections.selection import selection
from projections.statement import statement
from schemas.jsontext import read, written
from tests import stores
from tests.alerting import at
from tests.steady import day_of, in_business
from tests.stores import DAY, FAR
from tests.test_rules import ACCOUNT

SHORT, LONG = 60, 240
"""Days in business."""
EARLY = 40
LATER = {SHORT: 50, LONG: 200}
AS_MUCH = 1.3
"""Times, at most: to find a place among four times as many takes a few steps more, and never so many times as many."""

Ask = Callable[[Any, int, str], Any]
OF_WHAT_WAS_OPEN: dict[str, Ask] = {
    "show": lambda moment, known_at, _: show(moment, ACCOUNT, Asked(FAR, None, known_at)),
    "show of a day": lambda moment, known_at, day: show(moment, ACCOUNT, Asked(FAR, day, known_at)),
    "list": lambda moment, known_at, _: portfolio(moment, Asked(FAR, None, known_at), selection((), None, None)),
    "explain": lambda moment, known_at, _: explain(moment, ACCOUNT, Asked(FAR, None, known_at)),
    "group": lambda moment, known_at, _: group(moment, ACCOUNT, Asked(FAR, None, known_at)),
    "statement": lambda moment, known_at, day: statement(moment, ACCOUNT, Asked(FAR, None, known_at), day),
    "bridge": lambda moment, known_at, day: bridge_between(moment, ACCOUNT, day, Asked(FAR, None, known_at)),
    "diff": lambda moment, known_at, _: difference(moment, ACCOUNT, (known_at - 3 * DAY, known_at), Asked(FAR)),
}
LOGS: dict[str, Ask] = {
    "history": lambda moment, known_at, _: list(history(moment, ACCOUNT, known_at)),
    "decisions": lambda moment, known_at, _: list(decisions_of(moment, ACCOUNT, None, None, known_at)),
    "holds": lambda moment, known_at, _: holds(moment, ACCOUNT, known_at),
    "alerts": lambda moment, known_at, _: list(alert_log(moment, Wanted(ACCOUNT, known_at=known_at))),
}
"""Whose answers are as long as what was recorded by then."""


class Counted:
    """What an answer takes of a moment."""

    def __init__(self, moment: Any) -> None:
        self.rows = self.steps = 0
        rows, stream = moment.rows, moment.stream

        def counted_rows(*asked: Any) -> list[Any]:
            found: list[Any] = rows(*asked)
            self.rows += len(found) + 1
            return found

        def counted_stream(*asked: Any) -> Any:
            self.rows += 1
            for row in stream(*asked):
                self.rows += 1
                yield row

        moment.rows, moment.stream = counted_rows, counted_stream
        if stores.server is None:
            moment.cursor.sqlite_cursor.connection.set_progress_handler(self.step, 1)

    def step(self) -> None:
        self.steps += 1

    def __repr__(self) -> str:
        return f"{self.rows:,} rows, {self.steps:,} steps"


def asked(store: Any, ask: Ask, day: int) -> tuple[bytes, Counted]:
    with store.reading() as moment:
        counted = Counted(moment)
        try:
            answer = written(ask(moment, at(day_of(day), "20:00:00+00:00"), day_of(day - 3)))
        finally:
            if stores.server is None:
                moment.cursor.sqlite_cursor.connection.set_progress_handler(None, 0)
    return answer, counted


@pytest.fixture(scope="module")
def accounts(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> dict[int, Any]:  # noqa: ARG001 (stores of its kind)
    return {days: in_business(tmp_path_factory.mktemp("steady") / f"{days}.db", days) for days in (SHORT, LONG)}


def as_much(one: Counted, other: Counted) -> bool:
    return other.rows <= AS_MUCH * one.rows and other.steps <= AS_MUCH * one.steps


@pytest.mark.parametrize("question", {**OF_WHAT_WAS_OPEN, **LOGS})
def test_what_came_since_changes_neither_an_answer_nor_its_cost(accounts: dict[int, Any], question: str) -> None:
    ask = {**OF_WHAT_WAS_OPEN, **LOGS}[question]
    (answer, few), (again, many) = (asked(accounts[days], ask, EARLY) for days in (SHORT, LONG))
    assert answer == again
    assert as_much(few, many)


@pytest.mark.parametrize("question", OF_WHAT_WAS_OPEN)
def test_what_came_before_changes_no_cost(accounts: dict[int, Any], question: str) -> None:
    (answer, few), (other, many) = (asked(accounts[days], OF_WHAT_WAS_OPEN[question], LATER[days]) for days in (SHORT, LONG))
    assert answer != other
    assert as_much(few, many)


def test_it_costs_no_more_the_longer_something_has_stood(each_store: str, tmp_path: Path) -> None:  # noqa: ARG001 (stores of its kind)
    shown: dict[int, tuple[bytes, Counted]] = {}
    for days in (SHORT, LONG):
        store = in_business(tmp_path / f"{days}.db", days, most="10.00")
        shown[days] = asked(store, OF_WHAT_WAS_OPEN["show"], LATER[days])
        assert read(shown[days][0])["alerts"] == [{"rule": "over_limit", "step": None, "effective": day_of(0)}]
    assert as_much(shown[SHORT][1], shown[LONG][1])
