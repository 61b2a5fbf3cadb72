"""Derived tables of a SQLite store in the making beside the ones in use, and how they take each other's place."""

from collections.abc import Iterator
from typing import Any

from exposure.ledger.batch import Batch, Row
from exposure.ledger.sqlite_moment import Moment
from exposure.ledger.sqlite_rows import put

DERIVED = ("accounts", "documents", "rates")


def write_derived(c: Any, batch: Batch, suffix: str = "") -> None:
    put(
        c,
        f"INSERT INTO accounts{suffix} (account, version, written, state) VALUES {{rows}} ON CONFLICT (account) DO UPDATE SET "
        f"version=excluded.version, written=max(accounts{suffix}.written, excluded.written), state=excluded.state",
        batch.heads,
    )
    put(
        c,
        f"INSERT INTO documents{suffix} VALUES {{rows}} ON CONFLICT (account, key) DO UPDATE SET "
        "version=excluded.version, opened=excluded.opened, closed=excluded.closed, state=excluded.state",
        batch.documents,
    )
    put(c, f"INSERT OR REPLACE INTO rates{suffix} VALUES {{rows}}", batch.rates)


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

    def in_use(self) -> Moment:
        """The derived tables in use, at the same moment."""
        return Moment(self.cursor)

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
