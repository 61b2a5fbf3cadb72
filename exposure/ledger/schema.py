"""The version of a store, and the migrations that bring it up to date; opened stores of a newer engine are refused."""

from pathlib import Path

LATEST = "0003"
MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_SECONDS = 30


class WrongStoreVersion(RuntimeError):
    """The store's version is not one this engine can use."""


class StoreNotMade(RuntimeError):
    """The store could not be created or upgraded; what was there before is as it was."""


def migrate(path: str) -> None:
    """Creates the tables of a new SQLite store, or upgrades those of an older one: in one transaction, one writer at a time."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.exc import DBAPIError
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    engine = create_engine("sqlite://", creator=lambda: connected(path), poolclass=NullPool, isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA journal_mode=WAL")
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            config.attributes["connection"] = connection
            command.upgrade(config, LATEST)
            connection.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        raise StoreNotMade(f"the store {path} could not be made or upgraded: {error.orig}") from error


def connected(path: str) -> object:
    import sqlite3

    return sqlite3.connect(path, timeout=LOCK_SECONDS, isolation_level=None)
