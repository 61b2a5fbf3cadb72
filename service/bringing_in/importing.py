"""Imports a receivables CSV: its rows become contract events that are taken exactly once, or written to a file instead."""

import gzip
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, cast

import typer

from consumers.feed import BATCH
from consumers.mapping import MappingError, mapping_named
from consumers.receivables import Refusal, Result, events_of
from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Counts, Record, Source
from schemas.jsontext import written
from schemas.told import Unreadable
from service.failures import Failure
from service.running.ticking import tick


@dataclass(frozen=True, slots=True)
class Import:
    """What is imported: ``cut_over`` is a day as text, ``source`` what the events name as theirs."""

    file: str
    mapping: str
    cut_over: str | None = None
    source: str | None = None

    @property
    def told_by(self) -> str:
        """The same for every export of one ledger, whatever its file is called: a newer one can be imported over an older one."""
        return self.source or f"/import/{Path(self.mapping).stem}"

    def results(self) -> Iterator[Result]:
        """Events and refusals, row by row."""
        if not os.path.isfile(self.file):
            raise Failure("no_such_file", f"there is no file {self.file!r}")
        cut_over = None if self.cut_over is None else date.fromisoformat(self.cut_over)
        try:
            with open(self.file, "rb") as file:
                yield from events_of(file, mapping_named(self.mapping), source=self.told_by, cut_over=cut_over)
        except MappingError as error:
            raise Failure("mapping", str(error)) from error


@dataclass(slots=True)
class Written:
    """What became of what was read where it is written to a file."""

    read: int = 0
    written: int = 0
    refused: int = 0


def feed_import(wanted: Import, store: Any, now: Callable[[], int], *, memory: int, tells: bool) -> Counts:
    """Takes the events; a refused row is a dead letter with its own bytes, of its account where that can be read."""
    ledger = Ledger(store, now, documents_in_memory=memory)
    source = Source(f"import:{Path(wanted.file).resolve()}")
    records = (record(result, place) for place, result in enumerate(wanted.results(), 1))
    total = Counts()
    for counts in ledger.take_all((batch, source) for batch in iter(lambda: list(islice(records, BATCH)), [])):
        total.add(counts)
    ledger.settle()
    tick(store, now, tells=tells)
    return total


def record(result: Result, place: int) -> Record:
    """``place`` counts what was read of the file from 1; the reason of a refusal names its line and column."""
    if isinstance(result, Refusal):
        return Record(result.raw, place, Unreadable("bad_row", str(result), result.account))
    return Record(written(result), place)


def write_import(wanted: Import, out: Path) -> Written:
    """Writes the events as JSONL, whole or not at all (``.gz`` is compressed); refused rows are told on standard error."""
    counts = Written()
    with replacing(out) as file:
        for result in wanted.results():
            counts.read += 1
            if isinstance(result, Refusal):
                counts.refused += 1
                typer.echo(f"exposure: {wanted.file}: {result}", err=True)
            else:
                counts.written += 1
                file.write(written(result) + b"\n")
    return counts


@contextmanager
def replacing(target: Path) -> Iterator[BinaryIO]:
    """A new file beside the old one, put in its place when it is whole."""
    fresh = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        with gzip.open(fresh, "wb") if target.name.endswith(".gz") else open(fresh, "wb") as file:
            yield cast(BinaryIO, file)
        os.replace(fresh, target)
    finally:
        with suppress(FileNotFoundError):
            os.unlink(fresh)
