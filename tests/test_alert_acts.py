"""What people do about alerts: they acknowledge them and pass them on, once each, with a place of their own among the account's alerts."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from exposure.ledger.rebuild import rebuild
from schemas.contracts import FOLDER
from schemas.jsontext import read
from service.collecting.acting import Act, act
from service.failures import Failure
from tests.alerting import Json, at, log, outbox, said, told
from tests.command import exposure
from tests.stores import opened
from tests.test_alert_log import OWED
from tests.test_rules import ACCOUNT, payment, to

pytestmark = pytest.mark.usefixtures("each_store")

SEEN, PASSED_ON = Act("", "m.vogt", "they pay on Friday", None), Act("", "m.vogt", "they did not", "j.albers")
PAID = payment("P-1", "2026-02-20", "400.00", to("I-9", "400.00"))


@pytest.fixture
def store(path: Path) -> Any:
    store = opened(path)
    told(store, OWED, "2026-02-12")
    return store


def done(store: Any, wanted: Act, alert: Json, day: str = "2026-02-13") -> Json | None:
    return act(store, wanted._replace(alert_id=alert["id"]), lambda: at(day))


def test_who_acknowledged_an_alert_and_to_whom_it_was_passed_on_stands_beside_it(store: Any) -> None:
    (alert,) = log(store, ACCOUNT)
    assert (alert["acknowledged"], alert["escalated"]) == (None, None)
    done(store, SEEN, alert)
    shown = done(store, PASSED_ON, alert, "2026-02-14")
    (after,) = log(store, ACCOUNT)
    assert after["acknowledged"] == {"by": "m.vogt", "note": "they pay on Friday", "at": "2026-02-13T12:00:00Z"}
    assert after["escalated"] == {"by": "m.vogt", "to": "j.albers", "note": "they did not", "at": "2026-02-14T12:00:00Z"}
    assert shown is not None
    assert shown | {"raised": None} == after
    assert after["state"] == "raised"


def test_the_same_words_of_the_same_person_are_recorded_once_and_the_newest_count(store: Any) -> None:
    (alert,) = log(store, ACCOUNT)
    assert done(store, SEEN, alert) == done(store, SEEN, alert, "2026-02-14")
    assert len(outbox(store)) == 2
    done(store, SEEN._replace(by="k.weiss"), alert)
    done(store, PASSED_ON, alert)
    done(store, PASSED_ON._replace(to="the board"), alert)
    (after,) = log(store, ACCOUNT)
    assert (after["acknowledged"]["by"], after["escalated"]["to"], len(outbox(store))) == ("k.weiss", "the board", 5)


def test_what_people_do_has_a_place_of_its_own_in_the_sequence_and_what_is_said_goes_on_behind_it(store: Any) -> None:
    (alert,) = log(store, ACCOUNT)
    done(store, SEEN, alert)
    told(store, [PAID], "2026-02-20")
    sent = outbox(store)
    assert [one["data"]["sequence"] for one in sent] == [1, 2, 3]
    assert [one["type"].split(".")[2] for one in sent] == ["raised", "acknowledged", "cleared"]
    assert sent[1]["data"]["acknowledges"] == sent[0]["id"] == sent[2]["data"]["clears"]
    assert len({one["id"] for one in sent}) == 3
    assert rebuild(store).equal


@pytest.mark.parametrize("wanted", [SEEN, PASSED_ON], ids=["acknowledged", "escalated"])
def test_it_goes_out_as_the_contract_says(store: Any, wanted: Act) -> None:
    done(store, wanted, log(store, ACCOUNT)[0])
    sent = outbox(store)[-1]
    messages = read((FOLDER / "asyncapi.json").read_bytes())["components"]["messages"]
    Draft202012Validator(messages[sent["type"]]["payload"]).validate(sent["data"])
    assert (sent["key"], sent["data"]["account"], sent["data"]["at"]) == (ACCOUNT, ACCOUNT, "2026-02-13T12:00:00Z")


def test_about_an_alert_that_was_cleared_and_one_that_never_was_nothing_is_done(store: Any) -> None:
    (alert,) = log(store, ACCOUNT)
    told(store, [PAID], "2026-02-20")
    assert done(store, SEEN, alert, "2026-02-21") is None
    with pytest.raises(Failure, match="there is no alert"):
        done(store, SEEN, {"id": "0" * 32})
    assert said(store, ACCOUNT) == ["raised overdue 1 2026-02-12", "cleared overdue 1 2026-02-20 ended"]
    assert len(outbox(store)) == 2


def test_the_command_line_acknowledges_escalates_and_lists_what_stands(path: Path, store: Any) -> None:
    told(store, [PAID | {"id": "early"}], "2026-02-20")
    other = [{**one, "subject": "C-2", "id": f"{one['id']}-2"} for one in OWED]
    told(store, other, "2026-02-21")
    cleared, (alert,) = log(store, ACCOUNT)[0], log(store, "C-2")
    words = ["--by", "m.vogt", "--note", "they pay on Friday", "--json"]
    assert exposure("alerts", "ack", alert["id"], *words, store=path).json["acknowledged"]["by"] == "m.vogt"
    assert exposure("alerts", "escalate", alert["id"], "--to", "j.albers", *words, store=path).json["escalated"]["to"] == "j.albers"
    refused = exposure("alerts", "ack", cleared["id"], *words, store=path)
    assert (refused.exit_code, refused.json["error"]["code"]) == (3, "cleared")
    unknown = exposure("alerts", "ack", "no such id", *words, store=path)
    assert (unknown.exit_code, unknown.json["error"]["code"]) == (1, "unknown_alert")
    (standing,) = exposure("alerts", "--standing", "--json", store=path).json["alerts"]
    assert (standing["id"], standing["escalated"]["note"]) == (alert["id"], "they pay on Friday")
    assert exposure("alerts", ACCOUNT, "--standing", "--json", store=path).json["alerts"] == []
    listed = exposure("alerts", "list", "C-2", store=path).out
    assert exposure("alerts", "C-2", store=path).out == listed
    assert "acknowledged by m.vogt" in listed
    assert "to j.albers" in listed
