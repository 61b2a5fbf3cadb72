"""Two writers of one PostgreSQL store, each with accounts of its own, beside one alone: what they write together, and how long they wait.

Shares of a writer's time: ``waiting``, its writing thread stood before the clock row, the lock of all writes; ``locked``, it held that lock, its
commit included; ``held_up``, its folding thread stood still until a batch was written. One alone has some of each, by the way to the server and back.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import mean, median
from typing import Any

from exposure.ledger.ledger import Ledger, Taking
from exposure.ledger.records import Record, Source
from exposure.ledger.stores.postgres import LedgerDatastore, PostgresLedger, standing
from exposure.ledger.stores.postgres_tables import PostgresWriting
from schemas.jsontext import read, written
from service.sample import sample
from tests import stores

EVENTS, ACCOUNTS, BATCH, RUNS = 30_000, 500, 1_000, 3
SHARES = ("waiting", "locked", "held_up")


class TimedStore(PostgresLedger):
    """Knows how long its writes waited for the lock, and how long they held it."""

    waiting = locked = 0.0

    @contextmanager
    def writing(self, now: int) -> Iterator[PostgresWriting]:
        with self.transaction(commit=True) as cursor:
            asked = time.perf_counter()
            writing = PostgresWriting(cursor, now)
            given = time.perf_counter()
            yield writing
        self.waiting += given - asked
        self.locked += time.perf_counter() - given


class TimedLedger(Ledger):
    """Knows how long its folding thread stood still."""

    held_up = 0.0

    def finish(self, taking: Taking, later: Any) -> bool:
        began = time.perf_counter()
        is_as_folded = super().finish(taking, later)
        self.held_up += time.perf_counter() - began
        return is_as_folded


def lines_of(writer: str) -> list[bytes]:
    """What an ERP of its own tells of accounts of its own. Rates are left out: they are nobody's, and one partition alone has them."""
    told = islice((line for line in sample(2 * EVENTS, accounts=ACCOUNTS) if b'"erp.fx_rate.' not in line), EVENTS)
    return [written({**(event := read(line)), "source": f"/erp/{writer}", "subject": f"{writer}{event['subject']}"}) for line in told]


def write(url: str, writer: str) -> None:
    """One writer: says that it is ready, begins when it is told to, and says how it went."""
    lines = lines_of(writer)
    store = TimedStore(LedgerDatastore(url, standing(url)[1]), tracking_table_name="tracking")
    ledger = TimedLedger(store, lambda: time.time_ns() // 1000)
    batches = (
        ([Record(line, start + place) for place, line in enumerate(lines[start : start + BATCH])], Source(writer, writer, start, start + BATCH))
        for start in range(0, EVENTS, BATCH)
    )
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    for counts in ledger.take_all(batches):
        assert counts.recorded == BATCH
    seconds = time.perf_counter() - began
    store.datastore.close()
    shares = {"waiting": store.waiting / seconds, "locked": store.locked / seconds, "held_up": ledger.held_up / seconds}
    print(written({"rate": EVENTS / seconds, **shares}).decode())


def together(server: str, writers: Sequence[str]) -> list[dict[str, float]]:
    """What each of the writers says of itself; they begin at once, when all are ready."""
    with tempfile.TemporaryDirectory() as folder, stores.using(server):
        stores.opened(Path(folder))
        commands = [[sys.executable, "-m", "tests.waiting", stores.url_of(Path(folder)), writer] for writer in writers]
        running = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for command in commands]
        for process in running:
            assert process.stdout is not None
            process.stdout.readline()
        for process in running:
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
        return [read(process.communicate()[0].encode()) for process in running]


def waiting(server: str) -> dict[str, float]:
    """Medians of runs that take turns: of two writers the mean shares, and their events a second over those of the one alone."""
    found: dict[str, list[float]] = {name: [] for share in SHARES for name in (share, f"{share}_alone")} | {"two_to_one": []}
    for _ in range(RUNS):
        (alone,), both = together(server, "A"), together(server, "AB")
        for share in SHARES:
            found[share].append(mean(one[share] for one in both))
            found[f"{share}_alone"].append(alone[share])
        found["two_to_one"].append(sum(one["rate"] for one in both) / alone["rate"])
    figures = {name: round(median(of), 2) for name, of in found.items()}
    shares = "   ".join(f"{share} {figures[share]:.2f} (alone {figures[f'{share}_alone']:.2f})" for share in SHARES)
    print(f"postgresql two writers / one {figures['two_to_one']:.2f}   {shares}", file=sys.stderr)
    return {name: figures[name] for name in (*SHARES, "two_to_one")}


if __name__ == "__main__":
    write(*sys.argv[1:])
