"""64 callers in 8 processes race for the last credit of one account: as many as it is enough for get it, the others are told to whom they lost."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.rebuild import rebuild
from projections.account import Asked, show
from schemas.amounts import minor
from schemas.jsontext import written
from service.deciding.reserving import release
from tests.racing import CALLERS, LIMIT, NAIVE_EVERY, NOON, engine_account, naive_account, racing, winners
from tests.stores import fed, opened, url_of
from tests.test_rules import CUSTOMER, Json, told

pytestmark = pytest.mark.usefixtures("each_store")

ROUNDS = {"sqlite": 8, "postgresql": 10}


@pytest.fixture
def store(tmp_path: Path, rounds: int) -> Any:
    """With one account, and one more for each round of the naive, all of the same limit."""
    numbers = count(1)
    limit = {"version": 1, "kind": "base", "amount": LIMIT, "currency": "EUR"}
    lines: list[Json] = []
    for account in (engine_account(0), *map(naive_account, range(0, rounds, NAIVE_EVERY))):
        lines.append({**told("customer.changed", "2026-01-01", subject=account, **CUSTOMER), "id": account})
        lines.append(told("limit.changed", "2026-01-01", subject=account, limit=f"L-{next(numbers)}", **limit))
    store = opened(tmp_path / "exposure.db")
    fed(store, map(written, lines), now=NOON)
    return store


@pytest.fixture
def rounds(each_store: str, request: pytest.FixtureRequest) -> int:
    return getattr(request, "param", 0) or ROUNDS[each_store]


@pytest.mark.parametrize("rounds", [0, pytest.param(200, marks=pytest.mark.long)], indirect=True, ids=["short", "long"])
def test_nobody_gets_credit_that_another_has_and_every_loser_is_told_to_whom_it_lost(
    each_store: str, tmp_path: Path, store: Any, rounds: int
) -> None:
    over_commits = naive_over_commits = 0
    with racing(url_of(tmp_path / "exposure.db"), rounds) as go:
        for round_ in range(rounds):
            answers = go()
            approved = [answer for answer in answers if answer["decision"] == "approved"]
            over_commits += len(approved) > winners(round_)
            assert (len(answers), len(approved)) == (CALLERS, winners(round_))
            assert reserved(store, engine_account(round_)) <= minor(LIMIT, "EUR")
            assert reserved(store, engine_account(round_)) == sum(minor(answer["amount"], "EUR") for answer in approved)
            theirs = {answer["order"] for answer in approved}
            for answer in answers:
                lost_to = {row["order"] for row in answer["lost_to"]}
                assert (lost_to != set(), lost_to <= theirs) == (answer["decision"] == "held", True)
            for order in theirs:
                assert release(store, engine_account(round_), order, lambda: NOON, "m.vogt")["state"] == "released"
            if round_ % NAIVE_EVERY == 0:
                go()
                naive_over_commits += reserved(store, naive_account(round_)) > minor(LIMIT, "EUR")
    naive_rounds = len(range(0, rounds, NAIVE_EVERY))
    print(f"{each_store}: {CALLERS} callers, over-commits in {over_commits} of {rounds} rounds, naive in {naive_over_commits} of {naive_rounds}")
    assert over_commits == 0
    assert naive_over_commits > 0, "the race is none: whoever checks first and acts then must lose it"
    assert rebuild(store).equal


def reserved(store: Any, account: str) -> int:
    with store.reading() as moment:
        return minor(show(moment, account, Asked(NOON))["exposure"]["reserved"], "EUR")
