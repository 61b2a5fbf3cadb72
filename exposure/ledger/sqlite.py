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

from exposure.ledger.batch import Batch, DeadLetter, Row
from exposure.ledger.schema import LATEST, LOCK_SECONDS, WrongStoreVersion, migrate
from schemas.jsontext import written

PAGE_CACHE_KIB = 64 * 1024
CHECKPOINT_PAGES = 10_000
INSERT_EVENTS = "INSERT INTO stored_events (originator_id, originator_version, topic, state, recorded_at, actor) VALUES (?,?,?,?,?,?)"
DERIVED = ("accounts", "documents", "rates")


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
            if "no such table" in str(error):
                return None
            raise
    return str(row[0]) if row else None


class SQLiteLedger(SQLiteProcessRecorder):
    """Writes batches and answers reads."""

    def write(self, batch: Batch) -> int:
        """Writes a batch in one transaction and returns its recorded instant (microseconds); raises the library's ``IntegrityError``
        where another writer was faster with an account, a name or the source's position."""
        with self.datastore.transaction(commit=True) as cursor:
            recorded_at = self.tick(cursor, batch.now)
            if batch.tracking is not None:
                self.move_on(cursor, batch.tracking, batch)
            cursor.executemany(INSERT_EVENTS, [(*row, recorded_at, batch.actor) for row in batch.events])
            cursor.executemany("INSERT INTO names VALUES (?,?)", batch.names)
            cursor.executemany("INSERT INTO account_keys VALUES (?,?)", batch.keys)
            write_derived(cursor, batch)
            for letter in batch.dead_letters:
                self.bury(cursor, letter, recorded_at)
        return recorded_at

    @staticmethod
    def tick(cursor: SQLiteCursor, now: int) -> int:
        """Takes the write lock; recorded time is the given instant or, where that lies before it, the last recorded one."""
        cursor.execute("UPDATE clock SET recorded_at = max(recorded_at, ?) RETURNING recorded_at", (now,))
        return int(cursor.fetchall()[0][0])

    def move_on(self, c: SQLiteCursor, tracking: Tracking, batch: Batch) -> None:
        """The source's position moves from where this batch began to where it ended; anything else means another reader moved it."""
        c.execute(
            "INSERT INTO tracking VALUES (?1, ?2) ON CONFLICT (application_name) DO UPDATE SET notification_id = ?2 "
            "WHERE notification_id = ?3 RETURNING notification_id",
            (tracking.application_name, tracking.notification_id, batch.position_before),
        )
        if not c.fetchall():
            raise IntegrityError(f"{tracking.application_name} has moved on meanwhile")
        if batch.input is not None:
            c.execute("INSERT OR REPLACE INTO inputs VALUES (?,?,?,?)", batch.input)

    @staticmethod
    def bury(c: SQLiteCursor, letter: DeadLetter, recorded_at: int) -> None:
        """Keeps a dead letter once; the outbox tells of it."""
        c.execute("INSERT OR IGNORE INTO dead_letters VALUES (?,?,?,?,?,?,?,?) RETURNING 1", (*letter, recorded_at))
        if c.fetchall():
            told = {"digest": letter.digest.hex(), "source": letter.source, "position": letter.position, "reason": letter.reason}
            c.execute(
                "INSERT INTO outbox (topic, key, payload, recorded_at) VALUES ('erp.dead-letters',?,?,?)",
                (letter.account, written(told), recorded_at),
            )

    @contextmanager
    def reading(self) -> Iterator["Moment"]:
        """All reads inside see one moment of the store."""
        with self.datastore.transaction(commit=False) as cursor:
            cursor.sqlite_cursor.row_factory = None
            yield Moment(cursor)

    @contextmanager
    def rebuilding(self, run: str, *, write: bool) -> Iterator["Rebuilt"]:
        """One short transaction of a rebuild; ``run`` names its tables, ``write`` takes the write lock at once."""
        with self.datastore.transaction(commit=write) as cursor:
            cursor.sqlite_cursor.row_factory = None
            if write:
                self.tick(cursor, 0)
            yield Rebuilt(cursor, run)


def write_derived(c: SQLiteCursor, batch: Batch, suffix: str = "") -> None:
    c.executemany(
        f"INSERT INTO accounts{suffix} VALUES (?,?,?) ON CONFLICT (account) DO UPDATE SET version=excluded.version, state=excluded.state", batch.heads
    )
    c.executemany(
        f"INSERT INTO documents{suffix} VALUES (?,?,?,?,?,?) ON CONFLICT (account, key) DO UPDATE SET "
        "version=excluded.version, opened=excluded.opened, closed=excluded.closed, state=excluded.state",
        batch.documents,
    )
    c.executemany(f"INSERT OR REPLACE INTO rates{suffix} VALUES (?,?,?,?,?,?)", batch.rates)


class Moment:
    """Reads of one moment; every list is a stream of plain rows."""

    def __init__(self, cursor: Any) -> None:
        self.cursor = cursor

    def rows(self, sql: str, *values: Any) -> list[Any]:
        self.cursor.execute(sql, values)
        return list(self.cursor.fetchall())

    def stream(self, sql: str, *values: Any) -> Iterator[Any]:
        """Rows one by one, on a cursor of their own."""
        cursor = self.cursor.sqlite_cursor.connection.cursor()
        cursor.row_factory = None
        for row in cursor.execute(sql, values):  # noqa: UP028 - ``yield from`` would close the cursor, after its store where a reader left early
            yield row

    def known_names(self, namings: list[bytes]) -> dict[bytes, bytes]:
        found: dict[bytes, bytes] = {}
        for start in range(0, len(namings), 500):
            part = namings[start : start + 500]
            marks = ",".join("?" * len(part))
            found.update(self.rows(f"SELECT naming, content FROM names WHERE naming IN ({marks})", *part))
        return found

    def known_dead_letters(self, digests: list[bytes]) -> set[bytes]:
        marks = ",".join("?" * len(digests))
        return {row[0] for row in self.rows(f"SELECT digest FROM dead_letters WHERE digest IN ({marks})", *digests)}

    def heads(self, accounts: list[str]) -> list[Any]:
        return self.rows(
            "SELECT a.account, a.version, a.state FROM json_each(?) j CROSS JOIN accounts a ON a.account = j.value", written(accounts)
        )

    def documents(self, keys: list[tuple[str, str]]) -> list[Any]:
        """(account, key, version, state) of the documents that are there, in one query."""
        return self.rows(
            "SELECT d.account, d.key, d.version, d.state FROM json_each(?) j CROSS JOIN documents d "
            "ON d.account = j.value ->> 0 AND d.key = j.value ->> 1",
            written(keys),
        )

    def documents_on(self, account: str, day: str, version: int | None) -> list[Any]:
        """(key, version, state) of what says anything on the day, or changed after the version."""
        later = "" if version is None else f" OR version > {int(version)}"
        return self.rows(f"SELECT key, version, state FROM documents WHERE account = ? AND (closed > ?{later}) AND opened <= ?", account, day, day)

    def all_documents_on(self, first_day: str, last_day: str, everything: bool) -> Iterator[Any]:
        """(account, key, version, opened, closed, state) of what says anything on one of the days, in order of accounts; all of them where
        what was known earlier is asked."""
        columns = "account, key, version, opened, closed, state"
        if everything:
            return self.stream(f"SELECT {columns} FROM documents ORDER BY account")
        return self.stream(f"SELECT {columns} FROM documents WHERE closed > ? AND opened <= ? ORDER BY account", first_day, last_day)

    def all_heads(self) -> Iterator[Any]:
        return self.stream("SELECT account, version, state FROM accounts ORDER BY account")

    def keys(self, accounts: list[str]) -> dict[str, bytes]:
        marks = ",".join("?" * len(accounts))
        return dict(self.rows(f"SELECT account, key FROM account_keys WHERE account IN ({marks})", *accounts))

    def rates(self, base: str, quote: str, day: str) -> list[Any]:
        """(day, told, version, rate) of all rates dated by the day, the latest day first."""
        return self.rows("SELECT day, told, version, rate FROM rates WHERE base=? AND quote=? AND day<=? ORDER BY day DESC", base, quote, day)

    def last_recorded(self) -> int:
        return int(self.rows("SELECT recorded_at FROM clock")[0][0])

    def event_at(self, stream: str, version: int) -> int | None:
        """The recorded instant of one event."""
        rows = self.rows("SELECT recorded_at FROM stored_events WHERE originator_id=? AND originator_version=?", stream, version)
        return int(rows[0][0]) if rows else None

    def last_version(self, stream: str) -> int:
        return int(self.rows("SELECT coalesce(max(originator_version),0) FROM stored_events WHERE originator_id=?", stream)[0][0])

    def events(self, stream: str) -> Iterator[Any]:
        """(position, version, topic, state, recorded_at, actor) of one account, oldest first."""
        return self.stream(
            "SELECT rowid, originator_version, topic, state, recorded_at, actor FROM stored_events WHERE originator_id=? ORDER BY originator_version",
            stream,
        )

    def all_events(self) -> Iterator[Row]:
        """(stream, version, topic, state) stream by stream."""
        return self.stream("SELECT originator_id, originator_version, topic, state FROM stored_events ORDER BY originator_id, originator_version")

    def count_events(self) -> tuple[int, int | None]:
        """How many events there are and when the last was recorded."""
        count, last = self.rows("SELECT count(*), max(rowid) FROM stored_events")[0]
        at = self.rows("SELECT recorded_at FROM stored_events WHERE rowid=?", last)[0][0] if last else None
        return int(count), at

    def dead_letters(self, account: str | None, recorded_by: int) -> list[Any]:
        where = "" if account is None else "AND account = ?"
        return self.rows(
            f"SELECT digest, account, source, position, code, reason, sealed, recorded_at FROM dead_letters WHERE recorded_at <= ? {where} "
            "ORDER BY recorded_at, source, position",
            recorded_by,
            *([] if account is None else [account]),
        )

    def dead_letter_counts(self, recorded_by: int) -> dict[str | None, int]:
        return dict(self.rows("SELECT account, count(*) FROM dead_letters WHERE recorded_at <= ? GROUP BY account", recorded_by))

    def position(self, name: str) -> Any | None:
        """(generation, position, digest of what was taken) of an input."""
        rows = self.rows("SELECT generation, position, digest FROM inputs WHERE name=?", name)
        return rows[0] if rows else None

    def positions(self) -> list[Any]:
        return self.rows("SELECT application_name, notification_id FROM tracking ORDER BY application_name")

    def outbox_depth(self) -> int:
        return int(self.rows("SELECT count(*) FROM outbox")[0][0])

    def version(self) -> str:
        return str(self.rows("SELECT version_num FROM alembic_version")[0][0])

    def derived_digest(self) -> Iterator[Any]:
        """Every derived row in a fixed order, for comparing what was kept with what is rebuilt."""
        yield from self.stream("SELECT account, version, state FROM accounts ORDER BY account")
        yield from self.stream("SELECT account, key, version, opened, closed, state FROM documents ORDER BY account, key")
        yield from self.stream("SELECT base, quote, day, version, told, rate FROM rates ORDER BY base, quote, day, version")


def other_name(index: str) -> str:
    """No index can be renamed and two cannot have one name: those of rebuilt tables take turns."""
    return index.removesuffix("_rebuilt") if index.endswith("_rebuilt") else f"{index}_rebuilt"


class Rebuilt(Moment):
    """The log, and derived tables in the making beside the ones in use. A rebuild that begins drops the tables of all others: an older one,
    were it still running, finds its tables gone."""

    def __init__(self, cursor: Any, run: str) -> None:
        super().__init__(cursor)
        self.run = run
        self.suffix = f"_being_made_{run}"

    def begin(self) -> None:
        """Makes the new tables as the old ones are, and drops what a killed rebuild left."""
        for table in DERIVED:
            for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type='table' AND name GLOB ?", f"{table}_being_*"):
                self.cursor.execute(f"DROP TABLE {name}")
            (sql,) = self.rows("SELECT sql FROM sqlite_master WHERE type='table' AND name=?", table)[0]
            self.cursor.execute(f"CREATE TABLE {table}{self.suffix} {sql[sql.index('(') :]}")
            for name, sql in self.rows("SELECT name, sql FROM sqlite_master WHERE type='index' AND tbl_name=? AND sql IS NOT NULL", table):
                self.cursor.execute(f"CREATE INDEX {other_name(name)} ON {table}{self.suffix} {sql[sql.index('(') :]}")

    def swap(self) -> None:
        """Puts the new tables in the place of the old ones, which are thrown away piece by piece when the lock is free again."""
        for table in DERIVED:
            self.cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_being_dropped_{self.run}")
            self.cursor.execute(f"ALTER TABLE {table}{self.suffix} RENAME TO {table}")

    def throw_away(self, rows: int) -> bool:
        """Deletes so many of the replaced rows; whether all are gone."""
        for table in DERIVED:
            old = f"{table}_being_dropped_{self.run}"
            if not self.rows("SELECT 1 FROM sqlite_master WHERE name=?", old):
                continue
            keys = ",".join(row[0] for row in self.rows(f"SELECT name FROM pragma_table_info('{old}') WHERE pk"))
            self.cursor.execute(f"DELETE FROM {old} WHERE ({keys}) IN (SELECT {keys} FROM {old} LIMIT ?)", (rows,))
            if self.rows(f"SELECT 1 FROM {old} LIMIT 1"):
                return False
            self.cursor.execute(f"DROP TABLE {old}")
        return True

    def add(self, batch: Batch) -> None:
        write_derived(self.cursor, batch, self.suffix)

    def heads(self, accounts: list[str]) -> list[Any]:
        return self.rows(
            f"SELECT a.account, a.version, a.state FROM json_each(?) j CROSS JOIN accounts{self.suffix} a ON a.account = j.value", written(accounts)
        )

    def documents(self, keys: list[tuple[str, str]]) -> list[Any]:
        return self.rows(
            f"SELECT d.account, d.key, d.version, d.state FROM json_each(?) j CROSS JOIN documents{self.suffix} d "
            "ON d.account = j.value ->> 0 AND d.key = j.value ->> 1",
            written(keys),
        )

    def log_after(self, stream: str, version: int) -> Iterator[Row]:
        """(stream, version, topic, state) stream by stream, from behind an event on."""
        return self.stream(
            "SELECT originator_id, originator_version, topic, state FROM stored_events WHERE (originator_id, originator_version) > (?, ?) "
            "ORDER BY originator_id, originator_version",
            stream,
            version,
        )

    def log_between(self, after: int, until: int) -> Iterator[Row]:
        """The same of the events at the positions after the one until the other."""
        return self.stream(
            "SELECT originator_id, originator_version, topic, state FROM stored_events WHERE rowid > ? AND rowid <= ? "
            "ORDER BY originator_id, originator_version",
            after,
            until,
        )

    def counted(self) -> tuple[int, int]:
        """How many accounts and documents are in use."""
        return self.rows("SELECT count(*) FROM accounts")[0][0], self.rows("SELECT count(*) FROM documents")[0][0]

    def last_position(self) -> int:
        return int(self.rows("SELECT coalesce(max(rowid), 0) FROM stored_events")[0][0])

    def streams_after(self, position: int) -> set[str]:
        return {row[0] for row in self.rows("SELECT DISTINCT originator_id FROM stored_events WHERE rowid > ?", position)}

    def kept(self, stream: str | None = None) -> Iterator[Any]:
        """The rows in use, of all or of one stream: table, owner, key and the rest, in the order of these."""
        return self.compared("", stream)

    def made(self, stream: str | None = None) -> Iterator[Any]:
        """The same of the new ones."""
        return self.compared(self.suffix, stream)

    def compared(self, suffix: str, stream: str | None) -> Iterator[Any]:
        kind, _, owner = (stream or "").partition(":")
        of_account, of_base = ("WHERE account = ?", "WHERE base = ?") if stream else ("", "")
        values = [owner] if stream else []
        if kind != "currency":
            yield from self.stream(f"SELECT 'accounts', account, '', version, state FROM accounts{suffix} {of_account} ORDER BY account", *values)
            yield from self.stream(
                f"SELECT 'documents', account, key, version, opened, closed, state FROM documents{suffix} {of_account} ORDER BY account, key", *values
            )
        if kind != "account":
            yield from self.stream(
                f"SELECT 'rates', base, printf('%s/%s/%019d', quote, day, version), told, rate FROM rates{suffix} {of_base} "
                "ORDER BY base, quote, day, version",
                *values,
            )


__all__ = ["IntegrityError", "OperationalError", "SQLiteLedger", "open_sqlite"]
