"""Dunning beside promises to pay: an open one holds it back, and what was missed, kept in part or taken back is dunned again."""

from pathlib import Path

import pytest

from exposure.ledger.acts.dunning import trails
from projections import dunned
from service.collecting import promising
from tests.test_dunning import INTEREST
from tests.test_dunning_runs import Desk, at_the_lawyers_door
from tests.test_rules import ACCOUNT, invoice, payment, to

pytestmark = pytest.mark.usefixtures("each_store")


def test_what_is_promised_is_left_out_and_named_until_the_day_after_it_is_broken(path: Path) -> None:
    desk = Desk(path, invoice("I-2", "2026-01-12", "50.00"))
    desk.promise("2026-03-03", "1000.00", "I-1")
    (notice,) = desk.run(5)
    assert [line["invoice"] for line in notice["lines"]] == ["I-2"]
    assert notice["left_out"] == [{"invoice": "I-1", "instalment": None, "reason": "promised"}]
    assert desk.foreseen(20)[0]["left_out"] == desk.run(20)[0]["left_out"] == notice["left_out"], "on its last day it may still be kept"
    (foreseen,) = desk.foreseen(21)
    (sent,) = desk.run(21)
    assert [(line["invoice"], line["level"]) for line in sent["lines"]] == [("I-1", 1)]
    assert (foreseen["lines"], [one["invoice"] for one in sent["left_out"]]) == (sent["lines"], ["I-2"])


def test_where_a_promise_stops_nothing_what_is_promised_is_dunned(path: Path) -> None:
    desk = Desk(path, rules=INTEREST._replace(stops=("dispute", "block")))
    desk.promise("2026-03-03", "1000.00", "I-1")
    assert [(one["level"], one["left_out"]) for one in desk.run(5)] == [(1, [])]


def test_a_promise_that_is_taken_back_or_kept_in_part_stops_nothing_any_more(path: Path) -> None:
    desk = Desk(path)
    desk.days = 4
    first = desk.promise("2026-03-03", "1000.00", "I-1")
    assert desk.run(5) == []
    promising.withdraw(desk.store, first["promise"], "it was another customer's", "m.vogt", desk.now)
    assert desk.runs(5, 6) == [(1, "issued")]
    desk.promise("2026-03-03", "1000.00", "I-1")
    desk.tell(payment("P-1", "2026-02-20", "400.00", to("I-1", "400.00")))
    assert desk.run(20) == []
    assert [(one["level"], one["total"]) for one in desk.run(21)] == [(2, "600.00")]


def test_a_plan_holds_dunning_back_until_an_instalment_is_missed(path: Path) -> None:
    desk = Desk(path)
    desk.plan({"2026-02-16": "400.00", "2026-03-03": "300.00", "2026-03-23": "300.00"}, "I-1")
    desk.tell(payment("P-1", "2026-02-15", "400.00", to("I-1", "400.00")))
    assert desk.runs(5, 10, 20) == []
    assert [(one["level"], one["total"]) for one in desk.run(21)] == [(1, "600.00")]
    desk.tell(payment("P-2", "2026-03-06", "300.00", to("I-1", "300.00")))
    assert [(one["level"], one["total"]) for one in desk.run(36)] == [(2, "300.00")], "what was missed stays missed, whatever is paid later"


def test_a_yes_is_too_late_where_payment_was_promised_meanwhile(path: Path) -> None:
    desk, proposed = at_the_lawyers_door(path)
    desk.promise("2026-04-20", "1000.00", "I-1")
    assert desk.approve(proposed, "head") == "no_longer_due"
    desk.days = 69
    assert desk.approve(proposed, "head") == "issued", "it was broken the day before"


def test_a_notice_beside_a_promise_is_made_again_the_same_whatever_became_of_it(path: Path) -> None:
    desk = Desk(path, invoice("I-2", "2026-01-12", "50.00"))
    promised = desk.promise("2026-03-03", "1000.00", "I-1")
    desk.run(5)
    promising.withdraw(desk.store, promised["promise"], "it was another customer's", "m.vogt", desk.now)
    assert [line["invoice"] for line in desk.run(6)[0]["lines"]] == ["I-1"]
    with desk.store.reading() as moment:
        known = trails(moment, ACCOUNT)
        assert [dunned.shown(moment, one)["differences"] for one in known] == [[], []]
        forged = known[0]._replace(notice=known[0].notice._replace(left_out=[]))
        (told,) = dunned.shown(moment, forged)["differences"]
    assert (told["field"], [one["reason"] for one in told["again"]]) == ("left_out", ["promised"])
