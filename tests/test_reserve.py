"""Reservations (laws 3 and 9): a check that also holds the credit; what is held counts, once, until its order, somebody, or time ends it."""

from pathlib import Path
from threading import Barrier, Thread
from typing import Any

import pytest

from exposure.ledger.acts.policies import adopt
from exposure.ledger.rebuild import rebuild
from projections.account import Asked, show
from schemas.instants import instant_of
from schemas.policy_file import read_policy
from service.deciding.checking import Request
from service.deciding.reserving import extend, release, reserve, settle
from service.failures import Failure
from service.store import open_store
from tests.command import exposure
from tests.stores import url_of
from tests.test_check import ACCOUNT, NOON, TODAY, Desk, Json, invoice, limit, order
from tests.test_rules import told

pytestmark = pytest.mark.usefixtures("each_store")

HOUR = 3_600_000_000


class Teller(Desk):
    """A desk that reserves too, at the hour of its clock."""

    now = NOON

    def reserve(self, order: str, amount: str, until: int | None = None, request: str | None = None, currency: str | None = None) -> Json:
        wanted = Request(ACCOUNT, order, amount, currency, request, None if until is None else instant_of(until), holds=True)
        return reserve(self.store, wanted, lambda: self.now, "m.vogt")

    def turn(self, how: Any, order: str, *more: Any) -> Json:
        told: Json = how(self.store, ACCOUNT, order, *more, lambda: self.now, "m.vogt")
        return told

    def show(self) -> Json:
        with self.store.reading() as moment:
            return show(moment, ACCOUNT, Asked(self.now))

    @property
    def exposure(self) -> dict[str, str]:
        told = self.show()["exposure"]
        return {name: amount for name, amount in told.items() if amount != "0.00" and name != "total"}


@pytest.fixture
def desk(tmp_path: Path) -> Teller:
    return Teller(tmp_path / "exposure.db", limit())


def test_what_is_reserved_counts_and_is_named(desk: Teller) -> None:
    answer = desk.reserve("O-1", "600.00", NOON + HOUR)
    assert (answer["decision"], answer["exposure_after"], answer["available_after"]) == ("approved", "600.00", "400.00")
    told = desk.show()
    assert (desk.exposure, told["available"]) == ({"reserved": "600.00"}, "400.00")
    assert told["reservations"] == [
        {
            "order": "O-1",
            "reservation": answer["reservation"],
            "amount": "600.00",
            "currency": "EUR",
            "until": f"{TODAY}T13:00:00Z",
            "settled": False,
        }
    ]
    assert rebuild(desk.store).equal


def test_two_orders_cannot_both_have_the_last_credit_and_the_loser_is_told_to_which_it_lost(desk: Teller) -> None:
    desk.reserve("O-1", "300.00")
    won = desk.reserve("O-2", "600.00")
    lost = desk.reserve("O-3", "600.00")
    assert (won["decision"], lost["decision"], lost["reasons"], lost["reservation"]) == ("approved", "held", ["over_limit"], None)
    assert [(held["order"], held["amount"]) for held in lost["lost_to"]] == [("O-2", "600.00")]
    assert desk.reserve("O-4", "1000.01")["lost_to"] == [], "it would not have passed without them either"
    assert desk.exposure == {"reserved": "900.00"}


def test_a_check_counts_what_is_reserved_for_others_and_not_for_its_own_order(desk: Teller) -> None:
    desk.reserve("O-1", "600.00")
    assert desk.ask("O-2", "400.01")["reasons"] == ["over_limit"]
    assert desk.ask("O-1", "1000.00")["exposure_after"] == "1000.00"


def test_the_orders_own_confirmation_settles_it_and_nothing_counts_twice(desk: Teller) -> None:
    desk.reserve("O-1", "600.00")
    desk.tell(order("O-1", "600.00"))
    assert desk.exposure == {"orders": "600.00"}
    assert desk.turn(settle, "O-1")["state"] == "confirmed"
    assert desk.turn(release, "O-1")["refused"] == "its order has come and counts itself, or was closed"


def test_time_alone_ends_it(desk: Teller) -> None:
    desk.reserve("O-1", "600.00", NOON + HOUR)
    desk.now = NOON + HOUR - 1
    assert desk.exposure == {"reserved": "600.00"}
    desk.now = NOON + HOUR
    assert desk.exposure == {}
    assert desk.reserve("O-2", "1000.00")["decision"] == "approved"
    told = desk.turn(extend, "O-1", instant_of(NOON + 2 * HOUR))
    assert (told["state"], told["refused"]) == ("expired", "its time is over: what it held may be another's by now")
    assert desk.turn(settle, "O-1")["refused"]


def test_it_is_given_back_once(desk: Teller) -> None:
    desk.reserve("O-1", "600.00")
    assert desk.turn(release, "O-1")["state"] == "released"
    events = version(desk)
    assert desk.turn(release, "O-1")["refused"] is None
    assert version(desk) == events, "already done gives no events"
    assert desk.exposure == {}
    with pytest.raises(Failure, match="nothing was ever reserved"):
        desk.turn(release, "O-9")


def test_settled_before_its_order_came_it_counts_on_and_time_does_not_end_it(desk: Teller) -> None:
    desk.reserve("O-1", "600.00", NOON + HOUR)
    assert desk.turn(settle, "O-1")["state"] == "settled"
    desk.now = NOON + 2 * HOUR
    assert desk.exposure == {"reserved": "600.00"}
    assert [(row["names_kind"], row["kind"]) for row in desk.show()["pending"]] == [("order", "reservation")]
    desk.tell(order("O-1", "500.00"))
    assert desk.exposure == {"orders": "500.00"}


def test_it_can_be_extended_while_it_stands(desk: Teller) -> None:
    desk.reserve("O-1", "600.00", NOON + HOUR)
    assert desk.turn(extend, "O-1", instant_of(NOON + 3 * HOUR))["until"] == f"{TODAY}T15:00:00Z"
    desk.now = NOON + 2 * HOUR
    assert desk.exposure == {"reserved": "600.00"}
    assert desk.turn(extend, "O-1", None)["until"] is None
    desk.now = NOON + 1000 * HOUR
    assert desk.exposure == {"reserved": "600.00"}


def test_the_same_reservation_asked_again_is_the_one_that_is_there(desk: Teller) -> None:
    first = desk.reserve("O-1", "600.00", NOON + HOUR)
    events = version(desk)
    assert desk.reserve("O-1", "600", NOON + HOUR)["decision_id"] == first["decision_id"]
    assert version(desk) == events
    other = desk.reserve("O-1", "700.00", NOON + HOUR)
    assert (other["decision"], desk.exposure) == ("approved", {"reserved": "700.00"}), "a new one takes the place of the one before"
    desk.turn(release, "O-1")
    again = desk.reserve("O-1", "700.00", NOON + HOUR)
    assert again["reservation"] not in (None, other["reservation"]), "given back and asked again, it is held again"
    assert desk.exposure == {"reserved": "700.00"}


def test_a_named_request_reserves_once_whatever_came_between(desk: Teller) -> None:
    first = desk.reserve("O-1", "600.00", request="R-1")
    desk.turn(release, "O-1")
    assert desk.reserve("O-1", "600.00", request="R-1") == {**first, "sources": first["sources"]}
    assert desk.exposure == {}, "the answer is the old one, and it holds nothing more"
    with pytest.raises(Failure, match="other words"):
        desk.ask("O-1", "600.00", request="R-1")


def test_a_larger_order_than_the_one_that_counts_reserves_only_the_rise(desk: Teller) -> None:
    desk.tell(order("O-1", "300.00"))
    assert desk.reserve("O-1", "800.00")["exposure_after"] == "800.00"
    assert desk.exposure == {"orders": "300.00", "reserved": "500.00"}
    desk.tell(order("O-1", "800.00", version=2))
    assert desk.exposure == {"orders": "800.00"}


def test_asked_again_for_another_rate_it_is_another_answer(desk: Teller) -> None:
    """A block holds it at every rate: what the exposure would be is told anew all the same."""
    desk.tell(told("account.blocked", "2026-02-01", version=1), rate("0.9", "2026-02-19"))
    first = desk.reserve("O-1", "100.00", currency="USD")
    desk.tell(rate("0.8", TODAY))
    second = desk.reserve("O-1", "100.00", currency="USD")
    assert [(one["reasons"], one["exposure_after"]) for one in (first, second)] == [(["blocked"], "90.00"), (["blocked"], "80.00")]


def rate(text: str, day: str) -> Json:
    return told("fx_rate.published", day, subject="USD", base="USD", quote="EUR", rate=text)


def test_two_at_once_cannot_have_the_same_credit(desk: Teller) -> None:
    desk.tell(invoice("I-1", "500.00"))
    answers: list[Json] = []
    barrier = Barrier(8)

    def ask(number: int) -> None:
        store = open_store(url_of(desk.path))
        barrier.wait()
        answers.append(reserve(store, Request(ACCOUNT, f"O-{number}", "200.00", holds=True), lambda: NOON, "m.vogt"))
        store.datastore.close()

    threads = [Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    approved = [answer for answer in answers if answer["decision"] == "approved"]
    assert (len(answers), len(approved), desk.exposure["reserved"]) == (8, 2, "400.00")
    assert all(answer["lost_to"] for answer in answers if answer["decision"] == "held")


def test_where_none_is_asked_for_the_policy_says_when_it_ends(desk: Teller) -> None:
    policy = read_policy('name = "Short"\ncurrency = "EUR"\nreservation_hours = 2\n[[class]]\n')
    adopt(desk.store, lambda: NOON, policy, "m.vogt", "stock is short")
    first = desk.reserve("O-1", "600.00")
    assert desk.show()["reservations"][0]["until"] == f"{TODAY}T14:00:00Z"
    desk.now = NOON + HOUR
    assert desk.reserve("O-1", "600.00")["reservation"] == first["reservation"], "asked again it does not last longer"
    assert desk.reserve("O-2", "100.00", NOON + 9 * HOUR)["policy"] == policy.version
    desk.now = NOON + 2 * HOUR
    assert desk.exposure == {"reserved": "100.00"}


def test_an_instant_that_is_over_is_no_end(desk: Teller) -> None:
    with pytest.raises(Failure, match="over already"):
        desk.reserve("O-1", "600.00", NOON)
    desk.reserve("O-1", "600.00")
    with pytest.raises(Failure, match="over already"):
        desk.turn(extend, "O-1", instant_of(NOON))


def test_the_commands_say_it_with_their_exit_codes(desk: Teller) -> None:
    def call(*words: str) -> Any:
        return exposure(*words, "--now", f"{TODAY}T12:00:00Z", "--json", store=desk.path)

    held = call("reserve", ACCOUNT, "--order", "O-1", "--amount", "600.00", "--until", f"{TODAY}T13:00:00Z")
    assert (held.exit_code, held.json["decision"], bool(held.json["reservation"])) == (0, "approved", True)
    assert call("reserve", ACCOUNT, "--order", "O-2", "--amount", "600.00").exit_code == 3
    assert call("extend", ACCOUNT, "--order", "O-1").json["until"] is None
    assert call("settle", ACCOUNT, "--order", "O-1").json["state"] == "settled"
    assert call("release", ACCOUNT, "--order", "O-1").json["state"] == "released"
    assert call("extend", ACCOUNT, "--order", "O-1").exit_code == 3
    assert call("release", ACCOUNT, "--order", "O-9").exit_code == 1


def version(desk: Teller) -> int:
    with desk.store.reading() as moment:
        return int(moment.count_events()[0])
