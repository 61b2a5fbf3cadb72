"""Requests that come as events: each that can be read has one answer for ever, in the transaction that takes it in."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from consumers.cloudevents import record_of
from exposure.ledger.acts.dead_letters import Order, retry
from exposure.ledger.ledger import Ledger
from exposure.ledger.own_facts import tell
from exposure.ledger.rebuild import rebuild
from exposure.ledger.records import Counts, Record, Source
from exposure.ledger.writing import Overtaken
from projections.account import Asked, show
from projections.history import history
from schemas.contracts import contract_of
from schemas.door import read_record
from schemas.jsontext import read, written
from schemas.told import ToldFact, Unreadable
from service.deciding.checking import Request, check
from service.running.answering import ANSWERED_BY, answer
from tests.asking import RESERVING, SHOP, TYPE, asked, has_one_answer_each, waiting
from tests.command import exposure
from tests.letters import refused_by_an_older_engine
from tests.stores import fed, opened
from tests.test_check import NOON, invoice, limit, order
from tests.test_rules import ACCOUNT, CUSTOMER, Json, told

pytestmark = pytest.mark.usefixtures("each_store")

CUSTOMER_TOLD = told("customer.changed", "2026-01-01", **CUSTOMER)


class Shop:
    """A store with a customer who may owe 1,000.00, and who asks it."""

    def __init__(self, path: Path) -> None:
        self.store = opened(path)
        self.ledger = Ledger(self.store, lambda: NOON, answer=answer)
        self.tell(CUSTOMER_TOLD, limit())

    def tell(self, *events: Json) -> None:
        self.ask(*map(written, events))

    def ask(self, *lines: bytes) -> Counts:
        return fed(self.store, lines, ledger=self.ledger)

    @property
    def answers(self) -> list[Json]:
        return waiting(self.store)

    def letters(self) -> list[tuple[str, str | None]]:
        with self.store.reading() as moment:
            return [(row[4], row[1]) for row in moment.dead_letters()]


@pytest.fixture
def shop(path: Path) -> Shop:
    return Shop(path)


def test_every_request_has_a_contract_and_somebody_who_answers_it() -> None:
    request = read_record(asked("r-1", ACCOUNT, "O-1", "600.00", currency="EUR", by="j.brandt"))
    assert request.data == {"order": "O-1", "amount": "600", "currency": "EUR", "by": "j.brandt"}
    assert request.name in ANSWERED_BY
    contract = Draft202012Validator(contract_of(TYPE))
    assert contract.is_valid(read(asked("r-1", ACCOUNT, "O-1", "600.00")))
    for data in ({"order": "O-1"}, {"order": "", "amount": "1"}, {"order": "O", "amount": 1.5}, {"order": "O", "amount": "1", "currency": "EURO"}):
        event = {**read(asked("r-1", ACCOUNT, "O-1", "600.00")), "data": data}
        assert not contract.is_valid(event)
        with pytest.raises(Unreadable):
            read_record(written(event))


def test_the_request_of_the_guide_can_be_read() -> None:
    (line,) = [
        line
        for line in (Path(__file__).parents[1] / "service/guide/deciding.md").read_bytes().splitlines()
        if line.startswith(b"{") and TYPE.encode() in line
    ]
    assert read_record(line).name in ANSWERED_BY


def test_a_request_is_answered_once_however_often_it_comes(shop: Shop) -> None:
    line = asked("r-1", ACCOUNT, "O-1", "600.00")
    assert shop.ask(line, line) == Counts(read=2, recorded=1, duplicates=1)
    shop.tell(invoice("I-1", "900.00"))
    assert shop.ask(line) == Counts(read=1, duplicates=1)
    (said,) = shop.answers
    assert (said["type"], said["request"], said["request_source"], said["decision"]) == ("credit.decision.made.v1", "r-1", SHOP, "approved")
    assert (said["by"], said["dead_letters"]) == (SHOP, 0), "who asks is the source where nobody else is named"
    assert said["sources"] == [{"source": "/erp", "last_time": "2026-01-01T12:00:00Z"}], "how fresh its figures were"


def test_requests_of_one_batch_are_each_answered_though_they_have_one_decision(shop: Shop) -> None:
    assert shop.ask(*(asked(f"r-{number}", ACCOUNT, "O-1", "600.00") for number in range(3))).recorded == 3
    assert len({said["decision_id"] for said in shop.answers}) == 1
    has_one_answer_each(shop.store, ["r-0", "r-1", "r-2"], shop.answers)


def test_a_request_may_hold_the_credit_too_and_then_nobody_else_gets_it(shop: Shop) -> None:
    until = {"until": "2026-02-20T14:00:00+01:00"}
    lines = [asked(f"r-{number}", ACCOUNT, f"O-{number}", "600.00", RESERVING, **until) for number in range(2)]
    shop.ask(*lines, *lines)
    first, second = shop.answers
    assert (first["decision"], second["decision"], second["reservation"]) == ("approved", "held", None)
    assert second["lost_to"] == [
        {
            "account": ACCOUNT,
            "order": "O-0",
            "reservation": first["reservation"],
            "amount": "600.00",
            "currency": "EUR",
            "until": "2026-02-20T13:00:00Z",
            "settled": False,
        }
    ]
    shop.ask(asked("r-2", ACCOUNT, "O-2", "1.00", RESERVING, until="2026-02-20T11:59:00Z"))
    assert shop.answers[-1]["code"] == "invalid", "that instant is over"


def test_who_sends_under_the_same_id_is_told_apart_by_the_source_and_from_who_asks_by_hand(shop: Shop, path: Path, tmp_path: Path) -> None:
    line = asked("r-1", ACCOUNT, "O-1", "600.00")
    shop.ask(line)
    (tmp_path / "asked.jsonl").write_bytes(line.replace(b'"/shop"', b'"/till"') + b"\n")
    exposure("feed", tmp_path / "asked.jsonl", "--now", "2026-02-20T12:00:00Z", store=path)
    check(shop.store, Request(ACCOUNT, "O-1", "600.00", request="r-1"), lambda: NOON, "m.vogt")
    assert [(said["request"], said["request_source"]) for said in shop.answers] == [("r-1", SHOP), ("r-1", "/till"), ("r-1", None)]
    assert len({said["id"] for said in shop.answers}) == 3


def test_an_answer_sees_what_was_told_before_it_and_beside_it(shop: Shop) -> None:
    """The account is warm in memory, its documents are not written yet, and the batch before is on its way when the request comes."""
    batches = [[written(invoice("I-1", "300.00"))], [asked("r-1", ACCOUNT, "O-1", "600.00"), written(invoice("I-2", "100.01"))]]
    assert [counts.recorded for counts in shop.ledger.take_all(([Record(line, 0) for line in lines], Source("test")) for lines in batches)] == [1, 2]
    (said,) = shop.answers
    assert (said["exposure_before"], said["decision"]) == ("400.01", "held")


def test_an_answer_may_move_an_account_on_that_is_warm_in_memory(shop: Shop) -> None:
    """As one does that holds credit for an order."""

    def blocking(writing: Any, request: ToldFact) -> None:
        answer(writing, request)
        tell(writing, [(request.subject, "AccountBlocked", request.id, {"version": 1, "date": "2026-02-20"})], "test")

    shop.ledger.answer = blocking
    lines = [written(invoice(f"I-{number}", "1.00")) for number in range(4)]
    for batch in ([lines[0]], [asked("r-1", ACCOUNT, "O-1", "600.00")], [asked("r-2", ACCOUNT, "O-1", "600.00"), lines[1]], [lines[2]], [lines[3]]):
        assert shop.ask(*batch).recorded == len(batch)
    with shop.store.reading() as moment:
        figures = show(moment, ACCOUNT, Asked(NOON))
        events = [event["type"].split(".")[1] for event in history(moment, ACCOUNT) if event["type"].startswith("erp.")]
    assert (figures["exposure"]["receivables"], figures["blocked"]) == ("4.00", True)
    assert events == ["customer", "limit", "invoice", "account", "invoice", "account", "invoice", "invoice"]
    assert rebuild(shop.store).equal


def test_the_same_request_in_other_words_is_a_dead_letter(shop: Shop) -> None:
    shop.ask(asked("r-1", ACCOUNT, "O-1", "600.00"))
    assert shop.ask(asked("r-1", ACCOUNT, "O-1", "600.01")).dead_letters == 1
    assert shop.ask(asked("r-1", ACCOUNT, "O-1", "600.0")).duplicates == 1, "another spelling is no other word"
    assert shop.letters() == [("name_reused", ACCOUNT)]
    has_one_answer_each(shop.store, ["r-1"], shop.answers)


REFUSED: list[tuple[str, Json, str, str]] = [
    ("C-9", {}, "unknown_account", "nothing is known of account 'C-9'"),
    (ACCOUNT, {"currency": "USD"}, "missing_rate", "no rate of USD to EUR"),
    (ACCOUNT, {"amount": "1.001"}, "invalid", "amount: '1.001' is no amount (not negative, at most 2 decimals)"),
    (ACCOUNT, {"amount": "1.5", "currency": "JPY"}, "invalid", "at most 0 decimals"),
]


def test_what_can_be_read_and_not_decided_is_refused_once_and_for_ever(shop: Shop) -> None:
    cases = enumerate(REFUSED)
    lines = [asked(f"r-{number}", account, "O-1", **{"amount": "1.00", "by": "j.brandt", **more}) for number, (account, more, *_) in cases]
    assert shop.ask(*lines) == Counts(read=4, recorded=4)
    shop.tell({**CUSTOMER_TOLD, "subject": "C-9", "id": "c-9"})
    assert shop.ask(*lines) == Counts(read=4, duplicates=4)
    assert len(shop.answers) == len(REFUSED)
    for said, (account, _, code, words) in zip(shop.answers, REFUSED, strict=True):
        assert (said["type"], said["account"], said["code"], said["by"]) == ("credit.decision.refused.v1", account, code, "j.brandt")
        assert words in said["message"]
    has_one_answer_each(shop.store, [f"r-{number}" for number in range(4)], shop.answers)
    assert rebuild(shop.store).equal


def test_a_customer_taken_on_later_refuses_what_was_before(shop: Shop) -> None:
    shop.tell({**told("account.taken_on", "2026-02-20"), "type": "exposure.account.taken_on.v1", "data": {"cut_over": "2026-03-01"}})
    shop.ask(asked("r-1", ACCOUNT, "O-1", "1.00"))
    assert [said["code"] for said in shop.answers] == ["not_known_before"]


def test_who_asks_again_under_a_new_id_may_be_answered_otherwise(shop: Shop) -> None:
    shop.ask(asked("r-1", ACCOUNT, "O-1", "1.00", currency="USD"))
    shop.tell(told("fx_rate.published", "2026-02-19", subject="USD", base="USD", quote="EUR", rate="0.9"))
    shop.ask(asked("r-1", ACCOUNT, "O-1", "1.00", currency="USD"), asked("r-2", ACCOUNT, "O-1", "1.00", currency="USD"))
    assert [(said["request"], said["type"]) for said in shop.answers] == [("r-1", "credit.decision.refused.v1"), ("r-2", "credit.decision.made.v1")]


def test_what_cannot_be_read_is_a_dead_letter_and_holds_up_nobody(shop: Shop) -> None:
    bad = [b"who knows", asked("r-1", ACCOUNT, "", "1.00"), asked("r-2", ACCOUNT, "O-1", "1.00").replace(b"check.requested", b"check.begged")]
    assert shop.ask(*bad, asked("r-3", ACCOUNT, "O-1", "1.00")) == Counts(read=4, recorded=1, dead_letters=3)
    assert sorted(shop.letters(), key=str) == [("invalid", ACCOUNT), ("not_json", None), ("unknown_type", ACCOUNT)]
    assert [(said["request"], said["dead_letters"]) for said in shop.answers] == [("r-3", 2)], "the answer says that the figures are not whole"


def test_a_letter_that_can_be_read_at_last_is_answered_when_it_is_retried(shop: Shop) -> None:
    digests = refused_by_an_older_engine(shop.store, asked("r-1", ACCOUNT, "O-1", "1.00"), asked("r-1", ACCOUNT, "O-1", "1.0"))
    counts, _ = retry(shop.store, lambda: NOON, digests, Order("m.vogt", "the engine was upgraded"), answer)
    assert (counts.retried, counts.told_before, shop.letters()) == (1, 1, [])
    has_one_answer_each(shop.store, ["r-1"], shop.answers)


def test_both_modes_of_a_topic_ask_the_same(shop: Shop) -> None:
    line = asked("r-1", ACCOUNT, "O-1", "600.00")
    event = read(line)
    headers = [(f"ce_{name}", str(value).encode()) for name, value in event.items() if name != "data"]
    records = [record_of(line, b"C", [], 0, 0), record_of(written(event["data"]), b"C", headers, 1, 0)]
    assert shop.ledger.take(records, Source("test")) == Counts(read=2, recorded=1, duplicates=1)


def test_a_transaction_that_fails_answers_nobody_and_the_next_answers_all_once(shop: Shop) -> None:
    def failing(writing: Any, request: ToldFact) -> None:
        answer(writing, request)
        assert request.id != "r-1"

    records = [Record(asked(f"r-{number}", ACCOUNT, "O-1", "600.00"), number) for number in range(3)]
    source = Source("kafka:credit.requests:0", "kafka:credit.requests:0", 0, 3)
    shop.ledger.answer = failing
    with pytest.raises(AssertionError):
        shop.ledger.take(records, source)
    assert shop.answers == []
    shop.ledger.answer = answer
    assert shop.ledger.take(records, source).recorded == 3
    with pytest.raises(Overtaken):
        shop.ledger.take(records, source)
    has_one_answer_each(shop.store, ["r-0", "r-1", "r-2"], shop.answers)


def test_money_without_bounds_stops_nobody(shop: Shop) -> None:
    """What an order counts may be far more than 64 bits hold, once it is converted."""
    shop.tell(told("fx_rate.published", "2026-02-01", subject="USD", base="USD", quote="EUR", rate="999999999999999"))
    shop.tell(order("O-1", "999999999999999", currency="USD"))
    shop.ask(asked("r-1", ACCOUNT, "O-1", "1.00"))
    assert [said["type"] for said in shop.answers] == ["credit.decision.made.v1"]
