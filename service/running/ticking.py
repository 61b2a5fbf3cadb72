"""Lets time pass: judges every account of which something was told, or of which a day has come on which something changes by itself.

Each account is judged under the write lock, a few in one transaction, day by day up to its own today, however long nobody looked. Who ``tells``
puts the figures that changed into the outbox beside what was found. What the policy has done about an alert is proposed, or done, beside it too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from exposure.judging import Judging, News, State, Stretch
from exposure.ledger import alerts, exposures, judgings, stood
from exposure.ledger.acts.policies import in_force
from exposure.ledger.collector import collector_paused
from exposure.ledger.memory import Account
from exposure.rules import terms
from projections.account import accounts_stored
from projections.current import Current, current
from projections.rates import KnownRates
from projections.standing import AccountDays
from projections.when import instant_text
from schemas.facts import LAST_DAY
from schemas.policies import Policy
from service.collecting.proposing import Judged, follow

ACCOUNTS_AT_ONCE = 100
EVENTS_AT_ONCE = 20_000
"""So many events accounts may have that are judged in one transaction from an earlier day on: nobody else writes meanwhile."""
NEVER = 1 << 62


@dataclass(slots=True)
class Ticked:
    """How many accounts were judged, how many alerts were raised and cleared, and how many measures were proposed because of them."""

    accounts: int = 0
    raised: int = 0
    cleared: int = 0
    measures: int = 0


def tick(store: Any, now: Callable[[], int], *, tells: bool = False) -> Ticked:
    """Judges what is due by now; a clock that lies before the last recorded instant counts as that."""
    total = Ticked()
    while True:
        with collector_paused(), store.writing(now()) as writing:
            due = alerts.due(writing, writing.recorded_at, ACCOUNTS_AT_ONCE)
            if tells and len(due) < ACCOUNTS_AT_ONCE:
                due += exposures.behind(writing, writing.recorded_at, ACCOUNTS_AT_ONCE - len(due))
            more_follows = bool(due) and judge(writing, due, total, tells=tells)
        if len(due) < ACCOUNTS_AT_ONCE and not more_follows:
            return total


def judge(writing: Any, due: list[alerts.Due], total: Ticked, *, tells: bool) -> bool:
    """Whether more follows: of what was done about any of it, or because it is too much for one transaction."""
    many, accounts = len(due), accounts_stored(writing, [one.account for one in due])
    due = at_once(due, accounts)
    names = [one.account for one in due]
    rates, policy, now = KnownRates(writing, None), in_force(writing), instant_text(writing.recorded_at)
    figures = figures_told(writing, {name: accounts[name] for name in names}, rates, policy) if tells else {}
    over = stood.reaching(writing, [(one.account, one.anew_from) for one in due if one.anew_from is not None])
    said: list[tuple[str, News]] = []
    states: list[tuple[str, State, alerts.Next]] = []
    ended: list[tuple[str, Stretch]] = []
    judged: list[Judged] = []
    for one in due:
        stored = accounts[one.account]
        customer = stored.documents[f"customer:{one.account}"].facts
        zone = terms.zone_of(customer)
        judging = Judging(one.before, AccountDays(writing, stored, customer, rates, policy).since, one.changed, over.get(one.account, ()))
        found = list(judging.news(terms.local_day(now, zone)))
        said += [(one.account, news) for news in found]
        judged.append(Judged(one.account, found, judging.said.values(), judging.course.now.rules.measures))
        day = judging.course.next_day
        at, currencies = NEVER if day == LAST_DAY else terms.begins(day, zone), judging.course.currencies
        if one.account in figures:
            at, currencies = min(at, figures[one.account].next_at or NEVER), currencies | figures[one.account].currencies
        listens = currencies | ({alerts.PORTFOLIO} if judging.course.timeline.is_weighed else set())
        states.append((one.account, judging.state, alerts.Next(day, at, listens, one.once.judged(judging.first, listens))))
        ended += [(one.account, stretch) for stretch in judging.ended]
        if one.account in over:
            stood.forget(writing, one.account, one.anew_from or "")
    alerts.record(writing, said, now)
    alerts.keep(writing, states)
    stood.keep(writing, ended)
    judgings.keep(writing, [(one.account, accounts[one.account].head.version, one.changed) for one in due])
    if not tells:
        exposures.leave(writing, names)
    raised = sum(news.clears is None for _, news in said)
    total.accounts += len(due)
    total.raised += raised
    total.cleared += len(said) - raised
    done = follow(writing, judged, policy)
    total.measures += len(done)
    return any(done) or len(due) < many


def at_once(due: list[alerts.Due], accounts: dict[str, Account]) -> list[alerts.Due]:
    """As many of the first of them as one transaction judges: an account that is judged from an earlier day on may have to read all it has."""
    taken: list[alerts.Due] = []
    events = 0
    for one in due:
        events += 0 if one.anew_from is None else accounts[one.account].head.version
        if taken and events > EVENTS_AT_ONCE:
            break
        taken.append(one)
    return taken


def figures_told(writing: Any, accounts: dict[str, Account], rates: KnownRates, policy: Policy) -> dict[str, Current]:
    """The current figures of accounts, told where they are others than those told last. Of an account that is taken on later there are none yet."""
    figures = {name: found for name, stored in accounts.items() if (found := current(writing, stored, rates, policy)) is not None}
    told = [(name, exposures.digest_of(one.lasting), one.row) for name, one in figures.items()]
    exposures.tell(writing, exposures.told(writing, list(accounts)), told)
    return figures
