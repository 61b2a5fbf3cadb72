"""The recorded history decided again under another policy: which orders would have been held, and which would not?

Every order text dated in a period, and every check of it, is judged as it was known when it was recorded: by the facts recorded before it, on its
own day, at the rates known then; once under the policy in force then and once under the other. Nothing is written.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from exposure import decisions
from exposure.figures import Figures, account_on, converted
from exposure.findings import NoRate
from exposure.ledger.acts.policies import adopted
from exposure.ledger.replay import Replay
from exposure.rules import orders
from exposure.rules.fulfilled import fulfilled
from projections.account import Asked, known_instant
from projections.rates import KnownRates
from projections.when import instant_text
from schemas.amounts import minor, shown
from schemas.facts import Fact, OrderChecked
from schemas.policies import DEFAULT, Policy
from schemas.stored import read_ours


class Question(NamedTuple):
    """What was asked then: by an order's text, or by a check, which saw the account at ``version``."""

    kind: str
    recorded_at: int
    day: str
    asked: decisions.Asked
    version: int = 0

    def is_due(self, replay: Replay, recorded_at: int) -> bool:
        """Whether a check saw nothing of what is recorded next; the first ones did not tell what they saw, but when."""
        return self.version <= replay.head.version if self.version else self.recorded_at < recorded_at


class Case(NamedTuple):
    """One question and its two answers; ``amount`` in the account's currency (minor units)."""

    question: Question
    then: decisions.Answer
    now: decisions.Answer
    policy_then: str
    currency: str
    amount: int

    @property
    def differs(self) -> bool:
        return self.then.decision != self.now.decision

    @property
    def is_more(self) -> bool:
        return self.now.decision == decisions.HELD


@dataclass
class Tally:
    """What was judged so far; what differs by account and the currency it was kept in then."""

    orders: int = 0
    checks: int = 0
    not_judged: int = 0
    held_then: int = 0
    held_now: int = 0
    differing: dict[tuple[str, str], list[Case]] = field(default_factory=lambda: defaultdict(list))


def backtest(moment: Any, policy: Policy, first: str, last: str, asked: Asked, progress: Callable[[int], None]) -> dict[str, Any]:
    """The document of ``exposure policy backtest``, of what was recorded by the instant asked for; ``progress`` is told how many of the accounts are
    done."""
    until = known_instant(moment, asked)
    tally, checks = Tally(), checks_of(moment, first, last, until)
    in_force = [(0, DEFAULT), *((one.recorded_at, one.policy) for one in adopted(moment))]
    names = moment.account_names()
    for done, name in enumerate(names, 1):
        for replay, question in questions(moment, name, first, last, until, checks.get(name, [])):
            then = [known for since, known in in_force if since <= question.recorded_at][-1]
            count(tally, name, question, judged(moment, replay, question, then, policy))
        progress(done)
    return document(tally, policy, first, last, until)


def checks_of(moment: Any, first: str, last: str, until: int) -> dict[str, list[Question]]:
    """The recorded checks of the period by account, oldest first."""
    found: dict[str, list[Question]] = defaultdict(list)
    for topic, state, recorded_at in moment.events_of_kind("decision:"):
        check = read_ours(topic, state)
        if recorded_at <= until and isinstance(check, OrderChecked) and first <= check.as_of <= last:
            asked = decisions.Asked(check.order, minor(check.amount, check.currency), check.currency)
            found[check.account].append(Question("check", recorded_at, check.as_of, asked, check.version))
    return found


def questions(moment: Any, name: str, first: str, last: str, until: int, checks: list[Question]) -> Iterator[tuple[Replay, Question]]:
    """What was asked of an account in order, each with the account as it was then."""
    replay, waiting = Replay(name), list(checks)
    for recorded_at, fact in replay.events(moment):
        if recorded_at > until:
            break
        while waiting and waiting[0].is_due(replay, recorded_at):
            yield replay, waiting.pop(0)
        if fact.name in orders.TEXTS and first <= fact.data["date"] <= last:
            yield replay, Question("order", recorded_at, fact.data["date"], asked_by(fact))
    for question in waiting:
        yield replay, question


def asked_by(text: Fact) -> decisions.Asked:
    return decisions.Asked(text.data["order"], orders.whole_value(text.data), text.data["currency"])


def judged(moment: Any, replay: Replay, question: Question, then: Policy, other: Policy) -> Case | None:
    """``None`` where it cannot be judged: a rate was not known then."""
    day, asked = question.day, question.asked
    on = account_on(replay.account, replay.speaking(day), day, first_currency=replay.head.first_currency())
    order = replay.documents.get(f"order:{asked.order}")
    done = fulfilled(order, day) if order else {}
    wanted = on.currencies_under(then) | on.currencies_under(other) | {asked.currency, *done}
    rates = KnownRates(moment, question.recorded_at).on(wanted - {on.currency}, on.currency, day)
    try:
        answers = [decisions.decide(Figures(on, rates, policy), rates, done, asked) for policy in (then, other)]
    except NoRate:
        return None
    amount = converted(asked.amount, asked.currency, on.currency, rates)
    assert amount is not None, "a rate that is missing was told already"
    return Case(question, answers[0], answers[1], then.version, str(on.currency), amount)


def count(tally: Tally, account: str, question: Question, case: Case | None) -> None:
    tally.orders += question.kind == "order"
    tally.checks += question.kind == "check"
    if case is None:
        tally.not_judged += 1
        return
    tally.held_then += case.then.decision == decisions.HELD
    tally.held_now += case.now.decision == decisions.HELD
    if case.differs:
        tally.differing[account, case.currency].append(case)


def document(tally: Tally, policy: Policy, first: str, last: str, until: int) -> dict[str, Any]:
    counts = {name: getattr(tally, name) for name in ("orders", "checks", "not_judged", "held_then", "held_now")}
    return {
        "policy": policy.version,
        "from": first,
        "to": last,
        "known_at": instant_text(until),
        **counts,
        "accounts": [account_row(name, currency, cases) for (name, currency), cases in tally.differing.items()],
        "differences": [case_row(name, case) for (name, _), cases in tally.differing.items() for case in cases],
    }


def account_row(name: str, currency: str, cases: list[Case]) -> dict[str, Any]:
    more, fewer = ([case for case in cases if case.is_more is wanted] for wanted in (True, False))
    return {
        "account": name,
        "currency": currency,
        "more_held": len(more),
        "more_held_amount": shown(sum(case.amount for case in more), currency),
        "fewer_held": len(fewer),
        "fewer_held_amount": shown(sum(case.amount for case in fewer), currency),
    }


def case_row(name: str, case: Case) -> dict[str, Any]:
    question, asked = case.question, case.question.asked
    return {
        "account": name,
        "order": asked.order,
        "asked_by": question.kind,
        "as_of": question.day,
        "recorded": instant_text(question.recorded_at),
        "amount": shown(asked.amount, asked.currency),
        "currency": asked.currency,
        "policy_then": case.policy_then,
        "reasons_then": case.then.reasons,
        "reasons_now": case.now.reasons,
    }
