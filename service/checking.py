"""``exposure check``: would this order pass? The account's figures of today are asked, the answer is recorded with what it saw, and told."""

import re
from collections.abc import Callable
from typing import Any

from exposure import decisions
from exposure.findings import NoRate
from exposure.ledger import decisions as recorded
from exposure.ledger.loading import caught_up
from exposure.rules.fulfilled import fulfilled
from projections.account import Asked, figures_of, sources
from projections.rates import KnownRates
from schemas.amounts import scaled, shown
from schemas.currencies import DECIMALS
from schemas.facts import OrderChecked
from service.failures import WRONG_USAGE, Failure

AMOUNT = re.compile(r"(\d{1,15})(?:\.(\d+))?")
ORDER = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,250}")


def check(store: Any, account: str, order: str, amount: str, currency: str | None, now: Callable[[], int], by: str) -> dict[str, Any]:
    """The document of ``exposure check``; raises ``UnknownAccount``, ``NotKnownBefore`` or ``Failure``. All is read under the write lock."""
    if not ORDER.fullmatch(order):
        raise Failure("usage", f"--order: {order!r} is no number an order can have", WRONG_USAGE)
    with store.writing(now()) as writing:
        figures, head, version = figures_of(writing, account, Asked(writing.recorded_at))
        key = f"order:{order}"
        document = caught_up(writing, [account], [(account, key)])[account].documents[key]
        text = document.facts[-1].data if document.facts else {}
        asked = asked_of(order, amount, currency or text.get("currency") or figures.currency)
        done = fulfilled(document, figures.on.day)
        rates = KnownRates(writing, None).on({asked.currency, *done} - {figures.currency}, figures.currency, figures.on.day)
        answer = answered(figures, rates, done, asked)
        id_ = recorded.decision_id(account, decisions.inputs(figures, done, asked, answer))
        decision = recorded.known(writing, id_)
        if decision is None:
            decision = decided(figures, answer, asked, id_, by)
            recorded.record(writing, decision)
        told = {"dead_letters": writing.count_dead_letters(account, writing.recorded_at), "sources": sources(writing, head, version)}
    return {**decision._asdict(), **told}


def answered(figures: Any, rates: Any, done: dict[str, int], asked: decisions.Asked) -> decisions.Answer:
    try:
        return decisions.decide(figures, rates, done, asked)
    except NoRate as error:
        raise Failure("missing_rate", str(error)) from error


def decided(figures: Any, answer: decisions.Answer, asked: decisions.Asked, id_: str, by: str) -> OrderChecked:
    after = None if answer.available_after is None else figures.text(answer.available_after)
    return OrderChecked(
        id_, figures.on.account, asked.order, shown(asked.amount, asked.currency), asked.currency, figures.on.day, figures.rules.policy,
        answer.decision, answer.reasons, figures.text(answer.before), figures.text(answer.after), figures.limit_shown(), after, by,
        answer.warnings, answer.findings, figures.judged_shown(answer.judged),
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
