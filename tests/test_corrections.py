"""Corrections with their trace: what people take back says what it corrects, who and why, and nothing recorded is changed."""

from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.policies import adopt
from exposure.ledger.rebuild import rebuild
from exposure.ledger.verify import verify
from projections.account import Asked, show
from projections.explanation import explain
from projections.history import history
from schemas.policy_file import read_policy
from service.correcting import made
from service.failures import Failure
from tests.command import exposure
from tests.stores import DAY, NOW, fed, log, opened
from tests.test_ledger import event, invoice

pytestmark = pytest.mark.usefixtures("each_store")

ON = "2024-10-04"
WHO = ("m.vogt", "the ERP told it twice, under two numbers")
DAYS = ("2024-10-01", ON, "2024-11-30")
MONEY = {"currency": "EUR", "amount": "100.00", "date": "2024-10-01"}
POSTED = {
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
    fed(erp, [event("undo", f"erp.{POSTED[kind][2]}.v1", "C-9", {kind: "X-1", "date": ON})], now=NOW + DAY)
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
    for cancels, code in (("invoice:X-1", "taken_back"), ("invoice:X-2", "unknown_document"), ("order:O-1", "usage"), ("invoice:", "usage")):
        with pytest.raises(Failure) as refused:
            corrected(store, cancels)
        assert refused.value.code == code
    assert log(store) == before


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
    assert "X-1 taken back from 2024-10-04 on, by m.vogt" in exposure("corrections", store=path).out
