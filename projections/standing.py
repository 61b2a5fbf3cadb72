"""What stands of an account on a day, and since when: its alerts as a question, whether anybody was told of them or not."""

from collections.abc import Collection
from functools import partial
from typing import Any

from exposure.alerts import Course, Timeline
from exposure.classes import Class, classes
from exposure.judging import day_before
from exposure.ledger.acts.policies import in_force
from exposure.ledger.alerts import held, once
from exposure.ledger.judgings import changed_behind
from exposure.ledger.memory import Account
from exposure.ledger.timelines import LAST, Spoken, Timelines
from exposure.rules import terms
from exposure.standing import Held, standing_on
from projections.rates import KnownRates
from schemas.facts import LAST_DAY, Fact
from schemas.policies import Policy


class AccountDays:
    """The days of an account up to one, as known at its version and judged by one policy."""

    def __init__(
        self,
        moment: Any,
        stored: Account,
        customer: list[Fact],
        rates: KnownRates,
        policy: Policy,
        *,
        until: str = LAST,
        version: int | None = None,
        spoken: Spoken | None = None,
    ) -> None:
        self.currency = currency_of(stored, customer, version)
        self.zone = terms.zone_of(customer)
        self.classes = classes(customer, policy)
        self.rates = rates
        # Nothing here holds itself: of each account that is judged all documents would wait for the collector of cycles.
        empty = partial(empty_timeline, self.currency, self.classes, self.zone, rates)
        self.timelines = Timelines(moment, stored, empty, until, version, spoken)

    def since(self, day: str) -> Course:
        return self.course(self.timelines.since(day), day)

    def on(self, days: Collection[str]) -> list[Course]:
        made = self.timelines.on(days)
        return [self.course(made, day) for day in days]

    def of_agreed(self) -> Course:
        return self.course(self.timelines.of_agreed(), "")

    def course(self, made: Timeline, since: str) -> Course:
        foreign = made.foreign()
        return Course(made, since, foreign, lambda day: self.rates.on(foreign, self.currency, day), self.rates.days(foreign, self.currency))


def empty_timeline(currency: str | None, classes: list[Class], zone: str, rates: KnownRates) -> Timeline:
    made = Timeline(currency, classes, zone)
    if made.is_weighed:
        made.portfolio = rates.portfolio
    return made


def currency_of(stored: Account, customer: list[Fact], version: int | None) -> str | None:
    told: str | None = terms.master_data(customer, LAST_DAY).get("currency", stored.head.first_currency(version))
    return told


def held_then(moment: Any, stored: Account, customer: list[Fact], rates: KnownRates, policy: Policy, day: str, version: int) -> Held | None:
    """What was judged, by the same policy, of the day or of the last one before it of which nothing else was known at the version than is now."""
    account, into = stored.head.account, currency_of(stored, customer, version)
    if policy.version != in_force(moment).version:
        return None
    changed = min(changed_behind(moment, account, version), rates.changed_since(once(moment, account), into))
    return held(moment, account, day if day < changed else day_before(changed)) if changed else None


class Stood:
    """What is known of an account's alerts on a day, as known at its version, before any of its documents is read: on the day ``since``, which is the
    day itself where nothing is."""

    def __init__(self, moment: Any, stored: Account, customer: list[Fact], rates: KnownRates, policy: Policy, day: str, version: int | None) -> None:
        self.day = day
        self.days = partial(AccountDays, moment, stored, customer, rates, policy, until=day, version=version)
        account = stored.head.account
        self.known = held(moment, account, day) if version is None else held_then(moment, stored, customer, rates, policy, day, version)
        self.since = self.known.day if self.known else day

    def alerts(self, spoken: Spoken) -> list[dict[str, Any]]:
        """What stands on the day, by rule and step."""
        known = self.known
        stands = known.since if known and known.day == self.day else standing_on(self.days(spoken=spoken), self.day, known)
        return [{"rule": rule, "step": step or None, "effective": effective} for (rule, step), effective in sorted(stands.items())]
