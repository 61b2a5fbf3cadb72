"""What it takes to prove the log, and to make everything of it anew, beside a bare read of the same rows: how many times as long?

They take turns on one store: ``verify`` by one process and by two, ``replay`` of every account's history as the log alone tells it (what makes a
decision again), and ``rebuild``, which writes all that is derived beside what stands there and compares.
"""

import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from exposure.ledger.proof.verify import verify
from exposure.ledger.rebuild import rebuild
from exposure.ledger.replay import Replay
from service.sample import sample
from service.store import open_store
from tests import stores

EVENTS, ACCOUNTS, BATCH, RUNS = 200_000, 2_000, 1_000, 3
"""A shorter log is verified by one process."""


def proving_times(server: str | None) -> dict[str, float]:
    """Medians, as ratios to that of the bare read."""
    with tempfile.TemporaryDirectory() as folder, stores.using(server):
        path = Path(folder) / "proving.db"
        store = stores.opened(path)
        stores.fed(store, sample(EVENTS, accounts=ACCOUNTS), batch=BATCH)
        calls: dict[str, Callable[[], object]] = {
            "read": lambda: read(store),
            "verify": lambda: verify(store),
            "verify_by_two": lambda: verify(store, again=partial(open_store, stores.url_of(path)), jobs=2),
            "replay": lambda: replay(store),
            "rebuild": lambda: rebuild(store),
        }
        seconds: dict[str, list[float]] = {name: [] for name in calls}
        for _ in range(RUNS):
            for name, call in calls.items():
                began = time.perf_counter()
                call()
                seconds[name].append(time.perf_counter() - began)
    taken = {name: median(of) for name, of in seconds.items()}
    print(f"{EVENTS:,} events: " + "   ".join(f"{name} {EVENTS / of:,.0f} events/s" for name, of in taken.items()), file=sys.stderr)
    return {f"{name}_times_read": round(of / taken["read"], 1) for name, of in taken.items() if name != "read"}


def read(store: Any) -> None:
    with store.reading() as moment:
        for _ in moment.stream(f"SELECT * FROM stored_events ORDER BY {moment.position}"):
            pass


def replay(store: Any) -> None:
    with store.reading() as moment:
        behind = moment.last_position() + 1
        for account in [name for (name,) in moment.rows("SELECT account FROM accounts")]:
            Replay(account).fold_until(moment, behind)
