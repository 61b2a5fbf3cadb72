"""Two feeders of one store lose nothing and take nothing twice, whether they tell of the same accounts or read the same file."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exposure.ledger.ledger import Ledger
from projections.alerts import Wanted, alert_log
from projections.dead_letters import dead_letters
from service.sample import sample
from tests.command import exposure
from tests.patience import SECONDS_MAX
from tests.stores import NOW as NOW_MICROSECONDS
from tests.stores import buried, derived, fed, holds_the_same, log, make, names, opened, url_of

pytestmark = pytest.mark.usefixtures("each_store")

NOW = "2026-03-01T12:00:00Z"
LINES = list(sample(6000, seed=23, accounts=12))


def written_file(path: Path, lines: Sequence[bytes]) -> Path:
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def feeding(file: Path, store: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "service", "feed", str(file), "--json", "--now", NOW, "--store", url_of(store)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def said(feeder: "subprocess.Popen[bytes]") -> tuple[int, bytes, bytes]:
    out, err = feeder.communicate(timeout=SECONDS_MAX)
    return feeder.returncode, out, err


def figures(store: Path) -> Any:
    return exposure("list", "--as-of", "2026-02-01", "--json", "--now", NOW, store=store).json


def test_two_feeders_of_the_same_accounts_end_where_one_ends(tmp_path: Path) -> None:
    store, single = tmp_path / "exposure.db", tmp_path / "single.db"
    opened(store).datastore.close()
    halves = [written_file(tmp_path / f"half{half}.jsonl", LINES[half::2]) for half in (0, 1)]
    for feeder in [feeding(half, store) for half in halves]:
        exit_code, out, err = said(feeder)
        assert (exit_code, err) == (0, b""), out
    for half in halves:
        assert exposure("feed", half, "--json", "--now", NOW, store=single).exit_code == 0
    assert figures(store) == figures(single)
    both, one = opened(store), opened(single)
    assert names(both) == names(one)
    assert sorted(written(log(both))) == sorted(written(log(one)))
    assert standing(both) == standing(one)


def written(events: list[Any]) -> list[str]:
    """Events without their versions, which depend on who was faster; so does what was said between the one's end and the other's."""
    return [f"{stream} {topic} {state}" for stream, _, topic, _, _, state in events if not stream.startswith("alerts:")]


def standing(store: Any) -> list[Any]:
    """What was said of accounts and stands."""
    with store.reading() as moment:
        told = alert_log(moment, Wanted(standing=True))
        return sorted((alert["account"], alert["rule"], alert["step"] or 0, alert["effective"]) for alert in told)


def test_two_feeders_of_the_same_file_end_where_one_ends(tmp_path: Path) -> None:
    """One of them finds that the file has moved on and says so, unless it came after the other; the next call goes on."""
    store, single = tmp_path / "exposure.db", tmp_path / "single.db"
    opened(store).datastore.close()
    file = written_file(tmp_path / "events.jsonl", LINES)
    ends = [said(feeder) for feeder in [feeding(file, store), feeding(file, store)]]
    for exit_code, out, err in ends:
        assert exit_code in (0, 1)
        assert err == b""
        assert exit_code == 0 or out.startswith(b'{"error":{"code":"store"'), out
    assert exposure("feed", file, "--json", "--now", NOW, store=store).exit_code == 0
    assert exposure("feed", file, "--json", "--now", NOW, store=single).exit_code == 0
    holds_the_same(opened(store), opened(single))


@pytest.mark.parametrize("seed", range(3))
def test_ledgers_that_take_turns_decide_on_what_the_others_wrote(tmp_path: Path, seed: int) -> None:
    """What each remembers of the accounts is stale at every turn: the write is refused, and decided again."""
    random = Random(seed)
    ledgers = [Ledger(opened(tmp_path / "exposure.db"), lambda: NOW_MICROSECONDS) for _ in range(3)]
    lines, start = LINES[:3000], 0
    while start < len(lines):
        many = random.randint(1, 120)
        fed(None, lines[start : start + many], ledger=random.choice(ledgers))
        start += many
    single = opened(tmp_path / "single.db")
    fed(single, lines)
    holds_the_same(ledgers[0].store, single)


class Beaten:
    """A store whose first write comes after another writer's: the other's turn falls between this one's reading and writing."""

    def __init__(self, store: Any, other: Any) -> None:
        self.store = store
        self.other = other

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def write(self, batch: Any) -> Any:
        other, self.other = self.other, lambda: None
        other()
        return self.store.write(batch)


def beaten(path: Path, lines: Sequence[bytes], others: Sequence[bytes]) -> Any:
    store = opened(path)
    fed(None, lines, ledger=Ledger(Beaten(store, lambda: fed(opened(path), others)), lambda: NOW_MICROSECONDS))
    return store


@pytest.mark.parametrize("shared", [LINES[:200], LINES[:1], []])
def test_a_name_or_account_another_was_faster_with_is_taken_once(tmp_path: Path, shared: list[bytes]) -> None:
    both = beaten(tmp_path / "exposure.db", LINES[200:400] + shared, shared + LINES[400:500])
    single = opened(tmp_path / "single.db")
    fed(single, shared + LINES[400:500])
    fed(single, LINES[200:400] + shared)
    assert log(both) == log(single)
    assert derived(both) == derived(single)


def test_dead_letters_of_two_feeders_can_both_be_read(tmp_path: Path) -> None:
    both = beaten(tmp_path / "exposure.db", [b"not JSON"], [b"not JSON either"])
    assert len(buried(both)) == 4
    with both.reading() as moment:
        assert {letter["record"] for letter in dead_letters(moment)} == {"not JSON", "not JSON either"}


def test_two_feeders_may_make_the_store_together(each_store: str, tmp_path: Path) -> None:
    halves = [written_file(tmp_path / f"half{half}.jsonl", LINES[half:100:2]) for half in (0, 1)]
    for number in range(8 if each_store == "sqlite" else 3):
        make(tmp_path / f"{number}.db")
        feeders = [feeding(half, tmp_path / f"{number}.db") for half in halves]
        ended = [said(feeder) for feeder in feeders]
        assert [exit_code for exit_code, *_ in ended] == [0, 0], ended
