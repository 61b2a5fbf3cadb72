"""``make bench``: events per second of the engine beside its floor and the library's documented style, in one run.

Floor: the same models validate the same bytes and only the events' rows go in raw, into the library's table. Documented: one aggregate, one save
at a time. All on SQLite in WAL mode with synchronous=FULL, 1,000 events a transaction (documented: one), alternating; medians of five runs.
"""

import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Record, Source
from exposure.ledger.sqlite import LedgerDatastore, open_sqlite
from schemas.inbound import MODELS, Envelope
from schemas.jsontext import read, written
from service.sample import sample

EVENTS, ACCOUNTS, BATCH, RUNS, DOCUMENTED = 100_000, 1_000, 1_000, 5, 2_000


def floor(lines: list[bytes], folder: Path) -> float:
    store = LedgerDatastore(str(folder / "floor.db"))
    versions: Counter[str] = Counter()
    with store.transaction(commit=True) as cursor:
        cursor.execute(
            "CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB, "
            "PRIMARY KEY (originator_id, originator_version))"
        )
    began = time.perf_counter()
    for start in range(0, len(lines), BATCH):
        rows = []
        for line in lines[start : start + BATCH]:
            envelope = Envelope.model_validate(read(line))
            MODELS[envelope.type].model_validate(envelope.data)
            versions[envelope.subject] += 1
            rows.append((envelope.subject, versions[envelope.subject], envelope.type, line))
        with store.transaction(commit=True) as cursor:
            cursor.executemany("INSERT INTO stored_events VALUES (?,?,?,?)", rows)
    rate = len(lines) / (time.perf_counter() - began)
    store.close()
    return rate


def ours(lines: list[bytes], folder: Path) -> float:
    store = open_sqlite(str(folder / "ours.db"), create=True)
    ledger = Ledger(store, lambda: 1_000_000)
    batches = (
        ([Record(line, start + place) for place, line in enumerate(lines[start : start + BATCH])], Source("bench", "bench", start, start + BATCH))
        for start in range(0, len(lines), BATCH)
    )
    began = time.perf_counter()
    for counts in ledger.take_all(batches):
        assert counts.recorded == BATCH
    ledger.settle()
    rate = len(lines) / (time.perf_counter() - began)
    store.datastore.close()
    return rate


class Account(Aggregate):
    """A credit account in the library's documented style: its events are kept as they were told."""

    @event("Opened")
    def __init__(self) -> None:
        self.balance: dict[str, Any] = {}

    @event("Told")
    def tell(self, type_: str, data: dict[str, Any]) -> None:
        self.balance[type_] = data.get("amount")


def documented(lines: list[bytes], folder: Path) -> float:
    app: Application[Any] = Application(env={"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(folder / "documented.db")})
    ids: dict[str, Any] = {}
    began = time.perf_counter()
    for line in lines[:DOCUMENTED]:
        envelope = Envelope.model_validate(read(line))
        MODELS[envelope.type].model_validate(envelope.data)
        account = app.repository.get(ids[envelope.subject]) if envelope.subject in ids else Account()
        account.tell(envelope.type, envelope.data)
        app.save(account)
        ids[envelope.subject] = account.id
    rate = DOCUMENTED / (time.perf_counter() - began)
    app.close()
    return rate


def main() -> None:
    lines = list(sample(EVENTS, accounts=ACCOUNTS))
    rates: dict[str, list[float]] = {"floor": [], "ours": [], "documented": []}
    contenders: list[Callable[[list[bytes], Path], float]] = [floor, ours, documented]
    for run in range(RUNS):
        for contender in contenders:
            with tempfile.TemporaryDirectory() as folder:
                rates[contender.__name__].append(contender(lines, Path(folder)))
            print(f"run {run + 1}/{RUNS} {contender.__name__:>10} {rates[contender.__name__][-1]:>10,.0f} events/s", file=sys.stderr)
    figures = {name: round(median(of)) for name, of in rates.items()}
    print(f"ours / floor {figures['ours'] / figures['floor']:.2f}   ours / documented {figures['ours'] / figures['documented']:.0f}", file=sys.stderr)
    print(written({"sqlite": figures}).decode())


if __name__ == "__main__":
    main()
