"""The same laws through a real store: batches of any size, little memory, several writers; what is kept is what the log folds to."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.ledger.encoding import encode_document
from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Record, Source
from exposure.ledger.sqlite import SQLiteLedger, open_sqlite
from projections.account import Asked, show
from schemas.jsontext import written
from tests.folding import Books, Event
from tests.histories import arrivals, histories

arrived_histories = histories().flatmap(arrivals)
NOW = 1_800_000_000_000_000


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("empty") / "store.db"
    open_sqlite(str(path), create=True).datastore.close()
    return path


def batches(events: list[Event], sizes: list[int]) -> Iterator[list[Record]]:
    records = [Record(written(event), place) for place, event in enumerate(events)]
    while records:
        size = sizes.pop() if sizes else 3
        yield records[:size]
        records = records[size:]


def kept(store: SQLiteLedger) -> dict[tuple[str, str], bytes]:
    with store.reading() as moment:
        return {(row[0], row[1]): row[5] for row in moment.derived_digest() if len(row) == 6 and isinstance(row[2], int)}


@settings(max_examples=150)
@given(arrived_histories, st.lists(st.integers(1, 9), max_size=12), st.sampled_from([0, 5, 1000]))
def test_what_is_kept_is_what_the_facts_fold_to(empty: Path, arrived: list[Event], sizes: list[int], memory: int) -> None:
    """Two writers take turns, each with its own, soon outdated, memory; every figure, while rows are behind the log, and every document
    in the end is that of a plain fold."""
    books = Books().take_all(arrived)
    with tempfile.TemporaryDirectory() as folder:
        path = shutil.copy(empty, Path(folder) / "store.db")
        stores = [open_sqlite(str(path), create=False) for _ in range(2)]
        ledgers = [Ledger(store, lambda: NOW, documents_in_memory=memory) for store in stores]
        for turn, batch in enumerate(batches(arrived, sizes)):
            ledgers[turn % 2].take(batch, Source("test"))
        folded = {
            (account, key): encode_document(document)
            for account, documents in books.documents.items()
            for key, document in documents.items()
            if document.facts or document.inbox or document.moves
        }
        with stores[1].reading() as moment:
            for account in books.heads:
                shown = show(moment, account, Asked(NOW, "2026-02-01"))
                expected = books.show(account, "2026-02-01")
                assert expected is not None
                assert {name: shown[name] for name in expected} == expected
        for ledger in ledgers:
            ledger.settle()
        assert kept(stores[0]) == folded
        for store in stores:
            store.datastore.close()
