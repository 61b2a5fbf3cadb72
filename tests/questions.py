"""All that can be asked of a store with its two clocks, each question by its name, and what it is answered, byte for byte."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from consumers.statements import Claim
from exposure.ledger.acts.policies import in_force
from projections.account import Asked, NotKnownBefore, UnknownAccount, show
from projections.alerts import Wanted, alert_log
from projections.bridge import bridge_between
from projections.corrections import corrections
from projections.dead_letters import dead_letters
from projections.decisions import decisions_of
from projections.difference import difference
from projections.dunning import listed as dunned
from projections.explanation import explain
from projections.groups import group
from projections.history import history
from projections.holds import holds, overrides
from projections.limit_requests import limit_requests, shown
from projections.measurements import listed as measurements
from projections.measures import measures
from projections.policies import adoptions
from projections.portfolio import portfolio
from projections.promises import UnknownPromise, promise, promises
from projections.reconciliation import Question, reconcile
from projections.selection import selection
from projections.statement import statement
from projections.when import DaysReversed
from projections.worklist import Wanted as Work
from projections.worklist import worklist
from schemas.jsontext import read, written
from service.deciding.approving import trail_of

Questions = dict[str, Callable[[], Any]]
NOT_ANSWERED = (UnknownAccount, UnknownPromise, NotKnownBefore, DaysReversed)
PERSONAL = {"personal", "name", "note", "record", "dead_letters", "account_manager"}
"""Where what an erasure throws away stands in answers: fields of a person, dead letters, and which of them spell a number."""


class Looking(NamedTuple):
    """Who is asked about, how far back (a day, and an instant), and what an ERP says is open, in order of accounts."""

    accounts: Sequence[str]
    since: str
    before: int
    claims: Sequence[Claim] = ()


def questions(moment: Any, asked: Asked, looking: Looking) -> Questions:
    """Those of each account, and those of all."""
    asked_of = [
        *(of_an_account(moment, account, asked, looking) for account in looking.accounts),
        of_all(moment, asked, looking),
        of_logs(moment, asked),
    ]
    return {name: question for several in asked_of for name, question in several.items()}


def of_an_account(moment: Any, account: str, asked: Asked, looking: Looking) -> Questions:
    known_at, since = asked.known_at, looking.since
    between = looking.before, asked.now if known_at is None else known_at
    return {
        f"show {account}": lambda: show(moment, account, asked),
        f"explain {account}": lambda: explain(moment, account, asked),
        f"group {account}": lambda: group(moment, account, asked),
        f"bridge {account}": lambda: bridge_between(moment, account, since, asked),
        f"statement {account}": lambda: statement(moment, account, asked, since),
        f"difference {account}": lambda: difference(moment, account, between, replace(asked, known_at=None)),
        f"history {account}": lambda: list(history(moment, account, known_at)),
        f"decisions {account}": lambda: list(decisions_of(moment, account, since, asked.as_of, known_at)),
        f"alerts {account}": lambda: list(alert_log(moment, Wanted(account, known_at=known_at))),
        f"promises {account}": lambda: promises(moment, account, asked, ("open", "broken")),
        f"holds {account}": lambda: holds(moment, account, known_at),
    }


def of_all(moment: Any, asked: Asked, looking: Looking) -> Questions:
    of_day = Wanted(standing=True, as_of=asked.as_of or looking.since, known_at=asked.known_at)
    return {
        "list": lambda: portfolio(moment, asked, selection((), None, None)),
        "late ones": lambda: portfolio(moment, asked, selection(("days_overdue>0",), "-total", 2)),
        "standing on the day": lambda: list(alert_log(moment, of_day)),
        "promises": lambda: promises(moment, None, asked, ()),
        "corrections": lambda: corrections(moment, None, asked),
        "dunning": lambda: dunned(moment, None, asked),
        "measures": lambda: measures(moment, None, asked, None),
        "measures in force": lambda: measures(moment, None, asked, {"applied"}),
        "each promise": lambda: [promise(moment, one["promise"], asked) for one in promises(moment, None, asked, ())["promises"]],
        "reconciled": lambda: list(reconcile(moment, looking.claims, Question(asked, of_items=True), lambda: None)),
    }


def of_logs(moment: Any, asked: Asked) -> Questions:
    """What is asked without a day."""
    known_at, undated = asked.known_at, replace(asked, as_of=None)
    policy = in_force(moment, known_at)
    return {
        "alerts": lambda: list(alert_log(moment, Wanted(known_at=known_at))),
        "standing": lambda: list(alert_log(moment, Wanted(standing=True, known_at=known_at))),
        "decisions": lambda: list(decisions_of(moment, None, None, None, known_at)),
        "holds": lambda: holds(moment, None, known_at),
        "overrides": lambda: overrides(moment, None, None, known_at),
        "open limit requests": lambda: limit_requests(moment, None, undated, settled=False),
        "each limit request": lambda: [
            shown(moment, trail_of(moment, one["request"], known_at), undated, policy) for one in limit_requests(moment, None, undated, settled=True)
        ],
        "dead letters": lambda: dead_letters(moment, known_at=known_at),
        "settled dead letters": lambda: dead_letters(moment, settled=True, known_at=known_at),
        "worklist": lambda: worklist(moment, undated, Work()),
        "policies": lambda: [policy.version, *adoptions(moment, known_at)],
        "measurements": lambda: measurements(moment, known_at),
    }


def answer(question: Callable[[], Any]) -> bytes:
    try:
        return written(question())
    except NOT_ANSWERED as error:
        return type(error).__name__.encode()


def is_same(then: bytes | None, again: bytes | None, *, erased: bool) -> bool:
    """To the last byte; where a person was erased meanwhile, but for what that took."""
    return then == again or (erased and None not in (then, again) and impersonal(then) == impersonal(again))


def impersonal(said: bytes | None) -> Any:
    return None if said is None else without_persons(read(said))


def without_persons(said: Any) -> Any:
    if isinstance(said, dict):
        # Nobody is left of those it waits for where that is whoever takes care of the account.
        if said.get("who") in ([], [said.get("account_manager")]):
            said = {name: value for name, value in said.items() if name != "who"}
        return {name: without_persons(value) for name, value in said.items() if name not in PERSONAL or isinstance(value, int)}
    return [without_persons(one) for one in said] if isinstance(said, list) else said
