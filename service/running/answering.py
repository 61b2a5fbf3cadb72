"""Requests that come as events are answered here, each once, in the transaction that takes it in: by a decision, or by a refusal that says why."""

from collections.abc import Callable
from typing import Any

from exposure.ledger.acts import decisions
from projections.account import NotKnownBefore, UnknownAccount
from schemas.facts import RequestRefused
from schemas.told import ToldFact
from service.deciding import checking, reserving
from service.failures import WRONG_USAGE, Failure


def asked_by(told: ToldFact, *, holds: bool) -> checking.Request:
    asked = told.data
    named = {"request": told.id, "source": told.source}
    return checking.Request(told.subject, asked["order"], asked["amount"], asked.get("currency"), until=asked.get("until"), holds=holds, **named)


def check(writing: Any, told: ToldFact, by: str) -> None:
    checking.checked(writing, asked_by(told, holds=False), by)


def reserve(writing: Any, told: ToldFact, by: str) -> None:
    reserving.reserved(writing, asked_by(told, holds=True), by)


ANSWERED_BY: dict[str, Callable[[Any, ToldFact, str], None]] = {"CheckRequested": check, "ReservationRequested": reserve}
"""Who answers what: each records its answer and tells it, or raises before it has written anything."""


def answer(writing: Any, told: ToldFact) -> None:
    """Every request that could be read has its one answer after this; one that was read back into a restored store has it already."""
    if decisions.is_answered(writing, told.subject, told.id, told.source):
        return
    by = told.data.get("by") or told.source
    try:
        ANSWERED_BY[told.name](writing, told, by)
    except (Failure, UnknownAccount, NotKnownBefore) as no:
        asked = {name: value for name, value in told.data.items() if name != "by"}
        decisions.refuse(writing, RequestRefused(told.subject, told.id, told.source, asked, *why(no), by))


def why(no: Failure | UnknownAccount | NotKnownBefore) -> tuple[str, str]:
    """Code and message; what was wrong usage of a command is an invalid request, and its option a field."""
    if isinstance(no, Failure):
        return ("invalid", str(no).removeprefix("--")) if no.exit_code == WRONG_USAGE else (no.code, str(no))
    return "unknown_account" if isinstance(no, UnknownAccount) else "not_known_before", str(no)
