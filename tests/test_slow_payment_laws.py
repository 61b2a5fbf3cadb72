"""Laws of slow payment over items that are paid, paid back, cancelled and given up: a slow model agrees, and days judged one by one or at once do."""

import tempfile
from collections.abc import Iterator
from datetime import date, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.ledger.acts.policies import adopt
from tests.alerting import at, log, standing, told
from tests.folding import Books
from tests.stores import given_back, opened
from tests.test_alert_policy import KNOWN, policy
from tests.test_rules import ACCOUNT, Json, invoice, payment, to
from tests.test_rules import told as event

JUDGED_BY = policy("slow_payment = { days = 3, recent_days = 10, before_days = 15, items = 2 }")
FIRST = date(2026, 1, 5)
EXAMPLES = {"sqlite": 15, "postgresql": 3}


class Owed(NamedTuple):
    """An item: when it is due, when it is paid, and from when on it is cancelled, given back by the bank, or paid again (days from the first)."""

    amount: int
    due: int
    paid: int
    undone: int | None
    how: str


offsets = st.integers(0, 40)
items = st.lists(
    st.builds(Owed, st.integers(1, 9), offsets, offsets, st.none() | offsets, st.sampled_from(["cancelled", "returned"])), min_size=2, max_size=9
)


def day(offset: int) -> str:
    return (FIRST + timedelta(days=offset)).isoformat()


def events(owed: list[Owed]) -> Iterator[Json]:
    for number, one in enumerate(owed):
        name, amount = f"I-{number}", f"{one.amount}.00"
        yield invoice(name, day(-1), amount, due=day(one.due))
        yield payment(f"P-{number}", day(one.paid), amount, to(name, amount))
        if one.undone is not None and one.how == "cancelled":
            yield event("invoice.cancelled", day(one.undone), invoice=name)
        elif one.undone is not None and one.undone > one.paid:
            yield event("payment.returned", day(one.undone), payment=f"P-{number}", amount=amount)


def slow(owed: list[Owed], on: int) -> bool:
    """By the words of the rule, item by item."""
    windows: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
    for one in owed:
        age = on - one.paid
        undone = one.undone is not None and (one.undone <= on if one.how == "cancelled" else one.paid < one.undone <= on)
        if 0 <= age < 25 and not undone:
            windows[age >= 10].append((one.amount, one.paid - one.due))
    if min(map(len, windows)) < 2:
        return False
    recent, before = (Fraction(sum(weight * late for weight, late in of), sum(weight for weight, _ in of)) for of in windows)
    return recent - before >= 3


@settings(max_examples=150)
@given(items, st.randoms(use_true_random=False))
def test_the_engine_says_what_the_words_of_the_rule_say_in_any_order_of_arrival(owed: list[Owed], order: Any) -> None:
    arrived = [KNOWN, *events(owed)]
    order.shuffle(arrived)
    books = Books().take_all(arrived)
    since = None
    for on in range(60):
        since = (since or day(on)) if slow(owed, on) else None
        assert [alert for alert in standing(books, ACCOUNT, day(on), JUDGED_BY) if alert[0] == "slow_payment"] == (
            [("slow_payment", None, since)] if since else []
        )


def test_the_same_is_said_day_by_day_and_all_at_once(each_store: str) -> None:
    seen = 0

    @settings(max_examples=EXAMPLES[each_store])
    @given(items)
    def of_any(owed: list[Owed]) -> None:
        nonlocal seen
        with given_back(), tempfile.TemporaryDirectory() as folder:
            daily, at_once = (opened(Path(folder) / f"{name}.db") for name in ("daily", "at_once"))
            by_day: dict[str, list[Json]] = {}
            for one in events(owed):
                by_day.setdefault(one["data"]["date"], []).append(one)
            for store in (daily, at_once):
                adopt(store, lambda: at(day(-9)), JUDGED_BY, "m.vogt", "to be judged by")
            told(daily, [KNOWN], day(-2))
            for on in range(-1, 60):
                told(daily, by_day.get(day(on), []), day(on))
            told(at_once, [KNOWN, *events(owed)], day(59))
            said = [log(store, ACCOUNT) for store in (daily, at_once)]
            assert said[0] == said[1]
            seen += any(one["rule"] == "slow_payment" for one in said[0])

    of_any()
    assert seen or each_store == "postgresql"
