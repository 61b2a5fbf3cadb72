"""To the last unit of a currency: what fills the limit exactly passes, one more is held; under a strict policy the limit itself is held."""

from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.acts.policies import adopt
from schemas.jsontext import written
from schemas.policy_file import read_policy
from service.deciding.checking import Request, check
from service.deciding.reserving import reserve
from tests.stores import fed, opened
from tests.test_check import NOON
from tests.test_rules import ACCOUNT, CUSTOMER, told

STRICT = read_policy('name = "strict"\ncurrency = "EUR"\n[[class]]\nat_limit = "fires"')
LIMITS = {"EUR": ("1000.00", "400.00"), "JPY": ("1000", "400"), "KWD": ("1000.000", "400.000")}
"""By currency the limit, and what is owed already."""
ORDERS = {"EUR": ("599.99", "600.00", "600.01"), "JPY": ("599", "600", "601"), "KWD": ("599.999", "600.000", "600.001")}
"""One minor unit below what is left of the limit, just that, and one above."""
LEFT = {"EUR": ("0.01", "0.00", "-0.01"), "JPY": ("1", "0", "-1"), "KWD": ("0.001", "0.000", "-0.001")}
BELOW, EXACT, ABOVE = range(3)


def desk(path: Path, currency: str, strict: bool) -> Any:
    store = opened(path)
    limit, owed = LIMITS[currency]
    events = [
        told("customer.changed", "2026-01-01", **CUSTOMER | {"currency": currency}),
        told("limit.changed", "2026-01-01", limit="L-1", version=1, kind="base", amount=limit, currency=currency),
        told("invoice.posted", "2026-02-10", invoice="I-1", currency=currency, amount=owed, due="2026-03-10"),
    ]
    fed(store, map(written, events), now=NOON)
    if strict:
        adopt(store, lambda: NOON, STRICT, "m.vogt", "the limit itself is too much")
    return store


@pytest.mark.parametrize("holds", [False, True], ids=["check", "reserve"])
@pytest.mark.parametrize(("strict", "place", "decision"), [
    (False, BELOW, "approved"), (False, EXACT, "approved"), (False, ABOVE, "held"),
    (True, BELOW, "approved"), (True, EXACT, "held"), (True, ABOVE, "held"),
])  # fmt: skip
@pytest.mark.parametrize("currency", LIMITS)
def test_the_limit_is_kept_to_the_last_unit(tmp_path: Path, currency: str, strict: bool, place: int, decision: str, holds: bool) -> None:
    amount = ORDERS[currency][place]
    ask = reserve if holds else check
    answer = ask(desk(tmp_path / "exposure.db", currency, strict), Request(ACCOUNT, "O-1", amount, holds=holds), lambda: NOON, "m.vogt")
    assert (answer["decision"], answer["reasons"]) == (decision, ["over_limit"] if decision == "held" else [])
    assert (answer["reservation"] is not None) == (holds and decision == "approved")
    assert answer["available_after"] == LEFT[currency][place]
