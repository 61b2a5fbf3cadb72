"""Derived tables of a SQLite store in the making: copies of the tables in use, which they replace by being renamed."""

from exposure.ledger.moment import Moment
from exposure.ledger.stores.rebuilt import DERIVED, Rebuilt
from exposure.ledger.stores.sqlite_tables import SQLiteMoment, SQLiteTables


def other_name(index: str) -> str:
    """No index can be renamed and two cannot have one name: those of rebuilt tables take turns."""
    return index.removesuffix("_rebuilt") if index.endswith("_rebuilt") else f"{index}_rebuilt"


class SQLiteRebuilt(SQLiteTables, Rebuilt):
    def in_use(self) -> Moment:
        return SQLiteMoment(self.cursor)

    def begin(self) -> None:
        for table in DERIVED:
            for (name,) in self.rows("SELECT name FROM sqlite_master WHERE type='table' AND name GLOB ?", f"{table}_being_*"):
                self.cursor.execute(f"DROP TABLE {name}")
            (sql,) = self.rows("SELECT sql FROM sqlite_master WHERE type='table' AND name=?", table)[0]
            self.cursor.execute(f"CREATE TABLE {table}{self.suffix} {sql[sql.index('(') :]}")
            for name, sql in self.rows("SELECT name, sql FROM sqlite_master WHERE type='index' AND tbl_name=? AND sql IS NOT NULL", table):
                self.cursor.execute(f"CREATE INDEX {other_name(name)} ON {table}{self.suffix} {sql[sql.index('(') :]}")

    def swap(self) -> None:
        """The old ones are thrown away piece by piece when the lock is free again."""
        for table in DERIVED:
            self.cursor.execute(f"ALTER TABLE {table} RENAME TO {table}_being_dropped_{self.run}")
            self.cursor.execute(f"ALTER TABLE {table}{self.suffix} RENAME TO {table}")

    def throw_away(self, rows: int) -> bool:
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
