"""One credit account's figures, as of any day and as known at any instant: how much may I still sell to this customer?"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from exposure.figures import Figures, account_on
from exposure.items import items
from exposure.ledger.account import Head
from exposure.ledger.acts.policies import in_force
from exposure.ledger.encoding import decode_document
from exposure.ledger.heard import heard
from exposure.ledger.loading import caught_up
from exposure.ledger.memory import Account
from exposure.ledger.timelines import Spoken
from exposure.promises import promises_on
from exposure.rules import terms
from exposure.rules.documents import Document, Key
from projections.elsewhere import name_other_accounts
from projections.rates import KnownRates
from projections.standing import Stood
from projections.when import instant_text, version_at, versions_at
from schemas.facts import Fact
from schemas.instants import instant_of
from schemas.policies import Policy

ACCOUNTS_AT_ONCE = 500


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


class Known(NamedTuple):
    """An account as known at the instant asked for: its ``version`` then (``None``: all of it) and what was told of the customer by then; and of each
    source the time of the last it had told by then, where somebody has looked that up."""

    head: Head
    version: int | None
    customer: list[Fact]
    heard: dict[str, str] | None = None


def show(moment: Any, account: str, asked: Asked) -> dict[str, Any]:
    """The document of ``exposure show``; raises ``UnknownAccount`` or ``NotKnownBefore``."""
    stored, known = account_known(moment, account, asked)
    day, rates, policy = day_of(known, asked), KnownRates(moment, asked.known_at), in_force(moment, asked.known_at)
    stood = Stood(moment, stored, known.customer, rates, policy, day, known.version)
    rows = moment.documents_on(account, day, known.version, stood.since)
    documents = list(speaking(rows, stored, day, known.version, stood.since))
    figures = figures_on(known, asked, day, documents, rates, policy)
    name_other_accounts(moment, figures.on, asked.known_at)
    known_at = known_instant(moment, asked)
    return {
        **summary(figures, known_at, moment.count_dead_letters(account, known_at), sources(moment, known)),
        **items(figures),
        "promises": promises_on(figures.on),
        "measures": [measure_shown(measure) for measure in figures.on.measures],
        "alerts": stood.alerts(Spoken(stood.since, documents)),
    }


def measure_shown(measure: Fact) -> dict[str, Any]:
    """What is done about the account, but for its limit, since which day and until which."""
    return {"kind": measure.data["kind"], "since": measure.data["date"], "until": measure.data.get("until"), "measure": measure.data["measure"]}


def summary(figures: Figures, known_at: int, dead_letters: int, told_by: list[dict[str, str]]) -> dict[str, Any]:
    """An account's figures without its items: one row of the list."""
    told = {"known_at": instant_text(known_at), "dead_letters": dead_letters, "sources": told_by}
    return {**figures.summary(), **figures.findings(), **told}


def figures_of(moment: Any, account: str, asked: Asked) -> tuple[Figures, Head, int | None]:
    figures, known, _ = figures_known(moment, account, asked)
    return figures, known.head, known.version


def figures_known(moment: Any, account: str, asked: Asked, more: Iterable[Key] = ()) -> tuple[Figures, Known, Account]:
    """An account's figures, what is known of it, and its documents that are newer than their rows, with ``more`` that are asked for; raises
    ``UnknownAccount`` or ``NotKnownBefore``."""
    stored, known = account_known(moment, account, asked, more)
    day = day_of(known, asked)
    documents = speaking(moment.documents_on(account, day, known.version), stored, day, known.version)
    return figures_on(known, asked, day, documents, KnownRates(moment, asked.known_at), in_force(moment, asked.known_at)), known, stored


def account_known(moment: Any, account: str, asked: Asked, more: Iterable[Key] = ()) -> tuple[Account, Known]:
    """An account as new as the log, and what of it was known at the instant asked for; raises ``UnknownAccount``."""
    stored = accounts_stored(moment, [account], [(account, key) for key in more])[account]
    known = known_account(stored, version_at(moment, f"account:{account}", asked.known_at))
    if known is None:
        when = "" if asked.known_at is None else f" at {instant_text(asked.known_at)}"
        letters = moment.count_dead_letters(account, known_instant(moment, asked))
        refused = f", but {letters} of its records could not be taken (see its dead letters)" if letters else ""
        raise UnknownAccount(f"nothing is known of account {account!r}{when}{refused}")
    return stored, known


def refuse_unknown(moment: Any, account: str | None, known_at: int | None) -> None:
    """Raises ``UnknownAccount`` where one account is asked about, and nothing of it was recorded by the instant."""
    if account is None:
        return
    first = moment.event_at(f"account:{account}", 1)
    if first is None or (known_at is not None and first > known_at):
        when = "" if known_at is None else f" at {instant_text(known_at)}"
        raise UnknownAccount(f"nothing is known of account {account!r}{when}")


def accounts_stored(moment: Any, names: list[str], more: Iterable[tuple[str, Key]] = ()) -> dict[str, Account]:
    """Accounts as new as the log, with the documents that are newer than their rows, that of the customer, and ``more`` that are asked for."""
    return caught_up(moment, names, [*((name, f"customer:{name}") for name in names), *more])


def known_account(stored: Account, version: int | None, heard: dict[str, str] | None = None) -> Known | None:
    """From an account of the store, with its customer document, as known at a version; ``None`` where nothing of it was recorded by then."""
    if not stored.head.version or version == 0:
        return None
    customer = stored.documents.get(f"customer:{stored.head.account}")
    facts = customer.facts if customer else []
    return Known(stored.head, version, [fact for fact in facts if version is None or fact.version <= version], heard)


def speaking(rows: Iterable[Any], stored: Account, day: str, version: int | None, since: str | None = None) -> Iterator[Document]:
    """What says anything on the day, or since a day before it, or changed after the version: from (key, version, opened, closed, state) as rows
    have it, or newer."""
    first = day if since is None else since
    for key, changed_at, opened, closed, state in rows:
        if key not in stored.unwritten and speaks(changed_at, opened, closed, first, day, version):
            yield decode_document(key, changed_at, state)
    for key in stored.unwritten:
        document = stored.documents[key]
        if speaks(document.version, document.opened, document.closed, first, day, version):
            yield document


def speaks(changed_at: int, opened: str, closed: str, first: str, last: str, version: int | None) -> bool:
    return opened <= last and (closed > first or (version is not None and changed_at > version))


def day_of(known: Known, asked: Asked) -> str:
    """The day asked for, else the day of the clock in the account's time zone; raises ``NotKnownBefore``."""
    day = today(known.customer, asked) if asked.as_of is None else asked.as_of
    taken_on = max((fact.data["cut_over"] for fact in known.customer if fact.name == "AccountTakenOn"), default="")
    if day < taken_on:
        raise NotKnownBefore(f"account {known.head.account!r} was taken on at {taken_on}: it is not known what was before that day")
    return day


def today(customer: list[Fact], asked: Asked) -> str:
    return terms.local_day(instant_text(clock(asked))[:19], terms.zone_of(customer))


def days_said(moment: Any, accounts: Iterable[str], asked: Asked) -> Callable[[str, int], str]:
    """On which day a word to one of the accounts was said that carries no date: on the account's own day of the instant (microseconds) at which it
    was recorded, in the time zone that is known of it (UTC where nothing is)."""
    names, zones = sorted(set(accounts)), dict[str, str]()
    for first in range(0, len(names), ACCOUNTS_AT_ONCE):
        part = names[first : first + ACCOUNTS_AT_ONCE]
        stored, versions = accounts_stored(moment, part), versions_at(moment, [f"account:{name}" for name in part], asked.known_at)
        for name in part:
            known = known_account(stored[name], versions[f"account:{name}"])
            zones[name] = terms.zone_of(known.customer if known else [])
    return lambda account, at: terms.local_day(instant_of(at), zones[account])


def clock(asked: Asked) -> int:
    return asked.now if asked.known_at is None else asked.known_at


def figures_on(known: Known, asked: Asked, day: str, documents: Iterable[Document], rates: KnownRates, policy: Policy) -> Figures:
    """``documents`` are at least those that say anything on the day as then known. On the account's today it is the clock's instant, on any other
    day the end of the day."""
    account, first_currency = known.head.account, known.head.first_currency(known.version)
    instant = instant_of(clock(asked)) if day == today(known.customer, asked) else None
    on = account_on(account, documents, day, version=known.version, first_currency=first_currency, instant=instant)
    return Figures(on, rates.on(on.currencies_under(policy), on.currency, day), policy)


def asked_now(moment: Any, asked: Asked) -> Asked:
    """A clock that lies before the last recorded instant counts as that."""
    return replace(asked, now=max(asked.now, moment.last_recorded()))


def known_instant(moment: Any, asked: Asked) -> int:
    """The instant up to which is answered: the one asked for, else now, or the last recorded one where the clock lies before it."""
    return asked.known_at if asked.known_at is not None else max(asked.now, moment.last_recorded())


def sources(moment: Any, known: Known) -> list[dict[str, str]]:
    """How fresh the figures are: of each source of the account the time of the last it told."""
    account, last = known.head.account, known.head.sources if known.version is None else known.heard
    if last is None:
        last = heard(moment, [(account, int(known.version or 0))])[account]
    return [{"source": source, "last_time": f"{time}Z"} for source, time in sorted(last.items())]
