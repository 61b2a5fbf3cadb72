"""The commands that compare: ``exposure diff``, what was learnt between two instants, and ``bridge``, what happened between two days."""

from typing import Annotated

import typer

from service.failures import WRONG_USAGE, Failure, telling
from service.options import AsOf, Json, KnownAt, Now, Store, asked, day, instant, opened
from service.output import Output

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
    wanted = asked(now, as_of, None)
    with opened(store).reading() as moment, telling():
        Output(json).difference(difference(moment, account, (earlier, later), wanted))


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
    from projections.bridge import DaysReversed, bridge_between

    opening, wanted = day(first, "--from"), asked(now, day(last, "--to"), known_at)
    with opened(store).reading() as moment, telling():
        try:
            told = bridge_between(moment, account, str(opening), wanted)
        except DaysReversed as error:
            raise Failure("usage", f"--from: {error}", WRONG_USAGE) from error
    Output(json).bridge(told)
