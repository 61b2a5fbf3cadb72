"""The rows of documents may be older than the log: who asks, who writes next and who rebuilds folds the rest, and it is never more than so much."""

from pathlib import Path
from typing import Any

import pytest

from exposure.ledger import memory
from exposure.ledger.ledger import Ledger
from exposure.ledger.rebuild import rebuild
from exposure.ledger.records import Record, Source
from projections.account import Asked, show
from projections.portfolio import portfolio
from projections.selection import selection
from service.sample import sample, shuffled
from tests.stores import DAY, NOW, copied, derived, fed, holds_the_same, opened

pytestmark = pytest.mark.usefixtures("each_store")

LINES = shuffled(sample(2500, seed=31, accounts=20), seed=4)
BATCH = 100
BATCHES = len(LINES) // BATCH


def left(path: Path, lines: list[bytes] = LINES) -> Ledger:
    """A ledger that took the lines, each batch a day after the other, and has settled nothing at its end."""
    days = iter(range(10_000))
    ledger = Ledger(opened(path), lambda: NOW + next(days) * DAY)
    for start in range(0, len(lines), BATCH):
        ledger.take([Record(line, start) for line in lines[start : start + BATCH]], Source("test"))
    return ledger


@pytest.fixture(scope="module")
def behind(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    path = tmp_path_factory.mktemp("behind") / "exposure.db"
    left(path).store.datastore.close()
    return path


@pytest.fixture
def store(behind: Path, tmp_path: Path) -> Any:
    return copied(behind, tmp_path / "exposure.db")


@pytest.fixture
def settled(behind: Path, tmp_path: Path) -> Any:
    store = copied(behind, tmp_path / "settled.db")
    Ledger(store, lambda: NOW).settle()
    assert events_behind(store) == 0
    return store


def events_behind(store: Any) -> int:
    with store.reading() as moment:
        return int(moment.rows("SELECT coalesce(sum(version - written), 0) FROM accounts")[0][0])


@pytest.mark.parametrize("day", [None, "2024-03-01", "2024-06-01"])
@pytest.mark.parametrize("batches_known", [1, BATCHES // 2, BATCHES, BATCHES + 5])
def test_a_question_is_answered_from_the_log_and_not_from_older_rows(store: Any, settled: Any, day: str | None, batches_known: int) -> None:
    assert events_behind(store) > 1000
    asked = Asked(NOW + BATCHES * DAY, day, NOW + batches_known * DAY)
    with store.reading() as moment, settled.reading() as settled_moment:
        listed = portfolio(moment, asked, selection([]))
        assert listed == portfolio(settled_moment, asked, selection([]))
        assert len(listed["accounts"]) == 20
        for row in listed["accounts"]:
            assert show(moment, row["account"], asked) == show(settled_moment, row["account"], asked)


def test_what_a_writer_left_behind_is_folded_by_the_next_and_settled_at_its_end(tmp_path: Path) -> None:
    left(tmp_path / "exposure.db", LINES[:1500])
    next_writer, clean = opened(tmp_path / "exposure.db"), opened(tmp_path / "clean.db")
    assert events_behind(next_writer) > 1000
    fed(next_writer, LINES[1500:], now=NOW + 15 * DAY, batch=BATCH)
    for start in range(0, 1500, BATCH):
        fed(clean, LINES[start : start + BATCH], now=NOW + start // BATCH * DAY)
    fed(clean, LINES[1500:], now=NOW + 15 * DAY, batch=BATCH)
    assert events_behind(next_writer) == 0
    holds_the_same(next_writer, clean)


def test_who_has_an_older_account_in_memory_does_not_settle_it(tmp_path: Path) -> None:
    older = left(tmp_path / "exposure.db", LINES[:1500])
    newer = opened(tmp_path / "exposure.db")
    fed(newer, LINES[1500:])
    after = derived(newer)
    older.settle()
    assert derived(newer) == after
    assert events_behind(newer) == 0


def test_what_another_settled_is_not_folded_again(tmp_path: Path) -> None:
    going_on = left(tmp_path / "exposure.db", LINES[:1500])
    Ledger(opened(tmp_path / "exposure.db"), lambda: NOW).settle()
    going_on.take([Record(line, 0) for line in LINES[1500:]], Source("test"))
    assert 0 < events_behind(going_on.store) <= 1000
    Ledger(opened(tmp_path / "exposure.db"), lambda: NOW).settle()
    clean = opened(tmp_path / "clean.db")
    fed(clean, LINES)
    assert derived(going_on.store) == derived(clean)


def test_never_more_is_behind_than_so_many_events(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "EVENTS_BEHIND", 300)
    store = opened(tmp_path / "exposure.db")
    ledger = Ledger(store, lambda: NOW)
    most = 0
    for start in range(0, len(LINES), BATCH):
        ledger.take([Record(line, start) for line in LINES[start : start + BATCH]], Source("test"))
        most = max(most, events_behind(store))
    assert 200 < most <= 300


def test_rows_that_are_behind_are_equal_to_what_is_rebuilt(store: Any, settled: Any) -> None:
    assert events_behind(store) > 1000
    assert rebuild(store).equal
    assert events_behind(store) == 0
    assert derived(store) == derived(settled)


def test_a_spoiled_row_is_found_though_it_is_behind(store: Any) -> None:
    with store.datastore.transaction(commit=True) as cursor:
        cursor.execute("UPDATE documents SET state = 'no JSON' WHERE (account, key) IN (SELECT account, key FROM documents LIMIT 1)")
    with store.reading() as moment:
        ((spoiled,),) = moment.rows("SELECT account FROM documents WHERE state = 'no JSON'")
    assert rebuild(store).unequal == [f"account:{spoiled}"]
    assert rebuild(store).equal
