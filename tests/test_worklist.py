"""The worklist of today: what there is to do is on it, what is done is not, and the most pressing comes first."""

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.acts.dead_letters import Order, discard
from exposure.ledger.acts.policies import adopt
from exposure.rules.spans import later
from projections.account import Asked
from projections.duties import KINDS
from projections.worklist import Wanted, worklist
from schemas.jsontext import written
from schemas.policies import DEFAULT, Authority, Policy
from schemas.policy_text import versioned
from service.collecting import acting, dunning, measuring, promising
from service.deciding import approving, releasing
from service.deciding.checking import Request, check
from service.running.ticking import tick
from service.shown.worklist_tables import write_worklist
from tests.alerting import at, log
from tests.command import exposure
from tests.measuring import LATE
from tests.measuring import Desk as MeasuringDesk
from tests.stores import FAR, fed, opened
from tests.test_dunning import INTEREST
from tests.test_rules import ACCOUNT, CUSTOMER, Json, invoice, limit, payment, to, told

pytestmark = pytest.mark.usefixtures("each_store")

LAWYERS = INTEREST._replace(levels=tuple(level._replace(who="collections") if level.legal else level for level in INTEREST.levels))
AUTHORITY = (Authority("head", "100000.00", "100000.00", "EUR", ("stop_deliveries",)), Authority("lead", "100000.00", "100000.00", "EUR"))


class Desk:
    """A store with a customer of m.vogt who owes 1000.00 EUR, due on 2026-02-11; time passes to noon of each day that is asked about."""

    def __init__(self, path: Path, *events: Json) -> None:
        self.store, self.day = opened(path), "2026-02-10"
        self.tell(
            customer(ACCOUNT, account_manager="m.vogt"), limit("L-1", "2026-01-01", "2000.00"), invoice("I-1", "2026-01-12", "1000.00"), *events
        )

    def now(self) -> int:
        return at(self.day)

    def tell(self, *events: Json | bytes) -> None:
        fed(self.store, [one if isinstance(one, bytes) else written(one) for one in events], now=self.now())

    def adopt(self, **rules: Any) -> None:
        ladder = DEFAULT.classes[0]._replace(currency="EUR", dunning=LAWYERS)
        adopt(self.store, self.now, versioned(Policy("", "ours", "EUR", (ladder,), AUTHORITY, **rules)), "board", "decided")

    def todo(self, day: str, *kinds: str, **wanted: Any) -> list[Json]:
        rows: list[Json] = self.listed(day, *kinds, **wanted)["worklist"]
        return rows

    def listed(self, day: str, *kinds: str, **wanted: Any) -> Json:
        self.day = day
        tick(self.store, self.now)
        with self.store.reading() as moment:
            return worklist(moment, Asked(self.now()), Wanted(frozenset(kinds), **wanted))

    def kinds(self, day: str) -> list[str]:
        return sorted(row["kind"] for row in self.todo(day))

    def promise(self, *parts: tuple[str, str], account: str = ACCOUNT) -> Json:
        return promising.make(self.store, promising.Wanted(account, instalments=parts), "m.vogt", self.now)

    def about(self, rule: str, step: int | None, to: str | None = None) -> None:
        alert = next(one for one in log(self.store, ACCOUNT) if (one["rule"], one["step"]) == (rule, step))
        acting.act(self.store, acting.Act(alert["id"], "m.vogt", "they pay on Friday", to), self.now)


def customer(account: str, **more: str) -> Json:
    return told("customer.changed", "2026-01-01", subject=account, **CUSTOMER, **more)


def owed(account: str, number: str, amount: str, due: str = "2026-02-11", currency: str = "EUR") -> Json:
    return told("invoice.posted", "2026-01-12", subject=account, invoice=number, currency=currency, amount=amount, due=due, lines=[])


def few(row: Json, *names: str) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


@pytest.fixture
def desk(path: Path) -> Desk:
    return Desk(path)


def test_where_nothing_is_to_be_done_nothing_is_on_it(desk: Desk) -> None:
    assert few(desk.listed("2026-02-11"), "worklist", "totals") == ([], {})


# Promises


def test_a_promise_is_called_for_on_its_day_and_the_day_before_and_is_broken_the_day_after(desk: Desk) -> None:
    promised = desk.promise(("2026-02-14", "400.00"), ("2026-02-20", "600.00"))
    due = ("promise_due", "2026-02-14", "400.00", promised["promise"], "medium")
    broken = ("promise_broken", "2026-02-14", "400.00", promised["promise"], "high")

    def listed(day: str) -> list[tuple[Any, ...]]:
        return [few(row, "kind", "day", "amount", "id", "priority") for row in desk.todo(day, "promise_due", "promise_broken")]

    assert [listed(f"2026-02-{day}") for day in (12, 13, 14, 15)] == [[], [due], [due], [broken]]
    desk.tell(payment("P-1", "2026-02-15", "400.00", to("I-1", "400.00")))
    assert listed("2026-02-15") == []
    assert [row[1:3] for row in listed("2026-02-19")] == [("2026-02-20", "600.00")], "the rest of the plan is still to come"


def test_a_broken_promise_is_named_once_and_not_as_its_alert(desk: Desk) -> None:
    desk.promise(("2026-02-11", "1000.00"))
    assert desk.kinds("2026-02-12") == ["alert", "promise_broken"]
    assert [row["what"] for row in desk.todo("2026-02-12", "alert")] == ["overdue 1"]


def test_the_day_is_the_customers_own(path: Path) -> None:
    far = {"version": 1, "name": "Acme", "currency": "EUR", "timezone": "Pacific/Auckland"}
    desk = Desk(path, told("customer.changed", "2026-01-01", subject="C-2", **far), owed("C-2", "I-2", "50.00"))
    for account in (ACCOUNT, "C-2"):
        desk.promise(("2026-02-14", "50.00"), account=account)
    assert [row["account"] for row in desk.todo("2026-02-12", "promise_due")] == ["C-2"], "there it is the thirteenth already"


# Dunning


def test_a_notice_is_due_until_it_is_sent_and_one_for_the_lawyers_waits_for_those_who_may_say_yes(desk: Desk) -> None:
    desk.adopt()
    (reminder,) = desk.todo("2026-02-16", "dunning_due")
    assert few(reminder, "what", "amount", "day", "who", "priority") == ("level 1 reminder by email", "1000.00", "2026-02-11", ["m.vogt"], "medium")
    for day in ("2026-02-16", "2026-02-26", "2026-03-13"):
        desk.day = day
        dunning.run(desk.store, (), "head", desk.now)
        assert desk.todo(day, "dunning_due") == []
    (legal,) = desk.todo("2026-04-12", "dunning_due")
    assert few(legal, "priority", "who", "account_manager") == ("high", ["collections"], "m.vogt")
    ((proposed),) = dunning.run(desk.store, (), "head", desk.now)["notices"]
    (waiting,) = desk.todo("2026-04-12", "dunning_due", "dunning_proposed")
    assert few(waiting, "kind", "id", "amount", "who") == ("dunning_proposed", proposed["notice"], "1000.00", ["lead"]), "not who proposed it"
    dunning.approve(desk.store, dunning.Act(proposed["notice"], "lead", "no answer"), desk.now)
    assert desk.todo("2026-04-12", "dunning_due", "dunning_proposed") == []


def test_what_is_promised_is_not_due_to_be_dunned(desk: Desk) -> None:
    desk.adopt()
    desk.promise(("2026-02-20", "1000.00"))
    assert desk.todo("2026-02-16", "dunning_due") == []
    assert len(desk.todo("2026-02-21", "dunning_due")) == 1


# Alerts


def test_of_the_steps_of_a_rule_the_highest_is_listed_until_somebody_acknowledges_it(desk: Desk) -> None:
    (row,) = desk.todo("2026-03-13", "alert")
    assert few(row, "what", "day", "priority", "who") == ("overdue 30", "2026-03-13", "medium", ["m.vogt"])
    desk.about("overdue", 30)
    assert desk.todo("2026-03-13", "alert") == []
    assert [row["what"] for row in desk.todo("2026-04-12", "alert")] == ["overdue 60"], "it got worse"


def test_an_alert_that_is_passed_on_waits_for_whom_it_was_passed_to(desk: Desk) -> None:
    desk.todo("2026-02-12")
    desk.about("overdue", 1)
    desk.about("overdue", 1, to="j.albers")
    (row,) = desk.todo("2026-02-12", "alert", who="J.Albers")
    assert few(row, "what", "who") == ("overdue 1", ["j.albers"])


def test_an_alert_that_was_cleared_is_not_listed(desk: Desk) -> None:
    assert len(desk.todo("2026-02-12", "alert")) == 1
    desk.tell(payment("P-1", "2026-02-13", "1000.00", to("I-1", "1000.00")))
    assert desk.todo("2026-02-13", "alert") == []


# Requests and held orders


def test_a_limit_that_is_asked_for_waits_for_those_who_may_say_yes(desk: Desk) -> None:
    desk.adopt()
    asked = approving.Wanted(ACCOUNT, "5000.00", None, "base", "2026-03-01", None, "they grow")
    request = approving.request(desk.store, asked, "head", desk.now).shown["request"]
    endless = approving.request(desk.store, asked._replace(amount="unlimited"), "m.vogt", desk.now).shown["request"]
    rows = {row["id"]: few(row, "amount", "day", "who", "priority") for row in desk.todo("2026-02-11", "limit_request")}
    assert rows == {request: ("5000.00", "2026-02-10", ["lead"], "medium"), endless: (None, "2026-02-10", ["m.vogt"], "medium")}
    approving.act(desk.store, approving.Act("approve", request, "lead"), desk.now)
    assert [row["id"] for row in desk.todo("2026-02-11", "limit_request")] == [endless]


def test_a_held_order_waits_then_its_release_and_then_nothing(desk: Desk) -> None:
    desk.adopt(four_eyes_above="100.00")
    decision = check(desk.store, Request(ACCOUNT, "O-1", "1500.00"), desk.now, "erp")
    release = releasing.Release(decision["decision_id"], "head", "they paid")

    def waiting() -> list[tuple[Any, ...]]:
        return [few(row, "kind", "id", "amount", "who", "priority") for row in desk.todo("2026-02-10", "hold", "release_proposed")]

    assert waiting() == [("hold", decision["decision_id"], "1500.00", ["head", "lead"], "high")]
    releasing.release(desk.store, release, desk.now)
    assert waiting() == [("release_proposed", decision["decision_id"], "1500.00", ["lead"], "high")]
    releasing.release(desk.store, release._replace(by="lead"), desk.now)
    assert waiting() == []


def test_a_measure_waits_for_those_who_may_say_yes_and_for_nobody_once_somebody_did(path: Path) -> None:
    trusted = '[[authority]]\nwho = "head"\nmeasures = ["stop_deliveries", "lower_limit"]'
    desk = MeasuringDesk(path, '{ on = "overdue", step = 1, take = "stop_deliveries" }', trusted)
    desk.tell(LATE, day="2026-02-12")
    desk.propose("lower_limit", share="0.5")
    desk.tell(day="2026-02-14")

    def waiting() -> list[tuple[Any, ...]]:
        with desk.store.reading() as moment:
            rows = worklist(moment, Asked(at(desk.day)), Wanted(frozenset({"measure_proposed"})))["worklist"]
        return [few(row, "what", "amount", "day", "who", "priority") for row in rows]

    stop = (f"stop_deliveries, proposed by policy {desk.policy.version}: alert overdue 1", None, "2026-02-12", ["head"], "high")
    assert waiting() == [("lower_limit, proposed by k.weiss: they pay late", "500.00", "2026-02-12", ["head"], "high"), stop]
    assert [desk.act("approve", by="head"), waiting(), desk.act("reject", by="head", place=0)] == ["applied", [stop], "rejected"]
    assert waiting() == []


def test_dead_letters_are_one_row_an_account_until_they_are_settled(desk: Desk) -> None:
    lines = [written({**invoice(f"I-{number}", "2026-02-01", "5.005")}) for number in (7, 8)]
    desk.tell(*lines, written({**owed("C-9", "I-1", "1.005")}), b"{")
    rows = desk.todo("2026-02-11", "dead_letters")
    assert [few(row, "account", "what", "day") for row in rows] == [
        (None, "1 dead letter: not_json", "2026-02-10"),
        (ACCOUNT, "2 dead letters: too_many_decimals", "2026-02-10"),
        ("C-9", "1 dead letter: too_many_decimals", "2026-02-10"),
    ]
    discard_all(desk)
    assert [row["account"] for row in desk.todo("2026-02-11", "dead_letters")] == [None, "C-9"]


# Who, in which order, and how much


def test_serious_things_come_first_then_those_of_whom_most_is_overdue_then_the_oldest(path: Path) -> None:
    rate = {**told("fx_rate.published", "2026-01-02", subject="USD"), "data": {"base": "USD", "quote": "EUR", "rate": "0.5", "date": "2026-01-02"}}
    dollars = told("customer.changed", "2026-01-01", subject="C-4", **CUSTOMER | {"currency": "USD"})
    others = [customer("C-2"), owed("C-2", "I-2", "3000.00"), customer("C-3"), owed("C-3", "I-3", "1000.00", due="2026-02-10")]
    desk = Desk(path, rate, dollars, *others, owed("C-4", "I-4", "5000.00", currency="USD"))
    desk.adopt()
    check(desk.store, Request("C-3", "O-1", "9.00"), desk.now, "erp")
    rows = desk.todo("2026-02-12", "alert", "hold")
    assert [few(row, "account", "what", "priority") for row in rows] == [
        ("C-2", "over_limit", "high"),
        ("C-4", "over_limit", "high"),
        ("C-3", "over_limit", "high"),
        ("C-3", "order O-1 held for no_limit", "high"),
        ("C-2", "overdue 1", "medium"),
        ("C-4", "overdue 1", "medium"),
        ("C-3", "overdue 1", "medium"),
        (ACCOUNT, "overdue 1", "medium"),
    ], "5000.00 USD are 2500.00 EUR; of two with as much overdue the older thing comes first"


def test_one_sees_what_waits_for_oneself_and_what_is_of_the_accounts_one_manages(path: Path) -> None:
    desk = Desk(path, customer("C-2", account_manager="j.albers"), owed("C-2", "I-2", "3000.00"), customer("C-3"), owed("C-3", "I-3", "5.00"))
    desk.adopt()
    check(desk.store, Request(ACCOUNT, "O-1", "1500.00"), desk.now, "erp")

    def of(who: str) -> set[str]:
        return {f"{row['account']} {row['kind']}" for row in desk.todo("2026-02-12", "alert", "hold", who=who)}

    assert of("M.Vogt") == {f"{ACCOUNT} alert", f"{ACCOUNT} hold"}
    assert of("j.albers") == {"C-2 alert"}
    assert of("lead") == {f"{ACCOUNT} hold"}
    assert of("nobody") == set()


def test_a_new_account_manager_counts_from_its_day_and_nobody_is_named_whose_key_was_thrown_away(desk: Desk) -> None:
    desk.tell(told("customer.changed", "2026-02-14", **CUSTOMER | {"version": 2, "account_manager": "j.albers"}))
    assert [desk.todo(day, "alert")[0]["account_manager"] for day in ("2026-02-13", "2026-02-14")] == ["m.vogt", "j.albers"]
    with desk.store.writing(desk.now()) as writing:
        assert writing.rows("DELETE FROM account_keys WHERE account = ? RETURNING 1", ACCOUNT)
    assert few(desk.todo("2026-02-14", "alert")[0], "account_manager", "who") == (None, [])


def test_totals_are_by_kind_and_of_what_is_beyond_the_top_too(path: Path) -> None:
    desk = Desk(path, customer("C-2"), owed("C-2", "I-2", "70.50"))
    for account, amount in ((ACCOUNT, "300.00"), ("C-2", "70.50")):
        desk.promise(("2026-02-11", amount), account=account)
    listed = desk.listed("2026-02-12", "promise_broken", "alert", top=1)
    assert [few(row, "account", "kind") for row in listed["worklist"]] == [(ACCOUNT, "promise_broken")]
    assert listed["totals"] == {"promise_broken": {"rows": 2, "amounts": {"EUR": "370.50"}}, "alert": {"rows": 3, "amounts": {}}}


def test_of_an_account_that_is_taken_on_later_nothing_is_calculated(path: Path) -> None:
    taken_on = {**told("x", "2026-01-01", subject="C-2"), "type": "exposure.account.taken_on.v1", "data": {"cut_over": "2026-06-30"}}
    desk = Desk(path, customer("C-2"), taken_on, owed("C-2", "I-2", "70.50"))
    desk.adopt()
    assert [row["account"] for row in desk.todo("2026-02-16", "dunning_due")] == [ACCOUNT]
    rows = [row for row in desk.todo("2026-02-16") if row["account"] == "C-2"]
    assert {few(row, "overdue_amount", "account_currency", "account_manager") for row in rows} == {(None, None, None)}


# What was known


def test_as_known_on_a_day_it_is_what_it_was_on_that_day(desk: Desk) -> None:
    desk.adopt(four_eyes_above="100.00")
    decision, wanted = check(desk.store, Request(ACCOUNT, "O-1", "1500.00"), desk.now, "erp"), approving.Wanted
    asked = approving.request(desk.store, wanted(ACCOUNT, "5000.00", None, "base", "2026-03-01", None, "they grow"), "head", desk.now).shown
    measure = measuring.propose(desk.store, measuring.Wanted(ACCOUNT, "stop_deliveries", None, None, "they pay late"), "m.vogt", desk.now).shown
    release = releasing.Release(decision["decision_id"], "head", "they paid")
    desk.tell(written(invoice("I-7", "2026-02-01", "5.005")))
    desk.promise(("2026-02-12", "400.00"))
    happened: dict[str, list[Callable[[], Any]]] = {
        "2026-02-11": [lambda: releasing.release(desk.store, release, desk.now)],
        "2026-02-13": [lambda: releasing.release(desk.store, release._replace(by="lead"), desk.now)],
        "2026-02-14": [lambda: desk.about("overdue", 1), lambda: desk.tell(customer(ACCOUNT, account_manager="n.vogt") | {"id": "new"})],
        "2026-02-15": [lambda: discard_all(desk), lambda: approving.act(desk.store, approving.Act("approve", asked["request"], "lead"), desk.now)],
        "2026-02-16": [lambda: measuring.act(desk.store, measuring.Act("reject", measure["measure"], "head", "they will"), desk.now)],
        **{day: [lambda: dunning.run(desk.store, (), "head", desk.now)] for day in ("2026-02-17", "2026-02-27", "2026-03-14", "2026-04-13")},
        "2026-04-14": [lambda: desk.tell(payment("P-1", "2026-02-12", "400.00", to("I-1", "400.00")))],
        "2026-04-15": [lambda: adopt(desk.store, desk.now, DEFAULT, "board", "decided")],
        "2026-04-16": [],
    }
    kept: dict[int, Json] = {}
    for day, acts in happened.items():
        kept |= {at(one): desk.listed(one) for one in (later(day, -1), day) if at(one) not in kept}
        for act in acts:
            act()
        kept[desk.now()] = desk.listed(day)
    assert {row["kind"] for listed in kept.values() for row in listed["worklist"]} == set(KINDS)
    with desk.store.reading() as moment:
        for known_at, listed in kept.items():
            assert worklist(moment, Asked(FAR, None, known_at), Wanted()) == listed


def discard_all(desk: Desk) -> None:
    with desk.store.reading() as moment:
        digests = moment.open_letters(account=ACCOUNT)
    discard(desk.store, desk.now, digests, Order("m.vogt", "sent again"))


# As a command


def test_a_spreadsheet_calculates_no_text_of_it(path: Path) -> None:
    desk = Desk(path, customer("=C-2", account_manager="+HYPERLINK"), owed("=C-2", "I-2", "70.50"))
    out = StringIO()
    write_worklist(desk.todo("2026-02-12", "alert"), out)
    rows = {row["account"]: row for row in csv.DictReader(StringIO(out.getvalue()))}
    assert few(rows["'=C-2"], "account_manager", "who", "amount", "overdue_amount") == ("'+HYPERLINK", "'+HYPERLINK", "", "70.50")


def test_it_is_asked_for_by_a_command(desk: Desk, path: Path) -> None:
    desk.todo("2026-02-12")
    now = ("--now", "2026-02-12T12:00:00Z")
    told = exposure("worklist", "--kind", "alert", "--for", "m.vogt", "--top", "1", "--json", *now, store=path)
    assert [few(row, "account", "what") for row in told.json["worklist"]] == [(ACCOUNT, "overdue 1")]
    wrong = exposure("worklist", "--kind", "alarm", *now, store=path)
    assert (wrong.exit_code, wrong.err) == (2, f"exposure: --kind: there is no 'alarm'; there are: {', '.join(KINDS)}\n")
    assert exposure("worklist", "--csv", "--json", *now, store=path).exit_code == 2
    assert exposure("worklist", "--csv", *now, store=path).out.startswith("priority,account,kind,")


def test_several_processes_find_who_was_late_as_one_does(path: Path) -> None:
    desk = Desk(path, *(event for name in ("C-2", "C-3") for event in (customer(name), owed(name, f"I-{name}", "70.50"))))
    desk.adopt()
    late = desk.listed("2026-02-16", "dunning_due")
    desk.tell(payment("P-1", "2026-02-16", "1000.00", to("I-1", "1000.00")))
    asked = ("worklist", "--kind", "dunning_due", "--known-at", "2026-02-16T11:59:59Z", "--json", "--now", "2026-03-01T12:00:00Z")
    desk.listed("2026-03-01")
    one, two = (exposure(*asked, "--jobs", jobs, store=path) for jobs in ("1", "2"))
    assert {row["account"] for row in one.json["worklist"]} == {ACCOUNT, "C-2", "C-3"} == {row["account"] for row in late["worklist"]}
    assert (two.exit_code, two.out) == (one.exit_code, one.out)
