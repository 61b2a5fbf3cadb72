"""The commands that compare: ``exposure diff``, what was learnt between two instants, ``bridge``, what happened between
two days, and ``reconcile``, what an ERP's own balances or open items say otherwise."""

import re
from dataclasses import replace
from typing import Annotated

import typer

from service.asking.question import asked, asking
from service.failures import WRONG_USAGE, Failure
from service.options import AsOf, Json, KnownAt, Now, Store, day, instant, opened
from service.shown.output import Output

app = typer.Typer()


@app.command()
def diff(
    account: str,
    known_at: Annotated[
        tuple[str, str], typer.Option("--known-at", metavar="INSTANT INSTANT", help="what was recorded by the first, and by the second")
    ],
    as_of: AsOf = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """What was learnt of an account between two instants, document by document."""
    from projections.difference import difference

    earlier, later = (instant(text, "--known-at") for text in known_at)
    if earlier is None or later is None or earlier > later:
        raise Failure("usage", "--known-at: say the earlier of the two instants first", WRONG_USAGE)
    with asking(store, now, as_of, known_at[1]) as (moment, wanted):
        Output(json).difference(difference(moment, account, (earlier, later), replace(wanted, known_at=None)))


@app.command()
def bridge(
    account: str,
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="opens with the end of this day")],
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="closes with the end of this day (default: the account's today)")] = None,
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """What changed an account's exposure from one day to another, day by day."""
    from projections.bridge import bridge_between

    opening, _ = day(first, "--from"), day(last, "--to")
    with asking(store, now, last, known_at) as (moment, wanted):
        told = bridge_between(moment, account, str(opening), wanted)
    Output(json).bridge(told)


@app.command()
def reconcile(
    file: Annotated[str, typer.Argument(help="the ERP's balances or open items: a CSV, or .jsonl")],
    mapping: Annotated[
        str | None, typer.Option("--mapping", metavar="FILE", help="which column means what (TOML; default: the headings are our own words)")
    ] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    tolerance: Annotated[str, typer.Option("--tolerance", metavar="AMOUNT", help="differences of no more than this are none")] = "0",
    named_only: Annotated[bool, typer.Option("--named-only", help="leave out accounts that the file does not name")] = False,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> int:
    """Compares the ERP's own balances or open items with ours; exits 3 where they differ."""
    from service.asking.reconciling import reconcile_file

    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", tolerance):
        raise Failure("usage", f"--tolerance: {tolerance!r} is not an amount, as 0.05", WRONG_USAGE)
    return reconcile_file(opened(store), file, mapping, asked(now, as_of, known_at), tolerance, named_only, Output(json))
