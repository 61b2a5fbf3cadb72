"""Reads of one moment of a store: every answer comes from the same snapshot, as plain rows."""

from collections.abc import Iterator, Sequence
from typing import Any

from exposure.ledger.batch import Row
from exposure.ledger.looks import NO_VERSION, by_days, by_versions
from exposure.ledger.proof.chain import NOTHING, LogEnd
from exposure.ledger.stores.tables import Tables

EVENT = "originator_id, originator_version, topic, state"
KINDS = {
    "originator_id": "text",
    "originator_version": "integer",
    "topic": "text",
    "state": "blob",
    "recorded_at": "integer",
    "actor": "text",
    "previous_hash": "blob",
    "hash": "blob",
}
"""Of what kind the values of an event are."""
HEAD = "account, version, written, state"
DOCUMENT = "account, key, version, opened, closed, first, versions, begun, ended, width, state"
SAYING = "t.key, t.version, t.opened, t.closed, t.state"
DATED = "t.account = g.c0 AND t.width = g.c1 AND t.ended > g.c2 AND t.ended <= g.c3 AND t.begun <= g.c4"
CHANGED = "t.account = g.c0 AND t.versions = g.c1 AND t.version > g.c2 AND t.version <= g.c3 AND t.first <= g.c4"
LETTER = "digest, account, source, position, code, reason, sealed, recorded_at, carried, settled_at, outcome"
OF_PROMISES = "key >= 'promise:' AND key < 'promise;'"
"""In the words of the index that has these rows alone."""
COUNTS_AT = "recorded_at <= ? AND (settled_at IS NULL OR settled_at > ?)"
"""A dead letter counts from the instant it was recorded until the one it was settled, that one excluded."""


class MovedOn(Exception):
    """The store is not any more as it was at the moment that was named."""


class Moment(Tables):
    """``suffix`` names the derived tables that accounts and documents are read from by number."""

    suffix = ""

    def known_names(self, namings: list[bytes]) -> dict[bytes, bytes]:
        return dict(self.among("naming, content", "names", "naming", namings))

    def known_dead_letters(self, digests: list[bytes]) -> set[bytes]:
        return {row[0] for row in self.among("digest", "dead_letters", "digest", digests)}

    def heads(self, accounts: list[str]) -> list[Any]:
        given = [(account,) for account in accounts]
        return self.joined("t.account, t.version, t.written, t.state", f"accounts{self.suffix}", "t.account = g.c0", given)

    def documents(self, keys: list[tuple[str, str]]) -> list[Any]:
        """(account, key, version, state) of the documents that are there, in one query."""
        return self.joined("t.account, t.key, t.version, t.state", f"documents{self.suffix}", "t.account = g.c0 AND t.key = g.c1", keys)

    def tails(self, accounts: list[tuple[str, int]]) -> list[Any]:
        """(account, version, topic, state) of the events of accounts after a version of each."""
        columns, events = "g.c0, t.originator_version, t.topic, t.state", "t.originator_id = 'account:' || g.c0 AND t.originator_version > g.c1"
        return self.joined(columns, "stored_events", events, accounts, order="g.place, t.originator_version")

    def keys(self, accounts: list[str]) -> dict[str, bytes]:
        return dict(self.joined("t.account, t.key", "account_keys", "t.account = g.c0", [(account,) for account in accounts]))

    def members(self, parent: str) -> list[str]:
        """Every account that ever named a parent, in order."""
        return [row[0] for row in self.rows("SELECT account FROM members WHERE parent = ? ORDER BY account", parent)]

    def behind(self, after: str, many: int) -> list[str]:
        """Accounts of which more is recorded than the rows of their documents know, in order, those after one."""
        sql = "SELECT account FROM accounts WHERE written < version AND account > ? ORDER BY account LIMIT ?"
        return [row[0] for row in self.rows(sql, after, many)]

    def documents_on(self, account: str, day: str, version: int | None, since: str | None = None, after: int | None = None) -> list[Any]:
        """(key, version, opened, closed, state) of what says anything on the day, or since a day before it, and was told of by the version; or
        changed after that or, where it is named, ``after`` an earlier one."""
        known = "" if version is None else f" AND t.first <= {int(version)}"
        first, changed_after = day if since is None else since, version if after is None else after
        found = self.joined(SAYING, "documents", f"{DATED} AND t.closed > g.c2 AND t.opened <= g.c4{known}", by_days(account, first, day))
        if changed_after is not None:
            looks = by_versions(account, changed_after, NO_VERSION if version is None else version)
            found += self.joined(SAYING, "documents", f"{CHANGED} AND t.opened <= g.c5 AND t.closed <= g.c6", [(*look, day, first) for look in looks])
        return found

    def documents_dated(self, account: str, after: str, until: str, version: int | None) -> list[Any]:
        """The same of what says anything, or has anything dated, behind a day and by another one, and was told of by the version; or changed after
        that."""
        known = "" if version is None else f" AND t.first <= {int(version)}"
        found = self.joined(SAYING, "documents", f"{DATED}{known}", by_days(account, after, until))
        if version is not None:
            looks = by_versions(account, version, version)
            found += self.joined(SAYING, "documents", f"{CHANGED} AND t.begun <= g.c5 AND t.ended <= g.c6", [(*look, until, after) for look in looks])
        return found

    def documents_closed(self, account: str, after: str, until: str, version: int | None, days: Sequence[str]) -> list[Any]:
        """(key, closed, state) of what closed after a day and by another one, but nothing that changed after the version; where ``days`` are named,
        of what says anything on one of them."""
        known = "" if version is None else f" AND t.version <= {int(version)}"
        closed = f"{DATED} AND t.opened <= g.c4 AND t.closed > g.c2 AND t.closed <= g.c5{known}"
        looks = [look for first, last in [(day, day) for day in days] or [(after, until)] for look in by_days(account, first, last)]
        found = self.joined("t.key, t.closed, t.state", "documents", closed, [(*look, until) for look in looks])
        return list({row[0]: row for row in found}.values())

    def all_documents_on(self, known: Sequence[tuple[str, int]], first: str, last: str, *, is_past: bool) -> Iterator[Any]:
        """(account, key, version, opened, closed, state) of what says anything on one of the days, account by account; where the past is asked, of
        what had been told of by a version of each account, and of what changed after it as well. All rows of these accounts are looked at."""
        said = "t.closed > g.c2"
        if is_past:
            said = f"t.first <= g.c1 AND ({said} OR t.version > g.c1)"
        on = f"t.account = g.c0 AND t.width >= 0 AND t.opened <= g.c3 AND {said}"
        return self.streamed(f"t.account, {SAYING}", "documents", on, [(account, version, first, last) for account, version in known])

    def account_names(self) -> list[str]:
        return [row[0] for row in self.rows("SELECT account FROM accounts ORDER BY account")]

    def all_heads(self) -> Iterator[Any]:
        return self.stream(f"SELECT {HEAD} FROM accounts ORDER BY account")

    def rates(self, base: str, quote: str, day: str) -> list[Any]:
        """(day, told, version, rate) of all rates dated by the day, the latest day first."""
        return self.rows("SELECT day, told, version, rate FROM rates WHERE base=? AND quote=? AND day<=? ORDER BY day DESC", base, quote, day)

    def last_recorded(self) -> int:
        return int(self.rows("SELECT recorded_at FROM clock")[0][0])

    def heard(self, places: Sequence[tuple[str, int, int]]) -> list[Any]:
        """(account, state) of what was heard of accounts by a version of each, where that is marked."""
        return self.joined("t.account, t.state", "heard", "t.account = g.c0 AND t.version = g.c1", places)

    def events_behind(self, places: Sequence[tuple[str, int, int]]) -> list[Any]:
        """(account, version, topic, state) of the events of accounts behind a version of each up to another one."""
        behind = "t.originator_id = 'account:' || g.c0 AND t.originator_version > g.c1 AND t.originator_version <= g.c2"
        return self.joined("g.c0, t.originator_version, t.topic, t.state", "stored_events", behind, places, order="g.place, t.originator_version")

    def versions_at(self, streams: Sequence[str], at: int) -> dict[str, int]:
        """The last version of each of some streams that was recorded by an instant; 0 where there was none. Recorded time never falls along them."""
        last = "SELECT max(originator_version) FROM stored_events WHERE originator_id = t.originator_id"
        stood = "SELECT recorded_at FROM stored_events WHERE originator_id = t.originator_id AND originator_version = (low + high + 1) / 2"
        begun = "t.originator_id = g.c0 AND t.originator_version = 1"
        found = self.joined(f"g.c0, ({bisected(last, stood, at)})", "stored_events", begun, [(stream,) for stream in streams])
        return {**dict.fromkeys(streams, 0), **dict(found)}

    def position_behind(self, at: int | None) -> int | None:
        """The position of the log behind the last one that was recorded by an instant; ``None`` where that is all of it."""
        if at is None or at >= self.last_recorded():
            return None
        stood = f"SELECT recorded_at FROM stored_events WHERE {self.position} >= (low + high + 1) / 2 ORDER BY {self.position} LIMIT 1"
        return int(self.rows(bisected("SELECT position FROM clock", stood, at))[0][0]) + 1

    def event_at(self, stream: str, version: int) -> int | None:
        """The recorded instant of one event."""
        rows = self.rows("SELECT recorded_at FROM stored_events WHERE originator_id=? AND originator_version=?", stream, version)
        return int(rows[0][0]) if rows else None

    def hashes(self, events: list[tuple[str, int]]) -> dict[str, bytes]:
        """By stream the hash of one event of each, given as (stream, version)."""
        place = "t.originator_id = g.c0 AND t.originator_version = g.c1"
        return dict(self.joined(f"g.c0, {self.plain.format('t.hash')}", "stored_events", place, events))

    def log_end(self) -> LogEnd:
        """Where the log ends, as who wrote last has said it."""
        return LogEnd(*self.rows("SELECT position, hash FROM clock")[0])

    def log_end_at(self, position: int) -> LogEnd:
        """Where the log ended when it went no further than a position, as its rows have it."""
        last = (
            f"SELECT {self.position}, {self.plain.format('hash')} FROM stored_events WHERE {self.position} <= ? ORDER BY {self.position} DESC LIMIT 1"
        )
        return LogEnd(*(self.rows(last, position) or [(0, NOTHING)])[0])

    def chained(self, after: int, until: int) -> Iterator[Any]:
        """(position, stream, version, topic, state, recorded_at, actor, previous_hash, hash, misfit) of the events behind a position up to another
        one, as recorded; texts as bytes, for what was altered may be no text any more. ``misfit`` names a column whose value is of another kind."""
        columns = [(self.octets if kind == "text" else self.plain).format(column) for column, kind in KINDS.items()]
        return self.stream(
            f"SELECT {self.position}, {', '.join(columns)}, {self.misfit(KINDS)} "
            f"FROM stored_events WHERE {self.position} > ? AND {self.position} <= ? ORDER BY {self.position}",
            after,
            until,
        )

    def hashes_of(self, after: int, until: int) -> list[bytes]:
        """The hashes of the events behind a position up to another one, in their order."""
        place = self.position
        return [row[0] for row in self.rows(f"SELECT hash FROM stored_events WHERE {place} > ? AND {place} <= ? ORDER BY {place}", after, until)]

    def positions_and_hashes(self, after: int, until: int) -> Iterator[Any]:
        """The same one by one, each with its position."""
        place = self.position
        return self.stream(f"SELECT {place}, hash FROM stored_events WHERE {place} > ? AND {place} <= ? ORDER BY {place}", after, until)

    def chained_of(self, streams: list[str], until: int) -> list[Any]:
        """The same as ``chained`` of whole streams up to a position, in the log's order; texts as they are."""
        columns = "originator_id, t.originator_version, t.topic, t.state, t.recorded_at, t.actor, t.previous_hash, t.hash"
        of_them = f"t.originator_id = g.c0 AND t.{self.position} <= {int(until)}"
        given = [(stream,) for stream in streams]
        return self.joined(f"t.{self.position}, t.{columns}", "stored_events", of_them, given, order=f"t.{self.position}")

    def origins_from(self, position: int) -> list[Any]:
        """(first, last, input, stood) of the batch that an event of the log was written with, or of the last one before it."""
        of_batch = "first = (SELECT max(first) FROM origins WHERE first <= ?)"
        return self.rows(f"SELECT first, last, input, stood FROM origins WHERE {of_batch}", position)

    def recorded_behind(self, streams: list[str], position: int) -> int | None:
        """When the first event of some streams behind a position was recorded; ``None`` where there is none."""
        behind = f"t.originator_id = g.c0 AND t.{self.position} > {int(position)}"
        rows = self.joined("min(t.recorded_at)", "stored_events", behind, [(stream,) for stream in streams], order="1")
        return None if rows[0][0] is None else int(rows[0][0])

    def last_version(self, stream: str) -> int:
        return int(self.rows("SELECT coalesce(max(originator_version),0) FROM stored_events WHERE originator_id=?", stream)[0][0])

    def cases(self, account: str, before: int | None = None) -> list[str]:
        """The streams of an account's cases, all or those begun before a position of the log, in order."""
        if before is not None:
            return sorted(stream for _, stream in self.cases_begun(before, {"account": account}))
        return [row[0] for row in self.rows("SELECT stream FROM cases WHERE account = ? ORDER BY stream", account)]

    def cases_of_kind(self, kind: str, state: str | None = None, account: str | None = None, before: int | None = None) -> list[tuple[str, str]]:
        """(account, stream) of the cases whose streams are named ``kind:…``, all or those in a state, of an account, or begun before a position of
        the log, in order of accounts."""
        told = {name: value for name, value in (("state", state), ("account", account)) if value is not None}
        if before is not None:
            return sorted(self.cases_begun(before, told, kind))
        where = " AND ".join(["stream >= ?", "stream < ?", *(f"{name} = ?" for name in told)])
        rows = self.rows(f"SELECT account, stream FROM cases WHERE {where} ORDER BY account, stream", f"{kind}:", f"{kind};", *told.values())
        return [(row[0], row[1]) for row in rows]

    def cases_begun(self, before: int, told: dict[str, str], kind: str = "") -> list[tuple[str, str]]:
        """In no order. Of a kind they are not looked up by their names: of an account all that came later would be passed over."""
        where = " AND ".join(["position < ?", "substr(stream, 1, ?) = ?", *(f"{name} = ?" for name in told)])
        name = f"{kind}:" if kind else ""
        return [(row[0], row[1]) for row in self.rows(f"SELECT account, stream FROM cases WHERE {where}", before, len(name), name, *told.values())]

    def promises(self, account: str | None = None) -> list[tuple[str, str]]:
        """(account, key) of the documents that are promises, of one account or of all, in order of accounts."""
        of_account, values = ("", []) if account is None else (" AND account = ?", [account])
        rows = self.rows(f"SELECT account, key FROM documents WHERE {OF_PROMISES}{of_account} ORDER BY account, key", *values)
        return [(row[0], row[1]) for row in rows]

    def accounts_of_promise(self, key: str) -> list[str]:
        """The account whose promise it is."""
        return [row[0] for row in self.rows(f"SELECT account FROM documents WHERE {OF_PROMISES} AND key = ?", key)]

    def events_of(self, streams: list[str], before: int | None = None) -> list[Any]:
        """(position, stream, version, topic, state, recorded_at, actor) of streams, whole or before a position of the log, oldest first."""
        columns = f"t.{self.position}, t.originator_id, t.originator_version, t.topic, t.state, t.recorded_at, t.actor"
        of_them = "t.originator_id = g.c0" + ("" if before is None else f" AND t.{self.position} < {int(before)}")
        return self.joined(columns, "stored_events", of_them, [(stream,) for stream in streams], order=f"t.{self.position}")

    def events(self, stream: str) -> Iterator[Any]:
        """(position, version, topic, state, recorded_at, actor) of one account, oldest first."""
        columns = f"{self.position}, originator_version, topic, state, recorded_at, actor"
        return self.stream(f"SELECT {columns} FROM stored_events WHERE originator_id=? ORDER BY originator_version", stream)

    def first_event(self, stream: str) -> Any | None:
        """(topic, state) of what a stream begins with."""
        rows = self.rows("SELECT topic, state FROM stored_events WHERE originator_id=? ORDER BY originator_version LIMIT 1", stream)
        return rows[0] if rows else None

    def last_event(self, stream: str, known_at: int | None = None, before: int | None = None) -> Any | None:
        """(topic, state) of what was recorded last in a stream: by an instant, before a position, or until now."""
        by_then = "" if known_at is None else f" AND recorded_at <= {int(known_at)}"
        by_then += "" if before is None else f" AND {self.position} < {int(before)}"
        sql = f"SELECT topic, state FROM stored_events WHERE originator_id=?{by_then} ORDER BY originator_version DESC LIMIT 1"
        rows = self.rows(sql, stream)
        return rows[0] if rows else None

    def events_at(self, stream: str, versions: list[int]) -> list[Any]:
        """The same of some versions of a stream."""
        columns = f"t.{self.position}, t.originator_version, t.topic, t.state, t.recorded_at, t.actor"
        place = "t.originator_id = g.c0 AND t.originator_version = g.c1"
        return self.joined(columns, "stored_events", place, [(stream, version) for version in versions])

    def all_events(self) -> Iterator[Row]:
        """(stream, version, topic, state) stream by stream."""
        return self.stream(f"SELECT {EVENT} FROM stored_events ORDER BY originator_id, originator_version")

    def events_of_kind(self, kind: str) -> Iterator[Any]:
        """(topic, state, recorded_at) of all streams whose names begin so, as recorded."""
        where = f"substr(originator_id, 1, {len(kind)}) = ?"
        return self.stream(f"SELECT topic, state, recorded_at FROM stored_events WHERE {where} ORDER BY {self.position}", kind)

    def count_events(self) -> tuple[int, int | None]:
        """How many events there are and when the last was recorded."""
        count = self.rows("SELECT count(*) FROM stored_events")[0][0]
        last = self.rows(f"SELECT {self.plain.format('recorded_at')} FROM stored_events ORDER BY {self.position} DESC LIMIT 1")
        return int(count), last[0][0] if last else None

    def last_position(self) -> int:
        """How far the log goes."""
        return int(self.rows(f"SELECT coalesce(max({self.position}), 0) FROM stored_events")[0][0])

    def dead_letters(
        self, *, account: str | None = None, source: str | None = None, code: str | None = None, settled: bool = False, known_at: int | None = None
    ) -> list[Any]:
        """The open or the settled ones, now or at an instant, all or those of an account, a source or a code, oldest first."""
        return self.letters_where(LETTER, settled, known_at, account=account, source=source, code=code)

    def open_letters(self, *, account: str | None = None, code: str | None = None) -> list[bytes]:
        """The digests of the open ones, all or those of an account or a code, oldest first."""
        return [row[0] for row in self.letters_where("digest", False, account=account, code=code)]

    def letters_where(self, columns: str, settled: bool, known_at: int | None = None, **wanted: str | None) -> list[Any]:
        told = {name: value for name, value in wanted.items() if value is not None}
        stand = f"settled_at IS {'NOT ' if settled else ''}NULL"
        if known_at is not None:
            then = int(known_at)
            stand = f"settled_at <= {then}" if settled else f"recorded_at <= {then} AND (settled_at IS NULL OR settled_at > {then})"
        where = " AND ".join([stand, *(f"{name} = ?" for name in told)])
        return self.rows(f"SELECT {columns} FROM dead_letters WHERE {where} ORDER BY recorded_at, source, position, digest", *told.values())

    def letters(self, digests: list[bytes]) -> list[Any]:
        return self.among(LETTER, "dead_letters", "digest", digests)

    def count_dead_letters(self, account: str, known_at: int) -> int:
        return int(self.rows(f"SELECT count(*) FROM dead_letters WHERE account = ? AND {COUNTS_AT}", account, known_at, known_at)[0][0])

    def dead_letter_counts(self, known_at: int) -> dict[str | None, int]:
        return dict(self.rows(f"SELECT account, count(*) FROM dead_letters WHERE {COUNTS_AT} GROUP BY account", known_at, known_at))

    def place_of(self, name: str) -> Any | None:
        """(generation, position, digest of what was taken) of an input."""
        rows = self.rows("SELECT generation, position, digest FROM inputs WHERE name=?", name)
        return rows[0] if rows else None

    def position_of(self, tracking: str) -> int | None:
        rows = self.rows("SELECT notification_id FROM tracking WHERE application_name = ?", tracking)
        return int(rows[0][0]) if rows else None

    def positions(self) -> list[Any]:
        return self.rows("SELECT application_name, notification_id FROM tracking ORDER BY application_name")

    def outbox_depth(self) -> int:
        return int(self.rows("SELECT count(*) FROM outbox")[0][0])

    def outbox_oldest(self) -> int | None:
        """The recorded instant of what has waited longest to be sent."""
        rows = self.rows("SELECT recorded_at FROM outbox ORDER BY id LIMIT 1")
        return int(rows[0][0]) if rows else None

    def version(self) -> str:
        return str(self.rows("SELECT version_num FROM alembic_version")[0][0])

    def derived_digest(self) -> Iterator[Any]:
        """Every derived row in a fixed order, for comparing what was kept with what is rebuilt."""
        yield from self.stream("SELECT account, version, state FROM accounts ORDER BY account")
        yield from self.stream(f"SELECT {DOCUMENT} FROM documents ORDER BY account, key")
        yield from self.stream("SELECT base, quote, day, version, told, rate FROM rates ORDER BY base, quote, day, version")
        yield from self.stream("SELECT account, stream, state, position FROM cases ORDER BY account, stream")
        yield from self.stream("SELECT account, version, state FROM heard ORDER BY account, version")
        yield from self.stream("SELECT parent, account FROM members ORDER BY parent, account")


def bisected(last: str, stood: str, at: int) -> str:
    """The statement that finds the last place recorded by an instant, of those up to the ``last`` one; ``stood`` is when the place was recorded
    that lies half way between ``low`` and ``high``."""
    is_known = f"({stood}) <= {int(at)}"
    lower = f"CASE WHEN {is_known} THEN (low + high + 1) / 2 ELSE low END"
    upper = f"CASE WHEN {is_known} THEN high ELSE (low + high + 1) / 2 - 1 END"
    halved = f"SELECT CAST(0 AS BIGINT), ({last}) UNION ALL SELECT {lower}, {upper} FROM halved WHERE low < high"
    return f"WITH RECURSIVE halved (low, high) AS ({halved}) SELECT low FROM halved WHERE low = high"
