"""Payments for branches through a store: both accounts are told in one transaction, whoever else writes, and what is rebuilt equals what was kept."""

from collections.abc import Iterable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from exposure.ledger.ledger import Ledger
from exposure.ledger.rebuild import rebuild
from projections.account import Asked, UnknownAccount, show
from schemas.jsontext import read, written
from tests.asking import asked
from tests.stores import DAY, NOW, derived, fed, log, opened
from tests.test_branch_payments import BOTH, BRANCH, PARENT, Json, customer, invoice, of_parent, parts, payment, to_branch, to_own
from tests.test_rules import CUSTOMER, told
from tests.test_two_writers import Beaten

pytestmark = pytest.mark.usefixtures("each_store")

INVOICE = invoice("I-1", "2026-01-10", "400.00")
PAYMENT = payment("77", "2026-01-20", "500.00", to_branch("I-1", "400.00"))
RETURN = of_parent("payment.returned", "2026-02-20", payment="77")


def lines(events: Iterable[Json]) -> list[bytes]:
    return [written(event) for event in events]


def shown(store: Any, account: str, day: str = "2026-02-28", known_at: int | None = None) -> Json:
    with store.reading() as moment:
        figures = show(moment, account, Asked(NOW + 9 * DAY, day, known_at))
    return {name: value for name, value in figures.items() if name not in ("known_at", "sources")}


def both(store: Any) -> list[Json]:
    return [shown(store, account) for account in (PARENT, BRANCH)]


def told_to_branch(store: Any) -> list[Json]:
    """What the log says of transfers, the oldest first."""
    with store.reading() as moment:
        return [read(state)["data"] for _, _, topic, state, *_ in moment.events(f"account:{BRANCH}") if topic == "PaymentTransferred.v1"]


def business(random: Random) -> list[Json]:
    """Invoices of both accounts, and payments of the parent with what becomes of them."""
    events = [*BOTH]
    for number in range(12):
        events.append(invoice(f"I-{number}", f"2026-01-{number + 1:02}", "100.00", of=BRANCH if number % 3 else PARENT))
    for number in range(12):
        to = [to_branch(f"I-{item}", "60.00") if item % 3 else to_own(f"I-{item}", "60.00") for item in random.sample(range(14), 3)]
        events.append(payment(f"{number}", f"2026-01-{number + 3:02}", "130.00", *to))
        if number % 3 == 0:
            events.append(of_parent("payment.returned", f"2026-02-{number + 1:02}", payment=f"{number}"))
        if number % 4 == 0:
            made = {"invoice": "I-1", "amount": "20.00", "account": BRANCH}
            events.append(of_parent("allocation.made", "2026-02-01", allocation=f"A-{number}", credit=f"{number}", **made))
    return events


def test_a_payment_for_a_branch_that_nobody_heard_of_makes_it_an_account(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    fed(store, lines([PAYMENT]))
    assert parts(shown(store, BRANCH)) == ("0.00", "0.00", "0.00", "-400.00")
    assert parts(shown(store, PARENT)) == ("0.00", "0.00", "0.00", "-100.00")
    assert [kept["version"] for kept in told_to_branch(store)] == [1]
    assert rebuild(store).equal


def test_a_payment_that_gives_a_branch_nothing_makes_no_account_of_it(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    fed(store, lines([of_parent("allocation.made", "2026-01-22", allocation="A-1", credit="77", invoice="I-1", amount="9.00", account=BRANCH)]))
    with pytest.raises(UnknownAccount):
        shown(store, BRANCH)
    assert rebuild(store).equal
    fed(store, lines([payment("77", "2026-01-20", "500.00")]))
    assert parts(shown(store, BRANCH))[3] == "-9.00", "the payment names no other account, but what was allocated of it does"


def test_a_return_that_comes_alone_is_told_to_the_branch_too(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    fed(store, lines([*BOTH, INVOICE, PAYMENT]), now=NOW)
    assert shown(store, BRANCH)["open_items"] == []
    fed(store, lines([RETURN]), now=NOW + DAY)
    assert parts(shown(store, BRANCH)) == ("0.00", "0.00", "400.00", "0.00")
    assert shown(store, BRANCH, known_at=NOW)["open_items"] == [], "that it was returned was not known then"
    assert [kept["version"] for kept in told_to_branch(store)] == [2, 3]
    fed(store, lines([RETURN, PAYMENT]), now=NOW + 2 * DAY)
    assert len(told_to_branch(store)) == 2, "a repeat tells nothing"
    assert rebuild(store).equal


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("batch", [1, 3, 500])
def test_the_figures_depend_neither_on_batches_nor_on_the_order_of_arrival(tmp_path: Path, seed: int, batch: int) -> None:
    random = Random(seed)
    events = business(random)
    store, other = opened(tmp_path / "exposure.db"), opened(tmp_path / "other.db")
    fed(store, lines(events), batch=batch)
    random.shuffle(events)
    fed(other, lines(events), batch=7, ledger=Ledger(other, lambda: NOW, documents_in_memory=5))
    assert both(store) == both(other)
    for one in (store, other):
        kept = derived(one)
        outcome = rebuild(one)
        assert (outcome.equal, derived(one) == kept) == (True, True)
        assert outcome.events > len(events), "transfers are events of the branch"


def test_batches_make_no_difference_to_the_log(tmp_path: Path) -> None:
    stores = [opened(tmp_path / f"{batch}.db") for batch in (1, 4, 500)]
    for store, batch in zip(stores, (1, 4, 500), strict=True):
        fed(store, lines(business(Random(7))), batch=batch)
    assert log(stores[0]) == log(stores[1]) == log(stores[2])


@pytest.mark.parametrize("theirs", [[INVOICE], [RETURN], [BOTH[1]], [INVOICE, RETURN]])
def test_another_writer_who_is_faster_with_either_account_is_waited_for(tmp_path: Path, theirs: list[Json]) -> None:
    """The other's turn falls between this one's reading and writing; the last has in memory what is stale."""
    path = tmp_path / "exposure.db"
    store = opened(path)
    beaten = Ledger(Beaten(store, lambda: fed(opened(path), lines(theirs))), lambda: NOW)
    fed(None, lines([BOTH[0], PAYMENT]), ledger=beaten)
    fed(None, lines([INVOICE, RETURN, *BOTH]), ledger=beaten)
    one = opened(tmp_path / "one.db")
    fed(one, lines([*BOTH, INVOICE, PAYMENT, RETURN]))
    assert both(store) == both(one)
    assert rebuild(store).equal


def test_ledgers_that_take_turns_know_what_the_others_told_the_branch(tmp_path: Path) -> None:
    """A check rides with every third turn: it is taken under the lock, with whatever memory holds of the branch."""
    random = Random(5)
    ledgers = [Ledger(opened(tmp_path / "exposure.db"), lambda: NOW, answer=lambda *_: None) for _ in range(3)]
    events = lines(business(random))
    for turn, start in enumerate(range(0, len(events), 2)):
        ask = [asked(f"R-{turn}", PARENT, "O-1", "1.00")] if turn % 3 == 0 else []
        fed(None, [*events[start : start + 2], *ask], ledger=random.choice(ledgers))
    single = opened(tmp_path / "single.db")
    fed(single, events)
    assert log(ledgers[0].store) == log(single)
    assert derived(ledgers[0].store) == derived(single)


class Falling(Exception):
    """The store is gone in the middle of a write."""


class FallsWriting:
    """A store that falls when the rows of both accounts are in, before they are committed."""

    def __init__(self, store: Any) -> None:
        self.store = store

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    def write(self, batch: Any) -> Any:
        with self.store.writing(batch.now) as writing:
            writing.write(batch)
            raise Falling


def test_a_write_that_is_killed_leaves_both_accounts_as_they_were(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    fed(store, lines([*BOTH, INVOICE]))
    before = both(store)
    with pytest.raises(Falling):
        fed(None, lines([PAYMENT]), ledger=Ledger(FallsWriting(store), lambda: NOW))
    assert (both(store), told_to_branch(store)) == (before, [])
    fed(store, lines([PAYMENT]))
    assert parts(shown(store, BRANCH))[2] == "0.00"
    assert len(told_to_branch(store)) == 1


def test_what_changes_nothing_for_the_branch_is_not_told_there(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    fed(store, lines([*BOTH, payment("77", "2026-01-20", "500.00", to_branch("I-1", "400.00"), to_own("I-9", "100.00"))]))
    fed(store, lines([INVOICE, invoice("I-9", "2026-02-01", "100.00", of=PARENT)]))
    assert parts(shown(store, PARENT)) == ("0.00", "0.00", "0.00", "0.00")
    assert len(told_to_branch(store)) == 1


def test_a_payment_that_was_a_dead_letter_pays_for_the_branch_when_it_is_sent_right(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    nameless = {**to_branch("I-1", "400.00"), "account": ""}
    fed(store, lines([*BOTH, INVOICE, {**PAYMENT, "data": {**PAYMENT["data"], "allocations": [nameless]}}]))
    assert shown(store, PARENT)["dead_letters"] == 1
    fed(store, lines([PAYMENT]))
    assert shown(store, BRANCH)["open_items"] == []


# Who names no account


def findings(
    store: Any, account: str, day: str = "2026-02-28", known_at: int | None = None
) -> tuple[list[tuple[str, str]], list[tuple[str, str, str]]]:
    """What is pending (the document and what it names), and the anomalies."""
    figures = shown(store, account, day, known_at)
    anomalies = [(found["code"], found["kind"], found["document"]) for found in figures["anomalies"] if found["code"] != "unknown_customer"]
    return [(entry["document"], entry["names"]) for entry in figures["pending"]], anomalies


def test_an_allocation_that_names_an_invoice_of_a_member_without_its_account_is_an_anomaly_and_not_pending(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    silent = payment("77", "2026-01-20", "500.00", to_own("I-1", "400.00"), to_own("I-404", "10.00"))
    made = of_parent("allocation.made", "2026-01-25", allocation="A-1", credit="77", invoice="I-1", amount="9.00")
    note = of_parent("credit_note.posted", "2026-01-26", credit_note="N-1", currency="EUR", amount="5.00", allocations=[to_own("I-1", "5.00")])
    fed(store, lines([*BOTH, silent, made, note]), now=NOW)
    assert findings(store, PARENT) == ([("A-1", "I-1"), ("N-1", "I-1"), ("77", "I-1"), ("77", "I-404")], [])
    fed(store, lines([INVOICE]), now=NOW + DAY)
    named = [("other_account", "allocation", "A-1"), ("other_account", "credit_note", "N-1"), ("other_account", "payment", "77")]
    assert findings(store, PARENT) == ([("77", "I-404")], named)
    assert findings(store, PARENT, known_at=NOW)[1] == [], "the invoice was not known then"
    assert findings(store, PARENT, day="2026-01-20") == ([("77", "I-404")], named[2:])
    assert shown(store, BRANCH)["open_items"][0]["open"] == "400.00", "it pays nothing there"


@pytest.mark.parametrize("payer", ["member", "sibling", "stranger"])
def test_an_invoice_of_the_parent_or_of_a_sibling_is_another_accounts_and_one_of_a_stranger_has_not_come(tmp_path: Path, payer: str) -> None:
    store = opened(tmp_path / "exposure.db")
    other = {"member": PARENT, "sibling": "C-1002", "stranger": "C-9"}[payer]
    paying = {**payment("77", "2026-01-20", "500.00", to_own("I-1", "400.00")), "subject": BRANCH}
    members = [*BOTH, customer("C-1002", parent=PARENT), customer("C-9", parent="P-9000")]
    fed(store, lines([*members, paying, invoice("I-1", "2026-01-10", "400.00", of=other)]))
    expected: Any = ([("77", "I-1")], []) if payer == "stranger" else ([], [("other_account", "payment", "77")])
    assert findings(store, BRANCH) == expected


def test_who_has_left_the_group_has_no_invoices_in_it(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    left = told("customer.changed", "2026-02-01", subject=BRANCH, **{**CUSTOMER, "version": 2, "parent": "P-2000"})
    fed(store, lines([*BOTH, INVOICE, left, payment("77", "2026-01-20", "500.00", to_own("I-1", "400.00"))]))
    assert findings(store, PARENT, day="2026-01-31") == ([], [("other_account", "payment", "77")])
    assert findings(store, PARENT, day="2026-02-01") == ([("77", "I-1")], [])


def test_an_allocation_that_names_the_account_waits_there_and_is_no_anomaly(tmp_path: Path) -> None:
    store = opened(tmp_path / "exposure.db")
    fed(store, lines([*BOTH, PAYMENT]))
    assert findings(store, PARENT) == ([], [])
    assert findings(store, BRANCH) == ([(f"{PARENT}/credit/77", "I-1")], [])
    fed(store, lines([INVOICE]))
    assert findings(store, BRANCH) == ([], [])
