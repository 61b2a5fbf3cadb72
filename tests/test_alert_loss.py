"""How alerts stand can be lost and made anew from the log: nothing is said twice, and the numbers go on where they were."""

from pathlib import Path
from typing import Any

import pytest

from exposure.ledger.acts.policies import adopt
from exposure.ledger.rebuild import rebuild
from service.collecting.acting import Act, act
from tests.alerting import at, log, outbox, said, said_to_stand, shown, told
from tests.command import exposure
from tests.stores import alter, execute, opened, using
from tests.test_alert_log import OWED
from tests.test_alert_policy import DANCING
from tests.test_rules import ACCOUNT, CUSTOMER, invoice, limit, payment, to
from tests.test_rules import told as event

pytestmark = pytest.mark.usefixtures("each_store")
OTHER = "C-2"


@pytest.fixture
def store(path: Path) -> Any:
    return two_accounts(path)


def two_accounts(path: Path) -> Any:
    """Two accounts with alerts that stand, were cleared and were acknowledged; one lives a day ahead of the other for half of it."""
    store = opened(path)
    auckland = event("customer.changed", "2026-01-01", **CUSTOMER | {"timezone": "Pacific/Auckland"})
    other = [auckland, limit("L-1", "2026-01-01", "1000.00"), invoice("I-9", "2026-01-12", "400.00", due="2026-02-11")]
    told(store, [*OWED, *({**one, "subject": OTHER, "id": f"{one['id']}-2"} for one in other)], "2026-01-12")
    told(store, [payment("P-1", "2026-03-01", "400.00", to("I-9", "400.00")), invoice("I-1", "2026-03-01", "950.00", due="2026-03-10")], "2026-03-11")
    act(store, Act(log(store, ACCOUNT)[-1]["id"], "m.vogt", "they pay on Friday", None), lambda: at("2026-03-12"))
    told(store, [], "2026-03-12", "22:00:00+00:00")
    return store


def rows(store: Any) -> list[Any]:
    """Where each account goes on; the day it was judged last may be a later one."""
    with store.reading() as moment:
        return list(moment.rows("SELECT account, sequence, next_day, next_at, currencies FROM alert_states ORDER BY account"))


@pytest.mark.parametrize(
    "lost",
    ["DELETE FROM alert_states", "UPDATE alert_states SET sequence = 0, state = '[[],[]]', next_at = 1", "UPDATE alert_states SET sequence = 99"],
    ids=["gone", "emptied", "counted wrongly"],
)
def test_what_was_lost_of_alerts_is_made_anew_and_nothing_is_said_twice(path: Path, store: Any, lost: str) -> None:
    before, was = {name: log(store, name) for name in (ACCOUNT, OTHER)}, rows(store)
    execute(path, lost)
    assert rebuild(store).unequal == [f"account:{ACCOUNT}", f"account:{OTHER}"]
    assert told(store, [], "2026-03-12", "22:00:01+00:00").accounts == 2
    assert {name: log(store, name) for name in before} == before
    assert rows(store) == was
    assert rebuild(store).equal


@pytest.mark.parametrize("state", [b"?", b"", b"[[]", b"7", b"[[],7]", b"[[],[[1,2]]]", b"[[[[],1,2]],[]]", b"\xff", b"null", b"{}"], ids=repr)
def test_a_row_that_can_not_be_read_is_made_anew(store: Any, state: bytes) -> None:
    """And named like any other that was not what the log says, by the command with exit code 3."""
    before, was = {name: log(store, name) for name in (ACCOUNT, OTHER)}, rows(store)
    alter(store, "UPDATE alert_states SET state = ? WHERE account = ?", state, OTHER)
    assert rebuild(store).unequal == [f"account:{OTHER}"]
    told(store, [], "2026-03-12", "22:00:01+00:00")
    assert ({name: log(store, name) for name in before}, rows(store)) == (before, was)
    assert rebuild(store).equal


@pytest.mark.parametrize("spoiled", ["state = 7", "state = 'é'", "judged_day = x'32'", "judged_day = 7", "sequence = 'many'"])
def test_nor_one_with_values_of_another_type_stops_a_rebuild(tmp_path: Path, spoiled: str) -> None:
    with using(None):
        store = two_accounts(tmp_path / "spoiled.db")
        before, was = {name: log(store, name) for name in (ACCOUNT, OTHER)}, rows(store)
        execute(tmp_path / "spoiled.db", f"UPDATE alert_states SET {spoiled} WHERE account = '{OTHER}'")
        said = exposure("rebuild", "--json", store=tmp_path / "spoiled.db")
        assert (said.exit_code, said.json["equal"], f"account:{OTHER}" in said.err, "Traceback" in said.err) == (3, False, True, False)
        told(store, [], "2026-03-12", "22:00:01+00:00")
        assert ({name: log(store, name) for name in before}, rows(store)) == (before, was)


@pytest.mark.parametrize(
    ("silenced", "is_said"),
    [
        ("next_at = 9000000000000000000", False),
        ("next_at = 9000000000000000000, next_day = '9999-12-31'", False),
        ("next_at = 9000000000000000000, next_day = '9999-12-31', judged_day = '9999-12-31'", True),
        ("currencies = '', next_at = 9000000000000000000", False),
    ],
)
def test_who_was_silenced_is_judged_again_after_a_rebuild(path: Path, store: Any, silenced: str, is_said: bool) -> None:
    """Which only the days themselves can say: no event says when an account was to be judged again."""
    before, was = {name: log(store, name) for name in (ACCOUNT, OTHER)}, rows(store)
    execute(path, f"UPDATE alert_states SET {silenced}")
    assert told(store, [], "2026-03-12", "22:00:01+00:00").accounts == 0
    assert rebuild(store).unequal == ([f"account:{ACCOUNT}", f"account:{OTHER}"] if is_said else [])
    assert told(store, [], "2026-03-12", "22:00:01+00:00").accounts == 2
    assert ({name: log(store, name) for name in before}, rows(store)) == (before, was)
    told(store, [], "2026-06-26")
    assert [said_to_stand(store, name) == shown(store, name, "2026-06-26") for name in (ACCOUNT, OTHER)] == [True, True]
    assert log(store, ACCOUNT) != before[ACCOUNT]


def test_after_a_loss_the_numbers_go_on_and_what_stands_is_what_the_days_say(path: Path, store: Any) -> None:
    execute(path, "DELETE FROM alert_states")
    rebuild(store)
    told(store, [payment("P-2", "2026-03-20", "950.00", to("I-1", "950.00"))], "2026-03-20")
    assert [one["data"]["sequence"] for one in outbox(store) if one["key"] == ACCOUNT] == list(range(1, len(log(store, ACCOUNT)) + 2))
    assert [said_to_stand(store, name) == shown(store, name, "2026-03-20") for name in (ACCOUNT, OTHER)] == [True, True]
    assert said(store, ACCOUNT)[-1] == "cleared overdue 1 2026-03-20 ended"


def test_what_was_near_its_limit_is_so_after_a_loss(path: Path) -> None:
    store = opened(path)
    adopt(store, lambda: at("2026-01-01"), DANCING, "m.vogt", "decided")
    told(store, [*OWED[:2], invoice("I-1", "2026-02-01", "950.00", due="2026-12-31")], "2026-02-01")
    told(store, [payment("P-1", "2026-02-02", "100.00", to("I-1", "100.00"))], "2026-02-02")
    alter(store, "DELETE FROM alert_states")
    rebuild(store)
    told(store, [], "2026-02-10")
    assert said(store, ACCOUNT) == ["raised near_limit 2026-02-01"]


@pytest.mark.parametrize(
    "lost",
    ["DELETE FROM stood", "UPDATE stood SET since = '2026-01-01'", "INSERT INTO stood SELECT 'C-2', until, rule, 30, since FROM stood"],
)
def test_what_stood_is_made_anew_with_all_that_is_derived(path: Path, store: Any, lost: str) -> None:
    kept = "SELECT * FROM stood ORDER BY account, until, rule, step"
    was, before = list(map(tuple, execute(path, kept))), log(store, ACCOUNT)
    assert was == [(ACCOUNT, "2026-03-01", "overdue", 1, "2026-02-12")]
    execute(path, lost)
    assert rebuild(store).equal
    told(store, [], "2026-03-12", "22:00:01+00:00")
    assert list(map(tuple, execute(path, kept))) == was
    assert log(store, ACCOUNT) == before


def test_the_command_says_of_which_accounts_it_was_lost(path: Path, store: Any) -> None:
    alter(store, "DELETE FROM alert_states WHERE account = ?", OTHER)
    done = exposure("rebuild", "--json", store=path)
    assert (done.json["equal"], "account:C-2" in done.err, ACCOUNT in done.err) == (False, True, False)
