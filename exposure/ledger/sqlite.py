"""The ledger's tables on SQLite: the eventsourcing library's process recorder with bulk statements, and the reads of one moment.

One write is one transaction: events, the source's position, derived rows, repeats, dead letters and outbox together or not at all. The recorded
instant is set inside it and never falls.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from eventsourcing.persistence import IntegrityError, OperationalError, Tracking
from eventsourcing.sqlite import SQLiteConnection, SQLiteConnectionPool, SQLiteCursor, SQLiteDatastore, SQLiteProcessRecorder

from exposure.ledger.batch import Batch, DeadLetter
from exposure.ledger.schema import LATEST, LOCK_SECONDS, WrongStoreVersion, migrate
from exposure.ledger.sqlite_moment import Moment
from exposure.ledger.sqlite_rebuilt import Rebuilt, write_derived
from exposure.ledger.sqlite_rows import put
from schemas.jsontext import written

PAGE_CACHE_KIB = 64 * 1024
CHECKPOINT_PAGES = 10_000
INSERT_EVENTS = "INSERT INTO stored_events (originator_id, originator_version, topic, state, recorded_at, actor) VALUES {rows}"


class LedgerPool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        cursor = connection.cursor()
        for pragma in ("synchronous=FULL", f"cache_size=-{PAGE_CACHE_KIB}", f"wal_autocheckpoint={CHECKPOINT_PAGES}"):
            cursor.execute(f"PRAGMA {pragma}")
        return connection


class LedgerDatastore(SQLiteDatastore):
    def __init__(self, path: str) -> None:
        super().__init__(path, lock_timeout=LOCK_SECONDS, originator_id_type="text")
        self.pool = LedgerPool(db_name=path, lock_timeout=LOCK_SECONDS)


def open_sqlite(path: str, *, create: bool) -> "SQLiteLedger":
    """Opens the store of a file; a missing one is made where ``create``, an older one is upgraded."""
    file = Path(path)
    if not file.exists() and not create:
        raise FileNotFoundError(f"there is no store at {file.resolve()}: feed some events into it first")
    version = version_of(path) if file.exists() else None
    if version is not None and version > LATEST:
        raise WrongStoreVersion(f"{path} has version {version}, this engine knows {LATEST}: use a newer engine")
    if version != LATEST:
        migrate(path)
    return SQLiteLedger(LedgerDatastore(path))


def version_of(path: str) -> str | None:
    """The version of the store in a file; ``None`` where the file holds no store yet."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        try:
            row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        except sqlite3.OperationalError as error:
            if "no such table" not in str(error):
                raise
            if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                raise WrongStoreVersion(f"{path} is a database of something else, not a store of this engine") from error
            return None
    return str(row[0]) if row else None


class SQLiteLedger(SQLiteProcessRecorder):
    """Writes batches and answers reads."""

    def write(self, batch: Batch) -> set[str]:
        """Writes a batch in one transaction and returns the accounts that were to be settled and that another writer has moved on."""
        with self.writing(batch.now) as writing:
            return writing.write(batch)

    @contextmanager
    def writing(self, now: int) -> Iterator["Writing"]:
        """One transaction that holds the write lock from its beginning, for reading too."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.sqlite_cursor.row_factory = None
            yield Writing(cursor, tick(cursor, now))

    @contextmanager
    def reading(self) -> Iterator[Moment]:
        """All reads inside see one moment of the store."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.sqlite_cursor.row_factory = None
            yield Moment(cursor)

    @contextmanager
    def rebuilding(self, run: str, *, write: bool) -> Iterator[Rebuilt]:
        """One short transaction of a rebuild; ``run`` names its tables, ``write`` takes the write lock at once."""
        with self.datastore.transaction(commit=write) as cursor:
            cursor.sqlite_cursor.row_factory = None
            if write:
                tick(cursor, 0)
            yield Rebuilt(cursor, run)


def tick(cursor: SQLiteCursor, now: int) -> int:
    """Takes the write lock; recorded time is the given instant or, where that lies before it, the last recorded one."""
    cursor.execute("UPDATE clock SET recorded_at = max(recorded_at, ?) RETURNING recorded_at", (now,))
    return int(cursor.fetchall()[0][0])


class Writing(Moment):
    """The open transaction of a writer."""

    def __init__(self, cursor: Any, recorded_at: int) -> None:
        super().__init__(cursor)
        self.recorded_at = recorded_at

    def write(self, batch: Batch) -> set[str]:
        """Raises the library's ``IntegrityError`` where another writer was faster with an account, a name, a key or the source's position.

        An account that was only to be settled and has moved on is left as it is, and returned.
        """
        cursor = self.cursor
        if batch.tracking is not None:
            self.move_on(batch.tracking, batch)
        put(cursor, INSERT_EVENTS, [(*row, self.recorded_at, batch.actor) for row in batch.events])
        put(cursor, "INSERT INTO names VALUES {rows}", batch.names)
        put(cursor, "INSERT INTO account_keys VALUES {rows}", batch.keys)
        moved_on = {account for account, version in batch.settled if not self.settle(account, version)}
        if moved_on:
            batch.documents = [row for row in batch.documents if row[0] not in moved_on]
        write_derived(cursor, batch)
        for letter in batch.dead_letters:
            self.bury(letter)
        return moved_on

    def settle(self, account: str, version: int) -> bool:
        """Says that the rows of an account's documents are as new as the account, where that still has this version."""
        self.cursor.execute("UPDATE accounts SET written = version WHERE account = ? AND version = ? RETURNING 1", (account, version))
        return bool(self.cursor.fetchall())

    def move_on(self, tracking: Tracking, batch: Batch) -> None:
        """The source's position moves from where this batch began to where it ended; anything else means another reader moved it."""
        self.cursor.execute(
            "INSERT INTO tracking VALUES (?1, ?2) ON CONFLICT (application_name) DO UPDATE SET notification_id = ?2 "
            "WHERE notification_id = ?3 RETURNING notification_id",
            (tracking.application_name, tracking.notification_id, batch.position_before),
        )
        if not self.cursor.fetchall():
            raise IntegrityError(f"{tracking.application_name} has moved on meanwhile")
        if batch.input is not None:
            self.cursor.execute("INSERT OR REPLACE INTO inputs VALUES (?,?,?,?)", batch.input)

    def bury(self, letter: DeadLetter) -> None:
        """Keeps a dead letter once; the outbox tells of it."""
        self.cursor.execute("INSERT OR IGNORE INTO dead_letters VALUES (?,?,?,?,?,?,?,?) RETURNING 1", (*letter, self.recorded_at))
        if self.cursor.fetchall():
            told = {"digest": letter.digest.hex(), "source": letter.source, "position": letter.position, "reason": letter.reason}
            self.cursor.execute(
                "INSERT INTO outbox (topic, key, payload, recorded_at) VALUES ('erp.dead-letters',?,?,?)",
                (letter.account, written(told), self.recorded_at),
            )


__all__ = ["IntegrityError", "OperationalError", "SQLiteLedger", "open_sqlite"]
