"""The current figures of accounts, as they go out: with what is told of an account and by the clock, only where they changed, and never forgotten."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import IntegrityError
from jsonschema import Draft202012Validator

from exposure.ledger.acts.policies import adopt
from projections.account import Asked
from projections.portfolio import portfolio
from projections.selection import selection
from schemas.contracts import FOLDER
from schemas.jsontext import read, written
from schemas.policy_file import read_policy
from service.running.ticking import tick
from service.sample import sample
from tests.alerting import Json, at
from tests.command import exposure
from tests.stores import alter, fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, invoice, limit, payment
from tests.test_rules import told as event

pytestmark = pytest.mark.usefixtures("each_store")

KNOWN = event("customer.changed", "2026-01-01", **CUSTOMER)
OWED = [KNOWN, limit("L-1", "2026-01-01", "1000.00"), invoice("I-9", "2026-01-12", "400.00", due="2026-02-11")]
CONTRACT = read((FOLDER / "asyncapi.json").read_bytes())["components"]["messages"]["credit.exposure.changed.v1"]["payload"]


@pytest.fixture
def store(tmp_path: Path) -> Any:
    return opened(tmp_path / "exposure.db")


def told(store: Any, events: Iterable[Json], day: str, time: str = "12:00:00+00:00", *, tells: bool = True) -> list[Json]:
    """Feeds events, lets time pass up to then, and returns the figures that went out since."""
    before = len(outbox(store))
    fed(store, map(written, events), now=at(day, time))
    tick(store, lambda: at(day, time), tells=tells)
    return [one["data"] for one in outbox(store)[before:]]


def outbox(store: Any) -> list[Json]:
    with store.reading() as moment:
        rows = moment.rows("SELECT message_id, key, payload FROM outbox WHERE topic = 'credit.exposure' ORDER BY id")
    return [{"id": id_, "key": key, **read(payload)} for id_, key, payload in rows]


def listed(store: Any, day: str) -> dict[str, Json]:
    with store.reading() as moment:
        return {row["account"]: row for row in portfolio(moment, Asked(at(day)), selection((), None, None))["accounts"]}


def test_what_goes_out_is_the_row_of_the_list(store: Any) -> None:
    (said,) = told(store, OWED, "2026-01-12")
    row = listed(store, "2026-01-12")[ACCOUNT]
    assert said == {**row, "sequence": 1, "version": 3}
    (message,) = outbox(store)
    assert (message["key"], message["type"], message["source"]) == (ACCOUNT, "credit.exposure.changed.v1", "/exposure")
    Draft202012Validator(CONTRACT).validate(said)


def test_figures_that_did_not_change_are_not_told_again(store: Any) -> None:
    told(store, OWED, "2026-01-12")
    assert told(store, [], "2026-01-12", "13:00:00+00:00") == []
    assert told(store, [event("customer.changed", "2026-01-13", **CUSTOMER | {"version": 2, "name": "Kessler GmbH"})], "2026-01-13") == []


def test_the_clock_tells_of_every_item_that_falls_due_and_grows_older(store: Any) -> None:
    younger = invoice("I-10", "2026-01-20", "50.00", due="2026-02-19")
    told(store, [*OWED, younger], "2026-01-20")
    seen = {}
    for day in ("2026-02-11", "2026-02-12", "2026-02-13", "2026-02-20", "2026-03-14", "2026-03-22"):
        seen[day] = [(one["overdue_amount"], one["ageing"]["1-30"], one["ageing"]["31-60"]) for one in told(store, [], day)]
    assert seen == {
        "2026-02-11": [],
        "2026-02-12": [("400.00", "400.00", "0.00")],
        "2026-02-13": [],
        "2026-02-20": [("450.00", "450.00", "0.00")],
        "2026-03-14": [("450.00", "50.00", "400.00")],
        "2026-03-22": [("450.00", "0.00", "450.00")],
    }


def test_each_message_of_an_account_has_its_number_and_an_id_that_stays(store: Any) -> None:
    told(store, OWED, "2026-01-12")
    told(store, [payment("P-1", "2026-01-13", "100.00")], "2026-01-13")
    told(store, [event("payment.returned", "2026-01-14", payment="P-1", date="2026-01-14")], "2026-01-14")
    sent = outbox(store)
    assert [one["data"]["sequence"] for one in sent] == [1, 2, 3]
    assert len({one["id"] for one in sent}) == 3
    assert sent[0]["data"]["exposure"] == sent[2]["data"]["exposure"] != sent[1]["data"]["exposure"]


def test_who_judges_without_telling_leaves_it_to_the_next_who_tells(store: Any) -> None:
    assert told(store, OWED, "2026-01-12", tells=False) == []
    assert [one["exposure"]["total"] for one in told(store, [], "2026-01-12", "13:00:00+00:00")] == ["400.00"]
    assert told(store, [], "2026-01-12", "14:00:00+00:00") == []
    assert told(store, [payment("P-1", "2026-01-13", "100.00")], "2026-01-13", tells=False) == []
    assert [one["exposure"]["total"] for one in told(store, [], "2026-01-13", "13:00:00+00:00")] == ["300.00"]


def test_a_reservation_that_ends_within_the_day_is_told_at_its_instant(store: Any, tmp_path: Path) -> None:
    told(store, OWED, "2026-01-12")
    reserved = ("reserve", ACCOUNT, "--order", "O-1", "--amount", "100.00", "--until", "2026-01-12T15:30:00Z", "--now", "2026-01-12T13:00:00Z")
    assert exposure(*reserved, store=tmp_path / "exposure.db").exit_code == 0
    assert [one["exposure"]["reserved"] for one in told(store, [], "2026-01-12", "13:00:01+00:00")] == ["100.00"]
    assert told(store, [], "2026-01-12", "15:29:59+00:00") == []
    assert [one["exposure"]["reserved"] for one in told(store, [], "2026-01-12", "15:30:00+00:00")] == ["0.00"]


def test_a_record_that_can_not_be_taken_is_told_for_the_figures_are_not_whole(store: Any) -> None:
    told(store, OWED, "2026-01-12")
    bad = payment("P-1", "2026-01-13", "100.001")
    assert [one["dead_letters"] for one in told(store, [bad], "2026-01-13")] == [1]


def test_a_policy_that_is_adopted_has_every_account_told(store: Any) -> None:
    told(store, OWED, "2026-01-12")
    policy = read_policy('name = "ours"\ncurrency = "EUR"\n[[class]]\ncounts = ["orders"]\n', "ours.toml")
    adopt(store, lambda: at("2026-01-13"), policy, "m.vogt", "decided")
    assert [(one["policy"], one["judged"]["gross"]) for one in told(store, [], "2026-01-13")] == [(policy.version, "0.00")]


def test_order_lines_are_told_of_when_they_come_within_the_horizon(store: Any) -> None:
    told(store, OWED, "2026-01-12")
    policy = read_policy('name = "ours"\ncurrency = "EUR"\n[[class]]\nhorizon_days = 30\n', "ours.toml")
    adopt(store, lambda: at("2026-01-12"), policy, "m.vogt", "decided")
    line = {"line": "1", "product": "X", "quantity": "1", "unit_price": "70.00", "amount": "70.00", "requested": "2026-06-30"}
    ordered = event("order.confirmed", "2026-01-12", order="O-1", version=1, date="2026-01-12", currency="EUR", lines=[line])
    assert [one["judged"]["gross"] for one in told(store, [ordered], "2026-01-12", "13:00:00+00:00")] == ["400.00"]
    told(store, [], "2026-05-30")
    assert [one["judged"]["gross"] for one in told(store, [], "2026-05-31")] == ["470.00"]


def test_what_is_told_of_a_season_last_is_what_is_so(store: Any) -> None:
    lines = list(sample(600, seed=5, accounts=12))
    days = sorted({read(line)["time"][:10] for line in lines})
    for start in range(0, len(lines), 150):
        fed(store, lines[start : start + 150], now=at(days[-1]))
        tick(store, lambda: at(days[-1]), tells=True)
    newest = {one["key"]: one["data"] for one in outbox(store)}
    assert newest.keys() == listed(store, days[-1]).keys()
    told_of = ("exposure", "limit", "available", "overdue_amount", "ageing", "blocked", "pending", "anomalies")
    for account, row in listed(store, days[-1]).items():
        assert {name: newest[account][name] for name in told_of} == {name: row[name] for name in told_of}


def test_a_message_goes_in_with_what_says_that_it_was_told_or_not_at_all(store: Any) -> None:
    fed(store, map(written, OWED), now=at("2026-01-12"))
    with store.reading() as moment:
        columns = f"{moment.position}, originator_id, originator_version, topic, state, recorded_at"
    alter(store, f"INSERT INTO stored_events ({columns}) VALUES (1000, ?, 1, 'AlertRaised.v1', ?, 0)", f"alerts:{ACCOUNT}", b"{}")
    with pytest.raises(IntegrityError):
        tick(store, lambda: at("2026-02-12"), tells=True)
    assert outbox(store) == []
    alter(store, "DELETE FROM stored_events WHERE originator_id = ?", f"alerts:{ACCOUNT}")
    assert [one["sequence"] for one in told(store, [], "2026-02-12")] == [1]


def test_an_account_is_looked_at_on_the_days_its_figures_change_and_on_no_others(store: Any) -> None:
    told(store, OWED, "2026-01-12")
    looked_at = {}
    for day in (
        "2026-02-11",
        "2026-02-12",
        "2026-02-13",
        "2026-03-12",
        "2026-03-13",
        "2026-03-14",
        "2026-03-15",
        "2026-05-12",
        "2026-06-12",
        "2026-06-13",
    ):
        looked_at[day] = tick(store, lambda day=day: at(day), tells=True).accounts  # type: ignore[misc]
    assert [day for day, accounts in looked_at.items() if accounts] == ["2026-02-12", "2026-03-13", "2026-03-14", "2026-05-12", "2026-06-12"]
