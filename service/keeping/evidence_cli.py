"""The commands that hand an account to somebody else: ``exposure statement`` to its customer, ``exposure evidence`` to whoever has to be shown."""

import sys
from typing import Annotated

import typer

from service.asking.question import asking
from service.failures import BUSINESS_NO, DONE, WRONG_USAGE, Failure, telling
from service.options import AsOf, Json, KnownAt, Now, Store, clock, day, opened, opening, out_file
from service.shown.output import Output

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
    from service.keeping.statements import as_page, form_of

    form, first = as_page if out is None else form_of(out), day(since, "--from")
    file = None if out is None else out_file(out)
    with asking(store, now, as_of, known_at) as (moment, question):
        told = told_on(moment, account, question, first)
    if file is not None:
        file.write_bytes(form(told))
    if json or out is not None:
        Output(json).statement(told, out)
    else:
        sys.stdout.buffer.write(form(told))


@app.command()
def evidence(
    account: str,
    first: Annotated[str, typer.Option("--from", metavar="DAY", help="the first day of the period, the account's own")],
    last: Annotated[str, typer.Option("--to", metavar="DAY", help="the last one: all is told as it was known when that ended")],
    out: Annotated[str | None, typer.Option("--out", metavar="FILE", help="the archive (default: evidence-ACCOUNT-FROM-TO.zip, here)")] = None,
    checkpoint: Annotated[str | None, typer.Option("--checkpoint", metavar="FILE", help="the checkpoint that proves it")] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="FILE", help="or the key that signs one of now, and the manifest (default: unsigned)")
    ] = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> int:
    """One archive with all that is recorded of an account, readable and verifiable without the engine. Without a checkpoint or a key nobody signs it:
    it proves no more than that it agrees with itself, unless its root is compared with that of a signed checkpoint."""
    from projections.evidence import period_of
    from service.keeping.packing import Wanted, named, pack
    from service.keeping.verifying import checkpoint_now, checkpoint_of, key_of

    days = str(day(first, "--from")), str(day(last, "--to"))
    if checkpoint is not None and key is not None:
        raise Failure("usage", "name a --checkpoint, or the --key that signs one, and not both", WRONG_USAGE)
    if days[0] > days[1]:
        raise Failure("usage", f"--from {first} lies behind --to {last}", WRONG_USAGE)
    output, at, file = Output(json), clock(now)(), out_file(out or named(account, *days))
    with opened(store).reading() as moment, telling():
        period = period_of(moment, account, at, *days)
    made = checkpoint_of(checkpoint) if checkpoint is not None else checkpoint_now(opening(store), output, None, key, lambda: at)
    if made is None:
        return BUSINESS_NO
    with opened(store).reading() as moment, telling():
        wanted = Wanted(account, period, made, at, None if key is None else key_of(key))
        output.packed(pack(moment, wanted, file), str(file))
    return DONE
