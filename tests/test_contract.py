"""The contract's own example, and how the command line answers: exit codes, errors, JSON."""

from pathlib import Path

import pytest

from tests.command import exposure

pytestmark = pytest.mark.usefixtures("each_store")

EXAMPLE = Path(__file__).parent / "contract_example.jsonl"
SHOWN = {
    "account": "C-1001",
    "currency": "EUR",
    "as_of": "2026-02-20",
    "known_at": "2026-02-20T12:00:00Z",
    "limit": {"amount": "1000.00", "kind": "base", "valid_to": None},
    "exposure": {"orders": "200.00", "deliveries": "0.00", "receivables": "200.00", "unapplied": "0.00", "reserved": "0.00", "total": "400.00"},
    "available": "600.00",
    "utilisation": "0.4000",
    "days_overdue": 9,
    "overdue_amount": "200.00",
    "disputed": "0.00",
    "written_off": "0.00",
    "ageing": {"not_due": "0.00", "1-30": "200.00", "31-60": "0.00", "61-90": "0.00", "91-120": "0.00", "121+": "0.00", "unapplied": "0.00"},
    "pending": [],
    "anomalies": [],
    "dead_letters": 0,
    "blocked": False,
    "sources": [{"source": "/erp/1000", "last_time": "2026-02-16T10:00:00Z"}],
}
ITEM = {
    "document": "I-9",
    "kind": "invoice",
    "date": "2026-01-12",
    "due": "2026-02-11",
    "amount": "400.00",
    "open": "200.00",
    "disputed": "0.00",
    "days_overdue": 9,
}


@pytest.fixture(scope="module")
def store(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> Path:  # noqa: ARG001 (a store of its kind)
    path = tmp_path_factory.mktemp("contract") / "exposure.db"
    said = exposure("feed", EXAMPLE, "--json", "--now", "2026-02-20T12:00:00Z", store=path)
    assert said.json == {"read": 6, "recorded": 6, "duplicates": 0, "dead_letters": 0}
    return path


def test_the_example_of_the_contract_comes_out_word_for_word(store: Path) -> None:
    shown = exposure("show", "C-1001", "--as-of", "2026-02-20", "--json", "--now", "2026-02-20T12:00:00Z", store=store).json
    assert {name: shown[name] for name in SHOWN} == SHOWN
    (item,) = shown["open_items"]
    assert {name: item[name] for name in ITEM} == ITEM
    (order,) = shown["open_orders"]
    assert (order["order"], order["open"]) == ("O-1", "200.00")


def test_a_file_already_taken_whole_is_not_read_again(store: Path) -> None:
    assert exposure("feed", EXAMPLE, "--json", store=store).json == {"read": 0, "recorded": 0, "duplicates": 0, "dead_letters": 0}


def test_the_same_events_from_standard_input_change_nothing(store: Path) -> None:
    said = exposure("feed", "-", "--json", store=store, stdin=EXAMPLE.read_bytes())
    assert said.json == {"read": 6, "recorded": 0, "duplicates": 6, "dead_letters": 0}


@pytest.mark.parametrize(
    ("words", "exit_code", "code"),
    [
        (["show", "C-1"], 1, "unknown_account"),
        (["show", "C-1001", "--known-at", "2026-01-01T00:00:00Z"], 1, "unknown_account"),
        (["show", "C-1001", "--as-of", "2026-02-30"], 2, "usage"),
        (["show"], 2, "usage"),
        (["feed", "no-such-file.jsonl"], 1, "no_such_file"),
        (["nonsense"], 2, "usage"),
    ],
)
def test_a_failure_is_one_json_document_and_an_exit_code(store: Path, words: list[str], exit_code: int, code: str) -> None:
    said = exposure(*words, "--json", store=store)
    assert (said.exit_code, said.json["error"]["code"]) == (exit_code, code)
