"""What people did, listed as it was known at an instant and as it stood on a day: corrections, notices, measures, decisions, signing keys."""

from pathlib import Path
from typing import Any

import pytest

from tests import measuring, test_dunning_runs
from tests.command import exposure
from tests.measuring import LATE
from tests.stores import DAY, NOW, fed
from tests.test_corrections import BEFORE, ON, corrected
from tests.test_dunning_runs import DUE_NOON
from tests.test_rules import ACCOUNT

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
    assert [listed(day) for day in ("2026-02-20", "2026-02-21", "2026-03-01")] == [([], 1), (["cancelled"], 1), (["cancelled"], 0)]
    show = ("dunning", "show", notice["notice"], "--now", "2026-03-05T12:00:00Z", "--json", "--known-at")
    assert exposure(*show, "2026-02-22T12:00:00Z", store=path).json["state"] == "issued"
    unknown = exposure(*show, "2026-02-20T12:00:00Z", store=path)
    assert (unknown.exit_code, unknown.json["error"]["code"]) == (1, "unknown_notice")
    said = exposure("dunning", "list", ACCOUNT, "--as-of", "2026-02-20", "--now", "2026-03-05T12:00:00Z", "--json", store=path).json
    assert (said["notices"], len(said["stopped"])) == ([], 1)


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
