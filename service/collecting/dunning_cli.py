"""``exposure dunning``: sends the notices that are due, lists and shows them, approves, cancels, and stops them for an account."""

from typing import Annotated

import typer

from service.asking.question import asking
from service.failures import BUSINESS_NO, DONE, Done, telling
from service.options import By, Json, KnownAt, ListByDefault, Now, Reason, Store, actor, clock, day, in_one_line, opened
from service.shown.output import Output

app = typer.Typer(cls=ListByDefault, add_completion=False, help="The dunning ladder of the policy; lists the notices where nothing else is named.")

Notice = Annotated[str, typer.Argument(metavar="NOTICE", help="its id, as the list says it")]
Invoice = Annotated[str | None, typer.Option("--invoice", metavar="NUMBER", help="only this debit item (default: all of the account)")]


@app.command()
def run(
    accounts: Annotated[list[str] | None, typer.Argument(metavar="[ACCOUNT]...", help="only these (default: all that have anything overdue)")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="says what would be sent, and sends nothing")] = False,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Sends what is due, once; what goes to the lawyers waits for a yes."""
    from service.collecting import dunning

    with telling():
        at = clock(now)
        if dry_run:
            done = dunning.foreseen(opened(store), accounts or (), at, quiet=json)
        else:
            done = dunning.run(opened(store), accounts or (), actor(by), at, quiet=json)
    Output(json).dunning(done)


@app.command("list")
def list_(
    account: Annotated[str | None, typer.Argument(help="only this account's")] = None,
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="notices as they stood on that day, and what was stopped on it")] = None,
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """The notices there were, and what is stopped."""
    from projections.dunning import listed

    with asking(store, now, as_of, known_at) as (moment, wanted):
        Output(json).dunning(listed(moment, account, wanted))


@app.command()
def show(notice: Notice, known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """One notice with all that it was made of, made again from the log alone; exits 3 where it does not come out the same."""
    from projections.dunned import shown
    from service.collecting.dunning import known_notice

    with asking(store, now, known_at=known_at) as (moment, wanted):
        told = shown(moment, known_notice(moment, notice, wanted.known_at))
    Output(json).dunning_notice(Done(told))
    return BUSINESS_NO if told["reproduced"] is False else DONE


@app.command()
def approve(notice: Notice, reason: Reason, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """Says yes to a notice that goes to the lawyers. Exits 3 where the policy does not let this person, or it is not due any more."""
    from service.collecting import dunning

    with telling():
        done = dunning.approve(opened(store), dunning.Act(notice, actor(by), in_one_line("--reason", reason)), clock(now))
    return Output(json).dunning_notice(done)


@app.command()
def cancel(notice: Notice, reason: Reason, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """Takes a notice back: its items are again on the level before, and the ERP is told."""
    from service.collecting import dunning

    with telling():
        done = dunning.cancel(opened(store), dunning.Act(notice, actor(by), in_one_line("--reason", reason)), clock(now))
    Output(json).dunning_notice(done)


@app.command()
def stop(
    account: str,
    reason: Reason,
    invoice: Invoice = None,
    until: Annotated[str | None, typer.Option("--until", metavar="DAY", help="the last day (default: until it is resumed)")] = None,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Nothing of an account, or of one debit item, is dunned."""
    from schemas.dunning import DunningStopped
    from service.collecting import dunning

    wanted = DunningStopped(account, invoice, day(until, "--until"), actor(by), in_one_line("--reason", reason))
    with telling():
        told = dunning.stop(opened(store), wanted, clock(now))
    Output(json).dunning_stop(told)


@app.command()
def resume(account: str, reason: Reason, invoice: Invoice = None, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """What was stopped may be dunned again."""
    from schemas.dunning import DunningResumed
    from service.collecting import dunning

    wanted = DunningResumed(account, invoice, actor(by), in_one_line("--reason", reason))
    with telling():
        told = dunning.resume(opened(store), wanted, clock(now))
    Output(json).dunning_stop(told)
