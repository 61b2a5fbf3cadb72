"""Groups: customers under a parent, a limit on any of them, and the pool that those without one share; a check names who refuses."""

from typing import Any

import pytest

from exposure.decisions import Asked, NoRate, decide
from exposure.figures import AccountOn, Figures, Item
from exposure.groups import Group, RatesInto, Ruling, judge
from projections.groups import node_of
from schemas.amounts import minor, shown
from schemas.facts import Fact

DAY = "2026-02-20"


def customer(
    account: str, parent: str | None = None, *, limit: str | None = None, owes: str = "0.00", currency: str = "EUR", blocked: bool = False
) -> Figures:
    """The figures of a customer that owes so much (a credit where negative)."""
    on = AccountOn(account, DAY, currency, {"parent": parent} if parent else {}, blocked)
    amount = minor(owes.removeprefix("-"), currency) * (-1 if owes.startswith("-") else 1)
    on.items = {Item("receivables", "invoice:I-1", "", currency, "2026-03-01"): amount} if amount else {}
    told = {"limit": "L-1", "version": 1, "kind": "base", "amount": limit, "currency": currency, "valid_from": "2026-01-01"}
    on.limits = [Fact(1, "LimitChanged", "2026-01-01T08:00:00", "/erp", "L", "", told)] if limit else []
    return Figures(on, {})


class Customers:
    """A group of customers, and what it says to their orders."""

    def __init__(self, *figures: Figures, rates: RatesInto | None = None) -> None:
        self.figures = {one.on.account: one for one in figures}
        self.group = Group(map(node_of, figures), rates)

    def ask(self, account: str, amount: str, **left: str) -> Ruling:
        """An order of so much more; ``left`` is what others would still owe after it."""
        of = self.figures[account]
        assert of.currency is not None
        answer = decide(of, {}, {}, Asked("O-1", minor(amount, of.currency), of.currency))
        exposures = {other: minor(owed, str(self.figures[other].currency)) for other, owed in left.items()}
        return judge(self.group, account, answer, {**exposures, account: answer.after})

    def refused(self, account: str, amount: str, **left: str) -> list[tuple[str, str]]:
        return [(reason, node) for reason, node in self.ask(account, amount, **left).refusals]

    def fits(self, account: str, amount: str, node: str) -> bool:
        """Whether so much passes, and the smallest amount more is refused by the limit of the node."""
        currency = str(self.figures[account].currency)
        more = shown(minor(amount, currency) + 1, currency)
        return self.refused(account, amount) == [] and self.refused(account, more) == [("over_limit", node)]

    def pool(self, account: str) -> tuple[tuple[str, ...], str, str | None, str, str | None]:
        """Members, carved out, residual, used, available."""
        pool = self.group.pool(self.group.nodes[account])
        texts = [None if amount is None else f"{amount / 100:.2f}" for amount in (pool.carved, pool.residual, pool.used, pool.available)]
        assert texts[0] is not None
        assert texts[2] is not None
        return pool.members, texts[0], texts[1], texts[2], texts[3]


# The tree and its residual pool


def test_customers_without_a_limit_share_that_of_their_parent() -> None:
    group = Customers(customer("P", limit="1000.00", owes="100.00"), customer("A", "P", owes="250.00"), customer("B", "P", owes="50.00"))
    assert group.pool("P") == (("A", "B", "P"), "0.00", "1000.00", "400.00", "600.00")
    assert group.fits("A", "600.00", node="P")
    assert group.fits("B", "600.00", node="P")


def test_a_limit_of_its_own_is_carved_out_and_the_rest_share_what_is_left() -> None:
    group = Customers(customer("P", limit="1000.00"), customer("A", "P", limit="300.00", owes="200.00"), customer("B", "P", owes="50.00"))
    assert group.pool("P") == (("B", "P"), "300.00", "700.00", "50.00", "650.00")
    assert group.fits("B", "650.00", node="P")


def test_a_customer_with_its_own_limit_is_judged_by_that_however_full_the_group_is() -> None:
    group = Customers(customer("P", limit="1000.00", owes="5000.00"), customer("A", "P", limit="300.00", owes="200.00"))
    assert group.fits("A", "100.00", node="A")


def test_the_parent_s_own_orders_are_taken_from_the_same_pool() -> None:
    group = Customers(customer("P", limit="1000.00"), customer("A", "P", owes="400.00"), customer("B", "P", limit="100.00"))
    assert group.fits("P", "500.00", node="P")


def test_the_nearest_limit_on_the_way_up_judges() -> None:
    group = Customers(
        customer("P", limit="9000.00"),
        customer("Q", "P", limit="1000.00"),
        customer("R", "Q", owes="100.00"),
        customer("A", "R", owes="200.00"),
        customer("B", "P", owes="3000.00"),
    )
    assert group.fits("A", "700.00", node="Q")
    assert group.fits("B", "5000.00", node="P")


def test_what_is_carved_out_of_a_carved_out_limit_is_not_carved_out_twice() -> None:
    group = Customers(customer("P", limit="1000.00"), customer("Q", "P", limit="400.00"), customer("A", "Q", limit="300.00"))
    assert group.pool("P") == (("P",), "400.00", "600.00", "0.00", "600.00")
    assert group.pool("Q") == (("Q",), "300.00", "100.00", "0.00", "100.00")


def test_limits_further_down_are_carved_out_through_customers_that_have_none() -> None:
    group = Customers(customer("P", limit="1000.00"), customer("Q", "P"), customer("A", "Q", limit="300.00", owes="299.00"))
    assert group.pool("P") == (("P", "Q"), "300.00", "700.00", "0.00", "700.00")


def test_an_unlimited_customer_takes_nothing_from_the_group_and_is_refused_by_nobody() -> None:
    group = Customers(
        customer("P", limit="1000.00"), customer("A", "P", limit="unlimited", owes="5000.00"), customer("B", "A", owes="70.00"), customer("C", "P")
    )
    assert group.pool("P") == (("C", "P"), "0.00", "1000.00", "0.00", "1000.00")
    assert group.pool("A") == (("A", "B"), "0.00", None, "5070.00", None)
    assert group.refused("A", "999999.00") == []
    assert group.refused("B", "999999.00") == []


def test_a_customer_that_is_to_get_nothing_gets_nothing_from_its_parent_either() -> None:
    group = Customers(customer("P", limit="1000.00"), customer("A", "P", limit="none"), customer("B", "A"))
    assert group.pool("P") == (("P",), "0.00", "1000.00", "0.00", "1000.00")
    assert group.refused("A", "0.01") == [("no_limit", "A")]
    assert group.refused("B", "0.01") == [("no_limit", "A")]


def test_where_nobody_on_the_way_up_has_a_limit_it_is_as_if_the_customer_stood_alone() -> None:
    group = Customers(customer("P"), customer("A", "P"), customer("B", "P", limit="1000.00"))
    assert group.refused("A", "0.01") == [("no_limit", "A")]
    assert group.ask("A", "0.01").shown()["node"] is None


def test_more_carved_out_than_there_is_leaves_less_than_nothing() -> None:
    group = Customers(customer("P", limit="1000.00"), customer("A", "P", limit="700.00"), customer("B", "P", limit="500.00"), customer("C", "P"))
    assert group.pool("P") == (("C", "P"), "1200.00", "-200.00", "0.00", "-200.00")
    assert group.refused("C", "0.01") == [("over_limit", "P")]
    assert group.fits("A", "700.00", node="A")


def test_what_one_customer_has_paid_too_much_is_room_for_the_others() -> None:
    group = Customers(customer("P", limit="1000.00"), customer("A", "P", owes="-100.00"), customer("B", "P"))
    assert group.fits("B", "1100.00", node="P")


def test_an_own_limit_holds_even_where_others_have_paid_too_much() -> None:
    group = Customers(customer("P", limit="1000.00"), customer("A", "P", owes="-100.00"))
    assert group.fits("P", "1000.00", node="P")


# Blocks, and every reason with who gives it


def test_a_blocked_customer_holds_all_under_it_whatever_limits_they_have() -> None:
    group = Customers(customer("P", blocked=True), customer("Q", "P", limit="1000.00"), customer("A", "Q"), customer("B", "A", limit="10.00"))
    for account in ("Q", "A", "B"):
        assert group.refused(account, "1.00") == [("blocked", "P")]


def test_a_blocked_member_holds_nobody_but_itself_and_those_under_it() -> None:
    group = Customers(customer("P", limit="1000.00"), customer("A", "P", blocked=True), customer("B", "P"))
    assert group.refused("P", "1.00") == group.refused("B", "1.00") == []
    assert group.refused("A", "1.00") == [("blocked", "A")]


def test_every_reason_is_named_with_the_customer_it_comes_from_the_limit_first_and_then_upward() -> None:
    group = Customers(customer("P", blocked=True), customer("Q", "P", limit="10.00", blocked=True), customer("A", "Q", blocked=True))
    asked = group.ask("A", "10.01")
    assert [tuple(refusal) for refusal in asked.refusals] == [("over_limit", "Q"), ("blocked", "A"), ("blocked", "Q"), ("blocked", "P")]
    assert asked.reasons == ["over_limit", "blocked"]


# Currencies


RATES: RatesInto = {"EUR": {"USD": (905, 1000)}}


def test_each_member_is_converted_once_into_the_currency_of_the_limit_that_judges() -> None:
    group = Customers(
        customer("P", limit="1000.00"),
        customer("A", "P", currency="USD", owes="100.05"),
        customer("B", "P", limit="200.00", currency="USD"),
        rates=RATES,
    )
    assert group.pool("P") == (("A", "P"), "181.00", "819.00", "90.55", "728.45")
    assert group.fits("P", "728.45", node="P")
    judged = group.ask("A", "100.00").shown()
    assert (judged["currency"], judged["used_before"], judged["used_after"]) == ("EUR", "90.55", "181.05")


def test_without_the_rate_of_a_member_nothing_is_decided_and_the_member_is_named() -> None:
    group = Customers(customer("P", limit="1000.00"), customer("A", "P", currency="USD", owes="0.01"), customer("B", "P"))
    with pytest.raises(NoRate, match="A belongs to the group of B, and there is no rate of USD"):
        group.ask("B", "1.00")
    carved = Customers(customer("P", limit="1000.00"), customer("A", "P", currency="USD", limit="1.00"), customer("B", "P"))
    with pytest.raises(NoRate, match="A belongs to the group of P"):
        carved.ask("P", "1.00")


def test_who_owes_nothing_needs_no_rate() -> None:
    assert Customers(customer("P", limit="1000.00"), customer("A", "P", currency="USD"), customer("B", "P")).fits("B", "1000.00", node="P")


# Orders that become smaller, and orders that move


def test_an_order_that_leaves_the_group_owing_less_is_never_refused() -> None:
    group = Customers(customer("P", limit="100.00", blocked=True), customer("A", "P", owes="500.00"), customer("B", "P"))
    assert group.refused("B", "200.00", A="299.99") == [("blocked", "P")], "the group owes less, and B owes more to a group that is blocked"
    assert group.refused("B", "200.00", A="300.00") == [("over_limit", "P"), ("blocked", "P")]


def test_an_order_that_moves_inside_a_group_does_not_refuse_itself() -> None:
    group = Customers(customer("P", limit="1000.00"), customer("A", "P", owes="900.00"), customer("B", "P"))
    assert group.refused("B", "900.00") == [("over_limit", "P")]
    assert group.refused("B", "900.00", A="0.00") == []
    assert group.refused("B", "1000.01", A="0.00") == [("over_limit", "P")]


def test_what_leaves_another_limit_makes_no_room_under_this_one() -> None:
    group = Customers(customer("P", limit="1000.00"), customer("A", "P", limit="900.00", owes="900.00"), customer("B", "P"))
    assert group.refused("B", "900.00", A="0.00") == [("over_limit", "P")]


# Parents in a circle


@pytest.mark.parametrize("asked", ["A", "B", "C", "D"])
def test_parents_in_a_circle_are_cut_above_the_first_by_name_wherever_one_asks(asked: str) -> None:
    told: list[dict[str, Any]] = [{"account": "B", "parent": "C"}, {"account": "C", "parent": "A"}, {"account": "A", "parent": "B"}]
    group = Customers(*(customer(**one) for one in told), customer("D", "B", owes="10.00"))
    assert [node.account for node in group.group.upward(asked)] == {"A": ["A"], "C": ["C", "A"], "B": ["B", "C", "A"], "D": ["D", "B", "C", "A"]}[
        asked
    ]
    assert [(depth, node.account) for depth, node in group.group.downward("A")] == [(0, "A"), (1, "C"), (2, "B"), (3, "D")]
    assert group.ask(asked, "1.00").shown()["anomalies"] == [{"code": "group_cycle", "kind": "customer", "document": "A"}]


def test_a_customer_that_is_its_own_parent_has_none() -> None:
    group = Customers(customer("A", "A", limit="100.00"), customer("B", "A"))
    assert group.fits("B", "100.00", node="A")
    assert group.group.cut == {"A"}
