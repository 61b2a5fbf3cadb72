"""Stores in the hands of a test: fed in this process, and told apart by what they hold."""

from collections.abc import Iterable
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from shutil import copy
from typing import Any
from urllib.parse import urlsplit

import psycopg

from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Counts, Record, Source
from projections.account import Asked, show
from schemas.jsontext import read, written
from service.store import open_store

BATCH = 500
DAY = 86_400 * 1_000_000
NOW = 20_000 * DAY
FAR = 60_000 * DAY


server: str | None = None
"""Where it is the URL of a PostgreSQL server, a store is a database there and not a file: one for each path."""


made: set[str] = set()


def use(url: str | None) -> None:
    global server
    server = url


def url_of(path: Path) -> str:
    return f"sqlite:///{path}" if server is None else urlsplit(server)._replace(path=f"/{database(path)}").geturl()


def database(path: Path) -> str:
    return f"store_{blake2b(str(path).encode(), digest_size=16).hexdigest()}"


def opened(path: Path) -> Any:
    """The store of a path, made where it is not there."""
    make(path)
    return open_store(url_of(path), create=True)


def copied(path: Path, to: Path) -> Any:
    """A store that nobody has open, opened as a copy."""
    if server is None:
        copy(path, to)
    else:
        make(to, f"TEMPLATE {database(path)}")
    return open_store(url_of(to))


def make(path: Path, like: str = "") -> None:
    if server is not None:
        with psycopg.connect(server, autocommit=True) as connection, suppress(psycopg.errors.DuplicateDatabase):
            connection.execute(f"CREATE DATABASE {database(path)} {like}")
            made.add(database(path))


def drop_databases() -> None:
    """Those that this process made: others may be at work on the same server."""
    assert server is not None
    with psycopg.connect(server, autocommit=True) as connection:
        while made:
            connection.execute(f"DROP DATABASE IF EXISTS {made.pop()} WITH (FORCE)")


def fed(store: Any, lines: Iterable[bytes], *, now: int = NOW, batch: int = BATCH, ledger: Ledger | None = None) -> Counts:
    """Takes lines as one that can not be asked for again would tell them: without a position."""
    ledger = ledger or Ledger(store, lambda: now)
    total = Counts()
    lines = list(lines)
    records = [Record(line, place) for place, line in enumerate(lines)]
    for counts in ledger.take_all((records[start : start + batch], Source("test")) for start in range(0, len(records), batch)):
        total.add(counts)
    ledger.settle()
    return total


def derived(store: Any) -> list[Any]:
    """Every derived row, byte for byte."""
    with store.reading() as moment:
        return list(moment.derived_digest())


def log(store: Any) -> list[Any]:
    """Every event with its recorded instant, stream by stream, but for what is sealed: that is never the same twice."""
    with store.reading() as moment:
        rows = moment.rows(
            "SELECT originator_id, originator_version, topic, recorded_at, actor, state FROM stored_events ORDER BY originator_id, originator_version"
        )
    return [(*row[:-1], {**read(row[-1]), "sealed": None}) for row in rows]


def buried(store: Any) -> list[Any]:
    """Every dead letter and what is told of it."""
    with store.reading() as moment:
        letters = moment.rows(
            "SELECT digest, account, code, reason, source, position, recorded_at, settled_at, outcome FROM dead_letters ORDER BY digest"
        )
        return [*letters, *moment.rows("SELECT topic, key, message_id, payload, recorded_at FROM outbox ORDER BY payload")]


def names(store: Any) -> list[Any]:
    with store.reading() as moment:
        return list(moment.rows("SELECT naming, content FROM names ORDER BY naming"))


def kept(store: Any) -> dict[str, Any]:
    """All that two stores have in common which were told the same in the same order."""
    return {"log": log(store), "derived": derived(store), "buried": buried(store), "names": names(store)}


def tables(store: Any) -> set[str]:
    with store.reading() as moment:
        return {row[0] for row in moment.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}


def holds_the_same(one: Any, other: Any) -> None:
    """Asserts it part by part: a difference of thousands of rows is not worth reading."""
    ours, theirs = kept(one), kept(other)
    for part in ours:
        assert len(ours[part]) == len(theirs[part]), part
        first = next((pair for pair in zip(ours[part], theirs[part], strict=True) if pair[0] != pair[1]), None)
        assert first is None, part


def figures(store: Any, days: Iterable[str]) -> str:
    """A digest of every account in full on each of the days, and of what could not be taken: the state of a store as people see it."""
    digest = blake2b(digest_size=16)
    with store.reading() as moment:
        accounts = [row[0] for row in moment.all_heads()]
        for day in days:
            for account in accounts:
                digest.update(written(show(moment, account, Asked(FAR, day))))
        letters = moment.rows("SELECT digest, account, code, reason FROM dead_letters ORDER BY digest")
    return f"{len(accounts)} accounts, {len(letters)} dead letters, {blake2b(digest.digest() + repr(letters).encode(), digest_size=16).hexdigest()}"
