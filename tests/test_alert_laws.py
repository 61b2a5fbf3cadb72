"""Laws of alerts over generated histories: the slow model agrees; days may be judged one by one or many at once, in any order of arrival."""

import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Record, Source
from schemas.jsontext import written
from schemas.policies import DEFAULT, Policy
from schemas.policy_file import read_policy
from service.running.ticking import tick
from tests import model_alerts
from tests.alerting import at, empty_under, log, said_to_stand, shown, standing, told
from tests.folding import Books, Event
from tests.histories import FIRST_DAY, arrivals, as_of_days, histories
from tests.model_alerts import Thresholds
from tests.stores import copied, given_back
from tests.test_laws import subjects

EXAMPLES = {"sqlite": 60, "postgresql": 10}
"""A day costs a transaction, and a history has many."""
MORNING = "09:00:00+00:00"
"""It is the same day then in Berlin and in Auckland."""
DANCING = read_policy(
    """
    name = "P"
    currency = "USD"
    [[class]]
    [class.alerts]
    near_limit = "0.8"
    clear_below = "0.3"
    oldest_open_item_days = 20
    review_due_days = 30
    large_order = "100.00"
    score_falls_along = ["A", "B", "C"]
    slow_payment = { days = 2, recent_days = 15, before_days = 30, items = 1 }
    concentration = "0.2"
    """
)
"""Asks for every rule there is, and leaves much room between near the limit and no longer near."""
arrived_histories = histories().flatmap(lambda history: st.tuples(st.just(history), arrivals(history)))


@pytest.fixture(scope="module")
def empty(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    return empty_under(DANCING, tmp_path_factory.mktemp("empty") / "store.db")


@settings(max_examples=300)
@given(arrived_histories, as_of_days(), st.sampled_from([(DEFAULT, Thresholds()), (DANCING, Thresholds("0.8", "0.3"))]))
def test_the_engine_says_what_the_slow_model_says_in_any_order_of_arrival(
    both: tuple[list[Event], list[Event]], day: date, judged_by: tuple[Policy, Thresholds]
) -> None:
    (history, arrived), (policy, thresholds) = both, judged_by
    books = Books().take_all(arrived)
    for account in subjects(history):
        judgement = model_alerts.standing(history, account, day, FIRST_DAY - timedelta(days=40), thresholds)
        stands = [alert for alert in standing(books, account, day.isoformat(), policy) if alert[0] in model_alerts.RULES]
        assert sorted(stands, key=str) == judgement


def on_their_own_days(history: list[Event], ahead: list[int]) -> list[tuple[str, Event]]:
    """Each event with the day it is told on: its own, or one before it. Customers are told first, once: what is said of them holds for every day."""
    dated = []
    for place, event in enumerate(history):
        if "customer" not in event["type"]:
            own = date.fromisoformat(event["data"].get("date") or event["data"]["valid_from"])
            dated.append((own - timedelta(days=ahead[place % len(ahead)]), place, event))
    first = min([one[0] for one in dated], default=FIRST_DAY)
    customers = [customer(account, first) for account in subjects([event for _, _, event in dated])]
    days = [(first.isoformat(), one) for one in customers] + [(day.isoformat(), event) for day, _, event in sorted(dated, key=lambda one: one[:2])]
    return [(day, {**event, "id": f"t{place}", "time": f"{day}T09:{place // 60:02}:{place % 60:02}Z"}) for place, (day, event) in enumerate(days)]


def customer(account: str, day: date) -> Event:
    zone = "Pacific/Auckland" if account.endswith("2") else "Europe/Berlin"
    data = {"version": 1, "date": day.isoformat(), "name": account, "currency": "EUR", "timezone": zone}
    return {"specversion": "1.0", "source": "/crm", "type": "erp.customer.changed.v1", "subject": account, "data": data}


def days_between(first: str, last: str) -> Iterator[str]:
    day = date.fromisoformat(first)
    while (text := day.isoformat()) <= last:
        yield text
        day += timedelta(days=1)


def test_the_same_is_said_day_by_day_and_all_at_once_after_a_long_sleep(each_store: str, empty: Path) -> None:
    @settings(max_examples=EXAMPLES[each_store])
    @given(histories(), st.lists(st.sampled_from([0, 0, 0, 3, 20]), min_size=1, max_size=5), st.integers(1, 9), st.data())
    def of_any(history: list[Event], ahead: list[int], every: int, data: st.DataObject) -> None:
        events = on_their_own_days(history, ahead)
        if not events:
            return
        last = "2026-07-01"
        with given_back(), tempfile.TemporaryDirectory() as folder:
            stores = [copied(empty, Path(folder) / f"{name}.db") for name in ("daily", "at_once", "in_any_order")]
            by_day: dict[str, list[Event]] = {}
            for day, event in events:
                by_day.setdefault(day, []).append(event)
            for place, day in enumerate(days_between(events[0][0], last)):
                if day in by_day or place % every == 0 or day == last:
                    told(stores[0], by_day.pop(day, []), day, MORNING)
            all_of_them = [event for _, event in events]
            told(stores[1], all_of_them, last, MORNING)
            told(stores[2], data.draw(st.permutations(all_of_them)), last, MORNING)
            for account in subjects(all_of_them):
                said = log(stores[0], account)
                assert said == log(stores[1], account) == log(stores[2], account)
                assert [one["sequence"] for one in said] == list(range(1, len(said) + 1))

    of_any()


def test_what_stands_in_the_end_is_what_the_days_say_however_late_it_was_told(each_store: str, empty: Path) -> None:
    @settings(max_examples=EXAMPLES[each_store])
    @given(arrived_histories, st.lists(st.integers(0, 40), min_size=1, max_size=6))
    def of_any(both: tuple[list[Event], list[Event]], steps: list[int]) -> None:
        _, arrived = both
        with given_back(), tempfile.TemporaryDirectory() as folder:
            store: Any = copied(empty, Path(folder) / "late.db")
            day = FIRST_DAY
            ledger = Ledger(store, lambda: at(day.isoformat()))
            for place in range(0, len(arrived), 4):
                day += timedelta(days=steps[place // 4 % len(steps)])
                ledger.take([Record(written(event), 0) for event in arrived[place : place + 4]], Source("test"))
                tick(store, ledger.now)  # the rows of documents are older than the log
            for account in subjects(arrived):
                assert said_to_stand(store, account) == shown(store, account, day.isoformat())

    of_any()
