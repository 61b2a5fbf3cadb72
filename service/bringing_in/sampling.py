"""Writes the events of the made-up ERP, for whoever wants to feed or produce them."""

import sys
from dataclasses import dataclass
from pathlib import Path

from service.bringing_in.importing import replacing
from service.sample import sample


@dataclass(slots=True)
class Written:
    written: int = 0


def write_sample(events: int, seed: int, out: Path) -> Written:
    """Into a file, whole or not at all (``.gz`` is compressed)."""
    with replacing(out) as file:
        for line in sample(events, seed=seed):
            file.write(line + b"\n")
    return Written(events)


def print_sample(events: int, seed: int) -> None:
    for line in sample(events, seed=seed):
        sys.stdout.buffer.write(line + b"\n")
    sys.stdout.buffer.flush()
