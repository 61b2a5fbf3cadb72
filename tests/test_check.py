"""The credit check (law 9): a commitment is held when it would take the account over its limit, or the account is blocked; facts never are."""

from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.rebuild import rebuild
from projections.history import history
from schemas.jsontext import read, written
from service.deciding.checking import Request, check
from service.failures import Failure
from tests.command import exposure
from tests.stores import fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, Json, told

pytestmark = pytest.mark.usefixtures("each_store")

TODAY = "2026-02-20"
NOON = 1_771_588_800_000_000
"""That day at 12:00:00Z in microseconds."""


class Desk:
    """A store with a customer, and who asks it."""

    def __init__(self, path: Path, *events: Json) -> None:
        self.path = path
        self.store = opened(path)
        self.tell(told("customer.changed", "2026-01-01", **CUSTOMER), *events)

    def tell(self, *events: Json) -> None:
        fed(self.store, map(written, events), now=NOON)

    def ask(self, order: str, amount: str, currency: str | None = None, request: str | None = None) -> Json:
        return check(self.store, Request(ACCOUNT, order, amount, currency, request), lambda: NOON, "m.vogt")

    def recorded(self) -> list[Any]:
        with self.store.reading() as moment:
            return list(moment.rows("SELECT key, message_id, payload FROM outbox ORDER BY id"))


def limit(amount: str = "1000.00", **more: Any) -> Json:
    return told("limit.changed", "2026-01-01", limit="L-1", version=1, kind="base", amount=amount, currency="EUR", **more)


def order(number: str, value: str, version: int = 1, **more: Any) -> Json:
    data = {"order": number, "version": version, "currency": "EUR", "lines": [{"line": "1", "value": value}], **more}
    return told("order.confirmed", "2026-02-01", **data)


def invoice(number: str, amount: str, **more: Any) -> Json:
    return told("invoice.posted", "2026-02-10", invoice=number, currency="EUR", amount=amount, due="2026-03-10", **more)


def test_an_order_that_fills_the_limit_to_the_last_cent_passes(path: Path) -> None:
    answer = Desk(path, limit(), invoice("I-1", "400.00")).ask("O-1", "600.00")
    assert (answer["decision"], answer["reasons"]) == ("approved", [])
    assert (answer["exposure_before"], answer["exposure_after"], answer["available_after"]) == ("400.00", "1000.00", "0.00")


def test_one_cent_more_is_held_and_its_reason_named(path: Path) -> None:
    answer = Desk(path, limit(), invoice("I-1", "400.00")).ask("O-1", "600.01")
    assert (answer["decision"], answer["reasons"]) == ("held", ["over_limit"])
    assert (answer["exposure_after"], answer["available_after"]) == ("1000.01", "-0.01")
    assert answer["limit"] == {"amount": "1000.00", "kind": "base", "valid_to": None}


@pytest.mark.parametrize("limits", [[], [limit("none")], [limit("0.00")]])
def test_without_a_limit_everything_is_held_for_that_reason_alone(path: Path, limits: list[Json]) -> None:
    answer = Desk(path, *limits).ask("O-1", "0.01")
    assert (answer["decision"], answer["reasons"]) == ("held", ["no_limit"])


def test_an_unlimited_account_is_never_over_its_limit(path: Path) -> None:
    answer = Desk(path, limit("unlimited")).ask("O-1", "999999999.00")
    assert (answer["decision"], answer["available_after"]) == ("approved", None)


def test_where_nothing_told_has_a_currency_it_is_said_so(path: Path) -> None:
    store = opened(path)
    fed(store, [written(told("account.blocked", "2026-01-01", version=1))], now=NOON)
    for currency, code in ((None, "usage"), ("EUR", "missing_rate")):
        with pytest.raises(Failure, match="has a currency yet: its customer has to be told first") as refused:
            check(store, Request(ACCOUNT, "O-1", "5.00", currency), lambda: NOON, "m.vogt")
        assert refused.value.code == code


def test_every_reason_that_fired_is_named_and_no_other(path: Path) -> None:
    desk = Desk(path, limit(), told("account.blocked", "2026-02-01", version=1))
    assert desk.ask("O-1", "1.00")["reasons"] == ["blocked"]
    assert desk.ask("O-1", "1000.01")["reasons"] == ["over_limit", "blocked"]


def test_an_order_that_counts_already_is_judged_by_its_whole_value(path: Path) -> None:
    answer = Desk(path, limit(), order("O-1", "300.00")).ask("O-1", "1000.00")
    assert (answer["decision"], answer["exposure_before"], answer["exposure_after"]) == ("approved", "300.00", "1000.00")


def test_a_smaller_order_than_the_one_that_counts_is_never_refused(path: Path) -> None:
    desk = Desk(path, limit(), order("O-1", "1500.00"))
    assert desk.ask("O-1", "1400.00")["decision"] == "approved"
    assert desk.ask("O-1", "1500.00")["reasons"] == ["over_limit"]


def test_what_is_delivered_or_invoiced_of_an_order_does_not_count_twice(path: Path) -> None:
    lines = [{"order": "O-1", "line": "1", "value": "250.00"}]
    desk = Desk(path, limit(), order("O-1", "600.00"), invoice("I-1", "250.00", lines=lines))
    answer = desk.ask("O-1", "600.00")
    assert (answer["exposure_before"], answer["exposure_after"]) == ("600.00", "600.00")
    desk.tell(told("delivery.posted", "2026-02-12", delivery="D-1", currency="EUR", lines=[{"order": "O-1", "line": "1", "value": "400.00"}]))
    assert desk.ask("O-1", "600.00")["exposure_after"] == "600.00"
    assert desk.ask("O-1", "300.00")["exposure_after"] == "400.00", "what is delivered stays owed, however small the order becomes"


def test_a_delivery_that_came_before_its_order_is_taken_off_too(path: Path) -> None:
    delivery = told("delivery.posted", "2026-02-12", delivery="D-1", currency="EUR", lines=[{"order": "O-1", "line": "1", "value": "60.00"}])
    answer = Desk(path, limit(), delivery).ask("O-1", "100.00")
    assert (answer["exposure_before"], answer["exposure_after"]) == ("60.00", "100.00")


def test_another_currency_is_converted_once_and_without_a_rate_nothing_is_decided(path: Path) -> None:
    desk = Desk(path, limit())
    with pytest.raises(Failure, match="no rate of USD"):
        desk.ask("O-1", "100.00", "USD")
    desk.tell(told("fx_rate.published", "2026-02-19", subject="USD", base="USD", quote="EUR", rate="0.905"))
    answer = desk.ask("O-1", "100.05", "USD")
    assert (answer["amount"], answer["currency"], answer["exposure_after"]) == ("100.05", "USD", "90.55")


def test_the_same_question_has_one_decision_until_something_it_depends_on_changes(path: Path) -> None:
    desk = Desk(path, limit())
    first = desk.ask("O-1", "600.00")
    assert desk.ask("O-1", "600") == first
    assert len(desk.recorded()) == 1
    desk.tell(invoice("I-1", "400.01"))
    second = desk.ask("O-1", "600.00")
    assert (second["decision"], second["decision_id"] != first["decision_id"]) == ("held", True)
    assert len(desk.recorded()) == 2


def test_a_request_that_was_named_has_one_answer_for_ever(path: Path) -> None:
    desk = Desk(path, limit())
    first = desk.ask("O-1", "600.00", request="R-1")
    assert desk.ask("O-1", "600.00", request="R-2")["decision_id"] == first["decision_id"], "nothing has changed"
    desk.tell(invoice("I-1", "900.00"))
    assert desk.ask("O-1", "600.00", request="R-1")["decision"] == "approved"
    assert desk.ask("O-1", "600.00", request="R-2")["decision"] == "approved"
    assert desk.ask("O-1", "600.00", request="R-3")["decision"] == "held"
    assert [read(payload)["data"]["request"] for *_, payload in desk.recorded()] == ["R-1", "R-2", "R-3"], "each is answered once"
    with pytest.raises(Failure, match="other words"):
        desk.ask("O-1", "601.00", request="R-1")


def test_a_decision_is_recorded_with_what_it_saw_and_told_to_who_listens(path: Path) -> None:
    desk = Desk(path, limit())
    answer = desk.ask("O-1", "600.00")
    ((key, message_id, payload),) = desk.recorded()
    event = read(payload)
    assert (key, message_id, event["type"]) == (ACCOUNT, answer["decision_id"], "credit.decision.made.v1")
    assert event["data"] == {**answer, "request": None, "request_source": None, "request_words": None, "reserved": None}
    with desk.store.reading() as moment:
        ((*_, recorded_at, actor),) = moment.events(f"decision:{answer['decision_id']}")
    assert (recorded_at, actor) == (NOON, "m.vogt")
    assert rebuild(desk.store).equal


def test_history_tells_what_was_decided_of_an_account(path: Path) -> None:
    desk = Desk(path, limit())
    answer = desk.ask("O-1", "600.00")
    with desk.store.reading() as moment:
        *_, event = history(moment, ACCOUNT)
    assert (event["type"], event["id"], event["actor"]) == ("exposure.order_checked.v2", f"decision:{answer['decision_id']}", "m.vogt")
    assert event["data"]["decision"] == "approved"


def test_a_check_says_that_the_figures_are_not_whole(path: Path) -> None:
    desk = Desk(path, limit())
    desk.tell({**invoice("I-1", "1.00"), "data": {}})
    assert desk.ask("O-1", "1.00")["dead_letters"] == 1


def test_a_held_order_is_a_business_no(path: Path) -> None:
    Desk(path, limit())
    for amount, code in (("1000.00", 0), ("1000.01", 3)):
        assert exposure("check", ACCOUNT, "--order", "O-1", "--amount", amount, "--now", f"{TODAY}T12:00:00Z", "--json", store=path).exit_code == code
    for words, code in ((["C-9", "--order", "O", "--amount", "1"], 1), ([ACCOUNT, "--order", "O", "--amount", "1.001"], 2)):
        assert exposure("check", *words, "--json", store=path).exit_code == code
