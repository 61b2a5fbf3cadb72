"""One credit account's figures, as of any day and as known at any instant: how much may I still sell to this customer?"""

from dataclasses import dataclass
from typing import Any

from exposure.figures import AccountOn, Figures, Rates, account_on
from exposure.ledger import account as heads
from exposure.ledger.account import Head
from exposure.ledger.encoding import decode_document
from exposure.rules import terms
from projections.rates import rates_on
from projections.when import instant_text, version_at
from schemas.stored import read_fact


class UnknownAccount(LookupError):
    """Nothing is recorded of the account (or was at that instant)."""


class NotKnownBefore(LookupError):
    """The account was taken on at a cut-over: what was before it was never told."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question's two clocks: the day (``None``: the day of ``now``, or of ``known_at`` where only that is given) and the instants (µs, UTC)."""

    now: int
    as_of: str | None = None
    known_at: int | None = None


def show(moment: Any, account: str, asked: Asked) -> dict[str, Any]:
    """The document of ``exposure show``; raises ``UnknownAccount`` or ``NotKnownBefore``."""
    figures, head, version = figures_of(moment, account, asked)
    known_at = known_instant(moment, asked)
    return {
        **figures.summary(),
        **figures.items(),
        "known_at": instant_text(known_at),
        "dead_letters": len(moment.dead_letters(account, known_at)),
        "sources": sources(moment, head, version),
        "alerts": [],
    }


def figures_of(moment: Any, account: str, asked: Asked) -> tuple[Figures, Head, int | None]:
    rows = moment.heads([account])
    version = version_at(moment, f"account:{account}", asked.known_at) if rows else 0
    if version == 0:
        when = "" if asked.known_at is None else f" at {instant_text(asked.known_at)}"
        raise UnknownAccount(f"nothing is known of account {account!r}{when}")
    head = heads.decoded(*rows[0])
    day = asked.as_of or today(moment, account, asked, version)
    if head.taken_on and day < head.taken_on:
        raise NotKnownBefore(f"account {account!r} was taken on at {head.taken_on}: it is not known what was before that day")
    documents = [decode_document(*row) for row in moment.documents_on(account, day, version)]
    on = account_on(account, documents, day, version=version, first_currency=head.first_currency(version))
    return Figures(on, rates_for(moment, on, asked)), head, version


def rates_for(moment: Any, on: AccountOn, asked: Asked) -> Rates:
    return rates_on(moment, on.currencies, on.currency, on.day, asked.known_at)


def today(moment: Any, account: str, asked: Asked, version: int | None) -> str:
    """The day of the clock in the account's time zone."""
    clock = asked.now if asked.known_at is None else asked.known_at
    rows = moment.documents([(account, f"customer:{account}")])
    facts = [fact for row in rows for fact in decode_document(*row[1:]).facts if version is None or fact.version <= version]
    zone = terms.master_data(facts, "9999-12-31").get("timezone", "UTC")
    return terms.local_day(instant_text(clock)[:19], zone)


def known_instant(moment: Any, asked: Asked) -> int:
    """The instant up to which is answered: the one asked for, else now, or the last recorded one where the clock lies before it."""
    return asked.known_at if asked.known_at is not None else max(asked.now, moment.last_recorded())


def sources(moment: Any, head: Head, version: int | None) -> list[dict[str, str]]:
    """How fresh the figures are: of each source of the account the time of the last it told."""
    last = head.sources
    if version is not None:
        last = {}
        for _, recorded_version, topic, state, *_ in moment.events(f"account:{head.account}"):
            if recorded_version <= version:
                fact = read_fact(recorded_version, topic, state)
                last[fact.source] = max(last.get(fact.source, ""), fact.time)
    return [{"source": source, "last_time": f"{time}Z"} for source, time in sorted(last.items())]
