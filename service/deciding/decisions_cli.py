"""The commands that decide of an order: ``exposure check``, ``reserve``, ``extend``, ``settle`` and ``release``; and ``decision`` shows one again."""

from typing import Annotated, Any

import typer

from service.asking.question import asking
from service.failures import BUSINESS_NO, DONE, Failure, telling
from service.options import By, Json, KnownAt, Now, Store, clock, day, instant_told, opened, settings
from service.shown.output import Output

app = typer.Typer()

OfOrder = Annotated[str, typer.Option("--order", help="the number of the order")]
Amount = Annotated[str, typer.Option("--amount", help="its whole value, as 1200.00")]
Currency = Annotated[str | None, typer.Option("--currency", help="of the amount (default: the order's, else the account's)")]
Until = Annotated[str | None, typer.Option("--until", metavar="INSTANT", help="when it ends, as 2026-02-27T12:00:00Z (default: never by itself)")]
Named = Annotated[str | None, typer.Option("--request", metavar="ID", help="names the question: it has one answer, for ever")]


@app.command()
def check(
    account: str,
    order: OfOrder,
    amount: Amount,
    currency: Currency = None,
    instead_of: Annotated[str | None, typer.Option("--instead-of", metavar="ACCOUNT", help="its bill-to account so far: the order moves")] = None,
    request: Named = None,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> int:
    """Would this order pass? Records the decision; exits 3 where the order is held."""
    from service.deciding import checking

    with telling():
        wanted = checking.Request(account, order, amount, currency, request, instead_of=instead_of)
        told = checking.check(opened(store), wanted, clock(now), by or settings().operator)
    return decided(told, json)


@app.command()
def reserve(
    account: str,
    order: OfOrder,
    amount: Amount,
    currency: Currency = None,
    until: Until = None,
    request: Named = None,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> int:
    """A check that also holds the credit; exits 3 where there is none."""
    from service.deciding import checking, reserving

    with telling():
        wanted = checking.Request(account, order, amount, currency, request, instant_told(until, "--until"), holds=True)
        told = reserving.reserve(opened(store), wanted, clock(now), by or settings().operator)
    return decided(told, json)


@app.command()
def extend(account: str, order: OfOrder, until: Until = None, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """Lets a reservation end at another instant."""
    from service.deciding import reserving

    with telling():
        told = reserving.extend(opened(store), account, order, instant_told(until, "--until"), clock(now), by or settings().operator)
    return reservation(told, json)


@app.command()
def settle(account: str, order: OfOrder, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """The reservation became an order: it counts until the order's own confirmation does."""
    from service.deciding import reserving

    with telling():
        told = reserving.settle(opened(store), account, order, clock(now), by or settings().operator)
    return reservation(told, json)


@app.command()
def release(account: str, order: OfOrder, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """Gives a reservation back."""
    from service.deciding import reserving

    with telling():
        told = reserving.release(opened(store), account, order, clock(now), by or settings().operator)
    return reservation(told, json)


@app.command()
def decision(
    id: Annotated[str, typer.Argument(metavar="ID", help="of the decision")],
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> int:
    """A recorded decision with all that it depended on, made again from the log alone; exits 3 where it does not come out the same."""
    from projections import decisions

    with asking(store, now, known_at=known_at) as (moment, wanted):
        try:
            told = decisions.shown(moment, id, wanted.known_at)
        except decisions.UnknownDecision as error:
            raise Failure("unknown_decision", str(error)) from error
    Output(json).recorded_decision(told)
    return BUSINESS_NO if told["reproduced"] is False else DONE


@app.command()
def decisions(
    account: Annotated[str | None, typer.Argument(help="only this account's")] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="as of that day (the account's own) or later")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="as of that day or earlier")] = None,
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Every recorded decision, oldest first: what was asked, what was answered, and why."""
    from projections.decisions import decisions_of

    days = day(first, "--from"), day(last, "--to")
    with asking(store, now, known_at=known_at) as (moment, wanted):
        Output(json).decisions(decisions_of(moment, account, *days, wanted.known_at))


def decided(told: dict[str, Any], json: bool) -> int:
    Output(json).decision(told)
    return DONE if told["decision"] == "approved" else BUSINESS_NO


def reservation(told: dict[str, Any], json: bool) -> int:
    Output(json).reservation(told)
    return DONE if told["refused"] is None else BUSINESS_NO
