"""``exposure check``: would this order pass? The account's figures of today are asked, the answer is recorded with what it saw, and told."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from exposure import decisions, groups
from exposure.ledger import decisions as recorded
from exposure.ledger.loading import caught_up
from exposure.rules.documents import Document
from exposure.rules.fulfilled import fulfilled
from projections.account import Asked, figures_of, sources
from projections.groups import judging
from projections.rates import KnownRates
from schemas.amounts import scaled, shown
from schemas.currencies import DECIMALS
from schemas.facts import OrderChecked
from service.failures import WRONG_USAGE, Failure

AMOUNT = re.compile(r"(\d{1,15})(?:\.(\d+))?")
ORDER = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,250}")


def check(
    store: Any, account: str, order: str, amount: str, currency: str | None, now: Callable[[], int], by: str, instead_of: str | None = None
) -> dict[str, Any]:
    """The document of ``exposure check``; raises ``UnknownAccount``, ``NotKnownBefore`` or ``Failure``. All is read under the write lock.

    ``instead_of`` is the account that the order is on now: it would be closed there and confirmed here.
    """
    if not ORDER.fullmatch(order):
        raise Failure("usage", f"--order: {order!r} is no number an order can have", WRONG_USAGE)
    with store.writing(now()) as writing:
        figures, head, version = figures_of(writing, account, Asked(writing.recorded_at))
        document = order_of(writing, account, order)
        known = document.facts or (order_of(writing, instead_of, order).facts if instead_of else [])
        text = known[-1].data if known else {}
        asked = asked_of(order, amount, currency or text.get("currency") or figures.currency)
        done = fulfilled(document, figures.on.day)
        rates = KnownRates(writing, None).on({asked.currency, *done} - {figures.currency}, figures.currency, figures.on.day)
        group = judging(writing, figures, Asked(writing.recorded_at))
        left = left_at(writing, instead_of, account, order, figures.on.day) if instead_of else {}
        id_ = recorded.decision_id(account, decisions.inputs(figures, done, asked) | (groups.inputs(group, account, left) if group or left else {}))
        decision = recorded.known(writing, id_)
        if decision is None:
            decision = decided(figures, rates, done, asked, id_, by, group, left)
            recorded.record(writing, decision)
        told = {"dead_letters": writing.count_dead_letters(account, writing.recorded_at), "sources": sources(writing, head, version)}
    return {**decision._asdict(), **told}


def order_of(writing: Any, account: str, order: str) -> Document:
    key = f"order:{order}"
    return caught_up(writing, [account], [(account, key)])[account].documents[key]


def left_at(writing: Any, account: str, other: str, order: str, day: str) -> dict[str, int]:
    """The exposure of an account once the order is closed there."""
    if account == other:
        raise Failure("usage", f"--instead-of: the order would stay on account {account!r}", WRONG_USAGE)
    figures, _, _ = figures_of(writing, account, Asked(writing.recorded_at, day))
    if not order_of(writing, account, order).facts:
        raise Failure("usage", f"--instead-of: account {account!r} has no order {order!r}", WRONG_USAGE)
    return {account: figures.total - decisions.counted(figures, order)}


def decided(
    figures: Any, rates: Any, done: dict[str, int], asked: decisions.Asked, id_: str, by: str, group: Any, left: dict[str, int]
) -> OrderChecked:
    account, judgement = figures.on.account, None
    try:
        answer = decisions.decide(figures, rates, done, asked)
        if group is not None:
            judgement = groups.judge(group, account, answer, {**left, account: answer.after})
            answer = replace(answer, reasons=judgement.reasons)
    except decisions.NoRate as error:
        raise Failure("missing_rate", str(error)) from error
    after = None if answer.available_after is None else figures.text(answer.available_after)
    return OrderChecked(
        id_, account, asked.order, shown(asked.amount, asked.currency), asked.currency, figures.on.day, decisions.POLICY,
        answer.decision, answer.reasons, figures.text(answer.before), figures.text(answer.after), figures.limit_shown(), after, by,
        judgement.shown() if judgement else None, next(iter(left), None),
    )  # fmt: skip


def asked_of(order: str, amount: str, currency: str | None) -> decisions.Asked:
    if currency not in DECIMALS:
        raise Failure("usage", f"--currency: {currency!r} is no currency of ISO 4217", WRONG_USAGE)
    told = AMOUNT.fullmatch(amount)
    decimals = DECIMALS[currency]
    if told is None or len((told[2] or "").rstrip("0")) > decimals:
        raise Failure(
            "usage", f"--amount: {amount!r} is no amount (not negative, at most {decimals} decimals), as {shown(123450, currency)}", WRONG_USAGE
        )
    return decisions.Asked(order, scaled(amount, decimals), currency)
