"""The other commands that read: history, dead letters, status, import; and options given before a command."""

import json
from pathlib import Path
from typing import Any

import pytest

from projections.history import history
from tests.command import exposure
from tests.stores import alter, opened, url_of

pytestmark = pytest.mark.usefixtures("each_store")

EXAMPLE = Path(__file__).parent / "contract_example.jsonl"
NOW = "2026-02-20T12:00:00Z"
CUSTOMER: dict[str, Any] = {
    "specversion": "1.0",
    "id": "c1",
    "source": "/erp/1000",
    "type": "erp.customer.changed.v1",
    "subject": "C-1001",
    "time": "2026-01-01T00:00:00Z",
    "data": {"version": 1, "name": "Ada & Sons", "currency": "EUR", "contact": {"phone": "1"}},
}
PENDING: dict[str, Any] = CUSTOMER | {
    "id": "d1",
    "type": "erp.dispute.opened.v1",
    "data": {"dispute": "D-1", "date": "2026-02-01", "invoice": "I-none", "amount": "1.00"},
}
BAD = CUSTOMER | {"id": "c2", "data": {"version": 2, "name": "Nobody", "currency": "XXX"}}
MAPPING = """
date_format = "%Y-%m-%d"
currency = "EUR"
[columns]
account = "Customer"
invoice = "Invoice"
invoice_date = "Dated"
due_date = "Due"
amount = "Amount"
[settled]
column = "Paid"
"""
CSV = """Customer,Invoice,Dated,Due,Amount,Paid
C-1,I-1,2026-01-10,2026-02-09,100.00,
C-1,I-2,2026-01-12,2026-02-11,50.5,2026-02-20
C-2,I-3,2026-01-15,soon,7,
C-2,I-4,2026-01-16,2026-02-15,8,
"""


@pytest.fixture(scope="module")
def store(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    folder = tmp_path_factory.mktemp("commands")
    path = folder / "exposure.db"
    exposure("feed", EXAMPLE, "--now", NOW, store=path)
    more = folder / "more.jsonl"
    more.write_text("".join(json.dumps(event) + "\n" for event in (CUSTOMER, PENDING, BAD)) + "no json\n")
    said = exposure("feed", more, "--now", "2026-02-21T12:00:00Z", "--json", store=path)
    assert said.json == {"read": 4, "recorded": 2, "duplicates": 0, "dead_letters": 2}
    return path


# History


def test_history_tells_every_event_with_both_clocks(store: Path) -> None:
    told = exposure("history", "C-1001", "--json", store=store).json
    events = told["events"]
    assert (told["account"], [event["version"] for event in events]) == ("C-1001", list(range(1, 9)))
    assert sorted(event["position"] for event in events) == [1, 2, 3, 4, 5, 6, 8, 9], "an alert stands between the two files"
    fed = [json.loads(line) for line in EXAMPLE.read_text().splitlines()]
    assert [(event["type"], event["id"], event["time"]) for event in events[:6]] == [(line["type"], line["id"], line["time"]) for line in fed]
    assert {event["recorded"] for event in events[:6]} == {NOW}
    assert {event["recorded"] for event in events[6:]} == {"2026-02-21T12:00:00Z"}
    assert {event["actor"] for event in events} == {None}


def test_personal_fields_are_told_apart_and_only_where_there_are_any(store: Path) -> None:
    *_, customer, dispute = exposure("history", "C-1001", "--json", store=store).json["events"]
    assert customer["personal"] == {"name": "Ada & Sons", "contact": {"phone": "1"}}
    assert customer["data"] == {"version": 1, "currency": "EUR"}
    assert "personal" not in dispute


def test_personal_fields_are_null_once_the_key_is_thrown_away(tmp_path: Path) -> None:
    file, path = tmp_path / "one.jsonl", tmp_path / "exposure.db"
    file.write_text(json.dumps(CUSTOMER) + "\n")
    exposure("feed", file, store=path)
    read = opened(path)
    alter(read, "DELETE FROM account_keys")
    with read.reading() as moment:
        (event,) = history(moment, "C-1001")
    assert event["personal"] is None
    assert event["data"]["currency"] == "EUR"


def test_a_directory_is_no_store(tmp_path: Path) -> None:
    said = exposure("list", "--store", f"sqlite:///{tmp_path}")
    assert (said.exit_code, said.out) == (1, "")
    assert f"{tmp_path} is a directory, not a store: name the file, as sqlite:///{tmp_path}/exposure.db" in said.err


def test_history_for_people_says_the_same(store: Path) -> None:
    said = exposure("history", "C-1001", store=store)
    assert said.exit_code == 0
    assert said.out.count("recorded 2026-02-2") == 8


# Dead letters


@pytest.mark.parametrize("words", [[], ["list"]])
def test_dead_letters_are_listed_where_nothing_else_is_named(store: Path, words: list[str]) -> None:
    letters = exposure("dead-letters", *words, "--json", store=store).json["dead_letters"]
    assert [(letter["account"], letter["code"]) for letter in letters] == [("C-1001", "invalid"), (None, "not_json")]
    assert letters[1]["record"] == "no json"


@pytest.mark.parametrize("words", [["list", "C-1001"], ["--json", "list", "C-1001"]])
def test_dead_letters_of_one_account(store: Path, words: list[str]) -> None:
    letters = exposure("dead-letters", *words, *([] if "--json" in words else ["--json"]), store=store).json["dead_letters"]
    assert [letter["account"] for letter in letters] == ["C-1001"]


def test_dead_letters_for_people_say_why(store: Path) -> None:
    said = exposure("dead-letters", store=store).out
    assert "not an ISO 4217 currency" in said
    assert "2 dead letters" in said


# Status


def test_status_says_what_the_store_holds_and_what_waits(store: Path) -> None:
    standing = exposure("status", "--json", store=store).json
    inputs = standing.pop("inputs")
    assert standing == {
        "store_version": "0017",
        "events": 9,
        "accounts": 1,
        "last_recorded": "2026-02-21T12:00:00Z",
        "dead_letters": 2,
        "pending": 1,
        "outbox": 3,
    }
    assert {Path(told["input"]).name: (told["generation"], told["position"]) for told in inputs} == {
        EXAMPLE.name: (1, EXAMPLE.stat().st_size),
        "more.jsonl": (1, (store.parent / "more.jsonl").stat().st_size),
    }
    assert "pending references" in exposure("status", store=store).out


# Options before the command


@pytest.mark.parametrize("words", [["show", "C-1001"], ["status"], ["dead-letters", "C-1001"], ["list"]])
def test_options_may_stand_before_the_command(store: Path, words: list[str]) -> None:
    before = exposure("--store", url_of(store), "--now", NOW, "--json", *words)
    after = exposure(*words, "--json", "--now", NOW, store=store)
    assert before.json == after.json


def test_an_option_behind_the_command_counts_more_than_one_before_it(store: Path) -> None:
    before = ["--store", "sqlite:///nowhere.db", "--now", "2026-05-01T00:00:00Z"]
    said = exposure(*before, "show", "C-1001", "--json", "--now", "2026-03-01T00:00:00Z", store=store)
    assert said.json["as_of"] == "2026-03-01"


# Import


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    (tmp_path / "own.toml").write_text(MAPPING)
    (tmp_path / "ledger.csv").write_text(CSV)
    return tmp_path


def test_a_csv_is_taken_exactly_once_and_its_bad_rows_are_dead_letters(ledger: Path) -> None:
    path = ledger / "exposure.db"
    words: list[str | Path] = ["import", ledger / "ledger.csv", "--mapping", ledger / "own.toml", "--json"]
    assert exposure(*words, store=path).json == {"read": 5, "recorded": 4, "duplicates": 0, "dead_letters": 1}
    assert exposure(*words, store=path).json == {"read": 5, "recorded": 0, "duplicates": 5, "dead_letters": 0}
    (letter,) = exposure("dead-letters", "--json", store=path).json["dead_letters"]
    assert (letter["code"], letter["record"], letter["position"]) == ("bad_row", "C-2,I-3,2026-01-15,soon,7,\n", 4)
    assert letter["reason"] == "line 4, column Due: not a date written as %Y-%m-%d"
    assert exposure("dead-letters", "list", "C-2", "--json", store=path).json["dead_letters"] == [letter]
    assert exposure("show", "C-2", "--json", store=path).json["dead_letters"] == 1
    rows = exposure("list", "--as-of", "2026-02-25", "--json", store=path).json["accounts"]
    assert [(row["account"], row["exposure"]["total"], row["days_overdue"]) for row in rows] == [("C-1", "100.00", 16), ("C-2", "8.00", 10)]
    assert rows[0]["sources"] == [{"source": "/import/own", "last_time": "2026-02-20T00:00:00Z"}]


def test_an_import_written_to_a_file_and_fed_is_the_import(ledger: Path) -> None:
    live, fed, out = ledger / "live.db", ledger / "fed.db", ledger / "events.jsonl.gz"
    words: list[str | Path] = ["import", ledger / "ledger.csv", "--mapping", ledger / "own.toml", "--source", "/csv", "--json"]
    exposure(*words, store=live)
    said = exposure(*words, "--out", out)
    assert (said.exit_code, said.json) == (0, {"read": 5, "written": 4, "refused": 1})
    assert "line 4, column Due" in said.err
    assert exposure("feed", out, "--json", store=fed).json["recorded"] == 4
    both = [exposure("list", "--as-of", "2026-02-25", "--json", "--now", "2100-01-01T00:00:00Z", store=path).json for path in (live, fed)]
    refused = [[row.pop("dead_letters") for row in listed["accounts"]] for listed in both]
    assert both[0] == both[1]
    assert refused == [[0, 1], [0, 0]], "a refused row is its account's dead letter; in the file it is not"
    assert sorted(file.name for file in ledger.iterdir() if file.name.startswith(".")) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        ("UPDATE documents SET state = (SELECT hash FROM clock)", ["show", "C-1001"]),
        ("UPDATE accounts SET state = (SELECT hash FROM clock)", ["list"]),
        ("UPDATE alert_states SET next_at = 0, state = (SELECT hash FROM clock)", ["tick"]),
    ],
)
def test_what_was_altered_beyond_reading_is_said_with_what_to_do_and_a_rebuild_mends_it(tmp_path: Path, spoil: str, words: list[str]) -> None:
    path = tmp_path / "exposure.db"
    assert exposure("feed", EXAMPLE, "--now", NOW, store=path).exit_code == 0
    alter(opened(path), spoil)
    said = exposure(*words, "--json", "--now", NOW, store=path)
    assert (said.exit_code, said.json["error"]["code"]) == (1, "altered")
    assert "`exposure rebuild`" in said.json["error"]["message"]
    assert exposure("rebuild", store=path).exit_code == 3
    assert exposure(*words, "--json", "--now", NOW, store=path).exit_code == 0


def test_where_events_can_not_be_written_is_said_before_any_is_made(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    for words in (["import", tmp_path / "none.csv", "--mapping", "none"], ["sample", "--events", "900000000"]):
        said = exposure(*words, "--out", nowhere / "x.jsonl")
        assert (said.exit_code, said.err) == (1, f"exposure: --out: there is no directory {nowhere}: make it first, or name a file in another one\n")
        said = exposure(*words, "--out", tmp_path)
        assert (said.exit_code, said.err) == (1, f"exposure: --out: {tmp_path} is a directory: name a file in it\n")
    assert list(tmp_path.iterdir()) == []


def test_what_was_before_a_cut_over_is_not_known(ledger: Path) -> None:
    path = ledger / "exposure.db"
    exposure("import", ledger / "ledger.csv", "--mapping", ledger / "own.toml", "--cut-over", "2026-02-01", store=path)
    before = exposure("show", "C-1", "--as-of", "2026-01-31", "--json", store=path)
    assert (before.exit_code, before.json["error"]["code"]) == (1, "not_known_before")
    listed = exposure("list", "--as-of", "2026-01-31", "--json", store=path).json
    assert (listed["accounts"], listed["not_known_before"]) == ([], ["C-1", "C-2"])
    assert exposure("show", "C-1", "--as-of", "2026-02-01", "--json", store=path).json["exposure"]["total"] == "150.50"


@pytest.mark.parametrize(
    ("change", "code", "exit_code"),
    [
        ({"file": "nowhere.csv"}, "no_such_file", 1),
        ({"mapping": "nobodys"}, "mapping", 1),
        ({"mapping": "ibm-receivables"}, "mapping", 1),
        ({"cut_over": "yesterday"}, "usage", 2),
    ],
)
def test_an_import_that_cannot_be_done_says_why(ledger: Path, change: dict[str, str], code: str, exit_code: int) -> None:
    file, mapping = ledger / change.get("file", "ledger.csv"), change.get("mapping", ledger / "own.toml")
    cut_over = ["--cut-over", change["cut_over"]] if "cut_over" in change else []
    said = exposure("import", file, "--mapping", mapping, *cut_over, "--out", ledger / "out.jsonl", "--json")
    assert (said.exit_code, said.json["error"]["code"]) == (exit_code, code)
    assert not (ledger / "out.jsonl").exists()


# Failures


@pytest.mark.parametrize(("words", "code"), [(["history", "C-9"], "unknown_account"), (["list", "--as-of", "never"], "usage")])
def test_a_read_that_fails_is_one_json_document(store: Path, words: list[str], code: str) -> None:
    assert exposure(*words, "--json", store=store).json["error"]["code"] == code


OF_AN_ACCOUNT = (
    "show", "explain", "group", "history", "alerts", "statement", "decisions", "holds list", "limit list", "measures", "promise list",
    "dunning list", "corrections",
)  # fmt: skip


@pytest.mark.parametrize("command", OF_AN_ACCOUNT)
def test_of_an_account_that_nobody_told_of_every_question_says_so(store: Path, command: str) -> None:
    told = exposure(*command.split(), "C-9", "--json", store=store)
    assert (told.exit_code, told.json["error"]) == (1, {"code": "unknown_account", "message": "nothing is known of account 'C-9'"})


@pytest.mark.parametrize("option", ["--known-at", "--now"])
@pytest.mark.parametrize("instant", ["yesterday", "2026-02-20T12:00:00", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59Z"])
def test_an_instant_has_an_offset_and_is_a_day_everywhere(store: Path, option: str, instant: str) -> None:
    told = exposure("list", option, instant, "--json", store=store)
    assert (told.exit_code, told.json["error"]["code"]) == (2, "usage")
    assert repr(instant) in told.json["error"]["message"]


@pytest.mark.parametrize("day", ["2026-02- 1", "２０２６-02-01", "2026-02-30", "20260201", "2026-02-01T00:00:00Z"])
def test_a_day_has_one_spelling(store: Path, day: str) -> None:
    told = exposure("list", "--as-of", day, "--json", store=store)
    assert (told.exit_code, told.json["error"]["code"]) == (2, "usage")
