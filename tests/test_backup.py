"""Backup and restore, tried: a copy of a store that is being written to, restored elsewhere, is whole and catches up by itself to equal figures."""

import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import pytest

from consumers.feed import feed
from exposure.ledger.acts.policies import adopt
from exposure.ledger.ledger import Ledger
from exposure.ledger.proof.verify import verify
from exposure.ledger.records import Record, Source
from schemas.jsontext import read
from schemas.policy_file import read_policy
from service.failures import Failure
from service.keeping.backing_up import backup_store, restore_store
from service.running.ticking import tick
from service.sample import sample
from service.shown.output import Output
from tests import stores
from tests.broker import fresh, structured
from tests.command import exposure
from tests.stores import NOW, alter, derived, fed, figures, log, opened, taken, url_of
from tests.test_ledger import PERSON, customer, invoice

pytestmark = pytest.mark.usefixtures("each_store")

LINES = list(sample(3_000, seed=5, accounts=20))
DAYS = ("2024-03-01", "2024-09-09")
LAST = 1_800_000_000_000_000
BYTES = 60
LEFT_OUT = {"alembic_version", "leases"}


def backed_up(store: Any, file: Path) -> int:
    return backup_store(store, str(file), Output(json=True))


def restored(file: Path, path: Path) -> Any:
    assert restore_store(str(file), lambda: opened(path), Output(json=True)) == 0
    return opened(path)


def rows(store: Any) -> dict[str, list[Any]]:
    """Every row of every table that is copied; what the store numbers by itself apart."""
    with store.reading() as moment:
        tables = {table: [one for one in columns if (table, one) != ("outbox", "id")] for table, columns in moment.columns().items()}
        return {name: sorted(moment.rows(f"SELECT {', '.join(of)} FROM {name}"), key=repr) for name, of in tables.items() if name not in LEFT_OUT}


@pytest.fixture
def busy(store: Any) -> Any:
    """A store with something in every corner: events, personal fields, dead letters, a policy, alerts, an outbox."""
    Ledger(store, lambda: NOW).take([Record(invoice("I-2", "5.00"), 0)], Source("input", "input#1", 0, 100, ("input", 1, 100, b"digest")))
    fed(store, [*LINES[:600], customer(), invoice("I-1", "10.00"), b"unreadable", b'{"subject":"C-9","name":"x"}'])
    adopt(store, lambda: NOW, read_policy('name = "Credit 2026"\ncurrency = "EUR"\n[[class]]\n'), "m.vogt", "the board's decision")
    tick(store, lambda: LAST, tells=True)
    return store


def test_a_restored_store_holds_every_row_of_every_table(busy: Any, tmp_path: Path) -> None:
    assert backed_up(busy, tmp_path / "b.db") == 0
    copy = restored(tmp_path / "b.db", tmp_path / "elsewhere.db")
    ours, theirs = rows(busy), rows(copy)
    assert {"outbox", "stored_events", "account_keys", "dead_letters", "alert_states", "names", "tracking"} <= ours.keys()
    assert ours == theirs
    with busy.reading() as one, copy.reading() as other:
        sent = "SELECT message_id FROM outbox ORDER BY id"
        assert one.rows(sent) == other.rows(sent) != []
    assert verify(copy).first_bad is None
    assert figures(copy, DAYS) == figures(busy, DAYS)


def test_a_copy_goes_on_as_the_store_would_have(busy: Any, tmp_path: Path) -> None:
    backed_up(busy, tmp_path / "b.db")
    copy = restored(tmp_path / "b.db", tmp_path / "elsewhere.db")
    for store in (busy, copy):
        fed(store, LINES[500:1_000], now=LAST)
    assert (log(copy), derived(copy)) == (log(busy), derived(busy))


def test_a_store_copied_while_a_feeder_writes_is_one_moment_and_catches_up_from_the_file(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join(LINES) + b"\n")
    store = opened(path)
    command = [sys.executable, "-c", SLOWLY, url_of(path), str(file)]
    with subprocess.Popen(command) as feeder:
        while taken(store) < 100:
            time.sleep(0.01)
        assert backed_up(store, tmp_path / "b.db") == 0
        assert feeder.poll() is None, "it was at work all the time"
        assert feeder.wait(120) == 0
    copy = restored(tmp_path / "b.db", tmp_path / "elsewhere.db")
    assert 100 <= taken(copy) < len(LINES) == taken(store)
    counts = feed(Ledger(copy, lambda: LAST), str(file)).counts
    assert (counts.duplicates, counts.recorded) == (0, taken(store) - len(LINES) + counts.read)
    assert (taken(copy), figures(copy, DAYS), derived(copy)) == (len(LINES), figures(store, DAYS), derived(store))
    assert verify(copy).first_bad is None


SLOWLY = """
import sys, time
import consumers.feed
from consumers.feed import feed
from exposure.ledger.ledger import Ledger
from service.store import open_store
consumers.feed.BATCH = 50
feed(Ledger(open_store(sys.argv[1]), lambda: 1_800_000_000_000_000), sys.argv[2], progress=lambda _: time.sleep(0.1))
"""


def test_a_store_copied_while_a_consumer_writes_catches_up_from_kafka_by_itself(path: Path, tmp_path: Path, kafka: str) -> None:
    topics, lines = fresh(kafka).make(2), LINES[:1_500]
    topics.send(map(structured, lines[:500]))
    store = opened(path)
    with topics.consumer(path, "--until-caught-up") as consumer:
        while not taken(store):
            assert consumer.poll() is None
            time.sleep(0.01)
        assert backed_up(store, tmp_path / "b.db") == 0
        assert consumer.wait(120) == 0
    topics.send(map(structured, lines[500:]))
    assert topics.consume(path).exit_code == 0
    elsewhere = tmp_path / "elsewhere.db"
    copy = restored(tmp_path / "b.db", elsewhere)
    before = taken(copy)
    said = topics.consume(elsewhere, "--group", f"{topics.prefix}elsewhere")
    assert (said.exit_code, said.json["recorded"], said.json["duplicates"]) == (0, len(lines) - before, 0)
    assert (taken(copy), figures(copy, DAYS)) == (len(lines), figures(store, DAYS))
    assert verify(copy).first_bad is None


def alerts(store: Any) -> list[tuple[str, str]]:
    with store.reading() as moment:
        told = moment.rows("SELECT key, message_id, payload FROM outbox WHERE topic = 'credit.alerts' ORDER BY id")
    return [(key, id_, read(payload)["data"]["rule"]) for key, id_, payload in told]


def test_what_a_copy_says_again_has_the_ids_it_had(store: Any, tmp_path: Path) -> None:
    """What waited when it was copied, and what is found again of the lost stretch where it is judged as it was."""
    fed(store, LINES[:600])
    tick(store, lambda: LAST, tells=True)
    waited = alerts(store)
    backed_up(store, tmp_path / "b.db")
    fed(store, LINES[600:1_200], now=LAST)
    tick(store, lambda: LAST, tells=True)
    copy = restored(tmp_path / "b.db", tmp_path / "elsewhere.db")
    fed(copy, LINES[600:1_200], now=LAST)
    tick(copy, lambda: LAST, tells=True)
    assert len(waited) < len(alerts(store))
    assert alerts(copy) == alerts(store)


def test_nothing_is_mixed_with_what_is_there_and_no_file_is_written_over(busy: Any, tmp_path: Path) -> None:
    backed_up(busy, tmp_path / "b.db")
    before = rows(busy)
    with pytest.raises(Failure, match="something in that store"):
        restore_store(str(tmp_path / "b.db"), lambda: busy, Output(json=True))
    assert rows(busy) == before
    with pytest.raises(Failure, match="there is a file"):
        backed_up(busy, tmp_path / "b.db")
    assert sorted(file.name for file in tmp_path.glob("b.db*")) == ["b.db", "b.db.sha256"]


def test_a_damaged_backup_is_not_restored_and_a_damaged_store_is_told(busy: Any, tmp_path: Path) -> None:
    backed_up(busy, tmp_path / "b.db")
    with closing(sqlite3.connect(tmp_path / "b.db")) as altered, altered:
        altered.execute("UPDATE stored_events SET state = x'7b7d' WHERE rowid = 7")
    with pytest.raises(Failure, match="damaged at position 7") as refused:
        restore_store(str(tmp_path / "b.db"), lambda: opened(tmp_path / "elsewhere.db"), Output(json=True))
    assert refused.value.exit_code == 3
    alter(busy, f"UPDATE stored_events SET actor = 'nobody' WHERE {'rowid' if stores.server is None else 'notification_id'} = 3")
    assert backed_up(busy, tmp_path / "c.db") == 3


def test_whatever_byte_of_a_backup_is_altered_it_is_not_restored(busy: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file, elsewhere = tmp_path / "b.db", tmp_path / "elsewhere.db"
    backed_up(busy, file)
    whole, chance = file.read_bytes(), Random(1)
    for _ in range(BYTES):
        altered = bytearray(whole)
        altered[chance.randrange(len(whole))] ^= 1 << chance.randrange(8)
        file.write_bytes(altered)
        with pytest.raises(Failure, match=r"nothing was restored: .*b\.db") as refused:
            restore_store(str(file), lambda: opened(elsewhere), Output(json=True))
        assert refused.value.exit_code in (1, 3)
    file.write_bytes(whole)
    (tmp_path / "b.db.sha256").unlink()
    capsys.readouterr()
    assert rows(restored(file, elsewhere)) == rows(busy)
    assert "of " + str(file) + " nothing but the log is verified" in capsys.readouterr().err


def test_its_digest_is_told_as_others_read_it_and_asking_a_backup_does_not_alter_it(busy: Any, tmp_path: Path) -> None:
    file = tmp_path / "b.db"
    backed_up(busy, file)
    assert (tmp_path / "b.db.sha256").read_text() == f"{sha256(file.read_bytes()).hexdigest()}  b.db\n"
    for question in ("list", "verify"):
        assert exposure(question, "--json", "--store", f"sqlite:///{file}").exit_code == 0
    restored(file, tmp_path / "elsewhere.db")
    restored(file, tmp_path / "again.db")


def test_what_is_no_backup_or_a_part_of_one_is_not_restored(path: Path, tmp_path: Path) -> None:
    exposure("feed", "-", store=path, stdin=b"\n".join(LINES[:200]) + b"\n")
    exposure("backup", tmp_path / "b.db", store=path)
    whole, cut, elsewhere = (tmp_path / "b.db").read_bytes(), tmp_path / "cut.db", tmp_path / "elsewhere.db"
    for length, code in ((0, "no_backup"), (50, "damaged"), (len(whole) // 2, "damaged"), (len(whole) - 1, "damaged")):
        cut.write_bytes(whole[:length])
        said = exposure("restore", cut, "--json", "--store", f"sqlite:///{elsewhere}")
        assert (said.exit_code, said.json["error"]["code"]) == (1 if code == "no_backup" else 3, code)
        assert str(cut) in said.json["error"]["message"]
        assert not elsewhere.exists()
    cut.unlink()
    with closing(sqlite3.connect(cut)) as other:
        other.execute("CREATE TABLE of_something_else (a)")
    said = exposure("restore", cut, "--json", "--store", f"sqlite:///{elsewhere}")
    assert (said.exit_code, said.json["error"]["code"], elsewhere.exists()) == (1, "no_backup", False)


def test_the_commands_say_what_was_copied_and_how_far_each_source_was_taken(path: Path, tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b"\n".join([*LINES[:300], customer()]) + b"\n")
    exposure("feed", file, store=path)
    made = exposure("backup", tmp_path / "b.db", "--json", store=path)
    assert (made.exit_code, made.json["ok"], made.json["inputs"][0]["position"]) == (0, True, file.stat().st_size)
    assert (tmp_path / "b.db").stat().st_mode & 0o077 == 0, "it holds the keys"
    elsewhere = tmp_path / "elsewhere.db"
    said = exposure("restore", tmp_path / "b.db", store=elsewhere)
    assert (said.exit_code, "whole and unaltered" in said.out, "another group" in said.out) == (0, True, True)
    assert exposure("feed", file, "--json", store=elsewhere).json["read"] == 0
    assert exposure("history", "C-9", "--json", store=elsewhere).json["events"][0]["personal"]["name"] == PERSON
    again = exposure("restore", tmp_path / "b.db", "--json", store=elsewhere)
    assert (again.exit_code, again.json["error"]["code"]) == (1, "not_empty")
