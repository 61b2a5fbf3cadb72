"""The projections made anew from the log equal what was kept, whatever happens while they are made."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.ledger import loading
from exposure.ledger import rebuild as rebuilding
from exposure.ledger.ledger import Ledger
from exposure.ledger.rebuild import BrokenLog, Outcome, rebuild
from schemas.dunning import DunningResumed, DunningStopped
from schemas.jsontext import read, written
from service.collecting.dunning import resume, stop
from service.failures import Failure
from service.keeping.rebuilding import rebuild_store
from service.sample import sample, shuffled
from service.shown.output import Output
from tests.command import exposure
from tests.folding import Event
from tests.histories import arrivals, histories
from tests.stores import NOW, alter, copied, derived, fed, given_back, log, opened, tables, url_of
from tests.test_rules import told as event

pytestmark = pytest.mark.usefixtures("each_store")

UNREADABLE = [
    b"not JSON at all",
    b'{"specversion":"1.0"}',
    b"[]",
    b'{"specversion":"1.0","id":"1","source":"/erp","type":"erp.unknown.v1","subject":"C-1"}',
]
LINES = shuffled([*sample(3000, seed=11, accounts=30), *UNREADABLE], seed=3)
HISTORIES = {"sqlite": 100, "postgresql": 15}
"""A database for each takes its time, and the rules are the same."""


@pytest.fixture(scope="module")
def fed_once(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    path = tmp_path_factory.mktemp("fed") / "exposure.db"
    store = opened(path)
    counts = fed(store, LINES)
    assert (counts.recorded, counts.dead_letters) == (3000, len(UNREADABLE))
    store.datastore.close()
    return path


@pytest.fixture
def store(fed_once: Path, tmp_path: Path) -> Any:
    return copied(fed_once, tmp_path / "exposure.db")


@pytest.fixture
def in_small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many transactions, and hardly a document stays in memory between them."""
    monkeypatch.setattr(rebuilding, "EVENTS_PER_WRITE", 100)
    monkeypatch.setattr(rebuilding, "DOCUMENTS_IN_MEMORY", 5)
    monkeypatch.setattr(rebuilding, "DOCUMENTS_PER_DELETE", 300)


def test_what_is_rebuilt_equals_what_was_kept(store: Any) -> None:
    before, told = derived(store), tables(store)
    outcome = rebuild(store)
    assert (outcome.equal, outcome.events) == (True, 3000)
    assert derived(store) == before
    with store.reading() as moment:
        counted = moment.rows("SELECT (SELECT count(*) FROM accounts), (SELECT count(*) FROM documents)")[0]
    assert (outcome.accounts, outcome.documents) == tuple(counted)
    assert tables(store) == told


@pytest.mark.usefixtures("in_small_steps")
@pytest.mark.parametrize("events_per_write", [10, 40, 700])
def test_an_account_larger_than_memory_is_rebuilt_through_the_new_tables(store: Any, monkeypatch: pytest.MonkeyPatch, events_per_write: int) -> None:
    monkeypatch.setattr(rebuilding, "EVENTS_PER_WRITE", events_per_write)
    before = derived(store)
    assert rebuild(store).equal
    assert derived(store) == before


@pytest.mark.usefixtures("in_small_steps")
def test_a_document_that_was_not_foreseen_is_loaded_and_its_account_folded_again(store: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    before = derived(store)
    monkeypatch.setattr(loading, "reaches", lambda *_: set())
    outcome = rebuild(store)
    assert (outcome.equal, outcome.events) == (True, 3000)
    assert derived(store) == before


def test_any_history_is_rebuilt_as_it_was_kept(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    @given(histories().flatmap(arrivals), st.integers(1, 12))
    @settings(max_examples=HISTORIES[each_store])
    def of_any(history: list[Event], events_per_write: int) -> None:
        with given_back(), pytest.MonkeyPatch.context() as patched:
            store = opened(tmp_path_factory.mktemp("history") / "exposure.db")
            fed(store, [written(event) for event in history], batch=5)
            before = derived(store)
            patched.setattr(rebuilding, "EVENTS_PER_WRITE", events_per_write)
            patched.setattr(rebuilding, "DOCUMENTS_IN_MEMORY", 0)
            assert rebuild(store).equal
            assert derived(store) == before

    of_any()


def test_a_store_is_rebuilt_as_often_as_one_likes_and_goes_on(tmp_path: Path) -> None:
    store, clean = opened(tmp_path / "exposure.db"), opened(tmp_path / "clean.db")
    for start in range(0, len(LINES), 1000):
        fed(store, LINES[start : start + 1000])
        assert rebuild(store).equal
    fed(clean, LINES)
    assert derived(store) == derived(clean)
    assert tables(store) == tables(clean)


def test_an_account_of_which_nothing_says_anything_is_rebuilt_as_it_was_kept(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    fed(store, [written(event("order.closed", "2024-01-05", order="O-1", version=1, reason="completed"))])
    assert rebuild(store).equal


def test_an_empty_store_is_rebuilt_to_an_empty_one(tmp_path: Path) -> None:
    outcome = rebuild(opened(tmp_path / "exposure.db"))
    assert (outcome.events, outcome.accounts, outcome.documents, outcome.equal) == (0, 0, 0, True)


@pytest.mark.parametrize(
    ("spoil", "streams"),
    [
        ("UPDATE accounts SET state = (SELECT state FROM accounts WHERE account = 'C-1005') WHERE account = 'C-1001'", ["account:C-1001"]),
        ("DELETE FROM documents WHERE (account, key) IN (SELECT account, key FROM documents WHERE account = 'C-1002' LIMIT 1)", ["account:C-1002"]),
        ("DELETE FROM accounts WHERE account = 'C-1003'", ["account:C-1003"]),
        ("UPDATE documents SET closed = '2024-01-01' WHERE account = 'C-1004'", ["account:C-1004"]),
        (
            "INSERT INTO documents (account, key, version, opened, closed, state) "
            "SELECT account, 'invoice:FORGED', version, opened, closed, state FROM documents LIMIT 1",
            None,
        ),
        ("UPDATE documents SET ended = '2024-01-01' WHERE account = 'C-1004'", ["account:C-1004"]),
        ("UPDATE documents SET begun = '2024-01-01' WHERE account = 'C-1004'", ["account:C-1004"]),
        ("UPDATE documents SET first = 0 WHERE account = 'C-1004'", ["account:C-1004"]),
        ("UPDATE documents SET versions = versions + 1 WHERE account = 'C-1004'", ["account:C-1004"]),
        ("DELETE FROM heard WHERE account = 'C-1001' AND version = 64", ["account:C-1001"]),
        ("UPDATE heard SET state = 'no JSON' WHERE account = 'C-1001'", ["account:C-1001"]),
        (
            "INSERT INTO heard (account, version, state) SELECT account, 65, state FROM heard WHERE account = 'C-1001' AND version = 64",
            ["account:C-1001"],
        ),
        ("UPDATE rates SET rate = rate || '1' WHERE base = 'USD'", ["currency:USD"]),
        ("DELETE FROM members WHERE account = (SELECT min(account) FROM members)", None),
        ("INSERT INTO members (parent, account) VALUES ('C-1001', 'C-1006')", ["account:C-1006"]),
        ("DELETE FROM accounts", None),
    ],
)
def test_spoiled_figures_are_found_named_and_right_again(store: Any, spoil: str, streams: list[str] | None) -> None:
    before = derived(store)
    alter(store, spoil)
    assert derived(store) != before
    outcome = rebuild(store)
    assert not outcome.equal
    assert streams is None or outcome.unequal == streams
    assert derived(store) == before
    assert rebuild(store).equal


@pytest.mark.usefixtures("in_small_steps")
@pytest.mark.parametrize("spoil", ["UPDATE cases SET position = position + 1", "UPDATE cases SET state = 'stopped'", "DELETE FROM cases"])
def test_where_a_case_begins_and_how_it_stands_is_right_again_too(store: Any, spoil: str) -> None:
    """Its events stand apart in the log, and are folded in other transactions than those beside them."""
    stop(store, DunningStopped("C-1001", None, None, "m.vogt", "we talk with them"), lambda: NOW)
    fed(store, sample(500, seed=12, accounts=30))
    resume(store, DunningResumed("C-1001", None, "m.vogt", "they pay"), lambda: NOW)
    before = derived(store)
    alter(store, spoil)
    outcome = rebuild(store)
    assert outcome.unequal == ["account:C-1001"]
    assert derived(store) == before


@pytest.mark.usefixtures("in_small_steps")
def test_what_others_record_meanwhile_is_not_lost(tmp_path: Path) -> None:
    """Another feeder takes a few events after every transaction of the rebuild: into accounts done, in the making, to come, and new ones."""
    store, clean = opened(tmp_path / "exposure.db"), opened(tmp_path / "clean.db")
    fed(store, LINES[:1500])
    waiting = LINES[1500:]
    other = Ledger(opened(tmp_path / "exposure.db"), lambda: NOW)

    def meanwhile(_: int) -> None:
        fed(store, waiting[:37], ledger=other)
        del waiting[:37]

    outcome = rebuild(store, meanwhile)
    assert outcome.equal
    assert len(waiting) < 1000
    fed(store, waiting, ledger=other)
    fed(clean, LINES)
    assert log(store) == log(clean)
    assert derived(store) == derived(clean)
    assert rebuild(store).equal


DIES_WHILE_IT_REBUILDS = """
import os, sys
from exposure.ledger import rebuild
from service.store import open_store
rebuild.EVENTS_PER_WRITE = 300
told = []
def die_in_time(events):
    told.append(events)
    if len(told) == int(sys.argv[2]):
        os._exit(9)
rebuild.rebuild(open_store(sys.argv[1]), die_in_time)
"""


@pytest.mark.parametrize("after", [1, 6, 11, 12, 13])
def test_a_rebuild_that_dies_leaves_what_was_in_use_and_the_next_starts_over(each_store: str, store: Any, tmp_path: Path, after: int) -> None:
    """It dies after so many transactions: while it fills, when it has filled and compared, and when it has put the new in the place of the old."""
    before, told = derived(store), tables(store)
    died = subprocess.run([sys.executable, "-c", DIES_WHILE_IT_REBUILDS, url_of(tmp_path / "exposure.db"), str(after)], check=False)
    assert died.returncode == 9
    assert derived(store) == before
    nothing_left = each_store == "postgresql" and after == 13  # its replaced tables go with the transaction that replaces them
    assert (tables(store) == told) is nothing_left
    outcome = rebuild(store)
    assert (outcome.equal, outcome.events) == (True, 3000)
    assert derived(store) == before
    assert tables(store) == told


@pytest.mark.usefixtures("in_small_steps")
def test_of_two_rebuilds_at_once_the_later_goes_on(store: Any, tmp_path: Path) -> None:
    before, told = derived(store), tables(store)
    other = opened(tmp_path / "exposure.db")
    later: list[Outcome] = []

    def overtaken(events: int) -> None:
        if events > 1000 and not later:
            later.append(rebuild(other))

    with pytest.raises(Exception, match=r"no such table|does not exist"):
        rebuild(store, overtaken)
    assert later[0].equal
    assert derived(store) == before
    assert tables(store) == told


def test_a_hole_in_the_log_stops_the_rebuild(store: Any) -> None:
    before = derived(store)
    alter(store, "DELETE FROM stored_events WHERE originator_id = 'account:C-1001' AND originator_version = 5")
    with pytest.raises(BrokenLog, match="account:C-1001 has event 6 and lacks event 5"):
        rebuild(store)
    assert derived(store) == before


@pytest.mark.parametrize(
    ("where", "what"),
    [
        ("originator_id = 'account:C-1030'", "of another type"),
        ("originator_version = 1 AND originator_id = 'account:C-1030'", "account:C-1030 has event 2 and lacks event 1"),
        ("originator_id LIKE 'currency:%'", "of another type"),
    ],
)
def test_a_log_whose_streams_are_no_texts_is_named_as_damaged(each_store: str, store: Any, where: str, what: str) -> None:
    if each_store == "postgresql":
        pytest.skip("no column takes a value of another type")
    before = derived(store)
    alter(store, f"UPDATE stored_events SET originator_id = CAST(originator_id AS BLOB) WHERE {where}")
    with pytest.raises(Failure, match=what) as refused:
        rebuild_store(store, Output(json=True))
    assert (refused.value.code, refused.value.exit_code, str(refused.value).endswith("restore a backup that verifies")) == ("broken_log", 1, True)
    assert derived(store) == before


@pytest.mark.parametrize("column", ["accounts.account", "documents.key", "members.parent", "rates.base"])
def test_derived_names_that_are_no_texts_any_more_are_made_anew(each_store: str, store: Any, column: str) -> None:
    if each_store == "postgresql":
        pytest.skip("no column takes a value of another type")
    before = derived(store)
    table, name = column.split(".")
    alter(store, f"UPDATE {table} SET {name} = CAST({name} AS BLOB)")
    assert not rebuild(store).equal
    assert derived(store) == before
    assert rebuild(store).equal


def test_the_command_line_knows_it(store: Any, tmp_path: Path) -> None:
    store.datastore.close()
    said = exposure("rebuild", "--json", store=tmp_path / "exposure.db")
    assert (said.exit_code, said.err) == (0, "")
    assert (said.json["events"], said.json["equal"]) == (3000, True)


def test_the_command_tells_what_it_made_and_loudly_what_was_wrong(store: Any, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert rebuild_store(store, Output(json=True)) == 0
    said = capsysbinary.readouterr()
    assert said.err == b""
    figures = read(said.out)
    assert list(figures) == ["events", "accounts", "documents", "equal"]
    assert (figures["events"], figures["equal"]) == (3000, True)
    alter(store, "UPDATE accounts SET state = ? WHERE account = 'C-1001'", written([{}, "", [], {}, None]))
    assert rebuild_store(store, Output(json=True)) == 3
    said = capsysbinary.readouterr()
    assert read(said.out) == {**figures, "equal": False}
    assert b"account:C-1001" in said.err
