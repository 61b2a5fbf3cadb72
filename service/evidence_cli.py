"""The commands that hand an account to somebody else: ``exposure statement`` to its customer, ``exposure evidence`` to whoever has to be shown."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from service.failures import telling
from service.options import AsOf, Json, KnownAt, Now, Store, asked, day, opened
from service.output import Output

app = typer.Typer()


@app.command()
def statement(
    account: str,
    since: Annotated[str | None, typer.Option("--from", metavar="DAY", help="with what changed the balance from that day on")] = None,
    out: Annotated[str | None, typer.Option("--out", metavar="FILE", help="a .html or a .pdf (default: HTML on standard output)")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """The statement of account for the customer: what is open, what is not used yet, and how it came to that."""
    from projections.statement import statement as told_on
    from service.statements import as_page, form_of

    form, question, first = as_page if out is None else form_of(out), asked(now, as_of, known_at), day(since, "--from")
    with opened(store).reading() as moment, telling():
        told = told_on(moment, account, question, first)
    if out is not None:
        Path(out).write_bytes(form(told))
    if json or out is not None:
        Output(json).statement(told, out)
    else:
        sys.stdout.buffer.write(form(told))
