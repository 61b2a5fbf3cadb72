"""``exposure verify``: whether the log is whole and unaltered, with a progress bar for people; damage is a business no."""

from typing import Any

import typer

from exposure.ledger.verify import Outcome, verify
from service.failures import BUSINESS_NO, DONE
from service.output import Output
from service.rebuilding import progress_of


def verify_store(store: Any, output: Output) -> int:
    """Verifies a store and shows what was found; the exit code is that of a business no where that is damage."""
    with store.reading() as moment:
        events, _ = moment.count_events()
    with progress_of("verify", events, output.json) as progress:
        outcome = verify(store, progress)
    show(outcome, output)
    return DONE if outcome.first_bad is None else BUSINESS_NO


def show(outcome: Outcome, output: Output) -> None:
    bad = outcome.first_bad
    if output.json:
        output.document({"ok": bad is None, "events": outcome.events, "first_bad": None if bad is None else bad._asdict()})
    elif bad is None:
        typer.echo(f"events {outcome.events:,}  the log is whole and unaltered")
    else:
        whose = f" (account {bad.account})" if bad.account else ""
        typer.echo(f"events {outcome.events:,} are good; DAMAGED at position {bad.position}{whose}: {bad.reason}")
