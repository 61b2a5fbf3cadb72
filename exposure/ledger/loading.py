"""Documents into memory by number: those that facts name or reach, as new as the log.

The rows of an account's documents may be older than its log; what was recorded since is folded before anything else is.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from exposure.ledger import account as heads
from exposure.ledger.account import Head
from exposure.ledger.encoding import decode_document
from exposure.ledger.memory import Account
from exposure.rules.documents import Document, Key
from exposure.rules.evolve import MissingDocument, evolve
from exposure.rules.references import names, reaches
from schemas.facts import Fact
from schemas.stored import read_fact
from schemas.told import ToldFact

Told = tuple[str, ToldFact | Fact]
"""An account, and a fact told of it."""


def load_heads(moment: Any, names: Iterable[str]) -> dict[str, Account]:
    """The accounts as they stand in the store, without their documents; one that is not there is new."""
    accounts = {name: Account(Head(name)) for name in names}
    for row in moment.heads(list(accounts)) if accounts else ():
        accounts[row[0]].head = heads.decoded(*row)
    return accounts


def tails(moment: Any, accounts: Iterable[Account]) -> list[tuple[str, Fact]]:
    """What was recorded of the accounts since the rows of their documents were written, in the order of their versions."""
    behind = [(account.head.account, account.head.written) for account in accounts if account.events_behind]
    return [(name, read_fact(version, topic, state)) for name, version, topic, state in moment.tails(behind)] if behind else []


def load(moment: Any, accounts: Mapping[str, Account], facts: Sequence[Told], more: Iterable[tuple[str, Key]] = ()) -> dict[str, set[Key]]:
    """Brings every document that the facts name or reach, and ``more`` that turned out to be needed, into the accounts: usually one query.

    Returns by account what was brought, documents that are new among them.
    """
    turns = [(name, told.name, accounts[name].documents, names(told.name, told.data, name)) for name, told in facts]
    wanted = {(name, key) for name, _, documents, keys in turns for key in keys if key not in documents}
    wanted.update((name, key) for name, key in more if key not in accounts[name].documents)
    loaded: dict[str, set[Key]] = defaultdict(set)
    while True:
        bring(moment, accounts, wanted)
        for name, key in wanted:
            loaded[name].add(key)
        wanted = set()
        for name, of, documents, keys in turns:
            for key in reaches(of, documents[keys[0]], keys, documents):
                if key not in documents:
                    wanted.add((name, key))
        if not wanted:
            return loaded
        grown = {name for name, _ in wanted}
        turns = [turn for turn in turns if turn[0] in grown]


def bring(moment: Any, accounts: Mapping[str, Account], wanted: set[tuple[str, Key]]) -> None:
    for name, key in wanted:
        accounts[name].documents[key] = Document(key)
    old = [place for place in wanted if accounts[place[0]].head.written]
    for name, key, version, state in moment.documents(old) if old else ():
        accounts[name].documents[key] = decode_document(key, version, state)


def catch_up(accounts: Mapping[str, Account], recorded: Iterable[tuple[str, Fact]]) -> None:
    """Folds what was recorded into the documents; the heads know it already."""
    for name, fact in recorded:
        changed, _ = evolve(name, fact, accounts[name].documents)
        accounts[name].change(changed)


def caught_up(moment: Any, names: Iterable[str], more: Iterable[tuple[str, Key]] = ()) -> dict[str, Account]:
    """Accounts of the store as new as the log: in their documents is what is newer than its row, and ``more`` that is asked for."""
    missed: set[tuple[str, Key]] = set()
    while True:
        accounts = load_heads(moment, names)
        recorded = tails(moment, accounts.values())
        try:
            load(moment, accounts, recorded, missed.union(more))
            catch_up(accounts, recorded)
        except MissingDocument as missing:
            missing.note(missed)
        else:
            return accounts
