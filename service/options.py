"""What commands are asked with: their shared options, and how instants, days and reasons are read from them."""

import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from service.failures import WRONG_USAGE, Failure

Store = Annotated[str | None, typer.Option("--store", help="sqlite:///path or postgresql://… (default: EXPOSURE_STORE, else sqlite:///exposure.db)")]
Now = Annotated[str | None, typer.Option("--now", metavar="INSTANT", help="the clock of this call, as 2026-02-20T12:00:00Z")]
Json = Annotated[bool, typer.Option("--json", help="one JSON document on standard output and nothing else")]
AsOf = Annotated[str | None, typer.Option("--as-of", metavar="DAY", help="business day, as 2026-02-20")]
ListJobs = Annotated[
    int | None, typer.Option("--jobs", min=1, help="so many processes, where all accounts are asked (default: a core each, one where they are few)")
]
KnownAt = Annotated[str | None, typer.Option("--known-at", metavar="INSTANT", help="only what was recorded by then")]
By = Annotated[str | None, typer.Option("--by", metavar="NAME", help="who (default: EXPOSURE_OPERATOR, else the operating system's user)")]
Reason = Annotated[str, typer.Option("--reason", metavar="TEXT", help="why, in plain text and for ever: name no person")]
Bootstrap = Annotated[
    str | None, typer.Option("--bootstrap", metavar="HOST:PORT", help="where Kafka is (default: EXPOSURE_KAFKA_BOOTSTRAP, else 127.0.0.1:9092)")
]
Jobs = Annotated[int | None, typer.Option("--jobs", min=1, help="so many processes, where the log is long (default: one for each core)")]
RuleNames = Annotated[list[str] | None, typer.Option("--rule", metavar="RULE", help="only alerts by this rule, as over_limit; may be said again")]
TEXT = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,500}")


def settings() -> Any:
    from pydantic import ValidationError

    from service.settings import Settings

    try:
        return Settings()
    except ValidationError as error:
        wrong = "; ".join(f"EXPOSURE_{'.'.join(map(str, one['loc'])).upper()}: {one['msg']}" for one in error.errors(include_input=False))
        raise Failure("usage", wrong, WRONG_USAGE) from error


def out_file(file: str) -> Path:
    """The file that is to be written, looked at before anything is done: raises ``Failure`` where it can not be made."""
    path = Path(file)
    if path.is_dir():
        raise Failure("file", f"--out: {file} is a directory: name a file in it")
    if not path.absolute().parent.is_dir():
        raise Failure("file", f"--out: there is no directory {path.absolute().parent}: make it first, or name a file in another one")
    if not os.access(path if path.exists() else path.absolute().parent, os.W_OK):
        raise Failure("file", f"--out: {file} can not be written: name a file in a directory that you may write to")
    return path


def opened(store: str | None, *, create: bool = False) -> Any:
    from service.store import open_store

    return open_store(store or settings().store, create=create)


def opening(store: str | None) -> Callable[[], Any]:
    """What opens the store of a call, in another process too."""
    from service.store import open_store

    return partial(open_store, store or settings().store)


def known_currency(currency: str | None) -> str:
    """The one that is said, else the account's. Raises ``Failure`` where that is none, or none was ever told."""
    from exposure.findings import NO_CURRENCY
    from schemas.currencies import DECIMALS

    if currency is None:
        raise Failure("usage", f"--currency: {NO_CURRENCY}", WRONG_USAGE)
    if currency not in DECIMALS:
        raise Failure("usage", f"--currency: {currency!r} is no currency of ISO 4217", WRONG_USAGE)
    return currency


def clock(now: str | None) -> Callable[[], int]:
    """Microseconds since 1970 (UTC): of the given instant, else of the system's clock at each call."""
    from projections.when import microseconds

    fixed = instant(now, "--now")
    return lambda: fixed if fixed is not None else microseconds(datetime.now(UTC))


def instant(text: str | None, option: str) -> int | None:
    """Microseconds since 1970 (UTC); raises ``Failure`` where it is no instant, or no day of the calendar everywhere on earth."""
    from projections.when import microseconds, microseconds_of
    from schemas.instants import FIRST_INSTANT, LAST_INSTANT

    if text is None:
        return None
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    if parsed is None or parsed.tzinfo is None:
        raise Failure("usage", f"{option}: {text!r} is not an instant with its offset, as 2026-02-20T12:00:00Z", WRONG_USAGE)
    at = microseconds(parsed)
    if not microseconds_of(f"{FIRST_INSTANT}T00:00:00") <= at < microseconds_of(f"{LAST_INSTANT}T00:00:00"):
        raise Failure("usage", f"{option}: {text!r} is not between {FIRST_INSTANT} and {LAST_INSTANT}", WRONG_USAGE)
    return at


def instant_told(text: str | None, option: str) -> str | None:
    """An instant as facts have it."""
    from schemas.instants import instant_of

    at = instant(text, option)
    return None if at is None else instant_of(at)


def day(text: str | None, option: str) -> str | None:
    from schemas.instants import real_day

    if text is None:
        return None
    try:
        return real_day(text)
    except ValueError:
        raise Failure("usage", f"{option}: {text!r} is not a day, as 2026-02-20", WRONG_USAGE) from None


def rules_named(rules: list[str] | None) -> frozenset[str]:
    from schemas.policies import SEVERITY

    unknown = set(rules or ()) - SEVERITY.keys()
    if unknown:
        raise Failure("usage", f"--rule: there is no rule {min(unknown)!r}; there are: {', '.join(SEVERITY)}", WRONG_USAGE)
    return frozenset(rules or ())


def actor(by: str | None) -> str:
    """Who acts: ``--by``, else the operator of the settings."""
    return in_one_line("--by", settings().operator if by is None else by)


def in_one_line(option: str, text: str) -> str:
    if not text.strip() or not TEXT.fullmatch(text):
        raise Failure("usage", f"{option}: say it in one line of 1 to 500 letters", WRONG_USAGE)
    return text


def given_before(command: Any, given: dict[str, Any]) -> dict[str, Any]:
    """Options given before a subcommand, as defaults of every command behind it."""
    return {**given, **{name: given_before(inner, given) for name, inner in getattr(command, "commands", {}).items()}}


class ListByDefault(typer.core.TyperGroup):
    """A group whose ``list`` runs where no command is named."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        place = first_word(args)
        if place is not None and args[place] in self.commands:
            args = [args[place], *args[:place], *args[place + 1 :]]
        elif place is None and "--help" not in args:
            args = ["list", *args]
        return super().parse_args(ctx, args)


class AccountByDefault(ListByDefault):
    """And whose ``list`` takes the word that is no command: an account. One that has a command's name is asked for with ``list`` before it."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        place = first_word(args)
        return super().parse_args(ctx, args if place is None or args[place] in self.commands else ["list", *args])


HAVE_VALUES = ("--store", "--now", "--code", "--by", "--to", "--note", "--state", "--as-of", "--known-at", "--take", "--share", "--days", "--reason")


def first_word(args: list[str]) -> int | None:
    """Where the first word stands that is no option, nor an option's value."""
    for place, word in enumerate(args):
        if not word.startswith("-") and (place == 0 or args[place - 1] not in HAVE_VALUES):
            return place
    return None
