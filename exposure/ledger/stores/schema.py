"""The version of a store, and the migrations that bring it up to date; opened stores of a newer engine are refused."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

LATEST = "0017"
MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_SECONDS = 30
MIGRATING = 7_391
"""Names the lock of who makes or upgrades a store, among all locks of a PostgreSQL database."""


class WrongStoreVersion(RuntimeError):
    """The store's version is not one this engine can use."""


class StoreNotMade(RuntimeError):
    """The store could not be created or upgraded; what was there before is as it was."""


def is_known(version: str) -> bool:
    """Whether a store of that version can be used, once it is upgraded."""
    return version.isascii() and version.isdigit() and len(version) == len(LATEST) and "0001" <= version <= LATEST


def migrate_sqlite(path: str) -> None:
    """Creates the tables of a new SQLite store, or upgrades those of an older one: in one transaction, one writer at a time."""
    upgrade(f"sqlite:///{path}", "sqlite://", lambda: sqlite_connection(path), "BEGIN IMMEDIATE")


def migrate_postgres(url: str) -> None:
    """The same in a PostgreSQL database. A store in another schema of the search path is none of its business."""
    in_its_schema = "SELECT set_config('search_path', quote_ident(current_schema()), true)"
    one_at_a_time = f"SELECT pg_advisory_xact_lock({MIGRATING}, hashtext(current_schema()))"
    upgrade("in that database", "postgresql+psycopg://", lambda: postgres_connection(url), "BEGIN", in_its_schema, one_at_a_time)


def upgrade(store: str, dialect: str, connection: Callable[[], Any], *begin: str) -> None:
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    engine = create_engine(dialect, creator=connection, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connected:
            for statement in begin:
                connected.exec_driver_sql(statement)
            config.attributes["connection"] = connected
            command.upgrade(config, LATEST)
            connected.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        raise StoreNotMade(f"the store {store} could not be made or upgraded: {error.orig}") from error


def sqlite_connection(path: str) -> Any:
    """A connection to a file with a write-ahead log. Two who give it one at a time do not wait for each other as writers do: SQLite refuses one."""
    import sqlite3

    from tenacity import Retrying, retry_if_exception, stop_after_delay, wait_random

    connection = sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
    is_busy = retry_if_exception(lambda error: getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY)
    for attempt in Retrying(retry=is_busy, stop=stop_after_delay(LOCK_SECONDS), wait=wait_random(max=0.1), reraise=True):
        with attempt:
            connection.execute("PRAGMA journal_mode=WAL")
    return connection


def postgres_connection(url: str) -> Any:
    import psycopg

    return psycopg.connect(url, autocommit=True)
