"""An account's figures as they are now, for who is told whenever they change: the row of ``list``, and when it changes next by time alone."""

from typing import Any, NamedTuple

from exposure.ahead import lasting, next_day, next_end
from exposure.figures import Figures
from exposure.ledger.memory import Account
from exposure.rules import terms
from projections.account import Asked, Known, NotKnownBefore, day_of, figures_on, known_account, sources, speaking, summary
from projections.rates import KnownRates
from projections.when import microseconds_of
from schemas.facts import LAST_DAY
from schemas.policies import Policy


class Current(NamedTuple):
    """``lasting`` is what of the row has to change for it to be told again; ``next_at`` when it may (µs, ``None``: not by itself)."""

    row: dict[str, Any]
    lasting: dict[str, Any]
    next_at: int | None
    currencies: set[str]


def current(writing: Any, stored: Account, rates: KnownRates, policy: Policy) -> Current | None:
    """``None`` where the account is taken on at a later day than its own today."""
    asked = Asked(writing.recorded_at)
    known = known_account(stored, None)
    assert known is not None, "what is judged is known"
    account = known.head.account
    try:
        day = day_of(known, asked)
    except NotKnownBefore:
        return None
    documents = speaking(writing.documents_on(account, day, None), stored, day, None)
    figures = figures_on(known, asked, day, documents, rates, policy)
    letters = writing.count_dead_letters(account, asked.now)
    row = {**summary(figures, asked.now, letters, sources(writing, known)), "version": known.head.version}
    return Current(row, {**lasting(figures), "dead_letters": letters}, next_at(figures, known), figures.on.currencies_under(policy))


def next_at(figures: Figures, known: Known) -> int | None:
    zone = terms.zone_of(known.customer)
    day, end = next_day(figures, known.customer), next_end(figures)
    ats = [] if day == LAST_DAY else [terms.begins(day, zone)]
    ats += [] if end == LAST_DAY else [microseconds_of(end)]
    return min(ats, default=None)
