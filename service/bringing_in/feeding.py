"""Feeds files one after the other, with a progress bar for people, and lays each file's dead letters beside it."""

import os
from collections.abc import Callable
from typing import Any

import typer

from consumers.feed import STDIN, CutOff, copy_dead_letters, feed, file_name
from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Counts
from projections.dead_letters import dead_letters
from service.failures import Failure
from service.progress import bytes_read_of
from service.running.answering import answer
from service.running.ticking import tick
from service.shown.words import counted


def feed_files(store: Any, files: list[str], now: Callable[[], int], *, quiet: bool, memory: int, tells: bool) -> Counts:
    check_there(files)
    ledger = Ledger(store, now, answer=answer, documents_in_memory=memory)
    total = Counts()
    for file in files:
        try:
            with bytes_read_of(file, quiet) as progress:
                fed = feed(ledger, file, progress=progress)
        except CutOff as error:
            raise Failure("cut_off", str(error)) from error
        total.add(fed.counts)
        if fed.unfinished:
            typer.echo(f"the last line of {file} is not finished: it is left for the next feed", err=True)
        if os.path.isfile(file):
            lay_beside(store, file)
    tick(store, now, tells=tells)
    return total


def check_there(files: list[str]) -> None:
    for file in files:
        if file != STDIN and not os.path.exists(file):
            raise Failure("no_such_file", f"there is no file {file!r}")
        if os.path.isdir(file):
            raise Failure("no_such_file", f"{file!r} is a folder: name its files")


def lay_beside(store: Any, file: str) -> None:
    """The store is the truth; where its copy can not be written, that is said and no more."""
    with store.reading() as moment:
        letters = dead_letters(moment, source=file_name(file))
    many = counted(len(letters), "dead letter")
    try:
        copy = copy_dead_letters(letters, file)
    except OSError as error:
        typer.echo(f"{many} of {file} could not be copied beside it ({error}); `exposure dead-letters` lists them", err=True)
    else:
        if copy:
            typer.echo(f"{many} of {file}: see {copy}", err=True)
