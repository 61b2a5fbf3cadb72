"""``exposure check``: would this order pass? The account's figures of today are asked, the answer is recorded with what it saw, and told."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, NamedTuple

from exposure import decisions
from exposure.findings import NoRate
from exposure.ledger.acts import decisions as recorded
from exposure.rules import orders
from exposure.rules.documents import Document
from projections.account import Asked, Known, figures_known, sources
from projections.decisions import seen
from projections.groups import Members, judging
from projections.rates import KnownRates
from schemas.amounts import scaled, shown
from schemas.currencies import DECIMALS
from schemas.facts import Data, Fact, OrderChecked, RequestAnswered
from service.deciding.releasing import let_through
from service.failures import WRONG_USAGE, Failure
from service.options import known_currency

AMOUNT = re.compile(r"(\d{1,15})(?:\.(\d+))?")
NUMBER = re.compile(r"[^\x00-\x1f\x7f\ud800-\udfff]{1,250}")


class Request(NamedTuple):
    """What is asked, in the words of who asks: the order by its whole value. ``request`` names the question, so that it has one answer for ever;
    where it came as an event, that event's id and ``source`` do.

    ``holds``: the credit is to be reserved for it as well, up to the instant ``until`` (UTC, as facts have it; ``None``: until more is told).
    ``instead_of`` is the account that the order is on now: it would be closed there and confirmed here."""

    account: str
    order: str
    amount: str
    currency: str | None = None
    request: str | None = None
    until: str | None = None
    holds: bool = False
    instead_of: str | None = None
    source: str | None = None

    @property
    def words(self) -> list[str | None]:
        moves = ["instead_of", self.instead_of] if self.instead_of else []
        return [self.order, self.amount, self.currency, *(["reserve", self.until] if self.holds else []), *moves]


class Desk:
    """One question under the write lock: what the account looks like now, and its answer. Raises ``UnknownAccount`` or ``Failure``."""

    def __init__(self, writing: Any, request: Request, by: str) -> None:
        self.writing = writing
        self.request = request
        self.by = by
        key = f"order:{request.order}"
        at = Asked(writing.recorded_at)
        self.figures, self.known, stored = figures_known(writing, request.account, at, [key])
        order: Document = stored.documents[key]
        self.told, self.own = orders.parted(order.facts)
        left, there = leaving(writing, request, self.figures.on.day) if request.instead_of else ({}, [])
        text = (texts_of(self.told) or texts_of(there))[-1:]
        self.asked = asked_of(request, request.currency or (text[0].data["currency"] if text else self.figures.currency))
        group = judging(Members(writing, replace(at, as_of=self.figures.on.day)), self.figures)
        self.seen = seen(KnownRates(writing, None), self.figures, order, self.asked, group, left)

    def decided(self, **more: Any) -> tuple[OrderChecked, bool]:
        """The decision, and whether it is new: under unchanged inputs, ``more`` that it depends on among them, it is the one that is there."""
        try:
            said, depends = self.seen.decided()
        except NoRate as error:
            raise Failure("missing_rate", str(error)) from error
        inputs = depends | more
        id_ = recorded.digest_of(self.request.account, inputs)
        known = recorded.known(self.writing, id_)
        decision = self.decision(id_, said, inputs) if known is None else known
        return let_through(self.writing, decision, is_new=known is None, by=self.by, version=self.known.head.version)

    def decision(self, id_: str, said: Data, inputs: Data) -> OrderChecked:
        figures, asked = self.figures, self.asked
        return OrderChecked(
            decision_id=id_, account=figures.on.account, order=asked.order, amount=shown(asked.amount, asked.currency), currency=asked.currency,
            by=self.by, version=self.known.head.version, inputs=inputs, instead_of=self.request.instead_of, **said,
        )  # fmt: skip

    def record(self, decision: OrderChecked, *, is_new: bool, reserved: Data | None = None) -> dict[str, Any]:
        """Records a decision that is new, and of a named request what it was told; tells it, with how fresh and how whole its figures are, and
        with what is ``reserved`` by it."""
        request = self.request
        told = shown_with(self.writing, decision, self.known)
        name, words = request.request, request.words
        answer = RequestAnswered(request.account, name, words, decision.decision_id, request.source) if name else None
        recorded.record(self.writing, decision, answer, told, is_new=is_new, reserved=reserved)
        return told


def check(store: Any, request: Request, now: Callable[[], int], by: str) -> dict[str, Any]:
    """The document of ``exposure check``; raises ``UnknownAccount``, ``NotKnownBefore`` or ``Failure``. All is read under the write lock."""
    proper(request)
    with store.writing(now()) as writing:
        return checked(writing, request, by)


def checked(writing: Any, request: Request, by: str) -> dict[str, Any]:
    """The same for who holds the write lock."""
    told = told_before(writing, request)
    if told is not None:
        return told
    desk = Desk(writing, request, by)
    decision, is_new = desk.decided()
    return desk.record(decision, is_new=is_new)


def texts_of(told: list[Fact]) -> list[Fact]:
    """The texts among what was told of an order."""
    return [fact for fact in told if fact.name in orders.TEXTS]


def leaving(writing: Any, request: Request, day: str) -> tuple[dict[str, int], list[Fact]]:
    """The exposure of the account that the order is on so far, once it is closed there, and what was told of the order there."""
    account, key = str(request.instead_of), f"order:{request.order}"
    if account == request.account:
        raise Failure("usage", f"--instead-of: the order would stay on account {account!r}", WRONG_USAGE)
    figures, _, stored = figures_known(writing, account, Asked(writing.recorded_at, day), [key])
    told, _ = orders.parted(stored.documents[key].facts)
    if not texts_of(told):
        raise Failure("usage", f"--instead-of: account {account!r} has no order {request.order!r}", WRONG_USAGE)
    return {account: decisions.without(figures, request.order)}, told


def proper(request: Request) -> None:
    for option, text in (("--order", request.order), ("--request", request.request)):
        if text is not None and not NUMBER.fullmatch(text):
            raise Failure("usage", f"{option}: {text!r} is no text of 1 to 250 characters without control characters", WRONG_USAGE)


def told_before(writing: Any, request: Request) -> dict[str, Any] | None:
    """What a named request was told before; the same name with other words is an error."""
    answer = recorded.answered(writing, request.account, request.request, request.source) if request.request else None
    if answer is None:
        return None
    if answer.asked != request.words:
        raise Failure("request_reused", f"request {request.request!r} was already asked in other words: {answer.asked}")
    decision = recorded.known(writing, answer.decision_id)
    if decision is None:
        return None
    return shown_with(writing, decision, figures_known(writing, request.account, Asked(writing.recorded_at))[1])


def shown_with(writing: Any, decision: OrderChecked, known: Known) -> dict[str, Any]:
    """A decision, with how fresh and how whole the figures are that it was made of."""
    letters = writing.count_dead_letters(decision.account, writing.recorded_at)
    return {**decision._asdict(), "dead_letters": letters, "sources": sources(writing, known)}


def asked_of(request: Request, currency: str | None) -> decisions.Asked:
    known = known_currency(currency)
    return decisions.Asked(request.order, minor_of(request.amount, known), known)


def minor_of(amount: str, currency: str, option: str = "--amount") -> int:
    """Minor units of what an option says."""
    told = AMOUNT.fullmatch(amount)
    decimals = DECIMALS[currency]
    if told is None or len((told[2] or "").rstrip("0")) > decimals:
        like = shown(123450, currency)
        raise Failure("usage", f"{option}: {amount!r} is no amount (not negative, at most {decimals} decimals), as {like}", WRONG_USAGE)
    return scaled(amount, decimals)
