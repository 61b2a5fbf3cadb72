"""Derived tables of a PostgreSQL store in the making: tables like those in use, which they replace by being renamed."""

from exposure.ledger.moment import Moment
from exposure.ledger.stores.postgres_tables import PostgresMoment, PostgresTables
from exposure.ledger.stores.rebuilt import DERIVED, Rebuilt


class PostgresRebuilt(PostgresTables, Rebuilt):
    def in_use(self) -> Moment:
        return PostgresMoment(self.cursor)

    def begin(self) -> None:
        left = "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename LIKE ?"
        for table in DERIVED:
            for (name,) in self.rows(left, rf"{table}\_being\_%"):
                self.cursor.execute(f"DROP TABLE {name}")
            self.cursor.execute(f"CREATE TABLE {table}{self.suffix} (LIKE {table} INCLUDING ALL)")

    def swap(self) -> None:
        """The old ones go at once: to drop a table takes no longer for many rows than for few."""
        for table in DERIVED:
            self.cursor.execute(f"DROP TABLE {table}")
            self.cursor.execute(f"ALTER TABLE {table}{self.suffix} RENAME TO {table}")

    def throw_away(self, _rows: int) -> bool:
        return True
