"""Runs the command line as a user would, in a process of its own."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

from tests.patience import SECONDS_MAX
from tests.stores import make, url_of


class Said(NamedTuple):
    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def exposure(*words: str | Path, store: Path | None = None, stdin: bytes | None = None) -> Said:
    """``exposure WORDS… --store URL``."""
    command = [sys.executable, "-m", "service", *map(str, words)]
    if store is not None:
        make(store)
        command += ["--store", url_of(store)]
    done = subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=SECONDS_MAX)
    return Said(done.returncode, done.stdout.decode(), done.stderr.decode())
