"""A moment at the instant of the clock, or at one that is past: what a list of that day looks up of an account, read once and only when it is
asked for."""

from collections.abc import Callable, Iterable
from typing import Any

from exposure import approvals
from exposure.figures import Figures, converted
from exposure.ledger.acts.policies import in_force
from exposure.ledger.keys import unseal
from exposure.rules import terms
from projections.account import Asked, Known, NotKnownBefore, UnknownAccount, clock, figures_known
from projections.dunning import due_by, notices_of
from projections.portfolio import Part
from projections.rates import KnownRates
from projections.when import instant_text
from schemas.amounts import billionths, minor, shown
from schemas.dunning import DunningNotice
from schemas.jsontext import read
from schemas.stored import read_sealed

Follow = Callable[[list[str]], Iterable[str]]


class Today:
    """``position`` is the one of the log before which all was recorded that is known; ``None``: all of it is. ``overdue_accounts`` is the list
    of all accounts of which anything is overdue then; ``follow`` gives names one by one, and shows how far it is."""

    def __init__(self, moment: Any, asked: Asked, overdue_accounts: Iterable[Part], follow: Follow) -> None:
        self.moment = moment
        self.overdue_accounts = overdue_accounts
        self.follow = follow
        self.asked = asked
        self.position = moment.position_behind(asked.known_at)
        self.policy = in_force(moment, asked.known_at)
        self.rates = KnownRates(moment, asked.known_at)
        self.accounts: dict[str, tuple[Figures, Known] | None] = {}

    def account(self, name: str | None) -> tuple[Figures, Known] | None:
        """``None`` of an account that is not known, or is taken on at a cut-over to come."""
        if name is None:
            return None
        if name not in self.accounts:
            try:
                self.accounts[name] = figures_known(self.moment, name, self.asked)[:2]
            except (UnknownAccount, NotKnownBefore):
                self.accounts[name] = None
        return self.accounts[name]

    @property
    def instant(self) -> str:
        return instant_text(clock(self.asked))

    def figures(self, name: str | None) -> Figures | None:
        found = self.account(name)
        return None if found is None else found[0]

    def day(self, name: str | None) -> str:
        """The account's own day of the instant."""
        figures = self.figures(name)
        return self.instant[:10] if figures is None else figures.on.day

    def day_at(self, name: str | None, instant: str) -> str:
        """The account's own day of an instant."""
        figures = self.figures(name)
        return terms.local_day(instant, "UTC" if figures is None else figures.on.master.get("timezone", "UTC"))

    def notices(self, name: str) -> list[DunningNotice]:
        """The notices that are due of the account."""
        found = self.account(name)
        return [] if found is None else notices_of(due_by(self.moment, name, self.asked, *found))

    def overdue(self, name: str | None) -> int:
        """What is overdue, to be compared: billionths of the policy's currency where it has one and a rate to it is known, else of the account's."""
        figures = self.figures(name)
        if figures is None or figures.currency is None:
            return 0
        amount, currency = figures.overdue_amount, figures.currency
        into = self.policy.currency or currency
        told = converted(amount, currency, into, self.rates.on({currency} - {into}, into, figures.on.day))
        return billionths(shown(amount, currency) if told is None else shown(told, into))

    def releasers(self, name: str, amount: str, currency: str, *said: str | None) -> tuple[str, ...]:
        """Those whom the policy lets release an order of that worth; nobody who said something of it, be it that they asked for it."""
        policy = self.policy
        worth = self.rates.worth(minor(amount, currency), currency, approvals.currencies_of(policy), self.day(name))
        asked_by, *agreed = [one for one in said if one is not None]
        asked = approvals.Asked(asked_by, worth, tuple(agreed))
        return tuple(approvals.may_still_agree(asked, approvals.release_powers(policy), policy))

    def account_manager(self, name: str | None) -> str | None:
        """Whom the customer's master data of the day name; nobody where none was told, or the account's key was thrown away."""
        found = self.account(name)
        change = found and terms.change_on(found[1].customer, found[0].on.day)
        if not change or name is None:
            return None
        ((_, _, _, state, *_),) = self.moment.events_at(f"account:{name}", [change.version])
        sealed = read_sealed(state)
        plain = sealed and unseal(self.moment.keys([name]).get(name), sealed, name)
        return read(plain).get("account_manager") if plain else None
