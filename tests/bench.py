"""``make bench``: events per second of the engine beside its floor and the library's documented style, in one run.

Floor: the same models validate the same bytes and only the events' rows go in raw, into the library's table. Documented: one aggregate, one save
at a time. Unchained: ours without the hashes of its log. Alerts: ours, and every account judged day by day to the end. Told: the same, and its
figures put into the outbox. On SQLite, and on PostgreSQL where it can be had, durably, 1,000 events a transaction (documented: one), alternating;
medians of five runs. On PostgreSQL also how long two writers wait for each other, and through Kafka the same events beside a file's. On both how long
a credit check takes beside one bare SELECT, and to prove, replay and rebuild the log beside a bare read of it.
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch
from urllib.parse import urlsplit

import psycopg
from eventsourcing.application import Application
from eventsourcing.domain import Aggregate, event

from exposure.ledger.ledger import Ledger
from exposure.ledger.proof import chain
from exposure.ledger.records import Record, Source
from exposure.ledger.stores.sqlite import LedgerDatastore
from schemas.inbound import MODELS, Envelope
from schemas.jsontext import read, written
from service.running.ticking import tick
from service.sample import sample
from tests import stores
from tests.asking_times import asking_times
from tests.proving_times import proving_times
from tests.through_kafka import through_kafka
from tests.waiting import waiting

ROOT = Path(__file__).parents[1]
Row = tuple[str, int, str, bytes]
EVENTS, ACCOUNTS, BATCH, RUNS, DOCUMENTED = 100_000, 1_000, 1_000, 5, 2_000
NOW = 1_800_000_000_000_000


class OnSQLite:
    """The library's table in a file, in WAL mode with synchronous=FULL."""

    name = "sqlite"

    def __init__(self, folder: Path) -> None:
        self.path = folder / "bench.db"

    @contextmanager
    def rows_put(self) -> Iterator[Callable[[list[Row]], None]]:
        """The library's table and nothing else: what puts rows in, a transaction each time."""
        store = LedgerDatastore(str(self.path))
        with store.transaction(commit=True) as cursor:
            cursor.execute(
                "CREATE TABLE stored_events (originator_id TEXT, originator_version INTEGER, topic TEXT, state BLOB, "
                "PRIMARY KEY (originator_id, originator_version))"
            )

        def put(rows: list[Row]) -> None:
            with store.transaction(commit=True) as cursor:
                cursor.executemany("INSERT INTO stored_events VALUES (?,?,?,?)", rows)

        yield put
        store.close()

    def library(self) -> dict[str, str]:
        return {"PERSISTENCE_MODULE": "eventsourcing.sqlite", "SQLITE_DBNAME": str(self.path)}


class OnPostgres:
    """The same in a database of its own on the server that ``scripts/postgres start`` brings up."""

    name = "postgresql"

    def __init__(self, folder: Path) -> None:
        self.path = folder
        stores.make(folder)
        self.url = stores.url_of(folder)

    @contextmanager
    def rows_put(self) -> Iterator[Callable[[list[Row]], None]]:
        with psycopg.connect(self.url) as connection:
            position = "notification_id bigint GENERATED ALWAYS AS IDENTITY UNIQUE"
            connection.execute(
                f"CREATE TABLE stored_events (originator_id text, originator_version bigint, {position}, topic text, state bytea, "
                "PRIMARY KEY (originator_id, originator_version))"
            )
            connection.commit()

            def put(rows: list[Row]) -> None:
                columns = [list(column) for column in zip(*rows, strict=True)]
                names = "originator_id, originator_version, topic, state"
                arrays = "unnest(%b::text[], %b::bigint[], %b::text[], %b::bytea[])"
                connection.execute(f"INSERT INTO stored_events ({names}) SELECT * FROM {arrays}", columns)
                connection.commit()

            yield put

    def library(self) -> dict[str, str]:
        told = urlsplit(self.url)
        place = {"DBNAME": told.path[1:], "HOST": told.hostname, "PORT": str(told.port), "USER": told.username, "PASSWORD": told.password}
        return {"PERSISTENCE_MODULE": "eventsourcing.postgres", **{f"POSTGRES_{name}": str(value) for name, value in place.items()}}


Database = OnSQLite | OnPostgres


@cache
def started(server: str) -> str | None:
    """Where a server of ours answers; ``None``, and said, where it can not be had."""
    ran = subprocess.run([ROOT / "scripts" / server, "start"], check=False, capture_output=True, text=True)
    if ran.returncode:
        print(f"without {server}: {ran.stderr.strip()}", file=sys.stderr)
    return ran.stdout.strip() or None


def floor(lines: list[bytes], database: Database) -> float:
    versions: Counter[str] = Counter()
    with database.rows_put() as put:
        began = time.perf_counter()
        for start in range(0, len(lines), BATCH):
            rows = []
            for line in lines[start : start + BATCH]:
                envelope = Envelope.model_validate(read(line))
                MODELS[envelope.type].model_validate(envelope.data)
                versions[envelope.subject] += 1
                rows.append((envelope.subject, versions[envelope.subject], envelope.type, line))
            put(rows)
        return len(lines) / (time.perf_counter() - began)


def ours(lines: list[bytes], database: Database) -> float:
    return taken(lines, database, lambda _: None)


def alerts(lines: list[bytes], database: Database) -> float:
    """The same with every account judged, day by day, to the end of all they say."""
    return taken(lines, database, lambda store: tick(store, lambda: NOW))


def unchained(lines: list[bytes], database: Database) -> float:
    """Ours without a hash of anything."""
    with patch.object(chain, "event_hash", lambda *_: chain.NOTHING):
        return ours(lines, database)


def told(lines: list[bytes], database: Database) -> float:
    """The same with the figures of every account put into the outbox, as beside ``consume``."""
    return taken(lines, database, lambda store: tick(store, lambda: NOW, tells=True))


def taken(lines: list[bytes], database: Database, and_then: Callable[[Any], object]) -> float:
    store = stores.opened(database.path)
    ledger = Ledger(store, lambda: NOW)
    batches = (
        ([Record(line, start + place) for place, line in enumerate(lines[start : start + BATCH])], Source("bench", "bench", start, start + BATCH))
        for start in range(0, len(lines), BATCH)
    )
    began = time.perf_counter()
    for counts in ledger.take_all(batches):
        assert counts.recorded == BATCH
    ledger.settle()
    and_then(store)
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


def documented(lines: list[bytes], database: Database) -> float:
    app: Application[Any] = Application(env=database.library())
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
    postgresql, bootstrap = started("postgres"), started("kafka")
    figures: dict[str, dict[str, float]] = {OnSQLite.name: compared(lines, OnSQLite) | asking_times(None) | proving_times(None)}
    if postgresql:
        figures[OnPostgres.name] = compared(lines, OnPostgres) | waiting(postgresql) | asking_times(postgresql) | proving_times(postgresql)
    if bootstrap:
        figures["kafka"] = through_kafka(bootstrap, postgresql)
    print(written(figures).decode())


def compared(lines: list[bytes], kind: type[Database]) -> dict[str, float]:
    """Events per second, medians of runs that take turns."""
    rates: dict[str, list[float]] = {"floor": [], "ours": [], "unchained": [], "alerts": [], "told": [], "documented": []}
    contenders: list[Callable[[list[bytes], Database], float]] = [floor, ours, unchained, alerts, told, documented]
    for run in range(RUNS):
        for contender in contenders:
            with tempfile.TemporaryDirectory() as folder, stores.using(started("postgres") if kind is OnPostgres else None):
                rate = contender(lines, kind(Path(folder)))
            rates[contender.__name__].append(rate)
            print(f"{kind.name} run {run + 1}/{RUNS} {contender.__name__:>10} {rate:>10,.0f} events/s", file=sys.stderr)
    figures: dict[str, float] = {name: round(median(of)) for name, of in rates.items()}
    ratios = f"ours / floor {figures['ours'] / figures['floor']:.2f}   ours / documented {figures['ours'] / figures['documented']:.0f}"
    ratios += f"   with hashes / without {figures['ours'] / figures['unchained']:.2f}"
    ratios += f"   with alerts / without {figures['alerts'] / figures['ours']:.2f}"
    ratios += f"   with figures told / without {figures['told'] / figures['ours']:.2f}"
    print(f"{kind.name} {ratios}", file=sys.stderr)
    return figures


if __name__ == "__main__":
    main()
