"""A store of an older version is brought up to date when it is opened, whole or not at all; one of a newer engine is left alone.

Only SQLite has stores of older versions that anybody fed: PostgreSQL came after them, and a store made there goes through all versions, empty.
"""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.rebuild import rebuild
from exposure.ledger.schema import sqlite_connection
from exposure.rules.spans import FOR_EVER
from schemas.jsontext import read
from schemas.told import naming_of
from service.failures import Failure
from service.sample import sample
from service.ticking import tick
from tests.alerting import at
from tests.stores import AS_OF_0015, alter, execute, fed, holds_the_same, opened

LINES = list(sample(1500, seed=13, accounts=15))
YOUNGER_TABLES = ["claims", "leases", "cases", "members", "alert_states", "figures_told", "subscriptions", "deliveries", "origins"]
YOUNGER_COLUMNS = [
    ("accounts", "written"),
    ("dead_letters", "carried"),
    ("dead_letters", "settled_at"),
    ("dead_letters", "outcome"),
    ("outbox", "message_id"),
    ("stored_events", "hash"),
    ("clock", "position"),
    ("clock", "hash"),
]


def aged(path: Path) -> None:
    """Makes a store one of version 0001: every row of a document as new as its account, names by one digest."""
    with closing(sqlite3.connect(path)) as store, store:
        for statement in AS_OF_0015:
            store.execute(statement)
        store.execute("DROP INDEX accounts_behind")
        store.execute("DROP INDEX documents_promises")
        for table, column in YOUNGER_COLUMNS:
            store.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
        for table in YOUNGER_TABLES:
            store.execute(f"DROP TABLE {table}")
        told = {read(state)["id"]: read(state)["source"] for (state,) in store.execute("SELECT state FROM stored_events")}
        contents = dict(store.execute("SELECT naming, content FROM names"))
        store.execute("DELETE FROM names")
        for id_, source in told.items():
            old = blake2b(f"{len(source)}:{source}{id_}".encode(), digest_size=16).digest()
            store.execute("INSERT INTO names VALUES (?,?)", (old, contents[naming_of(source, id_)]))
        store.execute("UPDATE stored_events SET previous_hash = NULL")
        store.execute("UPDATE alembic_version SET version_num = '0001'")


@pytest.fixture
def store(tmp_path: Path) -> Any:
    made = opened(tmp_path / "exposure.db")
    fed(made, [*LINES[:1000], b"unreadable"])
    made.datastore.close()
    aged(tmp_path / "exposure.db")
    return opened(tmp_path / "exposure.db")


def test_a_store_of_the_first_version_goes_on_as_if_it_had_been_made_today(store: Any, tmp_path: Path) -> None:
    clean = opened(tmp_path / "clean.db")
    assert fed(store, LINES).duplicates == 1000
    fed(clean, [*LINES[:1000], b"unreadable"])
    fed(clean, LINES)
    holds_the_same(store, clean)
    assert any(b'"parent"' in line for line in LINES[:1000]), "whoever named a parent before the upgrade is among its members"
    assert rebuild(store).equal


def derived_by_days(path: Path) -> list[Any]:
    """What stood of accounts, and how wide the span of each document is."""
    return [execute(path, f"SELECT {columns} ORDER BY 1, 2, 3, 4") for columns in ("* FROM stood", "account, key, width, closed FROM documents")]


@pytest.mark.usefixtures("each_store")
def test_a_store_that_did_not_keep_what_stood_knows_it_once_time_has_passed(tmp_path: Path) -> None:
    path, now = tmp_path / "exposure.db", at("2026-07-01")
    store = opened(path)
    fed(store, LINES, now=now)
    tick(store, lambda: now)
    store.datastore.close()
    stood, widths = derived_by_days(path)
    assert len(stood) > 10
    assert {width for _, _, width, _ in widths} >= {0, 3, 5, FOR_EVER}
    execute(path, *AS_OF_0015)
    store = opened(path)
    assert derived_by_days(path) == [[], widths]
    tick(store, lambda: now)
    assert derived_by_days(path) == [stood, widths]
    assert rebuild(store).equal


@pytest.mark.usefixtures("each_store")
def test_a_store_of_a_newer_engine_is_left_alone(tmp_path: Path) -> None:
    alter(opened(tmp_path / "exposure.db"), "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Failure, match="use a newer engine"):
        opened(tmp_path / "exposure.db")


def test_all_who_make_a_store_at_once_come_to_use_it(tmp_path: Path) -> None:
    """Files that several give their write-ahead log at the same moment: SQLite then refuses some of them without waiting."""
    makers = 4
    at_once = threading.Barrier(makers)

    def make(number: int) -> None:
        at_once.wait()
        sqlite_connection(str(tmp_path / f"{number}.db")).close()

    with ThreadPoolExecutor(makers) as pool:
        for number in range(100):
            for made in [pool.submit(make, number) for _ in range(makers)]:
                made.result()
