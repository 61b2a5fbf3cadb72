"""``exposure portfolio``: measures what all accounts together owe on a day, and lists what it was measured at."""

from typing import Annotated, Any

import typer

from service.asking.question import asking
from service.failures import Failure
from service.options import By, Json, KnownAt, ListByDefault, Now, Store, actor, clock, day, opened
from service.shown.output import Output
from service.shown.words import counted

app = typer.Typer(cls=ListByDefault, add_completion=False, help="What all accounts together owe, as measured; lists it where nothing else is named.")


@app.command()
def measure(
    as_of: Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="the exposure of this day (default: of the clock's, in UTC)")] = None,
    by: By = None,
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Measures the portfolio of a day, and records it: accounts whose policy asks for their share are judged by it from that day on."""
    from exposure.ledger.acts import portfolio
    from projections.measurements import NoCurrency, measurement
    from projections.when import instant_text
    from service.progress import progress_of

    recorder, at, who = opened(store), clock(now), actor(by)
    with recorder.reading() as moment, progress_of("accounts", len(moment.account_names()), json) as progress:
        try:
            made = measurement(moment, day(as_of, "--as-of") or instant_text(at())[:10], at(), who, progress)
        except NoCurrency as error:
            raise Failure("no_currency", str(error)) from error
    is_new = portfolio.record(recorder, at, made)
    said = line(made._asdict()) + ("" if is_new else "  (as measured before: nothing recorded)")
    Output(json).line({**made._asdict(), "recorded": is_new}, said)


@app.command("list")
def list_(known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False) -> None:
    """Every measurement in order of days; of one day the last one counts."""
    from projections.measurements import listed

    with asking(store, now, known_at=known_at) as (moment, wanted):
        told = listed(moment, wanted.known_at)
    said = (f"{line(one)}  by {one['by']} at {one['recorded']}{'' if one['counts'] else '  (measured again since)'}" for one in told)
    Output(json).lines({"measurements": told}, said, "measurement")


def line(one: dict[str, Any]) -> str:
    """``2026-02-28  1250000.00 EUR of 4 accounts``; ``of 3 of 4 accounts wholly; no rate of JPY into EUR (left out of 1 account)``"""
    said, many = f"{one['day']}  {one['exposure']} {one['currency']} of", counted(one["accounts"], "account")
    if not one["missing"]:
        return f"{said} {many}"
    if one["rates_missing"] is None:
        return f"{said} {many}  something in these lacked a rate and is left out: {', '.join(one['missing'])}"
    rates = ", ".join(f"{rate['from']} into {rate['into']} (something of {counted(rate['accounts'], 'account')})" for rate in one["rates_missing"])
    return f"{said} {many}, {one['whole']:,} of them wholly  left out for want of a rate: {rates}"
