"""``exposure limit``: asks for a limit, says yes or no to one that was asked for, and tells who still has to."""

from typing import Annotated

import typer

from service.asking.question import asking
from service.failures import Done, telling
from service.options import By, Json, KnownAt, ListByDefault, Now, Reason, Store, actor, clock, day, in_one_line, opened
from service.shown.output import Output

app = typer.Typer(cls=ListByDefault, add_completion=False, help="Limits by request and approval; lists the open ones where nothing else is named.")

Request = Annotated[str, typer.Argument(metavar="REQUEST", help="its id, as the list says it")]
Why = Annotated[str | None, typer.Option("--reason", metavar="TEXT", help="why, in plain text and for ever: name no person")]


@app.command()
def request(
    account: str,
    amount: Annotated[str, typer.Option("--amount", help="as 1200.00, or unlimited, or none")],
    valid_from: Annotated[str, typer.Option("--valid-from", metavar="DAY", help="the first day, of the account's own; an earlier one is legal")],
    reason: Reason,
    currency: Annotated[str | None, typer.Option("--currency", help="of the amount (default: the account's)")] = None,
    kind: Annotated[str, typer.Option("--kind", help="base, or temporary: that goes before the base one while it lasts")] = "base",
    valid_to: Annotated[str | None, typer.Option("--valid-to", metavar="DAY", help="the last day")] = None,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> int:
    """Asks for a limit: it counts once others have said yes."""
    from service.deciding import approving

    days = str(day(valid_from, "--valid-from")), day(valid_to, "--valid-to")
    wanted = approving.Wanted(account, amount, currency, kind, *days, in_one_line("--reason", reason))
    with telling():
        return Output(json).limit_request(approving.request(opened(store), wanted, actor(by), clock(now)))


@app.command()
def approve(request: Request, reason: Why = None, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """Says yes; the last yes that is needed makes the limit. Exits 3 where the policy does not let this person."""
    return act("approve", request, reason, by, store, now, json)


@app.command()
def reject(request: Request, reason: Reason, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """Says no, for good. Exits 3 where the policy does not let this person."""
    return act("reject", request, reason, by, store, now, json)


@app.command()
def withdraw(request: Request, by: By = None, store: Store = None, now: Now = None, json: Json = False) -> int:
    """Takes a request back that one made oneself."""
    return act("withdraw", request, None, by, store, now, json)


@app.command("list")
def list_(
    account: Annotated[str | None, typer.Argument(help="only this account's")] = None,
    settled: Annotated[bool, typer.Option("--all", help="those that are settled too")] = False,
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """The open requests: what is asked for, and who still has to say yes."""
    from projections.limit_requests import limit_requests

    with asking(store, now, known_at=known_at) as (moment, wanted):
        Output(json).limit_requests(limit_requests(moment, account, wanted, settled=settled))


@app.command()
def show(request: Request, known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """One request with its whole trail."""
    from exposure.ledger.acts.policies import in_force
    from projections.limit_requests import shown
    from service.deciding.approving import trail_of

    with asking(store, now, known_at=known_at) as (moment, wanted):
        trail, policy = trail_of(moment, request, wanted.known_at), in_force(moment, wanted.known_at)
        Output(json).limit_request(Done(shown(moment, trail, wanted, policy)))


def act(name: str, request: str, reason: str | None, by: str | None, store: str | None, now: str | None, json: bool) -> int:
    from service.deciding import approving

    why = None if reason is None else in_one_line("--reason", reason)
    with telling():
        return Output(json).limit_request(approving.act(opened(store), approving.Act(name, request, actor(by), why), clock(now)))
