"""The law of the two clocks: what was answered on a day is what ``--known-at`` that day answers for ever, whatever arrives later.

What an ERP tells late, back-dated, cancelled or once more, what is unreadable, what the desk does meanwhile, and a policy adopted in the middle: at
the end of a day answers are kept, byte for byte, and asked for once more when the year is over. Some years are short and dense, and Hypothesis makes
all of them; some are of 365 days, and it draws their seed. But for a person who was erased: what that took is taken from all answers.
"""

import tempfile
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from consumers.statements import Claim
from exposure.ledger.acts import policies
from exposure.ledger.ledger import Ledger
from projections.account import Asked
from schemas.jsontext import written
from schemas.policy_file import read_policy
from tests import year
from tests.acts import ACTS, EPOCH, Desk
from tests.histories import FIRST_DAY, histories
from tests.questions import Looking, answer, is_same, questions
from tests.stores import DAY, copied, fed, given_back, opened
from tests.test_rules import Json

SHORT_YEARS = {"sqlite": 50, "postgresql": 6}
LONG_YEARS = {"sqlite": 3, "postgresql": 1}
"""In which every question is asked of every account every day."""
TURNS = {"sqlite": 8, "postgresql": 20}
"""Else every question is asked of every account each so many days: each day it is other ones."""
START = (FIRST_DAY - EPOCH).days * DAY
LATER = START + 800 * DAY
"""When all is asked once more."""
TOLD_MAX = 6
"""Lines that one day of a short year tells, at most."""
POLICIES = [
    read_policy(f'name = "P{days}"\ncurrency = "EUR"\n[[class]]\nhorizon_days = {days}\n[class.overdue]\ndays = {days}\n') for days in (5, 30)
]
SAMPLE = (Path(__file__).parents[1] / "service/sample/policy.toml").read_text(encoding="utf-8")
ADOPTED = {20: read_policy(SAMPLE.replace("# concentration", "concentration").replace("# review", "review")), 180: read_policy(SAMPLE)}
"""By the day of a whole year."""
HAPPENED = {"CustomerChanged", "LimitChanged", "OrderAmended", "InvoiceCancelled", "PaymentReturned", "AccountTakenOn", "PolicyAdopted"} | {
    *("AlertCleared", "AlertAcknowledged", "OrderChecked", "HoldReleased", "LimitApproved", "MeasureProposed", "PromiseMade"),
    *("DunningNoticeIssued", "DunningStopped", "DeadLetterDiscarded", "CorrectionMade", "PersonErased", "PortfolioMeasured"),
}
"""In every whole year."""
HAPPENINGS = st.tuples(st.integers(1, TOLD_MAX), st.integers(1, 40), st.lists(st.sampled_from(list(ACTS)), max_size=5))
"""How many lines are told on a day of a short year, how many days after the one before, and what the desk does then."""


class Kept(NamedTuple):
    """What was answered at the end of a day (microseconds) as of some day, or of none. ``turn``: a place, and of how many questions one is asked."""

    now: int
    as_of: str | None
    looking: Looking
    turn: tuple[int, int]
    answers: dict[str, bytes]


def asked(store: Any, question: Asked, looking: Looking, turn: tuple[int, int]) -> dict[str, bytes]:
    """One question of each so many, the one whose turn it is."""
    place, many = turn
    with store.reading() as moment:
        chosen = list(questions(moment, question, looking).items())[place % many :: many]
        return {name: answer(of) for name, of in chosen}


def keep(desk: Desk, days: Iterable[str | None], looking: Looking, turn: tuple[int, int]) -> Iterable[Kept]:
    place, many = turn
    for as_of in days:
        place += 1
        yield Kept(desk.now, as_of, looking, (place, many), asked(desk.store, Asked(desk.now, as_of), looking, (place, many)))


def is_answered_for_ever(desk: Desk, kept: Iterable[Kept]) -> None:
    for one in kept:
        again = asked(desk.store, Asked(LATER, one.as_of, one.now), one.looking, one.turn)
        for name in one.answers.keys() | again.keys():
            then, now = one.answers.get(name), again.get(name)
            assert is_same(then, now, erased=desk.erased), (name, one.as_of, one.now, then, now)


@pytest.fixture(scope="module")
def empty(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    path = tmp_path_factory.mktemp("empty") / "store.db"
    opened(path).datastore.close()
    return path


# ------------------------------------------------------------------ short and dense years


def law_of_short_years(empty: Path, years: int) -> None:
    @settings(max_examples=years)
    @given(histories(), st.lists(HAPPENINGS, min_size=4, max_size=9))
    def of_any_year(lines: list[Json], happened: list[tuple[int, int, list[str]]]) -> None:
        accounts = sorted({str(line["subject"]) for line in lines if line["type"] != "erp.fx_rate.published.v1"}) or ["C-1"]
        with given_back(), tempfile.TemporaryDirectory() as folder:
            desk = Desk(copied(empty, Path(folder) / "year.db"), accounts, START + DAY - 1, Random(0), POLICIES)
            waiting, kept = iter(lines), list[Kept]()
            for place, (told, days, acts) in enumerate(happened):
                desk.now += days * DAY
                fed(desk.store, map(written, islice(waiting, told)), now=desk.now)
                for act in acts:
                    desk.does(act)
                looking = Looking(accounts, desk.day(-30), desk.now - 20 * DAY, claims(accounts, "1"))
                kept += keep(desk, (desk.day(), desk.day(-20), None), looking, (place, 2))
            is_answered_for_ever(desk, kept)

    of_any_year()


def claims(accounts: Iterable[str], number: str) -> list[Claim]:
    """Of each account an invoice, and one that only what could not be read names."""
    return [Claim(account, document, "EUR", "", amount) for account in accounts for document, amount in ((number, 5000), ("GARBLED", 100))]


def test_what_was_answered_on_a_day_is_answered_for_ever_as_known_that_day(each_store: str, empty: Path) -> None:
    law_of_short_years(empty, SHORT_YEARS[each_store])


@pytest.mark.long
def test_what_was_answered_on_a_day_is_answered_for_ever_in_many_short_years(each_store: str, empty: Path) -> None:
    law_of_short_years(empty, 25 * SHORT_YEARS[each_store])


# ------------------------------------------------------------------ whole years


def lived(desk: Desk, seed: int, turns: int) -> list[Kept]:
    """A year of 365 days at a desk, and what was answered at the end of each."""
    told, ledger, kept = year.Telling(seed), Ledger(desk.store, desk.clock), list[Kept]()
    for day in range(year.DAYS):
        desk.now = START + day * DAY + desk.chance.randrange(DAY // 3)
        fed(desk.store, list(told.lines(day)), ledger=ledger)
        if day in ADOPTED:
            policies.adopt(desk.store, desk.clock, ADOPTED[day], "lead", "the board's decision")
        for act in (*desk.chance.choices(list(ACTS), k=desk.chance.randrange(3)), "tick"):
            desk.now += desk.chance.randrange(DAY // 6)
            desk.does(act)
        since, before = desk.day(-desk.chance.randrange(60)), desk.now - desk.chance.randrange(20 * DAY)
        looking = Looking(desk.accounts, since, before, claims(desk.accounts, f"{day // 7}-1"))
        kept += keep(desk, (None, desk.day(desk.chance.randrange(-60, 10))), looking, (day, turns))
    return kept


def happened(desk: Desk) -> set[str]:
    with desk.store.reading() as moment:
        return {row[2].partition(".")[0] for row in moment.all_events()}


def law_of_whole_years(empty: Path, years: int, turns: int) -> None:
    # A smaller seed is no simpler year.
    @settings(max_examples=years, phases=[Phase.generate])
    @given(st.integers(1, 2**32))
    def of_any_year(seed: int) -> None:
        with given_back(), tempfile.TemporaryDirectory() as folder:
            desk = Desk(copied(empty, Path(folder) / "year.db"), year.ACCOUNTS, START, Random(seed), [*POLICIES, *ADOPTED.values()])
            kept = lived(desk, seed, turns)
            assert len({one.now // DAY for one in kept}) == year.DAYS
            assert happened(desk) >= HAPPENED, "a year in which that did not happen proves little"
            is_answered_for_ever(desk, kept)

    of_any_year()


def test_each_day_of_a_whole_year_is_answered_for_ever_as_known_that_day(each_store: str, empty: Path) -> None:
    law_of_whole_years(empty, 1, TURNS[each_store])


@pytest.mark.long
def test_every_question_of_each_day_of_whole_years_is_answered_for_ever_as_known_that_day(each_store: str, empty: Path) -> None:
    law_of_whole_years(empty, LONG_YEARS[each_store], 1)
