"""A season of events and of days, whose feeders and clocks are killed: what a subscriber sees, repeats dropped by id, is what a clean run says."""

import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from projections.when import microseconds
from schemas.jsontext import read
from service.bringing_in.feeding import feed_files
from service.running.ticking import tick
from service.sample import sample
from tests.alerting import Json, outbox
from tests.stores import execute, given_back, opened, url_of

pytestmark = pytest.mark.usefixtures("each_store")

PROGRESS = "SELECT (SELECT count(*) FROM stored_events), (SELECT sum(next_at / 1000000) FROM alert_states)"
"""Moves with every transaction that takes events or judges accounts."""


def season(folder: Path, events: int, parts: int, sleeps: int, days: int) -> list[tuple[str, Path | None]]:
    """Files of events, each with the instant it is told at; then instants of a clock that slept, until so many days are over."""
    lines = list(sample(events, seed=31, accounts=events // 40))
    size = -(-len(lines) // parts)
    told: list[tuple[str, Path | None]] = []
    for start in range(0, len(lines), size):
        file = folder / f"part-{start}.jsonl"
        file.write_bytes(b"".join(line + b"\n" for line in lines[start : start + size]))
        told.append((str(read(lines[min(start + size, len(lines)) - 1])["time"]), file))
    first, last = (datetime.fromisoformat(str(text)) for text in (read(lines[0])["time"], told[-1][0]))
    asleep = max(first + timedelta(days=days) - last, timedelta(days=100))
    return told + [((last + asleep * turn / sleeps).isoformat(timespec="seconds"), None) for turn in range(1, sleeps + 1)]


def done(store: Any, now: str, file: Path | None) -> None:
    """To the end, with nobody killing it."""
    at = microseconds(datetime.fromisoformat(now))
    if file is None:
        tick(store, lambda: at)
    else:
        feed_files(store, [str(file)], lambda: at, quiet=True, memory=10_000, tells=False)


def progress(path: Path) -> Any:
    return execute(path, PROGRESS)


def killed(path: Path, now: str, file: Path | None, seconds: float) -> bool:
    """Does the same in a process that is killed so long after its first transaction; whether it was still at work."""
    before = progress(path)
    what = ["tick"] if file is None else ["feed", str(file)]
    command = [sys.executable, "-m", "service", *what, "--json", "--now", now, "--store", url_of(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None and progress(path) == before:
            pass  # what is left of its work may be done before anybody looks again
        time.sleep(seconds)
        was_alive = process.poll() is None
        process.kill()
    return was_alive


def seen(store: Any) -> dict[str, dict[str, Json]]:
    """Of each account what one sees who drops repeats by id, in order."""
    found: dict[str, dict[str, Json]] = {}
    for message in outbox(store):
        found.setdefault(message["key"], {}).setdefault(message["id"], message["data"])
    return found


def through_kills(folder: Path, course: list[tuple[str, Path | None]], kills: int, random: Random) -> Iterator[int]:
    """Lives through a season, each part of it killed so many times before it is let be; yields how many kills hit, part by part."""
    path = folder / "killed.db"
    store = opened(path)
    for now, file in course:
        yield sum(killed(path, now, file, random.uniform(0.0, 0.02)) for _ in range(kills))
        done(store, now, file)


def says_the_same(folder: Path, course: list[tuple[str, Path | None]], kills: int) -> None:
    with given_back():
        hits = sum(through_kills(folder, course, kills, Random(5)))
        clean = opened(folder / "clean.db")
        for now, file in course:
            done(clean, now, file)
        said, after_kills = seen(clean), seen(opened(folder / "killed.db"))
    assert hits >= kills * len(course) // 2, f"only {hits} kills hit a run that was still at work"
    assert sum(map(len, said.values())) > 100
    assert all([one["sequence"] for one in told.values()] == list(range(1, len(told) + 1)) for told in after_kills.values())
    assert {account: list(told.items()) for account, told in after_kills.items()} == {account: list(told.items()) for account, told in said.items()}


def test_a_season_with_eight_kills_says_what_a_clean_one_says(tmp_path: Path) -> None:
    says_the_same(tmp_path, season(tmp_path, events=2_500, parts=4, sleeps=4, days=400), kills=1)


@pytest.mark.long
def test_a_season_with_a_hundred_kills_says_what_a_clean_one_says(tmp_path: Path) -> None:
    says_the_same(tmp_path, season(tmp_path, events=50_000, parts=20, sleeps=5, days=850), kills=4)
