"""PostgreSQL is a store like SQLite: told the same it holds the same, and what can go wrong between a writer and its server loses nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.ledger import Ledger
from exposure.ledger.rebuild import rebuild
from exposure.ledger.records import Record, Source
from service.failures import Failure
from service.sample import sample, shuffled
from tests import stores
from tests.command import exposure
from tests.services import Killable
from tests.stores import DAY, NOW, derived, fed, holds_the_same, log, opened

UNREADABLE = [b"not JSON at all", b"[]", b'{"subject":"C-1001","specversion":"1.0"}']
LINES = shuffled([*sample(3000, seed=17, accounts=25), *UNREADABLE], seed=9)


@pytest.fixture
def on_postgres(postgresql_server: str) -> Iterator[None]:
    stores.use(postgresql_server)
    yield
    stores.drop_databases()
    stores.use(None)


@pytest.fixture
def both(postgresql_server: str, tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    """A store on SQLite and one on PostgreSQL."""
    on_sqlite = opened(tmp_path / "exposure.db")
    stores.use(postgresql_server)
    yield on_sqlite, opened(tmp_path / "exposure.db")
    stores.drop_databases()
    stores.use(None)


def test_told_the_same_in_the_same_order_it_holds_the_same_to_the_byte(both: tuple[Any, Any]) -> None:
    counts = [fed(store, LINES) for store in both]
    assert counts[0] == counts[1]
    assert (counts[0].recorded, counts[0].dead_letters) == (3000, len(UNREADABLE))
    holds_the_same(*both)
    assert [fed(store, LINES).recorded for store in both] == [0, 0]


def test_what_is_rebuilt_equals_what_was_kept_and_what_was_spoiled_is_named(both: tuple[Any, Any]) -> None:
    _, store = both
    fed(store, LINES)
    before = derived(store)
    assert rebuild(store).equal
    assert derived(store) == before
    with store.datastore.transaction(commit=True) as cursor:
        cursor.execute("UPDATE accounts SET state = (SELECT state FROM accounts WHERE account = 'C-1002') WHERE account = 'C-1001'")
        cursor.execute("DELETE FROM documents WHERE account = 'C-1003'")
    assert rebuild(store).unequal == ["account:C-1001", "account:C-1003"]
    assert derived(store) == before


@pytest.mark.usefixtures("on_postgres")
def test_writers_who_take_turns_decide_on_what_the_others_wrote(tmp_path: Path) -> None:
    ledgers = [Ledger(opened(tmp_path / "exposure.db"), lambda: NOW) for _ in range(3)]
    for turn, start in enumerate(range(0, 1500, 70)):
        fed(None, LINES[start : start + 70], ledger=ledgers[turn % 3])
    clean = opened(tmp_path / "clean.db")
    fed(clean, LINES[: start + 70])
    assert log(ledgers[0].store) == log(clean)
    assert derived(ledgers[0].store) == derived(clean)


@pytest.mark.usefixtures("on_postgres")
def test_the_command_line_says_the_same_of_both(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(LINES) + b"\n")
    on_postgres, server = tmp_path / "exposure.db", stores.server
    said: dict[str, list[Any]] = {"postgresql": [], "sqlite": []}
    for kind in said:
        stores.use(server if kind == "postgresql" else None)
        if kind == "postgresql":
            opened(on_postgres).datastore.close()
        for words in (
            ["feed", file],
            ["feed", file],
            ["list"],
            ["list", "--as-of", "2024-03-01"],
            ["show", "C-1001"],
            ["history", "C-1001"],
            ["rebuild"],
        ):
            done = exposure(*words, "--json", "--now", "2026-03-01T12:00:00Z", store=on_postgres)
            assert done.exit_code == 0, done.err
            said[kind].append(done.json)
    stores.use(server)
    for ours, theirs in zip(said["postgresql"], said["sqlite"], strict=True):
        assert without_places(ours) == without_places(theirs)


def without_places(document: Any) -> Any:
    """Positions count all events of a store; they rise, and may have gaps."""
    return json.loads(json.dumps(document), object_hook=lambda told: {name: value for name, value in told.items() if name != "position"})


def test_a_database_that_does_not_answer_or_holds_no_store_is_said_clearly(postgresql: str) -> None:
    url = postgresql.rpartition("/")[0]
    for store, code in ((postgresql, "no_store"), (f"{url}/nowhere", "store"), ("postgresql://nobody:secret@127.0.0.1:1/x", "store")):
        done = exposure("show", "C-1", "--json", "--store", store)
        assert (done.exit_code, done.json["error"]["code"]) == (1, code)
        assert "secret" not in done.out + done.err


@pytest.mark.usefixtures("on_postgres")
def test_a_store_of_a_newer_engine_is_left_alone(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    with store.datastore.transaction(commit=True) as cursor:
        cursor.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(Failure, match="use a newer engine"):
        opened(tmp_path / "exposure.db")


def test_a_server_killed_while_it_is_written_to_has_all_of_a_batch_or_none(killable_postgresql: Killable, tmp_path: Path) -> None:
    clean = opened(tmp_path / "clean.db")
    url = killable_postgresql.start()
    stores.use(url)
    try:
        store = opened(tmp_path / "exposure.db")
        ledger = Ledger(store, lambda: NOW + DAY)
        taken = 0
        for start in range(0, 3000, 100):
            batch = [Record(line, place) for place, line in enumerate(LINES[start : start + 100])]
            if start in (900, 2100):
                killable_postgresql.kill()
            try:
                taken += ledger.take(batch, Source("test", "test", start, start + 100)).read
            except Exception:
                assert start in (900, 2100)
                store.datastore.close()
                killable_postgresql.start()
                store = opened(tmp_path / "exposure.db")
                ledger = Ledger(store, lambda: NOW + DAY)
                taken += ledger.take(batch, Source("test", "test", start, start + 100)).read
        ledger.settle()
        assert taken == 3000
        stores.use(None)
        fed(clean, LINES[:3000], now=NOW + DAY, batch=100)
        stores.use(url)
        assert derived(store) == derived(clean)
        store.datastore.close()
    finally:
        stores.use(None)
