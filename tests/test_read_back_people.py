"""What a restored store lacks of what people said is read back: what became of reservations, releases of held orders, limits by request, promises."""

from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from exposure.ledger.acts.policies import adopt, in_force
from exposure.ledger.out.read_back import ReadBack
from exposure.ledger.proof.evidence import export
from exposure.ledger.proof.verify import verify
from exposure.ledger.rebuild import rebuild
from projections.account import Asked, show
from projections.decisions import decisions_of
from projections.history import history
from projections.holds import holds, overrides
from projections.limit_requests import limit_requests
from projections.promises import promises
from schemas.jsontext import read, written
from schemas.policies import DEFAULT, ApprovalLevel, Authority, Policy
from schemas.policy_file import read_policy
from service.collecting import promising
from service.collecting.promising import Wanted
from service.deciding import approving, releasing, reserving
from service.deciding.approving import Act
from service.deciding.checking import Request, check
from service.deciding.releasing import Release
from service.standalone.verify_evidence import Bad, verified
from tests.broker import fresh
from tests.command import exposure
from tests.mutilating import made
from tests.outgoing import relayed
from tests.stores import DAY, fed, opened
from tests.test_asyncapi import DOCUMENT
from tests.test_read_back_acts import WHY, copied, had_back, messages, recorded
from tests.test_rules import ACCOUNT, CUSTOMER, Json, invoice, limit, told

pytestmark = pytest.mark.usefixtures("each_store")

HOUR = 3_600_000_000
NOON = 1_771_588_800_000_000
"""2026-02-20 at 12:00:00Z in microseconds."""
TODAY = "2026-02-20"
POLICY = Policy(
    "p1",
    "with levels",
    "EUR",
    DEFAULT.classes,
    authority=(Authority("head", "100000.00", "100000.00", "EUR"), Authority("lead", "10000.00", "10000.00", "EUR")),
    approval_levels=(ApprovalLevel("0.00", 1), ApprovalLevel("5000.00", 2)),
    four_eyes_above="2000.00",
)
KNOWN = [
    told("customer.changed", "2026-01-01", **CUSTOMER),
    limit("L-1", "2026-01-01", "1000.00"),
    invoice("I-1", "2026-02-01", "40.00", due="2026-02-25"),
    invoice("I-2", "2026-02-01", "30.00", due="2026-02-26"),
    invoice("I-3", "2026-02-01", "20.00", due="2026-02-27"),
]
TIMES = {"recorded", "known_at", "sources", "read_back", "reproduced", "differences"}
"""What is another one in the copy, for there it was recorded later and by somebody else."""


class Office:
    """Whoever decides of one account; each act is a minute behind the one before."""

    def __init__(self, store: Any, now: int = NOON) -> None:
        self.store, self.at, self.policies = store, now, lambda _: POLICY

    def now(self) -> int:
        self.at += HOUR // 60
        return self.at

    def reserve(self, order: str, amount: str) -> str:
        return str(reserving.reserve(self.store, Request(ACCOUNT, order, amount, "EUR", holds=True), self.now, "shop")["reservation"])

    def turn(self, how: Any, order: str, *more: Any) -> None:
        assert how(self.store, ACCOUNT, order, *more, self.now, "shop")["refused"] is None

    def check(self, order: str, amount: str) -> str:
        return str(check(self.store, Request(ACCOUNT, order, amount, "EUR"), self.now, "erp")["decision_id"])

    def release(self, decision: str, *who: str) -> None:
        for by in who:
            assert releasing.release(self.store, Release(decision, by, f"{by} knows them"), self.now, self.policies).refused is None

    def ask(self, amount: str) -> str:
        wanted = approving.Wanted(ACCOUNT, amount, "EUR", "base", TODAY, None, "they grow")
        return str(approving.request(self.store, wanted, "k.weiss", self.now, self.policies).shown["request"])

    def act(self, name: str, request: str, *who: str) -> None:
        for by in who:
            assert approving.act(self.store, Act(name, request, by, "so it is"), self.now, self.policies).refused is None

    def promise(self, amount: str, *invoices: str, note: str | None = None) -> str:
        wanted = Wanted(ACCOUNT, amount, due="2026-03-10", invoices=invoices, note=note)
        return str(promising.make(self.store, wanted, "m.vogt", self.now)["promise"])

    def withdraw(self, promise: str) -> None:
        assert promising.withdraw(self.store, promise, "it was another one", "m.vogt", self.now).refused is None


def plain(answer: Any) -> Any:
    if isinstance(answer, dict):
        return {name: plain(value) for name, value in answer.items() if name not in TIMES}
    return [plain(one) for one in answer] if isinstance(answer, list | tuple) else answer


def answers(store: Any) -> Json:
    """All that people ask of the account, but when it was recorded."""
    on = Asked(NOON + DAY + 9 * HOUR)
    with store.reading() as moment:
        return {
            "show": [plain(show(moment, ACCOUNT, Asked(NOON + DAY + 9 * HOUR, day))) for day in ("2026-02-19", TODAY, "2026-03-20")],
            "promises": plain(promises(moment, ACCOUNT, on, ())["promises"]),
            "limits": plain(limit_requests(moment, ACCOUNT, on, settled=True)),
            "decisions": plain(list(decisions_of(moment, ACCOUNT, None, None, None))),
            "holds": plain(holds(moment, ACCOUNT)),
            "overrides": plain(overrides(moment, None, None)),
        }


def told_and_lost(path: Path, folder: Path) -> tuple[Office, Any]:
    """Everything that is told of what people said, some of it of what the copy has, some of what came behind it."""
    office = Office(opened(path))
    fed(office.store, map(written, KNOWN), now=NOON)
    for order in ("O-1", "O-2"):
        office.reserve(order, "100.00")
    waits, held, promised = office.ask("6000.00"), office.check("O-8", "9000.00"), office.promise("10.00", "I-1")
    office.act("approve", waits, "lead")
    office.release(held, "lead")
    copy = copied(office.store, folder)
    office.turn(reserving.extend, "O-1", "2026-02-22T09:00:00")
    office.turn(reserving.release, "O-2")
    office.at += DAY
    office.reserve("O-2", "50.00")
    office.reserve("O-3", "200.00")
    office.turn(reserving.settle, "O-3")
    office.release(held, "head")
    office.check("O-8", "9000.00")
    office.release(office.check("O-9", "3000.00"), "head")
    office.act("approve", waits, "head")
    for name, who in (("reject", "lead"), ("withdraw", "k.weiss"), ("approve", "head")):
        office.act(name, office.ask("7000.00"), who)
    office.withdraw(promised)
    office.promise("15.00", "I-2")
    office.withdraw(office.promise("5.00", "I-3"))
    return office, copy


def test_what_people_said_is_read_back_and_all_answers_are_equal(path: Path, tmp_path: Path) -> None:
    office, copy = told_and_lost(path, tmp_path)
    lines, waiting = messages(office.store), messages(copy)
    assert answers(copy) != answers(office.store)
    assert had_back(copy, lines, tmp_path, NOON + DAY + 8 * HOUR) == ReadBack(
        read=len(lines), decisions=4, reservations=5, releases=2, limits=7, promises=4
    )
    assert answers(copy) == answers(office.store)
    kinds = ("account:", "decision:", "release:", "limit_request:")
    assert {stream: sorted(map(written, said)) for stream, said in recorded(copy, *kinds).items()} == {
        stream: sorted(map(written, said)) for stream, said in recorded(office.store, *kinds).items()
    }
    assert messages(copy) == waiting, "nothing is told again"
    assert had_back(copy, lines, tmp_path, NOON + DAY + 8 * HOUR) == ReadBack(read=len(lines))
    assert (verify(copy).first_bad, rebuild(copy).equal) == (None, True)


def test_every_message_of_it_is_as_the_document_of_the_topics_says(path: Path, tmp_path: Path) -> None:
    office, _ = told_and_lost(path, tmp_path)
    events = [read(line) for line in messages(office.store)]
    assert len({event["type"] for event in events}) == 12, "all types but that of a request that was refused"
    for event in events:
        payload = DOCUMENT["components"]["messages"][event["type"]]["payload"]
        assert [error.message for error in Draft202012Validator(payload).iter_errors(event["data"])] == []
        assert event["data"].keys() <= payload["properties"].keys()


def test_from_kafka_it_is_said_where_a_message_stood_that_was_not_read_back(
    path: Path, tmp_path: Path, kafka: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    topics = fresh(kafka).make(1)
    for name, value in topics.environment.items():
        monkeypatch.setenv(name, value)
    office, copy = told_and_lost(path, tmp_path)
    for topic in ("credit.decisions", "credit.measures"):
        topics.send([(topic, b"C-1001", b'{"order":"O-1"}', [("ce_type", b"credit.hold.released.v1"), ("ce_id", b"x"), ("ce_time", b"now")])])
    sent = len(messages(office.store))
    assert relayed(topics, path).exit_code == 0
    said = exposure("read-back", "--reason", "the copy of Tuesday", "--by", "d.admin", "--json", store=tmp_path / "copy.db")
    assert (said.exit_code, said.json["read"], said.json["unknown"]) == (3, sent + 2, 2)
    assert said.err.splitlines() == [
        f"exposure: {topics.prefix}{topic}, partition 0, offset 0: not read back: it is no event with id, type, time and data"
        for topic in ("credit.decisions", "credit.measures")
    ]
    assert answers(copy) == answers(office.store)


def test_what_is_said_after_it_does_not_take_the_id_of_what_was_read_back(path: Path, tmp_path: Path) -> None:
    """Ids count the events of an account: the copy has fewer of them when it goes on."""
    office = Office(opened(path))
    fed(office.store, map(written, KNOWN), now=NOON)
    office.reserve("O-1", "100.00")
    copy = copied(office.store, tmp_path)
    fed(office.store, [written(invoice("I-4", "2026-02-02", "5.00"))], now=NOON)
    office.turn(reserving.extend, "O-1", "2026-02-22T09:00:00")
    first = messages(office.store)
    had_back(copy, first, tmp_path)
    after = Office(copy, NOON + HOUR)
    after.turn(reserving.extend, "O-1", "2026-02-23T09:00:00")
    (tmp_path / "other").mkdir()
    other = copied(office.store, tmp_path / "other")
    fed(office.store, [written(invoice("I-5", "2026-02-02", "5.00"))], now=NOON)
    made_there = office.promise("15.00", "I-2")
    had_back(other, messages(office.store), tmp_path)
    assert Office(other, NOON + HOUR).promise("10.00", "I-1") != made_there
    with copy.reading() as moment:
        assert [one["until"] for one in show(moment, ACCOUNT, Asked(after.at))["reservations"]] == ["2026-02-23T09:00:00Z"]
    with other.reading() as moment:
        assert len(promises(moment, ACCOUNT, Asked(NOON + HOUR), ())["promises"]) == 2


def test_history_says_of_each_that_it_was_read_back(path: Path, tmp_path: Path) -> None:
    office, copy = told_and_lost(path, tmp_path)
    lines = messages(office.store)
    had_back(copy, lines, tmp_path, NOON + DAY + 8 * HOUR)
    with copy.reading() as moment:
        events = [one for one in history(moment, ACCOUNT) if one["type"] == "exposure.decision_read_back.v1"]
    had_before = {read(line)["id"] for line in messages(copy)}
    assert {one["data"]["message"] for one in events} == {read(line)["id"] for line in lines} - had_before
    assert {(one["actor"], one["data"]["reason"]) for one in events} == {(WHY.by, WHY.reason)}


def test_a_note_on_a_promise_goes_nowhere_and_is_lost_alone(path: Path, tmp_path: Path) -> None:
    office = Office(opened(path))
    fed(office.store, map(written, KNOWN), now=NOON)
    copy = copied(office.store, tmp_path)
    office.promise("15.00", "I-2", note="ask for Mrs Lindqvist")
    lines = messages(office.store)
    assert not any(b"Lindqvist" in line for line in lines)
    had_back(copy, lines, tmp_path)
    assert answers(copy)["promises"] == answers(office.store)["promises"]


def test_what_the_copy_has_settled_otherwise_stays(path: Path, tmp_path: Path) -> None:
    office = Office(opened(path))
    fed(office.store, map(written, KNOWN), now=NOON)
    request, held = office.ask("500.00"), office.check("O-8", "1500.00")
    copy = copied(office.store, tmp_path)
    office.act("approve", request, "lead")
    office.release(held, "lead")
    there = Office(copy)
    there.act("reject", request, "head")
    there.release(held, "head")
    before = answers(copy)
    assert had_back(copy, messages(office.store), tmp_path) == ReadBack(read=4)
    assert answers(copy) == before


def test_a_yes_that_was_said_again_in_other_words_is_one_yes(path: Path, tmp_path: Path) -> None:
    office = Office(opened(path))
    fed(office.store, map(written, KNOWN), now=NOON)
    request = office.ask("6000.00")
    copy = copied(office.store, tmp_path)
    office.act("approve", request, "head")
    there = Office(copy)
    assert approving.act(copy, Act("approve", request, "head", "as I said"), there.now, there.policies).refused is None
    before = answers(copy)
    assert had_back(copy, messages(office.store), tmp_path) == ReadBack(read=2)
    assert answers(copy) == before
    office.act("approve", request, "lead")
    assert had_back(copy, messages(office.store), tmp_path) == ReadBack(read=3, limits=1)
    with copy.reading() as moment:
        assert show(moment, ACCOUNT, Asked(NOON))["limit"]["amount"] == "6000.00"


def test_evidence_says_that_the_policy_of_a_release_and_of_a_limit_was_adopted_in_the_store_that_was_lost(path: Path, tmp_path: Path) -> None:
    office = Office(opened(path))
    office.policies = in_force
    fed(office.store, map(written, KNOWN), now=NOON)
    held = office.check("O-8", "1500.00")
    copy = copied(office.store, tmp_path)
    adopt(office.store, office.now, read_policy('name = "P"\ncurrency = "EUR"\n[[class]]\n'), "board", "decided")
    office.release(held, "lead")
    office.act("approve", office.ask("500.00"), "lead")
    had_back(copy, messages(office.store), tmp_path)
    checkpoint = made(copy)
    with copy.reading() as moment:
        lines = [written(line) for line in export(moment, ACCOUNT, checkpoint)]
    assert {stream.partition(":")[0] for stream in verified(lines, checkpoint.key).elsewhere} == {"release", "limit_request"}
    without = [line for line in lines if not str(read(line).get("stream", "")).startswith("read_back:release:")]
    with pytest.raises(Bad, match="its adoption is missing"):
        verified(without, checkpoint.key)


FORGED: dict[str, tuple[str, Json]] = {
    "a release of another amount": ("credit.hold.released.v1", {"amount": "99000.00"}),
    "of another order": ("credit.hold.released.v1", {"order": "O-1"}),
    "of what it was not held for": ("credit.hold.released.v1", {"reasons": ["blocked"]}),
    "of a decision that is not here": ("credit.hold.released.v1", {"decision_id": "d"}),
    "of no day": ("credit.hold.released.v1", {"as_of": "tomorrow"}),
    "a proposal of another account": ("credit.hold.release_proposed.v1", {"account": "C-1"}),
    "a yes to what nobody asked for": ("credit.limit.approved.v1", {"request": "r"}),
    "of another person": ("credit.limit.approved.v1", {"by": "m.vogt"}),
    "a limit of no amount": ("credit.limit.requested.v1", {"amount": "much", "request": "r"}),
    "a reservation of another order": ("credit.reservation.released.v1", {"order": "O-1"}),
    "that is not here": ("credit.reservation.settled.v1", {"reservation": "r"}),
    "under another id": ("credit.reservation.settled.v1", {"fact": "f"}),
    "until no instant": ("credit.reservation.extended.v1", {"until": "soon"}),
    "a promise of another number": ("credit.promise.made.v1", {"promise": "p"}),
    "by no day": ("credit.promise.made.v1", {"instalments": [{"due": "soon", "amount": "1.00"}]}),
    "of no amount": ("credit.promise.made.v1", {"instalments": [{"due": "2026-03-10", "amount": "1.001"}]}),
    "taken back that nobody made": ("credit.promise.withdrawn.v1", {"promise": "p"}),
    "on no day": ("credit.promise.withdrawn.v1", {"date": "2026-02-30"}),
}
"""What may be made of a message: what it says otherwise."""


@pytest.mark.parametrize("what", FORGED)
def test_what_does_not_go_on_from_what_is_there_is_not_read_back(path: Path, tmp_path: Path, what: str) -> None:
    office, copy = told_and_lost(path, tmp_path)
    type_, other = FORGED[what]
    events = [read(line) for line in messages(office.store)]
    alone = [one for one in events if one["type"] == type_][-1]
    before = [one for one in events if one["type"] == "credit.decision.made.v1" or (one["type"] == "credit.limit.requested.v1" != type_)]
    had_back(copy, list(map(written, before)), tmp_path)
    kept = recorded(copy, "")
    counts = had_back(copy, [written({**alone, "data": {**alone["data"], **other}})], tmp_path)
    assert (counts, recorded(copy, "")) == (ReadBack(read=1, unknown=1), kept)
