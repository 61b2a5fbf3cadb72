"""Limits by request: one asks, others say yes as the policy lets them, and the last yes makes a limit like any other."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.acts.policies import adopt, in_force
from exposure.ledger.rebuild import rebuild
from projections.account import Asked, show
from projections.history import history
from projections.limit_requests import limit_requests
from schemas.jsontext import written
from schemas.policies import DEFAULT, ApprovalLevel, Authority, Policy
from service.deciding import approving
from service.deciding.approving import Act, Wanted
from service.deciding.checking import Request, check
from service.failures import Done, Failure
from service.shown.approval_tables import waiting_text
from tests.command import exposure
from tests.stores import derived, fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, Json, told

pytestmark = pytest.mark.usefixtures("each_store")

TODAY = "2026-02-20"
NOON = 1_771_588_800_000_000
"""That day at 12:00:00Z in microseconds."""
HOUR = 3_600_000_000
POLICY = Policy(
    "p1",
    "with levels",
    "EUR",
    DEFAULT.classes,
    authority=(
        Authority("clerk", "1000.00", None, "EUR"),
        Authority("head", "100000.00", None, "EUR"),
        Authority("lead", "10000.00", None, "EUR"),
        Authority("till", None, "500.00", "EUR"),
    ),
    approval_levels=(ApprovalLevel("0.00", 1), ApprovalLevel("5000.00", 2)),
)


class Desk:
    """A store with a customer, where limits are asked for and approved under one policy."""

    def __init__(self, path: Path, *events: Json, policy: Policy | None = None) -> None:
        self.store, self.now = opened(path), NOON
        self.policies: Any = (lambda _: policy) if policy else in_force
        self.tell(told("customer.changed", "2026-01-01", **CUSTOMER), *events)

    def tell(self, *events: Json) -> None:
        fed(self.store, map(written, events), now=NOON)

    def ask(self, amount: str, by: str = "k.weiss", **more: Any) -> Any:
        """The request as shown."""
        words = {"currency": None, "kind": "base", "valid_from": TODAY, "valid_to": None, "reason": "they pay well", **more}
        return approving.request(self.store, Wanted(ACCOUNT, amount, **words), by, lambda: self.now, self.policies).shown

    def act(self, name: str, request: Json, by: str, reason: str | None = None) -> Done:
        return approving.act(self.store, Act(name, request["request"], by, reason), lambda: self.now, self.policies)

    def approve(self, request: Json, by: str) -> str:
        """How the request stands afterwards, or why the yes was refused."""
        done = self.act("approve", request, by)
        return done.refused.code if done.refused else str(done.shown["state"])

    def limit(self, day: str | None = None, now: int = NOON, known_at: int | None = None) -> Any:
        with self.store.reading() as moment:
            limit = show(moment, ACCOUNT, Asked(now, day, known_at))["limit"]
        return limit and limit["amount"]

    def trail(self) -> list[str]:
        with self.store.reading() as moment:
            events = list(history(moment, ACCOUNT))
        return [event["type"] for event in events if event["source"] == "/exposure"]


def erp_limit(number: str, amount: str, day: str = "2026-01-01", **more: Any) -> Json:
    return told("limit.changed", day, limit=number, version=1, kind="base", amount=amount, currency="EUR", **more)


# What it takes


def test_a_request_changes_no_figure_until_somebody_else_says_yes(path: Path) -> None:
    desk = Desk(path)
    request = desk.ask("1000")
    assert (request["state"], request["amount"], desk.limit()) == ("open", "1000.00", None)
    assert desk.approve(request, "m.vogt") == "approved"
    assert desk.limit() == "1000.00"


@pytest.mark.parametrize("name", ["k.weiss", "K.Weiss", " k.weiss ", "ｋ.weiss"])
def test_nobody_approves_their_own_request_however_they_spell_themselves(path: Path, name: str) -> None:
    desk = Desk(path)
    assert desk.approve(desk.ask("1000.00"), name) == "own_request"
    assert desk.limit() is None


@pytest.mark.parametrize(
    ("amount", "said"),
    [
        ("1000.00", [("clerk", "approved")]),
        ("1000.01", [("clerk", "above_authority"), ("lead", "approved")]),
        ("5000.00", [("lead", "approved")]),
        ("5000.01", [("lead", "open"), ("head", "approved")]),
        ("5000.01", [("lead", "open"), ("lead", "open"), ("LEAD", "open"), ("head", "approved")]),
        ("10000.01", [("lead", "above_authority"), ("head", "open"), ("clerk", "above_authority")]),
        ("500.00", [("till", "no_authority"), ("m.vogt", "no_authority"), ("clerk", "approved")]),
        ("none", [("clerk", "approved")]),
        ("unlimited", [("clerk", "above_authority"), ("lead", "open"), ("head", "approved")]),
    ],
)
def test_the_policy_says_who_may_approve_how_much_and_how_many_it_takes(path: Path, amount: str, said: list[tuple[str, str]]) -> None:
    desk = Desk(path, policy=POLICY)
    request = desk.ask(amount)
    for who, outcome in said:
        assert desk.approve(request, who) == outcome, who


def test_without_bounds_nobody_approves_whom_no_level_reaches(path: Path) -> None:
    desk = Desk(path, policy=POLICY._replace(approval_levels=()))
    assert desk.approve(desk.ask("unlimited"), "head") == "above_authority"
    desk.policies = lambda _: POLICY._replace(approval_levels=(), authority=(Authority("board", "unlimited", None, "EUR"),))
    assert desk.approve(desk.ask("unlimited"), "board") == "approved"
    assert desk.limit() == "unlimited"


def test_an_amount_in_another_currency_is_judged_at_the_days_rate_and_without_one_by_nobody(path: Path) -> None:
    desk = Desk(path, policy=POLICY)
    request = desk.ask("1111.11", currency="USD")
    assert desk.approve(request, "clerk") == "no_rate"
    desk.tell(told("fx_rate.published", "2026-02-19", subject="USD", base="USD", quote="EUR", rate="0.9"))
    assert desk.approve(request, "clerk") == "approved"
    assert desk.approve(desk.ask("1111.12", currency="USD"), "clerk") == "above_authority"


def test_a_refused_yes_is_recorded_once_with_its_reason(path: Path) -> None:
    desk = Desk(path, policy=POLICY)
    request = desk.ask("2000.00")
    desk.approve(request, "clerk")
    done = desk.act("approve", request, "clerk")
    assert done.refused is not None
    assert done.refused.why == "the policy lets clerk say yes up to 1000.00 EUR"
    assert [(said["type"], said.get("code")) for said in done.shown["trail"]] == [
        ("exposure.limit_requested.v1", None),
        ("exposure.limit_approval_refused.v1", "above_authority"),
    ]


def test_the_same_act_of_the_same_person_answers_the_same_and_records_nothing(path: Path) -> None:
    desk = Desk(path)
    request = desk.ask("1000.00")
    assert desk.ask("1000") == request
    first = desk.act("approve", request, "m.vogt")
    assert desk.act("approve", request, "M.Vogt") == first
    assert desk.approve(request, "j.albers") == "settled"
    assert desk.trail().count("exposure.limit_approved.v1") == 1
    assert desk.ask("1000.00")["request"] != request["request"], "the first one is settled: this is another"


def test_a_rejected_or_withdrawn_request_makes_no_limit(path: Path) -> None:
    desk = Desk(path, policy=POLICY)
    rejected, withdrawn = desk.ask("900.00"), desk.ask("800.00")
    acts = [
        ("reject", rejected, "k.weiss", "own_request"),
        ("reject", rejected, "till", "no_authority"),
        ("reject", rejected, "clerk", None),
        ("reject", rejected, "clerk", None),
        ("approve", rejected, "head", "settled"),
        ("withdraw", rejected, "k.weiss", "settled"),
        ("withdraw", withdrawn, "clerk", "not_own_request"),
        ("withdraw", withdrawn, "k.weiss", None),
        ("reject", withdrawn, "clerk", "settled"),
    ]
    for name, request, who, code in acts:
        refused = desk.act(name, request, who, "no").refused
        assert (refused and refused.code) == code, (name, who)
    assert desk.limit() is None
    with desk.store.reading() as moment:
        assert limit_requests(moment, None, Asked(NOON), settled=False) == []
        assert sorted(one["state"] for one in limit_requests(moment, ACCOUNT, Asked(NOON), settled=True)) == ["rejected", "withdrawn"]


def test_an_open_request_says_how_many_still_have_to_say_yes_and_who_may(path: Path) -> None:
    desk = Desk(path, policy=POLICY)
    request = desk.ask("6000.00")
    assert request["waiting_for"] == {"approvers": 2, "who": ["head", "lead"], "not": ["k.weiss"], "rates_missing": []}
    waits = desk.act("approve", request, "lead").shown["waiting_for"]
    assert waits == {"approvers": 1, "who": ["head"], "not": ["k.weiss", "lead"], "rates_missing": []}
    assert desk.act("approve", request, "head").shown["waiting_for"] is None


def test_where_a_rate_is_missing_it_is_named(path: Path) -> None:
    request = Desk(path, policy=POLICY).ask("6000.00", currency="USD")
    assert request["waiting_for"] == {"approvers": None, "who": [], "not": ["k.weiss"], "rates_missing": [{"from": "USD", "into": "EUR"}]}
    assert waiting_text(request) == "not known: no rate of USD into EUR is known for today"


# What an approved limit does


@pytest.mark.parametrize(
    ("base", "amounts"),
    [("500.00", ("500.00", "3000.00", "500.00")), ("unlimited", ("unlimited", "3000.00", "unlimited")), ("none", ("none", "3000.00", "none"))],
)
def test_a_temporary_limit_goes_before_the_base_one_while_it_lasts(path: Path, base: str, amounts: Iterable[str]) -> None:
    desk = Desk(path)
    desk.approve(desk.ask(base, valid_from="2026-01-01"), "m.vogt")
    desk.approve(desk.ask("3000.00", kind="temporary", valid_from="2026-02-01", valid_to="2026-02-28"), "m.vogt")
    assert tuple(map(desk.limit, ("2026-01-31", "2026-02-28", "2026-03-01"))) == tuple(amounts)


def test_a_limit_begins_on_its_first_day_in_the_accounts_own_time_zone(path: Path) -> None:
    desk = Desk(path, erp_limit("L-1", "100.00"))
    desk.approve(desk.ask("700.00", valid_from="2026-02-21"), "m.vogt")
    eleven = NOON + 11 * HOUR
    assert (desk.limit(now=eleven - 1), desk.limit(now=eleven)) == ("100.00", "700.00"), "midnight in Berlin is 23:00 in UTC"


def test_a_limit_told_by_the_erp_takes_effect_as_told_beside_those_approved_here(path: Path) -> None:
    desk = Desk(path, erp_limit("L-1", "100.00"))
    desk.approve(desk.ask("700.00", valid_from="2026-02-01"), "m.vogt")
    desk.tell(erp_limit("L-2", "300.00", "2026-02-10"))
    assert [desk.limit(day) for day in ("2026-01-31", "2026-02-09", "2026-02-10")] == ["100.00", "700.00", "300.00"]


def test_a_limit_may_be_lowered_below_the_exposure(path: Path) -> None:
    invoice = told("invoice.posted", "2026-02-01", invoice="I-1", currency="EUR", amount="900.00", due="2026-03-01")
    desk = Desk(path, erp_limit("L-1", "1000.00"), invoice)
    assert desk.approve(desk.ask("400.00"), "m.vogt") == "approved"
    with desk.store.reading() as moment:
        assert show(moment, ACCOUNT, Asked(NOON))["available"] == "-500.00"


def test_a_decision_keeps_the_limit_it_saw_when_the_limit_is_changed_back_dated(path: Path) -> None:
    desk = Desk(path, erp_limit("L-1", "1000.00"))
    before = check(desk.store, Request(ACCOUNT, "O-1", "1500.00"), lambda: NOON, "erp")
    desk.now += HOUR
    desk.approve(desk.ask("2000.00", valid_from="2026-02-01"), "m.vogt")
    assert (desk.limit("2026-02-10"), desk.limit("2026-02-10", known_at=NOON)) == ("2000.00", "1000.00")
    assert check(desk.store, Request(ACCOUNT, "O-1", "1500.00"), lambda: desk.now, "erp")["decision"] == "approved"
    with desk.store.reading() as moment:
        (kept, _) = [event["data"] for event in history(moment, ACCOUNT) if event["type"] == "exposure.order_checked.v2"]
    assert (kept["decision"], kept["limit"]["amount"]) == ("held", "1000.00")
    assert kept["decision_id"] == before["decision_id"]


def test_the_log_tells_the_whole_trail_and_what_was_kept_is_what_is_rebuilt(path: Path) -> None:
    desk = Desk(path, policy=POLICY)
    request = desk.ask("6000.00")
    for who in ("clerk", "lead", "head"):
        desk.approve(request, who)
    assert desk.trail() == [
        "exposure.limit_requested.v1",
        "exposure.limit_approval_refused.v1",
        "exposure.limit_approved.v1",
        "exposure.limit_approved.v1",
        "erp.limit.changed.v1",
    ]
    with desk.store.reading() as moment:
        (fact,) = [event for event in history(moment, ACCOUNT) if event["type"] == "erp.limit.changed.v1"]
    assert (fact["source"], fact["actor"], fact["data"]["approved_by"]) == ("/exposure", "head", "lead, head")
    assert rebuild(desk.store).equal


def test_the_last_yes_and_its_limit_are_written_together_or_not_at_all(path: Path) -> None:
    desk = Desk(path)
    request = desk.ask("1000.00")
    forged = {**erp_limit("L-1", "9000.00"), "source": "/exposure", "id": f"limit_request:{request['request']}"}
    desk.tell(forged)
    before = derived(desk.store), desk.trail()
    with pytest.raises(AssertionError, match="in our name"):
        desk.approve(request, "m.vogt")
    assert (derived(desk.store), desk.trail()) == before, "the yes was written before the limit failed, and is gone with it"


# The command line


def test_the_commands_ask_approve_and_tell(path: Path) -> None:
    Desk(path)
    now = ("--now", f"{TODAY}T12:00:00Z")

    def said(*words: str) -> Any:
        return exposure("limit", *words, *now, "--json", store=path)

    words = ("request", ACCOUNT, "--amount", "1000.00", "--valid-from", TODAY, "--reason", "they pay well", "--by", "k.weiss")
    id_ = said(*words).json["request"]
    assert [one["request"] for one in said().json["requests"]] == [id_]
    own = said("approve", id_, "--by", "k.weiss")
    assert (own.exit_code, own.json["error"]["code"], own.json["state"]) == (3, "own_request", "open")
    assert said("approve", id_, "--by", "m.vogt").json["state"] == "approved"
    assert said("list").json == {"requests": []}
    assert said("show", id_).json == said("list", ACCOUNT, "--all").json["requests"][0]
    for wrong, code in (
        (("approve", "nothing", "--by", "x"), 1),
        ((*words, "--kind", "eternal"), 2),
        ((*words, "--kind", "temporary"), 2),
        ((*words, "--valid-to", "2026-01-01"), 2),
        (("request", ACCOUNT, "--amount", "1.001", *words[4:]), 2),
        (("request", "C-9", *words[2:]), 1),
    ):
        assert said(*wrong).exit_code == code, wrong
    assert "approved by m.vogt" in exposure("limit", "show", id_, *now, store=path).out


def test_a_limit_asked_for_before_its_account_is_known_stands_in_the_list(path: Path) -> None:
    desk = Desk(path, policy=POLICY)
    words = {"currency": "EUR", "kind": "base", "valid_from": TODAY, "valid_to": None, "reason": "a new customer"}
    asked = approving.request(desk.store, Wanted("C-9", "6000.00", **words), "k.weiss", lambda: NOON, desk.policies).shown
    assert asked["waiting_for"]["approvers"] == 2
    adopt(desk.store, lambda: NOON, POLICY, "m.vogt", "the board's decision")
    with desk.store.reading() as moment:
        assert limit_requests(moment, None, Asked(NOON), settled=False) == [asked]


def test_an_unknown_request_is_a_failure(path: Path) -> None:
    with pytest.raises(Failure, match="no limit request"):
        Desk(path).approve({"request": "none"}, "m.vogt")
