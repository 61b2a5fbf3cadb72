"""What becomes of dead letters: read again or given up, once each, with who and why; the figures of before stay as they were known."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from exposure.ledger.acts import dead_letters as letters
from exposure.ledger.acts.dead_letters import Discarded, Order, Retried, discard, retry
from exposure.ledger.carried import Carried
from exposure.ledger.ledger import Ledger
from exposure.ledger.rebuild import rebuild
from exposure.ledger.records import Record, Source
from projections.account import Asked, UnknownAccount, show
from projections.dead_letters import dead_letters
from projections.history import history
from projections.status import status
from schemas.facts import DeadLetterDiscarded, DeadLetterRetried, OfLetter
from schemas.stored import read_ours
from schemas.told import Unreadable
from tests.letters import event, invoice, refused_by_an_older_engine
from tests.stores import DAY, NOW, derived, fed, kept, opened, url_of

pytestmark = pytest.mark.usefixtures("each_store")

UPGRADED = Order("m.vogt", "the engine was upgraded")
GIVEN_UP = Order("r.ahlers", "the bank told it twice")
PERSON = "Wilhelmina Quastenberg"


def customer() -> bytes:
    return event("c-1", "erp.customer.changed.v1", "C-9", {"version": 1, "name": PERSON, "currency": "EUR"})


def retried(store: Any, digests: Sequence[bytes], now: int = NOW + DAY, order: Order = UPGRADED) -> Retried:
    return retry(store, lambda: now, digests, order)[0]


def told(store: Any, digest: bytes) -> list[OfLetter]:
    """What was recorded of a letter, each with who acted as the log has it."""
    with store.reading() as moment:
        rows = list(moment.events(f"dead_letter:{digest.hex()}"))
    events = [read_ours(topic, state) for _, _, topic, state, *_ in rows]
    assert [row[1] for row in rows] == list(range(1, len(rows) + 1))
    assert [row[5] for row in rows] == [one.by for one in events]
    return events


def shown(store: Any, account: str = "C-9", known_at: int | None = None) -> Any:
    with store.reading() as moment:
        return show(moment, account, Asked(NOW + 9 * DAY, "2026-02-20", known_at))


def listed(store: Any, *, settled: bool = False) -> list[dict[str, Any]]:
    with store.reading() as moment:
        return dead_letters(moment, settled=settled)


# Retry


def test_what_can_be_read_now_is_taken_like_any_other_by_whoever_retried_it(store: Any) -> None:
    fed(store, [invoice("I-0")])
    (digest,) = refused_by_an_older_engine(store, invoice("I-1"))
    assert retried(store, [digest]) == Retried(retried=1)
    assert shown(store)["exposure"]["receivables"] == "20.00"
    assert told(store, digest) == [DeadLetterRetried(digest.hex(), *UPGRADED, "taken", None)]
    with store.reading() as moment:
        assert [(one["id"], one["actor"]) for one in history(moment, "C-9")] == [("I-0", None), ("I-1", "m.vogt")]
    assert listed(store) == []
    (letter,) = listed(store, settled=True)
    assert [letter[name] for name in ("outcome", "by", "why", "settled")] == ["retried", *UPGRADED, "2024-10-05T00:00:00Z"]


def test_it_is_as_if_it_had_been_told_then(store: Any, tmp_path: Path) -> None:
    lines = [customer(), *(invoice(f"I-{number}") for number in range(20))]
    retried(store, refused_by_an_older_engine(store, *lines))
    clean = opened(tmp_path / "clean.db")
    fed(clean, lines)
    assert derived(store) == derived(clean)
    with store.reading() as moment:
        assert next(history(moment, "C-9"))["personal"] == {"name": PERSON}


def test_what_was_told_meanwhile_is_settled_and_not_recorded_twice(store: Any) -> None:
    (digest,) = refused_by_an_older_engine(store, invoice("I-1"))
    fed(store, [invoice("I-1") + b" "])
    before = derived(store)
    assert retried(store, [digest]) == Retried(told_before=1)
    assert told(store, digest) == [DeadLetterRetried(digest.hex(), *UPGRADED, "told_before", None)]
    assert derived(store) == before
    assert listed(store) == []


def test_two_letters_of_one_event_are_one_event(store: Any) -> None:
    digests = refused_by_an_older_engine(store, invoice("I-1"), invoice("I-1") + b" ", invoice("I-1", "11.00"))
    assert retried(store, digests) == Retried(retried=1, told_before=1, still_dead=1)
    assert told(store, digests[2]) == [DeadLetterRetried(digests[2].hex(), *UPGRADED, "still_dead", "name_reused")]
    assert shown(store)["exposure"]["receivables"] == "10.00"


def test_what_still_cannot_be_read_stays_dead_and_the_attempt_is_recorded(store: Any) -> None:
    fed(store, [b"no JSON", invoice("I-1", "1.001")])
    with store.reading() as moment:
        digests = moment.open_letters()
    before = listed(store)
    counts, first = retry(store, lambda: NOW, digests, UPGRADED)
    assert counts == Retried(still_dead=2)
    assert first is not None
    assert first.code == "not_json"
    retry(store, lambda: NOW, digests, GIVEN_UP)
    events = [DeadLetterRetried(digests[1].hex(), *order, "still_dead", "too_many_decimals") for order in (UPGRADED, GIVEN_UP)]
    assert told(store, digests[1]) == events
    assert listed(store) == before
    assert len(before) == 2


def test_a_row_of_a_csv_is_no_event_and_is_refused_as_it_was(store: Any) -> None:
    Ledger(store, lambda: NOW).take([Record(invoice("I-1"), 4, Unreadable("bad_row", "line 4, column Due: not a date", "C-9"))], Source("import"))
    counts, first = retry(store, lambda: NOW, [Record(invoice("I-1"), 4).digest], UPGRADED)
    assert (counts.still_dead, str(first)) == (1, "line 4, column Due: not a date")


def test_a_record_of_a_topic_is_read_as_it_was_read_then(store: Any) -> None:
    """What the door reads stood in the headers, and they make two records of equal values two letters."""
    value, text = b'{"half":"of it"}', invoice("I-1")
    carried = Carried(b"C-9", (("ce_id", b"I-1"), ("empty", None)), 1_768_210_200_000, text=text, attributes=b"ce_id=I-1")
    (digest,) = refused_by_an_older_engine(store, value, carried=carried)
    tombstone = Record(b"", 1, Unreadable("no_value", "a tombstone"), Carried(b"C-9", (), 0, is_null=True, attributes=b"C-9"))
    Ledger(store, lambda: NOW).take([tombstone], Source("test"))
    counts, first = retry(store, lambda: NOW, [digest, tombstone.digest], UPGRADED)
    assert (counts, str(first)) == (Retried(retried=1, still_dead=1), "a tombstone")
    assert [letter["id"] for letter in listed(store)] == [tombstone.digest.hex()]


def test_a_letter_whose_key_was_thrown_away_can_be_discarded_and_not_retried(store: Any) -> None:
    """Not under a newer key of its account either."""
    (digest,) = refused_by_an_older_engine(store, customer())
    with store.datastore.transaction(commit=True) as cursor:
        cursor.execute("DELETE FROM account_keys")
    for _ in range(2):
        counts, first = retry(store, lambda: NOW, [digest], UPGRADED)
        assert (counts.still_dead, first and first.code) == (1, "erased")
        assert "bytes were erased" in str(first)
        fed(store, [event("c-2", "erp.customer.changed.v1", "C-9", {"version": 2, "name": "New", "currency": "EUR"})])
    assert discard(store, lambda: NOW, [digest], GIVEN_UP) == Discarded(discarded=1)
    assert [(letter["outcome"], letter["record"]) for letter in listed(store, settled=True)] == [("discarded", None)]


# Discard, and what comes again


def test_what_was_discarded_stays_discarded_when_its_bytes_come_again(store: Any) -> None:
    fed(store, [b"no JSON", invoice("I-1")])
    (letter,) = listed(store)
    digest = bytes.fromhex(letter["id"])
    assert discard(store, lambda: NOW + DAY, [digest], GIVEN_UP) == Discarded(discarded=1)
    assert told(store, digest) == [DeadLetterDiscarded(digest.hex(), *GIVEN_UP)]
    assert fed(store, [b"no JSON"]).duplicates == 1
    assert listed(store) == []


def test_what_was_taken_is_a_duplicate_when_its_bytes_come_again(store: Any) -> None:
    retried(store, refused_by_an_older_engine(store, invoice("I-1")))
    assert fed(store, [invoice("I-1")]).duplicates == 1


@pytest.mark.parametrize("first", ["retry", "discard"])
def test_a_letter_is_settled_once_whoever_comes_later(store: Any, first: str) -> None:
    digests = refused_by_an_older_engine(store, invoice("I-1"), invoice("I-2"))
    settle = {"retry": retried, "discard": lambda store, digests: discard(store, lambda: NOW, digests, GIVEN_UP)}
    settle[first](store, digests[:1])
    before = told(store, digests[0]), listed(store, settled=True)
    assert retried(store, digests[:1]) == Retried(settled_before=1)
    assert discard(store, lambda: NOW, digests[:1], GIVEN_UP) == Discarded(settled_before=1)
    assert (told(store, digests[0]), listed(store, settled=True)) == before
    assert retried(store, digests) == Retried(retried=1, settled_before=1)


# What the figures say of it


def test_figures_are_not_whole_from_the_letter_until_it_is_settled_and_that_is_known_for_ever(store: Any) -> None:
    fed(store, [invoice("I-0")], now=NOW)
    digests = refused_by_an_older_engine(store, invoice("I-1"), invoice("I-2"), now=NOW + DAY)
    retried(store, digests[:1], now=NOW + 2 * DAY)
    discard(store, lambda: NOW + 3 * DAY, digests[1:], GIVEN_UP)
    instants = [NOW, NOW + DAY - 1, NOW + DAY, NOW + 2 * DAY - 1, NOW + 2 * DAY, NOW + 3 * DAY - 1, NOW + 3 * DAY, None]
    figures = [shown(store, known_at=known_at) for known_at in instants]
    assert [one["dead_letters"] for one in figures] == [0, 0, 2, 2, 1, 1, 0, 0]
    assert [one["exposure"]["receivables"] for one in figures] == ["10.00"] * 4 + ["20.00"] * 4
    with store.reading() as moment:
        counts = [moment.dead_letter_counts(known_at).get("C-9", 0) for known_at in instants[:-1] if known_at]
        assert counts == [0, 0, 2, 2, 1, 1, 0]
        assert status(moment)["dead_letters"] == 0


def test_an_account_of_which_all_was_discarded_is_not_known(store: Any) -> None:
    digests = refused_by_an_older_engine(store, invoice("I-1"))
    with pytest.raises(UnknownAccount, match="1 of its records could not be taken"):
        shown(store)
    discard(store, lambda: NOW, digests, GIVEN_UP)
    with pytest.raises(UnknownAccount) as unknown:
        shown(store)
    assert "could not be taken" not in str(unknown.value)


def test_what_becomes_of_dead_letters_changes_nothing_derived_and_rebuilt_equals_kept(store: Any) -> None:
    """A letter is discarded after every transaction of the rebuild; accounts have the names of letters, and rows that are behind their log."""
    fed(store, [b"no JSON %d" % number for number in range(9)])
    waiting = [bytes.fromhex(letter["id"]) for letter in listed(store)]
    assert retried(store, [*waiting, *refused_by_an_older_engine(store, invoice("I-1"))]) == Retried(retried=1, still_dead=9)
    namesakes = [Record(invoice(f"I-{digest.hex()}", account=digest.hex()), 0) for digest in waiting]
    Ledger(store, lambda: NOW).take(namesakes, Source("test"))
    outcome = rebuild(store, lambda _: discard(store, lambda: NOW, [waiting.pop()], GIVEN_UP))
    discarded = 9 - len(waiting)
    assert discarded > 3
    assert outcome.unequal == []
    with store.reading() as moment:
        assert outcome.accounts == 10
        assert moment.count_events()[0] == 11 + 9 + discarded
    assert (again := rebuild(store)).equal
    assert again.events == 20 + discarded


# Together or not at all, and one at a time


DIES_WHILE_IT_SETTLES = """
import os, sys
from exposure.ledger import writing
from exposure.ledger.acts import dead_letters
from service.store import open_store
settle, settled = writing.Writing.settle_letter, []
def settle_or_die(*words):
    settled.append(1)
    if len(settled) > 12:
        os._exit(9)
    return settle(*words)
writing.Writing.settle_letter = settle_or_die
dead_letters.LETTERS_AT_ONCE = 10
store = open_store(sys.argv[1])
with store.reading() as moment:
    wanted = moment.open_letters()
getattr(dead_letters, sys.argv[2])(store, lambda: int(sys.argv[3]), wanted, dead_letters.Order("m.vogt", "the engine was upgraded"))
"""


@pytest.mark.parametrize("verb", ["retry", "discard"])
def test_who_dies_in_the_middle_leaves_whole_batches_and_the_next_goes_on(path: Path, store: Any, tmp_path: Path, verb: str) -> None:
    lines = [invoice(f"I-{number}") for number in range(25)]
    digests = refused_by_an_older_engine(store, *lines)
    clean = opened(tmp_path / "clean.db")
    refused_by_an_older_engine(clean, *lines)
    command = [sys.executable, "-c", DIES_WHILE_IT_SETTLES, url_of(path), verb, str(NOW)]
    assert subprocess.run(command, check=False).returncode == 9
    assert [len(told(store, digest)) for digest in digests] == [1] * 10 + [0] * 15
    assert len(listed(store)) == 15
    for one in (store, clean):
        getattr(letters, verb)(one, lambda: NOW, digests, UPGRADED)
    ours, theirs = kept(store), kept(clean)
    for part in ("buried", "derived", "names"):
        assert ours[part] == theirs[part]
    assert sorted(map(str, ours["log"])) == sorted(map(str, theirs["log"]))
    assert listed(store, settled=True) == listed(clean, settled=True)


def test_of_those_who_retry_the_same_letters_at_once_one_wins_each(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(letters, "LETTERS_AT_ONCE", 7)
    digests = refused_by_an_older_engine(opened(path), *(invoice(f"I-{number}", account=f"C-{number % 5}") for number in range(120)))
    results: list[Retried] = []
    both = [Thread(target=lambda: results.append(retried(opened(path), digests))) for _ in range(3)]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert len(results) == 3
    assert sum(one.retried for one in results) == 120
    assert sum(one.settled_before for one in results) == 240
    store = opened(path)
    assert {len(told(store, digest)) for digest in digests} == {1}
    with store.reading() as moment:
        assert moment.count_events()[0] == 240
    assert rebuild(store).equal


def test_a_feeder_who_knew_the_account_as_it_was_decides_again(path: Path, store: Any) -> None:
    feeder = Ledger(opened(path), lambda: NOW)
    fed(None, [invoice("I-0")], ledger=feeder)
    retried(store, refused_by_an_older_engine(store, invoice("I-1")))
    fed(None, [invoice("I-2")], ledger=feeder)
    assert shown(store)["exposure"]["receivables"] == "30.00"
