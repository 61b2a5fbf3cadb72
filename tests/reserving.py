"""Reservations in the hands of a test: told as they are recorded, one after the other, beside what an ERP tells in any order."""

from collections.abc import Iterable, Sequence
from typing import Any

from exposure.ledger.folding import Folding
from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Read, Record, Source
from schemas.stored import write_fact
from schemas.told import ToldFact
from tests.folding import Books, Event, own_fact

Happened = Event | ToldFact
"""What an ERP told, or what was recorded of reservations."""


def reserved(order: str, at: str, amount: str, until: str | None = None, *, name: str = "R-1", currency: str = "EUR", **more: Any) -> ToldFact:
    """``at`` is the instant it was recorded, and ``day`` the account's day then where it is not that of UTC."""
    told = {"amount": amount, "currency": currency, "decision": "of that day", **more}
    return of_reservation("CreditReserved", order, at, name, **told, **({"until": until} if until else {}))


def extended(order: str, at: str, until: str | None = None, *, name: str = "R-1", **more: Any) -> ToldFact:
    return of_reservation("ReservationExtended", order, at, name, **more, **({"until": until} if until else {}))


def settled(order: str, at: str, *, name: str = "R-1", **more: Any) -> ToldFact:
    return of_reservation("ReservationSettled", order, at, name, **more)


def released(order: str, at: str, *, name: str = "R-1", **more: Any) -> ToldFact:
    return of_reservation("ReservationReleased", order, at, name, **more)


def of_reservation(fact: str, order: str, at: str, name: str, *, day: str | None = None, account: str = "C-1001", **more: Any) -> ToldFact:
    return own_fact(fact, at, account=account, order=order, date=day or at[:10], reservation=name, **more)


def books(happened: Iterable[Happened], *, evict: bool = False) -> Books:
    kept = Books(evict=evict)
    for one in happened:
        if isinstance(one, ToldFact):
            kept.fold(one)
        else:
            kept.take(one)
    return kept


def arrivals(happened: Sequence[Happened]) -> list[list[Happened]]:
    """As it happened, and with all that the ERP told backwards, before everything that was reserved and after it."""
    own = [one for one in happened if isinstance(one, ToldFact)]
    erp = [one for one in reversed(happened) if not isinstance(one, ToldFact)]
    return [list(happened), [*erp, *own], [*own, *erp]]


def record(store: Any, told: ToldFact, now: int) -> None:
    """Records a fact of our own in the account's history, under the write lock."""
    ledger = Ledger(store, lambda: now)

    def begin(writing: Any) -> tuple[Folding, list[Read]]:
        folding = Folding(ledger.memory, Source("own"), writing.recorded_at, "m.vogt", None)
        return folding, [Read(Record(b"", 0), told, write_fact(told))]

    ledger.fold_under_lock(begin, set())
