"""``exposure worklist``: what there is to do today, or was at an instant that is past, the most pressing first."""

from typing import Annotated

import typer

from service.asking.question import asking
from service.failures import WRONG_USAGE, Failure, telling
from service.options import Json, KnownAt, ListJobs, Now, Store, settings
from service.progress import followed
from service.shown.output import Output

app = typer.Typer()


@app.command()
def worklist(
    who: Annotated[str | None, typer.Option("--for", metavar="WHO", help="only what waits for this person, or is of an account they manage")] = None,
    kind: Annotated[list[str] | None, typer.Option("--kind", metavar="KIND", help="only of this kind, as promise_broken; may be said again")] = None,
    top: Annotated[int | None, typer.Option("--top", min=0, help="only the first so many; totals are of all")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="one row a thing, for a spreadsheet")] = False,
    known_at: KnownAt = None,
    jobs: ListJobs = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """What collectors and credit managers have to do today, or had to do as known at an instant that is past."""
    from projections.account import asked_now
    from projections.dunning import OVERDUE
    from projections.duties import KINDS
    from projections.worklist import Wanted, asks_all
    from projections.worklist import worklist as to_do
    from service.asking.listing import all_accounts
    from service.asking.sharing import Listed

    if csv and json:
        raise Failure("usage", "--csv or --json, not both", WRONG_USAGE)
    unknown = set(kind or ()) - set(KINDS)
    if unknown:
        raise Failure("usage", f"--kind: there is no {min(unknown)!r}; there are: {', '.join(KINDS)}", WRONG_USAGE)
    wanted = Wanted(frozenset(kind or ()), who, top)
    with asking(store, now, known_at=known_at) as (moment, asked):
        asked = asked_now(moment, asked)
        processes = jobs if asks_all(moment, asked, wanted) else 1
    with telling(), all_accounts(store or settings().store, Listed(asked, OVERDUE), processes, quiet=json) as (moment, overdue):
        listed = to_do(moment, asked, wanted, overdue, lambda names: followed("worklist", names, json))
    Output(json).work_sheet(listed) if csv else Output(json).worklist(listed)
