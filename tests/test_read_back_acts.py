"""What a restored store lacks of measures and dunning notices is read back from what was told of them, and nobody is measured or dunned twice."""

from pathlib import Path
from typing import Any

import pytest

from consumers.messages import structured
from consumers.told_before import from_file
from exposure.ledger.acts import dunning as notices
from exposure.ledger.acts import measures
from exposure.ledger.acts.dead_letters import Order
from exposure.ledger.acts.policies import adopt
from exposure.ledger.out.read_back import TOPICS, ReadBack, read_back
from exposure.ledger.proof.evidence import export
from exposure.ledger.proof.verify import verify
from exposure.ledger.rebuild import rebuild
from projections import dunned
from projections.account import Asked, show
from projections.measures import measures as measured
from schemas.jsontext import read, written
from service.collecting import dunning, measuring
from service.keeping.backing_up import backup_store, restore_store
from service.running.ticking import tick
from service.shown.output import Output
from service.standalone.verify_evidence import verified
from tests.alerting import at, told
from tests.command import exposure
from tests.measuring import LATE, Desk, of_policy
from tests.mutilating import made
from tests.stores import fed, opened
from tests.test_dunning import INTEREST
from tests.test_dunning_runs import Desk as Dunned
from tests.test_rules import ACCOUNT, Json, invoice

pytestmark = pytest.mark.usefixtures("each_store")

WHY = Order("d.admin", "the copy of Tuesday was restored")
LATER = at("2026-06-01")
MEASURES = '{ on = "overdue", step = 1, take = "stop_deliveries" }, { on = "near_limit", take = "lower_limit", share = "0.8", alone = true }'
NEAR = invoice("I-5", "2026-02-01", "560.00", due="2026-12-31")
LATER_BILL = invoice("I-2", "2026-03-01", "90.00", due="2026-04-10")


def messages(store: Any) -> list[bytes]:
    """What waits to be told on the topics that are read back, as it goes out."""
    with store.reading() as moment:
        among = ", ".join(f"'{topic}'" for topic in TOPICS)
        rows = moment.rows(f"SELECT payload, message_id, key, recorded_at FROM outbox WHERE topic IN ({among}) ORDER BY id")
    return [structured(read(payload), id_, key, recorded_at) for payload, id_, key, recorded_at in rows]


def copied(store: Any, folder: Path) -> Any:
    """An older copy of a store, restored elsewhere."""
    backup_store(store, str(folder / "b.db"), Output(json=True))
    restore_store(str(folder / "b.db"), lambda: opened(folder / "copy.db"), Output(json=True))
    return opened(folder / "copy.db")


def had_back(copy: Any, lines: list[bytes], folder: Path, now: int = at("2026-02-20")) -> ReadBack:
    file = folder / "told.jsonl"
    file.write_bytes(b"\n".join(lines) + b"\n")
    return read_back(copy, lambda: now, from_file(str(file)), WHY)


def recorded(store: Any, *kinds: str) -> dict[str, list[Any]]:
    """What was said in the streams whose names begin so; not when, and not who recorded it."""
    said: dict[str, list[Any]] = {}
    with store.reading() as moment:
        for stream, topic, state in moment.rows("SELECT originator_id, topic, state FROM stored_events ORDER BY originator_id, originator_version"):
            if stream.startswith(kinds):
                said.setdefault(stream, []).append((topic, read(state)))
    return said


def figures(store: Any) -> list[Json]:
    with store.reading() as moment:
        on = [show(moment, ACCOUNT, Asked(LATER, day)) for day in ("2026-02-11", "2026-02-13", "2026-02-20", "2026-05-31")]
    return [{name: value for name, value in one.items() if name not in ("sources", "known_at")} for one in on]


# ------------------------------------------------------------------ measures


@pytest.fixture
def desk(path: Path) -> Desk:
    """A measure waits for a yes."""
    desk = Desk(path, MEASURES)
    desk.tell(LATE, day="2026-02-12")
    return desk


def test_measures_are_read_back_with_the_limits_they_made_and_are_not_proposed_again(desk: Desk, tmp_path: Path) -> None:
    """What waited in the copy was approved behind it; a limit was lowered by the policy alone and lifted by somebody; somebody's own was rejected."""
    copy = copied(desk.store, tmp_path)
    desk.act("approve")
    desk.tell(NEAR, day="2026-02-13")
    desk.day = "2026-02-20"
    desk.act("lift", place=[one["take"] for one in desk.listed()].index("lower_limit"))
    desk.propose("prepayment")
    desk.act("reject", place=[one["take"] for one in desk.listed()].index("prepayment"))
    assert sorted(desk.states()) == [("lower_limit", "lifted"), ("prepayment", "rejected"), ("stop_deliveries", "applied")]
    fed(copy, [written(NEAR)], now=at("2026-02-13"))
    lines, waiting = messages(desk.store), messages(copy)
    assert had_back(copy, lines, tmp_path) == ReadBack(read=7, measures=6)
    assert recorded(copy, "measure:") == recorded(desk.store, "measure:")
    assert figures(copy) == figures(desk.store)
    assert [one["limit"]["amount"] for one in figures(copy)] == ["1000.00", "800.00", "1000.00", "1000.00"]
    assert messages(copy) == waiting, "nothing is told again"
    assert had_back(copy, lines, tmp_path) == ReadBack(read=7)
    for store in (copy, desk.store):
        tick(store, lambda: at("2026-02-20"))
    assert recorded(copy, "measure:") == recorded(desk.store, "measure:"), "an alert that is found again proposes nothing again"
    assert (verify(copy).first_bad, rebuild(copy, lambda _: None).equal) == (None, True)


def test_what_somebody_rejected_is_not_proposed_again_when_its_alert_is_found_again(path: Path, tmp_path: Path) -> None:
    desk = Desk(path, MEASURES)
    copy = copied(desk.store, tmp_path)
    desk.tell(LATE, day="2026-02-12")
    desk.act("reject")
    had_back(copy, messages(desk.store), tmp_path, at("2026-02-12"))
    told(copy, [LATE], "2026-02-12")
    assert recorded(copy, "measure:", "alerts:") == recorded(desk.store, "measure:", "alerts:")


def test_what_the_restored_store_decided_otherwise_of_a_measure_stays(desk: Desk, tmp_path: Path) -> None:
    copy, measure = copied(desk.store, tmp_path), desk.listed()[0]["measure"]
    desk.act("approve")
    measuring.act(copy, measuring.Act("reject", measure, "j.albers", "they paid"), lambda: at("2026-02-12"))
    assert had_back(copy, messages(desk.store), tmp_path) == ReadBack(read=2)
    with copy.reading() as moment:
        known = measures.trail(moment, measure)
    assert known is not None
    assert known.state == "rejected"


def test_of_a_measure_that_nobody_proposed_or_of_another_id_nothing_is_recorded(path: Path, tmp_path: Path) -> None:
    desk = Desk(path, MEASURES)
    copy = copied(desk.store, tmp_path)
    desk.tell(LATE, day="2026-02-12")
    desk.act("approve")
    proposed, applied = map(read, messages(desk.store))
    forged = {**proposed, "data": {**proposed["data"], "take": "watch"}}
    less = {**proposed, "data": {name: value for name, value in proposed["data"].items() if name != "days"}}
    assert had_back(copy, list(map(written, (applied, forged, less))), tmp_path) == ReadBack(read=3, unknown=3)


def test_history_says_of_each_that_it_was_read_back(desk: Desk, tmp_path: Path) -> None:
    copy, measure = copied(desk.store, tmp_path), desk.listed()[0]["measure"]
    desk.act("approve")
    had_back(copy, messages(desk.store), tmp_path)
    copy.datastore.close()
    said = [one for one in exposure("history", ACCOUNT, "--json", store=tmp_path / "copy.db").json["events"] if one["actor"] == WHY.by]
    assert [one["type"] for one in said] == ["exposure.measure_approved.v1", "exposure.decision_read_back.v1", "exposure.measure.applied.v1"]
    assert (said[1]["id"], said[1]["data"]["reason"]) == (f"read_back:{measure}", WHY.reason)


def test_what_is_read_back_where_nothing_is_known_of_the_account_is_listed_by_days_of_utc(desk: Desk, tmp_path: Path) -> None:
    copy = opened(tmp_path / "empty.db")
    had_back(copy, messages(desk.store), tmp_path, at("2026-02-12", "23:30:00+00:00"))
    with copy.reading() as moment:
        found = [measured(moment, None, Asked(LATER, day), None) for day in ("2026-02-11", "2026-02-12")]
    assert [[one["state"] for one in of_day] for of_day in found] == [[], ["proposed"]]


# ------------------------------------------------------------------ dunning notices


def shown(store: Any) -> list[Json]:
    with store.reading() as moment:
        return [dunned.shown(moment, one) for one in notices.trails(moment)]


def test_notices_are_read_back_and_who_was_dunned_is_not_dunned_again(path: Path, tmp_path: Path) -> None:
    """The first went out before the copy. Behind it two go out, one is proposed to the lawyers, of which nobody is told, and one is taken back."""
    desk = Dunned(path)
    desk.runs(5)
    copy = copied(desk.store, tmp_path)
    desk.runs(15, 30)
    desk.tell(LATER_BILL)
    (proposed,), (other,) = desk.run(60), desk.run(65)
    assert (proposed["number"], proposed["state"], other["number"], other["state"]) == (4, "proposed", 5, "issued")
    desk.cancel(other)
    fed(copy, [written(LATER_BILL)], now=desk.now())
    lines, waiting = messages(desk.store), messages(copy)
    assert had_back(copy, lines, tmp_path, desk.now()) == ReadBack(read=5, notices=4)
    sent = recorded(desk.store, "dunning:")
    assert recorded(copy, "dunning:") == {stream: said for stream, said in sent.items() if stream != notices.stream_of(proposed["notice"])}
    assert [(one["number"], one["state"], one["reproduced"], (one["read_back"] or {}).get("by")) for one in shown(copy)] == [
        (1, "issued", True, None),
        (2, "issued", None, WHY.by),
        (3, "issued", None, WHY.by),
        (5, "cancelled", None, WHY.by),
    ]
    assert messages(copy) == waiting, "nothing is told again"
    assert had_back(copy, lines, tmp_path, desk.now()) == ReadBack(read=5)
    desk.days = 75
    again = dunning.run(copy, (), "nightly", desk.now)["notices"]
    assert [(one["number"], one["level"], one["state"]) for one in again] == [(6, 1, "issued"), (7, 4, "proposed")]
    assert [one["reproduced"] for one in shown(copy)] == [True, None, None, None, True, True]
    assert (verify(copy).first_bad, rebuild(copy, lambda _: None).equal) == (None, True)


def test_without_it_the_same_notice_would_go_out_twice(path: Path, tmp_path: Path) -> None:
    desk = Dunned(path)
    copy = copied(desk.store, tmp_path)
    (sent,) = desk.run(5)
    assert [one["notice"] for one in dunning.foreseen(copy, (), desk.now)["notices"]] == [sent["notice"]]
    had_back(copy, messages(desk.store), tmp_path, desk.now())
    assert dunning.foreseen(copy, (), desk.now)["notices"] == []


def test_a_notice_that_was_approved_behind_the_copy_goes_on_from_its_proposal(path: Path, tmp_path: Path) -> None:
    desk = Dunned(path)
    desk.runs(5, 15, 30)
    (proposed,) = desk.run(60)
    copy = copied(desk.store, tmp_path)
    desk.approve(proposed, "head")
    assert had_back(copy, messages(desk.store), tmp_path) == ReadBack(read=4, notices=1)
    assert recorded(copy, "dunning:") == recorded(desk.store, "dunning:")


def test_a_notice_of_another_number_and_one_taken_back_that_never_went_out_are_unknown(path: Path, tmp_path: Path) -> None:
    desk = Dunned(path)
    copy = copied(desk.store, tmp_path)
    desk.cancel(desk.run(5)[0])
    noticed, cancelled = map(read, messages(desk.store))
    forged = {**noticed, "data": {**noticed["data"], "number": 2}}
    assert had_back(copy, list(map(written, (forged, cancelled))), tmp_path) == ReadBack(read=2, unknown=2)


def test_the_command_says_of_a_notice_that_it_was_made_of_another_log(path: Path, tmp_path: Path) -> None:
    desk = Dunned(path)
    copy, elsewhere = copied(desk.store, tmp_path), tmp_path / "copy.db"
    copy.datastore.close()
    (notice,) = desk.run(5)
    (tmp_path / "told.jsonl").write_bytes(b"\n".join(messages(desk.store)))
    said = exposure("read-back", tmp_path / "told.jsonl", "--reason", WHY.reason, "--by", WHY.by, store=elsewhere)
    assert said.out == "read 1  decisions 0  answers 0  reservations 0  measures 0  notices 1  releases 0  limits 0  promises 0  unknown 0\n"
    for day, count in (("2026-02-15", 0), ("2026-02-16", 1)):
        said = exposure("dunning", "--as-of", day, "--json", store=elsewhere)
        assert len(said.json["notices"]) == count, "it is there from its own day on"
    said = exposure("dunning", "show", notice["notice"], store=elsewhere)
    assert (said.exit_code, said.out.splitlines()[-1]) == (0, "read back by d.admin: it was made of another log")


# ------------------------------------------------------------------ what they rest on


def elsewhere(store: Any) -> int:
    """Of how much evidence says that its policy was adopted in a store that was lost."""
    checkpoint = made(store)
    with store.reading() as moment:
        return len(verified([written(line) for line in export(moment, ACCOUNT, checkpoint)], checkpoint.key).elsewhere)


def test_evidence_says_of_a_notice_that_its_policy_was_adopted_in_the_store_that_was_lost(path: Path, tmp_path: Path) -> None:
    desk = Dunned(path, rules=None)
    copy = copied(desk.store, tmp_path)
    desk.adopt(INTEREST)
    desk.run(5)
    had_back(copy, messages(desk.store), tmp_path)
    assert (elsewhere(desk.store), elsewhere(copy)) == (0, 1)


def test_evidence_says_of_a_measure_that_its_policy_was_adopted_in_the_store_that_was_lost(desk: Desk, tmp_path: Path) -> None:
    copy = copied(desk.store, tmp_path)
    adopt(desk.store, lambda: at("2026-02-12"), of_policy(MEASURES, name="another"), "m.vogt", "the board's decision")
    desk.propose("prepayment")
    desk.act("reject")
    had_back(copy, messages(desk.store), tmp_path)
    assert (elsewhere(desk.store), elsewhere(copy)) == (0, 1)


def test_restore_says_what_only_a_newer_copy_has(path: Path, tmp_path: Path) -> None:
    store = opened(path)
    backup_store(store, str(tmp_path / "b.db"), Output(json=True))
    said = exposure("restore", tmp_path / "b.db", store=tmp_path / "copy.db").out
    for word in ("read-back", "measures, dunning notices", "limits by request", "releases", "promises", "policies", "corrections"):
        assert word in said
