"""The rules alone, in memory: events folded one after the other into documents, without a ledger."""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from exposure.figures import AccountOn, Figures, Item, account_on
from exposure.items import items
from exposure.ledger import records
from exposure.ledger.account import Head
from exposure.ledger.encoding import decode_document, encode_document
from exposure.rules.documents import Document, Key, Movement
from exposure.rules.evolve import evolve
from exposure.rules.references import names, own_key, reaches
from exposure.rules.transfers import news
from schemas.amounts import BILLION, billionths
from schemas.door import read_record
from schemas.facts import TRANSFER, Fact
from schemas.jsontext import written
from schemas.told import ToldFact

Event = dict[str, Any]


def own_fact(name: str, time: str, *, account: str = "C-1001", **data: Any) -> ToldFact:
    """A fact of our own as it is recorded at an instant, with its name among the others."""
    return records.own_fact(account, name, f"{name}/{time}/{data['reservation']}", time, data)


class Books:
    """Accounts of a few events. With ``evict`` every document goes through its bytes after every event."""

    def __init__(self, *, evict: bool = False) -> None:
        self.evict = evict
        self.documents: dict[str, dict[Key, Document]] = defaultdict(dict)
        self.heads: dict[str, Head] = {}
        self.rates: list[tuple[str, str, str, tuple[str, str, str], str]] = []
        self.seen: set[bytes] = set()

    def take_all(self, events: Iterable[Event]) -> "Books":
        for event in events:
            self.take(event)
        return self

    def take(self, event: Event) -> list[Movement]:
        told = read_record(written(event))
        if told.naming in self.seen:
            return []
        self.seen.add(told.naming)
        if told.name == "FxRatePublished":
            data = told.data
            self.rates.append((data["base"], data["quote"], data["date"], (told.time, told.source, told.id), data["rate"]))
            return []
        return self.fold(told)

    def fold(self, told: ToldFact) -> list[Movement]:
        subject, documents = told.subject, self.documents[told.subject]
        head = self.heads.setdefault(subject, Head(subject))
        wanted = named = names(told.name, told.data, subject)
        while wanted:
            for key in wanted:
                documents.setdefault(key, Document(key))
            wanted = reaches(told.name, documents[own_key(told.name, told.data, subject)], named, documents) - documents.keys()
        fact = Fact(head.version + 1, told.name, told.time, told.source, told.id, told.digest, told.data)
        changed, moves = evolve(subject, fact, documents)
        head.take(fact, moves)
        for other, data in [told_there for document in changed for told_there in news(document, subject, fact.version)]:
            self.fold(records.own_fact(other, TRANSFER, f"{data['transfer']}/{data['version']}/{other}", told.time, data))
        if self.evict:
            for key, document in documents.items():
                documents[key] = decode_document(key, document.version, encode_document(document))
        return moves

    def show(self, account: str, day: str, version: int | None = None, instant: str | None = None) -> dict[str, Any] | None:
        head = self.heads.get(account)
        if head is None:
            return None
        on = self.on(account, day, version, instant)
        figures = Figures(on, {currency: rate for currency in on.currencies if (rate := self.rate(currency, on.currency, day))})
        return {**figures.summary(), **figures.findings(), **items(figures)}

    def on(self, account: str, day: str, version: int | None, instant: str | None = None) -> AccountOn:
        """Only from the documents a store would load for the day; at an instant of it, else at its end."""
        documents = [
            document
            for document in self.documents[account].values()
            if document.opened <= day and (document.closed > day or (version is not None and document.version > version))
        ]
        first_currency = self.heads[account].first_currency(version)
        return account_on(account, documents, day, version=version, first_currency=first_currency, instant=instant)

    def items(self, account: str, day: str) -> dict[Item, int]:
        return self.on(account, day, None).items if account in self.heads else {}

    def rate(self, base: str, quote: str | None, day: str) -> tuple[int, int] | None:
        for one, other, is_direct in ((base, quote, True), (quote, base, False)):
            dated = [(when, told, rate) for b, q, when, told, rate in self.rates if (b, q) == (one, other) and when <= day]
            if dated:
                number = billionths(max(dated)[2])
                return (number, BILLION) if is_direct else (BILLION, number)
        return None
