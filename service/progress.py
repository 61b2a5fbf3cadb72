"""How far something is, for people: a bar on a terminal's standard error, else nothing."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager


@contextmanager
def progress_of(what: str, of: int | None, quiet: bool, *, are_bytes: bool = False) -> Iterator[Callable[[int], None]]:
    """What is yielded is told how many are done by now; of how many, where that is known."""
    if quiet or not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    counts = (DownloadColumn(), TransferSpeedColumn()) if are_bytes else (MofNCompleteColumn(),)
    with Progress(TextColumn("{task.description}"), BarColumn(), *counts, TimeRemainingColumn(), console=Console(stderr=True)) as bar:
        task = bar.add_task(what, total=of)
        yield lambda done: bar.update(task, completed=done)


def followed(what: str, names: Sequence[str], quiet: bool) -> Iterator[str]:
    """Each of them, while a bar says how many were done with."""
    with progress_of(what, len(names), quiet) as progress:
        for done, name in enumerate(names, 1):
            yield name
            progress(done)


def bytes_read_of(file: str, quiet: bool) -> AbstractContextManager[Callable[[int], None]]:
    """Of a file that is read: how large one is that is packed is known at its end."""
    from consumers.feed import STDIN

    is_known = file != STDIN and not file.endswith((".gz", ".zst"))
    return progress_of(file, os.path.getsize(file) if is_known else None, quiet, are_bytes=True)
