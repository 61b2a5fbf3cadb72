"""The current figures of accounts as they were told: what was said last of each, so that only what changed goes out.

Law: of an account the last message is what its figures are, and each goes out in the transaction that says so. Who judges without telling marks
the account as behind; who tells next tells of it.
"""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any, NamedTuple

from exposure.ledger.alerts import DUE, Due, due_of
from schemas.facts import OUR_SOURCE
from schemas.jsontext import written_sorted

TOPIC, TYPE = "credit.exposure", "credit.exposure.changed.v1"


class Told(NamedTuple):
    """How many messages there were of an account, and the digest of what the last one said."""

    sequence: int = 0
    digest: bytes = b""


def behind(moment: Any, now: int, many: int) -> list[Due]:
    """Accounts that were judged and not told of since, and that are not due at the instant anyhow."""
    columns = ", ".join(f"a.{column}" for column in DUE.split(", "))
    wanted = "FROM figures_told t JOIN alert_states a ON a.account = t.account WHERE t.is_behind = 1 AND a.next_at > ? ORDER BY t.account LIMIT ?"
    return [due_of(*row) for row in moment.rows(f"SELECT {columns} {wanted}", now, many)]


def told(moment: Any, accounts: Sequence[str]) -> dict[str, Told]:
    rows = moment.joined("t.account, t.sequence, t.digest", "figures_told", "t.account = g.c0", [(account,) for account in accounts])
    return {account: Told(sequence, bytes(digest)) for account, sequence, digest in rows}


def tell(writing: Any, before: dict[str, Told], figures: Sequence[tuple[str, bytes, dict[str, Any]]]) -> int:
    """Puts the figures of accounts into the outbox where their digest is another one than that of what was told ``before``; how many."""
    now, messages = dict(before), []
    for account, digest, data in figures:
        last = before.get(account, Told())
        if last.digest != digest:
            now[account] = Told(last.sequence + 1, digest)
            message = {"type": TYPE, "source": OUR_SOURCE, "data": {**data, "sequence": last.sequence + 1}}
            messages.append((TOPIC, account, message_id(account, last.sequence + 1), message))
    put(writing, [(account, *now.get(account, Told()), 0) for account, *_ in figures])
    writing.announce_all(messages)
    return len(messages)


def leave(writing: Any, accounts: Sequence[str]) -> None:
    """Says that nobody was told what these accounts may be by now."""
    put(writing, [(account, 0, b"", 1) for account in accounts], "is_behind = 1")


def put(writing: Any, rows: Sequence[tuple[str, int, bytes, int]], kept: str = "") -> None:
    every = ", ".join(f"{column} = excluded.{column}" for column in ("sequence", "digest", "is_behind"))
    columns = "account, sequence, digest, is_behind"
    writing.put(f"INSERT INTO figures_told ({columns}) VALUES {{rows}} ON CONFLICT (account) DO UPDATE SET {kept or every}", rows)


def message_id(account: str, sequence: int) -> str:
    """16 bytes in hexadecimal: the same however often the message has to be sent."""
    return blake2b(written_sorted([TOPIC, account, sequence]), digest_size=16).hexdigest()


def digest_of(figures: dict[str, Any]) -> bytes:
    return blake2b(written_sorted(figures), digest_size=16).digest()
