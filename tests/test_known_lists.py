"""What people did, listed as it was known at an instant and as it stood on a day: corrections, notices, measures, decisions, signing keys."""

from pathlib import Path
from typing import Any

import pytest

from schemas.dunning import DunningResumed, DunningStopped
from service.collecting import dunning
from tests import measuring, test_dunning_runs
from tests.alerting import at
from tests.command import exposure
from tests.measuring import LATE
from tests.stores import DAY, NOW, fed
from tests.test_corrections import BEFORE, ON, corrected
from tests.test_dunning_runs import DUE_NOON
from tests.test_rules import ACCOUNT, CUSTOMER, told

pytestmark = pytest.mark.usefixtures("each_store")

STOP = '{ on = "overdue", step = 1, take = "stop_deliveries" }'
QUESTIONS = [
    ["corrections"],
    ["dunning"],
    ["dunning", "show", "none"],
    ["measures"],
    ["measures", "show", "none"],
    ["decision", "none"],
    ["checkpoint-keys"],
]


@pytest.mark.parametrize("words", QUESTIONS, ids=" ".join)
def test_none_of_them_answers_of_the_future(store: Any, path: Path, words: list[str]) -> None:
    fed(store, BEFORE)
    said = exposure(*words, "--known-at", "2099-01-01T00:00:00Z", "--now", "2024-10-06T00:00:00Z", "--json", store=path)
    assert (said.exit_code, said.json["error"]["code"]) == (2, "not_known_yet")


def test_corrections_are_those_that_were_made_by_then_and_of_days_that_had_come(store: Any, path: Path) -> None:
    fed(store, BEFORE)
    corrected(store, "invoice:I-0")
    corrected(store, "payment:P-0", date="2024-11-01", now=NOW + 3 * DAY)

    def listed(*words: str) -> list[str]:
        now = ("--now", "2024-12-01T00:00:00Z", "--json")
        return sorted(one["document"] for one in exposure("corrections", *words, *now, store=path).json["corrections"])

    assert listed() == ["I-0", "P-0"]
    assert [listed("--known-at", f"2024-10-0{day}T12:00:00Z") for day in (4, 5, 8)] == [[], ["I-0"], ["I-0", "P-0"]]
    assert [listed("--as-of", day) for day in ("2024-10-03", ON, "2024-11-01")] == [[], ["I-0"], ["I-0", "P-0"]]
    assert listed("C-9", "--as-of", "2024-11-01", "--known-at", "2024-10-05T12:00:00Z") == ["I-0"]


def test_notices_and_stops_are_those_that_were_said_by_then_and_of_days_that_had_come(path: Path) -> None:
    desk = test_dunning_runs.Desk(path)
    (notice,) = desk.run(10)
    desk.days = 12
    desk.cancel(notice)
    desk.stop(until="2026-02-28")

    def listed(day: str | None = None, known: int | None = None) -> tuple[list[str], int]:
        told = desk.listed(day, None if known is None else DUE_NOON + known * DAY)
        return [one["state"] for one in told["notices"]], len(told["stopped"])

    assert [listed(known=day) for day in (9, 10, 11, 12)] == [([], 0), (["issued"], 0), (["issued"], 0), (["cancelled"], 1)]
    of_days = {day: listed(f"2026-{day}") for day in ("02-20", "02-21", "02-22", "02-23", "02-28", "03-01")}
    stopped, not_stopped = (["cancelled"], 1), (["cancelled"], 0)
    issued = (["issued"], 0)
    assert of_days == {"02-20": ([], 0), "02-21": issued, "02-22": issued, "02-23": stopped, "02-28": stopped, "03-01": not_stopped}
    assert [listed("2026-02-23", known) for known in (9, 11, 12)] == [([], 0), issued, stopped], "recorded by then"
    assert listed("2026-02-22", 12) == issued, "and of that day or earlier"
    show = ("dunning", "show", notice["notice"], "--now", "2026-03-05T12:00:00Z", "--json", "--known-at")
    assert exposure(*show, "2026-02-22T12:00:00Z", store=path).json["state"] == "issued"
    unknown = exposure(*show, "2026-02-20T12:00:00Z", store=path)
    assert (unknown.exit_code, unknown.json["error"]["code"]) == (1, "unknown_notice")
    said = exposure("dunning", "list", ACCOUNT, "--as-of", "2026-02-20", "--now", "2026-03-05T12:00:00Z", "--json", store=path).json
    assert said == {"notices": [], "stopped": []}


def test_a_stop_begins_and_ends_on_the_accounts_own_day_of_the_instant_it_was_said_at(path: Path) -> None:
    desk = test_dunning_runs.Desk(path, told("customer.changed", "2026-01-01", subject="C-2", **{**CUSTOMER, "timezone": "UTC"}))
    for account in (ACCOUNT, "C-2"):
        dunning.stop(desk.store, DunningStopped(account, None, None, "m.vogt", "we talk"), lambda: at("2026-02-23", "23:30:00+00:00"))
    for account in (ACCOUNT, "C-2"):
        dunning.resume(desk.store, DunningResumed(account, None, "m.vogt", "no call"), lambda: at("2026-02-25", "23:30:00+00:00"))
    desk.days = 20

    def stopped(day: str, known_at: int | None = None) -> list[str]:
        return [one["account"] for one in desk.listed(day, known_at)["stopped"]]

    days = [f"2026-02-{day}" for day in range(22, 27)]
    assert [stopped(day) for day in days] == [[], ["C-2"], [ACCOUNT, "C-2"], [ACCOUNT], []], "half an hour before midnight it is tomorrow in Berlin"
    assert [stopped(day, at("2026-02-25")) for day in days] == [[], ["C-2"], *[[ACCOUNT, "C-2"]] * 3], "nobody knew then that it would be resumed"
    assert desk.listed()["stopped"] == [], "as it stands now"


def test_of_two_words_to_a_stop_the_last_one_of_the_day_or_earlier_counts(path: Path) -> None:
    desk = test_dunning_runs.Desk(path)
    for desk.days, until in ((10, "2026-02-22"), (12, "2026-02-26"), (14, "2026-02-24")):
        desk.stop("I-1", until)

    def until(day: str) -> list[Any]:
        return [one["until"] for one in desk.listed(day)["stopped"]]

    of_days = {day: until(f"2026-02-{day}") for day in (20, 21, 22, 23, 24, 25, 26)}
    assert of_days == {20: [], 21: ["2026-02-22"], 22: ["2026-02-22"], 23: ["2026-02-26"], 24: ["2026-02-26"], 25: [], 26: []}
    assert [one["until"] for one in desk.listed()["stopped"]] == ["2026-02-24"], "of no day, whether it is over or not"


def test_a_notice_of_a_day_is_as_its_words_of_that_day_and_earlier_ones_left_it(path: Path) -> None:
    desk, proposed = test_dunning_runs.at_the_lawyers_door(path)
    desk.days = 62
    assert desk.approve(proposed, "clerk") == "above_authority"
    desk.days = 63
    assert desk.approve(proposed, "head") == "issued"
    desk.days = 65
    desk.cancel(proposed)

    def listed(day: str, known_at: int | None = None) -> list[str]:
        return [one["state"] for one in desk.listed(day, known_at)["notices"]]

    sent, days = ["issued"] * 3, ("2026-04-11", "2026-04-12", "2026-04-14", "2026-04-15", "2026-04-16", "2026-04-17")
    stood = [sent, [*sent, "proposed"], [*sent, "proposed"], [*sent, "issued"], [*sent, "issued"], [*sent, "cancelled"]]
    assert [listed(day) for day in days] == stood
    assert [listed(day, at(day, "23:59:59+02:00")) for day in days] == stood, "and that is what was known at its end"
    assert listed("2026-04-17", DUE_NOON + 64 * DAY) == listed("2026-04-16") == [*sent, "issued"]
    assert [one["state"] for one in desk.listed()["notices"]] == [*sent, "cancelled"], "as it stands now"


def test_measures_stand_as_they_did(path: Path) -> None:
    desk = measuring.Desk(path, STOP)
    desk.tell(LATE, day="2026-02-12")
    for day, act in (("2026-02-14", "approve"), ("2026-02-20", "lift")):
        desk.day = day
        assert desk.act(act) in ("applied", "lifted")
    days = ("2026-02-11", "2026-02-12", "2026-02-13", "2026-02-14", "2026-02-19", "2026-02-20")
    stood = [[], ["proposed"], ["proposed"], ["applied"], ["applied"], ["lifted"]]
    assert [[one["state"] for one in desk.listed(known_at=measuring.at(day))] for day in days] == stood
    assert [[one["state"] for one in desk.listed(day=day)] for day in days] == stood
    (waited,) = desk.listed(day="2026-02-13")
    assert (waited["date"], waited["waiting_for"]["not"], len(waited["trail"])) == (None, [f"policy {desk.policy.version}"], 1)
    clock = ("--now", "2026-03-01T12:00:00Z", "--json")
    assert exposure("measures", "--in-force", *clock, store=path).json == {"measures": []}
    then = exposure("measures", ACCOUNT, "--in-force", "--as-of", "2026-02-15", *clock, store=path).json["measures"]
    assert [(one["state"], one["alert_state"]) for one in then] == [("applied", "raised")]
    shown = exposure("measures", "show", waited["measure"], "--known-at", "2026-02-13T12:00:00Z", *clock, store=path).json
    assert shown["state"] == "proposed"


def test_a_measure_that_ended_by_itself_was_in_force_until_then(path: Path) -> None:
    desk = measuring.Desk(path, '{ on = "overdue", step = 1, take = "watch", days = 3, alone = true }')
    desk.tell(LATE, day="2026-02-12")
    desk.day = "2026-03-01"
    assert [[one["state"] for one in desk.listed(day=day)] for day in ("2026-02-14", "2026-02-15")] == [["applied"], ["ended"]]
    assert [one["state"] for one in desk.listed(known_at=measuring.at("2026-02-14"))] == ["applied"]


def test_a_decision_that_was_not_made_yet_is_not_known(path: Path) -> None:
    desk = measuring.Desk(path, STOP)
    made = desk.check()["decision_id"]
    asked = ("decision", made, "--now", "2026-03-01T12:00:00Z", "--json", "--known-at")
    assert exposure(*asked, "2026-01-31T12:00:00Z", store=path).json["reproduced"] is True
    unknown = exposure(*asked, "2026-01-31T11:00:00Z", store=path)
    assert (unknown.exit_code, unknown.json["error"]["code"]) == (1, "unknown_decision")
