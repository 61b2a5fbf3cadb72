"""The law of the two clocks: what was answered on a day is what ``--known-at`` that day answers for ever, whatever arrives later.

Hypothesis makes a year: what an ERP tells late, back-dated, cancelled or once more, what is unreadable, and what the desk does meanwhile. At the end
of each day on which anything happened all answers are kept, byte for byte, and asked for once more when the year is over.
"""

import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.findings import NoRate
from exposure.ledger import dead_letters as letters
from exposure.ledger import policies
from exposure.ledger.policies import in_force
from projections.account import Asked, NotKnownBefore, UnknownAccount, show
from projections.alerts import Wanted, alert_log
from projections.dead_letters import dead_letters
from projections.decisions import decisions_of
from projections.explanation import explain
from projections.groups import group
from projections.history import history
from projections.holds import holds, overrides
from projections.limit_requests import limit_requests
from projections.policies import adoptions
from projections.portfolio import portfolio
from projections.selection import selection
from schemas.jsontext import written
from schemas.policy_file import read_policy
from service import approving, releasing
from service.checking import Request, check
from service.failures import Failure
from service.reserving import release, reserve, settle
from service.ticking import tick
from tests.histories import FIRST_DAY, histories
from tests.stores import DAY, copied, fed, given_back, opened
from tests.test_rules import Json

YEARS = {"sqlite": 50, "postgresql": 6}
EPOCH = date(1970, 1, 1)
TOLD_MAX = 6
"""Lines that one day tells, at most."""
NEXT_YEAR = ((FIRST_DAY - EPOCH).days + 400) * DAY
POLICIES = [
    read_policy(f'name = "P{days}"\ncurrency = "EUR"\n[[class]]\nhorizon_days = {days}\n[class.overdue]\ndays = {days}\n') for days in (5, 30)
]
ACTS = ("tick", "check", "reserve", "settle", "give back", "adopt", "ask for a limit", "approve", "let pass", "garble", "discard")
HAPPENINGS = st.tuples(st.integers(1, TOLD_MAX), st.integers(1, 40), st.lists(st.sampled_from(ACTS), max_size=5))
"""How many lines are told on a day, how many days after the one before, and what the desk does then."""


class Year:
    """A store in the middle of its year. ``now`` is the end of a day in microseconds."""

    def __init__(self, store: Any, lines: list[Json]) -> None:
        self.store = store
        self.waiting = list(lines)
        self.accounts = sorted({str(line["subject"]) for line in lines if line["type"] != "erp.fx_rate.published.v1"}) or ["C-1"]
        self.now = ((FIRST_DAY - EPOCH).days + 1) * DAY - 1
        self.turn = 0

    def clock(self) -> int:
        return self.now

    @property
    def day(self) -> str:
        return (EPOCH + timedelta(days=self.now // DAY)).isoformat()

    def goes_on(self, told: int, days: int, acts: list[str]) -> None:
        self.now += days * DAY
        first, self.waiting = self.waiting[:told], self.waiting[told:]
        fed(self.store, map(written, first), now=self.now)
        for act in acts:
            self.turn += 1
            # What the desk can not do just then is not done.
            with suppress(Failure, UnknownAccount, NotKnownBefore, NoRate):
                self.does(act, self.accounts[self.turn % len(self.accounts)], f"O-{self.turn % 3 + 1}")

    def does(self, act: str, account: str, order: str) -> None:
        store, clock = self.store, self.clock
        amount = ("10.00", "500.00", "100000.00")[self.turn % 3]
        todo: dict[str, Callable[[], Any]] = {
            "tick": lambda: tick(store, clock),
            "check": lambda: check(store, Request(account, order, amount, "EUR"), clock, "shop"),
            "reserve": lambda: reserve(store, Request(account, order, amount, "EUR", holds=True), clock, "shop"),
            "settle": lambda: settle(store, account, order, clock, "shop"),
            "give back": lambda: release(store, account, order, clock, "shop"),
            "adopt": lambda: policies.adopt(store, clock, POLICIES[self.turn % 2], "lead", "as decided"),
            "ask for a limit": lambda: approving.request(
                store, approving.Wanted(account, amount, "EUR", "base", str(FIRST_DAY), None, "season"), "shop", clock
            ),
            "approve": lambda: approving.act(store, approving.Act("approve", self.open_requests()[0], "lead"), clock),
            "let pass": lambda: releasing.release(store, releasing.Release(self.held()[0], "lead", "they pay"), clock),
            "garble": lambda: fed(store, [written({"subject": account, "turn": self.turn})], now=self.now),
            "discard": lambda: letters.discard(store, clock, self.unread()[:1], letters.Order("lead", "nonsense")),
        }
        with suppress(IndexError):
            todo[act]()

    def open_requests(self) -> list[str]:
        with self.store.reading() as moment:
            return [one["request"] for one in limit_requests(moment, None, Asked(self.now), settled=False)]

    def held(self) -> list[str]:
        with self.store.reading() as moment:
            return [one["decision_id"] for one in holds(moment, None)]

    def unread(self) -> list[bytes]:
        with self.store.reading() as moment:
            found: list[bytes] = moment.open_letters()
            return found


def answers(moment: Any, year: Year, asked: Asked, day: str) -> Iterator[tuple[str, bytes]]:
    """All that can be asked, each by its name, of the day or without one."""
    known_at = asked.known_at
    for account in year.accounts:
        for name, question in (("show", show), ("explain", explain), ("group", group)):
            yield f"{name} {account}", answer(lambda: question(moment, account, asked))  # noqa: B023 - it is called at once
        yield f"history {account}", answer(lambda: list(history(moment, account, known_at)))  # noqa: B023
    yield "list", answer(lambda: portfolio(moment, asked, selection((), None, None)))
    yield "alerts", answer(lambda: list(alert_log(moment, Wanted(known_at=known_at))))
    yield "standing", answer(lambda: list(alert_log(moment, Wanted(standing=True, as_of=day, known_at=known_at))))
    yield "decisions", answer(lambda: list(decisions_of(moment, None, None, None, known_at)))
    yield "holds", answer(lambda: holds(moment, None, known_at))
    yield "overrides", answer(lambda: overrides(moment, None, None, known_at))
    yield "limit requests", answer(lambda: limit_requests(moment, None, asked, settled=False))
    yield "all limit requests", answer(lambda: limit_requests(moment, None, asked, settled=True))
    yield "dead letters", answer(lambda: dead_letters(moment, known_at=known_at))
    yield "settled dead letters", answer(lambda: dead_letters(moment, settled=True, known_at=known_at))
    yield "policies", answer(lambda: [in_force(moment, known_at).version, *adoptions(moment, known_at)])


def answer(question: Callable[[], Any]) -> bytes:
    try:
        return written(question())
    except (UnknownAccount, NotKnownBefore):
        return b"unknown"


def answered(year: Year, then: Year | None, day: str, now: int) -> dict[str, bytes]:
    """As of the day, as of a day of its past, and without a day."""
    known_at = None if then is None else now
    found: dict[str, bytes] = {}
    for as_of in (day, (date.fromisoformat(day) - timedelta(days=20)).isoformat(), None):
        asked = Asked(now if then is None else NEXT_YEAR, as_of, known_at)
        with year.store.reading() as moment:
            found |= {f"{name} as of {as_of}": said for name, said in answers(moment, year, asked, as_of or day)}
    return found


@pytest.fixture(scope="module")
def empty(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    path = tmp_path_factory.mktemp("empty") / "store.db"
    opened(path).datastore.close()
    return path


def law_of_the_two_clocks(empty: Path, years: int) -> None:
    @settings(max_examples=years)
    @given(histories(), st.lists(HAPPENINGS, min_size=4, max_size=9))
    def of_any_year(lines: list[Json], happened: list[tuple[int, int, list[str]]]) -> None:
        with given_back(), tempfile.TemporaryDirectory() as folder:
            year = Year(copied(empty, Path(folder) / "year.db"), lines)
            kept: list[tuple[str, int, dict[str, bytes]]] = []
            for told, days, acts in happened:
                year.goes_on(told, days, acts)
                kept.append((year.day, year.now, answered(year, None, year.day, year.now)))
            for day, now, then in kept:
                again = answered(year, year, day, now)
                different = [name for name in then if then[name] != again[name]]
                assert not different, (day, different[0], then[different[0]], again[different[0]])

    of_any_year()


def test_what_was_answered_on_a_day_is_answered_for_ever_as_known_that_day(each_store: str, empty: Path) -> None:
    law_of_the_two_clocks(empty, YEARS[each_store])


@pytest.mark.long
def test_what_was_answered_on_a_day_is_answered_for_ever_in_many_years(each_store: str, empty: Path) -> None:
    law_of_the_two_clocks(empty, 25 * YEARS[each_store])
