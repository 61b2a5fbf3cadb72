"""One recorded decision, and whether it can be made again from the log alone: by the facts, policy, rates and group that stood before it there.

Law: no figure that is kept is asked. What an account says is folded from its first event up to the position of the decision, which no two events
share; so what was recorded in the same microsecond is on its right side too. What is derived only says where to look: who ever named a parent, and
which streams are releases of an account's orders.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from exposure import approvals, decisions
from exposure.decisions import HELD
from exposure.figures import Figures
from exposure.findings import NoRate
from exposure.groups import Group
from exposure.ledger.acts import decisions as recorded
from exposure.ledger.acts import releases
from exposure.ledger.acts.policies import in_force
from exposure.ledger.out import read_back
from exposure.ledger.replay import Replay
from exposure.retold import disagreements
from exposure.rules.documents import Document
from exposure.rules.fulfilled import fulfilled
from exposure.seen import Seen
from projections.account import Asked, Known, UnknownAccount, day_of, figures_on, refuse_unknown
from projections.groups import Members, judging
from projections.rates import KnownRates, Told
from projections.when import instant_text
from schemas.amounts import billionths, minor
from schemas.facts import Data, OrderChecked
from schemas.policies import Policy
from schemas.stored import read_fact, read_ours


class UnknownDecision(LookupError):
    """There is no decision of that id."""


def seen(rates: KnownRates, figures: Figures, order: Document, asked: decisions.Asked, group: Group | None, left: dict[str, int]) -> Seen:
    """What a decision looks at, the order by its document."""
    done = fulfilled(order, figures.on.day)
    wanted = {asked.currency, *done} - {figures.currency}
    return Seen(figures, rates.on(wanted, figures.currency, figures.on.day), done, asked, group, left)


class Then:
    """The store as it was before one position of the log, recorded at an instant (microseconds)."""

    def __init__(self, moment: Any, position: int, recorded_at: int) -> None:
        self.moment = moment
        self.position = position
        self.recorded_at = recorded_at
        self.replays: dict[str, Replay] = {}

    @cached_property
    def policy(self) -> Policy:
        return in_force(self.moment, before=self.position)

    @cached_property
    def rates(self) -> KnownRates:
        return RatesThen(self)

    def replay(self, account: str) -> Replay:
        if account not in self.replays:
            replay = self.replays[account] = Replay(account)
            replay.fold_until(self.moment, self.position)
        return self.replays[account]

    def document(self, account: str, key: str) -> Document:
        return self.replay(account).documents.get(key) or Document(key)

    def figures(self, account: str, day: str | None = None) -> Figures:
        """Of a day, or of the account's own; raises ``UnknownAccount``."""
        replay = self.replay(account)
        if not replay.head.version:
            raise UnknownAccount(f"nothing was known of account {account!r}")
        known, asked = Known(replay.head, None, self.document(account, f"customer:{account}").facts), Asked(self.recorded_at, day)
        day = day_of(known, asked)
        return figures_on(known, asked, day, replay.speaking(day), self.rates, self.policy)


class RatesThen(KnownRates):
    """The rates as they were told by then."""

    def __init__(self, then: Then) -> None:
        super().__init__(then.moment, None)
        self.then = then

    def told(self, base: str, quote: str) -> Told:
        last: dict[str, tuple[Any, str]] = {}
        for at, version, topic, state, *_ in self.moment.events(f"currency:{base}"):
            fact = read_fact(version, topic, state)
            if at < self.then.position and fact.data["quote"] == quote:
                day = fact.data["date"]
                last[day] = max(last.get(day, ((), "")), (fact.told, fact.data["rate"]))
        return sorted(last), [billionths(last[day][1]) for day in sorted(last)]


class MembersThen(Members):
    """The accounts of a group as they were."""

    def __init__(self, then: Then, day: str) -> None:
        super().__init__(then.moment, Asked(then.recorded_at, day))
        self.then = then

    def figures(self, account: str) -> tuple[Figures, list[dict[str, str]]]:
        return self.then.figures(account, self.asked.as_of), []

    def naming(self, parent: str) -> list[str]:
        """Some of them named it later."""
        return [name for name in super().naming(parent) if any(fact.data.get("parent") == parent for fact in self.customer(name))]

    def customer(self, account: str) -> list[Any]:
        return self.then.document(account, f"customer:{account}").facts

    def known_rates(self) -> KnownRates:
        return self.then.rates


def decisions_of(moment: Any, account: str | None, first: str | None, last: str | None, known_at: int | None) -> Iterator[dict[str, Any]]:
    """Every decision recorded by an instant, oldest first, of one account or of all; between two days, each account's own, both included. Without
    what it depended on. Raises ``UnknownAccount`` at once."""
    refuse_unknown(moment, account, known_at)
    known = recorded.decided(moment, account, known_at)
    return (listed(at, one) for at, one in known if (first or "") <= one.as_of <= (last or one.as_of))


def listed(recorded_at: int, decision: OrderChecked) -> dict[str, Any]:
    told = {name: value for name, value in decision._asdict().items() if name != "inputs"}
    return {**told, "recorded": instant_text(recorded_at)}


def shown(moment: Any, decision_id: str, known_at: int | None = None) -> dict[str, Any]:
    """The document of ``exposure decision``; raises ``UnknownDecision``. One that was read back was made of another log: what can be made again is
    what follows from its inputs."""
    rows = moment.events(recorded.decision_stream(decision_id))
    for position, _, topic, state, recorded_at, _ in (row for row in rows if known_at is None or row[4] <= known_at):
        decision = read_ours(topic, state)
        assert isinstance(decision, OrderChecked)
        told = {**decision._asdict(), "recorded": instant_text(recorded_at)}
        if (found := read_back.of(moment, decision_id)) is not None:
            _, event = found
            disagreeing = disagreements(decision)
            return {**told, "reproduced": False if disagreeing else None, "differences": disagreeing, "read_back": event._asdict()}
        differing = differences(decision, Then(moment, position, recorded_at))
        return {**told, "reproduced": not differing, "differences": differing, "read_back": None}
    when = "" if known_at is None else f" that was recorded by {instant_text(known_at)}"
    raise UnknownDecision(f"there is no decision {decision_id!r}{when}")


def differences(decision: OrderChecked, then: Then) -> list[dict[str, Any]]:
    """What the decision says and would not say, made again: by field, as recorded and as it comes out now."""
    try:
        again = made_again(decision, then)
    except (NoRate, UnknownAccount) as error:
        return [{"field": "decision", "recorded": decision.decision, "again": str(error)}]
    told, told_again = comparable(decision, again.inputs), comparable(again, again.inputs)
    return [{"field": name, "recorded": told[name], "again": told_again[name]} for name in told if told[name] != told_again[name]]


UNTOLD_BEFORE = ("version", "inputs", "warnings", "findings", "group", "judged")
"""What the first decisions did not record: they have no ``version``."""


def comparable(decision: OrderChecked, depends: Data) -> Data:
    """What can be made again of it. Of its inputs that is what it depends on; what is reserved and replaced are acts."""
    told = decision._asdict()
    for name in ("decision_id", "by", "reservation", "lost_to"):
        del told[name]
    if not decision.version:
        return {name: value for name, value in told.items() if name not in UNTOLD_BEFORE}
    return {**told, "inputs": {name: decision.inputs.get(name) for name in depends}}


def made_again(decision: OrderChecked, then: Then) -> OrderChecked:
    """The decision as the log before it makes it. Raises ``NoRate`` or ``UnknownAccount``."""
    account = decision.account
    figures = then.figures(account)
    day = figures.on.day
    other = decision.instead_of
    left = {other: decisions.without(then.figures(other, day), decision.order)} if other else {}
    asked = decisions.Asked(decision.order, minor(decision.amount, decision.currency), decision.currency)
    group = judging(MembersThen(then, day), figures)
    order = then.document(account, f"order:{decision.order}")
    said, depends = seen(then.rates, figures, order, asked, group, left).decided()
    again = decision._replace(**said, inputs=depends, released=None, version=then.replay(account).head.version if decision.version else 0)
    found = releases.covering(then.moment, again, then.position) if again.decision == HELD else None
    return again if found is None else approvals.let_through(again, found)
