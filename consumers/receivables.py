"""Receivables from a CSV, one row an invoice, told as contract events: a row is taken whole or refused whole.

What a row becomes depends on that row, the mapping and the cut-over alone, never on its place in the file: the same
row read again gives the same event ids with the same content, so a newer export of the same ledger can be imported
over the older one. Rows stream; of what went by, only the account ids are remembered, and only where something is
said once per account (a customer's name, a cut-over). Amounts stay text from the cell to the event.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from typing import Any, BinaryIO, NamedTuple, TextIO, cast

from consumers.cells import amount_told, currency_told, dated, filled
from consumers.mapping import Disputed, Mapping
from consumers.rows import UnreadableRow, rows
from schemas.told import account_told

Event = dict[str, Any]
"""One contract event (CloudEvents 1.0, as JSON values)."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A row that could not be taken. Lines count from 1, the header's. `reason` says what belongs there and never spells a cell. `raw` is
    the row as it stood, its line end included: the file's own bytes where it is UTF-8, else its text in UTF-8. `account` is its account's
    cell, where that can be read."""

    line: int
    column: str | None
    reason: str
    raw: bytes
    account: str | None = None

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{place}: {self.reason}"


Result = Event | Refusal


# The row: cells become values.


class Row(NamedTuple):
    account: str
    invoice: str
    invoice_date: date
    due: date
    currency: str
    amount: str
    disputed: bool
    settled: date | None
    customer: dict[str, str] | None


def _read(cells: dict[str, str], mapping: Mapping) -> Row:
    """The row's values. Raises UnreadableRow naming the first column that has none."""
    columns = mapping.columns
    currency = mapping.currency or currency_told(cells, columns.currency or "")
    return Row(
        account=filled(cells, columns.account),
        invoice=filled(cells, columns.invoice),
        invoice_date=dated(cells, columns.invoice_date, mapping),
        due=dated(cells, columns.due_date, mapping),
        currency=currency,
        amount=amount_told(cells, columns.amount, currency, mapping),
        disputed=_disputed(cells, mapping.disputed),
        settled=_settled(cells, mapping),
        customer=_customer(cells, mapping),
    )


def _disputed(cells: dict[str, str], disputed: Disputed | None) -> bool:
    if disputed is None or not (text := cells[disputed.column]):
        return False
    if text.casefold() in map(str.casefold, disputed.yes):
        return True
    if disputed.no and text.casefold() not in map(str.casefold, disputed.no):
        raise UnreadableRow(disputed.column, f"neither yes ({disputed.yes}) nor no ({disputed.no})")
    return False


def _settled(cells: dict[str, str], mapping: Mapping) -> date | None:
    settled = mapping.settled
    if settled is None or cells[settled.column] in ("", *settled.still_open):
        return None
    return dated(cells, settled.column, mapping)


def _customer(cells: dict[str, str], mapping: Mapping) -> dict[str, str] | None:
    customer = mapping.customer
    if customer is None:
        return None
    fixed = customer.currency or (None if customer.currency_column else mapping.currency)
    data = {
        "name": filled(cells, customer.name),
        "currency": fixed or currency_told(cells, customer.currency_column or ""),
    }
    if customer.country and cells[customer.country]:
        data["country"] = cells[customer.country]
    return data


# The events a row tells.


def events_of(file: BinaryIO | TextIO, mapping: Mapping, *, source: str, cut_over: date | None = None) -> Iterator[Result]:
    """The contract events of a receivables CSV, row by row, and a refusal for each row that cannot be read.

    With `cut_over` D an invoice dated by D and settled by D is left out, the rest comes over with its own dates, and
    each account is first said to be taken on at D. `file` stays open. Raises MappingError where mapping and file do not
    fit, before the first result.
    """
    if hasattr(file, "encoding"):
        yield from _results(cast(TextIO, file), mapping, source, cut_over)
        return
    binary: BinaryIO = file
    text = io.TextIOWrapper(binary, encoding=mapping.encoding, errors="surrogateescape", newline="")
    try:
        yield from _results(text, mapping, source, cut_over)
    finally:
        if not binary.closed:
            text.detach()


def _results(file: TextIO, mapping: Mapping, source: str, cut_over: date | None) -> Iterator[Result]:
    announced: set[str] = set()
    says_once = cut_over is not None or mapping.customer is not None
    for line, text, cells in rows(file, mapping):
        if isinstance(cells, UnreadableRow):
            yield _refusal(line, text, cells, cells.account)
            continue
        try:
            row = _read(cells, mapping)
        except UnreadableRow as error:
            yield _refusal(line, text, error, account_told(cells[mapping.columns.account]))
            continue
        stem = _stem(row, mapping)
        left_out = cut_over is not None and _settled_by(row, cut_over)
        if says_once and row.account not in announced and not (left_out and row.customer is None):
            announced.add(row.account)
            yield from _announcements(row, stem, source, cut_over)
        if not left_out:
            yield from _postings(row, stem, source)


def _refusal(line: int, text: str, why: UnreadableRow, account: str | None) -> Refusal:
    return Refusal(line, why.column, why.reason, text.encode("utf-8", "surrogateescape"), account)


def _settled_by(row: Row, day: date) -> bool:
    """An invoice paid ahead of its date is not settled before that date: its credit stands open until then."""
    return row.settled is not None and max(row.settled, row.invoice_date) <= day


def _stem(row: Row, mapping: Mapping) -> str:
    """What the row's event ids begin with: no two invoices share it."""
    if mapping.invoice_numbers == "unique":
        return row.invoice
    return f"{_part(row.account)}/{row.invoice}"


def _part(text: str) -> str:
    return text.replace("%", "%25").replace("/", "%2F")


def _announcements(row: Row, stem: str, source: str, cut_over: date | None) -> Iterator[Event]:
    def event(name: str, kind: str, day: date, data: dict[str, Any]) -> Event:
        return _event(source, row.account, name, kind, day, data)

    if cut_over is not None:
        taken_on = f"{_part(row.account)}/taken-on/{cut_over}"
        yield event(taken_on, "exposure.account.taken_on.v1", cut_over, {"cut_over": str(cut_over)})
    if row.customer is not None:
        # Named by its row: whichever row comes first, the same name never stands for another day's text.
        yield event(f"{stem}/customer", "erp.customer.changed.v1", row.invoice_date, {"version": 1, **row.customer})


def _postings(row: Row, stem: str, source: str) -> Iterator[Event]:
    def event(name: str, kind: str, day: date, **data: Any) -> Event:
        return _event(source, row.account, f"{stem}/{name}", f"erp.{kind}.v1", day, data)

    money = {"currency": row.currency, "amount": row.amount}
    cleared = {"invoice": row.invoice, "amount": row.amount}
    payment, dispute = f"P-{row.invoice}", f"D-{row.invoice}"
    opened, settled = str(row.invoice_date), row.settled

    yield event("posted", "invoice.posted", row.invoice_date, invoice=row.invoice, date=opened, **money, due=str(row.due))
    if row.disputed:
        yield event("disputed", "dispute.opened", row.invoice_date, dispute=dispute, date=opened, **cleared)
    if row.disputed and settled:
        yield event("dispute-resolved", "dispute.resolved", settled, dispute=dispute, date=str(settled))
    if settled:
        yield event("paid", "payment.received", settled, payment=payment, date=str(settled), **money, allocations=[cleared])


def _event(source: str, account: str, name: str, kind: str, day: date, data: dict[str, Any]) -> Event:
    return {
        "specversion": "1.0",
        "id": name,
        "source": source,
        "type": kind,
        "subject": account,
        "time": f"{day}T00:00:00Z",
        "data": data,
    }
