"""The command line: ``exposure feed``, ``show``, ``list`` and the rest, with the contract's flags, exit codes and JSON."""

import sys
from datetime import UTC, date, datetime
from typing import Annotated, Any, NoReturn

import typer

from service.failures import FAILED, WRONG_USAGE, Failure
from service.output import Output

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="Credit exposure, right and provable.")

Store = Annotated[str | None, typer.Option("--store", help="sqlite:///path (default: EXPOSURE_STORE, else sqlite:///exposure.db)")]
Now = Annotated[str | None, typer.Option("--now", metavar="INSTANT", help="the clock of this call, as 2026-02-20T12:00:00Z")]
Json = Annotated[bool, typer.Option("--json", help="one JSON document on standard output and nothing else")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="business day, as 2026-02-20")]
KnownAt = Annotated[str | None, typer.Option("--known-at", metavar="INSTANT", help="only what was recorded by then")]


@app.callback()
def root() -> None:
    """Credit exposure, right and provable."""


@app.command()
def feed(
    files: Annotated[list[str], typer.Argument(help="JSONL files of events, .gz and .zst too; - is standard input")],
    store: Store = None,
    now: Now = None,
    json: Json = False,
) -> None:
    """Takes events from files, exactly once each; resumable."""
    from service.feeding import feed_files

    Output(json).counts(feed_files(opened(store, create=True), files, clock(now), quiet=json, memory=settings().documents_in_memory))


@app.command()
def show(
    account: str, as_of: AsOf = None, known_at: KnownAt = None, store: Store = None, now: Now = None, json: Json = False
) -> None:
    """One account's figures."""
    from projections import account as figures

    asked = figures.Asked(clock(now)(), day(as_of, "--as-of"), instant(known_at, "--known-at"))
    with opened(store).reading() as moment, telling():
        Output(json).account(figures.show(moment, account, asked))


def settings() -> Any:
    from service.settings import Settings

    return Settings()


def opened(store: str | None, *, create: bool = False) -> Any:
    from service.store import open_store

    return open_store(store or settings().store, create=create)


class telling:
    """Turns the lookup errors of projections into failures with a code."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        from projections.account import NotKnownBefore, UnknownAccount

        if isinstance(error, UnknownAccount):
            raise Failure("unknown_account", str(error)) from error
        if isinstance(error, NotKnownBefore):
            raise Failure("not_known_before", str(error)) from error


def clock(now: str | None) -> Any:
    """Microseconds since 1970 (UTC): of the given instant, else of the system's clock at each call."""
    from projections.when import microseconds

    fixed = instant(now, "--now")
    return lambda: fixed if fixed is not None else microseconds(datetime.now(UTC))


def instant(text: str | None, option: str) -> int | None:
    from projections.when import microseconds

    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise Failure("usage", f"{option}: {text!r} is not an instant with its offset, as 2026-02-20T12:00:00Z", WRONG_USAGE)
    return microseconds(parsed)


def day(text: str | None, option: str) -> str | None:
    if text is None:
        return None
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError:
        raise Failure("usage", f"{option}: {text!r} is not a day, as 2026-02-20", WRONG_USAGE) from None


def main() -> NoReturn:
    """Runs a command; every failure leaves by one door, as a line on standard error or as JSON."""
    json = "--json" in sys.argv
    try:
        code = app(standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except Failure as failure:
        Output(json).failure(failure.code, str(failure))
        sys.exit(failure.exit_code)
    except (typer.Abort, KeyboardInterrupt):
        Output(json).failure("interrupted", "stopped; what was taken stays taken")
        sys.exit(130)
    except Exception as error:
        known = told(error)
        if known is None:
            raise
        Output(json).failure(*known[:2])
        sys.exit(known[2])


def told(error: Exception) -> tuple[str, str, int] | None:
    """Code, message and exit code of a failure that is not our own making; ``None`` for a broken invariant."""
    import sqlite3

    from eventsourcing.persistence import PersistenceError

    if hasattr(error, "format_message"):
        return "usage", error.format_message(), WRONG_USAGE
    if isinstance(error, PersistenceError | sqlite3.Error):
        return "store", f"the store could not be used: {error}; nothing of this batch was taken, call again to go on", FAILED
    if isinstance(error, OSError):
        return "file", str(error), FAILED
    return None
