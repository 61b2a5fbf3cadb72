"""Every figure opens into what makes it: the parts add up to the figure, and the movements to the part, to the last unit."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.account import Asked
from projections.account import show as shown
from projections.explanation import explain
from schemas.jsontext import read, written
from service.shown.output import Output
from tests.command import exposure
from tests.folding import Event
from tests.histories import arrivals, histories
from tests.letters import event
from tests.stores import DAY, FAR, NOW, fed, given_back, opened, told_daily

pytestmark = pytest.mark.usefixtures("each_store")

EXAMPLE = Path(__file__).with_name("contract_example.jsonl")
HISTORIES = {"sqlite": 60, "postgresql": 8}
ADDED_UP = ("orders", "deliveries", "receivables", "unapplied", "reserved", "overdue_amount", "disputed", "written_off")
DAYS = ("2026-01-09", "2026-01-20", "2026-02-20", "2026-09-01")


def figure_of(account: Any, name: str) -> str:
    return str(account["exposure"][name] if name in account["exposure"] else account[name])


def total(amounts: Any) -> Decimal:
    return sum((Decimal(amount) for amount in amounts if amount is not None), Decimal())


def adds_up(explained: Any, account: Any) -> None:
    events = {event["version"] for document in explained["documents"] for event in document["events"]}
    by_document = {(one["kind"], one["document"]): {event["version"] for event in one["events"]} for one in explained["documents"]}
    for name in ADDED_UP:
        figure = explained["figures"][name]
        assert figure["amount"] == figure_of(account, name), name
        assert total(part["account_amount"] for part in figure["parts"]) == Decimal(figure["amount"]), name
        for part in figure["parts"]:
            assert total(move["amount"] for move in part["movements"]) == Decimal(part["amount"]) != 0, part
            assert {move["version"] for move in part["movements"]} <= by_document[part["kind"], part["document"]] <= events
    assert explained["figures"]["total"]["amount"] == account["exposure"]["total"]
    assert explained["figures"]["limit"]["amount"] == (account["limit"] and account["limit"]["amount"])


def test_parts_add_up_to_figures_and_movements_to_parts_in_any_history(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    @given(histories().flatmap(arrivals), st.integers(0, 12))
    @settings(max_examples=HISTORIES[each_store])
    def of_any(history: list[Event], later: int) -> None:
        with given_back():
            store = told_daily(tmp_path_factory.mktemp("history") / "exposure.db", history)
            with store.reading() as moment:
                accounts = moment.account_names()
                for day in DAYS:
                    for account in accounts:
                        adds_up(explain(moment, account, Asked(FAR, day)), shown(moment, account, Asked(FAR, day)))
                for account in accounts[:1]:
                    if moment.event_at(f"account:{account}", 1) <= NOW + later * DAY:
                        asked = Asked(FAR, DAYS[2], NOW + later * DAY)
                        adds_up(explain(moment, account, asked), shown(moment, account, asked))

    of_any()


@pytest.fixture
def store(tmp_path: Path) -> Any:
    store = opened(tmp_path / "exposure.db")
    fed(store, EXAMPLE.read_bytes().splitlines())
    return store


def explained(store: Any, day: str = "2026-02-20", known_at: int | None = None) -> Any:
    with store.reading() as moment:
        return read(written(explain(moment, "C-1001", Asked(FAR, day, known_at))))


def test_an_open_invoice_is_what_was_invoiced_less_what_was_paid(store: Any) -> None:
    told = explained(store)
    (part,) = told["figures"]["receivables"]["parts"]
    assert (part["kind"], part["document"], part["due"], part["amount"], part["account_amount"]) == (
        "invoice",
        "I-9",
        "2026-02-11",
        "200.00",
        "200.00",
    )
    assert [(move["day"], move["amount"]) for move in part["movements"]] == [("2026-01-12", "400.00"), ("2026-02-16", "-200.00")]
    (invoice,) = [one for one in told["documents"] if one["document"] == "I-9"]
    assert [(event["type"], event["source"], event["id"]) for event in invoice["events"]] == [
        ("erp.invoice.posted.v1", "/erp/1000", "8f2"),
        ("erp.payment.received.v1", "/erp/1000", "8f5"),
    ]
    assert told["figures"]["overdue_amount"]["parts"] == [part]


def test_before_it_was_due_it_is_not_overdue_and_before_it_was_posted_it_was_to_be_delivered(store: Any) -> None:
    assert explained(store, "2026-02-11")["figures"]["overdue_amount"] == {"amount": "0.00", "parts": []}
    told = explained(store, "2026-01-11")["figures"]
    assert told["receivables"]["parts"] == []
    assert [part["document"] for part in told["deliveries"]["parts"]] == ["O-1"]


def test_what_cancels_out_in_a_document_is_left_out_whether_that_is_read_or_not(tmp_path: Path) -> None:
    """An invoice that refused a part of what was paid for it, and was cancelled, moved what is unapplied to and fro."""
    store = opened(tmp_path / "refused.db")
    paid = {"payment": "P-1", "date": "2026-01-13", "currency": "EUR", "amount": "10.00", "allocations": [{"invoice": "I-1", "amount": "10.00"}]}
    billed = {"invoice": "I-1", "date": "2026-01-16", "currency": "EUR", "amount": "4.00", "due": "2026-02-16"}
    told = [("payment.received", paid), ("invoice.posted", billed), ("invoice.cancelled", {"invoice": "I-1", "date": "2026-01-25"})]
    fed(store, [event(name, f"erp.{name}.v1", "C-1001", data) for name, data in told])
    before = explained(store, known_at=NOW)
    (part,) = before["figures"]["unapplied"]["parts"]
    assert [(move["day"], move["amount"]) for move in part["movements"]] == [
        ("2026-01-13", "-10.00"),
        ("2026-01-16", "10.00"),
        ("2026-01-25", "-10.00"),
    ]
    terms = {"invoice": "I-1", "version": 1, "date": "2026-01-17", "due": "2026-03-16"}
    fed(store, [event("later", "erp.invoice.terms_changed.v1", "C-1001", terms)], now=NOW + DAY)
    assert explained(store, known_at=NOW) == before


def test_what_moved_it_later_is_not_told(store: Any) -> None:
    (part,) = explained(store, "2026-02-15")["figures"]["receivables"]["parts"]
    assert [(move["day"], move["amount"]) for move in part["movements"]] == [("2026-01-12", "400.00")]


def test_the_limit_names_who_told_it(store: Any) -> None:
    told = explained(store)
    assert [(part["document"], part["amount"]) for part in told["figures"]["limit"]["parts"]] == [("L-1", "1000.00")]
    assert [event["id"] for one in told["documents"] if one["kind"] == "limit" for event in one["events"]] == ["8f1"]


def test_nothing_personal_is_in_an_explanation(store: Any) -> None:
    assert {key for one in explained(store)["documents"] for event in one["events"] for key in event} == {
        *("position", "version", "type", "source", "id", "time", "recorded", "actor", "origin")
    }


def test_people_see_a_tree(store: Any, capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=False).explanation(explained(store))
    said = capsys.readouterr().out
    assert "receivables 200.00\n└── invoice I-9, due 2026-02-11: 200.00 EUR\n" in said
    assert "-200.00  #6 erp.payment.received.v1 /erp/1000 8f5" in said
    assert "deliveries" not in said


def test_amounts_of_a_document_stand_under_each_other_however_large(capsys: pytest.CaptureFixture[str], store: Any) -> None:
    told = explained(store)
    (part,) = told["figures"]["receivables"]["parts"]
    part["movements"] = [{**part["movements"][0], "amount": amount} for amount in ("123456789012.00", "-1.00")]
    Output(json=False).explanation(told)
    first, second = (
        line for line in capsys.readouterr().out.split("overdue amount")[0].split("receivables")[1].splitlines() if " erp.invoice" in line
    )
    assert first.index(" #") == second.index(" #")


def test_where_nothing_makes_a_figure_that_is_said(capsys: pytest.CaptureFixture[str], store: Any) -> None:
    told = explained(store)
    Output(json=False).explanation({**told, "figures": {name: {**figure, "parts": []} for name, figure in told["figures"].items()}})
    assert capsys.readouterr().out.splitlines()[1:] == ["no document has a part in any figure"]


def test_the_command_line_knows_it(store: Any, tmp_path: Path) -> None:
    store.datastore.close()
    said = exposure("explain", "C-1001", "--as-of", "2026-02-20", "--json", store=tmp_path / "exposure.db")
    assert (said.exit_code, said.json["figures"]["total"]["amount"]) == (0, "400.00")
    assert exposure("explain", "C-9", "--json", store=tmp_path / "exposure.db").json["error"]["code"] == "unknown_account"
