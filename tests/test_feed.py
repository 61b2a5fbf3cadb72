"""Files as they are met: compressed, cut off, still being written, not a file at all."""

import gzip
from pathlib import Path

import pytest
from backports import zstd

from tests.command import exposure
from tests.stores import execute

pytestmark = pytest.mark.usefixtures("each_store")

LINES = (Path(__file__).parent / "contract_example.jsonl").read_bytes()
NOW = ("--json", "--now", "2026-02-20T12:00:00Z")
WHOLE = {"read": 6, "recorded": 6, "duplicates": 0, "dead_letters": 0}
HALVES = {".gz": (gzip.compress(LINES[:900]), gzip.compress(LINES[900:])), ".zst": (zstd.compress(LINES[:900]), zstd.compress(LINES[900:]))}


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "exposure.db"


@pytest.mark.parametrize("ending", [".gz", ".zst"])
def test_a_compressed_file_is_read_as_such_in_one_piece_or_two(tmp_path: Path, store: Path, ending: str) -> None:
    file = tmp_path / f"events.jsonl{ending}"
    file.write_bytes(b"".join(HALVES[ending]))
    assert exposure("feed", file, *NOW, store=store).json == WHOLE
    assert exposure("feed", file, *NOW, store=store).json["read"] == 0


@pytest.mark.parametrize("ending", [".gz", ".zst"])
@pytest.mark.parametrize("damage", ["cut off", "not compressed"])
def test_a_compressed_file_that_is_damaged_is_a_failure_and_what_came_before_is_kept(tmp_path: Path, store: Path, ending: str, damage: str) -> None:
    file = tmp_path / f"events.jsonl{ending}"
    first, second = HALVES[ending]
    file.write_bytes(first + second[:-5] if damage == "cut off" else LINES)
    said = exposure("feed", file, *NOW, store=store)
    assert (said.exit_code, said.json["error"]["code"]) == (1, "cut_off")
    file.write_bytes(first + second)
    assert exposure("feed", file, *NOW, store=store).json["recorded"] == 6


def test_a_line_that_is_still_being_written_is_left_for_the_next_feed(tmp_path: Path, store: Path) -> None:
    file = tmp_path / "events.jsonl"
    for end in (700, 701, 1100, len(LINES) - 1, len(LINES)):
        file.write_bytes(LINES[:end])
        said = exposure("feed", file, *NOW, store=store)
        assert said.json["dead_letters"] == 0
    assert exposure("show", "C-1001", "--as-of", "2026-02-20", *NOW, store=store).json["exposure"]["total"] == "400.00"


def test_a_last_line_without_its_end_is_taken_when_it_is_whole_and_buried_when_it_never_will_be(tmp_path: Path, store: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(LINES.rstrip(b"\n"))
    assert exposure("feed", file, *NOW, store=store).json == WHOLE
    file.write_bytes(b"this is no record")
    assert exposure("feed", file, *NOW, store=store).json["dead_letters"] == 1
    assert exposure("feed", "-", *NOW, store=store, stdin=LINES[:50]).json["dead_letters"] == 1


def test_dead_letters_that_can_not_be_copied_beside_their_file_stop_nothing(tmp_path: Path, store: Path) -> None:
    bad, good = tmp_path / "bad.jsonl", tmp_path / "good.jsonl"
    bad.write_bytes(b"this is no record\n")
    good.write_bytes(LINES)
    (tmp_path / "bad.jsonl.dead-letters").mkdir()
    said = exposure("feed", bad, good, *NOW, store=store)
    assert (said.exit_code, said.json["recorded"], said.json["dead_letters"]) == (0, 6, 1)
    assert "could not be copied" in said.err
    assert not list(tmp_path.glob(".*"))


def test_a_database_of_something_else_is_not_made_a_store(tmp_path: Path, store: Path) -> None:
    execute(store, "CREATE TABLE customers (id integer)")
    file = tmp_path / "events.jsonl"
    file.write_bytes(LINES)
    said = exposure("feed", file, *NOW, store=store)
    assert (said.exit_code, said.json["error"]["code"]) == (1, "store_version")


def test_the_last_day_of_the_calendar_is_a_day_like_any_other(tmp_path: Path, store: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(LINES)
    exposure("feed", file, *NOW, store=store)
    shown = exposure("show", "C-1001", "--as-of", "9999-12-31", *NOW, store=store).json
    assert (shown["exposure"]["total"], shown["limit"]["amount"]) == ("400.00", "1000.00")


@pytest.mark.parametrize("words", [["dead-letters", "retry"], ["dead-letters", "C-1001"], ["show", "C-1001", "--as-of", "20260201"]])
def test_what_is_not_there_is_wrong_usage(store: Path, words: list[str]) -> None:
    said = exposure(*words, "--json", store=store)
    assert (said.exit_code, said.json["error"]["code"]) == (2, "usage")
