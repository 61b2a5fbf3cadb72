"""Erasure: the key that an account's personal fields and dead letters are sealed under is thrown away, and who wanted it and why is recorded.

Law: nothing recorded changes. The log is whole and no figure another one; what is told of the account later is sealed under a new key, which can be
thrown away again. Erasing what is erased records nothing.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from exposure.ledger.acts.cases import record as record_cases
from exposure.ledger.acts.dead_letters import Letter, Order, row_of
from exposure.ledger.batch import Batch
from exposure.ledger.keys import mark_of
from exposure.ledger.moment import LETTER
from schemas.amends import DeadLetterErased, PersonErased
from schemas.stored import read_ours

KIND = "erasure"
NOBODYS = ""
"""Dead letters whose account could not be read share the key of no account."""


class Erasure(NamedTuple):
    """How an account stands: whether a key was thrown away just now, who wanted each, and when (microseconds), oldest first; and the ids of dead
    letters that nobody knows the account of and that spell this one."""

    account: str
    is_new: bool
    told: list[tuple[int, PersonErased]]
    spelled_in: list[str]


def erase(store: Any, now: Callable[[], int], account: str, order: Order) -> Erasure | None:
    """Throws the key of an account away, where there is one; ``None`` where nothing is known of the account."""
    stream = f"{KIND}:{account}"
    with store.writing(now()) as writing:
        key = writing.keys([account]).get(account)
        is_known = key is not None or writing.heads([account]) or writing.last_version(stream)
        if account == NOBODYS or not is_known:
            return None
        if key is not None:
            assert writing.rows("DELETE FROM account_keys WHERE account = ? RETURNING 1", account)
            record_cases(writing, [(stream, PersonErased(account, mark_of(key).hex(), *order))], order.by)
        return Erasure(account, key is not None, told(writing, stream), spelling(writing, account))


def told(moment: Any, stream: str) -> list[tuple[int, PersonErased]]:
    said = ((recorded_at, read_ours(topic, state)) for _, _, topic, state, recorded_at, _ in moment.events(stream))
    return [(recorded_at, event) for recorded_at, event in said if isinstance(event, PersonErased)]


def spelling(moment: Any, account: str) -> list[str]:
    key, name = moment.keys([NOBODYS]).get(NOBODYS), account.encode()
    letters = (Letter(*row) for row in moment.rows(f"SELECT {LETTER} FROM dead_letters WHERE account IS NULL ORDER BY digest"))
    return [letter.digest.hex() for letter in letters if name in (letter.opened(key) or b"")]


def erase_letters(store: Any, now: Callable[[], int], digests: Sequence[bytes], order: Order) -> int:
    """Throws the bytes of dead letters away; how many had any."""
    with store.writing(now()) as writing:
        batch = Batch(writing.recorded_at, order.by)
        for letter in [Letter(*row) for row in writing.letters(list(digests))]:
            if letter.sealed:
                batch.events.append(row_of(writing, letter, DeadLetterErased(letter.digest.hex(), *order)))
                writing.rows("UPDATE dead_letters SET sealed = ?, carried = NULL WHERE digest = ? RETURNING 1", b"", letter.digest)
        writing.write(batch)
    return len(batch.events)
