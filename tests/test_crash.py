"""A feeder killed at any moment loses nothing and takes nothing twice: the next one goes on where the last transaction ended."""

import subprocess
import sys
import time
from pathlib import Path
from random import Random

import pytest

from service.sample import sample
from tests.command import exposure
from tests.patience import until
from tests.stores import execute, holds_the_same, make, opened, taken, url_of

pytestmark = pytest.mark.usefixtures("each_store")

NOW = "2026-03-01T12:00:00Z"
UNREADABLE = b'{"specversion":"1.0","id":"bad-%d","source":"/erp/1000","type":"erp.invoice.posted.v1","subject":"C-1001","data":{}}'


def written_sample(path: Path, events: int) -> Path:
    """A sample with a dead letter here and there."""
    with path.open("wb") as out:
        for number, line in enumerate(sample(events, seed=5)):
            out.write(line + b"\n")
            if number % 777 == 0:
                out.write(UNREADABLE % number + b"\n")
    return path


def position(store: Path) -> int:
    """How far the file was taken, as last committed."""
    ((taken,),) = execute(store, "SELECT coalesce(sum(notification_id), 0) FROM tracking")
    return int(taken)


def killed_feed(store: Path, file: Path, seconds: float) -> bool:
    """Feeds, and kills the feeder so long after its first batch of this run; whether the kill hit a running one that was not done."""
    before = position(store)
    command = [sys.executable, "-m", "service", "feed", str(file), "--json", "--now", NOW, "--store", url_of(store)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as feeder:
        until(lambda: position(store) != before or feeder.poll() is not None)
        time.sleep(seconds)
        was_alive = feeder.poll() is None
        feeder.kill()
    return was_alive and before < position(store) < file.stat().st_size


def feed_through_kills(folder: Path, events: int, kills: int, seed: int) -> None:
    file = written_sample(folder / "events.jsonl", events)
    store, clean, random = folder / "killed.db", folder / "clean.db", Random(seed)
    opened(store).datastore.close()
    hits = sum(killed_feed(store, file, random.uniform(0.0, 0.3)) for _ in range(kills))
    assert hits == kills, f"only {hits} of {kills} kills hit a run: the file is too short"
    assert exposure("feed", file, "--json", "--now", NOW, store=store).exit_code == 0
    assert exposure("feed", file, "--json", "--now", NOW, store=clean).exit_code == 0
    holds_the_same(opened(store), opened(clean))
    assert exposure("feed", file, "--json", "--now", NOW, store=store).json == {"read": 0, "recorded": 0, "duplicates": 0, "dead_letters": 0}


def test_a_feeder_killed_three_times_ends_where_one_that_was_not_ends(tmp_path: Path) -> None:
    feed_through_kills(tmp_path, events=20_000, kills=3, seed=1)


@pytest.mark.long
def test_a_feeder_killed_fifty_times_ends_where_one_that_was_not_ends(tmp_path: Path) -> None:
    feed_through_kills(tmp_path, events=200_000, kills=50, seed=2)


DIES_WHILE_IT_MAKES_THE_STORE = """
import os, sys
from alembic.ddl.impl import DefaultImpl
from service.store import open_store
make, made = DefaultImpl.create_table, []
def make_or_die(*words, **named):
    made.append(1)
    if len(made) > int(sys.argv[2]):
        os._exit(9)
    return make(*words, **named)
DefaultImpl.create_table = make_or_die
open_store(sys.argv[1], create=True)
"""


@pytest.mark.parametrize("tables", [1, 5, 9])
def test_a_feeder_that_dies_while_it_makes_the_store_leaves_one_the_next_can_use(tmp_path: Path, tables: int) -> None:
    file, store = written_sample(tmp_path / "events.jsonl", 100), tmp_path / "exposure.db"
    make(store)
    assert subprocess.run([sys.executable, "-c", DIES_WHILE_IT_MAKES_THE_STORE, url_of(store), str(tables)], check=False).returncode == 9
    assert exposure("feed", file, "--json", store=store).exit_code == 0


@pytest.mark.parametrize("seconds", [0.02, 0.3, 0.6])
def test_a_feeder_killed_as_it_starts_leaves_a_store_the_next_can_use(tmp_path: Path, seconds: float) -> None:
    file, store = written_sample(tmp_path / "events.jsonl", 500), tmp_path / "exposure.db"
    opened(store).datastore.close()
    with subprocess.Popen([sys.executable, "-m", "service", "feed", str(file), "--store", url_of(store)], stdout=subprocess.DEVNULL) as feeder:
        time.sleep(seconds)
        feeder.kill()
    assert exposure("feed", file, "--json", store=store).exit_code == 0
    assert taken(opened(store)) == 500
