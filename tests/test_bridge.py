"""The way from one day's exposure to another's: opening and what happened add up to closing, whatever happened and in whatever order it arrived."""

from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.bridge import CAUSE_OF, Bridge, Conditions, bridge, caused
from exposure.figures import COMPONENTS
from exposure.ledger.window import Window
from exposure.rules.evolve import fold
from projections import bridge as bridging
from projections.account import Asked, UnknownAccount
from projections.account import show as shown
from projections.bridge import bridge_between
from projections.history import facts_known
from schemas.facts import MEASURES, PROMISES, STORED
from schemas.jsontext import read, written
from tests.command import exposure
from tests.folding import Books, Event
from tests.histories import arrivals, as_of_days, histories
from tests.reserving import books, record, reserved
from tests.stores import DAY, FAR, NOW, fed, given_back, opened, told_daily
from tests.test_branch_payments import BOTH, BRANCH, PARENT, of_parent, to_branch
from tests.test_branch_payments import invoice as billed_branch
from tests.test_branch_payments import payment as of_parents
from tests.test_reservation_laws import Life, lives
from tests.test_rules import ACCOUNT, CUSTOMER, order, told

EXAMPLE = Path(__file__).with_name("contract_example.jsonl")
HISTORIES = {"sqlite": 40, "postgresql": 5}
NAMES = (*COMPONENTS, "total")


def bridged(kept: Books, account: str, first: str, last: str) -> Bridge:
    facts = sorted(fact for document in kept.documents[account].values() for fact in document.facts)
    on = kept.on(account, last, None)
    currency = on.currency or "EUR"
    pairs = {code for base, quote, *_ in kept.rates for code in (base, quote)} - {currency}

    def rates(day: str) -> dict[str, tuple[int, int]]:
        return {code: rate for code in pairs if (rate := kept.rate(code, currency, day))}

    days = sorted({day for _, _, day, *_ in kept.rates})
    under = Conditions(currency, on.master.get("timezone", "UTC"), rates, days, ("", ""))
    return bridge(caused(account, facts), first, last, under)


def leads_from_figures_to_figures(kept: Books, account: str, first: str, last: str) -> Bridge:
    made = bridged(kept, account, first, last)
    for day, sums in ((first, made.opening), (last, made.closing)):
        figures = kept.show(account, day)
        assert figures is not None
        if figures["currency"] == kept.on(account, last, None).currency:
            assert {name: Decimal(figures["exposure"][name]) for name in COMPONENTS} == {
                name: Decimal(amount).scaleb(Decimal(figures["exposure"][name]).as_tuple().exponent) for name, amount in sums.items()
            }
    assert all(first < line.day <= last for line in made.lines)
    return made


def by_row(made: Bridge) -> dict[Any, int]:
    rows: dict[Any, int] = {}
    for line in made.lines:
        of = (line.day, line.cause, line.item, line.fact and line.fact.told)
        rows[of] = rows.get(of, 0) + line.amount
    return {of: amount for of, amount in rows.items() if amount}


@settings(max_examples=300)
@given(histories().flatmap(lambda history: st.tuples(arrivals(history), arrivals(history))), as_of_days(), as_of_days())
def test_opening_and_lines_add_up_to_closing_and_no_order_of_arrival_changes_a_line(
    arrived: tuple[list[Event], list[Event]], one: Any, other: Any
) -> None:
    first, last = sorted((one.isoformat(), other.isoformat()))
    kept, otherwise = (Books().take_all(events) for events in arrived)
    for account in kept.heads:
        made = leads_from_figures_to_figures(kept, account, first, last)
        if kept.on(account, last, None).currency == otherwise.on(account, last, None).currency:
            assert by_row(made) == by_row(bridged(otherwise, account, first, last))


@settings(max_examples=300)
@given(lives(), st.integers(4, 16), st.integers(4, 16))
def test_reservations_come_go_and_run_out_on_their_days(life: Life, one: int, other: int) -> None:
    first, last = (f"2026-01-{day:02}" for day in sorted((one, other)))
    kept = books(life.arrived)
    for account in kept.heads:
        leads_from_figures_to_figures(kept, account, first, last)


def test_every_fact_has_its_row() -> None:
    agreed = ("CustomerChanged", "LimitChanged", "ProtectionChanged", "AccountBlocked", "AccountUnblocked", "AccountTakenOn", "FxRatePublished")
    owed_as_before = ("DisputeOpened", "DisputeResolved", *PROMISES, *MEASURES)
    assert set(CAUSE_OF) == set(STORED.values()) - {*agreed, *owed_as_before}


def amounts(made: Bridge) -> list[Any]:
    return [(line.day, line.cause, line.item.component, line.amount) for line in made.lines]


def test_an_invoice_told_after_its_payment_is_still_the_invoice() -> None:
    paid = told("payment.received", "2026-01-20", payment="P", currency="EUR", amount="60.00", allocations=[{"invoice": "I", "amount": "60.00"}])
    billed = told("invoice.posted", "2026-01-10", invoice="I", currency="EUR", amount="100.00", due="2026-02-10")
    for arrived in ([paid, billed], [billed, paid]):
        made = bridged(Books().take_all(arrived), "C-1001", "2026-01-01", "2026-01-31")
        assert amounts(made) == [("2026-01-10", "invoices", "receivables", 10000), ("2026-01-20", "payments", "receivables", -6000)]


def test_money_of_another_account_that_goes_and_comes_again_was_returned_there() -> None:
    events = [
        *BOTH,
        billed_branch("I", "2026-01-02", "500.00"),
        of_parents("P", "2026-01-10", "700.00", to_branch("I", "400.00")),
        of_parent("payment.returned", "2026-01-20", payment="P"),
        of_parent("payment.return_cancelled", "2026-01-25", payment="P"),
    ]
    for arrived in (events, events[::-1]):
        made = bridged(Books().take_all(arrived), BRANCH, "2026-01-05", "2026-01-31")
        assert amounts(made) == [
            ("2026-01-10", "payments", "receivables", -40000),
            ("2026-01-20", "returned_payments", "receivables", 40000),
            ("2026-01-25", "returned_payments", "receivables", -40000),
        ]


def test_what_lacks_a_rate_is_left_out_in_plain_sight() -> None:
    customer = told("customer.changed", "2026-01-01", version=1, name="Acme", currency="EUR")
    billed = told("invoice.posted", "2026-01-10", invoice="I", currency="USD", amount="100.00", due="2026-02-10")
    rate = told("fx_rate.published", "2026-01-20", subject="USD", base="USD", quote="EUR", rate="0.90")
    kept = Books().take_all([customer, billed, rate])
    assert bridged(kept, "C-1001", "2026-01-01", "2026-01-31").without_rate == ["USD"], "it is worth something only from the 20th on"
    assert bridged(kept, "C-1001", "2026-01-01", "2026-01-09").without_rate == []
    assert bridged(kept, "C-1001", "2026-01-20", "2026-01-31").without_rate == []


def test_the_bridge_says_that_something_lacks_a_rate(store: Any, path: Path) -> None:
    customer = told("customer.changed", "2026-01-01", version=1, name="Acme", currency="JPY")
    order = told("order.confirmed", "2026-01-10", order="O", version=1, currency="EUR", lines=[{"line": "1", "value": "5.00"}])
    fed(store, [written(customer), written(order)])
    store.datastore.close()
    words = ("bridge", "C-1001", "--from", "2026-01-05", "--to", "2026-01-31")
    assert exposure(*words, "--json", store=path).json["without_rate"] == ["EUR"]
    assert "for want of a rate into JPY: what is in EUR" in exposure(*words, store=path).out


class Unwalked(dict[str, Any]):
    """The documents of an account that may be long: looked up, and never gone through."""

    def keys(self) -> Any:
        raise AssertionError("all documents were gone through")

    values = items = __iter__ = keys


def test_a_fact_more_costs_as_much_however_many_documents_there_are() -> None:
    told_in_order = [*BOTH, billed_branch("I", "2026-01-02", "500.00"), of_parents("P", "2026-01-10", "700.00", {"invoice": "J", "amount": "1.00"})]
    facts = sorted(fact for document in Books().take_all(told_in_order).documents[PARENT].values() for fact in document.facts)
    documents = Unwalked()
    for fact in facts:
        fold(PARENT, fact, documents)
    assert "invoice:J" in documents


def test_a_foreign_invoice_is_valued_anew_on_every_day_that_has_a_rate() -> None:
    customer = told("customer.changed", "2026-01-01", version=1, name="Acme", currency="EUR")
    billed = told("invoice.posted", "2026-01-10", invoice="I", currency="USD", amount="100.00", due="2026-02-10")
    told_rates = (("2026-01-01", "0.90"), ("2026-01-15", "0.95"))
    rates = [told("fx_rate.published", day, subject="USD", base="USD", quote="EUR", rate=rate) for day, rate in told_rates]
    made = bridged(Books().take_all([customer, billed, *rates]), "C-1001", "2026-01-05", "2026-01-31")
    assert amounts(made) == [("2026-01-10", "invoices", "receivables", 9000), ("2026-01-15", "rates", "receivables", 500)]


def test_a_reservation_that_time_ends_has_expired() -> None:
    customer = told("customer.changed", "2026-01-01", version=1, name="Acme", currency="EUR")
    kept = books([customer, reserved("O-1", "2026-01-05T10:00:00", "80.00", "2026-01-08T10:00:00")])
    made = bridged(kept, "C-1001", "2026-01-04", "2026-01-31")
    assert amounts(made) == [("2026-01-05", "reservations", "reserved", 8000), ("2026-01-08", "expired", "reserved", -8000)]


def adds_up(bridge: Any) -> None:
    sums = {name: Decimal(bridge["opening"][name]) for name in NAMES}
    for name in NAMES:
        assert sums[name] + sum(Decimal(one[name]) for one in bridge["causes"]) == Decimal(bridge["closing"][name])
    for day in bridge["days"]:
        assert sums == {name: Decimal(day["opening"][name]) for name in NAMES}, day["day"]
        for one in day["causes"]:
            for name in NAMES:
                sums[name] += Decimal(one[name])
                if name != "total":
                    assert Decimal(one[name]) == sum(Decimal(document["amounts"].get(name, 0)) for document in one["documents"])
        assert sums == {name: Decimal(day["closing"][name]) for name in NAMES}
    assert sums == {name: Decimal(bridge["closing"][name]) for name in NAMES}
    versions = {version for day in bridge["days"] for one in day["causes"] for document in one["documents"] for version in document["versions"]}
    assert versions == {event["version"] for event in bridge["events"]}


def test_through_a_store_it_leads_from_what_is_shown_to_what_is_shown(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    @given(histories().flatmap(arrivals), as_of_days(), as_of_days(), st.integers(0, 12) | st.none())
    @settings(max_examples=HISTORIES[each_store])
    def of_any(history: list[Event], one: Any, other: Any, later: int | None) -> None:
        first, last = sorted((one.isoformat(), other.isoformat()))
        known_at = None if later is None else NOW + later * DAY
        with given_back():
            store = told_daily(tmp_path_factory.mktemp("history") / "exposure.db", history)
            with store.reading() as moment:
                for account in moment.account_names():
                    try:
                        ends = [shown(moment, account, Asked(FAR, day, known_at)) for day in (first, last)]
                    except UnknownAccount:
                        continue
                    between = bridge_between(moment, account, first, Asked(FAR, last, known_at))
                    adds_up(between)
                    for name, figures in zip(("opening", "closing"), ends, strict=True):
                        if figures["currency"] == between["currency"]:
                            assert between[name] == figures["exposure"]

    of_any()


class Every(set[str]):
    def __contains__(self, _: object) -> bool:
        return True


def whole(moment: Any, stored: Any, first: str, last: str, version: int | None) -> Window:  # noqa: ARG001 - whatever the days are
    """Every document of an account, and all that was told of it."""
    return Window(Every(), list(facts_known(moment, stored.head.account, version)))


def test_the_documents_of_its_days_say_what_all_documents_of_the_account_do(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    @given(histories().flatmap(arrivals), as_of_days(), as_of_days(), st.integers(0, 12) | st.none())
    @settings(max_examples=5 * HISTORIES[each_store])
    def of_any(history: list[Event], one: Any, other: Any, later: int | None) -> None:
        first, last = sorted((one.isoformat(), other.isoformat()))
        asked = Asked(FAR, last, None if later is None else NOW + later * DAY)
        with given_back():
            store = told_daily(tmp_path_factory.mktemp("history") / "exposure.db", history)
            with store.reading() as moment:
                for account in moment.account_names():
                    with suppress(UnknownAccount):
                        of_its_days = bridge_between(moment, account, first, asked)
                        with pytest.MonkeyPatch.context() as patched:
                            patched.setattr(bridging, "between", whole)
                            assert bridge_between(moment, account, first, asked) == of_its_days

    of_any()


@pytest.mark.usefixtures("each_store")
def test_what_each_order_takes_of_its_reservation_is_told_of_the_order_however_many_there_are(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    fed(store, [written(told("customer.changed", "2026-01-01", **CUSTOMER))])
    for month in range(1, 8):
        record(store, reserved(f"O-{month}", f"2026-0{month}-05T10:00:00", "80.00", name=f"R-{month}"), NOW + month * DAY)
        fed(store, [written(order(f"O-{month}", f"2026-0{month}-10", {"line": "1", "value": "80.00"}))], now=NOW + month * DAY)
    with store.reading() as moment:
        made = bridge_between(moment, ACCOUNT, "2026-01-01", Asked(FAR, "2026-12-31"))
    by_cause = [(one["cause"], one["orders"], one["reserved"]) for one in made["causes"]]
    assert by_cause == [("orders", "560.00", "-560.00"), ("reservations", "0.00", "560.00")]


@pytest.mark.usefixtures("each_store")
def test_the_command_line_knows_it(store: Any, path: Path) -> None:
    fed(store, EXAMPLE.read_bytes().splitlines())
    store.datastore.close()
    said = exposure("bridge", "C-1001", "--from", "2026-01-06", "--to", "2026-02-20", "--json", store=path)
    assert said.exit_code == 0
    assert [one["cause"] for one in said.json["causes"]] == ["deliveries", "invoices", "payments"]
    assert [day["day"] for day in said.json["days"]] == ["2026-01-10", "2026-01-12", "2026-02-16"]
    assert read(written(said.json["closing"]))["total"] == "400.00"
    lines = exposure("bridge", "C-1001", "--from", "2026-01-06", "--to", "2026-02-20", store=path).out
    assert "invoice I-9 #6" in lines
    assert exposure("bridge", "C-1001", "--from", "2026-02-20", "--to", "2026-01-06", store=path).exit_code == 2
