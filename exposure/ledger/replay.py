"""An account's recorded history once more, from its first event: its documents as they were just before each, kept nowhere."""

from collections.abc import Iterator
from typing import Any

from exposure.ledger.account import Head
from exposure.ledger.collector import collector_paused
from exposure.rules.documents import Document, Key
from exposure.rules.evolve import fold
from schemas.facts import Fact
from schemas.stored import read_fact


class Replay:
    """``head`` and ``documents`` are those of the moment the replay has come to."""

    def __init__(self, account: str) -> None:
        self.account = account
        self.head = Head(account)
        self.documents: dict[Key, Document] = {}

    def events(self, moment: Any) -> Iterator[tuple[int, Fact]]:
        """Each event with its recorded instant, before it is folded."""
        for _, version, topic, state, recorded_at, _ in moment.events(f"account:{self.account}"):
            fact = read_fact(version, topic, state)
            yield recorded_at, fact
            self.fold(fact)

    def fold_until(self, moment: Any, position: int) -> None:
        """Folds what was recorded before a position of the log."""
        with collector_paused():
            for at, version, topic, state, *_ in moment.events(f"account:{self.account}"):
                if at >= position:
                    break
                self.fold(read_fact(version, topic, state))

    def fold(self, fact: Fact) -> None:
        _, moves = fold(self.account, fact, self.documents)
        self.head.take(fact, moves)

    def speaking(self, day: str) -> Iterator[Document]:
        """Documents that say anything on the day."""
        return (document for document in self.documents.values() if document.opened <= day < document.closed)
