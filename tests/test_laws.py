"""Laws over generated histories: the engine against the slow model, any order and repeats, conservation, eviction, what was known when."""

from datetime import date
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.folding import Books, Event
from tests.histories import arrivals, as_of_days, histories
from tests.model import Recorded, show

arrived_histories = histories().flatmap(lambda history: st.tuples(st.just(history), arrivals(history)))


def subjects(history: list[Event]) -> list[str]:
    return sorted({event["subject"] for event in history if not event["type"].startswith("erp.fx_rate")})


def shown(books: Books, history: list[Event], day: date, versions: dict[str, int] | None = None) -> dict[str, Any]:
    known = versions or {}
    return {account: books.show(account, day.isoformat(), known.get(account)) for account in subjects(history)}


@given(arrived_histories, as_of_days())
def test_the_engine_says_what_the_slow_model_says_in_any_order_of_arrival(both: tuple[list[Event], list[Event]], day: date) -> None:
    history, arrived = both
    books = Books().take_all(arrived)
    for account in subjects(history):
        judgement = show([Recorded(event) for event in history], account, day)
        figures = books.show(account, day.isoformat())
        assert figures is not None
        figures.pop("protection")
        assert figures.pop("reservations") == [], "nobody outside reserves"
        assert figures == judgement


@given(arrived_histories, as_of_days())
def test_documents_that_leave_memory_after_every_event_give_the_same_figures(both: tuple[list[Event], list[Event]], day: date) -> None:
    _, arrived = both
    assert shown(Books(evict=True).take_all(arrived), arrived, day) == shown(Books().take_all(arrived), arrived, day)


@given(histories(), as_of_days())
def test_business_in_order_says_and_keeps_what_documents_without_memory_do(history: list[Event], day: date) -> None:
    """What is known of the last day saves work where events come in order: every movement is that of evaluating from the bytes."""
    ordered = sorted(history, key=business_day)
    kept, evicted = Books(), Books(evict=True)
    for event in ordered:
        assert kept.take(event) == evicted.take(event)
    for account in subjects(history):
        judgement = show([Recorded(event) for event in history], account, day)
        figures = kept.show(account, day.isoformat())
        assert figures is not None
        figures.pop("protection")
        assert figures.pop("reservations") == [], "nobody outside reserves"
        assert figures == judgement


def business_day(event: Event) -> tuple[str, int]:
    """The day an event is dated, and its place on it: orders before deliveries before invoices before what settles them."""
    data, kind = event["data"], event["type"].split(".")[1]
    return data.get("date") or data.get("valid_from") or event["time"][:10], STEPS.index(kind) if kind in STEPS else len(STEPS)


STEPS = ("order", "delivery", "invoice")


@given(arrived_histories, as_of_days(), st.integers(0, 40))
def test_what_was_known_at_an_event_is_known_for_ever(both: tuple[list[Event], list[Event]], day: date, cut: int) -> None:
    _, arrived = both
    no_rates = [event for event in arrived if not event["type"].startswith("erp.fx_rate")]
    early = Books().take_all(no_rates[:cut])
    versions = {account: head.version for account, head in early.heads.items()}
    late = Books().take_all(no_rates)
    for account, version in versions.items():
        assert late.show(account, day.isoformat(), version) == early.show(account, day.isoformat())


@given(arrived_histories, as_of_days())
def test_the_movements_of_an_event_add_up_to_the_change_of_exposure(both: tuple[list[Event], list[Event]], day: date) -> None:
    """In the currency they were told in; the day's items before and after, against the movements dated by the day."""
    _, arrived = both
    books = Books()
    for event in arrived:
        before = exposures(books, event["subject"], day.isoformat())
        moves = books.take(event)
        explained = {}
        for move in moves:
            if move.component in EXPOSURE and move.day <= day.isoformat():
                explained[move.component, move.currency] = explained.get((move.component, move.currency), 0) + move.amount
        after = exposures(books, event["subject"], day.isoformat())
        changed = {place: after.get(place, 0) - before.get(place, 0) for place in before.keys() | after.keys()}
        assert {place: amount for place, amount in explained.items() if amount} == {place: amount for place, amount in changed.items() if amount}


EXPOSURE = ("orders", "deliveries", "receivables", "unapplied", "reserved")


def exposures(books: Books, account: str, day: str) -> dict[tuple[str, str], int]:
    """Component and currency to what the figures of the day hold, item by item."""
    sums: dict[tuple[str, str], int] = {}
    for item, amount in books.items(account, day).items():
        if item.component in EXPOSURE:
            sums[item.component, item.currency] = sums.get((item.component, item.currency), 0) + amount
    return sums


@given(arrived_histories)
def test_from_the_last_movement_on_the_sums_of_the_head_are_the_figures(both: tuple[list[Event], list[Event]]) -> None:
    _, arrived = both
    books = Books().take_all(arrived)
    for account, head in books.heads.items():
        items = exposures(books, account, head.last_day or "2026-01-01")
        assert {place: amount for place, amount in items.items() if amount} == {
            (component, currency): amount
            for place, amount in head.sums.items()
            for component, _, currency in [place.partition("/")]
            if component in EXPOSURE
        }
