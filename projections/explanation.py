"""Each figure of an account opened into the documents that make it, each of these into its movements, and those into the events they come from.

Law: the movements of a part add up to it, and the parts in the account's currency to the figure, to the last unit.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from exposure.figures import COMPONENTS, Figures, Item, days_late
from exposure.ledger.acts.policies import in_force
from exposure.ledger.loading import caught_up
from exposure.rules.documents import Document, Key, Movement
from projections.account import Asked, Known, account_known, day_of, figures_on, known_instant, speaking
from projections.history import told
from projections.origins import Origins
from projections.rates import KnownRates
from projections.when import instant_text
from schemas.amounts import shown
from schemas.facts import LAST_DAY, Fact

TOLD = ("position", "version", "type", "source", "id", "time", "recorded", "actor", "origin")
"""What an explanation says of an event; the rest is in the account's history."""
CREDITS = ("payment", "credit_note")

Movements = dict[Item, list[Movement]]


def explain(moment: Any, account: str, asked: Asked) -> dict[str, Any]:
    """The document of ``exposure explain``; raises ``UnknownAccount`` or ``NotKnownBefore``."""
    stored, known = account_known(moment, account, asked)
    day = day_of(known, asked)
    documents = {document.key: document for document in speaking(moment.documents_on(account, day, known.version), stored, day, known.version)}
    rates, policy = KnownRates(moment, asked.known_at), in_force(moment, asked.known_at)
    figures = figures_on(known, asked, day, documents.values(), rates, policy)
    moves = movements(figures, documents.values(), day, known.version)
    shown_figures = {name: opened(figures, parts_of(figures, name), moves) for name in (*COMPONENTS, "overdue_amount", "disputed", "written_off")}
    versions = versions_by_document(moment, figures, documents, moves, known)
    events = events_at(moment, account, sorted(set().union(*versions.values())))
    return {
        "account": account,
        "currency": figures.currency,
        "as_of": day,
        "known_at": instant_text(known_instant(moment, asked)),
        "figures": {**shown_figures, "total": {"amount": figures.text(figures.total)}, "limit": limit_opened(figures)},
        "documents": [
            {**named(naming), "events": [events[version] for version in sorted(known_versions)]}
            for naming, known_versions in sorted(versions.items())
        ],
        "rates": rates_told(moment, figures, rates),
    }


def parts_of(figures: Figures, name: str) -> list[Item]:
    """The items that make a figure, those without a rate among them."""
    items = figures.on.items
    if name == "overdue_amount":
        return sorted(item for item in items if item.component == "receivables" and days_late(item.due, figures.on.day))
    return sorted(item for item in items if item.component == name)


def movements(figures: Figures, documents: Iterable[Document], day: str, version: int | None) -> Movements:
    """The movements of each item up to the day, as known at the version: of what is unapplied some are in the documents that refused it. Those of a
    document that cancel out are left out: whether such a one is read at all depends on what is known of it by now."""
    found: Movements = defaultdict(list)
    for document in documents:
        own: Movements = defaultdict(list)
        for move in document.moves:
            if move.day <= day and (version is None or move.version <= version):
                item = Item(move.component, "" if move.component == "unapplied" else document.key, move.item, move.currency, move.due)
                if item in figures.on.items:
                    own[item].append(move)
        for item, moves in own.items():
            if sum(move.amount for move in moves):
                found[item] += moves
    return found


def naming_of(item: Item) -> str:
    """What a part is called: its document, or the payment or credit note that is unapplied."""
    return item.document or item.item


def named(naming: str) -> dict[str, str]:
    kind, _, number = naming.partition(":")
    return {"kind": kind, "document": number}


def opened(figures: Figures, parts: list[Item], moves: Movements) -> dict[str, Any]:
    """A figure and its parts. One in a currency without a rate has no ``account_amount`` and is left out of the figure."""
    values = [figures.converted[part] for part in parts]
    return {
        "amount": figures.text(sum(value for value in values if value is not None)),
        "parts": [
            {
                **named(naming_of(part)),
                "item": None if part.component == "unapplied" else part.item or None,
                "due": None if part.due in ("", LAST_DAY) else part.due,
                "currency": part.currency,
                "amount": shown(figures.on.items[part], part.currency),
                "account_amount": None if value is None else figures.text(value),
                "movements": [
                    {"day": move.day, "amount": shown(move.amount, part.currency), "version": move.version}
                    for move in sorted(moves[part], key=lambda move: (move.version, move.day, move.amount))
                ],
            }
            for part, value in zip(parts, values, strict=True)
        ],
    }


def limit_opened(figures: Figures) -> dict[str, Any]:
    """The limit that counts, and the document that says so; the policy's where the account has none of its own."""
    step, limit = figures.limit_step, figures.limit_shown()
    if limit is None or step is None:
        return {"amount": None if limit is None else limit["amount"], "policy": None if limit is None else figures.rules.policy, "parts": []}
    terms = {name: step.data.get(name) for name in ("amount", "currency", "valid_from", "valid_to")}
    return {"amount": limit["amount"], "policy": None, "parts": [{**named(f"limit:{step.data['limit']}"), "version": step.version, **terms}]}


def versions_by_document(moment: Any, figures: Figures, documents: dict[Key, Document], moves: Movements, known: Known) -> dict[str, set[int]]:
    """Of each document in the explanation the account's versions of what was told of it by the day, and of all that moved it."""
    versions: dict[str, set[int]] = defaultdict(set)
    for item in figures.on.items:
        versions[naming_of(item)].update(move.version for move in moves[item])
    keys = {naming: f"credit:{naming.partition(':')[2]}" if naming.startswith(CREDITS) else naming for naming in versions}
    absent = sorted(set(keys.values()) - documents.keys())
    account = figures.on.account
    closed = caught_up(moment, [account], [(account, key) for key in absent])[account].documents if absent else {}
    for naming, key in keys.items():
        facts = (documents.get(key) or closed[key]).facts
        versions[naming].update(fact.version for fact in facts if counts(fact, naming, figures.on.day, known.version))
    if figures.limit_step is not None:
        versions[f"limit:{figures.limit_step.data['limit']}"] = {figures.limit_step.version}
    return versions


def counts(fact: Fact, naming: str, day: str, version: int | None) -> bool:
    """Whether a fact was told of what is named (a number may be a payment's and a credit note's), is dated by the day and was known."""
    kind = naming.partition(":")[0]
    is_of_it = kind not in CREDITS or kind in fact.data
    return is_of_it and fact.data.get("date", "") <= day and (version is None or fact.version <= version)


def events_at(moment: Any, account: str, versions: list[int], of: str = "account") -> dict[int, dict[str, Any]]:
    """By version what an explanation says of events of an account, or ``of`` a currency."""
    rows, origins = moment.events_at(f"{of}:{account}", versions), Origins(moment)
    return {row[1]: {name: value for name, value in told(account, None, origins.of(row[0]), *row).items() if name in TOLD} for row in rows}


def rates_told(moment: Any, figures: Figures, rates: KnownRates) -> list[dict[str, Any]]:
    """Of each foreign currency the rate that counts, and the event that told it."""
    found = ((currency, rates.published(currency, str(figures.currency), figures.on.day)) for currency in sorted(figures.on.currencies))
    return [{"currency": currency, **(rate_told(moment, rate) or {})} for currency, rate in found if rate is not None]


def rate_told(moment: Any, rate: Any) -> dict[str, Any] | None:
    if rate is None:
        return None
    return {"base": rate.base, "quote": rate.quote, "day": rate.day, "rate": rate.rate, "event": rate_event(moment, rate)}


def rate_event(moment: Any, rate: Any) -> dict[str, Any]:
    """The event that told a rate."""
    return events_at(moment, rate.base, [rate.version], of="currency")[rate.version]
