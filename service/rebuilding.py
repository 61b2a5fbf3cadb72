"""``exposure rebuild``: the projections made anew from the log, with a progress bar for people, and loudly told where they were not equal."""

from typing import Any

import typer

from exposure.ledger.rebuild import BrokenLog, Outcome, rebuild
from exposure.ledger.sqlite import OperationalError
from schemas.stored import UnknownTopic
from service.failures import Failure
from service.output import Output
from service.progress import progress_of

NAMED_MAX = 10


def rebuild_store(store: Any, output: Output) -> None:
    """Makes the projections of a store anew and shows what was made; unequal is told on standard error as well."""
    with store.reading() as moment:
        events, _ = moment.count_events()
    try:
        with progress_of("rebuild", events, output.json) as progress:
            outcome = rebuild(store, progress)
    except BrokenLog as error:
        raise Failure("broken_log", f"{error}; the projections in use are as they were") from error
    except UnknownTopic as error:
        raise Failure("store_version", str(error)) from error
    except OperationalError as error:
        if "no such table" not in str(error):
            raise
        raise Failure("overtaken", "another rebuild of this store has begun meanwhile; the projections in use are as they were") from error
    if not outcome.equal:
        typer.echo(warning(outcome), err=True)
    show(outcome, output)


def show(outcome: Outcome, output: Output) -> None:
    document = {"events": outcome.events, "accounts": outcome.accounts, "documents": outcome.documents, "equal": outcome.equal}
    if output.json:
        output.document(document)
        return
    equal = "equal to what was there" if outcome.equal else "NOT equal to what was there"
    typer.echo(f"events {outcome.events:,}  accounts {outcome.accounts:,}  documents {outcome.documents:,}  {equal}")


def warning(outcome: Outcome) -> str:
    first, more = outcome.unequal[:NAMED_MAX], len(outcome.unequal) - NAMED_MAX
    others = f" and {more:,} more" if more > 0 else ""
    return (
        f"exposure: WHAT WAS KEPT WAS NOT WHAT THE LOG SAYS, of {', '.join(first)}{others}. The projections now say what the log says; "
        "start other running feeders and consumers of this store anew, they may remember what was wrong."
    )
