"""Feeds files one after the other, with a progress bar for people, and lays each file's dead letters beside it."""

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from consumers.feed import STDIN, copy_dead_letters, feed, file_name
from exposure.ledger.ledger import Counts, Ledger
from projections.dead_letters import dead_letters_of
from service.failures import Failure


def feed_files(store: Any, files: list[str], now: Callable[[], int], *, quiet: bool, memory: int) -> Counts:
    missing = [file for file in files if file != STDIN and not os.path.isfile(file)]
    if missing:
        raise Failure("no_such_file", f"there is no file {missing[0]!r}")
    ledger = Ledger(store, now, documents_in_memory=memory)
    total = Counts()
    for file in files:
        with progress_of(file, quiet) as progress:
            total.add(feed(ledger, file, progress=progress))
        if file != STDIN:
            with store.reading() as moment:
                letters = dead_letters_of(moment, file_name(file))
            copy = copy_dead_letters(letters, file)
            if copy:
                typer.echo(f"{len(letters)} dead letters of {file} are in {copy}", err=True)
    return total


@contextmanager
def progress_of(file: str, quiet: bool) -> Iterator[Callable[[int], None]]:
    """A bar on a terminal's standard error, else nothing."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    known = file != STDIN and not file.endswith((".gz", ".zst"))
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(file, total=os.path.getsize(file) if known else None)
        yield lambda position: bar.update(task, completed=position)
