"""Stores in the hands of a test: fed in this process, and told apart by what they hold."""

import os
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from functools import cache
from hashlib import blake2b
from pathlib import Path
from shutil import copy
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import psycopg

from exposure.ledger.ledger import Ledger
from exposure.ledger.proof.verify import verify
from exposure.ledger.records import Counts, Record, Source
from projections.account import Asked, show
from schemas.jsontext import read, written
from service.store import open_store

BATCH = 500
DAY = 86_400 * 1_000_000
NOW = 20_000 * DAY
FAR = 60_000 * DAY


AS_OF_0016 = (
    "DROP TABLE judgings",
    "DROP INDEX alert_states_foreign",
    "ALTER TABLE alert_states DROP COLUMN once",
    "ALTER TABLE alert_states DROP COLUMN once_until",
    "CREATE INDEX alert_states_foreign ON alert_states (account) WHERE currencies <> ''",
    "DROP TABLE heard",
    "DROP INDEX cases_position",
    "ALTER TABLE cases DROP COLUMN position",
    "DROP INDEX documents_width",
    "DROP INDEX documents_versions",
    *(f"ALTER TABLE documents DROP COLUMN {column}" for column in ("first", "versions", "begun", "ended")),
    "UPDATE documents SET width = 0",
    "CREATE INDEX documents_width ON documents (account, width, closed, opened)",
    "UPDATE alembic_version SET version_num = '0016'",
)
AS_OF_0015 = (
    *AS_OF_0016,
    "DROP TABLE stood",
    "DROP INDEX documents_width",
    "ALTER TABLE documents DROP COLUMN width",
    "CREATE INDEX documents_closed ON documents (account, closed)",
    "UPDATE alembic_version SET version_num = '0015'",
)
"""What makes a store one of that version, as far as its rows go."""

server: str | None = None
"""Where it is the URL of a PostgreSQL server, a store is a database there and not a file: one for each path."""

empty_ones: dict[str, str] = {}
"""By the URL of a server: see ``empty_database``."""

made: list[tuple[str, str]] = []
"""Databases that are to be dropped, each with its server's URL, and stores that are to be closed."""
in_use: list[Any] = []


@contextmanager
def using(url: str | None) -> Iterator[None]:
    """Stores made inside are databases of a PostgreSQL server or, where no URL is given, files; at the end they are given back."""
    global server
    before, server = server, url
    try:
        with given_back():
            yield
    finally:
        server = before


@contextmanager
def given_back() -> Iterator[None]:
    """At the end stores opened inside are closed and databases made inside are dropped: a server has fewer connections than all tests together."""
    opened_before, made_before = len(in_use), len(made)
    try:
        yield
    finally:
        while len(in_use) > opened_before:
            in_use.pop().datastore.close()
        while len(made) > made_before:
            drop(*made.pop())


def url_of(path: Path) -> str:
    return f"sqlite:///{path}" if server is None else urlsplit(server)._replace(path=f"/{database(path)}").geturl()


def database(path: Path) -> str:
    return f"store_{blake2b(str(path).encode(), digest_size=16).hexdigest()}"


def opened(path: Path) -> Any:
    """The store of a path; where it is not there it is a copy of one with nothing in it, for to make one takes longer."""
    if server is not None:
        make(path, f"TEMPLATE {empty_database(server)}")
    elif not path.exists():
        path.write_bytes(empty_file())
    return to_be_closed(open_store(url_of(path), create=True))


@cache
def empty_file() -> bytes:
    """What is in the file of a store with nothing in it."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "empty.db"
        open_store(f"sqlite:///{path}", create=True).datastore.close()
        return path.read_bytes()


def empty_database(url: str) -> str:
    """The name of a database of this process with such a store, on the server of a URL."""
    if url not in empty_ones:
        name = f"empty_{os.getpid()}"
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        empty_ones[url] = name
        open_store(urlsplit(url)._replace(path=f"/{name}").geturl(), create=True).datastore.close()
    return empty_ones[url]


def without_empty(url: str) -> None:
    """Nobody will ask for it any more."""
    if url in empty_ones:
        drop(url, empty_ones.pop(url))


def copied(path: Path, to: Path) -> Any:
    """A store that nobody has open, opened as a copy."""
    if server is None:
        copy(path, to)
    else:
        make(to, f"TEMPLATE {database(path)}")
    return to_be_closed(open_store(url_of(to)))


def to_be_closed(store: Any) -> Any:
    in_use.append(store)
    return store


def make(path: Path, like: str = "") -> None:
    """The database of a path, with nothing in it; a file need not be there."""
    if server is not None:
        with psycopg.connect(server, autocommit=True) as connection, suppress(psycopg.errors.DuplicateDatabase):
            connection.execute(f"CREATE DATABASE {database(path)} {like}")
            made.append((server, database(path)))


def execute(path: Path, *statements: str) -> list[Any]:
    """What the last of the statements answers, of a database that need not be a store; an engine has no part in it."""
    make(path)
    connection = sqlite3.connect(path) if server is None else psycopg.connect(url_of(path))
    with closing(connection), connection:
        for statement in statements:
            answer = connection.execute(statement)
        return answer.fetchall() if answer.description else []


def drop(url: str, name: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


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


def told_daily(path: Path, history: Iterable[Any]) -> Any:
    """The store of a path, with an event of a history recorded a day."""
    store = opened(path)
    for place, event in enumerate(history):
        fed(store, [written(event)], now=NOW + place * DAY)
    return store


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


def taken(store: Any) -> int:
    """How many events were told: what the engine says of itself is not among them."""
    with store.reading() as moment:
        return int(moment.rows("SELECT count(*) FROM names")[0][0])


def kept(store: Any) -> dict[str, Any]:
    """All that two stores have in common which were told the same in the same order."""
    return {"log": log(store), "derived": derived(store), "buried": buried(store), "names": names(store)}


def tables(store: Any) -> set[str]:
    listed = "sqlite_master WHERE type = 'table'" if server is None else "pg_tables WHERE schemaname = current_schema()"
    with store.reading() as moment:
        return {row[0] for row in moment.rows(f"SELECT {'name' if server is None else 'tablename'} FROM {listed}")}


def alter(store: Any, statement: str, *values: Any) -> None:
    """Does what nobody may do to a store behind the engine's back."""
    with store.writing(0) as writing:
        writing.rows(f"{statement} RETURNING 1", *values)


def holds_the_same(one: Any, other: Any) -> None:
    """Asserts it part by part: a difference of thousands of rows is not worth reading. Nor is either log damaged."""
    assert verify(one).first_bad is None
    assert verify(other).first_bad is None
    ours, theirs = kept(one), kept(other)
    for part in ours:
        assert len(ours[part]) == len(theirs[part]), part
        first = next((pair for pair in zip(ours[part], theirs[part], strict=True) if pair[0] != pair[1]), None)
        assert first is None, part


def figures(store: Any, days: Iterable[str]) -> str:
    """A digest of every account in full on each of the days, and of what could not be taken: the state of a store as people see it."""
    digest = blake2b(digest_size=16)
    with store.reading() as moment:
        accounts = moment.account_names()
        for day in days:
            for account in accounts:
                digest.update(written(show(moment, account, Asked(FAR, day))))
        letters = moment.rows("SELECT digest, account, code, reason FROM dead_letters ORDER BY digest")
    return f"{len(accounts)} accounts, {len(letters)} dead letters, {blake2b(digest.digest() + repr(letters).encode(), digest_size=16).hexdigest()}"
