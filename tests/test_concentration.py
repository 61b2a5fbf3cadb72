"""Concentration: an account's share of the portfolio as it was measured, which other accounts move only by a new measurement."""

from functools import partial
from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.acts import portfolio
from exposure.ledger.rebuild import rebuild
from projections.account import Asked, show
from projections.measurements import NoCurrency, listed, measurement
from schemas.policies import Policy
from schemas.policy_file import read_policy
from schemas.stored import read_ours
from service.running.portfolio import line
from service.running.ticking import tick
from tests.alerting import Json, at, log, said, said_to_stand, shown, told
from tests.command import exposure
from tests.stores import derived, opened
from tests.test_alert_policy import adopted, policy
from tests.test_rules import ACCOUNT, CUSTOMER, invoice, limit, rate
from tests.test_rules import told as event

pytestmark = pytest.mark.usefixtures("each_store")

OTHER = "C-2"
GOLDEN = Path(__file__).with_name("golden")
WEIGHED = policy('concentration = "0.25"')
WITHOUT = policy("review_due_days = 3650")
OF_A = read_policy('name = "P"\ncurrency = "EUR"\n[[class]]\n[[class]]\nrisk_class = "A"\n[class.alerts]\nconcentration = "0.25"')


def customer(account: str = ACCOUNT, **more: str) -> Json:
    return event("customer.changed", "2026-01-01", subject=account, **{**CUSTOMER, **more})


def owed(number: str, day: str, amount: str, account: str = ACCOUNT, currency: str = "EUR") -> Json:
    return {**invoice(number, day, amount, due="2026-12-31", currency=currency), "subject": account}


EVERYBODY = [
    *(customer(account) for account in (ACCOUNT, OTHER)),
    *({**limit(f"L-{account}", "2026-01-01", "9000.00"), "subject": account} for account in (ACCOUNT, OTHER)),
]
SHARED = [*EVERYBODY, owed("I-1", "2026-02-01", "250.00"), owed("I-2", "2026-02-01", "750.00", OTHER)]
"""One owes a quarter of the portfolio, the other the rest."""


def measure(store: Any, day: str, now: str | None = None) -> bool:
    """Whether it was recorded."""
    with store.reading() as moment:
        made = measurement(moment, day, at(now or day), "nightly", lambda _: None)
    return portfolio.record(store, lambda: at(now or day), made)


def measured(store: Any, day: str) -> int:
    """How many accounts were judged after a measurement of the day."""
    assert measure(store, day)
    return tick(store, lambda: at(day)).accounts


def measurements(store: Any) -> list[tuple[Any, ...]]:
    with store.reading() as moment:
        return [(one["day"], one["exposure"], one["currency"], one["accounts"], one["missing"], one["counts"]) for one in listed(moment, None)]


@pytest.fixture
def store(path: Path) -> Any:
    made = opened(path)
    adopted(made, WEIGHED, "2026-01-01")
    return made


# ------------------------------------------------------------------ raised and cleared


def test_who_owes_the_share_is_concentrated_from_the_day_measured_and_a_later_measurement_clears_it(store: Any) -> None:
    told(store, SHARED, "2026-02-01")
    assert said(store, ACCOUNT) == []
    assert measured(store, "2026-02-03") == 2
    assert said(store, ACCOUNT) == ["raised concentration 2026-02-03"]
    (alert,) = log(store, ACCOUNT)
    assert (alert["severity"], alert["figures"]["portfolio_share"], alert["figures"]["total"]) == ("medium", "0.2500", "250.00")
    told(store, [owed("I-3", "2026-02-05", "1.00", OTHER)], "2026-02-05")
    measured(store, "2026-02-06")
    assert said(store, ACCOUNT)[1:] == ["cleared concentration 2026-02-06 ended"]
    assert log(store, ACCOUNT)[1]["figures"]["portfolio_share"] == "0.2498"
    assert said(store, OTHER) == ["raised concentration 2026-02-03"]


def test_what_others_owe_moves_no_share_until_it_is_measured(store: Any) -> None:
    told(store, SHARED, "2026-02-01")
    measured(store, "2026-02-03")
    assert told(store, [owed("I-3", "2026-02-04", "5000.00", OTHER)], "2026-02-20").accounts == 1
    assert said_to_stand(store, ACCOUNT) == shown(store, ACCOUNT, "2026-02-20") == [("concentration", None, "2026-02-03")]
    measured(store, "2026-02-20")
    assert said_to_stand(store, ACCOUNT) == shown(store, ACCOUNT, "2026-02-20") == []
    assert shown(store, ACCOUNT, "2026-02-19") == [("concentration", None, "2026-02-03")]


def test_what_the_account_owes_is_weighed_every_day_against_the_newest_measurement(store: Any) -> None:
    told(store, EVERYBODY + SHARED[-1:], "2026-02-01")
    measured(store, "2026-02-03")
    told(store, [owed("I-1", "2026-02-05", "187.49")], "2026-02-05")
    assert said(store, ACCOUNT) == ["raised concentration 2026-02-05"], "24.999 per cent is shown and judged as 0.2500"
    told(store, [event("invoice.cancelled", "2026-02-07", invoice="I-1")], "2026-02-07")
    assert said(store, ACCOUNT)[1:] == ["cleared concentration 2026-02-07 ended"]


def test_of_a_day_the_last_measurement_counts_and_equal_figures_are_recorded_once(store: Any) -> None:
    told(store, SHARED, "2026-02-01")
    assert [measure(store, "2026-02-03"), measure(store, "2026-02-03", "2026-02-04")] == [True, False]
    told(store, [owed("I-3", "2026-02-02", "1000.00", OTHER)], "2026-02-04")
    assert said(store, ACCOUNT) == ["raised concentration 2026-02-03"]
    assert measure(store, "2026-02-03", "2026-02-05")
    tick(store, lambda: at("2026-02-05"))
    assert said(store, ACCOUNT)[1:] == ["cleared concentration 2026-02-03 corrected"]
    assert [(one[0], one[1], one[-1]) for one in measurements(store)] == [("2026-02-03", "1000.00", False), ("2026-02-03", "2000.00", True)]


@pytest.mark.parametrize("events", [[], [event("payment.received", "2026-02-01", payment="P-1", currency="EUR", amount="250.00", allocations=[])]])
def test_where_the_portfolio_was_measured_at_nothing_or_less_nobody_is_weighed(store: Any, events: list[Json]) -> None:
    told(store, EVERYBODY + events, "2026-02-01")
    measured(store, "2026-02-01")
    told(store, [owed("I-1", "2026-02-02", "900.00")], "2026-02-02")
    assert said_to_stand(store, ACCOUNT) == []


# ------------------------------------------------------------------ days, clocks, currencies


def test_the_same_is_said_day_by_day_and_all_at_once_after_a_long_sleep(path: Path) -> None:
    later = {"2026-02-04": owed("I-3", "2026-02-04", "50.00"), "2026-02-06": owed("I-4", "2026-02-06", "900.00", OTHER)}
    stores = [opened(path.with_name(f"{name}.db")) for name in ("daily", "at_once")]
    for store in stores:
        adopted(store, WEIGHED, "2026-01-01")
        told(store, SHARED, "2026-02-01")
    daily, at_once = stores
    for day in (f"2026-02-{number:02}" for number in range(2, 10)):
        told(daily, [later[day]] if day in later else [], day)
        if day in ("2026-02-03", "2026-02-05", "2026-02-08"):
            measured(daily, day)
    told(at_once, [], "2026-02-02")
    with daily.reading() as moment:
        made = [one.event for one in portfolio.measurements(moment)]
    for one in made:
        assert portfolio.record(at_once, lambda: at("2026-02-09"), one)
    told(at_once, later.values(), "2026-02-09")
    assert said(daily, ACCOUNT) == ["raised concentration 2026-02-03", "cleared concentration 2026-02-08 ended"]
    for account in (ACCOUNT, OTHER):
        assert log(daily, account) == log(at_once, account)


def test_as_known_at_an_instant_only_what_was_measured_by_then_counts(store: Any) -> None:
    told(store, SHARED, "2026-02-01")
    measure(store, "2026-02-03", "2026-02-05")

    def known(day: str) -> list[str]:
        with store.reading() as moment:
            return [one["rule"] for one in show(moment, ACCOUNT, Asked(at("2026-03-01"), "2026-02-04", at(day)))["alerts"]]

    assert (known("2026-02-04"), known("2026-02-05")) == ([], ["concentration"])


def test_a_foreign_account_is_weighed_in_the_currency_of_the_policy_and_what_lacks_a_rate_is_said(store: Any) -> None:
    american = customer(OTHER, currency="USD")
    told(store, [customer(), american, owed("I-1", "2026-02-01", "300.00"), owed("I-2", "2026-02-01", "200.00", OTHER, "USD")], "2026-02-01")
    assert measure(store, "2026-02-01")
    told(store, [rate("EUR", "USD", "2026-02-02", "2.00")], "2026-02-02")
    assert measure(store, "2026-02-02")
    assert [one[1:5] for one in measurements(store)] == [("300.00", "EUR", 2, ["USD"]), ("400.00", "EUR", 2, [])]
    tick(store, lambda: at("2026-02-02"))
    assert ("concentration", None, "2026-02-02") in shown(store, OTHER, "2026-02-02")
    told(store, [rate("EUR", "USD", "2026-02-04", "2.02")], "2026-02-04")
    assert ("concentration", None, "2026-02-02") not in said_to_stand(store, OTHER), "a rate moves its share as well"


def test_the_rates_that_lack_are_named_with_how_many_accounts_are_not_in_it_wholly(store: Any, path: Path) -> None:
    american = customer(OTHER, currency="USD")
    foreign = [owed("I-2", "2026-02-01", "200.00", OTHER, "USD"), owed("I-3", "2026-02-01", "5.00", OTHER, "EUR")]
    told(store, [customer(), american, owed("I-1", "2026-02-01", "300.00"), *foreign], "2026-02-01")
    said = exposure("portfolio", "measure", "--as-of", "2026-02-01", "--by", "nightly", "--now", "2026-02-01T12:00:00Z", store=path).out
    rates = "EUR into USD (something of 1 account), USD into EUR (something of 1 account)"
    assert said == f"2026-02-01  300.00 EUR of 2 accounts, 1 of them wholly  left out for want of a rate: {rates}\n"
    with store.reading() as moment:
        (made,) = listed(moment, None)
    assert made["rates_missing"] == [{"from": one, "into": into, "accounts": 1} for one, into in (("EUR", "USD"), ("USD", "EUR"))]
    before = read_ours("PortfolioMeasured.v1", (GOLDEN / "PortfolioMeasured.v1.json").read_bytes())
    assert "something in these lacked a rate and is left out: USD" in line(before._asdict())


# ------------------------------------------------------------------ rebuilt, and where no policy asks for it


def test_what_is_rebuilt_equals_what_was_kept_and_says_nothing_anew(store: Any) -> None:
    told(store, SHARED, "2026-02-01")
    measured(store, "2026-02-03")
    kept, before = derived(store), log(store, ACCOUNT)
    assert rebuild(store, lambda _: None).equal
    assert derived(store) == kept
    told(store, [], "2026-02-05")
    assert log(store, ACCOUNT) == before


@pytest.mark.parametrize(("judged_by", "risk_class"), [(WITHOUT, "A"), (OF_A, "B")], ids=["nobody", "other classes"])
def test_a_measurement_judges_nobody_whose_class_does_not_ask_for_it(path: Path, judged_by: Policy, risk_class: str) -> None:
    store = opened(path)
    adopted(store, judged_by, "2026-01-01")
    told(store, [customer(risk_class=risk_class), owed("I-1", "2026-02-01", "250.00"), EVERYBODY[2]], "2026-02-01")
    assert (measured(store, "2026-02-03"), measurements(store)[0][:4]) == (0, ("2026-02-03", "250.00", "EUR", 1))
    assert said(store, ACCOUNT) == []


def test_a_policy_that_begins_to_ask_judges_by_what_was_measured_before_and_one_that_ends_it_corrects(path: Path) -> None:
    store = opened(path)
    adopted(store, WITHOUT, "2026-01-01")
    told(store, SHARED, "2026-02-01")
    measured(store, "2026-02-03")
    adopted(store, WEIGHED, "2026-02-04")
    told(store, [], "2026-02-04")
    assert said(store, ACCOUNT) == ["raised concentration 2026-02-03"]
    adopted(store, WITHOUT, "2026-02-05")
    told(store, [], "2026-02-05")
    assert said(store, ACCOUNT)[1:] == ["cleared concentration 2026-02-03 corrected"]


def test_a_share_is_the_only_spelling_and_says_nothing_where_it_is_left_out() -> None:
    assert policy('concentration = "0.1"').version == policy('concentration = "0.1000"').version
    assert policy('near_limit = "0.8"\nclear_below = "0.7"').version == "1b06d905e0ec", "as before there was the rule"


def test_a_policy_without_a_currency_measures_nothing(path: Path) -> None:
    store = opened(path)
    with store.reading() as moment, pytest.raises(NoCurrency):
        measurement(moment, "2026-02-03", at("2026-02-03"), "nightly", lambda _: None)


def test_the_commands_measure_and_list(store: Any, path: Path) -> None:
    told(store, SHARED, "2026-02-01")
    run = partial(exposure, "portfolio", store=path)
    first, again = (run("measure", "--as-of", "2026-02-03", "--by", "nightly", "--now", "2026-02-04T12:00:00Z", *more) for more in (["--json"], []))
    assert (first.json["exposure"], first.json["accounts"], first.json["recorded"], first.json["by"]) == ("1000.00", 2, True, "nightly")
    assert again.out == "2026-02-03  1000.00 EUR of 2 accounts  (as measured before: nothing recorded)\n"
    assert run().out == "2026-02-03  1000.00 EUR of 2 accounts  by nightly at 2026-02-04T12:00:00Z\n"
    assert run("list", "--json", "--known-at", "2026-02-03T12:00:00Z").json == {"measurements": []}
