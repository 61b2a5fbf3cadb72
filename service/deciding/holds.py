"""``exposure holds``: orders that are held, lets one pass, and lists all that were let pass."""

from typing import Annotated

import typer

from service.asking.question import asking
from service.failures import telling
from service.options import By, Json, KnownAt, ListByDefault, Now, Reason, Store, actor, clock, day, in_one_line, opened
from service.shown.output import Output

app = typer.Typer(cls=ListByDefault, add_completion=False, help="Held orders and their releases; lists where nothing else is named.")


@app.command("list")
def list_(
    account: Annotated[str | None, typer.Argument(help="only this account's")] = None,
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Orders whose newest decision holds them, and that nobody has released."""
    from projections.holds import holds

    with asking(store, now, known_at=known_at) as (moment, wanted):
        Output(json).holds(holds(moment, account, wanted.known_at))


@app.command()
def release(
    decision: Annotated[str, typer.Argument(metavar="DECISION", help="the id of the decision that holds the order")],
    reason: Reason,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> int:
    """Lets an order pass up to the amount it was held with. Exits 3 where the policy does not let this person."""
    from service.deciding import releasing

    wanted = releasing.Release(decision, actor(by), in_one_line("--reason", reason))
    with telling():
        done = releasing.release(opened(store), wanted, clock(now))
    return Output(json).release(done)


@app.command()
def overrides(
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="released on that day (the account's own) or later")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="released on that day or earlier")] = None,
    known_at: KnownAt = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Every release: which order, which rules were overridden, by whom and why."""
    from projections import holds

    days = day(first, "--from"), day(last, "--to")
    with asking(store, now, known_at=known_at) as (moment, wanted):
        Output(json).overrides(holds.overrides(moment, *days, wanted.known_at))
