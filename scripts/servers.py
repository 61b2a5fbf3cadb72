"""A server of our own in the background: one folder with all it has, one process, and one at a time who starts or ends it.

What is printed on standard output is its address and nothing else; a failure is one line, with the end of the server's log where there is one.
"""

import argparse
import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, NoReturn

ROOT = Path(__file__).resolve().parents[1]
SERVICES = ROOT / ".services"
PORTS = range(15_000, 30_000)
"""Below those that the system gives to outgoing connections: what a killed server listened at is free when it comes back."""
POLL_SECONDS = 0.1
END_SECONDS_MAX = 60
FREE_SECONDS_MAX = 10
FETCH_SECONDS_MAX = 900
LOG_LINES = 15
PARENT = '"$@" </dev/null & echo $! >"$0"; exec </dev/null; wait'
"""The shell that a server is a child of. It holds the lock, which is its standard input, until the pid is written: whoever is killed, the server is
found again. And it buries it at once, as a process 1 in a container may not: PostgreSQL takes a pid that is not buried for a server that runs."""


def fail(words: str) -> NoReturn:
    raise SystemExit(f"{Path(sys.argv[0]).name}: {words}")


def said(words: str) -> None:
    print(words, file=sys.stderr)


def done(command: list[str], failing: str, told: str = "", env: Mapping[str, str] = os.environ) -> str:
    """What a command prints that has to succeed; otherwise its last lines, and ``failing``.

    It has our locks too: where we are killed and it goes on, the next to start waits until it is done.
    """
    try:
        ran = subprocess.run(
            command,
            input=told,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=FETCH_SECONDS_MAX,
            check=False,
            close_fds=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        fail(f"{failing}: {error}")
    if ran.returncode:
        said("\n".join(ran.stdout.splitlines()[-LOG_LINES:]))
        fail(failing)
    return ran.stdout


@contextmanager
def locked(path: Path) -> Iterator[IO[str]]:
    """Alone with what the lock stands for, among all processes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.set_inheritable(lock.fileno(), True)
        yield lock


def is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with suppress(OSError):
            listener.bind(("127.0.0.1", port))
            return True
    return False


def comes_free(port: int) -> bool:
    """A killed process has no command line any more before its sockets are closed: so it may take a moment."""
    until = time.monotonic() + FREE_SECONDS_MAX
    while not (free := is_free(port)) and time.monotonic() < until:
        time.sleep(POLL_SECONDS)
    return free


def free_port() -> int:
    return next(port for port in random.sample(PORTS, len(PORTS)) if is_free(port))


def argv(pid: int) -> list[str]:
    """The command line of a process; empty when it is gone or waits to be buried."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def children(parent: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            # pid (name) state parent …, where a name may hold blanks and brackets
            if int(stat.read_text().rpartition(")")[2].split()[1]) == parent:
                found.append(int(stat.parent.name))
    return found


class Server(ABC):
    """A server with its data, log and ports in ``folder``."""

    name: str
    """As people call it."""
    kind: str
    """The start of its folder's name below .services."""
    variable: str
    """Where the environment may name one that is not ours: then nothing is started."""
    ports_count: int
    ends_by: signal.Signals

    def __init__(self, folder: Path, lock: IO[str]) -> None:
        self.folder = folder
        self.lock = lock
        self.data = folder / "data"
        self.log = folder / "log"
        self.pid_file = folder / "pid"
        self.ports_file = folder / "ports"

    @property
    def mark(self) -> str:
        """A word of its command line that no other process has."""
        return str(self.data)

    @property
    @abstractmethod
    def address(self) -> str: ...

    @abstractmethod
    def prepare(self) -> None:
        """Brings the programs and makes the data, where they are not there."""

    @abstractmethod
    def command(self) -> list[str]: ...

    @abstractmethod
    def answers(self) -> bool: ...

    @property
    def ports(self) -> list[int]:
        return [int(port) for port in self.ports_file.read_text().split()] if self.ports_file.exists() else []

    @property
    def pid(self) -> int | None:
        """The process that runs now; a number left over from another life is none."""
        with suppress(OSError, ValueError):
            pid = int(self.pid_file.read_text())
            if self.mark in argv(pid):
                return pid
        return None

    def choose_ports(self, told: int | None) -> None:
        """The same as last time, where they are free still."""
        if told is not None and not is_free(told):
            fail(f"port {told} is in use")
        ports = self.ports or [free_port() for _ in range(self.ports_count)]
        ports[0] = told or ports[0]
        self.ports_file.write_text(" ".join(str(port if comes_free(port) else free_port()) for port in ports))

    def start(self, port: int | None, seconds: float) -> None:
        launched = self.pid is None
        if launched:
            self.choose_ports(port)
            self.prepare()
            with self.log.open("ab") as log:
                subprocess.Popen(
                    ["sh", "-c", PARENT, str(self.pid_file), *self.command()],
                    cwd=self.folder,
                    stdin=self.lock,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
        self.wait_for_an_answer(seconds, launched)

    def wait_for_an_answer(self, seconds: float, launched: bool) -> None:
        begin = time.monotonic()
        while not self.answers():
            waited = time.monotonic() - begin
            # a process is looked for a second later: it has to write its pid first
            ended = waited > 1 and self.pid is None
            if ended or waited > seconds:
                if launched:
                    self.kill()
                said("\n".join(self.log.read_text(errors="replace").splitlines()[-LOG_LINES:]))
                fail(f"{self.name} {'ended as it started' if ended else f'does not answer after {seconds:g} seconds'} (log: {self.log})")
            time.sleep(POLL_SECONDS)

    def stop(self) -> None:
        if pid := self.pid:
            os.kill(pid, self.ends_by)
            if not self.gone():
                said(f"{self.name} did not stop in {END_SECONDS_MAX} seconds and is killed")
                self.kill()

    def kill(self) -> None:
        """As a power cut would end it, but for what the operating system has in memory; its children go with it."""
        if pid := self.pid:
            os.kill(pid, signal.SIGSTOP)  # from here on it makes no more of them
            for one in [*children(pid), pid]:
                with suppress(ProcessLookupError):
                    os.kill(one, signal.SIGKILL)
            if not self.gone():
                fail(f"{self.name} (process {pid}) can not be killed")

    def gone(self) -> bool:
        deadline = time.monotonic() + END_SECONDS_MAX
        while self.pid and time.monotonic() < deadline:
            time.sleep(POLL_SECONDS)
        return self.pid is None


def arguments(server: type[Server]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog=f"scripts/{server.kind}", description=f"{server.name} on this machine, for tests, benchmarks and development."
    )
    parser.add_argument(
        "verb", choices=["start", "stop", "kill", "status"], help="kill is SIGKILL: what was acknowledged must be there at the next start"
    )
    usual = SERVICES / server.kind
    parser.add_argument("--folder", type=Path, default=usual, help=f"where its data, log and ports are (default: .services/{server.kind})")
    parser.add_argument(
        "--port",
        type=int,
        choices=range(1, 1 << 16),
        metavar="PORT",
        help="where it listens (default: a free one, and the same again at the next start)",
    )
    parser.add_argument("--timeout", type=float, default=60, help="seconds until it has to answer (default: %(default)s)")
    parser.add_argument("--all", action="store_true", help="with stop: every one below .services")
    return parser.parse_args()


def main(kind: type[Server]) -> None:
    told = arguments(kind)
    if (named := os.environ.get(kind.variable)) and told.verb != "stop":
        if told.verb == "kill":
            fail(f"{kind.variable} names one that is not ours to kill")
        print(named)
        return
    folders = sorted(file.parent for file in SERVICES.glob(f"{kind.kind}*/pid")) if told.all else [told.folder.resolve()]
    for folder in folders:
        with locked(folder / "lock") as lock:
            carry_out(told, kind(folder, lock))


def carry_out(told: argparse.Namespace, server: Server) -> None:
    if told.verb == "start":
        server.start(told.port, told.timeout)
        print(server.address)
    elif told.verb == "stop":
        server.stop()
    elif server.pid is None:
        fail(f"{server.name} is not running")
    elif told.verb == "kill":
        server.kill()
    elif server.answers():
        print(server.address)
    else:
        fail(f"{server.name} runs and does not answer (log: {server.log})")


def program(name: str, home: str | None = None) -> str:
    """Where a program is that has to be there."""
    place = os.environ.get(home, "") if home else ""
    found = shutil.which(f"{place}/bin/{name}") if place else shutil.which(name)
    return found or fail(f"{name} is needed and was not found: install it")
