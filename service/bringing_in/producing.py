"""Sends files of events to Kafka one after the other, with a progress bar for people."""

from typing import Any

import typer

from consumers.broker.produce import Sent, outlet
from consumers.feed import CutOff
from schemas.topics import OTHERWISE, prefixed
from service.bringing_in.feeding import check_there
from service.failures import Failure
from service.progress import bytes_read_of
from service.shown.words import counted


def produce_files(connection: dict[str, Any], prefix: str, files: list[str], topic: str | None, rate: float | None, *, quiet: bool) -> Sent:
    check_there(files)
    with outlet(connection, prefix, topic, rate) as out:
        for file in files:
            try:
                with bytes_read_of(file, quiet) as progress:
                    out.send_file(file, progress)
            except CutOff as error:
                raise Failure("cut_off", str(error)) from error
    if out.counts.unplaced:
        typer.echo(f"{counted(out.counts.unplaced, 'line')} said no topic and went to {prefixed(prefix, OTHERWISE)}", err=True)
    return out.counts
