"""Runs the command line as a user would, in a process of its own."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, NamedTuple

from tests.patience import SECONDS_MAX
from tests.stores import make, url_of

ROOT = Path(__file__).parents[1]


class Said(NamedTuple):
    exit_code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def exposure(*words: str | Path, store: Path | None = None, stdin: bytes | None = None) -> Said:
    """``exposure WORDS… --store URL``."""
    told = list(map(str, words))
    if store is not None:
        make(store)
        told += ["--store", url_of(store)]
    return ran(told, os.environ, stdin or b"")


def ran(words: list[str], environment: Mapping[str, str], stdin: bytes = b"") -> Said:
    """What a command says with an environment of its own, once it has ended."""
    asked = {"words": words, "environment": dict(environment), "folder": os.getcwd()}
    with ExitStack() as around:
        told, out, err = (around.enter_context(TemporaryFile()) for _ in range(3))
        told.write(stdin)
        told.seek(0)
        ours, theirs = map(around.enter_context, socket.socketpair())
        ours.settimeout(SECONDS_MAX)
        socket.send_fds(forking(), [json.dumps(asked).encode()], [stream.fileno() for stream in (told, out, err, theirs)])
        theirs.close()
        answers = around.enter_context(ours.makefile("rb"))
        process = int(answers.readline())
        try:
            exit_code = int(answers.readline())
        except TimeoutError:
            os.kill(process, signal.SIGKILL)
            raise
        out.seek(0)
        err.seek(0)
        return Said(exit_code, out.read().decode(), err.read().decode())


@cache
def forking() -> socket.socket:
    """Where a process of ``tests.forked`` is asked that ends when we do."""
    ours, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, "-m", "tests.forked", str(theirs.fileno())]
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, pass_fds=[theirs.fileno()])
    return ours
