"""What memory holds of accounts: the ones used last, each as new as the log, though the rows of its documents may be older.

Law: whatever is dropped from memory is loaded again from rows and log as it was. So only time is lost when an account leaves.
"""

from collections import OrderedDict
from collections.abc import Iterable

from exposure.ledger.account import Head
from exposure.rules.documents import Document, Key
from schemas.facts import LAST_DAY

DOCUMENTS_IN_MEMORY = 100_000
EVENTS_BEHIND = 10_000
"""So many events of all accounts may be newer than the rows of their documents: a question folds them, and so does who comes after a crash."""
EVENTS_BEHIND_OF_ONE = 200


class Account:
    """Its head, its open documents by key, and which of them are newer than their rows."""

    __slots__ = ("documents", "head", "unwritten")

    def __init__(self, head: Head) -> None:
        self.head = head
        self.documents: dict[Key, Document] = {}
        self.unwritten: set[Key] = set()

    @property
    def events_behind(self) -> int:
        return self.head.version - self.head.written

    def change(self, changed: Iterable[Document]) -> None:
        self.unwritten.update([document.key for document in changed])

    def settle(self) -> set[Key]:
        """When its rows are made ready: they will be as new as the account. Returns whose rows they are."""
        keys, self.unwritten = self.unwritten, set()
        self.head.written = self.head.version
        return keys

    def forget_closed(self, keys: Iterable[Key]) -> int:
        """Drops those that are closed, and written as they are; returns how many."""
        documents, unwritten = self.documents, self.unwritten
        before = len(documents)
        for key in keys:
            document = documents.get(key)
            if document is not None and document.closed < LAST_DAY and key not in unwritten:
                del documents[key]
        return before - len(documents)


class Memory:
    """The accounts used last, at most so many documents in all, and of those whose rows are behind at most so many events."""

    def __init__(self, documents_max: int) -> None:
        self.documents_max = documents_max
        self.behind_max = EVENTS_BEHIND
        self.documents = 0
        self.behind = 0
        self.settled: OrderedDict[str, Account] = OrderedDict()
        self.unsettled: OrderedDict[str, Account] = OrderedDict()

    def take(self, name: str) -> Account | None:
        """Takes an account out: it comes back when what was done to it is written, and is loaded anew when it was not."""
        found = self.settled.pop(name, None) or self.unsettled.pop(name, None)
        if found is not None:
            self.documents -= len(found.documents) + 1
            self.behind -= found.events_behind
        return found

    def keep(self, name: str, account: Account) -> None:
        self.documents += len(account.documents) + 1
        self.behind += account.events_behind
        (self.unsettled if account.events_behind else self.settled)[name] = account

    def forget(self, name: str, account: Account) -> None:
        if self.holds(name, account):
            self.take(name)

    def forget_closed(self, name: str, account: Account, keys: Iterable[Key]) -> None:
        """Drops closed documents of an account that is here, or out with a batch."""
        many = account.forget_closed(keys)
        if self.holds(name, account):
            self.documents -= many

    def holds(self, name: str, account: Account) -> bool:
        return self.settled.get(name) is account or self.unsettled.get(name) is account

    def has_room(self, behind: int, documents: int) -> bool:
        """Whether accounts with so many events behind and so many documents fit beside the others."""
        return self.behind + behind <= self.behind_max and self.documents + documents <= self.documents_max

    def take_surplus(self, behind: int, documents: int) -> list[tuple[str, Account]]:
        """Makes room for as much: takes out the accounts used longest ago, and returns those whose documents are to be written."""
        while self.settled and self.documents + documents > self.documents_max:
            self.take(next(iter(self.settled)))
        return self.take_unsettled(self.behind + behind - self.behind_max, self.documents + documents - self.documents_max)

    def take_unsettled(self, behind: int, documents: int) -> list[tuple[str, Account]]:
        """Takes out accounts to be settled, those used longest ago first, until at least so many events and documents are gone."""
        taken: list[tuple[str, Account]] = []
        behind_max, documents_max = self.behind - behind, self.documents - documents
        while self.unsettled and (self.behind > behind_max or self.documents > documents_max):
            name = next(iter(self.unsettled))
            account = self.take(name)
            assert account is not None
            taken.append((name, account))
        return taken
