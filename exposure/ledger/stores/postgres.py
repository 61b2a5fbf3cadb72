"""The ledger's tables on PostgreSQL: the eventsourcing library's process recorder with bulk statements, and the reads of one moment.

One write is one transaction. Its first statement moves the store's one clock row, which other writers then wait for: so recorded time rises in
the order of commits, and positions too.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from eventsourcing.persistence import OperationalError
from eventsourcing.postgres import PostgresDatastore, PostgresProcessRecorder
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import dict_row, tuple_row
from tenacity import Retrying, retry_if_result, stop_after_delay, wait_fixed

from exposure.ledger.batch import Batch
from exposure.ledger.stores.postgres_rebuilt import PostgresRebuilt
from exposure.ledger.stores.postgres_tables import PostgresMoment, PostgresWriting
from exposure.ledger.stores.schema import LATEST, LOCK_SECONDS, WrongStoreVersion, is_known, migrate_postgres

CONNECTIONS = 4
RECONNECT_SECONDS = 5
"""After so long an attempt to connect is over: the next one is made at once by who needs it, not when the pool sees fit."""
NOTICED = {"connect_timeout": 10, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3, "tcp_user_timeout": 30_000}
"""A server that vanishes without a word is noticed within half a minute; the URL may say otherwise."""
STALL_SECONDS = 10
"""So long may a writer that has fallen asleep keep the others waiting: then its transaction is undone."""
IN_SCHEMA = "SELECT current_schema(), array(SELECT tablename::text FROM pg_tables WHERE schemaname = current_schema())"
LOOK_SECONDS = 0.05
OLDER_SIGHT = """
    WITH seeing (since) AS (
        SELECT unnest(ARRAY[backend_xmin, backend_xid]) FROM pg_stat_activity WHERE datname = current_database() OR datname IS NULL
        UNION ALL SELECT transaction FROM pg_prepared_xacts WHERE database = current_database()
        UNION ALL SELECT xmin FROM pg_replication_slots
    ) SELECT EXISTS (SELECT FROM seeing WHERE age(since) >= age(%s::xid8::xid))"""
"""Whether anybody still sees of this database what a transaction deleted, or a server that follows does."""
FILLED_IN = ("dbname", "host", "port", "user", "password")


class LedgerDatastore(PostgresDatastore):
    """``url`` may say everything that libpq knows: TLS (``sslmode``, ``sslrootcert`` …), ``options``, timeouts."""

    def __init__(self, url: str, schema: str) -> None:
        told: dict[str, Any] = conninfo_to_dict(url)
        super().__init__(
            *(str(told.get(name) or "") for name in FILLED_IN),
            max_overflow=CONNECTIONS - 1,
            schema=schema,
            originator_id_type="text",
        )
        options = f"{told.get('options') or ''} -c lock_timeout={LOCK_SECONDS}s"
        self.pool.reconnect_timeout = RECONNECT_SECONDS
        self.pool.kwargs = {**NOTICED, **told, "row_factory": dict_row, "options": options}


def open_postgres(url: str, *, create: bool) -> "PostgresLedger":
    """Opens the store in a database; a missing one is made where ``create``, an older one is upgraded."""
    version, schema = standing(url)
    if version is None and not create:
        raise FileNotFoundError("there is no store in that database: feed some events into it first")
    if version is not None and not is_known(version):
        raise WrongStoreVersion(f"the database has version {version}, this engine knows {LATEST}: use a newer engine")
    if version != LATEST:
        migrate_postgres(url)
    return PostgresLedger(LedgerDatastore(url, schema), tracking_table_name="tracking")


def standing(url: str) -> tuple[str | None, str]:
    """The version of the store in a database (``None`` where it holds none yet), and the schema its tables are in."""
    try:
        with psycopg.connect(url, row_factory=tuple_row) as connection:
            ((schema, tables),) = connection.execute(IN_SCHEMA).fetchall()
            rows = connection.execute("SELECT version_num FROM alembic_version").fetchall() if "alembic_version" in tables else []
    except psycopg.OperationalError as error:
        raise OperationalError(str(error)) from error
    if tables and not rows:
        raise WrongStoreVersion(f"schema {schema} of the database has tables of something else: give the store a schema or a database of its own")
    return (str(rows[0][0]) if rows else None), schema


def is_past(connection: Any) -> bool:
    """Waits until nobody can see any more what was deleted before now; false where they still can after ``LOCK_SECONDS``."""
    ((now,),) = connection.execute("SELECT pg_current_xact_id()::text").fetchall()
    waiting = Retrying(
        stop=stop_after_delay(LOCK_SECONDS),
        wait=wait_fixed(LOOK_SECONDS),
        retry=retry_if_result(bool),
        retry_error_callback=lambda _: True,
    )
    return not waiting(lambda: connection.execute(OLDER_SIGHT, [now]).fetchone()[0])


class PostgresLedger(PostgresProcessRecorder):
    """Writes batches and answers reads."""

    def write(self, batch: Batch) -> set[str]:
        """Writes a batch in one transaction and returns the accounts that were to be settled and that another writer has moved on."""
        with self.writing(batch.now) as writing:
            return writing.write(batch)

    @contextmanager
    def writing(self, now: int) -> Iterator[PostgresWriting]:
        """One transaction that holds the write lock from its beginning, for reading too."""
        with self.transaction(commit=True) as cursor:
            yield PostgresWriting(cursor, now)

    @contextmanager
    def reading(self, name: str | None = None) -> Iterator[PostgresMoment]:
        """All reads inside see one moment of the store: the present one, or the one of a name."""
        with self.transaction(commit=False) as cursor:
            if name is not None:
                cursor.execute(f"SET TRANSACTION SNAPSHOT '{name}'")
            yield PostgresMoment(cursor)

    def wipe(self) -> bool:
        """Writes the tables anew that something was erased from; false where what was deleted is kept for somebody who still sees it."""
        told: Any = self.datastore.pool.kwargs
        with psycopg.connect(**{**told, "row_factory": tuple_row}, autocommit=True) as connection:
            is_unseen = is_past(connection)
            connection.execute("VACUUM FULL account_keys")
            connection.execute("VACUUM FULL dead_letters")
        return is_unseen

    @contextmanager
    def rebuilding(self, run: str, *, write: bool) -> Iterator[PostgresRebuilt]:
        """One short transaction of a rebuild; ``run`` names its tables, ``write`` takes the write lock at once."""
        with self.transaction(commit=write) as cursor:
            if write:
                PostgresWriting(cursor, 0)
            yield PostgresRebuilt(cursor, run)

    @contextmanager
    def transaction(self, *, commit: bool) -> Iterator[Any]:
        with self.datastore.transaction(commit=commit) as library_cursor, library_cursor.connection.cursor(row_factory=tuple_row) as cursor:
            if commit:
                cursor.execute(f"SET LOCAL idle_in_transaction_session_timeout = '{STALL_SECONDS}s'")
            else:
                cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            yield cursor
