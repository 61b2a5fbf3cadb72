"""The same laws through a real store: batches of any size, little memory, several writers; what is kept is what the log folds to."""

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.ledger.encoding import encode_document
from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Record, Source
from projections.account import Asked, show
from schemas.jsontext import written
from tests.folding import Books, Event
from tests.histories import arrivals, histories
from tests.stores import copied, given_back, opened

arrived_histories = histories().flatmap(arrivals)
NOW = 1_800_000_000_000_000
HISTORIES = {"sqlite": 150, "postgresql": 25}
"""A database for each takes its time, and the rules are the same."""


@pytest.fixture(scope="module")
def empty(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    path = tmp_path_factory.mktemp("empty") / "store.db"
    opened(path).datastore.close()
    return path


def batches(events: list[Event], sizes: list[int]) -> Iterator[list[Record]]:
    records = [Record(written(event), place) for place, event in enumerate(events)]
    while records:
        size = sizes.pop() if sizes else 3
        yield records[:size]
        records = records[size:]


def kept(store: Any) -> dict[tuple[str, str], bytes]:
    with store.reading() as moment:
        return {(account, key): state for account, key, state in moment.rows("SELECT account, key, state FROM documents")}


def test_what_is_kept_is_what_the_facts_fold_to(each_store: str, empty: Path) -> None:
    """Two writers take turns, each with its own, soon outdated, memory; every figure, while rows are behind the log, and every document
    in the end is that of a plain fold."""

    @settings(max_examples=HISTORIES[each_store])
    @given(arrived_histories, st.lists(st.integers(1, 9), max_size=12), st.sampled_from([0, 5, 1000]))
    def of_any(arrived: list[Event], sizes: list[int], memory: int) -> None:
        with given_back(), tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "store.db"
            ledgers = [Ledger(store, lambda: NOW, documents_in_memory=memory) for store in (copied(empty, path), opened(path))]
            for turn, batch in enumerate(batches(arrived, sizes)):
                ledgers[turn % 2].take(batch, Source("test"))
            books = Books().take_all(arrived)
            shows_the_same(ledgers[1].store, books)
            for ledger in ledgers:
                ledger.settle()
            assert kept(ledgers[0].store) == folded(books)

    of_any()


def shows_the_same(store: Any, books: Books) -> None:
    with store.reading() as moment:
        for account in books.heads:
            shown = show(moment, account, Asked(NOW, "2026-02-01"))
            expected = books.show(account, "2026-02-01")
            assert expected is not None
            assert {name: shown[name] for name in expected} == expected


def folded(books: Books) -> dict[tuple[str, str], bytes]:
    return {
        (account, key): encode_document(document)
        for account, documents in books.documents.items()
        for key, document in documents.items()
        if document.facts or document.inbox or document.moves
    }
