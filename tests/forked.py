"""A process that has read the whole program, and forks for each command that it is asked to run: to read it anew takes longer than most commands do.

What it forks is what a user starts: a process of its own, with its words, environment, folder and three streams, that ends as Python ends.
"""

import gc
import json
import os
import pkgutil
import runpy
import signal
import socket
import sys
import time
from importlib import import_module

from tests.stores import empty_file

FLOORS = ["schemas", "exposure", "projections", "consumers", "service"]
APART = ("service.__main__", "service.standalone", "exposure.ledger.stores.migrations")
"""What is a program of its own, or is read by one who looks for it by its path."""
ASKED_BYTES_MAX = 1 << 20
STREAMS = 3


def close(streams: list[int]) -> None:
    for stream in streams:
        os.close(stream)


def read_all() -> None:
    """What commands read when they begin, and what some of them read when they need it."""
    for floor in FLOORS:
        for module in pkgutil.walk_packages(import_module(floor).__path__, f"{floor}."):
            if not module.name.startswith(APART):
                import_module(module.name)
    empty_file()
    gc.freeze()


def serve(asking: socket.socket) -> None:
    """Until nobody can ask any more. Returns in the process of a command, ready to run it."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        asked, streams, *_ = socket.recv_fds(asking, ASKED_BYTES_MAX, STREAMS + 1)
        if not asked:
            sys.exit()
        if os.fork() == 0:
            asking.close()
            return keep(asked, streams)
        close(streams)


def keep(asked: bytes, streams: list[int]) -> None:
    """Looks after one command: says on the last of the streams its process id and, at its end, how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    process, told = os.fork(), streams.pop()
    if process == 0:
        os.close(told)
        return become(streams, **json.loads(asked))
    close(streams)
    os.write(told, b"%d\n" % process)
    os.write(told, b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
    os._exit(0)


def become(streams: list[int], words: list[str], environment: dict[str, str], folder: str) -> None:
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    close(streams)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    os.chdir(folder)
    sys.argv[1:] = words


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as asking:
        read_all()
        serve(asking)
    runpy.run_module("service", run_name="__main__", alter_sys=True)
