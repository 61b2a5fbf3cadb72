"""The list of all accounts: each row is what ``show`` says, totals add up, and sorting and filtering compare exactly."""

import csv
import io
import json
from decimal import Decimal
from itertools import repeat
from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Record, Source
from projections.account import Asked, NotKnownBefore, UnknownAccount, show
from projections.portfolio import portfolio
from projections.selection import FIELDS, BadSelection, Selection, selection
from service.sample import sample
from service.shown.sheet import write_sheet
from tests.command import exposure
from tests.stores import opened

pytestmark = pytest.mark.usefixtures("each_store")

LEFT_OUT = ("open_items", "reservations", "open_orders", "protection", "promises", "measures", "alerts")
HOUR = 3_600_000_000
FIRST, SECOND = 1_900_000_000_000_000, 1_900_000_000_000_000 + HOUR
"""When the two halves of the sample are recorded."""

DAYS = ("2024-02-15", "2024-04-30", "2024-07-01")


def event(type_: str, subject: str, time: str, **data: Any) -> bytes:
    return json.dumps(
        {"specversion": "1.0", "id": f"{subject}-{time}-{type_}", "source": "/t", "type": type_, "subject": subject, "time": time, "data": data}
    ).encode()


def invoice(subject: str, number: str, amount: str, due: str, currency: str = "EUR") -> bytes:
    told = {"invoice": number, "date": "2024-01-01", "currency": currency, "amount": amount, "due": due}
    return event("erp.invoice.posted.v1", subject, "2024-01-04T08:00:00Z", **told)


def fed(path: Path, *parts: tuple[int, list[bytes]]) -> Any:
    store = opened(path)
    for now, lines in parts:
        ledger = Ledger(store, repeat(now).__next__)
        ledger.take([Record(line, place) for place, line in enumerate(lines)], Source("test"))
    return store


@pytest.fixture(scope="module")
def sampled(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Any:  # noqa: ARG001 (a store of its kind)
    """2,000 events in two parts, with dead letters in each and one account taken on at a day between."""
    lines = list(sample(2000))
    taken_on = event("exposure.account.taken_on.v1", "C-1003", "2024-05-01T00:00:00Z", cut_over="2024-05-01")
    zone = event("erp.customer.changed.v1", "C-1002", "2025-01-01T00:00:00Z", version=99, name="Far", currency="EUR", timezone="Pacific/Kiritimati")
    broken = [invoice("C-1001", number, amount, "2024-03-01") for number, amount in (("X-1", "-5"), ("X-2", "1e3"))]
    path = tmp_path_factory.mktemp("list") / "exposure.db"
    return fed(path, (FIRST, [*lines[:1000], broken[0]]), (SECOND, [*lines[1000:], broken[1], taken_on, zone]))


def every_account(store: Any) -> list[str]:
    with store.reading() as moment:
        return moment.account_names()


@pytest.mark.parametrize("as_of", [*DAYS, None])
@pytest.mark.parametrize("known_at", [None, FIRST - 1, FIRST, FIRST + HOUR // 2, SECOND, SECOND + 1])
def test_the_list_is_what_show_says_of_every_account(sampled: Any, as_of: str | None, known_at: int | None) -> None:
    question = Asked(SECOND + HOUR, as_of, known_at)
    shown, unknown, not_known_before = [], [], []
    with sampled.reading() as moment:
        listed = portfolio(moment, question, Selection())
        for account in every_account(sampled):
            try:
                shown.append(show(moment, account, question))
            except UnknownAccount:
                unknown.append(account)
            except NotKnownBefore:
                not_known_before.append(account)
    assert listed["accounts"] == [{name: value for name, value in row.items() if name not in LEFT_OUT} for row in shown]
    assert listed["not_known_before"] == not_known_before
    assert listed["as_of"] == as_of
    if known_at is None:
        assert len(shown) + len(not_known_before) == len(every_account(sampled)) > 10
        assert any(row["dead_letters"] for row in shown)
    if known_at == FIRST - 1:
        assert not shown
    if known_at == FIRST:
        assert shown
        assert "C-1003" not in not_known_before  # nobody had yet said that it was taken on


def test_what_is_known_in_the_middle_is_neither_nothing_nor_all(sampled: Any) -> None:
    with sampled.reading() as moment:
        before, after = (portfolio(moment, Asked(SECOND, DAYS[1], known), Selection())["totals"] for known in (FIRST, None))
    assert before
    assert before != after


def test_accounts_taken_on_later_are_named_and_not_listed(sampled: Any) -> None:
    with sampled.reading() as moment:
        listed = portfolio(moment, Asked(SECOND, DAYS[0]), Selection())
    assert listed["not_known_before"] == ["C-1003"]
    assert "C-1003" not in [row["account"] for row in listed["accounts"]]


def test_each_account_has_its_own_day_where_none_is_asked(sampled: Any) -> None:
    with sampled.reading() as moment:
        rows = portfolio(moment, Asked(SECOND), Selection())["accounts"]
    days = {row["account"]: row["as_of"] for row in rows}
    assert days["C-1002"] > days["C-1001"]


def test_freshness_is_that_of_what_was_known(sampled: Any) -> None:
    last: dict[tuple[str, str], str] = {}
    for told in map(json.loads, list(sample(2000))[:1000]):
        if told["type"] != "erp.fx_rate.published.v1":
            place = told["subject"], told["source"]
            last[place] = max(last.get(place, ""), told["time"])
    with sampled.reading() as moment:
        rows = portfolio(moment, Asked(SECOND, DAYS[1], FIRST), Selection())["accounts"]
    assert {(row["account"], told["source"]): told["last_time"] for row in rows for told in row["sources"]} == last


@pytest.mark.parametrize("now", [SECOND + HOUR, SECOND + 12 * HOUR])
def test_on_the_edge_of_a_day_each_account_has_its_own_documents_and_rates(tmp_path: Path, now: int) -> None:
    """At 19:46 UTC it is tomorrow in Kiritimati already; at 06:46 UTC it is yesterday in Pago Pago still."""
    lines = []
    for account, zone in (("East", "Pacific/Kiritimati"), ("Mid", "UTC"), ("West", "Pacific/Pago_Pago")):
        time = "2030-01-01T00:00:00Z"
        lines.append(event("erp.customer.changed.v1", account, time, version=1, name=account, currency="EUR", timezone=zone))
        lines.append(invoice(account, "I-1", "10.00", "2030-02-01", "USD"))
        for number, day in enumerate(("2030-03-16", "2030-03-17", "2030-03-18", "2030-03-19")):
            told = {"invoice": f"N-{number}", "date": day, "currency": "EUR", "amount": f"{10**number}.00", "due": "2030-04-01"}
            lines.append(event("erp.invoice.posted.v1", account, f"{day}T00:00:00Z", **told))
            lines.append(event("erp.invoice.cancelled.v1", account, f"{day}T01:00:00Z", invoice=f"N-{number - 1}", date=day))
    for day, rate in (("2030-03-16", "2"), ("2030-03-17", "4"), ("2030-03-18", "5"), ("2030-03-19", "8")):
        lines.append(event("erp.fx_rate.published.v1", "EUR", f"{day}T00:00:00Z", base="EUR", quote="USD", rate=rate, date=day))
    store = fed(tmp_path / "exposure.db", (FIRST, lines))
    with store.reading() as moment:
        listed = portfolio(moment, Asked(now), Selection())["accounts"]
        shown = [show(moment, row["account"], Asked(now)) for row in listed]
    assert listed == [{name: value for name, value in row.items() if name not in LEFT_OUT} for row in shown]
    assert len({row["as_of"] for row in listed}) == len({row["exposure"]["total"] for row in listed}) == 2


def test_totals_are_the_sums_of_the_rows(sampled: Any) -> None:
    with sampled.reading() as moment:
        listed = portfolio(moment, Asked(SECOND, DAYS[2]), Selection())
    assert {row["currency"] for row in listed["accounts"]} == set(listed["totals"])
    for currency, total in listed["totals"].items():
        rows = [row for row in listed["accounts"] if row["currency"] == currency]
        assert total["accounts"] == len(rows)
        assert {name: Decimal(amount) for name, amount in total["exposure"].items()} == {
            name: sum(Decimal(row["exposure"][name]) for row in rows) for name in total["exposure"]
        }
        assert Decimal(total["overdue_amount"]) == sum(Decimal(row["overdue_amount"]) for row in rows)
        assert sum(map(Decimal, total["ageing"].values())) == sum(Decimal(total["exposure"][name]) for name in ("receivables", "unapplied"))


# Sorting and filtering


@pytest.fixture(scope="module")
def kept(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    return tmp_path_factory.mktemp("few") / "exposure.db"


@pytest.fixture(scope="module")
def few(kept: Path) -> Any:
    """B owes 9.50 without a limit, A 10.00 under 100.00, D 0.30 under none, E 7.00 unlimited, =F 2.00 and blocked, G only a dispute."""
    agreed = {"limit": "L", "version": 1, "kind": "base", "currency": "EUR", "valid_from": "2024-01-01"}
    limits = [
        event("erp.limit.changed.v1", account, "2024-01-01T00:00:00Z", amount=amount, **agreed)
        for account, amount in (("A", "100.00"), ("D", "none"), ("E", "unlimited"), ("=F", "20.00"))
    ]
    lines = [
        invoice("B", "I-1", "9.50", "2024-03-01"),
        invoice("A", "I-1", "10.00", "2024-01-02"),
        invoice("D", "I-1", "0.30", "2024-03-15"),
        invoice("E", "I-1", "7.00", "2024-05-01"),
        invoice("=F", "I-1", "2.00", "2024-03-14", "USD"),
        event("erp.account.blocked.v1", "=F", "2024-01-01T00:00:00Z", version=1, date="2024-01-01"),
        event("erp.customer.changed.v1", "=F", "2024-01-01T01:00:00Z", version=1, name="F", currency="USD"),
        event("erp.dispute.opened.v1", "G", "2024-01-01T00:00:00Z", dispute="D", date="2024-01-01", invoice="I", amount="1.00"),
        event("erp.fx_rate.published.v1", "EUR", "2024-01-01T00:00:00Z", base="EUR", quote="USD", rate="2", date="2024-01-01"),
    ]
    return fed(kept, (FIRST, lines + limits))


def listed_of(store: Any, *filters: str, sort: str | None = None, top: int | None = None) -> list[str]:
    with store.reading() as moment:
        return [row["account"] for row in portfolio(moment, Asked(FIRST, "2024-03-15"), selection(filters, sort, top))["accounts"]]


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("account", "=F A B D E G"),
        ("-account", "G E D B A =F"),
        ("total", "G D =F E B A"),
        ("-total", "A B E =F D G"),
        ("limit", "D =F A E B G"),
        ("-limit", "E A =F D B G"),
        ("available", "B D G =F A E"),
        ("-available", "E A =F G D B"),
        ("utilisation", "=F A B D E G"),
        ("-utilisation", "A =F B D E G"),
        ("days_overdue", "D E G =F B A"),
        ("currency", "A B D E =F G"),
        ("-blocked", "=F A B D E G"),
        ("1-30", "A D E G =F B"),
    ],
)
def test_the_list_is_sorted_by_any_figure(few: Any, sort: str, order: str) -> None:
    assert listed_of(few, sort=sort) == order.split()


@pytest.mark.parametrize(
    ("filters", "accounts"),
    [
        (["days_overdue>30"], "A"),
        (["days_overdue>=14"], "A B"),
        (["total>=9.5"], "A B"),
        (["total > 9.50"], "A"),
        (["total!=9.500"], "=F A D E G"),
        (["account=A"], "A"),
        (["account~*"], "=F A B D E G"),
        (["account~[A-D]"], "A B D"),
        (["account==F"], "=F"),
        (["currency=EUR", "blocked=false"], "A B D E"),
        (["blocked=true"], "=F"),
        (["limit>1000000"], "E"),
        (["limit=unlimited"], "E"),
        (["limit=none"], "D"),
        (["limit=null"], "B G"),
        (["limit!=null"], "=F A D E"),
        (["available<0"], "B D"),
        (["available>1000000000"], "E"),
        (["utilisation<0.06"], "=F"),
        (["currency=null"], "G"),
        (["61-90>0"], "A"),
        (["121+=0", "dead_letters=0", "unapplied=0", "reserved=0"], "=F A B D E G"),
    ],
)
def test_the_list_is_filtered_by_all_that_is_required(few: Any, filters: list[str], accounts: str) -> None:
    assert listed_of(few, *filters) == accounts.split()


@pytest.mark.parametrize(
    ("filters", "sort", "said"),
    [
        (["colour=red"], None, "no figure 'colour'; there are: account, currency, total"),
        (["total"], None, "is not a figure, an operator"),
        (["total>much"], None, "'much' is not a number"),
        (["total>1e3"], None, "'1e3' is not a number"),
        (["blocked>true"], None, "true or false"),
        (["total~1*"], None, "~ compares texts"),
        ([], "colour", "no figure 'colour'; there are: account"),
    ],
)
def test_what_cannot_be_understood_says_what_there_is(few: Any, filters: list[str], sort: str | None, said: str) -> None:
    with pytest.raises(BadSelection, match=said.replace("*", r"\*")):
        listed_of(few, *filters, sort=sort)


def test_every_field_has_a_value_or_none_in_every_row(few: Any) -> None:
    with few.reading() as moment:
        rows = portfolio(moment, Asked(FIRST, "2024-03-15"), Selection())["accounts"]
    kinds = {"text": str, "truth": bool, "number": Decimal}
    for field in FIELDS.values():
        assert all(isinstance(field.value(row), kinds[field.kind]) or field.value(row) is None for row in rows)


def test_totals_are_of_all_accounts_that_fulfil_the_filters_and_top_cuts_only_the_rows(few: Any) -> None:
    with few.reading() as moment:
        listed = portfolio(moment, Asked(FIRST, "2024-03-15"), selection(["currency=EUR"], "-total", 1))
    assert [row["account"] for row in listed["accounts"]] == ["A"]
    assert list(listed["totals"]) == ["EUR"]
    assert (listed["totals"]["EUR"]["accounts"], listed["totals"]["EUR"]["exposure"]["total"]) == (4, "26.80")
    assert listed["sources"] == [{"source": "/t", "last_time": "2024-01-04T08:00:00Z"}]


def test_a_sheet_has_a_row_for_each_account_and_no_formula(few: Any) -> None:
    with few.reading() as moment:
        rows = portfolio(moment, Asked(FIRST, "2024-03-15"), Selection())["accounts"]
    out = io.StringIO()
    write_sheet(rows, out)
    read = list(csv.DictReader(io.StringIO(out.getvalue())))
    assert [row["account"] for row in read] == ["'=F", "A", "B", "D", "E", "G"]
    by_account = {row["account"]: row for row in read}
    assert (by_account["B"]["available"], by_account["B"]["limit"], by_account["B"]["1-30"]) == ("-9.50", "", "9.50")
    assert (by_account["E"]["limit"], by_account["E"]["available"], by_account["'=F"]["blocked"]) == ("unlimited", "", "true")


# Through the command line


@pytest.fixture(scope="module")
def file(few: Any, kept: Path) -> Path:
    few.datastore.close()
    return kept


def test_the_command_lists_as_json_csv_and_table(file: Path) -> None:
    wanted = ["--sort", "-total", "--filter", "currency=EUR", "--filter", "total>1"]
    listed = exposure("list", "--as-of", "2024-03-15", *wanted, "--json", store=file).json
    assert [row["account"] for row in listed["accounts"]] == ["A", "B", "E"]
    assert set(listed) == {"accounts", "totals", "sources", "not_known_before", "policy", "as_of", "known_at"}
    sheet = exposure("list", "--as-of", "2024-03-15", "--csv", store=file)
    assert sheet.out.splitlines()[1].startswith("'=F,USD,2024-03-15,")
    table = exposure("list", "--as-of", "2024-03-15", store=file)
    assert "blocked" in table.out
    assert "unlimited" in table.out


@pytest.mark.parametrize("words", [["--filter", "nonsense"], ["--sort", "nonsense"], ["--csv"]])
def test_a_list_that_cannot_be_made_is_wrong_usage(file: Path, words: list[str]) -> None:
    said = exposure("list", *words, "--json", store=file)
    assert (said.exit_code, said.json["error"]["code"]) == (2, "usage")
