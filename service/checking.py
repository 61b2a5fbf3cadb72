"""``exposure check``: would this order pass? The account's figures of today are asked, the answer is recorded with what it saw, and told."""

import re
from collections.abc import Callable
from typing import Any, NamedTuple

from exposure import decisions
from exposure.ledger import decisions as recorded
from exposure.rules.documents import Document
from exposure.rules.fulfilled import fulfilled
from projections.account import Asked, Known, sources, standing
from projections.rates import KnownRates
from schemas.amounts import scaled, shown
from schemas.currencies import DECIMALS
from schemas.facts import OrderChecked, RequestAnswered
from service.failures import WRONG_USAGE, Failure
from service.releasing import let_through

AMOUNT = re.compile(r"(\d{1,15})(?:\.(\d+))?")
NUMBER = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,250}")


class Request(NamedTuple):
    """What is asked, in the words of who asks: the order by its whole value. ``request`` names the question, so that it has one answer for ever."""

    account: str
    order: str
    amount: str
    currency: str | None = None
    request: str | None = None

    @property
    def words(self) -> list[str | None]:
        return [self.order, self.amount, self.currency]


class Desk:
    """One question under the write lock: what the account looks like now, and its answer. Raises ``UnknownAccount`` or ``Failure``."""

    def __init__(self, writing: Any, request: Request, by: str) -> None:
        self.writing = writing
        self.request = request
        self.by = by
        key = f"order:{request.order}"
        self.figures, self.known, stored = standing(writing, request.account, Asked(writing.recorded_at), [key])
        self.order: Document = stored.documents[key]
        text = self.order.facts[-1].data if self.order.facts else {}
        self.asked = asked_of(request, request.currency or text.get("currency") or self.figures.currency)
        self.fulfilled = fulfilled(self.order, self.figures.on.day)

    def decided(self) -> tuple[OrderChecked, bool]:
        """The decision, and whether it is new: under unchanged inputs it is the one that is there."""
        inputs = decisions.inputs(self.figures, self.fulfilled, self.asked)
        id_ = recorded.digest_of(self.request.account, inputs)
        known = recorded.known(self.writing, id_)
        decision = self.decision(id_, inputs) if known is None else known
        return let_through(self.writing, decision, is_new=known is None, by=self.by, version=self.known.head.version)

    def decision(self, id_: str, inputs: dict[str, Any]) -> OrderChecked:
        figures, asked = self.figures, self.asked
        rates = KnownRates(self.writing, None).on({asked.currency, *self.fulfilled} - {figures.currency}, figures.currency, figures.on.day)
        try:
            answer = decisions.decide(figures, rates, self.fulfilled, asked)
        except decisions.NoRate as error:
            raise Failure("missing_rate", str(error)) from error
        after = None if answer.available_after is None else figures.text(answer.available_after)
        return OrderChecked(
            id_, figures.on.account, asked.order, shown(asked.amount, asked.currency), asked.currency, figures.on.day, decisions.POLICY,
            answer.decision, answer.reasons, figures.text(answer.before), figures.text(answer.after), figures.limit_shown(), after, self.by,
            version=self.known.head.version, inputs=inputs,
        )  # fmt: skip

    def answer(self) -> OrderChecked:
        """Decides, records what is new, and tells it."""
        decision, is_new = self.decided()
        record(self.writing, self.request, decision, is_new=is_new)
        return decision


def check(store: Any, request: Request, now: Callable[[], int], by: str) -> dict[str, Any]:
    """The document of ``exposure check``; raises ``UnknownAccount``, ``NotKnownBefore`` or ``Failure``. All is read under the write lock."""
    proper(request)
    with store.writing(now()) as writing:
        decision = answered(writing, request)
        if decision is None:
            desk = Desk(writing, request, by)
            return shown_with(writing, desk.answer(), desk.known)
        return shown_with(writing, decision, standing(writing, request.account, Asked(writing.recorded_at))[1])


def proper(request: Request) -> None:
    for option, text in (("--order", request.order), ("--request", request.request)):
        if text is not None and not NUMBER.fullmatch(text):
            raise Failure("usage", f"{option}: {text!r} is no text of 1 to 250 characters without control characters", WRONG_USAGE)


def answered(writing: Any, request: Request) -> OrderChecked | None:
    """What a named request was told before; the same name with other words is an error."""
    answer = recorded.answered(writing, request.account, request.request) if request.request else None
    if answer is None:
        return None
    if answer.asked != request.words:
        raise Failure("request_reused", f"request {request.request!r} was already asked in other words: {answer.asked}")
    return recorded.known(writing, answer.decision_id)


def record(writing: Any, request: Request, decision: OrderChecked, *, is_new: bool) -> None:
    name = request.request
    answer = RequestAnswered(request.account, name, request.words, decision.decision_id) if name else None
    recorded.record(writing, decision, answer, is_new=is_new)


def shown_with(writing: Any, decision: OrderChecked, known: Known) -> dict[str, Any]:
    """A decision, with how fresh and how whole the figures are that it was made of."""
    letters = writing.count_dead_letters(decision.account, writing.recorded_at)
    return {**decision._asdict(), "dead_letters": letters, "sources": sources(writing, known.head, known.version)}


def asked_of(request: Request, currency: str | None) -> decisions.Asked:
    if currency not in DECIMALS:
        raise Failure("usage", f"--currency: {currency!r} is no currency of ISO 4217", WRONG_USAGE)
    return decisions.Asked(request.order, minor_of(request.amount, currency), currency)


def minor_of(amount: str, currency: str) -> int:
    """Minor units of what ``--amount`` says."""
    told = AMOUNT.fullmatch(amount)
    decimals = DECIMALS[currency]
    if told is None or len((told[2] or "").rstrip("0")) > decimals:
        like = shown(123450, currency)
        raise Failure("usage", f"--amount: {amount!r} is no amount (not negative, at most {decimals} decimals), as {like}", WRONG_USAGE)
    return scaled(amount, decimals)
