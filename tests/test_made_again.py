"""A recorded decision is made again from the log alone, whatever was told since, and says where it does not come out the same."""

from collections.abc import Callable
from pathlib import Path

import pytest

from exposure.ledger.acts.policies import adopt
from projections.decisions import UnknownDecision, shown
from schemas.jsontext import written
from schemas.policy_file import read_policy
from service.deciding.checking import Request, check
from service.deciding.releasing import Release
from service.deciding.releasing import release as let_pass
from service.deciding.reserving import release
from tests.command import exposure
from tests.stores import alter
from tests.test_check import ACCOUNT, NOON, Json, invoice, limit, order
from tests.test_reserve import HOUR, Teller
from tests.test_rules import CUSTOMER, told

pytestmark = pytest.mark.usefixtures("each_store")

STRICT = read_policy('name = "P"\ncurrency = "USD"\n[[class]]\nat_limit = "fires"\noverdue = { days = 1 }')


@pytest.fixture
def desk(tmp_path: Path) -> Teller:
    return Teller(tmp_path / "exposure.db", limit(), rate("0.9"))


def rate(text: str, day: str = "2026-02-19", base: str = "USD", quote: str = "EUR") -> Json:
    return told("fx_rate.published", day, subject=base, base=base, quote=quote, rate=text)


def again(desk: Teller, answer: Json) -> Json:
    with desk.store.reading() as moment:
        return shown(moment, answer["decision_id"])


def made_again(desk: Teller, answer: Json) -> bool:
    told_again = again(desk, answer)
    assert told_again["reproduced"] == (told_again["differences"] == [])
    return bool(told_again["reproduced"])


SINCE: dict[str, Callable[[Teller], object]] = {
    "an invoice dated before": lambda desk: desk.tell(invoice("I-9", "500.00")),
    "the order": lambda desk: desk.tell(order("O-1", "700.00")),
    "another limit": lambda desk: desk.tell(told("limit.changed", "2026-01-02", limit="L-1", version=2, kind="base", amount="1.00", currency="EUR")),
    "another rate of that day": lambda desk: desk.tell(rate("0.5", "2026-02-20")),
    "another policy": lambda desk: adopt(desk.store, lambda: NOON, STRICT, "m.vogt", "stricter"),
    "a parent": lambda desk: desk.tell(told("customer.changed", "2026-01-01", **CUSTOMER | {"version": 2, "parent": "C-TOP"})),
    "a child": lambda desk: desk.tell(told("customer.changed", "2026-01-01", subject="C-2", **CUSTOMER | {"parent": ACCOUNT})),
    "a time zone": lambda desk: desk.tell(told("customer.changed", "2026-01-01", **CUSTOMER | {"version": 2, "timezone": "Pacific/Auckland"})),
}


@pytest.mark.parametrize("what", SINCE)
def test_what_is_told_in_the_same_microsecond_and_after_it_changes_no_decision(desk: Teller, what: str) -> None:
    desk.tell(invoice("I-1", "300.00"))
    approved, held = desk.ask("O-1", "700.00"), desk.ask("O-1", "800.00", "USD")
    reserved = desk.reserve("O-2", "700.00", NOON + HOUR)
    assert [one["decision"] for one in (approved, held, reserved)] == ["approved", "held", "approved"]
    SINCE[what](desk)
    assert [made_again(desk, one) for one in (approved, held, reserved)] == [True, True, True]
    later = desk.ask("O-1", "700.00", "EUR")
    assert later["decision_id"] != approved["decision_id"]
    assert made_again(desk, later)


def test_only_the_log_is_asked_for_figures(desk: Teller) -> None:
    desk.tell(invoice("I-1", "300.00"))
    answer = desk.ask("O-1", "100.00", "USD")
    for table in ("accounts", "documents", "rates"):
        alter(desk.store, f"DELETE FROM {table}")
    assert made_again(desk, answer)


def test_a_reservation_that_is_over_or_given_back_counts_where_it_counted_then(desk: Teller) -> None:
    desk.reserve("O-1", "600.00", NOON + HOUR)
    lost = desk.reserve("O-2", "600.00")
    desk.now = NOON + HOUR
    won = desk.reserve("O-2", "600.00")
    desk.turn(release, "O-2")
    assert [(one["decision"], made_again(desk, one)) for one in (lost, won)] == [("held", True), ("approved", True)]


def test_a_group_is_seen_as_it_was_and_so_is_the_account_an_order_leaves(desk: Teller) -> None:
    own = {"subject": "C-2", "id": "C-2"}
    desk.tell({**told("customer.changed", "2026-01-01", **CUSTOMER | {"parent": ACCOUNT, "currency": "USD"}), **own})
    desk.tell(told("order.confirmed", "2026-02-01", subject="C-2", order="O-5", version=1, currency="USD", lines=[{"line": "1", "value": "500.00"}]))
    answer = desk.ask("O-1", "551.00")
    moved = check(desk.store, Request(ACCOUNT, "O-5", "500.00", "EUR", instead_of="C-2"), lambda: NOON, "m.vogt")
    assert (answer["decision"], answer["group"]["node"], moved["decision"]) == ("held", ACCOUNT, "approved")
    desk.tell(told("order.closed", "2026-02-01", subject="C-2", order="O-5", version=2, reason="cancelled"))
    assert [made_again(desk, one) for one in (answer, moved)] == [True, True]


def test_a_release_lets_pass_what_came_after_it_and_nothing_before(desk: Teller) -> None:
    held = desk.ask("O-1", "1500.00")
    let_pass(desk.store, Release(held["decision_id"], "k.weiss", "they paid"), lambda: NOON)
    passed = desk.ask("O-1", "1500.00")
    assert (held["decision"], passed["decision"], passed["released"]) == ("held", "approved", held["decision_id"])
    assert [made_again(desk, one) for one in (held, passed)] == [True, True]


def test_a_decision_of_an_older_version_is_compared_by_what_it_told(desk: Teller) -> None:
    answer = desk.ask("O-1", "1500.00")
    first = ("decision_id", "account", "order", "amount", "currency", "as_of", "policy", "decision", "reasons",
             "exposure_before", "exposure_after", "limit", "available_after", "by")  # fmt: skip
    for amount, is_the_same in (("1500.00", True), ("1500.01", False)):
        state = written({name: answer[name] for name in first} | {"exposure_after": amount})
        forged = "UPDATE stored_events SET topic = 'OrderChecked.v1', state = ? WHERE originator_id = ?"
        alter(desk.store, forged, state, f"decision:{answer['decision_id']}")
        assert made_again(desk, answer) == is_the_same


def test_a_decision_that_was_changed_says_so(desk: Teller) -> None:
    answer = desk.ask("O-1", "1500.00")
    forged = {name: value for name, value in again(desk, answer).items() if name not in ("recorded", "reproduced", "differences", "read_back")}
    forged |= {"decision": "approved", "reasons": []}
    alter(desk.store, "UPDATE stored_events SET state = ? WHERE originator_id = ?", written(forged), f"decision:{answer['decision_id']}")
    assert again(desk, answer)["differences"] == [
        {"field": "decision", "recorded": "approved", "again": "held"},
        {"field": "reasons", "recorded": [], "again": ["over_limit"]},
    ]
    said = exposure("decision", answer["decision_id"], "--json", store=desk.path)
    assert (said.exit_code, said.json["reproduced"]) == (3, False)


def test_the_command_shows_it_with_all_that_it_depended_on(desk: Teller) -> None:
    answer = desk.ask("O-1", "600.00")
    said = exposure("decision", answer["decision_id"], "--json", store=desk.path)
    assert (said.exit_code, said.json["reproduced"], said.json["recorded"]) == (0, True, "2026-02-20T12:00:00Z")
    assert said.json["inputs"]["figures"]["exposure"]["total"] == "0.00"
    assert "made again from the log: the same" in exposure("decision", answer["decision_id"], store=desk.path).out
    assert exposure("decision", "nothing", store=desk.path).exit_code == 1
    with desk.store.reading() as moment, pytest.raises(UnknownDecision):
        shown(moment, "nothing")
