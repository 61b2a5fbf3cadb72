"""What alerts propose: the measures that the policy names, in the transaction that raises an alert. What waits lapses as its alert is cleared.

Law: what is judged again proposes nothing twice. An alert that was over before anybody looked proposes nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from exposure.judging import News, Said
from exposure.ledger import alerts
from exposure.ledger.acts import measures as recorded
from exposure.ledger.acts.cases import APPLIED, PROPOSED
from exposure.measures import wanted
from projections.account import Asked, figures_of
from schemas.measures import LOWER_LIMIT, MeasureLapsed, MeasureProposed
from schemas.policies import Measure, Policy
from service.collecting.measuring import amount_lowered, apply

BECAUSE = "alert {}"


class Judged(NamedTuple):
    """An account with what is to be said of it, the alerts that then stand, and the measures of its class."""

    account: str
    news: Sequence[News]
    stands: Iterable[Said]
    measures: Sequence[Measure]


def follow(writing: Any, judged: Iterable[Judged], policy: Policy) -> list[bool]:
    """Of each measure that is proposed now whether it was applied: then an account may have to be judged again."""
    lapse(writing, judged, f"policy {policy.version}")
    return [is_applied for one in judged if one.measures and one.news for is_applied in propose(writing, one, policy)]


def lapse(writing: Any, judged: Iterable[Judged], by: str) -> None:
    """What waits for a yes lapses where its alert was cleared."""
    for one in judged:
        over = [news for news in one.news if news.clears is not None]
        for trail in recorded.of_account(writing, one.account, PROPOSED) if over else ():
            for news in over:
                if news.clears and alerts.alert_id(one.account, news.clears.sequence) == trail.proposed.alert:
                    lapsed = MeasureLapsed(trail.proposed.measure, one.account, by, news.reason, alerts.alert_id(one.account, news.sequence))
                    recorded.record(writing, trail.proposed, [lapsed])


def propose(writing: Any, judged: Judged, policy: Policy) -> list[bool]:
    stands = {said.sequence for said in judged.stands}
    raised = [news for news in judged.news if news.clears is None and news.sequence in stands]
    taken = [take_one(writing, judged.account, news, one, policy) for news in raised for one in wanted(judged.measures, news.rule, news.severity)]
    return [is_applied for is_applied in taken if is_applied is not None]


def take_one(writing: Any, account: str, news: News, measure: Measure, policy: Policy) -> bool | None:
    """Proposes one measure, and applies it where nobody has to be asked: whether it was applied; ``None`` where there is nothing to propose."""
    figures = figures_of(writing, account, Asked(writing.recorded_at))[0]
    amount = amount_lowered(figures, measure.take, measure.share)
    if (measure.take == LOWER_LIMIT and amount is None) or is_done(writing, account, news, measure.take, figures.on.day):
        return None
    alert, by, (rule, step) = alerts.alert_id(account, news.sequence), f"policy {policy.version}", news.rule
    id_ = recorded.id_of(account, alert, measure.take)
    if recorded.trail(writing, id_) is not None:
        return None  # it was read back, before its alert was found again
    said = MeasureProposed(
        id_, account, measure.take, alert, rule, step or None, news.figures, amount,
        figures.currency if amount else None, measure.days, by, BECAUSE.format(f"{rule} {step}" if step else rule), policy.version,
    )  # fmt: skip
    recorded.record(writing, said, [said])
    if measure.alone:
        apply(writing, said, figures, by, said.reason, policy)
    return measure.alone


def is_done(writing: Any, account: str, news: News, take: str, day: str) -> bool:
    """Whether it is in force already because of the same rule: its alert may have been corrected, and raised with another day."""
    rule, step = news.rule
    done = (rule, step or None, take)
    return any(
        (one.proposed.rule, one.proposed.step, one.proposed.take) == done and one.is_in_force(day)
        for one in recorded.of_account(writing, account, APPLIED)
    )
