"""The timeline of an account out of its rows: the movements of its documents by day, and what was agreed, as new as the log."""

from typing import Any

from exposure.alerts import Timeline
from exposure.ledger.memory import Account
from exposure.rules.documents import AGREED
from schemas.facts import Fact
from schemas.jsontext import read

LAST = "9999-12-31"
"""The last day there is; documents that never say anything begin behind it."""


def timeline(moment: Any, stored: Account, made: Timeline, since: str, until: str, version: int | None) -> Timeline:
    """Adds what changes the account's figures on the days from behind ``since`` until another, as known at its version, and what they are before;
    of what some rule looks back at from further back.

    ``stored`` is the account as new as the log, with the documents that are newer than their rows. Of the others only the movements are read.
    """
    for key, _, _, _, state in moment.documents_on(stored.head.account, until, version, made.reads_from(since)):
        if key not in stored.unwritten:
            facts, _, moves = read(state)
            add(made, key, moves, list(map(Fact._make, facts)), version)
    for key in stored.unwritten:
        document = stored.documents[key]
        add(made, key, document.moves, document.facts, version)
    return made


def add(made: Timeline, key: str, moves: Any, facts: list[Fact], version: int | None) -> None:
    made.add(key, moves, version)
    if made.looks_back and key.startswith("invoice:"):
        made.add_item(moves, facts, version)
    agree(made, key, facts, version)


def agree(made: Timeline, key: str, facts: list[Fact], version: int | None) -> None:
    kind = key[: key.index(":")]
    if kind in ("customer", "measure") or not (kind in AGREED or (kind == "order" and made.wants_texts)):
        return
    known = [fact for fact in facts if version is None or fact.version <= version]
    if kind == "order":
        made.texts[key] = known
    else:
        (made.limits if kind == "limit" else made.protections).append(known)
