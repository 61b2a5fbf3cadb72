"""Held orders and their release: with authority, within it, with a reason, by somebody who did not ask; and what it does to later checks."""

from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.acts.policies import in_force
from exposure.ledger.rebuild import rebuild
from projections.account import UnknownAccount
from projections.history import history
from projections.holds import holds, overrides
from schemas.jsontext import read, written
from schemas.policies import DEFAULT, Authority, Policy
from service.deciding import releasing
from service.deciding.checking import Request, check
from service.deciding.releasing import Release
from service.failures import Done, Failure
from tests.command import exposure
from tests.stores import fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, Json, told

pytestmark = pytest.mark.usefixtures("each_store")

TODAY = "2026-02-20"
NOON = 1_771_588_800_000_000
"""That day at 12:00:00Z in microseconds."""
DAY = 86_400_000_000
POLICY = Policy(
    "p1",
    "four eyes",
    "EUR",
    DEFAULT.classes,
    authority=(
        Authority("clerk", None, "1500.00", "EUR"),
        Authority("head", None, "100000.00", "EUR"),
        Authority("lead", None, "10000.00", "EUR"),
        Authority("limits", "9000.00", None, "EUR"),
    ),
    four_eyes_above="2000.00",
)
LIMIT = told("limit.changed", "2026-01-01", limit="L-1", version=1, kind="base", amount="1000.00", currency="EUR")


class Desk:
    """A store with a customer whose limit is 1000.00 EUR, where orders are checked by the ERP and released under one policy."""

    def __init__(self, path: Path, *events: Json, policy: Policy | None = None) -> None:
        self.store, self.now = opened(path), NOON
        self.policies: Any = (lambda _: policy) if policy else in_force
        self.tell(told("customer.changed", "2026-01-01", **CUSTOMER), LIMIT, *events)

    def tell(self, *events: Json) -> None:
        fed(self.store, map(written, events), now=self.now)

    def check(self, order: str, amount: str, by: str = "erp", **more: str) -> Json:
        return check(self.store, Request(ACCOUNT, order, amount, **more), lambda: self.now, by)

    def release(self, decision: Json, by: str, reason: str = "they paid today") -> Done:
        return releasing.release(self.store, Release(decision["decision_id"], by, reason), lambda: self.now, self.policies)

    def outcome(self, decision: Json, by: str) -> str:
        done = self.release(decision, by)
        return done.refused.code if done.refused else str(done.shown["state"])

    def held(self) -> list[tuple[str, str]]:
        with self.store.reading() as moment:
            return [(one["order"], one["amount"]) for one in holds(moment, None)]

    def overrides(self, first: str | None = None, last: str | None = None) -> list[Json]:
        with self.store.reading() as moment:
            return overrides(moment, first, last)

    def trail(self) -> list[Json]:
        with self.store.reading() as moment:
            return [event for event in history(moment, ACCOUNT) if event["id"].startswith("release:")]


def block(day: str = "2026-02-20", version: int = 1) -> Json:
    return told("account.blocked", day, version=version)


# Who may


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("1500.00", [("clerk", "released")]),
        ("1500.01", [("clerk", "above_authority"), ("lead", "released")]),
        ("1200.00", [("limits", "no_authority"), ("m.vogt", "no_authority"), ("erp", "own_request"), ("clerk", "released")]),
        ("2000.00", [("lead", "released")]),
        ("2000.01", [("lead", "proposed"), ("Lead", "proposed"), ("clerk", "above_authority"), ("head", "released")]),
        ("10000.01", [("lead", "above_authority"), ("head", "proposed"), ("head", "proposed")]),
    ],
)
def test_the_policy_says_who_may_release_how_much_and_when_it_takes_two(path: Path, amount: str, said: list[tuple[str, str]]) -> None:
    desk = Desk(path, policy=POLICY)
    decision = desk.check("O-1", amount)
    for who, outcome in said:
        assert desk.outcome(decision, who) == outcome, who


def test_without_authorities_in_the_policy_anybody_but_who_asked_may_release(path: Path) -> None:
    desk = Desk(path)
    decision = desk.check("O-1", "5000.00", by="k.weiss")
    assert desk.outcome(decision, "K.Weiss") == "own_request"
    assert desk.outcome(decision, "m.vogt") == "released"


def test_an_order_in_another_currency_is_released_at_the_days_rate_and_without_one_by_nobody(path: Path) -> None:
    rate = told("fx_rate.published", "2026-02-19", subject="USD", base="USD", quote="EUR", rate="0.5")
    desk = Desk(path, rate, policy=POLICY)
    decision = desk.check("O-1", "3000.00", currency="USD")
    assert desk.outcome(decision, "clerk") == "released"
    desk.policies = lambda _: POLICY._replace(authority=(Authority("clerk", None, "1500.00", "CHF"),))
    assert desk.outcome(desk.check("O-2", "3000.00", currency="USD"), "clerk") == "no_rate"


def test_what_holds_nothing_cannot_be_released(path: Path) -> None:
    desk = Desk(path)
    with pytest.raises(Failure, match="holds no order"):
        desk.release(desk.check("O-1", "1.00"), "m.vogt")
    with pytest.raises(Failure, match="no decision"):
        desk.release({"decision_id": "none"}, "m.vogt")


def test_the_same_person_again_answers_the_same_and_a_refusal_is_recorded_once(path: Path) -> None:
    desk = Desk(path, policy=POLICY)
    decision = desk.check("O-1", "3000.00")
    for who in ("clerk", "clerk", "lead", "lead", "head", "head", "lead"):
        desk.release(decision, who)
    assert [(event["type"].split(".")[1], event["actor"]) for event in desk.trail()] == [
        ("hold_release_refused", "clerk"),
        ("hold_release_proposed", "lead"),
        ("hold_released", "head"),
    ]
    assert desk.outcome(decision, "clerk") == "settled"
    assert rebuild(desk.store).equal


# What it does


def test_a_released_order_passes_and_what_fired_is_still_told(path: Path) -> None:
    desk = Desk(path)
    decision = desk.check("O-1", "1500.00")
    desk.release(decision, "m.vogt")
    answer = desk.check("O-1", "1500.00")
    assert (answer["decision"], answer["reasons"], answer["released"]) == ("approved", [], decision["decision_id"])
    assert [(finding["rule"], finding["effect"]) for finding in answer["findings"]] == [("over_limit", "released")]
    assert (answer["exposure_after"], answer["available_after"]) == ("1500.00", "-500.00"), "the figures are what they are"
    assert desk.check("O-1", "1500.00") == answer, "nothing has changed: it is the same decision"
    with desk.store.reading() as moment:
        sent = [read(row[0])["data"]["released"] for row in moment.rows("SELECT payload FROM outbox WHERE topic = 'credit.decisions' ORDER BY id")]
    assert sent == [None, decision["decision_id"]]
    assert rebuild(desk.store).equal


@pytest.mark.parametrize(("amount", "decision"), [("1500.00", "approved"), ("1200.00", "approved"), ("1500.01", "held")])
def test_a_release_reaches_as_far_as_the_amount_that_was_released(path: Path, amount: str, decision: str) -> None:
    desk = Desk(path)
    desk.release(desk.check("O-1", "1500.00"), "m.vogt")
    assert desk.check("O-1", amount)["decision"] == decision


def test_a_release_is_of_its_own_order_and_currency(path: Path) -> None:
    rate = told("fx_rate.published", "2026-02-19", subject="USD", base="USD", quote="EUR", rate="1")
    desk = Desk(path, rate)
    desk.release(desk.check("O-1", "1500.00"), "m.vogt")
    assert desk.check("O-2", "1500.00")["decision"] == "held"
    assert desk.check("O-1", "1500.00", currency="USD")["decision"] == "held"


def test_a_proposal_lets_nothing_pass(path: Path) -> None:
    desk = Desk(path, policy=POLICY)
    desk.release(desk.check("O-1", "3000.00"), "lead")
    assert desk.check("O-1", "3000.00")["decision"] == "held"


def test_a_release_covers_what_the_order_was_held_for_and_no_other_rule(path: Path) -> None:
    desk = Desk(path)
    desk.release(desk.check("O-1", "1500.00"), "m.vogt")
    desk.tell(block())
    later = desk.check("O-1", "1500.00")
    assert (later["decision"], later["reasons"], later["released"]) == ("held", ["over_limit", "blocked"], None)
    desk.release(later, "m.vogt")
    assert desk.check("O-1", "1500.00")["decision"] == "approved"
    assert desk.check("O-1", "900.00")["decision"] == "approved", "blocked alone is among what was released"


def test_an_order_of_a_blocked_account_may_be_released(path: Path) -> None:
    desk = Desk(path, block())
    decision = desk.check("O-1", "100.00")
    assert decision["reasons"] == ["blocked"]
    desk.release(decision, "m.vogt")
    assert desk.check("O-1", "100.00")["decision"] == "approved"
    assert desk.check("O-1", "1000.01")["decision"] == "held"


def test_a_named_request_keeps_its_answer_and_a_new_one_is_let_pass(path: Path) -> None:
    desk = Desk(path)
    decision = desk.check("O-1", "1500.00", request="R-1")
    desk.release(decision, "m.vogt")
    assert desk.check("O-1", "1500.00", request="R-1")["decision"] == "held"
    assert desk.check("O-1", "1500.00", request="R-2")["decision"] == "approved"


# What is listed


def test_of_each_order_the_newest_decision_waits_until_it_is_released(path: Path) -> None:
    desk = Desk(path, policy=POLICY)
    first = desk.check("O-1", "1500.00")
    desk.check("O-2", "1200.00")
    desk.check("O-1", "3000.00")
    desk.check("O-3", "10.00")
    assert desk.held() == [("O-2", "1200.00"), ("O-1", "3000.00")]
    desk.release(first, "clerk")
    assert desk.held() == [("O-2", "1200.00"), ("O-1", "3000.00")]
    newest = desk.check("O-1", "3000.00")
    desk.release(newest, "lead")
    with desk.store.reading() as moment:
        assert [one["proposed_by"] for one in holds(moment, ACCOUNT)] == [None, "lead"]
        with pytest.raises(UnknownAccount):
            holds(moment, "C-9")
    desk.release(newest, "head")
    desk.tell(told("limit.changed", TODAY, limit="L-1", version=2, kind="base", amount="1200.00", currency="EUR"))
    assert desk.check("O-2", "1200.00")["decision"] == "approved"
    assert desk.held() == []


def test_overrides_are_listed_by_the_accounts_day_with_who_why_and_what_was_overridden(path: Path) -> None:
    desk = Desk(path, block("2026-02-21"), policy=POLICY)
    desk.release(desk.check("O-1", "1500.00"), "clerk", "a good year")
    desk.now += DAY
    second = desk.check("O-2", "2500.00")
    desk.release(second, "lead")
    desk.release(second, "head", "the guarantee is on its way")
    told_of = [(one["as_of"], one["order"], one["reasons"], one["proposed_by"], one["by"], one["reason"]) for one in desk.overrides()]
    assert told_of == [
        ("2026-02-20", "O-1", ["over_limit"], None, "clerk", "a good year"),
        ("2026-02-21", "O-2", ["over_limit", "blocked"], "lead", "head", "the guarantee is on its way"),
    ]
    assert [one["order"] for one in desk.overrides("2026-02-21")] == ["O-2"]
    assert [one["order"] for one in desk.overrides(None, "2026-02-20")] == ["O-1"]


# The command line


def test_the_commands_list_release_and_report(path: Path) -> None:
    desk = Desk(path)
    decision = desk.check("O-1", "1500.00")["decision_id"]
    now = ("--now", f"{TODAY}T12:00:00Z")

    def said(*words: str) -> Any:
        return exposure("holds", *words, *now, "--json", store=path)

    assert [one["decision_id"] for one in said().json["holds"]] == [decision]
    own = said("release", decision, "--by", "erp", "--reason", "urgent")
    assert (own.exit_code, own.json["error"]["code"], own.json["state"]) == (3, "own_request", "held")
    assert said("release", decision, "--by", "m.vogt", "--reason", "they paid").json["state"] == "released"
    assert said("list", ACCOUNT).json == {"holds": []}
    assert [one["by"] for one in said("overrides", "--from", TODAY, "--to", TODAY).json["overrides"]] == ["m.vogt"]
    assert said("overrides", "--from", "2026-02-21").json == {"overrides": []}
    assert said("release", "none", "--by", "m.vogt", "--reason", "they paid").exit_code == 1
    assert said("release", decision, "--by", "m.vogt", "--reason", " ").exit_code == 2
    assert said("release", decision, "--by", "m.vogt").exit_code == 2
    words = ("check", ACCOUNT, "--order", "O-1", "--amount", "1500.00", *now)
    assert f"over_limit overridden by the release of decision {decision}" in exposure(*words, store=path).out
