"""Stores in the hands of a test: fed in this process, and told apart by what they hold."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Counts, Record, Source
from exposure.ledger.sqlite import open_sqlite
from schemas.jsontext import read

BATCH = 500
DAY = 86_400 * 1_000_000
NOW = 20_000 * DAY


def opened(path: Path) -> Any:
    return open_sqlite(str(path), create=True)


def fed(store: Any, lines: Iterable[bytes], *, now: int = NOW, batch: int = BATCH, ledger: Ledger | None = None) -> Counts:
    """Takes lines as one that can not be asked for again would tell them: without a position."""
    ledger = ledger or Ledger(store, lambda: now)
    total = Counts()
    lines = list(lines)
    records = [Record(line, place) for place, line in enumerate(lines)]
    for counts in ledger.take_all((records[start : start + batch], Source("test")) for start in range(0, len(records), batch)):
        total.add(counts)
    ledger.settle()
    return total


def derived(store: Any) -> list[Any]:
    """Every derived row, byte for byte."""
    with store.reading() as moment:
        return list(moment.derived_digest())


def log(store: Any) -> list[Any]:
    """Every event with its recorded instant, stream by stream, but for what is sealed: that is never the same twice."""
    with store.reading() as moment:
        rows = moment.rows(
            "SELECT originator_id, originator_version, topic, recorded_at, actor, state FROM stored_events ORDER BY originator_id, originator_version"
        )
    return [(*row[:-1], {**read(row[-1]), "sealed": None}) for row in rows]


def buried(store: Any) -> list[Any]:
    """Every dead letter and what is told of it."""
    with store.reading() as moment:
        letters = moment.rows("SELECT digest, account, code, reason, source, position, recorded_at FROM dead_letters ORDER BY digest")
        return [*letters, *moment.rows("SELECT topic, key, payload, recorded_at FROM outbox ORDER BY payload")]


def names(store: Any) -> list[Any]:
    with store.reading() as moment:
        return list(moment.rows("SELECT naming, content FROM names ORDER BY naming"))


def kept(store: Any) -> dict[str, Any]:
    """All that two stores have in common which were told the same in the same order."""
    return {"log": log(store), "derived": derived(store), "buried": buried(store), "names": names(store)}


def tables(store: Any) -> set[str]:
    with store.reading() as moment:
        return {row[0] for row in moment.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}


def holds_the_same(one: Any, other: Any) -> None:
    """Asserts it part by part: a difference of thousands of rows is not worth reading."""
    ours, theirs = kept(one), kept(other)
    for part in ours:
        assert len(ours[part]) == len(theirs[part]), part
        first = next((pair for pair in zip(ours[part], theirs[part], strict=True) if pair[0] != pair[1]), None)
        assert first is None, part
