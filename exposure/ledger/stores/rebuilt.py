"""The log, and derived tables in the making beside the ones in use, and how they take each other's place."""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from exposure.ledger.moment import DOCUMENT, EVENT, Moment
from exposure.ledger.writing import Deriving

DERIVED = ("accounts", "heard", "documents", "rates", "cases", "members")


class Rebuilt(Deriving):
    """A rebuild that begins drops the tables of all others: an older one, were it still running, finds its tables gone."""

    def __init__(self, cursor: Any, run: str) -> None:
        super().__init__(cursor)
        self.run = run
        self.suffix = f"_being_made_{run}"

    @abstractmethod
    def in_use(self) -> Moment:
        """The derived tables in use, at the same moment."""

    @abstractmethod
    def begin(self) -> None:
        """Makes the new tables as the old ones are, and drops what a killed rebuild left."""

    @abstractmethod
    def swap(self) -> None:
        """Puts the new tables in the place of the old ones."""

    @abstractmethod
    def throw_away(self, rows: int) -> bool:
        """Deletes so many of the replaced rows; whether all are gone."""

    def log_after(self, stream: str, version: int) -> Iterator[Any]:
        """(stream, version, topic, state, position) stream by stream, from behind an event on."""
        return self.events_where("(originator_id, originator_version) > (?, ?)", stream, version)

    def log_between(self, after: int, until: int) -> Iterator[Any]:
        """The same of the events at the positions after the one until the other."""
        return self.events_where(f"{self.position} > ? AND {self.position} <= ?", after, until)

    def events_where(self, where: str, *values: Any) -> Iterator[Any]:
        columns = f"{EVENT}, {self.position}"
        return self.stream(f"SELECT {columns} FROM stored_events WHERE {where} ORDER BY originator_id, originator_version", *values)

    def counted(self) -> tuple[int, int]:
        """How many accounts and documents are in use."""
        return self.rows("SELECT count(*) FROM accounts")[0][0], self.rows("SELECT count(*) FROM documents")[0][0]

    def last_position(self) -> int:
        return int(self.rows(f"SELECT coalesce(max({self.position}), 0) FROM stored_events")[0][0])

    def streams_after(self, position: int) -> set[str]:
        return {row[0] for row in self.rows(f"SELECT DISTINCT originator_id FROM stored_events WHERE {self.position} > ?", position)}

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
        if kind in ("", "account"):
            for account, *rest in self.stream(f"SELECT account, version, state FROM accounts{suffix} {of_account} ORDER BY account", *values):
                yield ("accounts", account, "", *rest)
            for row in self.stream(f"SELECT account, stream, state, position FROM cases{suffix} {of_account} ORDER BY account, stream", *values):
                yield ("cases", *row)
            for row in self.stream(f"SELECT {DOCUMENT} FROM documents{suffix} {of_account} ORDER BY account, key", *values):
                yield ("documents", *row)
            for account, version, state in self.stream(
                f"SELECT account, version, state FROM heard{suffix} {of_account} ORDER BY account, version", *values
            ):
                yield ("heard", account, f"{version!s:0>19}", state)
            for row in self.stream(f"SELECT account, parent FROM members{suffix} {of_account} ORDER BY account, parent", *values):
                yield ("members", *row)
        if kind in ("", "currency"):
            order = "ORDER BY base, quote, day, version"
            for base, quote, day, version, *rest in self.stream(
                f"SELECT base, quote, day, version, told, rate FROM rates{suffix} {of_base} {order}", *values
            ):
                yield ("rates", base, f"{quote}/{day}/{version!s:0>19}", *rest)
