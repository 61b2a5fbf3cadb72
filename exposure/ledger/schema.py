"""The version of a store, and the migrations that bring it up to date; opened stores of a newer engine are refused."""

from pathlib import Path

LATEST = "0001"
MIGRATIONS = Path(__file__).parent / "migrations"


class WrongStoreVersion(RuntimeError):
    """The store's version is not one this engine can use."""


def migrate(url: str) -> None:
    """Creates the tables of a new store, or upgrades those of an older one (SQLAlchemy URL)."""
    from alembic import command
    from alembic.config import Config
    from sqlalchemy import create_engine
    from sqlalchemy.pool import NullPool

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with create_engine(url, poolclass=NullPool).begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, LATEST)
