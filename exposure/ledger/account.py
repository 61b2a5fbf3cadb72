"""The head of an account: its version, the sums of all its movements, and what every fact may touch. Its documents are kept apart."""

from dataclasses import dataclass, field
from typing import Any

from exposure.rules.documents import OF_PROMISES, SIGNS, Movement, add
from schemas.facts import LAST_DAY, OUR_SOURCE, Fact, Told
from schemas.jsontext import read, written


@dataclass(slots=True)
class Head:
    """``sums`` holds minor units by component and currency over all days; from ``last_day`` on they are the figures of the day.

    What only alerts count, and how promises stand, is not among them. The rows of the account's documents are those of its version ``written``.
    """

    account: str
    version: int = 0
    written: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    last_day: str = ""
    currencies: list[list[Any]] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)

    def take(self, fact: Fact, moves: list[Movement]) -> None:
        """Counts a fact and adds up the movements it caused."""
        self.version = fact.version
        if fact.source != OUR_SOURCE:
            self.hear(fact)
        for _, component, _, currency, _, day, amount in moves:
            if component in SIGNS or component.startswith(OF_PROMISES):
                continue
            add(self.sums, f"{component}/{currency}", amount)
            if self.last_day < day < LAST_DAY:
                self.last_day = day

    def hear(self, fact: Fact) -> None:
        """How fresh its sources are, and in which currency was told first: what we say ourselves is neither."""
        if self.sources.get(fact.source, "") < fact.time:
            self.sources[fact.source] = fact.time
        currency = fact.data.get("currency")
        if currency and (not self.currencies or fact.told < told_of(self.currencies[-1])):
            self.currencies.append([fact.version, *fact.told, currency])

    def first_currency(self, version: int | None = None) -> str | None:
        """The currency of the first fact in told order that has one, of those known at the version."""
        known = [told for told in self.currencies if version is None or told[0] <= version]
        return str(known[-1][4]) if known else None

    def encoded(self) -> bytes:
        sums = {place: str(amount) for place, amount in self.sums.items()}
        return written([sums, self.last_day, self.currencies, self.sources])


def decoded(account: str, version: int, written: int, state: bytes) -> Head:
    sums, last_day, currencies, sources = read(state)
    return Head(account, version, written, {place: int(amount) for place, amount in sums.items()}, last_day, currencies, sources)


def told_of(told: list[Any]) -> Told:
    return told[1], told[2], told[3]
