"""What is said of alerts as days pass: raised and cleared with the day it was so, late news with both days, once each, and out through the outbox."""

from itertools import count
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import IntegrityError
from jsonschema import Draft202012Validator

from exposure.ledger.rebuild import rebuild
from schemas.contracts import FOLDER
from schemas.jsontext import read, written
from service.running import ticking
from service.running.ticking import Ticked, tick
from tests.alerting import at, outbox, said, said_to_stand, shown, told
from tests.command import exposure
from tests.stores import alter, fed
from tests.test_rules import ACCOUNT, CUSTOMER, invoice, limit, payment, rate, to
from tests.test_rules import told as event

pytestmark = pytest.mark.usefixtures("each_store")

KNOWN = event("customer.changed", "2026-01-01", **CUSTOMER)
OWED = [KNOWN, limit("L-1", "2026-01-01", "1000.00"), invoice("I-9", "2026-01-12", "400.00", due="2026-02-11")]


def test_time_alone_raises_what_fell_due_and_says_when_that_was(store: Any) -> None:
    assert told(store, OWED, "2026-01-12").raised == 0
    assert told(store, [], "2026-02-11").accounts == 0
    assert told(store, [], "2026-02-12").raised == 1
    assert said(store, ACCOUNT) == ["raised overdue 1 2026-02-12"]


def test_a_clock_that_slept_catches_up_day_by_day(store: Any) -> None:
    told(store, OWED, "2026-01-12")
    paid = payment("P-1", "2026-03-20", "400.00", to("I-9", "400.00"))
    told(store, [paid], "2026-04-30")
    assert said(store, ACCOUNT) == [
        "raised overdue 1 2026-02-12",
        "raised overdue 30 2026-03-13",
        "cleared overdue 1 2026-03-20 ended",
        "cleared overdue 30 2026-03-20 ended",
    ]


def test_a_day_begins_where_the_account_is_and_on_the_day_clocks_are_put_forward_too(store: Any) -> None:
    auckland = event("customer.changed", "2026-01-01", **CUSTOMER | {"timezone": "Pacific/Auckland"})
    told(store, [auckland, limit("L-1", "2026-01-01", "1000.00"), invoice("I-9", "2026-01-12", "400.00", due="2026-02-11")], "2026-01-12")
    assert told(store, [], "2026-02-11", "10:59:59+00:00").accounts == 0
    assert told(store, [], "2026-02-11", "11:00:00+00:00").raised == 1
    berlin = [invoice("I-1", "2026-03-01", "10.00", due="2026-03-29"), event("customer.changed", "2026-03-01", **CUSTOMER | {"version": 2})]
    told(store, berlin, "2026-03-29")
    with store.reading() as moment:
        ((next_at,),) = moment.rows("SELECT next_at FROM alert_states")
    assert next_at == at("2026-04-11", "22:00:00+00:00"), "the sixtieth day begins in summer time"


def judged_again_from(store: Any) -> str:
    with store.reading() as moment:
        return str(moment.rows("SELECT next_day FROM alert_states")[0][0])


def test_a_new_class_is_judged_from_its_day_on_and_a_new_currency_on_every_day(store: Any) -> None:
    told(store, [*OWED, event("customer.changed", "2026-02-01", **CUSTOMER | {"version": 2, "risk_class": "B"})], "2026-03-01")
    later = event("customer.changed", "2026-02-20", **CUSTOMER | {"version": 3, "risk_class": "C"})
    fed(store, [written(later)], now=at("2026-03-02"))
    assert judged_again_from(store) == "2026-02-20"
    tick(store, lambda: at("2026-03-02"))
    rival = event("customer.changed", "2026-02-10", **CUSTOMER | {"version": 3, "risk_class": "B"})
    fed(store, [written(rival)], now=at("2026-03-02"))
    assert judged_again_from(store) == "2026-02-10", "either of two that claim one version may have counted"
    tick(store, lambda: at("2026-03-02"))
    fed(store, [written(event("customer.changed", "2026-02-25", **CUSTOMER | {"version": 4, "currency": "USD"}))], now=at("2026-03-02"))
    assert judged_again_from(store) == ""


def test_accounts_with_much_behind_them_are_judged_in_transactions_of_their_own(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticking, "EVENTS_AT_ONCE", 2 * len(OWED))
    fed(
        store, [written(one | {"subject": name, "id": f"{one['id']}-{name}"}) for name in ("C-1", "C-2", "C-3") for one in OWED], now=at("2026-02-20")
    )
    clock = count(at("2026-02-20"))
    assert tick(store, lambda: next(clock)) == Ticked(accounts=3, raised=3)
    with store.reading() as moment:
        raised = [recorded_at for name in ("C-1", "C-2", "C-3") for *_, recorded_at, _ in moment.events(f"alerts:{name}")]
    assert raised[0] == raised[1] < raised[2]


def test_a_clock_that_went_backwards_changes_nothing(store: Any) -> None:
    told(store, OWED, "2026-02-20")
    before = said(store, ACCOUNT)
    assert told(store, [], "2026-02-01").accounts == 0
    assert said(store, ACCOUNT) == before == ["raised overdue 1 2026-02-12"]


def test_what_is_told_late_is_raised_with_its_own_day(store: Any) -> None:
    told(store, OWED[:2], "2026-02-20")
    told(store, OWED[2:], "2026-02-21")
    with store.reading() as moment:
        (raised,) = moment.rows("SELECT recorded_at FROM stored_events WHERE originator_id = ?", f"alerts:{ACCOUNT}")[0]
    assert said(store, ACCOUNT) == ["raised overdue 1 2026-02-12"]
    assert raised == at("2026-02-21")


def test_a_payment_told_late_clears_what_should_have_ended_before_and_says_so(store: Any) -> None:
    told(store, OWED, "2026-02-25")
    told(store, [payment("P-1", "2026-02-15", "400.00", to("I-9", "400.00"))], "2026-02-25")
    assert said(store, ACCOUNT) == ["raised overdue 1 2026-02-12", "cleared overdue 1 2026-02-15 corrected"]


def test_a_payment_told_late_clears_what_should_never_have_been_raised(store: Any) -> None:
    told(store, OWED, "2026-02-25")
    told(store, [payment("P-1", "2026-02-01", "400.00", to("I-9", "400.00"))], "2026-02-25")
    assert said(store, ACCOUNT) == ["raised overdue 1 2026-02-12", "cleared overdue 1 2026-02-12 corrected"]


def test_an_item_told_late_that_was_due_earlier_corrects_the_day(store: Any) -> None:
    told(store, OWED, "2026-02-25")
    told(store, [invoice("I-1", "2026-01-05", "10.00", due="2026-02-01")], "2026-02-25")
    assert said(store, ACCOUNT) == ["raised overdue 1 2026-02-12", "cleared overdue 1 2026-02-12 corrected", "raised overdue 1 2026-02-02"]
    assert said_to_stand(store, ACCOUNT) == shown(store, ACCOUNT, "2026-02-25")


def test_what_is_told_twice_on_one_day_is_compared_with_what_was_said(store: Any) -> None:
    told(store, OWED, "2026-02-20", "09:00:00+00:00")
    told(store, [invoice("I-1", "2026-02-20", "700.00", due="2026-06-01")], "2026-02-20", "10:00:00+00:00")
    told(store, [payment("P-1", "2026-02-20", "700.00", to("I-1", "700.00"))], "2026-02-20", "11:00:00+00:00")
    assert said(store, ACCOUNT)[1:] == ["raised over_limit 2026-02-20", "cleared over_limit 2026-02-20 ended"]


def test_a_rate_alone_has_its_accounts_judged_and_no_others(store: Any) -> None:
    foreign = invoice("I-1", "2026-01-12", "900.00", due="2026-06-01", currency="USD")
    other = [{**one, "subject": "C-2", "id": f"{one['id']}-2"} for one in OWED[:2]]
    told(store, [*OWED[:2], foreign, *other, rate("USD", "EUR", "2026-01-01", "0.9")], "2026-01-12")
    ticked = told(store, [rate("USD", "EUR", "2026-01-20", "1.2")], "2026-01-20")
    assert (ticked.accounts, ticked.raised) == (1, 1)
    assert said(store, ACCOUNT) == ["raised over_limit 2026-01-20"]


def test_alerts_are_numbered_without_a_gap_and_go_out_as_the_contract_says(store: Any) -> None:
    told(store, OWED, "2026-03-20")
    told(store, [payment("P-1", "2026-03-20", "400.00", to("I-9", "400.00"))], "2026-03-21")
    sent = outbox(store)
    assert [one["data"]["sequence"] for one in sent] == [1, 2, 3, 4]
    assert len({one["id"] for one in sent}) == 4
    messages = read((FOLDER / "asyncapi.json").read_bytes())["components"]["messages"]
    for one in sent:
        assert (one["key"], one["data"]["account"]) == (ACCOUNT, ACCOUNT)
        Draft202012Validator(messages[one["type"]]["payload"]).validate(one["data"])
    assert sent[2]["data"]["clears"] == sent[0]["id"]
    assert (sent[0]["data"]["effective"], sent[0]["data"]["raised"]) == ("2026-02-12", "2026-03-20T12:00:00Z")


def test_what_is_recorded_of_an_account_and_what_goes_out_are_one(store: Any) -> None:
    fed(store, map(written, OWED), now=at("2026-02-20"))
    with store.reading() as moment:
        columns = f"{moment.position}, originator_id, originator_version, topic, state, recorded_at"
    alter(store, f"INSERT INTO stored_events ({columns}) VALUES (1000, ?, 1, 'AlertRaised.v1', ?, 0)", f"alerts:{ACCOUNT}", b"{}")
    with pytest.raises(IntegrityError):
        tick(store, lambda: at("2026-02-20"))
    assert outbox(store) == []
    alter(store, "DELETE FROM stored_events WHERE originator_id = ?", f"alerts:{ACCOUNT}")
    assert told(store, [], "2026-02-20").raised == len(outbox(store)) == 1
    assert rebuild(store).equal


def test_the_command_line_lets_time_pass_and_prints_the_log(path: Path) -> None:
    file = path.with_name("events.jsonl")
    file.write_bytes(b"".join(written(one) + b"\n" for one in OWED))
    exposure("feed", file, "--now", "2026-02-12T12:00:00Z", store=path)
    assert exposure("tick", "--now", "2026-03-13T12:00:00Z", "--json", store=path).json == {"accounts": 1, "raised": 1, "cleared": 0, "measures": 0}
    alerts = exposure("alerts", ACCOUNT, "--json", store=path).json["alerts"]
    assert [(one["rule"], one["step"], one["state"], one["raised"]) for one in alerts] == [
        ("overdue", 1, "raised", "2026-02-12T12:00:00Z"),
        ("overdue", 30, "raised", "2026-03-13T12:00:00Z"),
    ]
    wanted = {"id", "account", "rule", "step", "severity", "state", "sequence", "effective", "raised", "figures"}
    assert all(wanted <= one.keys() for one in alerts)
    assert exposure("alerts", "--json", store=path).json["alerts"] == alerts
    assert exposure("alerts", "C-9", "--json", store=path).exit_code == 1
    assert "overdue 30" in exposure("alerts", store=path).out
