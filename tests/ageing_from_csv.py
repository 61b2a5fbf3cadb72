"""The ageing of the receivables CSV read a second time, apart from the engine: for a day, from the rows alone.

Written from the contract's laws 5 to 7 for the one shape the file has: an invoice with one due date, paid in full by
one payment on its settled date, disputed in full from its date until it is settled.
"""

from __future__ import annotations

import csv
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

BUCKETS = ("not_due", "1-30", "31-60", "61-90", "91-120", "121+", "unapplied")


def by_customer(path: str | Path, day: date) -> dict[str, dict[str, Any]]:
    """Every customer of the file as of the end of `day`, all 0 where nothing is open.

    `receivables`, `overdue_amount`, `disputed`: Decimal. `days_overdue`: int. `ageing`: Decimal by bucket, what is owed
    positive, `unapplied` negative or 0; the buckets sum to receivables + unapplied.
    """
    customers: dict[str, dict[str, Any]] = {}
    with open(path, newline="", encoding="utf-8-sig") as file:
        for row in csv.DictReader(file):
            figures = customers.setdefault(row["customerID"], _nothing())
            _add(figures, row, day)
    return customers


def _nothing() -> dict[str, Any]:
    return {
        "receivables": Decimal(0),
        "overdue_amount": Decimal(0),
        "days_overdue": 0,
        "disputed": Decimal(0),
        "ageing": dict.fromkeys(BUCKETS, Decimal(0)),
    }


def _add(figures: dict[str, Any], row: dict[str, str], day: date) -> None:
    amount = Decimal(row["InvoiceAmount"])
    invoiced = _date(row["InvoiceDate"]) <= day
    paid = bool(row["SettledDate"]) and _date(row["SettledDate"]) <= day
    if paid and not invoiced:
        # Paid ahead: the payment clears nothing before the invoice's own day.
        figures["ageing"]["unapplied"] -= amount
    if paid or not invoiced:
        return
    days = max(0, (day - _date(row["DueDate"])).days)
    figures["receivables"] += amount
    figures["ageing"][_bucket(days)] += amount
    if days > 0:
        figures["overdue_amount"] += amount
    if row["Disputed"] == "Yes":
        figures["disputed"] += amount
    else:
        figures["days_overdue"] = max(figures["days_overdue"], days)


def _bucket(days: int) -> str:
    for last, name in ((0, "not_due"), (30, "1-30"), (60, "31-60"), (90, "61-90"), (120, "91-120")):
        if days <= last:
            return name
    return "121+"


def _date(text: str) -> date:
    return datetime.strptime(text, "%m/%d/%Y").date()
