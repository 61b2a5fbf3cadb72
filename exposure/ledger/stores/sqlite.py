"""The ledger's tables on SQLite: the eventsourcing library's process recorder with bulk statements, and the reads of one moment.

One write is one transaction: events, the source's position, derived rows, repeats, dead letters and outbox together or not at all. The recorded
instant is set inside it and never falls.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from eventsourcing.persistence import IntegrityError, OperationalError
from eventsourcing.sqlite import SQLiteConnection, SQLiteConnectionPool, SQLiteDatastore, SQLiteProcessRecorder

from exposure.ledger.batch import Batch
from exposure.ledger.moment import MovedOn
from exposure.ledger.stores.schema import LATEST, LOCK_SECONDS, WrongStoreVersion, is_known, migrate_sqlite
from exposure.ledger.stores.sqlite_rebuilt import SQLiteRebuilt
from exposure.ledger.stores.sqlite_tables import SQLiteMoment, SQLiteWriting

PAGE_CACHE_KIB = 64 * 1024
CHECKPOINT_PAGES = 10_000
READERS_WAITED_FOR_MS = 2_000


class LedgerPool(SQLiteConnectionPool):
    def _create_connection(self) -> SQLiteConnection:
        connection = super()._create_connection()
        cursor = connection.cursor()
        for pragma in ("synchronous=FULL", "secure_delete=ON", f"cache_size=-{PAGE_CACHE_KIB}", f"wal_autocheckpoint={CHECKPOINT_PAGES}"):
            cursor.execute(f"PRAGMA {pragma}")
        return connection


class LedgerDatastore(SQLiteDatastore):
    """Writes go through one connection, reads through others: a connection's page cache is lost whenever another one has written."""

    def __init__(self, path: str) -> None:
        super().__init__(path, lock_timeout=LOCK_SECONDS, originator_id_type="text")
        self.pool = LedgerPool(db_name=path, lock_timeout=LOCK_SECONDS)
        self.writer = LedgerPool(db_name=path, lock_timeout=LOCK_SECONDS, pool_size=1, max_overflow=0, pool_timeout=LOCK_SECONDS)

    @contextmanager
    def get_connection(self, *, commit: bool) -> Iterator[SQLiteConnection]:
        pool = self.writer if commit else self.pool
        connection = pool.get_connection(is_writer=commit)
        try:
            yield connection
        finally:
            pool.put_connection(connection)

    def close(self) -> None:
        super().close()
        self.writer.close()


def open_sqlite(path: str, *, create: bool) -> "SQLiteLedger":
    """Opens the store of a file; a missing one is made where ``create``, an older one is upgraded."""
    file = Path(path)
    if not file.exists() and not create:
        raise FileNotFoundError(f"there is no store at {file.resolve()}: feed some events into it first")
    version = version_of(path) if file.exists() else None
    if version is None and not create:
        raise FileNotFoundError(f"{file.resolve()} is empty and no store: restore a backup, or feed some events into it first")
    if version is not None and not is_known(version):
        raise WrongStoreVersion(f"{path} has version {version}, this engine knows {LATEST}: use a newer engine")
    if version != LATEST:
        migrate_sqlite(path)
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
    if row is None:
        raise WrongStoreVersion(f"{path} does not say of which version it is: restore a backup")
    return str(row[0])


class SQLiteLedger(SQLiteProcessRecorder):
    """Writes batches and answers reads."""

    def write(self, batch: Batch) -> set[str]:
        """Writes a batch in one transaction and returns the accounts that were to be settled and that another writer has moved on."""
        with self.writing(batch.now) as writing:
            return writing.write(batch)

    @contextmanager
    def writing(self, now: int) -> Iterator[SQLiteWriting]:
        """One transaction that holds the write lock from its beginning, for reading too."""
        with self.datastore.transaction(commit=True) as cursor:
            cursor.sqlite_cursor.row_factory = None
            yield SQLiteWriting(cursor, now)

    @contextmanager
    def reading(self, name: str | None = None) -> Iterator[SQLiteMoment]:
        """All reads inside see one moment of the store: the present one. Raises ``MovedOn`` where that is no more the one of a name."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.sqlite_cursor.row_factory = None
            moment = SQLiteMoment(cursor)
            if name is not None and moment.named() != name:
                raise MovedOn
            yield moment

    def wipe(self) -> bool:
        """Writes the file anew, without what was deleted and without copies that moved rows left; false where it is not done while others read."""
        with self.datastore.get_connection(commit=True) as connection:
            cursor = connection.cursor()
            cursor.execute("VACUUM")
            cursor.execute(f"PRAGMA busy_timeout={READERS_WAITED_FOR_MS}")
            cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            is_kept = bool(cursor.fetchone()[0])
            cursor.execute(f"PRAGMA busy_timeout={LOCK_SECONDS * 1000}")
        return not is_kept

    @contextmanager
    def rebuilding(self, run: str, *, write: bool) -> Iterator[SQLiteRebuilt]:
        """One short transaction of a rebuild; ``run`` names its tables, ``write`` takes the write lock at once."""
        with self.datastore.transaction(commit=write) as cursor:
            cursor.sqlite_cursor.row_factory = None
            if write:
                SQLiteWriting(cursor, 0)
            yield SQLiteRebuilt(cursor, run)


__all__ = ["IntegrityError", "OperationalError", "SQLiteLedger", "open_sqlite"]
