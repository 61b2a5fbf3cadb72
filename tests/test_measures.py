"""Measures: an alert proposes what its policy says; a person's yes, or the policy alone, makes it count; it ends, is lifted, or lapses unsaid."""

from contextlib import suppress
from pathlib import Path

import pytest

from exposure.ledger import alerts
from exposure.ledger.acts.policies import in_force
from exposure.ledger.rebuild import rebuild
from projections.decisions import shown as decision_shown
from projections.history import history
from schemas.policy_file import PolicyError
from service.failures import Failure
from service.running.ticking import Ticked, judge
from tests.alerting import at, fed, log, said, tick, written
from tests.command import exposure
from tests.measuring import KNOWN, LATE, Desk, of_policy
from tests.stores import derived
from tests.test_rules import ACCOUNT, invoice, limit, payment, to
from tests.test_rules import told as event

pytestmark = pytest.mark.usefixtures("each_store")

STOP = '{ on = "overdue", step = 1, take = "stop_deliveries" }'
ALONE = '{ on = "overdue", step = 1, take = "stop_deliveries", alone = true }'
LOWER = '{ on = "near_limit", take = "lower_limit", share = "0.8" }'
NEAR = invoice("I-5", "2026-02-01", "950.00", due="2026-12-31")
PAID = payment("P-1", "2026-02-14", "400.00", to("I-9", "400.00"))
TRUSTED = '[[authority]]\nwho = "head"\nmeasures = ["stop_deliveries"]\n[[authority]]\nwho = "clerk"\nlimits_up_to = "9.00"'


class Killed(Exception):
    """Ends a transaction before it is one."""


# ------------------------------------------------------------------ proposed, and a person's yes


def test_an_alert_proposes_its_measure_which_changes_nothing_until_somebody_says_yes(path: Path) -> None:
    desk = Desk(path, STOP)
    assert desk.tell(LATE, day="2026-02-12").measures == 1
    (measure,) = desk.listed()
    (alert,) = log(desk.store, ACCOUNT)
    told = (measure["take"], measure["state"], measure["alert"], measure["rule"], measure["step"], measure["by"], measure["alert_state"])
    assert told == ("stop_deliveries", "proposed", alert["id"], "overdue", 1, f"policy {desk.policy.version}", "raised")
    assert measure["figures"] == alert["figures"]
    assert measure["waiting_for"] == {"who": None, "not": [f"policy {desk.policy.version}"]}
    assert (desk.taken(), desk.check()["decision"]) == ([], "approved")
    assert desk.act("approve") == "applied"
    assert desk.taken() == ["stop_deliveries"]
    assert desk.check()["reasons"] == ["deliveries_stopped"]


def test_a_measure_asks_for_its_rule_step_and_severity_and_the_one_that_names_more_goes_before(path: Path) -> None:
    more = '{ on = "overdue", take = "watch", days = 5 }, { on = "overdue", step = 1, take = "watch", days = 9 }'
    others = '{ on = "overdue", step = 30, take = "prepayment" }, { on = "overdue", severity = "high", take = "stop_deliveries" }'
    desk = Desk(path, f"{more}, {others}, {LOWER}")
    desk.tell(LATE, day="2026-02-12")
    assert [(one["take"], one["days"]) for one in desk.listed()] == [("watch", 9)]
    desk.tell(day="2026-03-13")
    assert [(one["take"], one["step"], one["days"]) for one in desk.listed()[1:]] == [("watch", 30, 5), ("prepayment", 30, None)]


def test_a_no_ends_the_proposal_for_good(path: Path) -> None:
    desk = Desk(path, STOP)
    desk.tell(LATE, day="2026-02-12")
    assert [desk.act("reject"), desk.act("reject"), desk.act("approve")] == ["rejected", "rejected", "settled"]
    assert (desk.taken(), desk.tell(day="2026-02-13").accounts) == ([], 0)
    assert desk.states() == [("stop_deliveries", "rejected")]


def test_what_waits_lapses_with_its_alert_and_what_is_in_force_stays(path: Path) -> None:
    desk = Desk(path, f'{STOP}, {{ on = "overdue", take = "watch" }}')
    desk.tell(LATE, day="2026-02-12")
    desk.act("approve", place=0)
    desk.tell(PAID, day="2026-02-14")
    assert desk.states() == [("watch", "applied"), ("stop_deliveries", "lapsed")]
    (lapsed, cleared) = desk.listed()[1]["trail"][-1], log(desk.store, ACCOUNT)[-1]
    assert (lapsed["cleared_by"], lapsed["reason"]) == (cleared["id"], "ended")
    assert desk.act("approve", place=1) == "settled"
    assert desk.taken() == ["watch"]


def test_what_was_done_for_an_alert_that_should_not_have_been_is_named_so(path: Path) -> None:
    desk = Desk(path, ALONE)
    desk.tell(LATE, day="2026-02-12")
    desk.tell(payment("P-1", "2026-02-10", "400.00", to("I-9", "400.00")), day="2026-02-14")
    assert [(one["state"], one["alert_state"]) for one in desk.listed("applied")] == [("applied", "corrected")]
    assert desk.act("lift") == "lifted"
    assert desk.taken() == []


def test_what_was_over_before_anybody_looked_proposes_nothing(path: Path) -> None:
    desk = Desk(path, f'{ALONE}, {{ on = "overdue", step = 30, take = "watch" }}')
    other = invoice("I-8", "2026-01-12", "10.00", due="2026-04-01")
    desk.tell(LATE, PAID, other, day="2026-05-10")
    assert [one for one in said(desk.store, ACCOUNT) if "overdue 1" in one] == [
        "raised overdue 1 2026-02-12",
        "cleared overdue 1 2026-02-14 ended",
        "raised overdue 1 2026-04-02",
    ]
    assert [(one["take"], one["date"]) for one in desk.listed()] == [("stop_deliveries", "2026-05-10"), ("watch", None)]


def test_nothing_is_done_for_an_alert_that_is_over_by_the_time_it_is_found(path: Path) -> None:
    desk = Desk(path, ALONE)
    desk.tell(LATE, PAID, day="2026-05-10")
    assert said(desk.store, ACCOUNT) == ["raised overdue 1 2026-02-12", "cleared overdue 1 2026-02-14 ended"]
    assert (desk.listed(), desk.taken()) == ([], [])


def test_what_is_judged_again_proposes_and_applies_nothing_twice(path: Path) -> None:
    desk = Desk(path, f"{ALONE}, {LOWER.replace(' }', ', alone = true }')}")
    desk.tell(LATE, invoice("I-5", "2026-02-01", "510.00", due="2026-12-31"), day="2026-02-12")
    before = [(one["take"], one["amount"]) for one in desk.listed()]
    assert before == [("lower_limit", "800.00"), ("stop_deliveries", None)]
    earlier = [{"due": "2026-02-05", "amount": "400.00"}]
    desk.tell(event("invoice.terms_changed", "2026-02-04", invoice="I-9", version=1, instalments=earlier), day="2026-02-13")
    assert "raised overdue 1 2026-02-06" in said(desk.store, ACCOUNT)
    with desk.store.writing(at("2026-02-13")) as writing:
        alerts.judge_all(writing)
    desk.tell(day="2026-02-13")
    assert [(one["take"], one["amount"]) for one in desk.listed()] == before


def test_an_alert_and_its_measure_are_one_transaction(path: Path) -> None:
    desk = Desk(path, ALONE)
    fed(desk.store, [written(LATE)], now=at("2026-02-12"))
    with suppress(Killed), desk.store.writing(at("2026-02-12")) as writing:
        assert judge(writing, alerts.due(writing, writing.recorded_at, 10), Ticked(), tells=False)
        raise Killed
    desk.day = "2026-02-12"
    assert (said(desk.store, ACCOUNT), desk.listed(), desk.taken(), desk.messages()) == ([], [], [], [])
    assert tick(desk.store, lambda: at("2026-02-12")).raised == 1
    assert (desk.states(), desk.taken(), len(desk.messages())) == ([("stop_deliveries", "applied")], ["stop_deliveries"], 2)


# ------------------------------------------------------------------ what each does


def test_a_lowered_limit_is_a_limit_of_the_account_from_that_day_on_and_what_it_stood_before_counts_again(path: Path) -> None:
    desk = Desk(path, LOWER)
    desk.tell(NEAR, day="2026-02-01")
    assert (desk.listed()[0]["amount"], desk.limit()) == ("800.00", "1000.00")
    desk.act("approve")
    assert (desk.limit(), desk.limit("2026-01-31")) == ("800.00", "1000.00")
    desk.tell(day="2026-02-03")
    assert said(desk.store, ACCOUNT)[1:] == ["cleared near_limit 2026-02-01 ended", "raised over_limit 2026-02-01"]
    assert desk.act("lift") == "lifted"
    assert (desk.limit(), desk.limit("2026-02-02"), desk.limit("2026-01-31")) == ("1000.00", "800.00", "1000.00")


@pytest.mark.parametrize(
    ("measure", "owed", "expected"),
    [
        ('share = "0.8"', "950.00", ["800.00"]),
        ("to_exposure = true", "950.00", ["950.00"]),
        ('share = "1"', "950.00", []),
        ("to_exposure = true", "1000.00", []),
    ],
)
def test_a_limit_is_lowered_to_a_share_or_to_what_is_owed_and_never_raised(path: Path, measure: str, owed: str, expected: list[str]) -> None:
    desk = Desk(path, f'{{ on = "near_limit", take = "lower_limit", {measure} }}')
    desk.tell(invoice("I-5", "2026-02-01", owed, due="2026-12-31"), day="2026-02-01")
    assert [one["amount"] for one in desk.listed()] == expected


def test_a_limit_that_others_have_lowered_further_meanwhile_is_left_alone(path: Path) -> None:
    desk = Desk(path, LOWER)
    desk.tell(NEAR, day="2026-02-01")
    desk.tell(limit("L-2", "2026-02-01", "500.00"), day="2026-02-01")
    lower = desk.propose("lower_limit", share="0.9")
    assert lower["amount"] == "450.00"
    desk.tell(limit("L-3", "2026-02-02", "450.00"), day="2026-02-02")
    assert [desk.act("approve"), desk.limit()] == ["not_lower", "450.00"]
    with pytest.raises(Failure, match="no limit that this would lower"):
        desk.propose("lower_limit", share="1.0000")


def test_a_temporary_limit_is_lowered_while_it_lasts(path: Path) -> None:
    desk = Desk(path, '{ on = "near_limit", take = "lower_limit", share = "0.5", days = 90, alone = true }')
    season = limit("T-1", "2026-02-01", "1050.00", kind="temporary", valid_to="2026-02-20")
    desk.tell(season, NEAR, day="2026-02-01")
    (measure,) = desk.listed()
    assert (measure["amount"], measure["until"], desk.limit()) == ("525.00", "2026-02-20", "525.00")
    assert desk.limit("2026-02-21") == "1000.00"


@pytest.mark.parametrize(("days", "until"), [("", None), (", days = 10", "2026-02-10")])
def test_a_temporary_limit_that_has_no_end_is_lowered_for_as_long_as_the_policy_says(path: Path, days: str, until: str | None) -> None:
    desk = Desk(path, f'{{ on = "near_limit", take = "lower_limit", share = "0.5"{days}, alone = true }}')
    desk.tell(limit("T-1", "2026-02-01", "1050.00", kind="temporary"), NEAR, day="2026-02-01")
    (measure,) = desk.listed()
    assert (measure["amount"], measure["until"], desk.limit("2026-02-10")) == ("525.00", until, "525.00")
    assert desk.limit("2026-02-11") == ("525.00" if until is None else "1050.00")


def test_prepayment_is_asked_as_the_policys_own_rule_asks_it(path: Path) -> None:
    desk = Desk(path, "")
    desk.propose("prepayment")
    desk.act("approve")
    decision = desk.check("100.00")
    assert decision["reasons"] == ["prepayment"]
    assert decision["findings"][0]["remedy"] == {"pay": "100.00", "order_less": "100.00"}
    desk.tell(payment("P-7", "2026-01-31", "100.00"))
    assert desk.check("100.00")["decision"] == "approved"


def test_watching_changes_no_decision(path: Path) -> None:
    desk = Desk(path, "")
    before = desk.check()
    desk.propose("watch")
    desk.act("approve")
    assert desk.taken() == ["watch"]
    assert desk.check()["decision_id"] == before["decision_id"]


def test_no_figure_of_the_contract_is_changed_by_what_is_done(path: Path) -> None:
    desk = Desk(path, "")
    desk.tell(LATE, day="2026-02-12")
    before = desk.shown()
    for take in ("watch", "prepayment", "stop_deliveries"):
        desk.propose(take)
        desk.act("approve")
    after = desk.shown()
    same = ("measures", "alerts", "known_at")
    assert [name for name in before if name not in same and before[name] != after[name]] == []
    assert desk.tell().accounts == 0, "nobody has to be judged again"


def test_what_was_decided_under_a_measure_is_made_again_from_the_log(path: Path) -> None:
    desk = Desk(path, ALONE)
    desk.tell(LATE, day="2026-02-12")
    held = desk.check()
    desk.act("lift")
    assert desk.check("90.00", "O-2")["decision"] == "approved"
    with desk.store.reading() as moment:
        again = decision_shown(moment, held["decision_id"])
    assert (again["decision"], again["reproduced"]) == ("held", True)


# ------------------------------------------------------------------ its end, and what was known


def test_it_lasts_so_many_days_and_ends_by_itself(path: Path) -> None:
    desk = Desk(path, ALONE.replace("alone", "days = 10, alone"))
    desk.tell(LATE, day="2026-02-12")
    assert [desk.taken(day) for day in ("2026-02-11", "2026-02-12", "2026-02-21", "2026-02-22")] == [
        [], ["stop_deliveries"], ["stop_deliveries"], [],
    ]  # fmt: skip
    desk.tell(day="2026-02-22")
    assert (desk.states(), desk.act("lift"), desk.check()["decision"]) == ([("stop_deliveries", "ended")], "not_in_force", "approved")


def test_figures_of_a_day_and_of_an_instant_know_what_was_done_by_then(path: Path) -> None:
    desk = Desk(path, ALONE)
    desk.tell(LATE, day="2026-02-12")
    desk.day = "2026-02-15"
    desk.act("lift")
    assert [desk.taken(day) for day in ("2026-02-12", "2026-02-14", "2026-02-15")] == [["stop_deliveries"], ["stop_deliveries"], []]
    assert desk.taken("2026-02-16", known_at=at("2026-02-13")) == ["stop_deliveries"]
    assert desk.taken("2026-02-12", known_at=at("2026-02-11")) == []


def test_rebuilt_equals_kept(path: Path) -> None:
    desk = Desk(path, f"{ALONE}, {LOWER}")
    desk.tell(LATE, NEAR, day="2026-02-12")
    desk.propose("watch")
    desk.act("approve")
    desk.act("lift", place=0)
    kept, stood = derived(desk.store), desk.listed()
    outcome = rebuild(desk.store)
    assert outcome.equal
    assert (derived(desk.store), desk.listed()) == (kept, stood)


# ------------------------------------------------------------------ who may


def test_under_a_policy_with_authority_only_those_it_names_say_yes_or_lift(path: Path) -> None:
    desk = Desk(path, STOP, TRUSTED)
    desk.tell(LATE, day="2026-02-12")
    assert desk.listed()[0]["waiting_for"]["who"] == ["head"]
    assert [desk.act("approve", "clerk"), desk.act("reject", "clerk"), desk.act("lift", "head")] == ["no_authority", "no_authority", "not_in_force"]
    assert [desk.act("approve", "head"), desk.act("approve", " HEAD "), desk.act("lift", "clerk"), desk.act("lift", "head")] == [
        "applied", "applied", "no_authority", "lifted",
    ]  # fmt: skip


def test_nobody_says_yes_to_what_they_proposed_and_takes_it_back_by_a_no(path: Path) -> None:
    desk = Desk(path, "")
    proposed = desk.propose("stop_deliveries")
    assert desk.propose("stop_deliveries")["measure"] == proposed["measure"]
    assert [desk.act("approve", "K.Weiss"), desk.act("reject", "k.weiss")] == ["own_request", "rejected"]
    assert desk.propose("stop_deliveries")["measure"] != proposed["measure"]
    assert desk.act("approve", "m.vogt") == "applied"


def test_the_same_act_of_the_same_person_is_recorded_once_and_so_is_a_no(path: Path) -> None:
    desk = Desk(path, STOP, TRUSTED)
    desk.tell(LATE, day="2026-02-12")
    for name, by in (("approve", "clerk"), ("approve", "clerk"), ("approve", "head"), ("approve", "head"), ("lift", "head"), ("lift", "head")):
        desk.act(name, by)
    with desk.store.reading() as moment:
        events = [one["type"] for one in history(moment, ACCOUNT) if one["source"] == "/exposure"]
    assert events == [
        "exposure.measure_proposed.v1",
        "exposure.measure_act_refused.v1",
        "exposure.measure_approved.v1",
        "exposure.measure.applied.v1",
        "exposure.measure_taken_back.v1",
        "exposure.measure.lifted.v1",
    ]


@pytest.mark.parametrize(
    ("measures", "more", "wrong"),
    [
        ('{ on = "overdeu", take = "watch" }', "", "'overdeu' is no alert"),
        ('{ on = "overdue", take = "shout" }', "", "class 1.measures 1.take"),
        ('{ on = "overdue", take = "lower_limit" }', "", "exactly one of them"),
        ('{ on = "overdue", take = "watch", share = "0.5" }', "", "with other measures none"),
        ('{ on = "overdue", take = "watch", days = 0 }', "", "greater than or equal to 1"),
        (f"{STOP}, {STOP}", "", "the same alert and measure twice"),
        ('{ on = "overdue", take = "watch" }', TRUSTED, "watch waits for somebody's yes, and nobody named in authority may give it"),
    ],
)
def test_what_is_wrong_in_the_measures_of_a_policy_is_said(measures: str, more: str, wrong: str) -> None:
    with pytest.raises(PolicyError, match=wrong):
        of_policy(measures, more)


def test_a_policy_that_names_no_measures_has_the_version_it_had(path: Path) -> None:
    assert of_policy("").version == of_policy("").version
    with Desk(path, "").store.reading() as moment:
        assert in_force(moment).classes[0].measures == ()


# ------------------------------------------------------------------ what is told


def test_all_that_becomes_of_a_measure_is_told_outside_with_an_id_of_its_own(path: Path) -> None:
    desk = Desk(path, STOP)
    desk.tell(LATE, day="2026-02-12")
    desk.act("approve")
    desk.act("lift")
    told = desk.messages()
    assert [data["type"] for _, data in told] == ["credit.measure.proposed.v1", "credit.measure.applied.v1", "credit.measure.lifted.v1"]
    assert len({id_ for id_, _ in told}) == 3
    applied = told[1][1]["data"]
    assert (applied["take"], applied["date"], applied["until"], applied["by"]) == ("stop_deliveries", "2026-02-12", None, "m.vogt")


def test_the_command_line_proposes_approves_lists_and_lifts(path: Path) -> None:
    Desk(path, "").tell(*KNOWN)
    clock = ["--now", "2026-02-01T12:00:00Z", "--json"]
    propose = ["measures", "propose", ACCOUNT, "--take", "stop_deliveries", "--reason", "they pay late", "--by", "k.weiss", *clock]
    measure = exposure(*propose, store=path).json["measure"]
    own = exposure("measures", "approve", measure, "--reason", "yes", "--by", "k.weiss", *clock, store=path)
    assert (own.exit_code, own.json["error"]["code"]) == (3, "own_request")
    assert exposure("measures", "approve", measure, "--reason", "yes", "--by", "m.vogt", *clock, store=path).json["state"] == "applied"
    listed = exposure("measures", ACCOUNT, "--in-force", *clock, store=path).json["measures"]
    assert [one["measure"] for one in listed] == [measure]
    assert exposure("measures", "--waiting", *clock, store=path).json == {"measures": []}
    assert "stop_deliveries" in exposure("measures", "--now", "2026-02-01T12:00:00Z", store=path).out
    assert exposure("measures", "lift", measure, "--reason", "paid", "--by", "m.vogt", *clock, store=path).json["state"] == "lifted"
    assert exposure("measures", "propose", ACCOUNT, "--take", "shout", "--reason", "r", *clock, store=path).exit_code == 2
