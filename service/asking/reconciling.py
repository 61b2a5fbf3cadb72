"""Compares a statement of the ERP with the store, and shows how far it is."""

import os
import sys
from collections.abc import Iterator
from typing import Any

import typer

from consumers.mapping import MappingError
from consumers.statements import Claim, Refused, claims_of, in_order, mapping_by_headings, mapping_of
from projections.account import Asked
from projections.reconciliation import Question, reconcile
from service.asking.question import refuse_future
from service.failures import BUSINESS_NO, DONE, Failure
from service.options import day
from service.shown.output import Output

ACCOUNTS_A_LINE = 1_000


def reconcile_file(store: Any, file: str, mapping: str | None, asked: Asked, tolerance: str, named_only: bool, out: Output) -> int:
    """Differences as they are found; exits 3 where there are any, or where a row could not be read."""
    if not os.path.isfile(file):
        raise Failure("no_such_file", f"there is no file {file!r}")
    counts = {"accounts": 0, "differences": 0, "unreadable": 0}

    def compared() -> None:
        counts["accounts"] += 1
        if sys.stderr.isatty() and counts["accounts"] % ACCOUNTS_A_LINE == 0:
            typer.echo(f"\r{counts['accounts']:,} accounts compared", err=True, nl=False)

    try:
        means = mapping_by_headings(file) if mapping is None else mapping_of(mapping)
        asked = Asked(asked.now, asked.as_of or day(means.as_of, "as_of"), asked.known_at)
        with open(file, "rb") as rows, store.reading() as moment:
            refuse_future(moment, asked)
            claims = in_order(readable(claims_of(rows, means, is_json=file.endswith(".jsonl")), file, counts))
            has_no_day = means.columns.as_of is not None and asked.as_of is None
            question = Question(asked, means.columns.document is not None, tolerance, named_only or has_no_day)
            found = reconcile(moment, claims, question, compared)
            out.reconciliation(asked.as_of, counted(found, counts), counts)
    except MappingError as error:
        raise Failure("mapping", str(error)) from error
    return BUSINESS_NO if counts["differences"] or counts["unreadable"] else DONE


def readable(claims: Iterator[Claim | Refused], file: str, counts: dict[str, int]) -> Iterator[Claim]:
    for one in claims:
        if isinstance(one, Refused):
            counts["unreadable"] += 1
            typer.echo(f"exposure: {file}: line {one.line}: {one.reason}", err=True)
        else:
            yield one


def counted(found: Iterator[dict[str, Any]], counts: dict[str, int]) -> Iterator[dict[str, Any]]:
    for one in found:
        counts["differences"] += 1
        yield one
