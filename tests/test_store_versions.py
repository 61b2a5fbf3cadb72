"""A store of an older version is brought up to date when it is opened, whole or not at all; one of a newer engine is left alone.

Only SQLite has stores of the first versions that anybody fed: PostgreSQL came after them, and a store made there goes through all versions, empty.
"""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.ledger import Ledger
from exposure.ledger.rebuild import rebuild
from exposure.ledger.records import Record, Source
from exposure.ledger.stores.schema import sqlite_connection
from exposure.rules.spans import FOR_EVER
from schemas.jsontext import read
from schemas.told import naming_of
from service.deciding.checking import Request, check
from service.failures import Failure
from service.running.ticking import tick
from service.sample import sample
from service.store import open_store
from tests import stores
from tests.alerting import at
from tests.command import exposure
from tests.stores import AS_OF_0015, AS_OF_0016, NOW, alter, derived, execute, fed, holds_the_same, opened, url_of

LINES = list(sample(1500, seed=13, accounts=15))
REBUILT = ("DROP INDEX documents_width", "CREATE INDEX documents_width_rebuilt ON documents (account, width, closed, opened)")
"""Indexes have other names then."""
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
    assert {width for _, _, width, _ in widths} >= {1, 3, 5, FOR_EVER}
    execute(path, *AS_OF_0015)
    store = opened(path)
    assert derived_by_days(path) == [[], widths]
    tick(store, lambda: now)
    assert derived_by_days(path) == [stood, widths]
    assert rebuild(store).equal


@pytest.mark.usefixtures("each_store")
@pytest.mark.parametrize("since", [(), REBUILT], ids=["as made", "rebuilt"])
def test_what_a_store_of_before_has_recorded_is_placed_as_it_stands(tmp_path: Path, since: tuple[str, ...]) -> None:
    """More events and documents than are placed at once, and rows behind the log."""
    path, lines = tmp_path / "exposure.db", list(sample(9_000, seed=13, accounts=15))
    store, clean = opened(path), opened(tmp_path / "clean.db")
    for one in (store, clean):
        fed(one, lines[:8_900], batch=1_000)
        check(one, Request("C-1001", "O-1", "10.00"), lambda: NOW, "shop")
        Ledger(one, lambda: NOW).take([Record(line, 0) for line in lines[8_900:]], Source("test"))
    store.datastore.close()
    execute(path, *AS_OF_0016, *since)
    upgraded = opened(path)
    assert derived(upgraded) == derived(clean)
    assert indexed(upgraded) == indexed(clean)
    assert rebuild(upgraded).equal


def indexed(store: Any) -> set[tuple[str, str]]:
    """What is indexed of each table, whatever its indexes are named."""
    listed = "tablename, indexdef FROM pg_indexes WHERE schemaname = current_schema()"
    if stores.server is None:
        listed = "tbl_name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL"
    with store.reading() as moment:
        return {(table, sql[sql.rindex(" ON ") :].partition("(")[2]) for table, sql in moment.rows(f"SELECT {listed}")}


@pytest.mark.usefixtures("each_store")
@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (
            "UPDATE documents SET state = (SELECT hash FROM clock) WHERE account = 'C-1001' AND key = 'customer:C-1001'",
            "document customer:C-1001 of account C-1001",
        ),
        (
            "UPDATE stored_events SET state = (SELECT hash FROM clock) WHERE originator_id = 'account:C-1002' AND originator_version = 5",
            "event 5 of account:C-1002",
        ),
    ],
)
def test_a_store_that_cannot_be_brought_up_to_date_is_left_as_it_was(tmp_path: Path, spoil: str, told: str) -> None:
    path = tmp_path / "exposure.db"
    store = opened(path)
    fed(store, LINES)
    store.datastore.close()
    execute(path, *AS_OF_0016, spoil)
    before = [execute(path, f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("documents", "cases", "accounts")]
    with pytest.raises(Failure, match=f"{told} cannot be read"):
        open_store(url_of(path))
    assert [execute(path, f"SELECT * FROM {table} ORDER BY 1, 2") for table in ("documents", "cases", "accounts")] == before
    assert execute(path, "SELECT version_num FROM alembic_version") == [("0016",)]


@pytest.mark.usefixtures("each_store")
def test_a_store_of_a_newer_engine_is_left_alone(tmp_path: Path) -> None:
    alter(opened(tmp_path / "exposure.db"), "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Failure, match="use a newer engine"):
        opened(tmp_path / "exposure.db")


@pytest.mark.parametrize("version", ["", "0000", "0005x", "17"])
def test_a_store_that_says_no_version_there_ever_was_is_left_alone(tmp_path: Path, version: str) -> None:
    with stores.using(None):
        opened(tmp_path / "exposure.db").datastore.close()
        execute(tmp_path / "exposure.db", f"UPDATE alembic_version SET version_num = '{version}'")
        for create in (True, False):
            with pytest.raises(Failure, match=f"has version {version}, this engine knows"):
                open_store(url_of(tmp_path / "exposure.db"), create=create)
        execute(tmp_path / "exposure.db", "DELETE FROM alembic_version")
        with pytest.raises(Failure, match="does not say of which version it is: restore a backup"):
            open_store(url_of(tmp_path / "exposure.db"))


def test_a_store_that_was_emptied_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    emptied = tmp_path / "exposure.db"
    emptied.touch()
    with stores.using(None):
        said = exposure("verify", "--json", store=emptied)
        assert (said.exit_code, said.json["error"]["code"], emptied.stat().st_size) == (1, "no_store", 0)
        opened(emptied)
        assert exposure("verify", "--json", store=emptied).exit_code == 0


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
