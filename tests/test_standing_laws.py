"""Laws of what stands and what stood: what saves reading (what was judged, one item's own days, what was agreed) says what the walk through all days
says."""

import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.alerts import Standing, moved_on
from exposure.items import items
from exposure.ledger.acts.policies import adopt, in_force
from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Record, Source
from exposure.promises import promises_on
from exposure.rules.spans import later
from exposure.standing import retraced
from projections.account import Asked, NotKnownBefore, UnknownAccount, figures_known, measure_shown, show
from projections.rates import KnownRates
from projections.standing import AccountDays
from schemas.jsontext import written
from service.running.ticking import tick
from tests.alerting import Alert, at, empty_under
from tests.folding import Event
from tests.histories import FIRST_DAY, as_of_days
from tests.stores import copied, fed, given_back, opened
from tests.test_alert_laws import DANCING, arrived_histories
from tests.test_laws import subjects
from tests.test_rules import ACCOUNT, CUSTOMER, Json, invoice, limit, payment, to
from tests.test_rules import told as event

NOW = at("2040-01-01")
LIMITED = event("customer.changed", "2026-01-01", **CUSTOMER), limit("L-1", "2026-01-01", "100.00")


@pytest.fixture(scope="module")
def empty(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    return empty_under(DANCING, tmp_path_factory.mktemp("empty") / "store.db")


def shown(moment: Any, account: str, asked: Asked) -> list[Alert]:
    return [(one["rule"], one["step"] or 0, one["effective"]) for one in show(moment, account, asked)["alerts"]]


def without_alerts(moment: Any, account: str, asked: Asked) -> Json:
    return {name: said for name, said in show(moment, account, asked).items() if name not in ("alerts", "known_at", "dead_letters", "sources")}


def of_the_day(moment: Any, account: str, asked: Asked) -> Json:
    """The same, of what says anything on the day and nothing else."""
    figures = figures_known(moment, account, asked)[0]
    measures = [measure_shown(one) for one in figures.on.measures]
    return {**figures.summary(), **figures.findings(), **items(figures), "promises": promises_on(figures.on), "measures": measures}


def walked(moment: Any, account: str, asked: Asked) -> list[Alert]:
    """The same, of the days alone: back to where every stretch has begun, and on from there."""
    day = figures_known(moment, account, asked)[0].on.day
    return [(*rule, effective) for rule, effective in sorted(retraced(days_of(moment, account, asked).since, day).items())]


def days_of(moment: Any, account: str, asked: Asked, until: str | None = None) -> AccountDays:
    figures, known, stored = figures_known(moment, account, asked)
    rates, policy = KnownRates(moment, asked.known_at), in_force(moment, asked.known_at)
    return AccountDays(moment, stored, known.customer, rates, policy, until=until or figures.on.day, version=known.version)


def over_by_then(moment: Any, account: str) -> Iterator[tuple[str, int, str, str]]:
    """Each stretch of days on which a rule held, of all the account's days before the last one that was judged."""
    ((judged,),) = moment.rows("SELECT judged_day FROM alert_states WHERE account = ?", account)
    before: Standing = {}
    for day, standing in moved_on(days_of(moment, account, Asked(NOW), judged).since(""), {}, later(judged, -1)):
        yield from ((*rule, since, day) for rule, since in before.items() if rule not in standing)
        before = standing


def test_what_stands_is_what_a_walk_through_all_days_says(each_store: str, empty: Path) -> None:
    @settings(max_examples={"sqlite": 150, "postgresql": 10}[each_store])
    @given(arrived_histories, st.lists(st.tuples(st.integers(0, 40), st.booleans()), min_size=1, max_size=6), as_of_days(), st.integers(0, 60))
    def of_any(both: tuple[list[Event], list[Event]], steps: list[tuple[int, bool]], asked_day: date, known_after: int) -> None:
        _, arrived = both
        with given_back(), tempfile.TemporaryDirectory() as folder:
            store: Any = copied(empty, Path(folder) / "told.db")
            day = FIRST_DAY
            ledger = Ledger(store, lambda: at(day.isoformat()))
            for place in range(0, len(arrived), 4):
                on, is_judged = steps[place // 4 % len(steps)]
                day += timedelta(days=on)
                ledger.take([Record(written(event), 0) for event in arrived[place : place + 4]], Source("test"))
                if is_judged:
                    tick(store, ledger.now)
            known_at = at((FIRST_DAY + timedelta(days=known_after)).isoformat())
            days = {asked_day, day, asked_day - timedelta(days=20), day + timedelta(days=30), day - timedelta(days=1)}
            with store.reading() as moment:
                for account in subjects(arrived):
                    for asked in [Asked(NOW, one.isoformat(), at_) for one in sorted(days) for at_ in (None, known_at)]:
                        try:
                            assert shown(moment, account, asked) == walked(moment, account, asked)
                            assert without_alerts(moment, account, asked) == of_the_day(moment, account, asked)
                        except (UnknownAccount, NotKnownBefore):
                            continue
            tick(store, ledger.now)
            with store.reading() as moment:
                for account in subjects(arrived):
                    rows = moment.rows("SELECT rule, step, since, until FROM stood WHERE account = ?", account)
                    assert sorted(map(tuple, rows)) == sorted(over_by_then(moment, account))

    of_any()


def told_on(store: Any, day: str, *events: Json) -> None:
    """Whatever is told is judged by the end of the day."""
    fed(store, map(written, events), now=at(day))
    tick(store, lambda: at(day))


def over_limit_since(store: Any, asked: Asked) -> list[str]:
    with store.reading() as moment:
        return [effective for rule, _, effective in shown(moment, ACCOUNT, asked) if rule == "over_limit"]


def test_what_ended_since_a_day_was_judged_is_part_of_the_stretch(each_store: str, path: Path) -> None:  # noqa: ARG001
    """All of it is told ahead: another item takes the place of the one that is cleared on the 10th."""
    store = opened(path)
    both = invoice("I-1", "2026-02-05", "150.00"), invoice("I-2", "2026-02-08", "150.00")
    told_on(store, "2026-02-01", *LIMITED, *both, payment("P-1", "2026-02-10", "150.00", to("I-1", "150.00")))
    assert over_limit_since(store, Asked(NOW, "2026-02-20")) == ["2026-02-05"]


def test_what_was_open_then_stands_though_it_is_told_to_have_ended_long_before(each_store: str, path: Path) -> None:  # noqa: ARG001
    """Another policy was adopted as well, so nothing that was judged is worth anything."""
    store = opened(path)
    told_on(store, "2026-02-01", *LIMITED, invoice("I-1", "2026-01-12", "150.00"))
    told_on(store, "2026-02-03", payment("P-1", "2026-01-13", "150.00", to("I-1", "150.00")))
    adopt(store, lambda: at("2026-02-04"), DANCING, "board", "decided")
    assert over_limit_since(store, Asked(NOW, "2026-02-02", at("2026-02-02"))) == ["2026-01-12"]
    assert over_limit_since(store, Asked(NOW, "2026-02-02")) == []
