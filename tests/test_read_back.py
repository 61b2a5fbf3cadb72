"""What a restored store lacks of the decisions is read back from what was told of them: with their ids, and before anybody asks again."""

from pathlib import Path
from typing import Any

import pytest

from consumers.messages import structured
from consumers.told_before import from_file
from exposure.ledger.acts.dead_letters import Order
from exposure.ledger.acts.decisions import digest_of
from exposure.ledger.acts.policies import adopt
from exposure.ledger.out.read_back import ReadBack, read_back
from exposure.ledger.proof.evidence import export
from exposure.ledger.proof.verify import verify
from exposure.ledger.rebuild import rebuild
from projections.account import Asked, show
from projections.decisions import shown
from projections.history import history
from schemas.facts import OrderChecked
from schemas.jsontext import read, written
from schemas.policy_file import read_policy
from service.deciding.checking import Request, check
from service.deciding.reserving import reserve
from service.keeping.backing_up import backup_store, restore_store
from service.shown.output import Output
from service.standalone.verify_evidence import Bad, verified
from tests.asking import asked
from tests.broker import fresh
from tests.command import exposure
from tests.mutilating import made
from tests.stores import NOW, alter, fed, opened, taken
from tests.test_ledger import event, invoice

pytestmark = pytest.mark.usefixtures("each_store")

WHY = Order("d.admin", "the copy of Tuesday was restored")
MINUTE = 60_000_000
LIMIT = {"limit": "L-1", "version": 1, "kind": "base", "amount": "1000.00", "currency": "EUR", "valid_from": "2024-01-01"}
LINE = {"line": "1", "quantity": "1", "unit_price": "300.00"}
CONFIRMED = {"order": "O-1", "version": 1, "date": "2024-10-04", "currency": "EUR", "lines": [LINE]}


def clock(minutes: int) -> Any:
    return lambda: NOW + minutes * MINUTE


def decided(store: Any) -> list[dict[str, Any]]:
    """The messages of decisions that wait, and a reservation, a named check and one that is held among them."""
    reserve(store, Request("C-9", "O-1", "700.00", "EUR", "R-1", holds=True), clock(1), "shop")
    check(store, Request("C-9", "O-2", "100", None, "R-2"), clock(2), "k.weiss")
    check(store, Request("C-9", "O-3", "900.00"), clock(3), "k.weiss")
    return messages(store)


def messages(store: Any) -> list[dict[str, Any]]:
    with store.reading() as moment:
        rows = moment.rows("SELECT payload, message_id, key, recorded_at FROM outbox WHERE topic = 'credit.decisions' ORDER BY id")
    return [read(structured(read(payload), id_, key, at)) for payload, id_, key, at in rows]


@pytest.fixture
def lost(store: Any, tmp_path: Path) -> tuple[Any, Any, Path]:
    """A store with decisions, an older copy of it that is restored elsewhere, and what was told of the decisions."""
    fed(store, [event("L-1", "erp.limit.changed.v1", "C-9", LIMIT), invoice("I-1", "10.00")])
    backup_store(store, str(tmp_path / "b.db"), Output(json=True))
    file = tmp_path / "decisions.jsonl"
    file.write_bytes(b"\n".join(map(written, decided(store))) + b"\n")
    restore_store(str(tmp_path / "b.db"), lambda: opened(tmp_path / "copy.db"), Output(json=True))
    return store, opened(tmp_path / "copy.db"), file


def streams(store: Any) -> list[Any]:
    """What was decided and reserved, as recorded; not when, and not by whom it was."""
    with store.reading() as moment:
        rows = moment.rows("SELECT originator_id, topic, state FROM stored_events ORDER BY originator_id, originator_version")
    return [(stream, topic, read(state)) for stream, topic, state in rows if not stream.startswith("read_back:")]


def figures(store: Any) -> Any:
    with store.reading() as moment:
        told = show(moment, "C-9", Asked(NOW + 9 * MINUTE))
    return {name: told[name] for name in ("exposure", "available", "pending", "open_orders")}


def test_what_was_decided_answered_and_reserved_is_recorded_as_it_was(lost: Any) -> None:
    store, copy, file = lost
    assert read_back(copy, clock(60), from_file(str(file)), WHY) == ReadBack(read=3, decisions=3, answers=2, reservations=1)
    assert streams(copy) == streams(store)
    assert figures(copy) == figures(store)
    assert figures(copy)["exposure"]["reserved"] == "700.00"
    assert verify(copy).first_bad is None
    assert rebuild(copy, lambda _: None).equal


def test_evidence_says_that_the_policy_of_what_was_read_back_was_adopted_in_the_store_that_was_lost(lost: Any) -> None:
    store, copy, file = lost
    adopt(store, clock(4), read_policy('name = "P"\ncurrency = "EUR"\n[[class]]\n'), "board", "decided")
    check(store, Request("C-9", "O-4", "1.00"), clock(5), "k.weiss")
    file.write_bytes(b"\n".join(map(written, messages(store))) + b"\n")
    read_back(copy, clock(60), from_file(str(file)), WHY)
    checkpoint = made(copy)
    with copy.reading() as moment:
        lines = [written(line) for line in export(moment, "C-9", checkpoint)]
    assert len(verified(lines, checkpoint.key).elsewhere) == 1
    assert read(lines[-1])["stream"].startswith("read_back:")
    with pytest.raises(Bad, match="its adoption is missing"):
        verified(lines[:-1], checkpoint.key)


def test_reading_back_again_records_nothing(lost: Any) -> None:
    store, copy, file = lost
    read_back(copy, clock(60), from_file(str(file)), WHY)
    for one in (copy, store):
        before = streams(one)
        assert read_back(one, clock(90), from_file(str(file)), WHY) == ReadBack(read=3)
        assert streams(one) == before


def test_who_asks_again_gets_the_answer_of_before_and_no_credit_is_given_twice(lost: Any) -> None:
    _, copy, file = lost
    first = next(from_file(str(file))).data
    read_back(copy, clock(60), from_file(str(file)), WHY)
    again = reserve(copy, Request("C-9", "O-1", "700.00", "EUR", "R-1", holds=True), clock(61), "shop")
    assert again["decision_id"] == first["decision_id"]
    assert check(copy, Request("C-9", "O-4", "500.00"), clock(62), "k.weiss")["reasons"] == ["over_limit"]


def test_it_does_not_matter_whether_the_order_came_again_before(lost: Any) -> None:
    store, copy, file = lost
    order = event("O-1", "erp.order.confirmed.v1", "C-9", CONFIRMED)
    fed(copy, [order])
    read_back(copy, clock(60), from_file(str(file)), WHY)
    fed(store, [order])
    assert figures(copy) == figures(store)
    assert figures(copy)["exposure"]["orders"] == "300.00"


def test_it_is_told_that_it_was_read_back_by_whom_and_when(lost: Any) -> None:
    _, copy, file = lost
    read_back(copy, clock(60), from_file(str(file)), WHY)
    first = next(from_file(str(file)))
    with copy.reading() as moment:
        told = shown(moment, first.data["decision_id"])
        events = [one for one in history(moment, "C-9") if one["type"] == "exposure.decision_read_back.v1"]
    assert (told["by"], told["reproduced"], told["read_back"]["by"], told["read_back"]["told"]) == ("shop", None, WHY.by, first.time)
    assert next((one["actor"], one["data"]["message"]) for one in events) == (WHY.by, first.id)
    assert len(events) == 3


def test_what_says_another_thing_than_its_id_was_made_of_is_not_read_back(lost: Any, tmp_path: Path) -> None:
    _, copy, file = lost
    one = read(file.read_bytes().splitlines()[0])
    forged = {**one, "data": {**one["data"], "inputs": {**one["data"]["inputs"], "after": "0"}}}
    for number, line in enumerate([forged, {**one, "type": "credit.alert.raised.v1"}, {**one, "data": {}}, [], {}]):
        other = tmp_path / f"{number}.jsonl"
        other.write_bytes(written(line) + b"\n")
        assert read_back(copy, clock(60), from_file(str(other)), WHY) == ReadBack(read=1, unknown=1)


FORGED: dict[str, dict[str, Any]] = {
    "verdict": {"decision": "approved", "reasons": []},
    "reasons": {"reasons": ["blocked"]},
    "amount": {"amount": "9.00"},
    "currency": {"currency": "USD"},
    "order": {"order": "O-9"},
    "account": {"account": "C-1"},
    "day": {"as_of": "2024-10-05"},
    "policy": {"policy": "P"},
    "before": {"exposure_before": "0.00"},
    "after": {"exposure_after": "1.00"},
    "limit": {"limit": {"amount": "5000.00", "kind": "base", "valid_to": None}},
    "available": {"available_after": "1.00"},
    "warnings": {"warnings": ["near_limit"]},
    "findings": {"findings": []},
    "judged": {"judged": {"gross": "1.00", "protection": "0.00", "limit": "1000.00", "net": "1.00", "available": "999.00"}},
    "group": {"group": {"node": "C-1"}},
    "other account": {"instead_of": "C-1"},
    "reservation": {"reservation": "R"},
    "lost to": {"lost_to": [{"account": "C-9"}]},
    "release": {"released": "R"},
    "request": {"request": "R-9", "request_words": ["O-3", "900.00", None]},
    "what is reserved": {"reserved": {"order": "O-3"}},
}
"""What may be made of the third decision, that is held: each says another thing than its inputs."""


def unread(copy: Any, folder: Path, *lines: Any) -> list[str]:
    file, said = folder / "altered.jsonl", list[str]()
    file.write_bytes(b"\n".join(map(written, lines)) + b"\n")
    before = streams(copy)
    counts = read_back(copy, clock(60), from_file(str(file)), WHY, lambda told, why: said.append(f"{told.place}: {why}"))
    assert (counts, streams(copy)) == (ReadBack(read=len(lines), unknown=len(said)), before)
    return said


@pytest.mark.parametrize("what", FORGED)
def test_nothing_that_a_decision_says_can_be_altered(lost: Any, tmp_path: Path, what: str) -> None:
    _, copy, file = lost
    held = read(file.read_bytes().splitlines()[2])
    (why,) = unread(copy, tmp_path, {**held, "data": {**held["data"], **FORGED[what]}})
    assert why.startswith("line 1: ")


def test_nor_what_is_reserved_or_was_asked_by_one_that_approves(lost: Any, tmp_path: Path) -> None:
    _, copy, file = lost
    reserved = read(file.read_bytes().splitlines()[0])
    data = reserved["data"]
    altered = [
        {"reserved": {**data["reserved"], "amount": "7000.00"}},
        {"reserved": {**data["reserved"], "until": "2030-01-01T00:00:00"}},
        {"reserved": {**data["reserved"], "order": "O-2"}},
        {"request_words": ["O-1", "70.00", "EUR", "reserve", None]},
        {"request_words": ["O-1", "700.00", "EUR"]},
        {"request": "R-2"},
        {"reservation": None},
    ]
    said = unread(copy, tmp_path, *({**reserved, "data": {**data, **one}} for one in altered), {**reserved, "id": "R-1"})
    assert [why.partition(":")[0] for why in said] == [f"line {number}" for number in range(1, 9)]


def test_who_makes_the_id_anew_can_not_approve_what_is_over_the_limit(lost: Any, tmp_path: Path) -> None:
    _, copy, file = lost
    held = read(file.read_bytes().splitlines()[2])
    inputs = {**held["data"]["inputs"], "findings": []}
    id_ = digest_of("C-9", inputs)
    forged = {**held["data"], "decision_id": id_, "inputs": inputs, "decision": "approved", "reasons": [], "findings": []}
    (why,) = unread(copy, tmp_path, {**held, "id": id_, "data": forged})
    assert why == "line 1: findings: over_limit: it says False, and by its inputs it is True"


def test_the_command_says_why_a_message_was_not_read_back_and_exits_3(lost: Any, tmp_path: Path) -> None:
    _, copy, file = lost
    copy.datastore.close()
    one, _, held = file.read_bytes().splitlines()
    (tmp_path / "two.jsonl").write_bytes(one + b"\n\n" + held.replace(b'"decision":"held"', b'"decision":"approved"') + b"\n{}\n")
    said = exposure("read-back", tmp_path / "two.jsonl", "--reason", WHY.reason, "--by", WHY.by, store=tmp_path / "copy.db")
    assert (said.exit_code, said.out) == (
        3,
        "read 3  decisions 1  answers 1  reservations 1  measures 0  notices 0  releases 0  limits 0  promises 0  unknown 2\n",
    )
    assert said.err.splitlines() == [
        "exposure: line 3: not read back: decision: it says 'approved', and by its inputs it is 'held'",
        "exposure: line 4: not read back: it is no event with id, type, time and data",
    ]


def test_a_decision_that_was_read_back_and_does_not_say_what_follows_from_its_inputs_is_no_good(lost: Any, tmp_path: Path) -> None:
    _, copy, file = lost
    read_back(copy, clock(60), from_file(str(file)), WHY)
    held = read(file.read_bytes().splitlines()[2])["data"]
    forged = {name: held[name] for name in OrderChecked._fields} | {"decision": "approved", "reasons": []}
    alter(copy, "UPDATE stored_events SET state = ? WHERE originator_id = ?", written(forged), f"decision:{held['decision_id']}")
    copy.datastore.close()
    said = exposure("decision", held["decision_id"], "--json", store=tmp_path / "copy.db")
    assert (said.exit_code, said.json["reproduced"], [one["field"] for one in said.json["differences"]]) == (3, False, ["decision", "reasons"])
    last = exposure("decision", held["decision_id"], store=tmp_path / "copy.db").out.splitlines()[-1]
    assert last == "read back by d.admin: it was made of another log, and does not say what follows from its inputs"


def test_from_kafka_what_was_asked_by_events_is_not_answered_otherwise_after_a_restore(
    path: Path, store: Any, tmp_path: Path, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = fresh(kafka).make(1)
    for name, value in topics.environment.items():
        monkeypatch.setenv(name, value)
    facts = [event("L-1", "erp.limit.changed.v1", "C-9", LIMIT), invoice("I-1", "10.00")]
    topics.send([("erp.limits", b"C-9", line, []) for line in facts])
    assert topics.consume(path).exit_code == 0
    backup_store(store, str(tmp_path / "b.db"), Output(json=True))
    questions = [asked("R-1", "C-9", "O-1", "700.00"), asked("R-2", "C-7", "O-2", "1.00")]
    topics.send([("credit.requests", b"C-9", line, []) for line in questions])
    assert topics.consume(path).exit_code == 0
    elsewhere = tmp_path / "copy.db"
    restore_store(str(tmp_path / "b.db"), lambda: opened(elsewhere), Output(json=True))
    said = exposure("read-back", "--reason", WHY.reason, "--by", WHY.by, "--json", store=elsewhere)
    assert said.json == {
        "read": 2,
        "decisions": 1,
        "answers": 2,
        "reservations": 0,
        "measures": 0,
        "notices": 0,
        "releases": 0,
        "limits": 0,
        "promises": 0,
        "unknown": 0,
    }
    assert topics.consume(elsewhere, "--group", f"{topics.prefix}elsewhere").json["recorded"] == 2
    copy = opened(elsewhere)
    assert streams(copy) == streams(store)
    assert messages(copy) == [], "nothing is answered anew"
    assert taken(copy) == taken(store)
