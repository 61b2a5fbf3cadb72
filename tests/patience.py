"""How long a test waits for what has to come: a deadline keeps it from waiting for ever, and says nothing of how fast anything is."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from subprocess import Popen

SECONDS_MAX = 300
LOOK_SECONDS = 0.02


def until(holds: Callable[[], bool], so_far: Callable[[], object] = lambda: None) -> None:
    """Waits until something holds; ``so_far`` says how it stands where it never does."""
    deadline = time.monotonic() + SECONDS_MAX
    while not holds():
        assert time.monotonic() < deadline, so_far()
        time.sleep(LOOK_SECONDS)


@contextmanager
def mortal(process: "Popen[bytes]") -> Iterator[None]:
    """A process that a test waits for without a deadline, as where it reads what it says: it is killed when its time is over, or at the end."""
    overdue = threading.Timer(2 * SECONDS_MAX, process.kill)
    overdue.start()
    try:
        yield
    finally:
        overdue.cancel()
        process.kill()
