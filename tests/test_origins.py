"""Where an event stood in its topic or its file is kept with it, and it is that place and no other."""

import gzip
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consumers.feed import feed
from exposure.ledger.acts.dead_letters import Order, retry
from exposure.ledger.batch import Stood
from exposure.ledger.ledger import Ledger
from exposure.ledger.origins import decoded, encoded
from exposure.ledger.proof.verify import verify
from exposure.ledger.rebuild import rebuild
from exposure.ledger.records import Record, Source
from projections.account import Asked
from projections.explanation import explain
from projections.history import history
from schemas.jsontext import read, written
from schemas.told import Unreadable
from service.sample import sample
from tests.command import exposure
from tests.letters import invoice
from tests.stores import NOW, alter, fed, log, opened
from tests.test_branch_payments import BOTH, BRANCH, PARENT, payment, to_branch
from tests.test_branch_payments import invoice as billed

EXAMPLE = Path(__file__).with_name("contract_example.jsonl")
LINES = list(sample(400, seed=5, accounts=6))
on_both = pytest.mark.usefixtures("each_store")


@settings(max_examples=200)
@given(st.lists(st.tuples(st.integers(0, 2_000), st.integers(-(1 << 62), 1 << 62)), min_size=1))
def test_places_come_back_as_they_were_kept(stood: list[Stood]) -> None:
    places = [(index, offset // 2) for index, offset in stood]
    assert decoded(encoded(places)) == places


def accounts(store: Any) -> list[str]:
    with store.reading() as moment:
        return moment.account_names()


def origins(store: Any, account: str = "C-1001") -> dict[str, Any]:
    """By the names of the account's events."""
    with store.reading() as moment:
        return {event["id"]: event["origin"] for event in history(moment, account)}


@on_both
@pytest.mark.parametrize("name", ["events.jsonl", "events.jsonl.gz"])
def test_an_event_of_a_file_is_the_line_that_begins_at_its_byte(store: Any, tmp_path: Path, name: str) -> None:
    text, file = b"\n\n".join(LINES), tmp_path / name
    file.write_bytes(gzip.compress(text) if name.endswith(".gz") else text)
    feed(Ledger(store, lambda: NOW), str(file), batch=37)
    found = {id_: origin for account in accounts(store) for id_, origin in origins(store, account).items() if origin}
    assert len(found) > 300
    for id_, origin in found.items():
        assert (origin["file"], origin["generation"]) == (str(file), 1)
        assert read(text[origin["byte"] :].splitlines()[0])["id"] == id_


@on_both
def test_an_event_of_a_topic_is_the_record_at_its_offset_and_offsets_have_gaps(store: Any) -> None:
    ledger = Ledger(store, lambda: NOW)
    stood: dict[str, tuple[int, int]] = {}
    for partition, part in enumerate((LINES[:150], LINES[140:290], LINES[290:])):
        records = [Record(line, 10_000_000_000 + place * place) for place, line in enumerate(part)]
        for record in records:
            stood.setdefault(read(record.raw)["id"], (partition, record.position))
        for start in range(0, len(records), 40):
            ledger.take(records[start : start + 40], Source(f"kafka:erp.events:{partition}"))
    for account in accounts(store):
        for id_, origin in origins(store, account).items():
            if origin is not None:
                partition, offset = stood[id_]
                assert origin == {"topic": "erp.events", "partition": partition, "offset": offset}


@on_both
def test_a_file_that_was_replaced_is_another_one_of_the_same_name(store: Any, tmp_path: Path) -> None:
    file, lines = tmp_path / "events.jsonl", EXAMPLE.read_bytes().splitlines(keepends=True)
    for part in (lines[:2], lines[2:]):
        file.write_bytes(b"".join(part))
        feed(Ledger(store, lambda: NOW), str(file))
    found = [(origin["generation"], origin["byte"]) for origin in origins(store).values()]
    assert found[0] == (1, 0)
    assert found[2:4] == [(2, 0), (2, len(lines[2]))]


@on_both
def test_a_letter_that_is_taken_after_all_stood_where_the_letter_did(store: Any) -> None:
    unknown = Unreadable("unknown_type", "an older engine did not take it", "C-9")
    for source, position in (("kafka:erp.invoices:2", 4711), ("file:/erp/late#1.jsonl", 272)):
        Ledger(store, lambda: NOW).take([Record(invoice(f"I-{position}"), position, unknown)], Source(source))
    with store.reading() as moment:
        digests = moment.open_letters()
    retry(store, lambda: NOW, digests, Order("m.vogt", "the engine was upgraded"))
    assert origins(store, "C-9") == {
        "I-4711": {"topic": "erp.invoices", "partition": 2, "offset": 4711},
        "I-272": {"file": "/erp/late#1.jsonl", "generation": None, "byte": 272},
    }


@on_both
def test_what_the_engine_says_itself_stood_nowhere(store: Any) -> None:
    events = [*BOTH, billed("I-1", "2026-01-10", "400.00", of=BRANCH), payment("77", "2026-01-20", "500.00", to_branch("I-1", "400.00"))]
    fed(store, [written(event) for event in events])
    by_type = {event["type"]: event["origin"] for account in (PARENT, BRANCH) for event in told(store, account)}
    assert by_type.pop("exposure.payment.transferred.v1") is None
    assert by_type.pop("erp.payment.received.v1") == {"input": "test", "position": len(events) - 1}
    assert None not in by_type.values()


def told(store: Any, account: str) -> list[Any]:
    with store.reading() as moment:
        return list(history(moment, account))


@on_both
def test_places_are_no_part_of_what_is_proved_and_are_unknown_where_nobody_kept_them(path: Path) -> None:
    store, elsewhere = opened(path), opened(path.with_name("elsewhere.db"))
    _, *lines = EXAMPLE.read_bytes().splitlines()  # a name would be sealed, and never the same twice
    fed(store, lines)
    for place, line in enumerate(lines):
        Ledger(elsewhere, lambda: NOW).take([Record(line, place)], Source("kafka:erp.invoices:1"))
    assert log(store) == log(elsewhere)
    with store.reading() as one, elsewhere.reading() as other:
        assert one.log_end().hash == other.log_end().hash
    alter(store, "DELETE FROM origins")
    assert verify(store).first_bad is None
    assert rebuild(store).equal
    assert set(origins(store).values()) == {None}


@on_both
def test_an_explanation_names_the_place_of_every_event(path: Path) -> None:
    assert exposure("feed", EXAMPLE, store=path).exit_code == 0
    with opened(path).reading() as moment:
        explained = explain(moment, "C-1001", Asked(NOW + (1 << 50), "2026-02-20", None))
    assert {event["origin"]["file"] for one in explained["documents"] for event in one["events"]} == {str(EXAMPLE.resolve())}
    assert f"from {EXAMPLE.resolve()} at 0\n" in exposure("history", "C-1001", store=path).out
    assert f", from {EXAMPLE.resolve()} at " in exposure("explain", "C-1001", "--as-of", "2026-02-20", store=path).out
