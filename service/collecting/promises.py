"""``exposure promise``: what a customer says to pay by when, how it was kept, and what of it was taken back."""

from typing import Annotated

import typer

from service.asking.question import asking
from service.failures import WRONG_USAGE, Done, Failure, telling
from service.options import AsOf, By, Json, KnownAt, ListByDefault, Now, Reason, Store, actor, clock, day, in_one_line, opened
from service.shown.output import Output

app = typer.Typer(cls=ListByDefault, add_completion=False, help="Promises to pay and repayment plans; lists them where nothing else is named.")

Number = Annotated[str, typer.Argument(metavar="NUMBER", help="its number, as the list says it")]
Invoices = Annotated[list[str] | None, typer.Option("--invoice", metavar="NUMBER", help="of this one; may be said again (default: the open ones)")]


@app.command()
def make(
    account: str,
    amount: Annotated[str | None, typer.Option("--amount", help="in all, as 1200.00")] = None,
    due: Annotated[str | None, typer.Option("--due", metavar="DAY", help="by this day")] = None,
    instalment: Annotated[list[str] | None, typer.Option("--instalment", metavar="DAY=AMOUNT", help="one of a plan; may be said again")] = None,
    every: Annotated[str | None, typer.Option("--every", metavar="PERIOD", help="month or week: the amount in equal parts")] = None,
    instalments: Annotated[int | None, typer.Option("--instalments", min=1, max=120, help="in so many parts")] = None,
    first: Annotated[str | None, typer.Option("--first", metavar="DAY", help="the day of the first part")] = None,
    invoice: Invoices = None,
    currency: Annotated[str | None, typer.Option("--currency", help="of the amount (default: the invoices')")] = None,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="who said so, say: it is sealed, and erased with the customer")] = None,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Records what a customer promises to pay, once or in instalments."""
    from exposure.promises import EVERY
    from service.collecting import promising

    if every is not None and every not in EVERY:
        raise Failure("usage", f"--every: {every!r} is neither {' nor '.join(EVERY)}", WRONG_USAGE)
    wanted = promising.Wanted(
        account,
        amount,
        day(due, "--due"),
        tuple(instalment_told(told) for told in instalment or ()),
        every,
        instalments,
        day(first, "--first"),
        currency,
        tuple(invoice or ()),
        None if note is None else in_one_line("--note", note),
    )
    with telling():
        Output(json).promise(Done(promising.make(opened(store), wanted, actor(by), clock(now))))


def instalment_told(text: str) -> tuple[str, str]:
    due, sign, amount = text.partition("=")
    if not sign:
        raise Failure("usage", f"--instalment: {text!r} is no day and amount, as 2026-03-31=400.00", WRONG_USAGE)
    return str(day(due, "--instalment")), amount


@app.command("list")
def list_(
    account: Annotated[str | None, typer.Argument(help="only this account's")] = None,
    state: Annotated[list[str] | None, typer.Option("--state", metavar="STATE", help="only those, as broken; may be said again")] = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Promises and how each stands: what was paid, what is to come, what is missing."""
    from exposure.rules.promises import STATES
    from projections.promises import promises

    unknown = set(state or ()) - set(STATES)
    if unknown:
        raise Failure("usage", f"--state: there is no {min(unknown)!r}; there are: {', '.join(STATES)}", WRONG_USAGE)
    with asking(store, now, as_of, known_at) as (moment, wanted):
        Output(json).promises(promises(moment, account, wanted, state or ()))


@app.command()
def show(number: Number, as_of: AsOf = None, known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """One promise with its instalments, and who said what of it."""
    from projections.promises import promise

    with asking(store, now, as_of, known_at) as (moment, wanted):
        Output(json).promise(Done(promise(moment, number, wanted)))


@app.command()
def withdraw(number: Number, reason: Reason, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """Takes a promise back: it counts no more from today on. Exits 3 where nothing is left of it."""
    from service.collecting import promising

    with telling():
        return Output(json).promise(promising.withdraw(opened(store), number, in_one_line("--reason", reason), actor(by), clock(now)))
