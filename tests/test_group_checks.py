"""Groups through a store: dated parents, what was known of them, checks under the group's limit, and orders that change their account."""

import itertools
from pathlib import Path
from threading import Lock, Thread
from typing import Any

import pytest

from exposure.ledger.rebuild import rebuild
from projections.account import Asked, UnknownAccount, figures_of
from projections.groups import Members, group, judging
from schemas.jsontext import read, written
from service.deciding.checking import Request, check
from service.deciding.reserving import reserve
from service.failures import Failure
from tests.command import exposure
from tests.stores import derived, fed, opened
from tests.test_check import NOON
from tests.test_rules import CUSTOMER, Json, told

pytestmark = pytest.mark.usefixtures("each_store")

DAY = 86_400_000_000
numbers = itertools.count()


def of(account: str, kind: str, day: str = "2026-01-01", /, **data: Any) -> Json:
    return {**told(kind, day, subject=account, **data), "id": f"{next(numbers)}"}


def customer(account: str, parent: str | None = None, day: str = "2026-01-01", version: int = 1, **more: Any) -> Json:
    return of(account, "customer.changed", day, **{**CUSTOMER, "version": version, **({"parent": parent} if parent else {}), **more})


def limit(account: str, amount: str, currency: str = "EUR") -> Json:
    return of(account, "limit.changed", limit="L-1", version=1, kind="base", amount=amount, currency=currency)


def invoice(account: str, number: str, amount: str, currency: str = "EUR") -> Json:
    return of(account, "invoice.posted", "2026-02-10", invoice=number, currency=currency, amount=amount, due="2026-03-10")


def order(account: str, number: str, value: str, currency: str = "EUR") -> Json:
    return of(account, "order.confirmed", "2026-02-10", order=number, version=1, currency=currency, lines=[{"line": "1", "value": value}])


class House:
    """A store with a group of customers: P has a limit of 1000.00, Q one of its own of 300.00 carved out of it, A and B have none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.store = opened(path)
        self.tell(customer("P"), limit("P", "1000.00"), customer("Q", "P"), limit("Q", "300.00"), customer("A", "P"), customer("B", "P"))

    def tell(self, *events: Json, now: int = NOON) -> None:
        counts = fed(self.store, map(written, events), now=now)
        assert (counts.recorded, counts.dead_letters) == (len(events), 0)

    def ask(self, account: str, number: str, amount: str, currency: str | None = None, instead_of: str | None = None) -> Json:
        return check(self.store, Request(account, number, amount, currency, instead_of=instead_of), lambda: NOON, "m.vogt")

    def listed(self, account: str, as_of: str | None = None, known_at: int | None = None) -> Json:
        with self.store.reading() as moment:
            return group(moment, account, Asked(NOON, as_of, known_at))

    def accounts(self, account: str, as_of: str | None = None, known_at: int | None = None) -> list[str]:
        return [node["account"] for node in self.listed(account, as_of, known_at)["nodes"]]

    def decisions(self) -> list[Any]:
        with self.store.reading() as moment:
            return [read(payload)["data"] for _, payload in moment.rows("SELECT id, payload FROM outbox ORDER BY id")]


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "exposure.db")


def test_a_check_names_the_account_of_the_group_whose_limit_refuses(house: House) -> None:
    house.tell(invoice("A", "I-1", "250.00"), invoice("Q", "I-1", "299.00"))
    held = house.ask("B", "O-1", "450.01")
    assert (held["decision"], held["reasons"], held["limit"]) == ("held", ["over_limit"], None)
    assert (held["exposure_before"], held["exposure_after"]) == ("0.00", "450.01")
    assert held["group"] == {
        "node": "P",
        "currency": "EUR",
        "limit": "1000.00",
        "carved": "300.00",
        "residual": "700.00",
        "used_before": "250.00",
        "used_after": "700.01",
        "available_after": "-0.01",
        "refusals": [{"reason": "over_limit", "node": "P"}],
        "anomalies": [],
    }
    assert house.ask("B", "O-1", "450.00")["decision"] == "approved"
    assert house.ask("Q", "O-1", "1.00")["decision"] == "approved"
    assert house.ask("Q", "O-1", "1.01")["group"]["refusals"] == [{"reason": "over_limit", "node": "Q"}]


def test_an_order_that_counts_already_is_judged_by_its_whole_value_in_the_group_too(house: House) -> None:
    house.tell(order("B", "O-1", "600.00"))
    answer = house.ask("B", "O-1", "700.00")
    assert (answer["decision"], answer["group"]["used_before"], answer["group"]["used_after"]) == ("approved", "600.00", "700.00")


def test_a_customer_without_parent_and_members_is_judged_as_ever_at_the_cost_of_one_look(house: House) -> None:
    house.tell(customer("Z"), limit("Z", "10.00"))
    answer = house.ask("Z", "O-1", "10.00")
    assert (answer["decision"], answer["group"], answer["instead_of"]) == ("approved", None, None)
    with house.store.reading() as moment:
        figures, _, _ = figures_of(moment, "Z", Asked(NOON))
        asked: list[str] = []
        rows = moment.rows
        moment.rows = lambda sql, *values: asked.append(sql) or rows(sql, *values)
        assert judging(Members(moment, Asked(NOON, figures.on.day)), figures) is None
    assert len(asked) == 1


def test_from_the_day_a_customer_changes_its_parent_it_belongs_to_the_other_group(house: House) -> None:
    house.tell(customer("S"), limit("S", "50.00"), customer("A", "S", day="2026-02-15", version=2), invoice("A", "I-1", "40.00"))
    assert (house.accounts("A", "2026-02-14"), house.accounts("A", "2026-02-15")) == (["P", "A", "B", "Q"], ["S", "A"])
    assert house.accounts("P", "2026-02-15") == ["P", "B", "Q"]
    assert house.ask("A", "O-1", "10.01")["group"]["refusals"] == [{"reason": "over_limit", "node": "S"}]
    assert house.ask("B", "O-1", "700.00")["group"]["used_before"] == "0.00"


def test_a_customer_that_leaves_its_parent_stands_alone_again(house: House) -> None:
    house.tell(customer("A", day="2026-02-15", version=2))
    assert house.accounts("A") == ["A"]
    assert (house.ask("A", "O-1", "1.00")["reasons"], house.ask("A", "O-1", "1.00")["group"]) == (["no_limit"], None)


def test_a_parent_that_was_told_later_was_not_known_before(house: House) -> None:
    house.tell(customer("S"), customer("A", "S", day="2026-01-15", version=2), now=NOON + DAY)
    assert house.accounts("A", "2026-02-20", NOON) == ["P", "A", "B", "Q"]
    assert house.accounts("A", "2026-02-20", NOON + DAY) == ["S", "A"]
    with pytest.raises(UnknownAccount):
        house.accounts("S", "2026-02-20", NOON)


def test_a_parent_may_be_nothing_but_the_name_its_members_tell(house: House) -> None:
    house.tell(customer("X", "HOLDING"), invoice("X", "I-1", "5.00"))
    top, member = house.listed("HOLDING")["nodes"]
    assert (top["account"], top["exposure"], top["limit"], top["sources"]) == ("HOLDING", "0.00", None, [])
    assert (member["account"], member["parent"], member["exposure"], member["depth"]) == ("X", "HOLDING", "5.00", 1)
    assert house.ask("X", "O-1", "1.00")["group"]["refusals"] == [{"reason": "no_limit", "node": "X"}]
    with pytest.raises(UnknownAccount):
        house.listed("NOBODY")


def test_the_whole_tree_is_listed_with_what_is_left_of_each_limit_and_how_fresh_it_is(house: House) -> None:
    house.tell(invoice("A", "I-1", "250.00"), customer("C", "Q"), invoice("C", "I-1", "20.00"))
    listed = house.listed("C")
    assert (listed["account"], listed["top"], listed["as_of"]) == ("C", "P", "2026-02-20")
    rows = [
        [node[name] for name in ("account", "depth", "exposure", "judged_by", "carved", "residual", "used", "available")] for node in listed["nodes"]
    ]
    assert rows == [
        ["P", 0, "0.00", "P", "300.00", "700.00", "250.00", "450.00"],
        ["A", 1, "250.00", "P", None, None, None, None],
        ["B", 1, "0.00", "P", None, None, None, None],
        ["Q", 1, "0.00", "Q", "0.00", "300.00", "20.00", "280.00"],
        ["C", 2, "20.00", "Q", None, None, None, None],
    ]
    nodes = {node["account"]: node for node in listed["nodes"]}
    assert (nodes["P"]["members"], nodes["Q"]["members"]) == (["A", "B", "P"], ["C", "Q"])
    assert nodes["A"]["sources"] == [{"source": "/erp", "last_time": "2026-02-10T12:00:00Z"}]
    said = exposure("group", "C", "--as-of", "2026-02-20", "--json", store=house.path)
    assert said.json["nodes"] == listed["nodes"]
    lines = exposure("group", "C", "--as-of", "2026-02-20", store=house.path).out
    assert "Group of P" in lines
    assert "    C" in lines


def test_members_in_other_currencies_are_converted_and_without_a_rate_nothing_is_decided(house: House) -> None:
    house.tell(customer("U", "P", currency="USD"), invoice("U", "I-1", "100.00", "USD"))
    with pytest.raises(Failure, match="U belongs to the group of B, and there is no rate of USD"):
        house.ask("B", "O-1", "1.00")
    top = house.listed("P")["nodes"][0]
    assert (top["used"], top["available"], top["anomalies"]) == (None, None, [{"code": "missing_rate", "kind": "currency", "document": "USD"}])
    house.tell({**told("fx_rate.published", "2026-02-19", subject="USD", base="USD", quote="EUR", rate="0.905"), "id": "rate"})
    assert house.ask("B", "O-1", "609.50")["group"]["used_after"] == "700.00"
    assert house.ask("U", "O-2", "673.48")["group"]["used_after"] == "700.00"
    assert house.ask("U", "O-2", "673.49")["group"]["available_after"] == "-0.01"


def test_a_blocked_parent_holds_its_members(house: House) -> None:
    house.tell(of("P", "account.blocked", "2026-02-01", version=1))
    answer = house.ask("Q", "O-1", "1.00")
    assert (answer["reasons"], answer["group"]["refusals"]) == (["blocked"], [{"reason": "blocked", "node": "P"}])


def test_parents_in_a_circle_are_seen_in_plain_sight(house: House) -> None:
    house.tell(customer("P", "A", day="2026-02-01", version=2))
    tops = [house.listed(account) for account in ("P", "A", "B")]
    assert [listed["top"] for listed in tops] == ["A", "A", "A"]
    assert tops[0]["nodes"] == tops[1]["nodes"] == tops[2]["nodes"]
    assert tops[0]["nodes"][0]["anomalies"] == [{"code": "group_cycle", "kind": "customer", "document": "A"}]
    assert house.ask("B", "O-1", "700.01")["group"]["refusals"] == [{"reason": "over_limit", "node": "P"}]


def test_a_question_has_one_decision_until_something_of_its_pool_changes(house: House) -> None:
    first = house.ask("B", "O-1", "600.00")
    house.tell(invoice("Q", "I-1", "10.00"))
    assert house.ask("B", "O-1", "600.00") == first, "what Q owes is under a limit of its own"
    house.tell(invoice("A", "I-1", "100.01"))
    second = house.ask("B", "O-1", "600.00")
    assert (first["decision"], second["decision"]) == ("approved", "held")
    unnamed = dict.fromkeys(("request", "request_source", "request_words", "reserved"))
    assert house.decisions() == [answer | unnamed for answer in (first, second)]


def test_who_loses_to_the_reservation_of_another_member_is_told_whose(house: House) -> None:
    held = [reserve(house.store, Request(account, "O-1", "500.00", holds=True), lambda: NOON, "m.vogt") for account in ("A", "B")]
    assert [answer["decision"] for answer in held] == ["approved", "held"]
    assert [(lost["account"], lost["order"], lost["amount"]) for lost in held[1]["lost_to"]] == [("A", "O-1", "500.00")]


def test_of_two_members_who_ask_at_once_for_all_that_is_left_one_gets_it(house: House) -> None:
    """Each tells its order when it has passed; whoever asks second sees the order of the first, whatever account it is on."""
    desk = Lock()
    said: dict[str, str] = {}

    def sell(account: str) -> None:
        clerk = House.__new__(House)
        clerk.path, clerk.store = house.path, stores[account]
        with desk:
            said[account] = clerk.ask(account, "O-1", "700.00")["decision"]
            if said[account] == "approved":
                clerk.tell(order(account, "O-1", "700.00"))

    stores = {account: opened(house.path) for account in ("A", "B")}
    threads = [Thread(target=sell, args=(account,)) for account in stores]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said.values()) == ["approved", "held"]
    assert house.listed("P")["nodes"][0]["available"] == "0.00"


def test_what_is_rebuilt_knows_the_same_members(house: House) -> None:
    house.tell(customer("A", "S", day="2026-02-15", version=2), customer("A", day="2026-03-15", version=3))
    before, listed = derived(house.store), house.listed("P")
    assert ("S", "A") in before
    assert ("P", "A") in before
    outcome = rebuild(house.store)
    assert outcome.equal
    assert (derived(house.store), house.listed("P")) == (before, listed)


# A new bill-to account


def test_an_order_moves_inside_its_group_as_a_whole_in_one_decision(house: House) -> None:
    house.tell(order("A", "O-1", "700.00"))
    assert house.ask("B", "O-1", "700.00")["reasons"] == ["over_limit"], "as a second order it would be too much"
    moved = house.ask("B", "O-1", "700.00", instead_of="A")
    assert (moved["decision"], moved["instead_of"], moved["exposure_after"]) == ("approved", "A", "700.00")
    assert (moved["group"]["used_before"], moved["group"]["used_after"]) == ("700.00", "700.00")
    assert house.decisions()[-1]["instead_of"] == "A"
    assert house.ask("B", "O-1", "700.01", instead_of="A")["reasons"] == ["over_limit"]


def test_an_order_that_moves_from_another_limit_needs_all_its_room_here(house: House) -> None:
    house.tell(order("Q", "O-1", "300.00"), invoice("A", "I-1", "400.01"))
    assert house.ask("B", "O-1", "300.00", instead_of="Q")["group"]["refusals"] == [{"reason": "over_limit", "node": "P"}]
    assert house.ask("Q", "O-2", "0.01")["reasons"] == ["over_limit"], "until it is closed there it counts there"


def test_an_order_that_moves_is_asked_for_in_its_own_currency(house: House) -> None:
    house.tell(order("A", "O-1", "100.00", "USD"))
    house.tell({**told("fx_rate.published", "2026-02-19", subject="USD", base="USD", quote="EUR", rate="0.9"), "id": "rate"})
    moved = house.ask("B", "O-1", "100.00", instead_of="A")
    assert (moved["currency"], moved["exposure_after"], moved["group"]["used_after"]) == ("USD", "90.00", "90.00")


def test_an_order_moves_only_from_an_account_that_has_it_and_not_to_where_it_is(house: House) -> None:
    house.tell(order("A", "O-1", "1.00"))
    for account, instead_of, said in (("A", "A", "would stay on account 'A'"), ("B", "Q", "account 'Q' has no order 'O-1'")):
        with pytest.raises(Failure, match=said):
            house.ask(account, "O-1", "1.00", instead_of=instead_of)
    assert house.decisions() == []


def test_the_command_line_moves_an_order_and_names_who_refuses(house: House) -> None:
    house.tell(order("A", "O-1", "700.00"))
    words = ["check", "B", "--order", "O-1", "--amount", "700.00", "--now", "2026-02-20T12:00:00Z"]
    held = exposure(*words, store=house.path)
    assert held.exit_code == 3
    assert "limit 1000.00 of P, carved out 300.00\nused 700.00, with it 1400.00, left -700.00 EUR; refused: over_limit at P" in held.out
    assert exposure(*words, "--instead-of", "A", store=house.path).exit_code == 0
