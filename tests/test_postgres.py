"""PostgreSQL is a store like SQLite: told the same it holds the same, and what can go wrong between a writer and its server loses nothing."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from eventsourcing.persistence import OperationalError

from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Record, Source
from service.failures import Failure
from service.sample import sample, shuffled
from service.store import open_store
from tests import stores
from tests.command import exposure
from tests.services import Killable
from tests.stores import DAY, NOW, derived, fed, holds_the_same, log, opened

UNREADABLE = [b"not JSON at all", b"[]", b'{"subject":"C-1001","specversion":"1.0"}']
LINES = shuffled([*sample(3000, seed=17, accounts=25), *UNREADABLE], seed=9)


@pytest.fixture
def both(postgresql_server: str, tmp_path: Path) -> Iterator[tuple[Any, Any]]:
    """A store on SQLite and one on PostgreSQL."""
    on_sqlite = opened(tmp_path / "exposure.db")
    with stores.using(postgresql_server):
        yield on_sqlite, opened(tmp_path / "exposure.db")


def test_told_the_same_in_the_same_order_it_holds_the_same_to_the_byte(both: tuple[Any, Any]) -> None:
    counts = [fed(store, LINES) for store in both]
    assert counts[0] == counts[1]
    assert (counts[0].recorded, counts[0].dead_letters) == (3000, len(UNREADABLE))
    holds_the_same(*both)
    assert [fed(store, LINES).recorded for store in both] == [0, 0]


def test_the_command_line_says_the_same_of_both(postgresql_server: str, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(LINES) + b"\n")
    on_sqlite = answers(file, tmp_path / "exposure.db")
    with stores.using(postgresql_server):
        on_postgres = answers(file, tmp_path / "exposure.db")
    assert [without_places(answer) for answer in on_postgres] == [without_places(answer) for answer in on_sqlite]


def answers(file: Path, store: Path) -> list[Any]:
    commands: list[list[str | Path]] = [
        *(["feed", file], ["feed", file], ["list"], ["list", "--as-of", "2024-03-01"]),
        *(["show", "C-1001"], ["history", "C-1001"], ["rebuild"]),
    ]
    said = [exposure(*words, "--json", "--now", "2026-03-01T12:00:00Z", store=store) for words in commands]
    assert [one.exit_code for one in said] == [0] * 7
    return [one.json for one in said]


def without_places(document: Any) -> Any:
    """Positions count all events of a store; they rise, and may have gaps."""
    return json.loads(json.dumps(document), object_hook=lambda told: {name: value for name, value in told.items() if name != "position"})


def test_a_database_that_does_not_answer_or_holds_no_store_is_said_clearly(postgresql: str) -> None:
    url = postgresql.rpartition("/")[0]
    for store, code in ((postgresql, "no_store"), (f"{url}/nowhere", "store"), ("postgresql://nobody:secret@127.0.0.1:1/x", "store")):
        done = exposure("show", "C-1", "--json", "--store", store)
        assert (done.exit_code, done.json["error"]["code"]) == (1, code)
        assert "secret" not in done.out + done.err


def test_a_store_is_in_the_schema_that_its_url_says_and_in_no_other(postgresql: str) -> None:
    with psycopg.connect(postgresql, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA shard")
    of_shard = f"{postgresql}?options=-csearch_path%3Dshard,public"
    fed(stores.to_be_closed(open_store(postgresql, create=True)), LINES[:100])
    with pytest.raises(Failure, match="no store in that database"):
        open_store(of_shard)
    store = stores.to_be_closed(open_store(of_shard, create=True))
    assert log(store) == []
    assert fed(store, LINES[:10]).read == 10
    assert len(log(stores.to_be_closed(open_store(postgresql)))) > len(log(store))


def test_a_server_killed_while_it_is_written_to_has_all_of_a_batch_or_none(killable_postgresql: Killable, tmp_path: Path) -> None:
    clean = opened(tmp_path / "clean.db")
    fed(clean, LINES[:3000], now=NOW + DAY, batch=100)
    with stores.using(killable_postgresql.start()):
        store = opened(tmp_path / "exposure.db")
        ledger = Ledger(store, lambda: NOW + DAY)
        taken = 0
        for start in range(0, 3000, 100):
            batch = [Record(line, place) for place, line in enumerate(LINES[start : start + 100])]
            if start in (900, 2100):
                killable_postgresql.kill()
            try:
                taken += ledger.take(batch, Source("test", "test", start, start + 100)).read
            except OperationalError:
                assert start in (900, 2100)
                killable_postgresql.start()
                store = opened(tmp_path / "exposure.db")
                ledger = Ledger(store, lambda: NOW + DAY)
                taken += ledger.take(batch, Source("test", "test", start, start + 100)).read
        ledger.settle()
        assert taken == 3000
        assert derived(store) == derived(clean)
