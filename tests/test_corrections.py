"""Corrections with their trace: what people take back says what it corrects, who and why, and nothing recorded is changed."""

from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.acts.policies import adopt
from exposure.ledger.proof.verify import verify
from exposure.ledger.rebuild import rebuild
from projections.account import Asked, show
from projections.explanation import explain
from projections.history import history
from schemas.facts import LAST_VERSION
from schemas.policy_file import read_policy
from service.deciding.checking import Request
from service.deciding.reserving import reserve
from service.failures import Failure
from service.keeping.correcting import made
from tests.command import exposure
from tests.stores import DAY, NOW, alter, fed, log, opened
from tests.test_ledger import event, invoice

pytestmark = pytest.mark.usefixtures("each_store")

ON = "2024-10-04"
WHO = ("m.vogt", "the ERP told it twice, under two numbers")
DAYS = ("2024-10-01", ON, "2024-11-30")
MONEY = {"currency": "EUR", "amount": "100.00", "date": "2024-10-01"}
TEXT = {"date": "2024-10-01", "currency": "EUR", "lines": [{"line": "1", "value": "70.00"}]}
CLOSING = {"version": 2, "reason": "cancelled"}
POSTED = {
    "order": ("order.confirmed", {"version": 1, **TEXT}, "order.closed"),
    "delivery": ("delivery.posted", {"date": "2024-10-01", "currency": "EUR", "lines": [{"value": "30.00"}]}, "delivery.reversed"),
    "invoice": ("invoice.posted", {**MONEY, "due": "2024-10-31"}, "invoice.cancelled"),
    "credit_note": ("credit_note.posted", MONEY, "credit_note.cancelled"),
    "payment": ("payment.received", MONEY, "payment.returned"),
    "allocation": ("allocation.made", {"date": "2024-10-01", "credit": "P-0", "invoice": "I-0", "amount": "5.00"}, "allocation.undone"),
    "dispute": ("dispute.opened", {"date": "2024-10-01", "invoice": "I-0", "amount": "5.00"}, "dispute.resolved"),
    "write_off": ("write_off.posted", {"date": "2024-10-01", "invoice": "I-0", "amount": "5.00"}, "write_off.reversed"),
}
BEFORE = [
    event("0", "erp.invoice.posted.v1", "C-9", {"invoice": "I-0", **MONEY, "due": "2024-10-02"}),
    event("1", "erp.payment.received.v1", "C-9", {"payment": "P-0", **MONEY, "amount": "20.00"}),
]


def told(kind: str) -> bytes:
    type_, data, _ = POSTED[kind]
    return event("wrong", f"erp.{type_}.v1", "C-9", {kind: "X-1", **data})


def corrected(store: Any, cancels: str, date: str | None = ON, who: tuple[str, str] = WHO, now: int = NOW + DAY) -> Any:
    return made(store, "C-9", cancels, date, *who, lambda: now)


def figures(store: Any, known_at: int | None = None) -> list[Any]:
    with store.reading() as moment:
        shown = [show(moment, "C-9", Asked(NOW + 90 * DAY, day, known_at)) for day in DAYS]
    return [{name: value for name, value in one.items() if name not in ("sources", "known_at")} for one in shown]


@pytest.mark.parametrize("kind", POSTED)
def test_what_people_take_back_leaves_the_figures_that_the_erps_own_cancellation_does(store: Any, tmp_path: Path, kind: str) -> None:
    erp = opened(tmp_path / "erp.db")
    for one in (store, erp):
        fed(one, [*BEFORE, told(kind)])
    wrong, recorded = figures(store), log(store)
    corrected(store, f"{kind}:X-1")
    more = CLOSING if kind == "order" else {}
    fed(erp, [event("undo", f"erp.{POSTED[kind][2]}.v1", "C-9", {kind: "X-1", "date": ON, **more})], now=NOW + DAY)
    assert figures(store) == figures(erp) != wrong
    assert figures(store, NOW) == wrong, "what was known before is what it was"
    assert [event for event in log(store) if event in recorded] == recorded
    assert verify(store).first_bad is None
    assert rebuild(store, lambda _: None).equal


def test_a_correction_says_what_it_corrects_who_and_why_wherever_one_looks(store: Any) -> None:
    fed(store, [*BEFORE, told("invoice")])
    said = corrected(store, "invoice:X-1", None)
    assert said["corrects"] == [{"type": "erp.invoice.posted.v1", "source": "/erp/1000", "id": "wrong"}]
    assert (said["by"], said["reason"], said["date"]) == (*WHO, "2024-10-05")
    with store.reading() as moment:
        events = [one for one in history(moment, "C-9") if one["actor"] == WHO[0]]
        opened_up = explain(moment, "C-9", Asked(NOW, "2024-10-04"))["documents"]
    assert [one["type"] for one in events] == ["erp.invoice.cancelled.v1", "exposure.correction_made.v1"]
    assert events[0]["id"] == events[1]["id"]
    assert {"kind": "invoice", "document": "X-1"}.items() <= next(one for one in opened_up if one["document"] == "X-1").items()


def test_the_same_correction_once_more_records_nothing(store: Any) -> None:
    fed(store, [*BEFORE, told("invoice")])
    first, before = corrected(store, "invoice:X-1"), len(log(store))
    assert corrected(store, "invoice:X-1", "2024-10-09", ("j.albers", "again")) == first
    assert len(log(store)) == before


def test_what_is_not_there_or_gone_already_can_not_be_taken_back(store: Any) -> None:
    fed(store, [*BEFORE, told("invoice"), event("undo", "erp.invoice.cancelled.v1", "C-9", {"invoice": "X-1", "date": ON})])
    before = log(store)
    for cancels, code in (
        ("invoice:X-1", "taken_back"),
        ("invoice:X-2", "unknown_document"),
        ("order:O-1", "unknown_document"),
        ("limit:L-1", "usage"),
        ("invoice:", "usage"),
    ):
        with pytest.raises(Failure) as refused:
            corrected(store, cancels)
        assert refused.value.code == code
    assert log(store) == before


def of_order(id: str, name: str, version: int, **data: Any) -> bytes:
    return event(id, f"erp.order.{name}.v1", "C-9", {"order": "X-1", "version": version, "date": "2024-10-03", **data})


LATER = [
    of_order("v2", "amended", 2, **{**TEXT, "lines": [{"line": "1", "value": "90.00"}], "date": "2024-10-03"}),
    of_order("v3", "closed", 3, reason="completed"),
    of_order("v4", "reopened", 4),
]


@pytest.mark.parametrize("known", [0, 1, 3])
def test_an_order_that_people_cancelled_stays_so_whatever_its_erp_tells_of_it_later(store: Any, known: int) -> None:
    """Its ERP goes on counting its versions, and none of them clashes: what is told before the correction or behind it ends alike. (Between, its ERP
    has closed it.)"""
    fed(store, [*BEFORE, told("order"), *LATER[:known]])
    said = corrected(store, "order:X-1")
    assert [one["id"] for one in said["corrects"]] == ["wrong", *(["v2"] if known else [])]
    fed(store, LATER[known:], now=NOW + 2 * DAY)
    for one, amount in zip(figures(store), ("70.00", "0.00", "0.00"), strict=True):
        assert (one["exposure"]["orders"], one["anomalies"]) == (amount, figures(store)[0]["anomalies"])
    assert not [one for one in figures(store)[2]["anomalies"] if one["kind"] == "number_clash"]
    assert rebuild(store, lambda _: None).equal


def test_an_order_that_its_erp_closed_can_not_be_taken_back_until_it_is_open_again(store: Any) -> None:
    fed(store, [*BEFORE, told("order"), *LATER[:2]])
    with pytest.raises(Failure, match="was taken back already, by event 'v3'") as refused:
        corrected(store, "order:X-1")
    assert refused.value.exit_code == 3
    fed(store, LATER[2:])
    assert corrected(store, "order:X-1")["document"] == "X-1"


def test_an_order_with_the_last_version_there_is_is_left_to_its_erp(store: Any) -> None:
    fed(store, [*BEFORE, of_order("last", "confirmed", LAST_VERSION, **TEXT)])
    with pytest.raises(Failure, match="only its ERP can take it back"):
        corrected(store, "order:X-1")


def test_what_was_reserved_for_an_order_is_free_when_that_is_taken_back(store: Any) -> None:
    limit = {"limit": "L-1", "version": 1, "kind": "base", "amount": "1000.00", "currency": "EUR", "valid_from": "2024-01-01"}
    fed(store, [*BEFORE, event("limit", "erp.limit.changed.v1", "C-9", limit), told("order")])
    reserve(store, Request("C-9", "X-1", "100.00", holds=True), lambda: NOW, "shop")
    before, behind = figures(store)[0], (corrected(store, "order:X-1"), figures(store)[2])[1]
    assert (before["exposure"]["orders"], behind["exposure"]["orders"], behind["exposure"]["reserved"]) == ("70.00", "0.00", "0.00")


def test_a_payment_whose_return_was_cancelled_can_be_taken_back_from_a_later_day_on(store: Any) -> None:
    turns = [("back", "returned", "2024-10-02"), ("again", "return_cancelled", "2024-10-03")]
    fed(store, [*BEFORE, told("payment"), *(event(id, f"erp.payment.{name}.v1", "C-9", {"payment": "X-1", "date": on}) for id, name, on in turns)])
    with pytest.raises(Failure, match="its return was cancelled on 2024-10-03; name a later day"):
        corrected(store, "payment:X-1", "2024-10-03")
    corrected(store, "payment:X-1", "2024-10-04")
    assert figures(store)[1]["exposure"]["unapplied"] == "-20.00"


def test_a_correction_that_its_erp_cancelled_is_not_answered_as_if_it_stood(store: Any) -> None:
    fed(store, [*BEFORE, told("payment")])
    corrected(store, "payment:X-1")
    restored = event("back", "erp.payment.return_cancelled.v1", "C-9", {"payment": "X-1", "date": "2024-10-08"})
    fed(store, [restored], now=NOW + 2 * DAY)
    before = log(store)
    with pytest.raises(Failure, match="only its ERP can take it back again") as refused:
        corrected(store, "payment:X-1", "2024-10-09")
    assert (refused.value.code, refused.value.exit_code) == ("restored", 3)
    assert log(store) == before


def test_of_a_document_that_was_told_again_in_the_same_words_the_event_that_counted_is_corrected(store: Any) -> None:
    type_, data, _ = POSTED["invoice"]
    fed(store, [*BEFORE, told("invoice"), event("wrong again", f"erp.{type_}.v1", "C-9", {"invoice": "X-1", **data})])
    assert [one["id"] for one in corrected(store, "invoice:X-1")["corrects"]] == ["wrong"]


def test_a_correction_reads_its_document_and_not_the_history_of_its_account(store: Any) -> None:
    """Where the events of that history are gone, all but the last, which the next one follows, the correction is the same."""
    fed(store, [*BEFORE, told("invoice"), invoice("I-8", "1.00")])
    alter(store, "DELETE FROM stored_events WHERE originator_id = ? AND originator_version < ?", "account:C-9", 4)
    assert [one["id"] for one in corrected(store, "invoice:X-1")["corrects"]] == ["wrong"]


def test_where_a_policy_names_who_has_authority_only_they_correct(store: Any) -> None:
    fed(store, [*BEFORE, told("invoice")])
    policy = 'name = "P"\ncurrency = "EUR"\n[[class]]\n[[authority]]\nwho = "m.vogt"\nreleases_up_to = "10.00"\ncurrency = "EUR"\n'
    adopt(store, lambda: NOW, read_policy(policy), "board", "the board's decision")
    with pytest.raises(Failure) as refused:
        corrected(store, "invoice:X-1", who=("k.weiss", "it is wrong"))
    assert (refused.value.code, refused.value.exit_code) == ("no_authority", 3)
    assert corrected(store, "invoice:X-1")["by"] == "m.vogt"


def test_the_commands_correct_and_list(store: Any, path: Path) -> None:
    fed(store, [*BEFORE, told("invoice"), invoice("I-8", "1.00", "C-8")])
    why = ("--reason", WHO[1], "--by", WHO[0])
    said = exposure("correct", "C-9", "--cancels", "invoice:X-1", *why, "--date", ON, "--json", store=path)
    assert (said.exit_code, said.json["document"]) == (0, "X-1")
    listed = exposure("corrections", "C-9", "--json", store=path).json["corrections"]
    assert listed == [said.json]
    assert exposure("corrections", "C-8", "--json", store=path).json == {"corrections": []}
    assert exposure("corrections", "C-8", store=path).out == "0 corrections\n"
    assert "X-1 taken back from 2024-10-04 on, by m.vogt" in exposure("corrections", store=path).out
