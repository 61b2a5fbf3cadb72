"""A check under a policy: every rule at its threshold and one cent or one day beyond, their precedence, and remedies that are true."""

from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.decisions import Answer, Asked, decide
from exposure.figures import Figures
from exposure.findings import PRECEDENCE, NoRate
from exposure.items import open_items
from exposure.rules.fulfilled import fulfilled
from schemas.amounts import minor, shown
from schemas.policies import DEFAULT, Policy
from schemas.policy_file import read_policy
from tests.folding import Books
from tests.test_rules import ACCOUNT, CUSTOMER, Json, delivery, invoice, limit, line, order, payment, rate, ref, to, told

TODAY = "2026-06-30"
LIMIT = limit("L-1", "2026-01-01", "1000.00")


def policy(rules: str = "", currency: str = "EUR", more: str = "") -> Policy:
    return read_policy(f'name = "P"\ncurrency = "{currency}"\n[[class]]\n{rules}\n{more}')


def figures(under: Policy, *events: Json, on: str = TODAY) -> tuple[Books, Figures]:
    books = Books().take_all([told("customer.changed", "2026-01-01", **CUSTOMER), *events])
    account = books.on(ACCOUNT, on, None)
    rates = {currency: known for currency in account.currencies_under(under) if (known := books.rate(currency, account.currency, on))}
    return books, Figures(account, rates, under)


def asked(under: Policy, amount: str, *events: Json, number: str = "O-1", on: str = TODAY) -> Answer:
    books, known = figures(under, *events, on=on)
    text = books.documents[ACCOUNT].get(f"order:{number}")
    return decide(known, known.rates, fulfilled(text, on) if text else {}, Asked(number, minor(amount, "EUR"), "EUR"))


def late(days: int, amount: str = "100.00", number: str = "I-1", **more: Any) -> Json:
    """An invoice that is so many days overdue."""
    return invoice(number, before(days + 30), amount, due=before(days), **more)


def dunned(level: int, day: str = "2026-06-01") -> Json:
    return told("customer.changed", day, **{**CUSTOMER, "version": 2, "dunning_level": level})


def before(days: int) -> str:
    return (date.fromisoformat(TODAY) - timedelta(days=days)).isoformat()


def protected(kind: str, amount: str, **more: Any) -> Json:
    return told("protection.changed", "2026-01-01", protection="G-1", version=1, kind=kind, amount=amount, currency="EUR", **more)


OVERDUE = '[class.overdue]\ndays = 30\ntolerance = "50.00"'
CASES = [
    ("exactly the limit passes", "", [LIMIT], "1000.00", []),
    ("one cent over the limit is held", "", [LIMIT], "1000.01", ["over_limit"]),
    ("where the limit itself fires, exactly the limit is held", 'at_limit = "fires"', [LIMIT], "1000.00", ["over_limit"]),
    ("where the limit itself fires, one cent under it passes", 'at_limit = "fires"', [LIMIT], "999.99", []),
    ("who has no limit is held for a cent", "", [], "0.01", ["no_limit"]),
    ("a class may give a limit where none was ever set", 'limit = "500.00"', [], "500.00", []),
    ("and one cent over that is over a limit", 'limit = "500.00"', [], "500.01", ["over_limit"]),
    ("it gives none to who was refused one", 'limit = "500.00"', [limit("L-1", "2026-01-01", "none")], "0.01", ["no_limit"]),
    ("nor where a limit has ended", 'limit = "500.00"', [limit("L-1", "2026-01-01", "9.00", valid_to="2026-02-01")], "0.01", ["no_limit"]),
    ("a guarantee may add to the limit", '[class.protection]\nguarantee = "adds_to_limit"', [LIMIT, protected("guarantee", "50.00")], "1050.00", []),
    ("and no cent more", '[class.protection]\nguarantee = "adds_to_limit"', [LIMIT, protected("guarantee", "50.00")], "1050.01", ["over_limit"]),
    (
        "insurance may come off the exposure",
        '[class.protection]\ninsurance = "off_exposure"',
        [LIMIT, protected("insurance", "50.00")],
        "1050.00",
        [],
    ),
    ("and no cent more of it", '[class.protection]\ninsurance = "off_exposure"', [LIMIT, protected("insurance", "50.00")], "1050.01", ["over_limit"]),
    ("protection that is only shown changes nothing", "", [LIMIT, protected("insurance", "50.00")], "1000.01", ["over_limit"]),
    (
        "a protection that has ended counts no more",
        '[class.protection]\ninsurance = "off_exposure"',
        [LIMIT, protected("insurance", "50.00", valid_to="2026-06-29")],
        "1000.01",
        ["over_limit"],
    ),
    ("what does not count is not judged", 'counts = ["receivables"]', [LIMIT, order("O-9", "2026-06-01", line("1", value="900.00"))], "1000.00", []),
    ("but the order asked for is", 'counts = ["receivables"]', [LIMIT], "1000.01", ["over_limit"]),
    ("30 days late is not more than 30 days late", OVERDUE, [LIMIT, late(30)], "1.00", []),
    ("31 days late is", OVERDUE, [LIMIT, late(31)], "1.00", ["overdue"]),
    ("exactly what is tolerated may be late", OVERDUE, [LIMIT, late(31, "50.00")], "1.00", []),
    ("one cent more than tolerated may not", OVERDUE, [LIMIT, late(31, "20.00"), late(40, "30.01", "I-2")], "1.00", ["overdue"]),
    (
        "what is disputed is not late",
        OVERDUE,
        [LIMIT, late(31), told("dispute.opened", "2026-06-01", dispute="D", invoice="I-1", amount="50.00")],
        "1.00",
        [],
    ),
    (
        "unless the class counts it",
        f"{OVERDUE}\ndisputed = true",
        [LIMIT, late(31), told("dispute.opened", "2026-06-01", dispute="D", invoice="I-1", amount="50.00")],
        "1.00",
        ["overdue"],
    ),
    ("an item as old as allowed passes", "[class.oldest_open_item]\ndays = 60", [LIMIT, late(30)], "1.00", []),
    ("an item one day older is held", "[class.oldest_open_item]\ndays = 60", [LIMIT, late(31)], "1.00", ["oldest_open_item"]),
    ("the largest order allowed passes", '[class.largest_order]\namount = "700.00"', [LIMIT], "700.00", []),
    ("an order one cent larger is held", '[class.largest_order]\namount = "700.00"', [LIMIT], "700.01", ["largest_order"]),
    ("a dunning level that is allowed passes", "[class.dunning_level]\nabove = 2", [LIMIT, dunned(2)], "1.00", []),
    ("one level more is held", "[class.dunning_level]\nabove = 2", [LIMIT, dunned(3)], "1.00", ["dunning_level"]),
    ("a level counts from its date", "[class.dunning_level]\nabove = 2", [LIMIT, dunned(3, "2026-07-01")], "1.00", []),
    (
        "who has paid the asked share before passes",
        '[class.prepayment]\nshare = "0.5"',
        [LIMIT, payment("P", "2026-06-01", "100.00")],
        "200.00",
        [],
    ),
    (
        "who lacks half a cent of it is held",
        '[class.prepayment]\nshare = "0.5"',
        [LIMIT, payment("P", "2026-06-01", "100.00")],
        "200.01",
        ["prepayment"],
    ),
    (
        "what is delivered and not invoiced has to be paid before too",
        "[class.prepayment]",
        [LIMIT, payment("P", "2026-06-01", "100.00"), delivery("D", "2026-06-02", ref(order="O-8", line="1", value="0.01"))],
        "100.00",
        ["prepayment"],
    ),
    ("an item given the longest term passes", '[class.payment_term]\ndays = 30\neffect = "refuse"', [LIMIT, late(0)], "1.00", []),
    ("one day longer is held", '[class.payment_term]\ndays = 29\neffect = "refuse"', [LIMIT, late(0)], "1.00", ["payment_term"]),
]


@pytest.mark.parametrize(("rules", "events", "amount", "reasons"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_rule_fires_beyond_its_threshold_and_not_at_it(rules: str, events: list[Json], amount: str, reasons: list[str]) -> None:
    answer = asked(policy(rules), amount, *events)
    assert (answer.reasons, answer.decision) == (reasons, "held" if reasons else "approved")


EVERY_RULE = """
[class.overdue]
days = 0
[class.oldest_open_item]
days = 0
[class.largest_order]
amount = "1.00"
[class.dunning_level]
above = 0
[class.prepayment]
[class.payment_term]
days = 0
effect = "refuse"
"""


def test_all_that_fire_are_named_in_one_order_for_ever() -> None:
    trouble = [late(1), told("account.blocked", "2026-06-01", version=1), dunned(1)]
    rest = ["blocked", "overdue", "oldest_open_item", "largest_order", "dunning_level", "prepayment", "payment_term"]
    assert asked(policy(EVERY_RULE), "1000.01", LIMIT, *trouble).reasons == ["over_limit", *rest]
    assert asked(policy(EVERY_RULE), "1000.01", *trouble).reasons == ["no_limit", *rest]
    assert list(PRECEDENCE) == ["over_limit", "no_limit", "blocked", "deliveries_stopped", *rest[1:], "near_limit"]


def test_what_only_warns_holds_nothing_and_is_named_with_its_figures() -> None:
    answer = asked(policy('over_limit = "warn"\n[class.overdue]\ndays = 0\neffect = "warn"'), "1060.25", LIMIT, late(9, "60.00"))
    assert (answer.decision, answer.reasons, answer.warnings) == ("approved", [], ["over_limit", "overdue"])
    over, overdue = answer.findings
    assert over == {
        "rule": "over_limit",
        "effect": "warn",
        "figure": "1120.25",
        "threshold": "1000.00",
        "remedy": {"pay": "120.25", "order_less": "120.25"},
    }
    assert (overdue["figure"], overdue["threshold"], overdue["days"], overdue["remedy"]) == ("60.00", "0.00", 9, {"pay": "60.00"})


@pytest.mark.parametrize(("amount", "warned"), [("899.94", []), ("899.95", ["near_limit"]), ("1000.00", ["near_limit"]), ("1000.01", [])])
def test_an_order_that_comes_near_the_limit_passes_with_a_warning(amount: str, warned: list[str]) -> None:
    assert asked(DEFAULT, amount, LIMIT).warnings == warned


def test_an_order_that_becomes_smaller_is_never_refused_whatever_else_is_wrong() -> None:
    trouble = [LIMIT, late(1), told("account.blocked", "2026-06-01", version=1), order("O-1", "2026-06-01", line("1", value="5000.00"))]
    assert asked(policy(EVERY_RULE), "4999.99", *trouble).findings == []
    assert "over_limit" in asked(policy(EVERY_RULE), "5000.00", *trouble).reasons


def future(number: str, requested: str, amount: str = "400.00") -> Json:
    return order(number, "2026-06-01", line("1", value="1.00"), line("2", value=amount, requested=requested))


def test_what_is_requested_beyond_the_horizon_counts_when_time_brings_it_near() -> None:
    under = policy("horizon_days = 30")
    for on, gross in (("2026-06-29", "1.00"), ("2026-06-30", "401.00"), ("2026-12-31", "401.00")):
        _, known = figures(under, future("O-9", "2026-07-30"), on=on)
        assert (known.summary()["judged"]["gross"], known.summary()["exposure"]["orders"]) == (gross, "401.00")


def test_the_newest_text_of_the_day_says_when_a_line_is_requested() -> None:
    moved = told(
        "order.amended", "2026-06-10", order="O-9", version=2, currency="EUR", lines=[{"line": "2", "value": "400.00", "requested": "2026-12-01"}]
    )
    for on, gross in (("2026-06-09", "401.00"), ("2026-06-10", "0.00")):
        _, known = figures(policy("horizon_days = 60"), future("O-9", "2026-07-01"), moved, on=on)
        assert known.summary()["judged"]["gross"] == gross


def test_an_order_beyond_the_horizon_counts_whole_in_its_own_check() -> None:
    answer = asked(policy("horizon_days = 30"), "1000.00", LIMIT, future("O-1", "2027-01-01"))
    assert (answer.judged.gross, answer.reasons) == (100000, [])
    assert asked(policy("horizon_days = 30"), "1000.01", LIMIT, future("O-1", "2027-01-01")).reasons == ["over_limit"]


def test_figures_come_gross_and_net_and_name_the_version_that_judges() -> None:
    under = policy('[class.protection]\ninsurance = "off_exposure"\nguarantee = "adds_to_limit"')
    insured = told("protection.changed", "2026-01-01", protection="S-1", version=1, kind="insurance", amount="30.00", currency="EUR")
    _, known = figures(under, LIMIT, late(0), insured, protected("guarantee", "500.00"))
    summary = known.summary()
    assert summary["policy"] == under.version
    assert summary["judged"] == {"gross": "100.00", "protection": "530.00", "limit": "1500.00", "net": "70.00", "available": "1430.00"}
    assert (summary["exposure"]["total"], summary["limit"]["amount"], summary["available"]) == ("100.00", "1000.00", "900.00")


def test_protection_takes_no_exposure_below_nothing() -> None:
    _, known = figures(policy('[class.protection]\ninsurance = "off_exposure"'), LIMIT, late(0), protected("insurance", "100.01"))
    assert (known.judged.net, known.judged.available) == (0, 100000)
    _, known = figures(policy('[class.protection]\ninsurance = "off_exposure"'), payment("P", "2026-06-01", "5.00"), protected("insurance", "9.00"))
    assert known.judged.net == -500, "what we owe the customer is not insured"


def test_amounts_of_a_policy_are_converted_at_the_rate_of_the_day() -> None:
    under = policy('[class.largest_order]\namount = "100.00"', currency="USD")
    for on, amount, reasons in (("2026-06-30", "90.00", []), ("2026-06-30", "90.01", ["largest_order"]), ("2026-07-01", "80.01", ["largest_order"])):
        known = [LIMIT, rate("USD", "EUR", "2026-06-01", "0.9"), rate("USD", "EUR", "2026-07-01", "0.8")]
        assert asked(under, amount, *known, on=on).reasons == reasons
    with pytest.raises(NoRate):
        asked(under, "1.00", LIMIT)


def test_a_protection_without_a_rate_is_left_out_in_plain_sight() -> None:
    foreign = told("protection.changed", "2026-01-01", protection="G-1", version=1, kind="insurance", amount="50.00", currency="USD")
    _, known = figures(policy('[class.protection]\ninsurance = "off_exposure"'), LIMIT, late(0), foreign)
    assert known.judged.net == 10000
    assert known.findings()["anomalies"] == [{"code": "missing_rate", "kind": "currency", "document": "USD"}]


def test_the_class_of_the_account_says_the_rules() -> None:
    under = policy(more='[[class]]\nrisk_class = "C"\n[class.largest_order]\namount = "10.00"')
    for risk, reasons in (("A", []), ("C", ["largest_order"])):
        graded = told("customer.changed", "2026-02-01", **{**CUSTOMER, "version": 2, "risk_class": risk})
        assert asked(under, "10.01", LIMIT, graded).reasons == reasons


amounts = st.integers(1, 90000).map(lambda cents: shown(cents, "EUR"))


@st.composite
def troubles(draw: st.DrawFn) -> tuple[Policy, list[Json], str]:
    """A policy, a history and an order: small enough that thresholds are met often."""
    counts = draw(st.sampled_from(['["orders", "deliveries", "receivables", "unapplied", "reserved"]', '["orders", "receivables"]']))
    at_limit, off = draw(st.sampled_from(["passes", "fires"])), draw(st.sampled_from(["off_exposure", "adds_to_limit", "shown_only"]))
    rules = f"""
counts = {counts}
at_limit = "{at_limit}"
protection = {{ insurance = "{off}" }}
overdue = {{ days = 10, tolerance = "{draw(amounts)}", disputed = {draw(st.sampled_from(["true", "false"]))} }}
oldest_open_item = {{ days = 45 }}
largest_order = {{ amount = "{draw(amounts)}" }}
prepayment = {{ share = "0.{draw(st.integers(1, 9))}" }}
payment_term = {{ days = 25 }}
"""
    events = [limit("L-1", "2026-01-01", draw(amounts))] if draw(st.booleans()) else []
    events += [late(draw(st.integers(0, 40)), draw(amounts), f"I-{place}") for place in range(draw(st.integers(0, 3)))]
    if len(events) > 1 and draw(st.booleans()):
        events.append(told("dispute.opened", "2026-06-29", dispute="D", invoice="I-0", amount=draw(amounts)))
    events += [payment("P-1", "2026-06-01", draw(amounts))] if draw(st.booleans()) else []
    events += [protected("insurance", draw(amounts))] if draw(st.booleans()) else []
    events += [order("O-1", "2026-06-01", line("1", value=draw(amounts)))] if draw(st.booleans()) else []
    return policy(rules), events, draw(amounts)


def paid(rule: str, cents: int, under: Policy, events: list[Json]) -> list[Json]:
    """So much is paid: on the items that the rule is about, what is left to any."""
    if not cents:
        return events
    _, known = figures(under, *events)
    rules = under.classes[0]
    undisputed = rule == "oldest_open_item" or (rule == "overdue" and rules.overdue is not None and not rules.overdue.disputed)
    allocations, left = [], cents
    for item in sorted(open_items(known), key=lambda item: (concerned(rule, item), item["document"]), reverse=True):
        most = minor(item["open"], "EUR") - (minor(item["disputed"], "EUR") if undisputed else 0)
        part = min(left, most)
        if part:
            allocations.append(to(item["document"], shown(part, "EUR")))
            left -= part
    return [*events, payment("P-9", TODAY, shown(cents, "EUR"), *([] if rule == "prepayment" else allocations))]


def concerned(rule: str, item: Json) -> bool:
    return bool(item["days_overdue"] > {"overdue": 10, "oldest_open_item": 15}.get(rule, -1))


@settings(max_examples=500)
@given(troubles())
def test_a_remedy_is_enough_and_one_cent_less_is_not(trouble: tuple[Policy, list[Json], str]) -> None:
    under, events, amount = trouble
    for finding in asked(under, amount, *events).findings:
        rule, remedy = finding["rule"], finding.get("remedy", {})
        for less, still in ((0, False), (1, True)):
            if "pay" in remedy:
                settled = paid(rule, minor(remedy["pay"], "EUR") - less, under, events)
                assert (rule in named(asked(under, amount, *settled))) is still, (rule, remedy, less)
            if "order_less" in remedy:
                smaller = minor(amount, "EUR") - minor(remedy["order_less"], "EUR") + less
                assert (rule in named(asked(under, shown(smaller, "EUR"), *events))) is still, (rule, remedy, less)


def named(answer: Answer) -> list[str]:
    return [*answer.reasons, *answer.warnings]
