"""A policy tried on the recorded history: each order and check is decided again as it was known then, and nothing is written."""

from pathlib import Path
from typing import Any

import pytest

from exposure.figures import Figures, account_on
from exposure.items import items
from exposure.ledger.acts.policies import adopt
from exposure.ledger.replay import Replay
from projections.account import Asked, show
from projections.backtest import backtest
from projections.rates import KnownRates
from schemas.jsontext import written
from schemas.policies import Policy
from schemas.policy_file import read_policy
from service.deciding.checking import Request, check
from service.sample import sample
from tests.command import exposure
from tests.stores import fed, log, opened
from tests.test_rules import ACCOUNT, CUSTOMER, Json, invoice, limit, line, order, told

pytestmark = pytest.mark.usefixtures("each_store")

NOON = 1_771_588_800_000_000
"""2026-02-20T12:00:00Z in microseconds."""
YEAR = ("2026-01-01", "2026-12-31")


def policy(rules: str) -> Policy:
    return read_policy(f'name = "P"\ncurrency = "EUR"\n[[class]]\n{rules}')


def tell(store: Any, at: int, *events: Json) -> None:
    fed(store, map(written, events), now=at)


def again(store: Any, under: Policy, days: tuple[str, str] = YEAR, known_at: int | None = None) -> Json:
    with store.reading() as moment:
        return backtest(moment, under, *days, Asked(NOON + 9, None, known_at), lambda *_: None)


@pytest.fixture
def store(tmp_path: Path) -> Any:
    """Three orders against a limit of 1,000.00: the second goes over it, and what is told of the limit later comes too late for it."""
    store = opened(tmp_path / "exposure.db")
    tell(store, NOON, told("customer.changed", "2026-01-01", **CUSTOMER), limit("L-1", "2026-01-01", "1000.00"))
    tell(store, NOON + 1, order("O-1", "2026-02-01", line("1", value="600.00")))
    tell(store, NOON + 2, order("O-2", "2026-02-02", line("1", quantity="3", unit_price="150.00")))
    tell(store, NOON + 3, limit("L-1", "2026-02-01", "5000.00", version=2))
    tell(store, NOON + 4, order("O-3", "2026-02-03", line("1", value="700.00")))
    return store


def test_as_known_at_an_instant_it_decides_what_was_recorded_by_then(store: Any) -> None:
    check(store, Request(ACCOUNT, "O-4", "4000.00"), lambda: NOON + 4, "shop")
    before = again(store, policy(""))
    assert [before[name] for name in ("orders", "checks", "known_at")] == [3, 1, "2026-02-20T12:00:00.000009Z"]
    tell(store, NOON + 5, order("O-9", "2026-02-01", line("1", value="10.00")))
    check(store, Request(ACCOUNT, "O-5", "4000.00"), lambda: NOON + 5, "shop")
    then = again(store, policy(""), known_at=NOON + 4)
    assert then == before | {"known_at": "2026-02-20T12:00:00.000004Z"} != again(store, policy(""))


def test_under_the_policy_in_force_nothing_differs(store: Any) -> None:
    told_again = again(store, policy(""))
    assert (told_again["orders"], told_again["held_then"], told_again["held_now"], told_again["differences"]) == (3, 1, 1, [])


def test_what_would_be_held_more_and_less_is_told_by_customer_with_amounts(store: Any) -> None:
    told_again = again(store, policy('over_limit = "warn"\n[class.largest_order]\namount = "500.00"'))
    assert told_again["accounts"] == [
        {"account": ACCOUNT, "currency": "EUR", "more_held": 2, "more_held_amount": "1300.00", "fewer_held": 1, "fewer_held_amount": "450.00"}
    ]
    assert [(row["order"], row["reasons_then"], row["reasons_now"]) for row in told_again["differences"]] == [
        ("O-1", [], ["largest_order"]),
        ("O-2", ["over_limit"], []),
        ("O-3", [], ["largest_order"]),
    ]


def test_only_the_days_asked_for_are_decided_again(store: Any) -> None:
    assert again(store, policy(""), ("2026-02-02", "2026-02-02"))["orders"] == 1


def test_a_recorded_check_is_decided_again_on_what_it_saw(store: Any) -> None:
    tell(store, NOON + 5, invoice("I-1", "2026-02-19", "2900.00"))
    answer = check(store, Request(ACCOUNT, "O-9", "251.00"), lambda: NOON + 6, "m.vogt")
    assert answer["reasons"] == []
    tell(store, NOON + 7, invoice("I-2", "2026-02-19", "9000.00"))
    held = check(store, Request(ACCOUNT, "O-9", "251.00"), lambda: NOON + 8, "m.vogt")
    assert held["reasons"] == ["over_limit"]
    told_again = again(store, policy('[class.largest_order]\namount = "250.00"'), ("2026-02-20", "2026-02-20"))
    assert (told_again["checks"], told_again["held_then"], told_again["held_now"]) == (2, 1, 2)
    (row,) = told_again["differences"]
    assert (row["asked_by"], row["amount"], row["reasons_then"], row["reasons_now"]) == ("check", "251.00", [], ["largest_order"])


def test_each_is_compared_with_the_policy_in_force_when_it_was_recorded(store: Any) -> None:
    strict = policy('[class.largest_order]\namount = "100.00"')
    adopt(store, lambda: NOON + 5, strict, "m.vogt", "decided")
    tell(store, NOON + 6, order("O-4", "2026-02-04", line("1", value="101.00")))
    rows = again(store, policy('over_limit = "warn"'))["differences"]
    assert [(row["order"], row["policy_then"], row["reasons_now"]) for row in rows] == [("O-2", "default", []), ("O-4", strict.version, [])]


def test_what_no_rate_was_known_for_is_counted_and_not_judged(store: Any) -> None:
    tell(store, NOON + 5, order("O-5", "2026-02-05", line("1", value="1.00"), currency="USD"))
    assert again(store, policy(""))["not_judged"] == 1


def test_trying_a_policy_writes_nothing(store: Any) -> None:
    before = log(store)
    again(store, policy("horizon_days = 1"))
    assert log(store) == before


def test_a_history_replayed_to_its_end_says_what_the_store_says(tmp_path: Path) -> None:
    store = opened(tmp_path / "sample.db")
    fed(store, sample(1500), now=NOON)
    with store.reading() as moment:
        for account in moment.account_names():
            replay = Replay(account)
            assert len(list(replay.events(moment))) == replay.head.version
            on = account_on(account, replay.speaking("2024-03-01"), "2024-03-01", first_currency=replay.head.first_currency())
            figures = Figures(on, KnownRates(moment, None).on(on.currencies, on.currency, "2024-03-01"))
            said = show(moment, account, Asked(NOON, "2024-03-01"))
            assert {**figures.summary(), **figures.findings(), **items(figures)}.items() <= said.items()


def test_the_command_tries_a_file_on_a_store(store: Any, tmp_path: Path) -> None:
    store.datastore.close()
    file, path = tmp_path / "p.toml", tmp_path / "exposure.db"
    file.write_text('name = "P"\ncurrency = "EUR"\n[[class]]\n[class.largest_order]\namount = "500.00"\n')
    words = ["policy", "backtest", file, "--from", "2026-02-01", "--to", "2026-02-28"]
    said = exposure(*words, "--json", store=path)
    assert (said.exit_code, said.json["held_then"], said.json["held_now"]) == (0, 1, 3)
    assert "3 orders and 0 checks decided again" in exposure(*words, store=path).out
    assert exposure("policy", "backtest", file, "--from", "soon", "--to", "2026-02-28", "--json", store=path).exit_code == 2
