"""Laws of the desk, for every season of one account: no approval commits more than the limit, and every decision can be made again from the log.

Hypothesis plays the shop, the ERP, the people who approve, the clock, and the power that fails in the middle of a transaction. The judge is a model
written apart (``tests/desk_model.py``), which is compared after every step.
"""

import shutil
import tempfile
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from exposure.ledger.rebuild import rebuild
from projections import decisions
from projections.account import Asked, show
from schemas.amounts import minor, shown
from schemas.instants import instant_of
from schemas.jsontext import written
from service.deciding import approving, releasing
from service.deciding.approving import Act, Wanted
from service.deciding.checking import Request, check
from service.deciding.releasing import Release
from service.deciding.reserving import extend, release, reserve, settle
from service.failures import Failure
from service.store import open_store
from tests.desk_model import Held, Model, Order
from tests.stores import empty_file, fed
from tests.test_rules import ACCOUNT, CUSTOMER, Json, told

FIRST = 1_771_588_800_000_000
"""2026-02-20T12:00:00Z in microseconds."""
HOUR = 3_600_000_000
STEPS = 15
IN_MEMORY = Path("/dev/shm")
ORDERS = ("O-1", "O-2", "O-3")

orders = st.sampled_from(ORDERS)
amounts = st.sampled_from((1_00, 250_00, 400_00, 600_00, 1000_00, 1000_01))
limits = st.sampled_from((0, 500_00, 1000_00, 1000_00, 1500_00))
spans = st.sampled_from((None, 1, HOUR, 30 * HOUR))
names = st.sampled_from((None, None, None, "R-1", "R-2"))


class PowerFailed(Exception):
    """The process is gone: nothing it had begun is there."""


class Failing:
    """A store whose power fails in a transaction: at one of its writes, or just before it is committed."""

    def __init__(self, store: Any, writes: int) -> None:
        self.store = store
        self.writes = writes

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    @contextmanager
    def writing(self, now: int) -> Any:
        with self.store.writing(now) as writing:
            write = writing.write

            def one_more(batch: Any) -> Any:
                self.writes -= 1
                if self.writes < 0:
                    raise PowerFailed
                return write(batch)

            writing.write = one_more
            yield writing
            raise PowerFailed

    def write(self, batch: Any) -> Any:
        with self.writing(batch.now) as writing:
            return writing.write(batch)


def folder() -> Path:
    return Path(tempfile.mkdtemp(dir=IN_MEMORY if IN_MEMORY.exists() else None))


def money(cents: int) -> str:
    return shown(cents, "EUR")


class Season(RuleBasedStateMachine):
    """One account from its first event on. ``power`` is how many writes the next act has before the power fails."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = folder()
        self.path = self.folder / "desk.db"
        self.path.write_bytes(empty_file())
        self.store = open_store(f"sqlite:///{self.path}")
        self.model = Model({number: Order() for number in ORDERS})
        self.now = FIRST
        self.numbers = 0
        self.power: int | None = None
        self.answers: dict[str, tuple[Any, str]] = {}
        self.held: dict[str, Json] = {}

    # ------------------------------------------------------------------ how things are done

    def act(self, act: Callable[[Any], Any]) -> Any:
        """Does something; where the power fails meanwhile nothing is done, and after the restart it is done once more."""
        if self.power is not None:
            writes, self.power = self.power, None
            before = self.events()
            with pytest.raises(PowerFailed):
                act(Failing(self.store, writes))
            self.store.datastore.close()
            self.store = open_store(f"sqlite:///{self.path}")
            assert self.events() == before
        return act(self.store)

    def nothing(self, act: Callable[[Any], Any]) -> Any:
        """Does what was done before: nothing is recorded."""
        before = self.events()
        answer = act(self.store)
        assert self.events() == before, "already done gives no events"
        return answer

    def events(self) -> int:
        with self.store.reading() as moment:
            return int(moment.count_events()[0])

    def tell(self, kind: str, /, **data: Any) -> None:
        """What the ERP tells, now."""
        self.now += 1
        event = told(kind, self.day, f"{instant_of(self.now)}Z", **data)
        self.act(lambda store: fed(store, [written(event)], now=self.now))

    def number(self, letter: str) -> str:
        self.numbers += 1
        return f"{letter}-{self.numbers}"

    def clock(self) -> int:
        return self.now

    @property
    def day(self) -> str:
        return instant_of(self.now)[:10]

    # ------------------------------------------------------------------ the shop

    @rule(order=orders, amount=amounts, name=names)
    def checks(self, order: str, amount: int, name: str | None) -> None:
        wanted = Request(ACCOUNT, order, money(amount), None, name)
        self.ask(wanted, lambda store: check(store, wanted, self.clock, "shop"))

    @rule(order=orders, amount=amounts, lasts=spans, name=names)
    def reserves(self, order: str, amount: int, lasts: int | None, name: str | None) -> None:
        until = None if lasts is None else self.now + lasts
        wanted = Request(ACCOUNT, order, money(amount), None, name, None if until is None else instant_of(until), holds=True)
        already = self.model.held_already(order, amount, until, self.now)
        answer = self.ask(wanted, lambda store: reserve(store, wanted, self.clock, "shop"), already)
        if answer is not None and answer["decision"] == "approved":
            self.model.orders[order].held = Held(amount, until, self.model.orders[order].version, answer["decision_id"])

    def ask(self, wanted: Request, act: Callable[[Any], Json], already: str | None = None) -> Json | None:
        """The answer to what is asked for the first time; ``None`` where it had one. What is held ``already`` is answered as it stands."""
        if wanted.request in self.answers:
            words, decision_id = self.answers[wanted.request]
            if words == wanted.words:
                assert self.nothing(act)["decision_id"] == decision_id, "a repeated request has its old answer"
            else:
                with pytest.raises(Failure, match="other words"):
                    self.nothing(act)
            return None
        answer: Json = self.act(act)
        if already is None:
            self.judge(wanted, answer)
        else:
            assert answer["decision_id"] == already
        if wanted.request is None:
            assert self.nothing(act)["decision_id"] == answer["decision_id"], "the same question under unchanged inputs has one decision"
        if wanted.request is not None:
            self.answers[wanted.request] = wanted.words, answer["decision_id"]
        if answer["decision"] == "held":
            self.held[answer["decision_id"]] = answer
        return answer

    def judge(self, wanted: Request, answer: Json) -> None:
        """What an approval commits lies within the limit; the model has every figure of it."""
        amount = minor(wanted.amount, "EUR")
        verdict = self.model.verdict(wanted.order, amount, self.now)
        is_released = bool(verdict.reasons) and self.model.is_released(wanted.order, amount, verdict.reasons)
        if answer["decision"] == "approved" and answer["released"] is None:
            assert verdict.after <= self.model.limit or verdict.after < verdict.before
        assert (answer["decision"], answer["released"] is not None) == ("held" if verdict.reasons and not is_released else "approved", is_released)
        assert answer["reasons"] == ([] if is_released else verdict.reasons)
        assert (answer["exposure_before"], answer["exposure_after"]) == (money(verdict.before), money(verdict.after))

    @precondition(lambda self: self.reserved)
    @rule(data=st.data(), lasts=spans)
    def extends(self, data: Any, lasts: int | None) -> None:
        order = data.draw(st.sampled_from(self.reserved))
        until = None if lasts is None else self.now + lasts
        answer = self.turn(lambda store: extend(store, ACCOUNT, order, until and instant_of(until), self.clock, "shop"))
        if self.model.orders[order].state(self.now) == "reserved":
            self.model.orders[order].held.until = until  # type: ignore[union-attr]
        self.stands(order, answer)

    @precondition(lambda self: self.reserved)
    @rule(data=st.data())
    def settles(self, data: Any) -> None:
        order = data.draw(st.sampled_from(self.reserved))
        answer = self.turn(lambda store: settle(store, ACCOUNT, order, self.clock, "shop"))
        if self.model.orders[order].state(self.now) == "reserved":
            self.model.orders[order].held.is_settled = True  # type: ignore[union-attr]
        self.stands(order, answer)

    @precondition(lambda self: self.reserved)
    @rule(data=st.data())
    def gives_back(self, data: Any) -> None:
        order = data.draw(st.sampled_from(self.reserved))
        answer = self.turn(lambda store: release(store, ACCOUNT, order, self.clock, "shop"))
        if self.model.orders[order].state(self.now) in ("reserved", "settled"):
            self.model.orders[order].held.is_released = True  # type: ignore[union-attr]
        self.stands(order, answer)

    @property
    def reserved(self) -> list[str]:
        """Orders for which credit is held, or was."""
        return [number for number, order in self.model.orders.items() if order.held is not None]

    def turn(self, act: Callable[[Any], Json]) -> Json:
        """What becomes of a reservation, and the same once more."""
        answer: Json = self.act(act)
        again = self.nothing(act)
        assert again["state"] == answer["state"]
        return answer

    def stands(self, order: str, answer: Json) -> None:
        assert answer["state"] == self.model.orders[order].state(self.now)

    # ------------------------------------------------------------------ the ERP

    @initialize(limit=limits)
    def opens(self, limit: int) -> None:
        self.tell("customer.changed", **CUSTOMER | {"timezone": "UTC"})
        self.limit_is(limit)

    @rule(limit=limits)
    def limit_is(self, limit: int) -> None:
        self.tell("limit.changed", limit="L-1", version=self.now, kind="base", amount=money(limit), currency="EUR")
        self.model.limits["L-1"] = self.day, self.now, "/erp", limit

    @rule(order=orders, value=amounts)
    def confirms_or_amends(self, order: str, value: int) -> None:
        known = self.model.orders[order]
        lines = [{"line": "1", "value": money(value)}]
        kind = "order.amended" if known.version else "order.confirmed"
        self.tell(kind, order=order, version=known.version + 1, currency="EUR", lines=lines)
        known.version, known.value = known.version + 1, value

    @rule(order=orders)
    def closes(self, order: str) -> None:
        known = self.model.orders[order]
        self.tell("order.closed", order=order, version=known.version + 1, reason="cancelled")
        known.version, known.is_closed = known.version + 1, True

    @rule(order=orders, amount=amounts)
    def invoices(self, order: str, amount: int) -> None:
        number = self.number("I")
        lines = [{"order": order, "line": "1", "value": money(amount)}]
        self.tell("invoice.posted", invoice=number, currency="EUR", amount=money(amount), due=self.day, lines=lines)
        self.model.invoices[number] = amount
        self.model.orders[order].invoiced += amount

    @rule(amount=amounts, data=st.data())
    def pays(self, amount: int, data: Any) -> None:
        """An invoice, whole or in part, or on account."""
        invoice = data.draw(st.sampled_from([None, *self.model.invoices]))
        cleared = min(amount, self.model.invoices[invoice]) if invoice else 0
        allocations = [{"invoice": invoice, "amount": money(cleared)}] if cleared else []
        self.tell("payment.received", payment=self.number("P"), currency="EUR", amount=money(amount), allocations=allocations)
        if invoice:
            self.model.invoices[invoice] -= cleared
        self.model.unapplied += amount - cleared

    # ------------------------------------------------------------------ who may say yes, time, and power

    @rule(limit=limits)
    def a_limit_is_requested_and_approved(self, limit: int) -> None:
        self.now += 1
        wanted = Wanted(ACCOUNT, money(limit), "EUR", "base", self.day, None, "they pay well")
        request = self.act(lambda store: approving.request(store, wanted, "k.weiss", self.clock)).shown["request"]
        yes = Act("approve", request, "m.vogt")
        assert self.act(lambda store: approving.act(store, yes, self.clock)).shown["state"] == "approved"
        self.nothing(lambda store: approving.act(store, yes, self.clock))
        self.model.limits[request] = self.day, self.now, "/exposure", limit

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def a_held_order_is_released(self, data: Any) -> None:
        held = self.held.pop(data.draw(st.sampled_from(list(self.held))))
        wanted = Release(held["decision_id"], "m.vogt", "they paid today")
        assert self.act(lambda store: releasing.release(store, wanted, self.clock)).shown["state"] == "released"
        self.nothing(lambda store: releasing.release(store, wanted, self.clock))
        amount = minor(held["amount"], "EUR")
        self.model.released.append((held["order"], amount, held["reasons"]))
        self.checks(held["order"], amount, None)

    @rule(span=st.sampled_from((1, HOUR, 24 * HOUR)))
    def time_goes_by(self, span: int) -> None:
        self.now += span

    @rule(writes=st.integers(0, 2))
    def the_power_is_about_to_fail(self, writes: int) -> None:
        self.power = writes

    # ------------------------------------------------------------------ what is always so

    @invariant()
    def the_engine_says_what_the_model_says(self) -> None:
        if not self.model.limits:
            return
        with self.store.reading() as moment:
            figures = show(moment, ACCOUNT, Asked(self.now))
        assert {name: amount for name, amount in figures["exposure"].items() if name != "deliveries"} == {
            name: money(amount) for name, amount in self.model.parts(self.now).items()
        }
        assert figures["limit"]["amount"] == (money(self.model.limit) if self.model.limit else "none")

    def teardown(self) -> None:
        """Every decision can be made again from the log alone, and what is derived is what a rebuild makes."""
        with self.store.reading() as moment:
            made = [stream for _, stream in moment.cases_of_kind("decision")]
            for stream in made:
                assert decisions.shown(moment, stream.partition(":")[2])["differences"] == []
        assert rebuild(self.store).equal
        self.store.datastore.close()
        shutil.rmtree(self.folder)


TestSeason = Season.TestCase
TestSeason.settings = settings(max_examples=settings.default.max_examples // 2, stateful_step_count=STEPS)
