"""A receivables CSV becomes contract events: what a row tells, what is refused, what comes over at a cut-over."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from consumers.mapping import Mapping, MappingError, mapping_named
from consumers.receivables import Event, Refusal, events_of
from tests.ageing_from_csv import by_customer

REAL = Path(__file__).parents[2] / "shared" / "data" / "ibm-accounts-receivable.csv"

HEADER = "Customer,Invoice,Dated,Due,Amount,Disputed,Paid\n"
OPEN = "C-1,I-1,2026-01-10,2026-02-09,100.00,no,\n"
PAID = "C-1,I-2,2026-01-12,2026-02-11,50.5,no,2026-02-20\n"
DISPUTED = "C-2,I-3,2026-01-15,2026-02-14,7,YES,\n"
DISPUTED_AND_PAID = "C-2,I-4,2026-03-01,2026-03-31,8.10,yes,2026-03-20\n"
PAID_AHEAD = "C-3,I-5,2026-03-10,2026-04-09,30.00,no,2026-02-01\n"
SMALL_LEDGER = HEADER + OPEN + PAID + DISPUTED + DISPUTED_AND_PAID + PAID_AHEAD

MAPPING = """
date_format = "%Y-%m-%d"
currency = "EUR"
[columns]
account = "Customer"
invoice = "Invoice"
invoice_date = "Dated"
due_date = "Due"
amount = "Amount"
[settled]
column = "Paid"
[disputed]
column = "Disputed"
yes = ["yes"]
no = ["no"]
"""
WITH_NAMES = MAPPING + '[customer]\nname = "Customer"\n'


def told(text: str | bytes, mapping: str = MAPPING, cut_over: date | None = None) -> tuple[list[Event], list[Refusal]]:
    data = text.encode() if isinstance(text, str) else text
    read = Mapping.read(mapping, where="mapping")
    results = list(events_of(io.BytesIO(data), read, source="/csv/test", cut_over=cut_over))
    return [it for it in results if isinstance(it, dict)], [it for it in results if isinstance(it, Refusal)]


def events(text: str | bytes, mapping: str = MAPPING, cut_over: date | None = None) -> list[Event]:
    taken, refused = told(text, mapping, cut_over)
    assert refused == []
    return taken


def refusal(row: str | bytes, mapping: str = MAPPING) -> tuple[str | None, str]:
    """Where and why a row is refused, standing between two good ones that are taken."""
    data = row.encode() if isinstance(row, str) else row
    taken, refused = told(HEADER.encode() + OPEN.encode() + data + b"\n" + PAID.encode(), mapping)
    assert ids(taken) == ["I-1/posted", "I-2/posted", "I-2/paid"]
    (only,) = refused
    assert (only.line, only.raw) == (3, data + b"\n")
    return only.column, only.reason


def ids(taken: Iterable[Event]) -> list[str]:
    return [event["id"] for event in taken]


def wrong(mapping: str, text: str = HEADER) -> str:
    with pytest.raises(MappingError) as caught:
        told(text, mapping)
    return str(caught.value)


# What a row tells


def test_an_open_invoice_is_one_event_dated_and_told_on_its_date() -> None:
    (posted,) = events(HEADER + OPEN)
    assert posted == {
        "specversion": "1.0",
        "id": "I-1/posted",
        "source": "/csv/test",
        "type": "erp.invoice.posted.v1",
        "subject": "C-1",
        "time": "2026-01-10T00:00:00Z",
        "data": {"invoice": "I-1", "date": "2026-01-10", "currency": "EUR", "amount": "100.00", "due": "2026-02-09"},
    }


def test_a_settled_invoice_is_paid_in_full_on_its_settled_date() -> None:
    _, paid = events(HEADER + PAID)
    assert (paid["id"], paid["type"], paid["time"]) == ("I-2/paid", "erp.payment.received.v1", "2026-02-20T00:00:00Z")
    assert paid["data"] == {
        "payment": "P-I-2",
        "date": "2026-02-20",
        "currency": "EUR",
        "amount": "50.50",
        "allocations": [{"invoice": "I-2", "amount": "50.50"}],
    }


def test_a_dispute_covers_the_whole_invoice_from_its_date_until_it_is_settled() -> None:
    _, opened, resolved, _ = events(HEADER + DISPUTED_AND_PAID)
    assert opened["type"] == "erp.dispute.opened.v1"
    assert opened["data"] == {"dispute": "D-I-4", "date": "2026-03-01", "invoice": "I-4", "amount": "8.10"}
    assert (resolved["type"], resolved["time"]) == ("erp.dispute.resolved.v1", "2026-03-20T00:00:00Z")
    assert resolved["data"] == {"dispute": "D-I-4", "date": "2026-03-20"}


@pytest.mark.parametrize(("row", "count"), [(OPEN, 1), (PAID, 2), (DISPUTED, 2), (DISPUTED_AND_PAID, 4)])
def test_a_row_tells_no_more_than_it_says(row: str, count: int) -> None:
    assert len(events(HEADER + row)) == count


def test_a_customer_is_told_once_and_only_where_the_mapping_names_customers() -> None:
    assert "erp.customer.changed.v1" not in {event["type"] for event in events(SMALL_LEDGER)}
    changed = [event for event in events(SMALL_LEDGER, WITH_NAMES) if event["type"] == "erp.customer.changed.v1"]
    assert ids(changed) == ["I-1/customer", "I-3/customer", "I-5/customer"]
    assert changed[0]["data"] == {"version": 1, "name": "C-1", "currency": "EUR"}


def test_the_order_of_the_rows_never_gives_one_id_two_contents() -> None:
    rows = SMALL_LEDGER.splitlines(keepends=True)[1:]
    there = {event["id"]: event for event in events(HEADER + "".join(rows), WITH_NAMES)}
    back = {event["id"]: event for event in events(HEADER + "".join(reversed(rows)), WITH_NAMES)}
    assert all(there[name] == back[name] for name in there.keys() & back.keys())
    assert {name for name in there if not name.endswith("/customer")} <= back.keys()


def test_a_newer_export_of_the_ledger_adds_events_and_changes_none() -> None:
    (before,) = events(HEADER + OPEN)
    after = events(HEADER + OPEN.replace("no,", "no,2026-02-01"))
    assert after[0] == before
    assert ids(after) == ["I-1/posted", "I-1/paid"]


def test_invoice_numbers_may_repeat_across_accounts_where_the_mapping_says_so() -> None:
    same = OPEN + OPEN.replace("C-1", "C/2")
    assert ids(events(HEADER + same)) == ["I-1/posted", "I-1/posted"]
    per_account = 'invoice_numbers = "unique-per-account"\n' + MAPPING
    assert ids(events(HEADER + same, per_account)) == ["C-1/I-1/posted", "C%2F2/I-1/posted"]


# How a file may be written


@pytest.mark.parametrize(
    ("options", "written", "amount"),
    [
        ("", "0.50", "0.50"),
        ("", ".5", "0.50"),
        ("", "007", "7.00"),
        ("", "1.2000", "1.20"),
        ('thousands = ","', '"1,234,567.8"', "1234567.80"),
        ('decimal = ","', '"12,5"', "12.50"),
        ('decimal = ","\nthousands = "."', '"1.234,56"', "1234.56"),
        ("", "9" * 40 + ".01", "9" * 40 + ".01"),
    ],
)
def test_an_amount_keeps_every_digit_and_takes_the_currencys_decimals(options: str, written: str, amount: str) -> None:
    (posted,) = events(HEADER + OPEN.replace("100.00", written), options + MAPPING)
    assert posted["data"]["amount"] == amount


def test_a_currency_column_decides_the_decimals_of_its_row() -> None:
    mapping = MAPPING.replace('currency = "EUR"', "").replace('"Amount"', '"Amount"\ncurrency = "Unit"')
    header = HEADER.replace("\n", ",Unit\n")
    units = [(OPEN.replace("100.00", "5"), "JPY"), (PAID, "KWD"), (DISPUTED, "usd"), (DISPUTED_AND_PAID, "JPY")]
    taken, refused = told(header + "".join(row.replace("\n", f",{unit}\n") for row, unit in units), mapping)
    amounts = [(event["data"]["currency"], event["data"]["amount"]) for event in taken]
    assert amounts == [("JPY", "5"), ("KWD", "50.500"), ("KWD", "50.500")]
    assert [(it.line, it.column) for it in refused] == [(4, "Unit"), (5, "Amount")]


def test_excels_marks_delimiters_and_line_ends_are_read() -> None:
    taken = events(HEADER + OPEN + PAID)
    assert events(b"\xef\xbb\xbf" + (HEADER + OPEN + PAID).replace("\n", "\r\n").encode()) == taken
    semicolons = 'delimiter = ";"\nencoding = "utf-16"\n' + MAPPING
    assert events((HEADER + OPEN + PAID).replace(",", ";").encode("utf-16"), semicolons) == taken
    assert events(HEADER + "\n" + OPEN + ",,,,,,\n" + PAID.rstrip("\n")) == taken


def test_a_text_stream_is_read_as_well_and_no_file_is_closed() -> None:
    mapping = Mapping.read(MAPPING, where="mapping")
    text, binary = io.StringIO("\ufeff" + HEADER + OPEN), io.BytesIO((HEADER + OPEN).encode())
    assert list(events_of(text, mapping, source="s")) == list(events_of(binary, mapping, source="s"))
    assert not text.closed
    assert not binary.closed


def test_a_value_that_means_still_open_is_no_settled_date() -> None:
    still_open = MAPPING.replace('"Paid"', '"Paid"\nstill_open = ["0000-00-00"]')
    assert ids(events(HEADER + OPEN.replace("no,", "no,0000-00-00"), still_open)) == ["I-1/posted"]


def test_cells_span_lines_only_where_the_mapping_says_so_and_a_stray_quote_spoils_one_row() -> None:
    mapping = "cells_span_lines = true\n" + WITH_NAMES.replace('name = "Customer"', 'name = "Name"')
    header, named = HEADER.replace("\n", ",Name\n"), OPEN.replace("\n", ',"Smith\nand Sons"\n')
    stray = DISPUTED.replace("\n", ',"Jones\n')
    inches = PAID.replace("C-1", 'C-9"').replace("\n", ",Smith\n")
    taken, refused = told(header + named + stray + inches + PAID.replace("\n", ",Smith\n") * 30, mapping)
    assert taken[0]["data"]["name"] == "Smith\nand Sons"
    assert [event["subject"] for event in taken] == ["C-1"] * 2 + ['C-9"'] * 3 + ["C-1"] * 60
    assert [it.line for it in refused] == [4]
    _, refused = told(header + named + PAID.replace("\n", ",Smith\n"), mapping.replace("true", "false"))
    assert [it.line for it in refused] == [2, 3]


# What is refused


@pytest.mark.parametrize(
    ("row", "column", "reason"),
    [
        ("C-1,I-9,31.01.2026,2026-02-09,1.00,no,", "Dated", "not a date written as %Y-%m-%d"),
        ("C-1,I-9,2026-01-10,2026-02-30,1.00,no,", "Due", "not a date"),
        ("C-1,I-9,2026-01-10,,1.00,no,", "Due", "empty"),
        ("C-1,I-9,2026-01-10,2026-02-09,1.00,no,soon", "Paid", "not a date"),
        ("C-1,I-9,2026-01-10,2026-02-09,1e2,no,", "Amount", "not an amount"),
        ("C-1,I-9,2026-01-10,2026-02-09,NaN,no,", "Amount", "not an amount"),
        ("C-1,I-9,2026-01-10,2026-02-09,.,no,", "Amount", "not an amount"),
        ('C-1,I-9,2026-01-10,2026-02-09,"1,234.00",no,', "Amount", "not an amount"),
        ("C-1,I-9,2026-01-10,2026-02-09,,no,", "Amount", "empty"),
        ("C-1,I-9,2026-01-10,2026-02-09,-5.00,no,", "Amount", "negative"),
        ("C-1,I-9,2026-01-10,2026-02-09,(5.00),no,", "Amount", "negative"),
        ("C-1,I-9,2026-01-10,2026-02-09,5.00-,no,", "Amount", "negative"),
        ("C-1,I-9,2026-01-10,2026-02-09,1.005,no,", "Amount", "more than the 2 decimals of its currency"),
        ("C-1,I-9,2026-01-10,2026-02-09,1.00,perhaps,", "Disputed", "neither yes"),
        (" ,I-9,2026-01-10,2026-02-09,1.00,no,", "Customer", "empty"),
        ("C-1,,2026-01-10,2026-02-09,1.00,no,", "Invoice", "empty"),
        ("C-1,I-9,2026-01-10,2026-02-09", "Amount", "missing: the row has 4 cells"),
        ("C-1,I-9,2026-01-10,2026-02-09,1,00,no,", None, "8 cells"),
        ('C-1,"I-9,2026-01-10,2026-02-09,1.00,no,', None, "not a CSV row"),
        (b"C-\xe9,I-9,2026-01-10,2026-02-09,1.00,no,", "Customer", "no text in utf-8-sig"),
        ("C-1,I-9,2026-01-10,2026-02-09,1.00,no," + "x" * 200_000, None, "not a CSV row"),
    ],
)
def test_a_bad_row_is_refused_whole_by_line_column_and_reason_and_the_others_go_on(row: str | bytes, column: str | None, reason: str) -> None:
    where, why = refusal(row)
    assert where == column
    assert reason in why


@pytest.mark.parametrize(
    ("row", "account"),
    [
        ("C-1,I-9,2026-01-10,2026-02-30,1.00,no,", "C-1"),
        ("C-1,,2026-01-10,2026-02-09,1.00,no,", "C-1"),
        ("C-1,I-9,2026-01-10", "C-1"),
        (b"C-1,I-\xe9,2026-01-10,2026-02-09,1.00,no,", "C-1"),
        (b"C-\xe9,I-9,2026-01-10,2026-02-09,1.00,no,", None),
        (b"C-\xe9,I-9,2026-01-10", None),
        (" ,I-9,2026-01-10,2026-02-09,1.00,no,", None),
        ("C-\x01,I-9,2026-01-10,2026-02-30,1.00,no,", None),
        ("x" * 251 + ",I-9,2026-01-10,2026-02-30,1.00,no,", None),
        ("C-1,I-9,2026-01-10,2026-02-09,1,00,no,", None),
        ('C-1,"I-9,2026-01-10,2026-02-09,1.00,no,', None),
    ],
)
def test_a_refused_row_belongs_to_its_account_where_its_cells_can_be_told_apart(row: str | bytes, account: str | None) -> None:
    data = row.encode() if isinstance(row, str) else row
    _, (only,) = told(HEADER.encode() + data + b"\n")
    assert only.account == account


def test_a_reason_never_spells_a_cell() -> None:
    mapping = MAPPING.replace('currency = "EUR"', "").replace('"Amount"', '"Amount"\ncurrency = "Unit"')
    header = HEADER.replace("\n", ",Unit\n")
    good = dict(zip(header.rstrip().split(","), OPEN.replace("\n", ",EUR").split(","), strict=True))
    secret = "A. Secret"
    for column in ("Dated", "Due", "Amount", "Disputed", "Paid", "Unit"):
        for cell in (secret, f"-{secret}", f"({secret})"):
            _, (only,) = told(f"{header}{','.join((good | {column: cell}).values())}\n", mapping)
            assert (only.column, only.account) == (column, "C-1")
            assert "Secret" not in str(only)


def test_a_wrong_mark_for_decimals_is_never_read_as_thousands() -> None:
    mapping = 'decimal = ","\nthousands = "."\n' + MAPPING
    assert refusal_amount("100.00", mapping) == "Amount"
    assert refusal_amount("1.00", mapping) == "Amount"
    assert refusal_amount("1234.567", mapping) == "Amount"


def refusal_amount(written: str, mapping: str) -> str | None:
    taken, (only,) = told(HEADER + OPEN.replace("100.00", written), mapping)
    assert taken == []
    return only.column


def test_a_refused_row_does_not_use_up_the_customers_one_telling() -> None:
    taken, refused = told(HEADER + OPEN.replace("100.00", "much") + PAID, WITH_NAMES)
    assert ids(taken) == ["I-2/customer", "I-2/posted", "I-2/paid"]
    assert str(refused[0]).startswith("line 2, column Amount: not an amount")


# Taking on at a cut-over


def test_at_a_cut_over_only_what_is_open_comes_over_with_its_own_dates() -> None:
    taken = events(SMALL_LEDGER, cut_over=date(2026, 2, 20))
    assert ids(taken) == [
        "C-1/taken-on/2026-02-20",
        "I-1/posted",
        "C-2/taken-on/2026-02-20",
        "I-3/posted",
        "I-3/disputed",
        "I-4/posted",
        "I-4/disputed",
        "I-4/dispute-resolved",
        "I-4/paid",
        "C-3/taken-on/2026-02-20",
        "I-5/posted",
        "I-5/paid",
    ]
    assert taken[0]["type"] == "exposure.account.taken_on.v1"
    assert (taken[0]["time"], taken[0]["data"]) == ("2026-02-20T00:00:00Z", {"cut_over": "2026-02-20"})
    assert taken[1] == events(HEADER + OPEN)[0]


def test_what_is_settled_a_day_after_the_cut_over_still_comes_over() -> None:
    assert ids(events(HEADER + PAID, cut_over=date(2026, 2, 19)))[1:] == ["I-2/posted", "I-2/paid"]
    assert events(HEADER + PAID, cut_over=date(2026, 2, 20)) == []


def test_a_named_customer_with_nothing_open_is_taken_on_all_the_same() -> None:
    taken = events(HEADER + PAID, WITH_NAMES, cut_over=date(2026, 2, 20))
    assert ids(taken) == ["C-1/taken-on/2026-02-20", "I-2/customer"]


def figures(taken: Iterable[Event], day: date) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    """Receivables, disputed and unapplied by account: a fold for one invoice, one payment, at most one dispute."""
    by_day = [event for event in taken if event["data"].get("date", "9999") <= str(day)]
    amounts: dict[str, dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
    for event in by_day:
        kind, number = event["type"].split(".", 1)[1], event["id"].rsplit("/", 1)[0]
        amounts[event["subject"]][number][kind] = event["data"]
    sums: dict[str, tuple[Decimal, Decimal, Decimal]] = {}
    for account, documents in amounts.items():
        receivables = disputed = unapplied = Decimal(0)
        for document in documents.values():
            posted, paid = document.get("invoice.posted.v1"), document.get("payment.received.v1")
            if posted and not paid:
                receivables += Decimal(posted["amount"])
            if paid and not posted:
                unapplied -= Decimal(paid["amount"])
            if "dispute.opened.v1" in document and "dispute.resolved.v1" not in document:
                disputed += Decimal(document["dispute.opened.v1"]["amount"])
        sums[account] = receivables, disputed, unapplied
    return {account: found for account, found in sums.items() if any(found)}


def second_reading(path: Path, day: date) -> dict[str, tuple[Decimal, Decimal, Decimal]]:
    found = {customer: (it["receivables"], it["disputed"], it["ageing"]["unapplied"]) for customer, it in by_customer(path, day).items()}
    return {customer: it for customer, it in found.items() if any(it)}


IBM_HEADER = "customerID,invoiceNumber,InvoiceDate,DueDate,InvoiceAmount,Disputed,SettledDate\n"
IBM_LEDGER = (
    IBM_HEADER
    + "A,01,1/1/2026,1/31/2026,100,No,\n"  # open
    + "A,02,1/1/2026,1/31/2026,20.5,Yes,3/1/2026\n"  # disputed until settled
    + "A,03,2/1/2026,3/3/2026,7.25,No,2/1/2026\n"  # settled on its date
    + "B,04,3/1/2026,3/31/2026,9,No,2/10/2026\n"  # paid ahead
)


@pytest.mark.parametrize("day", [date(2025, 12, 31) + timedelta(days=n) for n in (0, 1, 31, 32, 41, 59, 60, 61, 200)])
def test_from_the_cut_over_on_the_figures_are_those_of_the_whole_ledger(tmp_path: Path, day: date) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(IBM_LEDGER)
    mapping = mapping_named("ibm-receivables")
    for cut_over in (None, date(2025, 12, 31), min(day, date(2026, 2, 28)), day):
        with path.open("rb") as file:
            taken = [it for it in events_of(file, mapping, source="s", cut_over=cut_over) if isinstance(it, dict)]
        assert figures(taken, day) == second_reading(path, day)


def test_the_second_reading_ages_what_is_open_by_due_date(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(IBM_LEDGER)
    january, february = by_customer(path, date(2026, 1, 31)), by_customer(path, date(2026, 2, 28))
    assert (january["A"]["days_overdue"], january["A"]["overdue_amount"]) == (0, 0)
    assert january["A"]["ageing"]["not_due"] == january["A"]["receivables"] == Decimal("120.5")
    assert (february["A"]["days_overdue"], february["A"]["overdue_amount"]) == (28, Decimal("120.5"))
    assert (february["A"]["ageing"]["1-30"], february["A"]["disputed"]) == (Decimal("120.5"), Decimal("20.5"))
    assert february["B"]["ageing"]["unapplied"] == -9
    ends = {"1-30": (1, 30), "31-60": (31, 60), "61-90": (61, 90), "91-120": (91, 120), "121+": (121, 999)}
    for bucket, days in ends.items():
        for n in days:
            assert by_customer(path, date(2026, 1, 31) + timedelta(days=n))["A"]["ageing"][bucket] >= 100


def test_an_item_disputed_in_full_is_overdue_money_and_no_days_overdue(tmp_path: Path) -> None:
    path = tmp_path / "ledger.csv"
    path.write_text(IBM_HEADER + "A,02,1/1/2026,1/31/2026,20.5,Yes,3/1/2026\n")
    a = by_customer(path, date(2026, 2, 10))["A"]
    assert (a["overdue_amount"], a["days_overdue"]) == (Decimal("20.5"), 0)


# The mapping


@pytest.mark.parametrize(
    ("change", "to", "said"),
    [
        ('amount = "Amount"', 'amuont = "Amount"', "columns.amuont is not a field of a mapping"),
        ('amount = "Amount"', "", "columns.amount is missing; add it"),
        ('amount = "Amount"', "amount = 5", "columns.amount: Input should be a valid string"),
        ('currency = "EUR"', 'currency = "EURO"', "currency: 'EURO' is not an ISO 4217 currency"),
        ('currency = "EUR"', 'currency = "eur"', "currency: 'eur' is not an ISO 4217 currency"),
        ('currency = "EUR"', 'currency = "XAU"', "currency: 'XAU' is not an ISO 4217 currency with a minor unit"),
        ('currency = "EUR"', "", "give either currency"),
        ('amount = "Amount"', 'amount = "Amount"\ncurrency = "Amount"', "give either currency"),
        ('"%Y-%m-%d"', '"%Y-%m"', "date_format: '%Y-%m' does not give back a whole date"),
        ('"%Y-%m-%d"', '"day/month"', "date_format: 'day/month' does not give back"),
        ("\ndate_format", '\ndelimiter = ";;"\ndate_format', "delimiter: ';;' cannot part cells"),
        ("\ndate_format", '\nencoding = "latin9000"\ndate_format', "encoding: 'latin9000' is no text encoding"),
        ("\ndate_format", '\nthousands = "."\ndate_format', "decimal and thousands are the same mark"),
        ("\ndate_format", '\ndecimal = ";"\ndate_format', "decimal: Input should be '.' or ','"),
        ('yes = ["yes"]', "yes = []", "disputed.yes: List should have at least 1 item"),
        ("[columns]", "[columns", "not TOML"),
        ('amount = "Amount"', 'amount = "Betrag"', "no column Betrag; the file has: 'Customer', 'Invoice'"),
    ],
)
def test_a_mapping_that_cannot_be_used_says_what_is_wrong_and_where(change: str, to: str, said: str) -> None:
    assert change in MAPPING
    assert said in wrong(MAPPING.replace(change, to))


def test_a_file_that_does_not_fit_its_mapping_is_not_begun() -> None:
    assert "the file is empty" in wrong(MAPPING, "")
    assert "correct the mapping's encoding" in wrong('encoding = "utf-16"\n' + MAPPING, HEADER + "odd")
    assert "no column Customer, Invoice" in wrong(MAPPING, HEADER.replace(",", ";"))
    assert "more than one column Amount" in wrong(MAPPING, HEADER.replace("Due", "Amount").replace("Paid", "Due,Paid"))


def test_every_wrong_field_is_named_at_once() -> None:
    said = wrong(MAPPING.replace('"Amount"', "5").replace('"EUR"', '"EURO"'))
    assert len(said.splitlines()) == 2


def test_a_mapping_is_shipped_by_name_or_your_own_by_path(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(MAPPING)
    assert mapping_named("ibm-receivables").columns.account == "customerID"
    assert mapping_named(str(own)) == Mapping.read(MAPPING, where="own")
    with pytest.raises(MappingError, match=r"no mapping 'nobodys'.*or one of: .*ibm-receivables"):
        mapping_named("nobodys")
    with pytest.raises(MappingError, match="not a file that can be read"):
        mapping_named(str(tmp_path))


# The real file


@pytest.mark.skipif(not REAL.exists(), reason=f"the public IBM receivables file is not at {REAL}")
def test_the_real_ledger_comes_over_whole_and_in_step_with_the_second_reading() -> None:
    def taken(cut_over: date | None = None) -> list[Event]:
        with REAL.open("rb") as file:
            results = list(events_of(file, mapping_named("ibm-receivables"), source="/csv/ibm", cut_over=cut_over))
        assert not [it for it in results if isinstance(it, Refusal)]
        return [it for it in results if isinstance(it, dict)]

    everything = taken()
    assert Counter(event["type"] for event in everything) == {
        "erp.customer.changed.v1": 100,
        "erp.invoice.posted.v1": 2466,
        "erp.dispute.opened.v1": 561,
        "erp.dispute.resolved.v1": 561,
        "erp.payment.received.v1": 2466,
    }
    assert len(set(ids(everything))) == len(everything)
    posted = [event for event in everything if event["type"] == "erp.invoice.posted.v1"]
    assert sum(Decimal(event["data"]["amount"]) for event in posted) == Decimal("147703.18")
    taken_on = taken(date(2013, 3, 31))
    for day in (date(2013, 3, 31), date(2013, 4, 1), date(2013, 6, 30), date(2013, 12, 2), date(2014, 1, 9)):
        assert figures(everything, day) == figures(taken_on, day) == second_reading(REAL, day)
    with REAL.open(newline="", encoding="utf-8-sig") as file:
        settled_late = sum(int(row["DaysLate"]) > 0 for row in csv.DictReader(file))
    assert settled_late == 877
