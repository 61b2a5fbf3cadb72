"""A store that can not grow or be written loses nothing: what was committed stays, and after room is made feeding goes on.

All of it is about SQLite: a PostgreSQL store's disk is its server's. What becomes of a write that its server refuses is in test_ledger.py.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eventsourcing.persistence import OperationalError

from exposure.ledger.ledger import Ledger
from exposure.ledger.rebuild import rebuild
from service.sample import sample
from tests.command import exposure
from tests.stores import NOW as NOW_MICROSECONDS
from tests.stores import derived, fed, given_back, holds_the_same, kept, log, opened

NOW = "2026-03-01T12:00:00Z"
LINES = list(sample(6000, seed=31, accounts=20))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"\n".join(LINES) + b"\n")
    return path


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with room for some of the events."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "none", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no file system can be mounted here")
    with given_back():
        yield disk
    subprocess.run(["umount", disk], check=True)


def size_to(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", disk], check=True)


def room_for(store: Any, pages: int) -> None:
    """The connection that writes refuses to let the file grow beyond so many pages."""
    writer = store.datastore.writer
    make = type(writer)._create_connection

    def limited() -> Any:
        connection = make(writer)
        connection.cursor().execute(f"PRAGMA max_page_count={pages}")
        return connection

    writer._create_connection = limited


def test_a_full_disk_stops_the_feeder_with_one_line_and_the_next_call_goes_on(small_disk: Path, file: Path, tmp_path: Path) -> None:
    store, clean = small_disk / "exposure.db", tmp_path / "clean.db"
    said = exposure("feed", file, "--now", NOW, store=store)
    assert (said.exit_code, said.out, said.err.count("\n")) == (1, "", 1)
    assert "disk is full" in said.err
    size_to(small_disk, "7m")
    said = exposure("feed", file, "--json", "--now", NOW, store=store)
    assert (said.exit_code, said.err) == (1, "")
    assert said.json["error"]["code"] == "store"
    size_to(small_disk, "64m")
    before = log(opened(store))
    assert 0 < len(before) < len(LINES)
    assert exposure("feed", file, "--json", "--now", NOW, store=store).exit_code == 0
    assert exposure("feed", file, "--json", "--now", NOW, store=clean).exit_code == 0
    holds_the_same(opened(store), opened(clean))


def test_a_batch_there_is_no_room_for_is_not_taken_in_part(tmp_path: Path) -> None:
    store, clean = opened(tmp_path / "exposure.db"), opened(tmp_path / "clean.db")
    fed(store, LINES[:2000])
    before = kept(store)
    room_for(full := opened(tmp_path / "exposure.db"), 900)
    ledger = Ledger(full, lambda: NOW_MICROSECONDS)
    with pytest.raises(OperationalError, match="full"):
        fed(full, LINES[2000:], ledger=ledger, batch=4000)
    assert kept(store) == before
    full.datastore.close()
    fed(store, LINES[2000:])
    fed(clean, LINES)
    holds_the_same(store, clean)


def test_a_rebuild_there_is_no_room_for_leaves_what_was_in_use(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    fed(store, LINES[:3000])
    before = derived(store)
    room_for(full := opened(tmp_path / "exposure.db"), 900)
    with pytest.raises(OperationalError, match="full"):
        rebuild(full)
    assert derived(store) == before
    assert rebuild(store).equal
    assert derived(store) == before


def test_a_store_that_can_not_be_written_is_told_in_one_line(small_disk: Path, file: Path) -> None:
    store = small_disk / "exposure.db"
    before = opened(store)
    assert fed(before, LINES[:500]).recorded == 500
    before.datastore.close()
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    said = exposure("feed", file, "--now", NOW, store=store)
    assert (said.exit_code, said.out, said.err.count("\n")) == (1, "", 1)
    assert "store could not be used" in said.err
    said = exposure("feed", file, "--json", "--now", NOW, store=store)
    assert (said.exit_code, said.err, said.json["error"]["code"]) == (1, "", "store")


@pytest.mark.parametrize("where", ["read-only", "missing"])
def test_a_store_that_can_not_be_made_is_told_in_one_line(small_disk: Path, file: Path, where: str) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    said = exposure(
        "feed", file, "--json", "--now", NOW, store=small_disk / "exposure.db" if where == "read-only" else small_disk / "no" / "exposure.db"
    )
    assert (said.exit_code, said.err, said.json["error"]["code"]) == (1, "", "store")
