"""How fresh an account's sources were at any of its versions: a mark every so many events says what was heard of each until then.

Law: it is what the log says. A mark only saves reading what stands before it, so whatever was recorded before or since, no more is read than one
mark and the events behind it.
"""

from collections.abc import Sequence
from typing import Any

from exposure.ledger.account import Head
from exposure.ledger.batch import HeardRow
from schemas.facts import OUR_SOURCE
from schemas.jsontext import read, written_sorted
from schemas.stored import read_fact

EVERY = 64


class Unmarked(RuntimeError):
    """A mark is gone: the store was altered."""


def heard_rows(head: Head) -> list[HeardRow]:
    """The mark of the account's version, where it is one to be marked."""
    return [] if head.version % EVERY else [(head.account, head.version, written_sorted(head.sources))]


def heard(moment: Any, known: Sequence[tuple[str, int]]) -> dict[str, dict[str, str]]:
    """Of accounts as known at a version of each, by account: the time of the last that each source told."""
    places = [(account, version - version % EVERY, version) for account, version in known]
    last: dict[str, dict[str, str]] = {account: {} for account, _ in known}
    marked = {account: read(state) for account, state in moment.heard(places)}
    unmarked = [account for account, mark, _ in places if mark and account not in marked]
    if unmarked:
        raise Unmarked(f"it is not marked what was heard of {unmarked[0]}")
    last.update(marked)
    for account, version, topic, state in moment.events_behind(places):
        fact, of_account = read_fact(version, topic, state), last[account]
        if fact.source != OUR_SOURCE:
            of_account[fact.source] = max(of_account.get(fact.source, ""), fact.time)
    return last
