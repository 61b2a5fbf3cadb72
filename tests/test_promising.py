"""Promises to pay through a store: made, found, kept or broken, and taken back, by hand and by the command line."""

from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.ledger import Ledger
from exposure.ledger.proof.verify import verify
from exposure.ledger.rebuild import rebuild
from projections.account import Asked, show
from projections.history import history
from projections.promises import promise, promises
from schemas.jsontext import written
from service.collecting.promising import Wanted, make, withdraw
from service.failures import Failure
from service.running.ticking import tick
from tests.alerting import at, said
from tests.command import exposure
from tests.stores import fed, opened
from tests.test_rules import ACCOUNT, CUSTOMER, Json, invoice, limit, payment, to, told

pytestmark = pytest.mark.usefixtures("each_store")

TODAY, DUE, MISSED = "2026-03-02", "2026-03-10", "2026-03-11"
KNOWN = [
    told("customer.changed", "2026-01-01", **CUSTOMER),
    limit("L-1", "2026-01-01", "9999.00"),
    invoice("I-1", "2026-02-01", "400.00", due="2026-02-25"),
    invoice("I-2", "2026-02-05", "100.00", due="2026-02-20"),
    invoice("I-3", "2026-02-06", "70.00", due="2026-02-26", currency="USD"),
]


class Desk:
    """Who keeps the account, at noon of a day; one consumer keeps what it knows in memory all along."""

    def __init__(self, path: Path) -> None:
        self.path, self.store, self.day = path, opened(path), TODAY
        self.ledger = Ledger(self.store, lambda: self.now)
        self.tell(*KNOWN)

    @property
    def now(self) -> int:
        return at(self.day)

    def tell(self, *events: Json) -> None:
        fed(self.store, map(written, events), ledger=self.ledger)

    def promise(self, account: str = ACCOUNT, by: str = "m.vogt", **words: Any) -> Json:
        return make(self.store, Wanted(account, **words), by, lambda: self.now)

    def refused(self, **words: Any) -> str:
        with pytest.raises(Failure) as failure:
            self.promise(**words)
        assert failure.value.exit_code == 2
        return str(failure.value)

    def listed(self, account: str | None = None, *states: str, **asked: Any) -> list[tuple[str, str]]:
        with self.store.reading() as moment:
            rows: list[Json] = promises(moment, account, Asked(self.now, **asked), states)["promises"]
        return [(row["account"], row["state"]) for row in rows]

    def passes(self, day: str) -> None:
        self.day = day
        tick(self.store, lambda: self.now)

    def alerts(self) -> list[str]:
        return [one for one in said(self.store, ACCOUNT) if "promise_broken" in one]


@pytest.fixture
def desk(path: Path) -> Desk:
    return Desk(path)


def test_without_an_invoice_the_open_ones_are_promised_the_earliest_due_first(desk: Desk) -> None:
    assert desk.promise(amount="99.00", due=DUE)["invoices"] == ["I-2"]
    row = desk.promise(amount="100.01", due=DUE)
    assert (row["invoices"], row["amount"], row["state"], row["to_come"]) == (["I-2", "I-1"], "100.01", "open", "100.01")
    desk.tell(payment("P-1", "2026-03-02", "100.00", to("I-2", "100.00")))
    desk.tell(invoice("I-4", "2026-03-02", "5.00", due="2026-02-01"))
    with desk.store.reading() as moment:
        assert promise(moment, row["promise"], Asked(desk.now))["invoices"] == ["I-2", "I-1"], "they were frozen when it was made"


def test_a_plan_is_told_by_its_instalments_or_split(desk: Desk) -> None:
    told_each = desk.promise(instalments=(("2026-04-10", "50"), ("2026-03-10", "50.5")))
    assert [(part["due"], part["amount"]) for part in told_each["instalments"]] == [("2026-03-10", "50.50"), ("2026-04-10", "50.00")]
    in_parts = desk.promise(amount="100.00", every="month", many=3, first="2026-03-31")
    assert [(part["due"], part["amount"]) for part in in_parts["instalments"]] == [
        ("2026-03-31", "33.33"),
        ("2026-04-30", "33.33"),
        ("2026-05-31", "33.34"),
    ]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ({"amount": "500.01", "due": DUE}, "500.01 EUR is promised, and 500.00 is open on its invoices"),
        ({"amount": "100.01", "due": DUE, "invoices": ("I-2", "I-2")}, "100.01 EUR is promised, and 100.00 is open on those invoices"),
        ({"amount": "1.00", "due": "2026-03-01"}, "2026-03-01 is over already: it is 2026-03-02 for the account"),
        ({"amount": "1.00", "due": "2062-03-01"}, "2062-03-01 lies more than ten years ahead"),
        ({"amount": "1.00", "due": DUE, "currency": "EUR", "invoices": ("I-3",)}, "--currency: invoice 'I-3' is in USD, and EUR is promised"),
        ({"amount": "1.00", "due": DUE, "invoices": ("I-1", "I-3")}, "--currency: invoice 'I-3' is in USD, and EUR is promised"),
        ({"amount": "1.00", "due": DUE, "invoices": ("I-9",)}, "--invoice: nothing is open of 'I-9'"),
        ({"amount": "0.00", "due": DUE}, "nothing is promised for 2026-03-10: every instalment is more than 0.00 EUR"),
        ({"amount": "0.02", "every": "week", "many": 3, "first": DUE}, "nothing is promised for 2026-03-10: every instalment is more than 0.00 EUR"),
        ({"instalments": ((DUE, "1.00"), (DUE, "1.00"))}, "--instalment: two of one day are one instalment"),
    ],
)
def test_what_cannot_be_promised_is_refused_with_both_figures(desk: Desk, words: Json, why: str) -> None:
    assert desk.refused(**words) == why
    assert desk.listed() == []


def test_one_way_to_say_it_and_no_two(desk: Desk) -> None:
    for words in ({}, {"amount": "1.00"}, {"due": DUE}, {"amount": "1.00", "instalments": ((DUE, "1.00"),)}, {"amount": "1.00", "every": "week"}):
        assert desk.refused(**words).startswith("say --amount and --due, or")


def test_the_currency_is_that_of_the_invoices(desk: Desk) -> None:
    assert desk.promise(amount="70.00", due=DUE, invoices=("I-3",))["currency"] == "USD"
    assert desk.promise(amount="60.00", due=DUE, currency="USD")["invoices"] == ["I-3"]


def test_the_same_words_of_the_same_person_are_one_promise(desk: Desk) -> None:
    first = desk.promise(amount="300.00", due=DUE)
    assert desk.promise(amount="300", due=DUE, by="M.Vogt")["promise"] == first["promise"]
    desk.tell(payment("P-1", TODAY, "250.00", to("I-1", "250.00")))
    assert desk.promise(amount="300.00", due=DUE)["promise"] == first["promise"], "though less is open by now"
    assert desk.promise(amount="250.00", due=DUE)["promise"] != first["promise"]
    desk.promise(amount="250.00", due=DUE, by="j.albers")
    assert desk.listed() == [(ACCOUNT, "replaced"), (ACCOUNT, "replaced"), (ACCOUNT, "open")]


def test_time_alone_breaks_it_and_a_payment_told_late_corrects_what_was_said(desk: Desk) -> None:
    desk.promise(amount="300.00", due=DUE, invoices=("I-1",))
    desk.passes(DUE)
    assert desk.alerts() == []
    desk.passes("2026-03-13")
    assert desk.alerts() == ["raised promise_broken 2026-03-11"]
    desk.tell(payment("P-1", "2026-03-09", "300.00", to("I-1", "300.00")))
    desk.passes("2026-03-13")
    assert desk.alerts() == ["raised promise_broken 2026-03-11", "cleared promise_broken 2026-03-11 corrected"]
    desk.tell(told("payment.returned", "2026-03-12", payment="P-1"))
    desk.passes("2026-03-13")
    assert desk.alerts()[2:] == ["raised promise_broken 2026-03-12"]
    desk.tell(payment("P-2", "2026-03-14", "300.00", to("I-1", "300.00")))
    desk.passes("2026-03-14")
    assert desk.alerts()[3:] == ["cleared promise_broken 2026-03-14 ended"]
    assert rebuild(desk.store).equal
    assert verify(desk.store).first_bad is None


def test_show_and_list_say_how_each_stands_on_any_day_and_as_known_then(desk: Desk) -> None:
    number = desk.promise(amount="300.00", due=DUE, invoices=("I-1",))["promise"]
    desk.day = MISSED
    desk.tell(payment("P-1", "2026-03-09", "300.00", to("I-1", "300.00")))
    for asked, state in (({"as_of": DUE}, "kept"), ({"as_of": TODAY}, "open"), ({"as_of": MISSED, "known_at": at(TODAY)}, "broken")):
        with desk.store.reading() as moment:
            (row,) = show(moment, ACCOUNT, Asked(desk.now, **asked))["promises"]
            whole = promise(moment, number, Asked(desk.now, **asked))
        assert (row["promise"], row["state"]) == (number, state)
        assert {name: whole[name] for name in row} == row
        assert desk.listed(**asked) == desk.listed(ACCOUNT, state, **asked) == [(ACCOUNT, state)]
    assert desk.listed(None, "withdrawn") == desk.listed(as_of="2026-03-01") == desk.listed(known_at=at("2026-03-01")) == []


def test_promises_of_all_accounts_are_found_by_their_own_index(desk: Desk) -> None:
    desk.tell(invoice("I-1", "2026-02-01", "20.00", subject="C-2"), invoice("I-1", "2026-02-01", "20.00", subject="C-0"))
    for account in (ACCOUNT, "C-2"):
        desk.promise(account, amount="10.00", due=DUE)
    assert desk.listed() == [(ACCOUNT, "open"), ("C-2", "open")]
    desk.day = MISSED
    assert desk.listed(None, "broken") == [(ACCOUNT, "broken"), ("C-2", "broken")]
    assert rebuild(desk.store).equal
    assert desk.listed("C-2") == [("C-2", "broken")]


def test_a_consumer_that_has_other_documents_in_memory_takes_what_the_promise_needs(desk: Desk) -> None:
    """It has never seen the promise, and what it is told names neither it nor its invoice."""
    desk.tell(payment("P-1", TODAY, "300.00", to("I-1", "300.00")))
    desk.promise(amount="100.00", due=DUE, invoices=("I-1",))
    desk.promise(amount="60.00", due=DUE, invoices=("I-2",))
    desk.tell(told("allocation.made", "2026-03-05", allocation="A-1", credit="P-9", invoice="I-1", amount="100.00"))
    desk.tell(payment("P-9", "2026-03-06", "100.00"))
    assert desk.listed() == [(ACCOUNT, "open"), (ACCOUNT, "open")]
    desk.day = "2026-03-06"
    assert desk.listed() == [(ACCOUNT, "kept"), (ACCOUNT, "open")]
    desk.day = MISSED
    desk.tell(told("payment.returned", "2026-03-08", payment="P-9"))
    assert desk.listed() == [(ACCOUNT, "broken"), (ACCOUNT, "broken")]
    assert rebuild(desk.store).equal


def test_a_promise_is_taken_back_once_and_for_a_reason(desk: Desk) -> None:
    number = desk.promise(amount="300.00", due=DUE, invoices=("I-1",))["promise"]

    def taken_back(reason: str, by: str = "m.vogt") -> tuple[str, str | None]:
        row, refused = withdraw(desk.store, number, reason, by, lambda: desk.now)
        return row["state"], refused and refused.code

    assert taken_back("it was another customer's") == taken_back("it was another customer's") == ("withdrawn", None)
    assert taken_back("another reason") == ("withdrawn", "not_open")
    with desk.store.reading() as moment:
        events = [event for event in history(moment, ACCOUNT) if event["type"].startswith("exposure.promise")]
    assert [(event["type"], event["actor"]) for event in events] == [
        ("exposure.promise.made.v1", "m.vogt"),
        ("exposure.promise.withdrawn.v1", "m.vogt"),
    ]
    assert desk.promise(amount="300.00", due=DUE, invoices=("I-1",))["promise"] != number, "said again, it is another one"


def test_a_promise_of_a_day_is_shown_with_what_was_said_of_it_by_then(desk: Desk) -> None:
    number = desk.promise(amount="300.00", due=DUE, invoices=("I-1",))["promise"]
    desk.day = "2026-03-05"
    withdraw(desk.store, number, "a mistake", "m.vogt", lambda: desk.now)

    def shown(as_of: str | None) -> tuple[str, list[str]]:
        with desk.store.reading() as moment:
            row = promise(moment, number, Asked(desk.now, as_of))
        return row["state"], [said["type"].split(".")[2] for said in row["trail"]]

    assert shown("2026-03-04") == ("open", ["made"])
    assert shown("2026-03-05") == shown(None) == ("withdrawn", ["made", "withdrawn"])


def test_a_promise_taken_back_on_a_day_that_is_not_there_yet_elsewhere_is_not_taken_back_again(desk: Desk) -> None:
    """At noon of UTC it is tomorrow in Kiribati; the customer turns out to be in Berlin."""
    number = desk.promise(amount="300.00", due=DUE, invoices=("I-1",))["promise"]
    desk.tell(told("customer.changed", "2026-01-02", **{**CUSTOMER, "version": 2, "timezone": "Pacific/Kiritimati"}))
    assert withdraw(desk.store, number, "a mistake", "m.vogt", lambda: desk.now)[0]["state"] == "withdrawn"
    desk.tell(told("customer.changed", "2026-01-03", **{**CUSTOMER, "version": 3}))
    for reason, refused in (("a mistake", None), ("another reason", "not_open")):
        row, why = withdraw(desk.store, number, reason, "m.vogt", lambda: desk.now)
        assert (row["state"], why and why.code) == ("open", refused)
    assert [row for _, row in desk.listed(as_of=DUE)] == ["withdrawn"]


def test_a_note_is_sealed_and_shown_to_who_asks(desk: Desk) -> None:
    number = desk.promise(amount="300.00", due=DUE, note="Mrs Kessler")["promise"]
    with desk.store.reading() as moment:
        assert not [row for row in moment.all_events() if b"Kessler" in row[3]]
        assert promise(moment, number, Asked(desk.now))["trail"][0]["note"] == "Mrs Kessler"
    with desk.store.writing(0) as writing:
        writing.rows("DELETE FROM account_keys WHERE account = ? RETURNING 1", ACCOUNT)
    with desk.store.reading() as moment:
        assert promise(moment, number, Asked(desk.now))["trail"][0]["note"] is None, "its key was thrown away"


def test_the_command_line_makes_lists_shows_and_withdraws(desk: Desk) -> None:
    def said(*words: str, code: int = 0, on: str = TODAY) -> Any:
        done = exposure("promise", *words, "--now", f"{on}T12:00:00Z", "--json", store=desk.path)
        assert done.exit_code == code, done.err
        return done.json

    made = said("make", ACCOUNT, "--amount", "300", "--every", "week", "--instalments", "2", "--first", DUE, "--by", "m.vogt", "--note", "Mr Roth")
    assert [part["amount"] for part in made["instalments"]] == ["150.00", "150.00"]
    assert made == said("show", made["promise"])
    (row,) = said("list", ACCOUNT, "--state", "broken", on=MISSED)["promises"]
    assert (row["promise"], row["missing"]) == (made["promise"], "150.00")
    assert said("--state", "open", "--as-of", DUE, on=MISSED)["promises"][0]["promise"] == made["promise"]
    for words in (("make", ACCOUNT, "--instalment", "2026-03-10"), ("list", "--state", "late"), ("make", ACCOUNT, "--amount", "900", "--due", DUE)):
        assert said(*words, code=2)["error"]["code"] == "usage"
    assert said("show", "N-1", code=1)["error"]["code"] == "unknown_promise"
    assert said("withdraw", made["promise"], "--reason", "a mistake", "--by", "m.vogt", on=DUE)["state"] == "withdrawn"
    assert said("withdraw", made["promise"], "--reason", "again", "--by", "m.vogt", code=3, on=DUE)["error"]["code"] == "not_open"
