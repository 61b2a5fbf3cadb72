"""What is to be delivered to who subscribed: how far a subscription has read the log of alerts, and which deliveries wait or were given up.

Law: the position of a subscription passes an alert only in the transaction that says what became of it. An account whose alert waits has
everything behind it wait, in the order of the log; other accounts do not.
"""

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

COLUMNS = "subscription, position, account, attempts, next_at, failure, is_dead"


class Overtaken(Exception):
    """Another sender has moved the subscription on meanwhile."""


class Delivery(NamedTuple):
    """An alert, by its position in the log, that did not arrive yet. ``next_at`` is when it is tried again (µs); where ``is_dead`` it is given up."""

    subscription: str
    position: int
    account: str
    attempts: int = 0
    next_at: int = 0
    failure: str = ""
    is_dead: int = 0


def subscribed(writing: Any, name: str, position: int) -> None:
    """Begins a subscription at a position, where there is none of this name."""
    writing.put("INSERT INTO subscriptions (name, position) VALUES {rows} ON CONFLICT (name) DO NOTHING", [(name, position)])


def position_of(moment: Any, name: str) -> int | None:
    rows = moment.rows("SELECT position FROM subscriptions WHERE name = ?", name)
    return int(rows[0][0]) if rows else None


def due(moment: Any, name: str, now: int, many: int) -> list[Delivery]:
    """The oldest of each account that waits, where its time has come."""
    older = "e.subscription = d.subscription AND e.account = d.account AND e.is_dead = 0 AND e.position < d.position"
    where = f"subscription = ? AND is_dead = 0 AND next_at <= ? AND NOT EXISTS (SELECT 1 FROM deliveries e WHERE {older})"
    rows = moment.rows(f"SELECT {COLUMNS} FROM deliveries d WHERE {where} ORDER BY position LIMIT ?", name, now, many)
    return [Delivery(*row) for row in rows]


def held_back(moment: Any, name: str, accounts: Iterable[str]) -> set[str]:
    """Those of the accounts of which anything waits."""
    given = [(name, account) for account in sorted(set(accounts))]
    rows = moment.joined("g.c1", "deliveries", "t.subscription = g.c0 AND t.account = g.c1 AND t.is_dead = 0", given)
    return {row[0] for row in rows}


def dead(moment: Any, name: str | None = None) -> list[Delivery]:
    """What was given up, of one subscription or of all, oldest first."""
    where, values = ("", ()) if name is None else (" AND subscription = ?", (name,))
    rows = moment.rows(f"SELECT {COLUMNS} FROM deliveries WHERE is_dead = 1{where} ORDER BY position, subscription", *values)
    return [Delivery(*row) for row in rows]


def keep(writing: Any, deliveries: Sequence[Delivery]) -> None:
    """Says how deliveries stand that were not successful."""
    kept = ", ".join(f"{column} = excluded.{column}" for column in COLUMNS.split(", ")[3:])
    writing.put(f"INSERT INTO deliveries ({COLUMNS}) VALUES {{rows}} ON CONFLICT (subscription, position) DO UPDATE SET {kept}", deliveries)


def forget(writing: Any, deliveries: Iterable[Delivery]) -> None:
    """Those that arrived."""
    for one in deliveries:
        writing.rows("DELETE FROM deliveries WHERE subscription = ? AND position = ? RETURNING 1", one.subscription, one.position)


def move_on(writing: Any, name: str, before: int, after: int) -> None:
    """Raises ``Overtaken`` where the subscription is no longer where it was."""
    if not writing.rows("UPDATE subscriptions SET position = ? WHERE name = ? AND position = ? RETURNING 1", after, name, before):
        raise Overtaken(f"subscription {name} has moved on meanwhile")


def try_again(writing: Any, deliveries: Sequence[Delivery]) -> None:
    """What was given up is to be delivered after all, before whatever else of its account waits."""
    keep(writing, [one._replace(attempts=0, next_at=0, is_dead=0) for one in deliveries])
