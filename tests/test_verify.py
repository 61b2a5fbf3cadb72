"""The log proves itself: whatever is altered in it behind the engine's back is found, and the first bad record is named."""

import random
from functools import partial
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.proof.checkpoints import signed
from exposure.ledger.proof.proofs import Proofs
from exposure.ledger.proof.stretches import Damage
from exposure.ledger.proof.verify import joining, verify
from exposure.ledger.rebuild import rebuild
from exposure.merkle import Tree
from schemas.jsontext import written
from service.sample import sample
from service.store import open_store
from tests.checking_proofs import is_included
from tests.command import exposure
from tests.examples import example
from tests.mutilating import COLUMNS, KEY, Log, Open, altering, chained_anew, flipped, hashed, logged, made
from tests.stores import alter, copied, execute, fed, opened, url_of

pytestmark = pytest.mark.usefixtures("each_store")

GOLDEN = "9e171e18eb7fd2ad0b08d06fee7f407ef5b5c9db07917d6182fb99a5f89ec88b"
"""The hash of the last event of three that hold nothing secret: it never changes."""


@pytest.fixture(scope="module")
def fed_once(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    return logged(tmp_path_factory.mktemp("fed") / "exposure.db")


@pytest.fixture
def store(fed_once: Path, tmp_path: Path) -> Any:
    return copied(fed_once, tmp_path / "exposure.db")


def first_bad(log: Log) -> Damage:
    bad = verify(Open(log)).first_bad
    assert bad is not None
    return bad


@pytest.mark.parametrize("stretch", [1, 7, 64, 100_000])
def test_a_log_is_the_same_in_whatever_stretches_it_is_verified(store: Any, stretch: int) -> None:
    whole = verify(store)
    parts = verify(store, stretch=stretch)
    assert (parts.events, parts.first_bad, parts.root) == (whole.events, None, whole.root)
    assert (parts.end.position, parts.end.hash) == (whole.end.position, whole.end.hash)


def test_several_processes_find_what_one_does(store: Any, each_store: str, tmp_path: Path) -> None:  # noqa: ARG001
    again = partial(open_store, url_of(tmp_path / "exposure.db"))
    checkpoint, events = made(store), verify(store).events
    assert verify(store, checkpoint=checkpoint, again=again, jobs=2, stretch=100)[:2] == (events, None)
    with store.reading() as moment:
        place = moment.position
    alter(store, f"UPDATE stored_events SET actor = 'nobody' WHERE {place} IN (350, 390, 501)")
    one, two = (verify(store, checkpoint=checkpoint, again=again, jobs=jobs, stretch=100) for jobs in (1, 2))
    assert one.first_bad is not None
    assert (one.events, one.first_bad.position) == (349, 350)
    assert two[:2] == one[:2]


def test_a_log_whose_first_positions_were_not_all_taken_has_the_root_of_its_events(store: Any) -> None:
    """As those have that were made on PostgreSQL before positions were hashed."""
    with altering(store) as log:
        for event in reversed(log.events()[5:]):
            log.set(event.position, log.place, event.position + 3)
        log.writing.rows("UPDATE clock SET position = position + 3 RETURNING 1")
        chained_anew(log, 7)
        tree = Tree()
        tree.extend([event.values[-1] for event in log.events()])
        for stretch in (4, 50, 10_000):
            outcome = verify(Open(log), stretch=stretch)
            assert (outcome.first_bad, outcome.root) == (None, tree.root)
        checkpoint = signed(KEY, outcome.events, outcome.end.position, outcome.end.hash, outcome.root, "2026-03-02T09:00:00Z")
        assert verify(Open(log), checkpoint=checkpoint, stretch=50).first_bad is None
        event = log.events()[200]
        told = Proofs(log.writing, checkpoint).included(event.position)
        assert (told.place, event.position) == (200, 204)
        assert is_included(told.place, checkpoint.events, outcome.root, event.values[-1], told.path)


@pytest.mark.parametrize("column", COLUMNS)
def test_no_column_of_an_event_can_be_altered(store: Any, column: str) -> None:
    with altering(store) as log:
        event = log.events()[100]
        log.set(event.position, column, flipped(event.values[COLUMNS.index(column)], random.Random(1)))
        assert first_bad(log).position == event.position


OTHER_TYPES = {
    "originator_id": "CAST(originator_id AS BLOB)",
    "originator_version": "originator_version || 'x'",
    "topic": "CAST(topic AS BLOB)",
    "state": "CAST(state AS TEXT)",
    "recorded_at": "recorded_at || 'x'",
    "actor": "CAST(actor AS BLOB)",
    "previous_hash": "CAST(previous_hash AS TEXT)",
    "hash": "CAST(hash AS TEXT)",
}


@pytest.mark.parametrize("column", COLUMNS)
def test_a_value_of_the_same_bytes_and_another_type_is_found(each_store: str, store: Any, column: str) -> None:
    """Which no question would find: its event is gone from every answer."""
    if each_store == "postgresql":
        pytest.skip("no column takes a value of another type")
    with altering(store) as log:
        event = next(event for event in log.events() if event.position > 100 and None not in event.values)
        log.writing.rows(f"UPDATE stored_events SET {column} = {OTHER_TYPES[column]} WHERE rowid = ? RETURNING 1", event.position)
        bad = first_bad(log)
        assert (bad.position, bad.reason.rpartition(": ")[2]) == (event.position, f"its {column} is of another type than was recorded")


@pytest.mark.parametrize("stream", ["dead_letter:%", "account:C-1001"])
def test_a_stream_whose_name_is_no_text_any_more_is_named(each_store: str, store: Any, stream: str) -> None:
    if each_store == "postgresql":
        pytest.skip("no column takes a value of another type")
    with altering(store) as log:
        streams = "SET originator_id = CAST(originator_id AS BLOB) WHERE originator_id LIKE ?"
        gone = log.writing.rows(f"UPDATE stored_events {streams} RETURNING rowid, CAST(originator_id AS TEXT)", stream)
        position, name = min(gone)
        bad = first_bad(log)
        assert bad == (bad.account, position, f"event 1 of {name} was altered: its originator_id is of another type than was recorded")


SPOILED_ENDS = [
    "DELETE FROM clock",
    "INSERT INTO clock (id, recorded_at, position, hash) SELECT 2, recorded_at, position, hash FROM clock",
    "UPDATE clock SET hash = NULL",
]


@pytest.mark.parametrize("spoil", SPOILED_ENDS)
def test_a_log_of_which_nobody_says_where_it_ends_is_damaged(store: Any, spoil: str) -> None:
    with altering(store) as log:
        last = log.events()[-1].position
        log.writing.rows(f"{spoil} RETURNING 1")
        bad = first_bad(log)
        assert (bad.position, bad.reason.endswith("is missing or spoiled")) == (last, True)


@pytest.mark.parametrize("table", ["documents", "clock", "stored_events"])
def test_the_commands_name_a_table_that_is_gone(store: Any, tmp_path: Path, table: str) -> None:
    store.datastore.close()
    execute(tmp_path / "exposure.db", f"DROP TABLE {table}")
    said = exposure("verify", "--json", store=tmp_path / "exposure.db")
    reason = f"the table {table} is missing: restore a backup"
    assert (said.exit_code, said.json["first_bad"]) == (3, {"account": None, "position": 0, "reason": reason})
    said = exposure("rebuild", "--json", store=tmp_path / "exposure.db")
    assert (said.exit_code, said.json["error"]["code"], reason in said.json["error"]["message"]) == (1, "broken_log", True)


def test_the_commands_say_that_the_end_of_the_log_is_lost(store: Any, tmp_path: Path) -> None:
    store.datastore.close()
    execute(tmp_path / "exposure.db", "DELETE FROM clock")
    assert exposure("verify", store=tmp_path / "exposure.db").exit_code == 3
    said = exposure("rebuild", "--json", store=tmp_path / "exposure.db")
    assert (said.exit_code, said.json["error"]["code"], "the row of clock" in said.json["error"]["message"]) == (1, "broken_log", True)
    (tmp_path / "one.jsonl").write_bytes(next(iter(sample(1, seed=9))) + b"\n")
    said = exposure("feed", tmp_path / "one.jsonl", "--json", store=tmp_path / "exposure.db")
    assert (said.exit_code, "the row of clock" in said.json["error"]["message"]) == (1, True)


def test_who_deletes_an_event_leaves_its_account_named(store: Any) -> None:
    with altering(store) as log:
        (gone,) = [event for event in log.events() if event.values[:2] == ["account:C-1001", 5]]
        log.delete(gone.position)
        assert first_bad(log) == ("C-1001", gone.position, "the event recorded there, of account:C-1001, is missing")


def test_a_whole_account_that_was_deleted_is_missed(store: Any) -> None:
    with altering(store) as log:
        gone = [event for event in log.events() if event.values[0] == "account:C-1001"]
        for event in gone:
            log.delete(event.position)
        assert first_bad(log)[:2] == ("C-1001", gone[0].position)


def test_a_log_whose_end_was_cut_is_shorter_than_it_was_said_to_be(store: Any) -> None:
    with altering(store) as log:
        *_, before, last = log.events()
        log.delete(last.position)
        assert first_bad(log).position == last.position
        log.writing.rows("UPDATE clock SET position = ? RETURNING 1", before.position)
        assert first_bad(log) == (None, before.position, "what is kept of the log's end was altered")


def test_an_event_put_behind_the_end_is_none(store: Any) -> None:
    with altering(store) as log:
        last = log.events()[-1]
        log.insert(last.position + 7, ["account:C-1001", 1_000, *last.values[2:]])
        assert first_bad(log) == ("C-1001", last.position + 7, "event 1000 of account:C-1001 stands behind the end of the log")


@pytest.mark.parametrize("position", [(1 << 62) + 1, (1 << 63) - 1])
def test_an_event_put_behind_the_end_is_found_however_far_away(store: Any, position: int) -> None:
    with altering(store) as log:
        last = log.events()[-1]
        log.insert(position, ["alerts:C-1001", 1_000, *last.values[2:]])
        assert first_bad(log).position == position


def test_an_end_that_was_put_far_away_is_found_as_soon_as_any(store: Any) -> None:
    with altering(store) as log:
        last = log.events()[-1].position
        log.writing.rows(f"UPDATE clock SET position = {(1 << 63) - 1} RETURNING 1")
        assert first_bad(log)[1:] == (last + 1, f"the log reached position {(1 << 63) - 1}, and ends before")
    assert len(joining(600, (1 << 63) - 1, 100, None)) == 6


def test_a_page_of_the_file_in_the_place_of_another_one_is_found_where_it_stands(fed_once: Path, each_store: str, tmp_path: Path) -> None:
    if each_store == "postgresql":
        pytest.skip("the files of a server are its own")
    whole, page, found = fed_once.read_bytes(), 4096, 0
    leaves = [place for place in range(page, len(whole), page) if whole[place] == 13 and whole[place : place + page].count(b"Changed.v") > 1]
    for early, late in pairwise(leaves):
        file = tmp_path / "spoiled.db"
        file.write_bytes(whole[:late] + whole[early : early + page] + whole[late + page :])
        said = exposure("verify", "--json", store=file)
        assert said.exit_code in (1, 3)
        if said.exit_code == 3 and said.json["events"]:
            assert said.json["first_bad"]["position"] == said.json["events"] + 1
            found += "the database itself is damaged" in said.json["first_bad"]["reason"]
    assert found


def test_a_clock_that_was_turned_back_is_found(store: Any) -> None:
    with altering(store) as log:
        last = log.events()[-1].position
        log.writing.rows("UPDATE clock SET recorded_at = recorded_at - 1 RETURNING 1")
        reason = "the row of clock says that nothing was written any more when this event was recorded"
        assert first_bad(log) == (None, last, reason)


def test_an_event_that_follows_another_one_than_its_stream_says_is_found_though_its_hash_is_right(store: Any) -> None:
    with altering(store) as log:
        before, last = log.events()[-2:]
        stream, version, topic, state, recorded_at, actor, *_ = last.values
        another = sha256(b"another event").digest()
        own = hashed(another, before.values[-1], last.position, stream, version, topic, state, recorded_at, actor)
        log.set(last.position, "previous_hash", another)
        log.set(last.position, "hash", own)
        log.writing.rows("UPDATE clock SET hash = ? RETURNING 1", own)
        assert first_bad(log).reason.endswith("does not follow the event before it in its stream")


@pytest.mark.parametrize(
    "alteration", ["UPDATE accounts SET version = version - 1 WHERE account = 'C-1003'", "DELETE FROM accounts WHERE account = 'C-1003'"]
)
def test_an_account_whose_row_is_not_of_its_last_event_is_named(store: Any, alteration: str) -> None:
    alter(store, alteration)
    bad = verify(store).first_bad
    assert bad is not None
    assert (bad.account, bad.reason[-7:]) == ("C-1003", "rebuild")
    rebuild(store)
    assert verify(store).first_bad is None


@pytest.mark.parametrize("account", ["'C-nobody', 0", "CAST(account AS BLOB), version"])
def test_a_row_of_an_account_of_which_nothing_is_recorded_is_named(each_store: str, store: Any, account: str) -> None:
    if each_store == "postgresql" and "BLOB" in account:
        pytest.skip("PostgreSQL takes no value of another type")
    alter(store, f"INSERT INTO accounts (account, version, state, written) SELECT {account}, state, written FROM accounts WHERE account = 'C-1003'")
    bad = verify(store).first_bad
    assert bad is not None
    assert (bad.account in ("C-nobody", "C-1003"), bad.reason[-7:]) == (True, "rebuild")
    rebuild(store)
    assert verify(store).first_bad is None


def test_what_is_told_later_is_chained_to_what_was_told_before_a_rebuild(store: Any) -> None:
    events = verify(store).events
    fed(store, sample(900, seed=5, accounts=12))
    assert rebuild(store).equal
    outcome = verify(store)
    assert outcome.first_bad is None
    assert outcome.events > events + 300


def test_the_chain_is_what_the_readme_says(store: Any) -> None:
    with store.reading() as moment:
        rows = moment.rows(f"SELECT {moment.position}, {', '.join(COLUMNS)} FROM stored_events ORDER BY {moment.position}")
    assert {row[6] for row in rows} == {None, "m.vogt"}
    log = bytes(32)
    streams: dict[str, bytes] = {}
    for position, *told, in_stream, own in rows:
        assert in_stream == streams.get(told[0], bytes(32))
        assert own == hashed(in_stream, log, position, *told)
        log = streams[told[0]] = own


def test_the_chain_is_the_same_on_every_database(tmp_path: Path) -> None:
    store = opened(tmp_path / "golden.db")
    fed(store, [written(example(type_)) for type_ in ("erp.order.confirmed.v1", "erp.payment.received.v1", "erp.fx_rate.published.v1")])
    with store.reading() as moment:
        assert moment.log_end().hash.hex() == GOLDEN


def test_the_command_proves_it_and_tells_damage_by_its_exit_code(fed_once: Path, tmp_path: Path) -> None:
    store, path = copied(fed_once, tmp_path / "exposure.db"), tmp_path / "exposure.db"
    said = exposure("verify", "--json", store=path)
    assert (said.exit_code, said.json) == (0, {"ok": True, "events": verify(store).events, "first_bad": None})
    with store.reading() as moment:
        place = moment.position
    alter(store, f"UPDATE stored_events SET actor = 'nobody' WHERE {place} = 7")
    said = exposure("verify", "--json", store=path)
    assert (said.exit_code, said.json["ok"], said.json["events"], said.json["first_bad"]["position"]) == (3, False, 6, 7)
    assert "DAMAGED at position 7" in exposure("verify", store=path).out


def test_a_history_that_was_chained_anew_is_found_by_a_checkpoint_and_by_nothing_else(store: Any) -> None:
    checkpoint = made(store)
    assert verify(store, checkpoint=checkpoint).first_bad is None
    with altering(store) as log:
        chained_anew(log, 7)
        assert verify(Open(log)).first_bad is None
        bad = verify(Open(log), checkpoint=checkpoint).first_bad
        assert bad is not None
        assert (bad.position, "is not the one" in bad.reason) == (checkpoint.position, True)


def test_an_older_copy_is_found_by_a_checkpoint_and_what_came_after_it_is_none_of_its_business(store: Any, tmp_path: Path) -> None:
    store.datastore.close()
    older = copied(tmp_path / "exposure.db", tmp_path / "older.db")
    store = opened(tmp_path / "exposure.db")
    before = made(store)
    fed(store, sample(700, seed=5, accounts=12))
    assert verify(store, checkpoint=before).first_bad is None
    after = made(store)
    assert verify(older).first_bad is None
    bad = verify(older, checkpoint=after).first_bad
    assert bad is not None
    assert (bad.position, "an older copy" in bad.reason) == (before.position + 1, True)


def test_a_checkpoint_that_was_altered_is_not_signed(store: Any) -> None:
    checkpoint = made(store)
    assert checkpoint.is_signed
    for field, value in checkpoint._asdict().items():
        other = value + 1 if isinstance(value, int) else f"{value[:-1]}{'0' if value[-1] != '0' else '1'}"
        assert not checkpoint._replace(**{field: other}).is_signed, field


def test_the_command_makes_a_checkpoint_and_verifies_beside_it(fed_once: Path, tmp_path: Path) -> None:
    path, key, file = tmp_path / "exposure.db", tmp_path / "key.pem", tmp_path / "checkpoint.json"
    store = copied(fed_once, path)
    said = exposure("checkpoint", "--key", key, "--json", store=path)
    assert (said.exit_code, key.stat().st_mode & 0o077) == (0, 0)
    file.write_text(said.out)
    public = said.json["key"]
    assert exposure("verify", "--checkpoint", file, "--key", public, store=path).exit_code == 0
    assert exposure("verify", "--checkpoint", file, "--key", f" {public.upper()}", store=path).exit_code == 0, "a key is one however it was copied"
    assert "not with abcd" in exposure("verify", "--checkpoint", file, "--key", "abcd", store=path).err
    for words in (("--checkpoint", file, "--key", "KEY"), ("--key", public), ("--keys", file)):
        assert exposure("verify", *words, store=path).exit_code == 2, "nothing is passed over that was asked for"
    file.write_text(said.out.replace('"events":', '"events":1'))
    assert exposure("verify", "--checkpoint", file, "--json", store=path).json["error"]["code"] == "bad_checkpoint"
    alter(store, "UPDATE accounts SET version = version - 1 WHERE account = 'C-1003'")
    assert exposure("checkpoint", "--key", key, "--json", store=path).exit_code == 3
