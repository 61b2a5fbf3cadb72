"""What was learnt between two instants: documents account for the difference of the figures, to the last unit, and both sides are what was shown."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from projections.account import Asked, NotKnownBefore, UnknownAccount
from projections.account import show as shown
from projections.difference import difference
from projections.explanation import explain
from schemas.jsontext import read, written
from service.shown.comparison_tables import part_line
from tests.command import exposure
from tests.folding import Event
from tests.histories import arrivals, histories
from tests.letters import event
from tests.stores import DAY, FAR, NOW, fed, given_back, opened, told_daily

pytestmark = pytest.mark.usefixtures("each_store")

EXAMPLE = Path(__file__).with_name("contract_example.jsonl")
HISTORIES = {"sqlite": 60, "postgresql": 6}
COMPONENTS = ("orders", "deliveries", "receivables", "unapplied", "reserved")
DAYS = ("2026-01-09", "2026-01-20", "2026-02-20")


def figure(account: Any, name: str) -> str:
    return str(account["exposure"][name] if name in account["exposure"] else account[name])


def adds_up(told: Any, then: Any, now: Any) -> None:
    """``then`` is ``None`` where nothing was known of the account."""
    for name, one in told["figures"].items():
        assert one["now"] == figure(now, name), name
        assert Decimal(one["then"]) == (Decimal(figure(then, name)) if then else 0), name
        if one["difference"] is None:
            assert then["currency"] != now["currency"]
            continue
        by_documents = sum((Decimal(document["difference"].get(name, "0")) for document in told["documents"]), Decimal())
        assert Decimal(one["now"]) - Decimal(one["then"]) == Decimal(one["difference"]) == by_documents, name
    assert (told["limit"]["now"], told["limit"]["then"]) == (now["limit"], then and then["limit"])


def names_causes(told: Any, since: int, until: int) -> None:
    """An amount changes by what was recorded in between, by a rate or by the account's currency, and by nothing else."""
    for document in told["documents"]:
        assert all(since < event["recorded"] <= until for event in document["events"])
        if any(part["then"] != part["now"] for part in document["parts"]):
            assert document["events"], document


def test_the_documents_account_for_the_difference_in_any_history(each_store: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    @given(histories().flatmap(arrivals), st.integers(0, 12), st.integers(0, 12))
    @settings(max_examples=HISTORIES[each_store])
    def of_any(history: list[Event], one: int, other: int) -> None:
        earlier, later = (NOW + turn * DAY for turn in sorted((one, other)))
        with given_back():
            store = told_daily(tmp_path_factory.mktemp("history") / "exposure.db", history)
            with store.reading() as moment:
                for account in moment.account_names():
                    for day in DAYS:
                        compare(moment, account, day, earlier, later)

    of_any()


def compare(moment: Any, account: str, day: str, earlier: int, later: int) -> None:
    try:
        now = shown(moment, account, Asked(FAR, day, later))
    except (UnknownAccount, NotKnownBefore):
        return
    try:
        then = shown(moment, account, Asked(FAR, day, earlier))
    except UnknownAccount:
        then = None
    told = difference(moment, account, (earlier, later), Asked(FAR, day))
    adds_up(told, then, now)
    names_causes(told, *told["known_at"])


@pytest.fixture
def store(path: Path) -> Any:
    """The example known on one day, a credit note of before told ten days later, and a payment after that."""
    store = opened(path)
    fed(store, EXAMPLE.read_bytes().splitlines())
    fed(store, [credit_note(), rate("1.25")], now=NOW + 10 * DAY)
    fed(store, [payment()], now=NOW + 20 * DAY)
    return store


def credit_note() -> bytes:
    return written(
        {
            "specversion": "1.0",
            "id": "9a1",
            "source": "/erp/1000",
            "type": "erp.credit_note.posted.v1",
            "subject": "C-1001",
            "time": "2026-03-01T16:00:00Z",
            "data": {
                "credit_note": "N-1",
                "date": "2026-02-18",
                "currency": "EUR",
                "amount": "50.00",
                "allocations": [{"invoice": "I-9", "amount": "50.00"}],
            },
        }
    )


def payment() -> bytes:
    data = {"payment": "P-9", "date": "2026-03-01", "currency": "EUR", "amount": "7.00"}
    return written({**read(credit_note()), "id": "9a2", "type": "erp.payment.received.v1", "data": data})


def rate(of: str) -> bytes:
    data = {"base": "USD", "quote": "EUR", "rate": of, "date": "2026-02-01"}
    envelope = {"specversion": "1.0", "id": f"r{of}", "source": "/erp/1000", "type": "erp.fx_rate.published.v1", "subject": "USD"}
    return written({**envelope, "time": "2026-02-01T06:00:00Z", "data": data})


def learnt(store: Any, first: int, last: int, account: str = "C-1001") -> Any:
    with store.reading() as moment:
        return read(written(difference(moment, account, (NOW + first * DAY, NOW + last * DAY), Asked(FAR, "2026-02-20"))))


def test_a_credit_note_told_late_lowers_the_invoice_it_names_and_is_named(store: Any) -> None:
    told = learnt(store, 0, 10)
    assert told["figures"]["receivables"] == {"then": "200.00", "now": "150.00", "difference": "-50.00"}
    assert told["figures"]["orders"]["difference"] == "0.00"
    (invoice,) = told["documents"]
    assert (invoice["document"], invoice["difference"]) == ("I-9", {"receivables": "-50.00", "total": "-50.00", "overdue_amount": "-50.00"})
    assert [(part["then"], part["now"]) for part in invoice["parts"]] == [("200.00", "150.00")]
    assert [event["id"] for event in invoice["events"]] == ["9a1"]


def test_what_was_learnt_then_is_no_other_because_of_what_was_learnt_later(path: Path) -> None:
    """Nothing is said of a document that has not begun by the day; which it has, what is recorded later may change."""
    store, terms = opened(path), {"invoice": "I-7", "version": 1, "date": "2026-02-15", "due": "2026-04-15"}
    posted = {"invoice": "I-7", "date": "2026-02-10", "currency": "EUR", "amount": "9.00", "due": "2026-03-15"}
    fed(store, EXAMPLE.read_bytes().splitlines())
    fed(store, [event("n1", "erp.invoice.terms_changed.v1", "C-1001", terms)], now=NOW + DAY)
    said = learnt(store, 0, 1)
    assert said["documents"] == []
    fed(store, [event("n2", "erp.invoice.posted.v1", "C-1001", posted)], now=NOW + 2 * DAY)
    assert learnt(store, 0, 1) == said
    (invoice,) = learnt(store, 0, 2)["documents"]
    assert [told["id"] for told in invoice["events"]] == ["n1", "n2"]


def test_what_was_not_known_at_all_said_nothing(store: Any) -> None:
    told = learnt(store, -1, 0)
    assert told["figures"]["total"] == {"then": "0.00", "now": "400.00", "difference": "400.00"}
    assert {document["document"] for document in told["documents"]} >= {"O-1", "I-9", "L-1"}
    assert told["alerts"]["raised"] == [{"rule": "overdue", "step": 1, "effective": "2026-02-12"}]


def test_between_an_instant_and_itself_nothing_was_learnt(store: Any) -> None:
    told = learnt(store, 10, 10)
    assert (told["documents"], told["rates"], told["alerts"]) == ([], [], {"raised": [], "cleared": []})


def test_a_rate_that_was_corrected_is_named_with_both_events(store: Any) -> None:
    fed(store, [written({**read(credit_note()), "id": "9a3", "type": "erp.invoice.posted.v1", "data": abroad()})], now=NOW + 21 * DAY)
    fed(store, [written({**read(rate("1.30")), "time": "2026-02-01T07:00:00Z"})], now=NOW + 22 * DAY)
    told = learnt(store, 21, 22)
    (changed,) = told["documents"]
    assert (changed["difference"]["receivables"], changed["events"]) == ("5.00", [])
    (one,) = told["rates"]
    assert [(one[side]["rate"], one[side]["event"]["id"]) for side in ("then", "now")] == [("1.25", "r1.25"), ("1.3", "r1.30")]


def test_an_explanation_names_the_event_that_told_a_rate(store: Any) -> None:
    fed(store, [written({**read(credit_note()), "id": "9a3", "type": "erp.invoice.posted.v1", "data": abroad()})], now=NOW + 21 * DAY)
    with store.reading() as moment:
        (one,) = explain(moment, "C-1001", Asked(FAR, "2026-02-20"))["rates"]
    assert (one["currency"], one["rate"], one["day"], one["event"]["id"]) == ("USD", "1.25", "2026-02-01", "r1.25")


def abroad() -> Any:
    return {"invoice": "I-10", "date": "2026-02-10", "currency": "USD", "amount": "100.00", "due": "2026-03-10"}


def test_the_command_line_knows_it(store: Any, path: Path) -> None:
    store.datastore.close()
    said = exposure("diff", "C-1001", "--known-at", "2024-10-04T00:00:00Z", "2024-10-14T00:00:00Z", "--as-of", "2026-02-20", store=path)
    assert (said.exit_code, said.err) == (0, "")
    assert "-50.00" in said.out
    assert "erp.credit_note.posted.v1 /erp/1000 9a1" in said.out
    assert exposure("diff", "C-1001", "--known-at", "2024-10-14T00:00:00Z", "2024-10-04T00:00:00Z", store=path).exit_code == 2


def test_a_part_is_called_as_its_figure_is() -> None:
    part = {"component": "written_off", "item": None, "due": None, "then": "0.00", "now": "25.00", "currency": "EUR"}
    assert part_line(part) == "written off: 0.00 then, 25.00 now, EUR"
