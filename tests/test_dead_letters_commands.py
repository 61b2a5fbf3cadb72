"""``exposure dead-letters``: what is named is settled, who and why is listed, and what is not well asked does nothing."""

from pathlib import Path
from typing import Any

import pytest

from tests.command import exposure
from tests.letters import invoice, refused_by_an_older_engine
from tests.stores import fed, opened

pytestmark = pytest.mark.usefixtures("each_store")


@pytest.fixture
def desk(path: Path) -> list[str]:
    """A store with three dead letters and their ids: one that can be taken, one that cannot, one of no account."""
    store = opened(path)
    digests = refused_by_an_older_engine(store, invoice("I-1"))
    fed(store, [invoice("I-2", "1.001", account="C-8"), b"no JSON"])
    with store.reading() as moment:
        assert moment.open_letters()[0] == digests[0]
        return [digest.hex() for digest in moment.open_letters()]


WHO = ["--reason", "the engine was upgraded", "--by", "m.vogt"]


def said(path: Path, *words: str, code: int = 0) -> Any:
    done = exposure("dead-letters", *words, "--json", store=path)
    assert (done.exit_code, done.err) == (code, ""), done
    return done.json


def test_what_was_named_is_settled_and_listed_with_who_and_why(path: Path, desk: list[str]) -> None:
    before = said(path, "list")["dead_letters"]
    assert said(path, "retry", desk[0], *WHO) == {"retried": 1, "told_before": 0, "still_dead": 0, "settled_before": 0}
    assert said(path, "discard", *desk[:2], *WHO) == {"discarded": 1, "settled_before": 1}
    letters = said(path, "list")["dead_letters"]
    assert letters == before[2:]
    assert [letters[0][name] for name in ("outcome", "settled", "by", "why")] == [None] * 4
    settled = said(path, "list", "--settled")["dead_letters"]
    assert [(one["id"], one["outcome"], one["by"], one["why"]) for one in settled] == [
        (desk[0], "retried", "m.vogt", "the engine was upgraded"),
        (desk[1], "discarded", "m.vogt", "the engine was upgraded"),
    ]
    assert list(settled[0]) == list(letters[0])
    assert said(path, "list", "C-8", "--settled")["dead_letters"] == settled[1:]
    assert "by m.vogt: the engine was upgraded" in exposure("dead-letters", "list", "--settled", store=path).out


def test_what_is_still_dead_is_a_failure_that_says_the_first_reason_beside_the_counts(path: Path, desk: list[str]) -> None:
    got = said(path, "retry", "--all", *WHO, code=1)
    error = got.pop("error")
    assert got == {"retried": 1, "told_before": 0, "still_dead": 2, "settled_before": 0}
    assert error["code"] == "still_dead"
    assert error["message"].startswith("2 dead letters can still not be taken, the first for too_many_decimals: data.amount: ")
    for_people = exposure("dead-letters", "retry", desk[1], *WHO, store=path)
    assert (for_people.exit_code, for_people.out) == (1, "retried 0  told before 0  still dead 1  settled before 0\n")
    assert for_people.err.startswith("exposure: 1 dead letter can still not be taken")


@pytest.mark.parametrize(
    ("words", "places"),
    [(["--all"], [0, 1, 2]), (["--account", "C-8"], [1]), (["--code", "not_json"], [2]), (["--account", "C-9", "--code", "invalid"], [])],
)
def test_letters_are_chosen_by_account_and_code_or_all_of_them(path: Path, desk: list[str], words: list[str], places: list[int]) -> None:
    assert said(path, "discard", *words, *WHO) == {"discarded": len(places), "settled_before": 0}
    assert [one["id"] for one in said(path, "list", "--settled")["dead_letters"]] == [desk[place] for place in places]


@pytest.mark.parametrize(
    ("words", "code", "failure"),
    [
        (["ID", "0" * 32, *WHO], 1, "unknown_dead_letter"),
        (["ID", "nonsense", *WHO], 1, "unknown_dead_letter"),
        (["ID"], 2, "usage"),
        (["ID", "--reason", " "], 2, "usage"),
        (["ID", "--reason", "two\nlines"], 2, "usage"),
        (["ID", "--reason", "because", "--by", ""], 2, "usage"),
        (["ID", "--all", *WHO], 2, "usage"),
        (WHO, 2, "usage"),
    ],
)
@pytest.mark.parametrize("verb", ["retry", "discard"])
def test_what_is_not_well_asked_does_nothing(path: Path, desk: list[str], verb: str, words: list[str], code: int, failure: str) -> None:
    got = said(path, verb, *(desk[0] if word == "ID" else word for word in words), code=code)
    assert got["error"]["code"] == failure
    assert len(said(path, "list")["dead_letters"]) == 3


def test_who_acts_is_whom_the_settings_or_the_operating_system_names(path: Path, desk: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "a.linden")
    said(path, "discard", desk[0], "--reason", "because")
    monkeypatch.setenv("EXPOSURE_OPERATOR", "night shift")
    said(path, "discard", desk[1], "--reason", "because")
    assert [one["by"] for one in said(path, "list", "--settled")["dead_letters"]] == ["a.linden", "night shift"]
