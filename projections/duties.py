"""What is left to people today, source by source: promises to call for, notices to send or to agree to, alerts, requests, held orders, measures,
dead letters.

Law: accounts are found by what is kept of promises, cases, alerts and what is overdue; figures are read of those that were found, and of no other.
Only who was late as known at an instant that is past is asked of all accounts.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from exposure.approvals import UNLIMITED
from exposure.ledger import alerts
from exposure.ledger.acts import dunning
from exposure.ledger.acts import measures as recorded_measures
from exposure.ledger.acts.cases import PROPOSED
from exposure.rules.promises import BROKEN, OPEN, PARTLY
from exposure.rules.spans import later
from projections.alerts import raised_still
from projections.dunning import perhaps_late
from projections.holds import holds
from projections.limit_requests import limit_requests
from projections.measures import waiting_for
from projections.portfolio import days
from projections.promises import promises
from projections.today import Today
from projections.when import instant_text
from schemas.amounts import minor
from schemas.facts import AlertAcknowledged, AlertAct, AlertEscalated, AlertRaised, OfAlert

HIGH, MEDIUM, LOW = PRIORITIES = ("high", "medium", "low")
ACCOUNTS_AT_ONCE = 500
ACCOUNT_MANAGER = "account_manager"
"""Who sends a notice, where the policy names no person but whoever takes care of the account."""


class Duty(NamedTuple):
    """Something to be done: ``day`` is since when it waits, or by when it is due; ``id`` names it for the command that settles it. ``who`` are those
    it waits for; nobody means whoever takes care of the account."""

    kind: str
    account: str | None
    what: str
    id: str | None
    day: str
    amount: str | None = None
    currency: str | None = None
    priority: str = MEDIUM
    who: tuple[str, ...] = ()


Source = Callable[[Today], Iterator[Duty]]


def promised(today: Today) -> Iterator[Duty]:
    """What is due today or tomorrow, before which somebody calls; and what was missed and is still owed."""
    first, last = days(today.asked)
    for row in promises(today.moment, None, today.asked, (OPEN, PARTLY, BROKEN))["promises"]:
        account, currency, of = row["account"], row["currency"], ", ".join(row["invoices"])
        if minor(row["missing"], currency):
            since = min(part["due"] for part in row["instalments"] if part["state"] in (PARTLY, BROKEN))
            yield Duty("promise_broken", account, f"promised of {of}", row["promise"], since, row["missing"], currency, HIGH)
        soon = [part for part in row["instalments"] if part["state"] == OPEN and first <= part["due"] <= later(last, 1)]
        for part in soon:
            if today.day(account) <= part["due"] <= later(today.day(account), 1):
                yield Duty("promise_due", account, f"promised of {of}", row["promise"], part["due"], part["amount"], currency)


def to_be_dunned(today: Today) -> Iterator[Duty]:
    """The notices that a run would send now."""
    if not any(rules.dunning for rules in today.policy.classes):
        return
    names = perhaps_late(today.moment, today.asked, today.overdue_accounts)
    for one in (notice for name in today.follow(names) for notice in today.notices(name)):
        since, who = min(line["due"] for line in one.lines), () if one.who in (None, ACCOUNT_MANAGER) else (str(one.who),)
        priority = HIGH if one.legal else MEDIUM
        what = f"level {one.level} {one.name} by {one.channel}"
        yield Duty("dunning_due", one.account, what, None, since, one.total, one.currency, priority, who)


def to_the_lawyers(today: Today) -> Iterator[Duty]:
    """Notices that wait for somebody's yes."""
    for known in dunning.trails(today.moment, before=today.position, state=PROPOSED):
        one, by = known.notice, known.events[0][1].by
        who = today.releasers(one.account, one.total, one.currency, by)
        what = f"level {one.level} {one.name}, proposed by {by}"
        yield Duty("dunning_proposed", one.account, what, one.notice, one.as_of, one.total, one.currency, HIGH, who)


def alerted(today: Today) -> Iterator[Duty]:
    """Alerts that stand and that nobody takes care of; a broken promise is named by itself."""
    names = alerts.raised(today.moment, today.position)
    for start in range(0, len(names), ACCOUNTS_AT_ONCE):
        for account, said in alerts.streams(today.moment, names[start : start + ACCOUNTS_AT_ONCE], today.position).items():
            for alert, passed_to in neglected(said):
                what = alert.rule if alert.step is None else f"{alert.rule} {alert.step}"
                yield Duty("alert", account, what, alert.alert_id, alert.effective, priority=alert.severity, who=passed_to)


def neglected(said: alerts.Recorded) -> Iterator[tuple[AlertRaised, tuple[str, ...]]]:
    """Of each rule the highest step that stands, unless what was done about it last is an acknowledgement; and whom it was passed to."""
    done: dict[str, AlertAct] = {}
    highest: dict[str, AlertRaised] = {}
    for event, _ in said:
        if isinstance(event, AlertAct):
            done[event.acknowledges if isinstance(event, AlertAcknowledged) else event.escalates] = event
    for alert, _ in raised_still(((event, at) for event, at in said if isinstance(event, OfAlert)), None):
        assert isinstance(alert, AlertRaised)
        if alert.rule not in highest or (highest[alert.rule].step or 0) < (alert.step or 0):
            highest[alert.rule] = alert
    for alert in highest.values():
        act = done.get(alert.alert_id)
        if alert.rule != "promise_broken" and not isinstance(act, AlertAcknowledged):
            yield alert, (act.to,) if isinstance(act, AlertEscalated) else ()


def limits_asked_for(today: Today) -> Iterator[Duty]:
    for one in limit_requests(today.moment, None, today.asked, settled=False):
        bounded = one["amount"] not in (UNLIMITED, "none")
        kind = one["kind"] if bounded else f"{one['kind']} {one['amount']}"
        what = f"{kind} limit from {one['valid_from']}, asked for by {one['by']}"
        day, who = today.day_at(one["account"], one["trail"][0]["recorded"]), tuple(one["waiting_for"]["who"] or ())
        amount, currency = (one["amount"], one["currency"]) if bounded else (None, None)
        yield Duty("limit_request", one["account"], what, one["request"], day, amount, currency, MEDIUM, who)


def held(today: Today) -> Iterator[Duty]:
    """Orders that nobody has released, and those that one more person has to release."""
    for one in holds(today.moment, None, today.asked.known_at):
        proposed_by = one["proposed_by"]
        who = today.releasers(one["account"], one["amount"], one["currency"], one["by"], proposed_by)
        kind, how = ("release_proposed", f", release proposed by {proposed_by}") if proposed_by else ("hold", "")
        what = f"order {one['order']} held for {', '.join(one['reasons'])}{how}"
        yield Duty(kind, one["account"], what, one["decision_id"], one["as_of"], one["amount"], one["currency"], HIGH, who)


def proposed(today: Today) -> Iterator[Duty]:
    """Measures that wait for a yes."""
    for trail in recorded_measures.of_account(today.moment, None, PROPOSED, today.position):
        one, who = trail.proposed, tuple(waiting_for(trail, today.policy)["who"] or ())
        day, what = today.day_at(one.account, instant_text(trail.events[0][0])), f"{one.take}, proposed by {one.by}: {one.reason}"
        yield Duty("measure_proposed", one.account, what, one.measure, day, one.amount, one.currency, HIGH, who)


def not_taken(today: Today) -> Iterator[Duty]:
    """Accounts whose figures may be wrong because of dead letters: since the oldest of them."""
    found: dict[str | None, list[tuple[str, int]]] = {}
    for account, code, recorded_at in today.moment.letters_where("account, code, recorded_at", False, today.asked.known_at):
        found.setdefault(account, []).append((code, recorded_at))
    for account, letters in found.items():
        codes = ", ".join(dict.fromkeys(code for code, _ in letters))
        what = f"{len(letters)} dead letter{'' if len(letters) == 1 else 's'}: {codes}"
        yield Duty("dead_letters", account, what, None, today.day_at(account, instant_text(letters[0][1])))


SOURCES: tuple[tuple[Source, tuple[str, ...]], ...] = (
    (promised, ("promise_due", "promise_broken")),
    (to_be_dunned, ("dunning_due",)),
    (to_the_lawyers, ("dunning_proposed",)),
    (alerted, ("alert",)),
    (limits_asked_for, ("limit_request",)),
    (held, ("hold", "release_proposed")),
    (proposed, ("measure_proposed",)),
    (not_taken, ("dead_letters",)),
)
"""Each with the kinds it finds."""
KINDS = tuple(kind for _, kinds in SOURCES for kind in kinds)
