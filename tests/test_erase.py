"""Erasure on request: nobody reads a person's data any more, nothing recorded changes, and who wanted it stays."""

import threading
from contextlib import contextmanager
from pathlib import Path
from time import sleep
from typing import Any

import pytest

from exposure.ledger.acts import erasing
from exposure.ledger.acts.dead_letters import Order
from exposure.ledger.ledger import Ledger
from exposure.ledger.proof.verify import verify
from exposure.ledger.rebuild import rebuild
from exposure.ledger.records import Record, Source
from projections.account import Asked
from projections.dead_letters import dead_letters
from projections.history import history
from projections.promises import promise
from schemas.amends import DeadLetterErased
from service.collecting import promising
from tests import stores
from tests.alerting import at
from tests.command import exposure
from tests.patience import SECONDS_MAX
from tests.stores import DAY, NOW, derived, fed, figures, log, opened
from tests.test_ledger import CONTACT, PERSON, bytes_of, customer, event, invoice

pytestmark = pytest.mark.usefixtures("each_store")

WANTED = Order("d.officer", "request 17 of 2 March")
DAYS = ("2026-01-12", "2026-02-20", "2026-06-30")
UNREADABLE = b'{"subject":"C-9","name":"%s"}' % PERSON.encode()
NOBODYS = b'{"customer":"C-9","name":"%s"' % PERSON.encode()
EVERYTHING = [customer(), customer("2", version=2, nickname=PERSON), invoice("I-1", "10.00"), UNREADABLE, NOBODYS]


def erase(store: Any, account: str = "C-9", now: int = NOW + DAY) -> erasing.Erasure:
    done = erasing.erase(store, lambda: now, account, WANTED)
    assert done is not None
    return done


def personal(store: Any) -> list[Any]:
    with store.reading() as moment:
        return [told["personal"] for told in history(moment, "C-9") if "personal" in told]


def records(store: Any) -> list[Any]:
    with store.reading() as moment:
        return [letter.get("record") for letter in dead_letters(moment)]


def key_of(store: Any) -> bytes:
    with store.reading() as moment:
        return bytes(moment.keys(["C-9"])["C-9"])


def stored(store: Any, path: Path) -> bytes:
    """Every byte that the store has on the disk for its keys."""
    if stores.server is None:
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    with store.writing(0) as writing:
        return bytes(writing.rows("SELECT pg_read_binary_file(pg_relation_filepath('account_keys'))")[0][0])


def test_an_erased_person_is_read_nowhere_and_nothing_else_changes(store: Any) -> None:
    fed(store, EVERYTHING)
    before = figures(store, DAYS), derived(store), log(store)
    assert personal(store)[0] == {"name": PERSON, "contact": CONTACT}
    done = erase(store)
    assert (done.is_new, [(at, one.by, one.reason) for at, one in done.told]) == (True, [(NOW + DAY, *WANTED)])
    assert personal(store) == [None, None]
    assert sorted(records(store), key=str) == sorted([None, NOBODYS.decode()], key=str)
    assert (figures(store, DAYS), [row for row in log(store) if not row[0].startswith("erasure:")]) == (before[0], before[2])
    assert [row for row in derived(store) if "erasure:C-9" not in row] == before[1]
    assert verify(store).first_bad is None
    assert rebuild(store, lambda _: None).equal


def test_no_value_of_any_table_spells_an_erased_person_or_holds_the_key(store: Any) -> None:
    fed(store, EVERYTHING)
    key = key_of(store)
    assert key in bytes_of(store)
    erase(store)
    spelled = bytes_of(store)
    assert b"C-9" in spelled
    assert not [secret for secret in (PERSON.encode(), CONTACT.encode(), key, key.hex().encode()) if secret in spelled]


def test_the_bytes_of_a_key_are_gone_from_the_disk_once_the_file_is_written_anew(store: Any, path: Path) -> None:
    fed(store, [*EVERYTHING, *(customer(f"x{number}").replace(b"C-9", f"A-{number}".encode()) for number in range(300))])
    assert store.wipe()
    key = key_of(store)
    assert key in stored(store, path)
    erase(store)
    assert store.wipe()
    on_disk = stored(store, path)
    assert key not in on_disk
    assert PERSON.encode() not in on_disk
    assert verify(store).first_bad is None


def test_who_writes_the_file_anew_waits_for_those_who_see_what_was_before(store: Any, path: Path) -> None:
    fed(store, EVERYTHING)
    key, is_read, other = key_of(store), threading.Event(), opened(path)

    def read() -> None:
        with other.reading() as moment:
            assert moment.heads(["C-9"])
            is_read.set()
            sleep(0.5)

    reader = threading.Thread(target=read)
    reader.start()
    assert is_read.wait(SECONDS_MAX)
    erase(store)
    assert store.wipe()
    assert key not in stored(store, path)
    reader.join()


def test_who_erases_an_erased_person_again_is_answered_and_nothing_is_recorded(store: Any) -> None:
    fed(store, EVERYTHING)
    first = erase(store)
    again = erase(store, now=NOW + 2 * DAY)
    assert (again.is_new, again.told) == (False, first.told)
    fed(store, [invoice("I-2", "5.00", "C-8"), invoice("I-1", "5.001", "C-6")])
    assert (erase(store, "C-8").is_new, erase(store, "C-8").told) == (False, [])
    assert [erase(store, "C-6").is_new, erase(store, "C-6").is_new] == [True, False], "of whom only a dead letter is known"
    assert erasing.erase(store, lambda: NOW, "C-7", WANTED) is None


def test_what_is_told_of_an_erased_person_is_sealed_anew_and_can_be_erased_again(store: Any) -> None:
    fed(store, EVERYTHING)
    erase(store)
    fed(store, [customer("3", version=3)])
    assert personal(store) == [None, None, {"name": PERSON, "contact": CONTACT}]
    assert len(erase(store).told) == 2
    assert personal(store) == [None, None, None]


def test_a_batch_that_was_sealed_before_an_erasure_and_written_after_it_is_sealed_anew(store: Any, path: Path) -> None:
    """A feeder that has just read the old key must not bury the news of a person in it."""
    fed(store, EVERYTHING)
    other = opened(path)
    once = threading.Event()

    class Erased:
        """A store in which somebody is erased between what a batch reads and what it writes."""

        def __getattr__(self, name: str) -> Any:
            return getattr(store, name)

        @contextmanager
        def reading(self) -> Any:
            with store.reading() as moment:
                yield moment
            if not once.is_set():
                once.set()
                erase(other)

    Ledger(Erased(), lambda: NOW + DAY).take([Record(customer("3", version=3), 0)], Source("test"))
    assert once.is_set()
    assert personal(store) == [None, None, {"name": PERSON, "contact": CONTACT}]
    assert verify(store).first_bad is None


def test_a_note_on_a_promise_is_erased_with_the_person_and_the_promise_stays(store: Any) -> None:
    fed(store, EVERYTHING)
    words = promising.Wanted("C-9", "10.00", due="2026-03-31", note=f"{PERSON} said so")
    number = promising.make(store, words, "m.vogt", lambda: at("2026-03-02"))["promise"]

    def told() -> dict[str, Any]:
        with store.reading() as moment:
            return promise(moment, number, Asked(at("2026-03-03")))

    kept = figures(store, DAYS)
    assert told()["trail"][0]["note"] == f"{PERSON} said so"
    erase(store)
    promised = told()
    assert (promised["trail"][0]["note"], promised["amount"], promised["state"], figures(store, DAYS)) == (None, "10.00", "open", kept)
    assert PERSON.encode() not in bytes_of(store)
    assert verify(store).first_bad is None


def test_a_dead_letter_of_no_account_is_named_where_it_spells_the_account_and_erased_by_itself(store: Any) -> None:
    fed(store, [*EVERYTHING, b"C-10 has nothing to do with it"])
    (id_,) = erase(store).spelled_in
    digest = bytes.fromhex(id_)
    assert [erasing.erase_letters(store, lambda: NOW, [digest], WANTED) for _ in range(2)] == [1, 0]
    assert sorted(records(store), key=str) == sorted([None, None, "C-10 has nothing to do with it"], key=str)
    assert erase(store).spelled_in == []
    with store.reading() as moment:
        events = moment.events_of([f"dead_letter:{id_}"])
    assert [(row[3], row[6]) for row in events] == [(f"{DeadLetterErased.__name__}.v1", WANTED.by)]
    assert verify(store).first_bad is None


def test_the_command_says_what_it_did_and_the_history_says_that_it_was_done(store: Any, path: Path) -> None:
    fed(store, EVERYTHING)
    why = ("--reason", WANTED.reason, "--by", WANTED.by)
    said = exposure("erase", "C-9", *why, "--json", "--vacuum", store=path).json
    assert (said["erased"], said["wiped"], len(said["erasures"]), len(said["spelled_in"])) == (True, True, 1, 1)
    assert exposure("erase", "--letter", said["spelled_in"][0], *why, "--json", store=path).json == {"letters_erased": 1, "wiped": None}
    again = exposure("erase", "C-9", *why, store=path)
    assert (again.exit_code, "nothing personal was told since" in again.out) == (0, True)
    told = exposure("history", "C-9", "--json", store=path).json["events"]
    assert [one["personal"] for one in told if "personal" in one] == [None, None]
    assert [(one["actor"], one["data"]["reason"]) for one in told if one["type"] == "exposure.person_erased.v1"] == [(WANTED.by, WANTED.reason)]
    unknown = exposure("erase", "C-7", *why, "--json", store=path)
    assert (unknown.exit_code, unknown.json["error"]["code"]) == (1, "unknown_account")
    assert exposure("erase", *why, store=path).exit_code == 2


def test_a_name_typed_into_a_document_can_not_come_out_by_what_is_not_sealed(store: Any) -> None:
    """What the contract has no field for is sealed with the whole record, wherever it was told."""
    data = {"invoice": "I-7", "date": "2026-01-12", "currency": "EUR", "amount": "10.00", "due": "2026-02-11", "contact": PERSON}
    fed(store, [event("7", "erp.invoice.posted.v1", "C-9", data)])
    erase(store)
    assert PERSON.encode() not in bytes_of(store)
    assert personal(store) == [None]
