"""Dunning as it is run: what goes out is recorded and told to the ERP once, which alone posts it; what goes to the lawyers waits for a yes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from exposure.ledger.acts.dunning import candidates, trails
from exposure.ledger.acts.policies import adopt
from exposure.ledger.proof.verify import verify
from exposure.ledger.rebuild import rebuild
from projections import dunned
from projections.account import Asked, show
from projections.dunning import due_of, listed, notice_shown, notices_of
from projections.history import history
from schemas.dunning import Dunning, DunningResumed, DunningStopped
from schemas.jsontext import read, written
from schemas.policies import DEFAULT, Authority, Policy
from schemas.policy_text import versioned
from service.collecting import dunning, promising
from service.collecting.dunning import Act
from service.collecting.promising import Wanted
from service.failures import Failure
from service.running.ticking import tick
from tests.stores import AS_OF_0015, FAR, derived, execute, fed, opened
from tests.test_dunning import INTEREST
from tests.test_rules import ACCOUNT, CUSTOMER, Json, invoice, payment, to, told

pytestmark = pytest.mark.usefixtures("each_store")

DAY = 86_400_000_000
DUE_NOON = 1_771_588_800_000_000 - 9 * DAY
"""2026-02-11, when invoices of these tests are due, at 12:00:00Z in microseconds."""
AUTHORITY = (Authority("head", None, "100000.00", "EUR"), Authority("clerk", None, "10.00", "EUR"))


class Desk:
    """A store with a customer who owes 1000.00 EUR, dunned under one policy; days are counted from the day it is due."""

    def __init__(self, path: Path, *events: Json, rules: Dunning | None = INTEREST, owed: str = "1000.00") -> None:
        self.store, self.days = opened(path), 0
        self.tell(told("customer.changed", "2026-01-01", **CUSTOMER), invoice("I-1", "2026-01-12", owed), *events)
        if rules is not None:
            self.adopt(rules)

    def now(self) -> int:
        return DUE_NOON + self.days * DAY

    def adopt(self, rules: Dunning) -> None:
        policy = Policy("", "dunning", "EUR", (DEFAULT.classes[0]._replace(currency="EUR", dunning=rules),), AUTHORITY)
        adopt(self.store, self.now, versioned(policy), "board", "the ladder")

    def tell(self, *events: Json) -> None:
        fed(self.store, map(written, events), now=self.now())

    def run(self, day: int, *accounts: str, by: str = "nightly") -> list[Json]:
        self.days = day
        notices: list[Json] = dunning.run(self.store, accounts, by, self.now)["notices"]
        return notices

    def runs(self, *days: int) -> list[tuple[int, str]]:
        """Level and state of what each run sent."""
        return [(one["level"], one["state"]) for day in days for one in self.run(day)]

    def foreseen(self, day: int) -> list[Json]:
        self.days = day
        notices: list[Json] = dunning.foreseen(self.store, (), self.now)["notices"]
        return notices

    def approve(self, notice: Json, by: str) -> str:
        done = dunning.approve(self.store, Act(notice["notice"], by, "no answer since March"), self.now)
        return done.refused.code if done.refused else str(done.shown["state"])

    def cancel(self, notice: Json) -> Json:
        return dunning.cancel(self.store, Act(notice["notice"], "m.vogt", "they had paid"), self.now).shown

    def stop(self, invoice: str | None = None, until: str | None = None) -> None:
        dunning.stop(self.store, DunningStopped(ACCOUNT, invoice, until, "m.vogt", "we talk with them"), self.now)

    def promise(self, due: str, amount: str, invoice: str) -> Json:
        return self.plan({due: amount}, invoice)

    def plan(self, instalments: dict[str, str], invoice: str) -> Json:
        wanted = Wanted(ACCOUNT, instalments=tuple(instalments.items()), invoices=(invoice,))
        return promising.make(self.store, wanted, "m.vogt", self.now)

    def told(self) -> list[Json]:
        """What waits to be told to the ERP."""
        with self.store.reading() as moment:
            rows = moment.rows("SELECT key, message_id, payload FROM outbox WHERE topic = 'credit.dunning' ORDER BY id")
        return [{"key": key, "id": id_, **read(payload)} for key, id_, payload in rows]

    def listed(self, day: str | None = None, known_at: int | None = None) -> Json:
        with self.store.reading() as moment:
            return listed(moment, None, Asked(self.now(), day, known_at))

    def shown(self) -> Json:
        with self.store.reading() as moment:
            return show(moment, ACCOUNT, Asked(self.now()))


# A run


def test_under_the_default_policy_nothing_is_dunned(path: Path) -> None:
    desk = Desk(path, rules=None)
    assert desk.run(100) == []


def test_a_run_sends_what_is_due_and_tells_the_erp_what_to_post(path: Path) -> None:
    desk = Desk(path)
    assert desk.runs(4, 5) == [(1, "issued")]
    (notice,) = desk.run(20)
    assert (notice["level"], notice["total"], notice["left_out"]) == (2, "1000.00", [])
    assert notice["debit_items"] == [
        {"kind": "fee", "amount": "5.00", "currency": "EUR", "date": "2026-03-03", "number": "DN-2-fee-EUR"},
        {"kind": "interest", "amount": "6.11", "currency": "EUR", "date": "2026-03-03", "number": "DN-2-interest-EUR"},
    ]
    first, second = desk.told()
    assert [item["kind"] for item in first["data"]["debit_items"]] == ["compensation"]
    assert (second["type"], second["key"], second["id"]) == ("credit.dunning.noticed.v1", ACCOUNT, notice["notice"])
    assert second["data"]["debit_items"] == notice["debit_items"]
    assert (second["data"]["as_of"], second["data"]["version"], second["data"]["figures"]["days_overdue"]) == ("2026-03-03", 2, 20)


def test_running_it_again_on_the_day_sends_nothing(path: Path) -> None:
    desk = Desk(path)
    assert desk.runs(20, 20, 20) == [(1, "issued")]
    assert len(desk.told()) == 1


def test_two_who_run_it_at_once_send_it_once(path: Path) -> None:
    desk = Desk(path)
    desk.days = 20
    others = [opened(path) for _ in range(4)]
    with ThreadPoolExecutor(len(others)) as together:
        sent = list(together.map(lambda store: dunning.run(store, (), "nightly", desk.now)["notices"], others))
    assert sorted(map(len, sent)) == [0, 0, 0, 1]
    assert len(desk.told()) == 1


def test_a_dry_run_says_what_a_run_would_send_and_sends_nothing(path: Path) -> None:
    desk = Desk(path)
    (foreseen,) = desk.foreseen(20)
    assert desk.listed()["notices"] == desk.told() == []
    (sent,) = desk.run(20)
    assert foreseen == sent | {"state": "due"}


def test_the_charges_count_when_the_erp_tells_them_and_not_before(path: Path) -> None:
    desk = Desk(path)
    desk.runs(5)
    (notice,) = desk.run(20)
    assert desk.shown()["exposure"]["receivables"] == "1000.00"
    desk.tell(*(posted(item) for item in notice["debit_items"]))
    assert desk.shown()["exposure"]["receivables"] == "1011.11"
    (third,) = desk.run(40)
    lines = {line["kind"]: line for line in third["lines"]}
    assert (lines["invoice"]["level"], lines["invoice"]["interest"]) == (3, "6.11")
    assert (lines["fee"]["interest"], lines["interest"]["interest"]) == (None, None), "no interest on interest"


def posted(item: Json) -> Json:
    return invoice(item["number"], item["date"], item["amount"], due=item["date"], kind=item["kind"])


def test_the_whole_ladder_with_part_payments(path: Path) -> None:
    desk = Desk(path)
    assert desk.runs(*range(16)) == [(1, "issued"), (2, "issued")]
    desk.tell(payment("P-1", "2026-02-27", "400.00", to("I-1", "400.00")))
    (third,) = desk.run(30)
    assert third["lines"][0]["interest"] == "2.87", "1000.00 for a night more and 600.00 for fourteen, at 11.15 %"
    desk.tell(payment("P-2", "2026-03-20", "600.00", to("I-1", "600.00")))
    assert desk.run(70) == [], "what is paid is not dunned"


def test_each_instalment_is_an_item_of_its_own(path: Path) -> None:
    parts = [{"due": "2026-02-11", "amount": "300.00"}, {"due": "2026-02-21", "amount": "700.00"}]
    desk = Desk(path, invoice("I-2", "2026-01-12", "1000.00", instalments=parts), owed="0.00")
    (notice,) = desk.run(6)
    assert [(line["instalment"], line["amount"]) for line in notice["lines"]] == [("1", "300.00")]
    (notice,) = desk.run(16)
    assert [(line["instalment"], line["level"], line["days"]) for line in notice["lines"]] == [("1", 2, 16), ("2", 1, 6)]


def test_an_account_that_nobody_has_judged_is_found_and_one_that_owes_nothing_is_not(path: Path) -> None:
    desk = Desk(path, told("customer.changed", "2026-01-01", subject="C-2", **CUSTOMER), told_of("C-2", "I-5", due="2026-06-30"))
    desk.days = 20
    assert dunning.foreseen(desk.store, (), desk.now)["accounts"] == 2
    tick(desk.store, desk.now)
    assert dunning.foreseen(desk.store, (), desk.now)["accounts"] == 1
    assert len(desk.run(20)) == 1


def test_only_the_accounts_that_are_named_are_dunned(path: Path) -> None:
    others = [told("customer.changed", "2026-01-01", subject="C-2", **CUSTOMER), told_of("C-2", "I-5")]
    desk = Desk(path, *others)
    assert [one["account"] for one in desk.run(10, "C-2")] == ["C-2"]
    assert [one["account"] for one in desk.run(10)] == [ACCOUNT]


def told_of(account: str, number: str, due: str = "2026-02-11") -> Json:
    data = {"invoice": number, "currency": "EUR", "amount": "100.00", "due": due, "lines": []}
    return told("invoice.posted", "2026-01-12", subject=account, **data)


# What stops it


def test_a_dispute_stops_what_it_covers(path: Path) -> None:
    desk = Desk(path, told("dispute.opened", "2026-02-12", dispute="D-1", invoice="I-1", amount="1000.00"))
    assert desk.run(10, ACCOUNT) == []
    desk.tell(told("dispute.resolved", "2026-02-25", dispute="D-1"))
    assert [(one["level"], one["total"]) for one in desk.run(20)] == [(1, "1000.00")]
    assert desk.run(30)[0]["debit_items"][1]["amount"] == "5.19", "seventeen nights, not those of the dispute"


def test_who_disputes_all_is_dunned_where_disputes_stop_nothing_whether_anybody_judged_the_account_or_not(path: Path) -> None:
    contested = told("dispute.opened", "2026-02-12", dispute="D-1", invoice="I-1", amount="1000.00")
    desk = Desk(path, contested, rules=INTEREST._replace(stops=()))
    (due,) = desk.foreseen(10)
    tick(desk.store, desk.now)
    assert desk.foreseen(10) == [due]
    assert [one["level"] for one in desk.run(10)] == [1]


def test_a_run_whose_clock_is_behind_sends_what_it_foresees(path: Path) -> None:
    desk = Desk(path)
    desk.days = 20
    tick(desk.store, desk.now)
    desk.tell(told("dispute.opened", "2026-02-12", dispute="D-1", invoice="I-1", amount="1.00"))
    assert len(desk.foreseen(-10)) == len(desk.run(-10)) == 1


def test_a_stop_holds_until_its_day_or_until_it_is_resumed(path: Path) -> None:
    desk = Desk(path, invoice("I-2", "2026-01-12", "50.00"))
    desk.stop("I-1", until="2026-02-20")
    (notice,) = desk.run(9)
    assert [line["invoice"] for line in notice["lines"]] == ["I-2"]
    assert notice["left_out"] == [{"invoice": "I-1", "instalment": None, "reason": "blocked"}]
    assert [line["invoice"] for line in desk.run(10)[0]["lines"]] == ["I-1"]
    desk.stop()
    assert desk.run(40) == []
    assert [one["invoice"] for one in desk.listed()["stopped"]] == [None, "I-1"]
    dunning.resume(desk.store, DunningResumed(ACCOUNT, None, "m.vogt", "they did not call back"), desk.now)
    assert len(desk.run(40)) == 1
    with pytest.raises(Failure, match="is not stopped"):
        dunning.resume(desk.store, DunningResumed(ACCOUNT, None, "m.vogt", "again"), desk.now)


# To the lawyers


def at_the_lawyers_door(path: Path) -> tuple[Desk, Json]:
    desk = Desk(path)
    desk.runs(5, 15, 30)
    (proposed,) = desk.run(60)
    assert (proposed["level"], proposed["legal"], proposed["state"]) == (4, True, "proposed")
    return desk, proposed


def test_what_goes_to_the_lawyers_waits_for_somebody_with_authority_who_did_not_ask(path: Path) -> None:
    desk, proposed = at_the_lawyers_door(path)
    assert desk.run(70) == [], "nor is it proposed again meanwhile"
    assert len(desk.told()) == 3
    assert [desk.approve(proposed, by) for by in ("clerk", "nightly", "nobody")] == ["above_authority", "own_request", "no_authority"]
    assert desk.approve(proposed, "nobody") == "no_authority"
    with desk.store.reading() as moment:
        assert len(trails(moment, ACCOUNT)[-1].events) == 4, "what was refused is recorded once for the same words"
    assert desk.approve(proposed, "head") == "issued"
    assert [one["data"]["legal"] for one in desk.told()] == [False, False, False, True]
    assert desk.approve(proposed, "head") == "settled"
    assert len(desk.told()) == 4


def test_a_proposal_that_is_not_due_so_any_more_is_not_sent(path: Path) -> None:
    desk, proposed = at_the_lawyers_door(path)
    desk.tell(payment("P-1", "2026-04-12", "400.00", to("I-1", "400.00")))
    assert desk.approve(proposed, "head") == "no_longer_due"
    desk.cancel(proposed)
    assert len(desk.told()) == 3, "the ERP never heard of it"
    assert [(one["total"], one["state"]) for one in desk.run(61)] == [("600.00", "proposed")]


# Taken back


def test_a_notice_that_is_cancelled_counts_as_if_it_had_not_been(path: Path) -> None:
    desk = Desk(path)
    desk.runs(5)
    (second,) = desk.run(20)
    assert desk.cancel(second)["state"] == "cancelled"
    assert desk.run(20) == [], "not on the same day again"
    (again,) = desk.run(21)
    assert (again["level"], again["number"], again["lines"][0]["interest_from"]) == (2, 3, "2026-02-11")
    cancelled = desk.told()[2]
    assert cancelled["type"] == "credit.dunning.cancelled.v1"
    assert cancelled["data"]["debit_items"] == second["debit_items"]
    desk.cancel(second)
    assert len(desk.told()) == 4, "cancelled once"


def test_an_unknown_notice_is_said_to_be_unknown(path: Path) -> None:
    with pytest.raises(Failure, match="there is no notice"):
        Desk(path).cancel({"notice": "n"})


# What is kept


def test_the_history_of_an_account_tells_its_notices_and_a_rebuild_keeps_them(path: Path) -> None:
    desk, proposed = at_the_lawyers_door(path)
    desk.stop("I-1")
    desk.cancel(proposed)
    with desk.store.reading() as moment:
        types = [event["type"] for event in history(moment, ACCOUNT) if "dunning" in event["type"]]
        known = trails(moment, ACCOUNT)[-1]
    assert [name.split(".")[1] for name in types] == [
        *["dunning_notice_issued"] * 3,
        "dunning_notice_proposed",
        "dunning_stopped",
        "dunning_notice_cancelled",
    ]
    assert (known.state, [said["by"] for said in notice_shown(known)["trail"]]) == ("cancelled", ["nightly", "m.vogt"])
    before = derived(desk.store)
    rebuild(desk.store)
    assert derived(desk.store) == before
    assert verify(desk.store).first_bad is None


def test_a_notice_is_made_again_from_the_log_alone_whatever_came_later(path: Path) -> None:
    desk = Desk(path, invoice("I-2", "2026-01-12", "100.00", due="2026-02-12"))
    desk.stop("I-2", until="2026-02-16")
    desk.runs(5, 15, 30)
    assert [one["legal"] for one in desk.run(60)] == [False, True]
    desk.tell(payment("P-1", "2026-02-13", "1000.00", to("I-1", "1000.00")), invoice("I-3", "2026-01-12", "100.00", due="2026-02-01"))
    desk.stop()
    desk.adopt(INTEREST._replace(fixed_sums=()))
    with desk.store.reading() as moment:
        known = trails(moment, ACCOUNT)
        assert [dunned.shown(moment, one)["differences"] for one in known] == [[]] * 5
        forged = known[1]._replace(notice=known[1].notice._replace(total="1.00"))
        assert dunned.shown(moment, forged)["differences"] == [{"field": "total", "recorded": "1.00", "again": "1100.00"}]


def test_what_was_due_on_a_day_is_due_as_known_that_day(path: Path) -> None:
    desk, kept = Desk(path), {}
    for day in (10, 14, 30, 60):
        desk.days = day
        desk.tell(payment(f"P-{day}", "2026-02-13", "200.00", to("I-1", "200.00")))
        kept[day] = desk.foreseen(day)
        desk.run(day + 1)
    desk.tell(payment("P-0", "2026-02-13", "100.00", to("I-1", "100.00")))
    assert [len(one["debit_items"]) for foreseen in kept.values() for one in foreseen] == [1, 2, 2], "a fee, and interest"
    with desk.store.reading() as moment:
        for day, foreseen in kept.items():
            notices = notices_of(due_of(moment, ACCOUNT, Asked(FAR, None, DUE_NOON + day * DAY)))
            assert [{**one._asdict(), "state": dunning.DUE} for one in notices] == foreseen


def test_events_told_in_any_order_are_dunned_alike(path: Path, tmp_path: Path) -> None:
    events = [invoice("I-2", "2026-01-12", "500.00"), payment("P-1", "2026-02-14", "200.00", to("I-2", "200.00"))]
    contested = told("dispute.opened", "2026-02-13", dispute="D-1", invoice="I-1", amount="250.00")
    one = Desk(path, *events, contested)
    other = Desk(tmp_path / "other.db", contested, *reversed(events))
    for day in (10, 20, 30):
        assert one.run(day) == other.run(day) != []


def test_a_store_of_before_dunning_knows_what_is_overdue(path: Path, each_store: str) -> None:
    if each_store != "sqlite":
        pytest.skip("only SQLite has stores of older versions that anybody fed")
    desk = Desk(path)
    desk.days = 20
    tick(desk.store, desk.now)
    desk.store.datastore.close()
    execute(
        path,
        *AS_OF_0015,
        "DROP TABLE origins",
        "DROP INDEX alert_states_overdue",
        "ALTER TABLE alert_states DROP COLUMN overdue_since",
        "UPDATE alembic_version SET version_num = '0011'",
    )
    with opened(path).reading() as moment:
        assert candidates(moment, desk.now()) == [ACCOUNT]
