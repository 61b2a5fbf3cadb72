"""``exposure rebuild``: the projections made anew from the log, with a progress bar for people, and loudly told where they were not equal."""

from typing import Any

import typer

from exposure.ledger.proof.verify import verify
from exposure.ledger.rebuild import BrokenLog, Outcome, rebuild
from exposure.ledger.stores.sqlite import OperationalError
from schemas.stored import UnknownTopic
from service.failures import BUSINESS_NO, DONE, Failure
from service.progress import progress_of
from service.shown.output import Output

NAMED_MAX = 10


def rebuild_store(store: Any, output: Output) -> int:
    """Makes the projections of a store anew and shows what was made; unequal is told on standard error as well, and by the exit code."""
    try:
        with progress_of("rebuild", events_of(store), output.json) as progress:
            outcome = rebuild(store, progress)
    except BrokenLog as error:
        raise Failure("broken_log", f"{error}; the projections in use are as they were; restore a backup that verifies") from error
    except Exception as error:
        raise_where_damaged(store, error)
        if isinstance(error, UnknownTopic):
            raise Failure("store_version", str(error)) from error
        if not isinstance(error, OperationalError) or "no such table" not in str(error):
            raise
        raise Failure("overtaken", "another rebuild of this store has begun meanwhile; the projections in use are as they were") from error
    if not outcome.equal:
        typer.echo(warning(outcome), err=True)
    show(outcome, output)
    return DONE if outcome.equal else BUSINESS_NO


def raise_where_damaged(store: Any, error: Exception) -> None:
    """What a rebuild stumbled over is told as what it is, where the log does not verify."""
    bad = verify(store).first_bad
    if bad is not None:
        raise Failure(
            "broken_log", f"nothing can be made of a damaged store: position {bad.position}: {bad.reason}; restore a backup that verifies"
        ) from error


def show(outcome: Outcome, output: Output) -> None:
    document = {"events": outcome.events, "accounts": outcome.accounts, "documents": outcome.documents, "equal": outcome.equal}
    equal = "equal to what was there" if outcome.equal else "NOT equal to what was there"
    output.line(document, f"events {outcome.events:,}  accounts {outcome.accounts:,}  documents {outcome.documents:,}  {equal}")


def warning(outcome: Outcome) -> str:
    first, more = outcome.unequal[:NAMED_MAX], len(outcome.unequal) - NAMED_MAX
    others = f" and {more:,} more" if more > 0 else ""
    return (
        f"exposure: WHAT WAS KEPT WAS NOT WHAT THE LOG SAYS, of {', '.join(first)}{others}. The projections now say what the log says; "
        "start other running feeders and consumers of this store anew, they may remember what was wrong."
    )


def events_of(store: Any) -> int:
    """How many there are, for a bar; none where the log is gone."""
    with store.reading() as moment:
        return 0 if moment.lost(["stored_events"]) else int(moment.count_events()[0])
