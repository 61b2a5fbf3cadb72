"""The list as CSV for a spreadsheet: one row an account, flat columns; amounts as they are, texts that could be formulas made harmless."""

import csv
from typing import Any, TextIO

from exposure.figures import BUCKETS, COMPONENTS

FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
PLAIN = ("available", "utilisation", "days_overdue", "overdue_amount", "disputed", "written_off")
COLUMNS = (
    "account",
    "currency",
    "as_of",
    *COMPONENTS,
    "total",
    "limit",
    "limit_kind",
    "limit_valid_to",
    *PLAIN,
    *BUCKETS,
    "blocked",
    "dead_letters",
    "pending",
    "anomalies",
    "known_at",
    "policy",
)


def write_sheet(rows: list[dict[str, Any]], out: TextIO) -> None:
    """No value is an empty cell; the ageing's ``unapplied`` is the component of that name."""
    writer = csv.DictWriter(out, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(flat(row) for row in rows)


def flat(row: dict[str, Any]) -> dict[str, Any]:
    limit = row["limit"] or {"amount": None, "kind": None, "valid_to": None}
    return {
        "account": harmless(row["account"]),
        "currency": row["currency"],
        "as_of": row["as_of"],
        **row["exposure"],
        "limit": limit["amount"],
        "limit_kind": limit["kind"],
        "limit_valid_to": limit["valid_to"],
        **{name: row[name] for name in PLAIN},
        **{name: row["ageing"][name] for name in BUCKETS},
        "blocked": "true" if row["blocked"] else "false",
        "dead_letters": row["dead_letters"],
        "pending": len(row["pending"]),
        "anomalies": " ".join(sorted({anomaly["code"] for anomaly in row["anomalies"]})),
        "known_at": row["known_at"],
        "policy": row["policy"],
    }


def harmless(text: str) -> str:
    """A text that a spreadsheet would calculate stays a text."""
    return f"'{text}" if text.startswith(FORMULA_SIGNS) else text
