"""All that people and time do to a store between two questions, each act by its name; what can not be done just then is not done."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import date, timedelta
from random import Random
from typing import Any

from exposure.approvals import UNLIMITED
from exposure.findings import NoRate
from exposure.ledger.acts import dead_letters as letters
from exposure.ledger.acts import erasing, policies, portfolio
from exposure.ledger.rebuild import rebuild
from projections.account import Asked, NotKnownBefore, UnknownAccount, show
from projections.alerts import Wanted, alert_log
from projections.dunning import listed
from projections.holds import holds
from projections.limit_requests import limit_requests
from projections.measurements import NoCurrency, measurement
from projections.measures import measures
from projections.promises import UnknownPromise, promises
from schemas.dunning import DunningResumed, DunningStopped
from schemas.instants import instant_of
from schemas.jsontext import written
from schemas.policies import Policy
from service.collecting import acting, dunning, measuring, promising
from service.deciding import approving, releasing
from service.deciding.checking import Request, check
from service.deciding.reserving import extend, release, reserve, settle
from service.failures import Failure
from service.keeping import correcting
from service.running.ticking import tick
from tests.stores import DAY, fed

PEOPLE = ("shop", "m.vogt", "j.albers")
AMOUNTS = ("10.00", "50.00", "500.00", "100000.00")
MEASURES = (("watch", None), ("stop_deliveries", None), ("prepayment", None), ("lower_limit", "0.5"))
REFUSED = (Failure, UnknownAccount, NotKnownBefore, UnknownPromise, NoCurrency, NoRate, IndexError)
"""What is not done because it can not be, or because there is nothing to do it to."""
AGREED = letters.Order("m.vogt", "as agreed")
EPOCH = date(1970, 1, 1)


class Desk:
    """A store and who works there. ``now`` is their clock (microseconds), ``chance`` chooses among what there is, ``adoptable`` are their policies.
    Whether a person was ``erased``."""

    def __init__(self, store: Any, accounts: Sequence[str], now: int, chance: Random, adoptable: Sequence[Policy]) -> None:
        self.store, self.accounts, self.now, self.chance, self.adoptable = store, accounts, now, chance, adoptable
        self.erased = False

    def clock(self) -> int:
        return self.now

    def day(self, later: int = 0) -> str:
        """The day of the clock, or one so many days later."""
        return (EPOCH + timedelta(days=self.now // DAY + later)).isoformat()

    def does(self, act: str) -> None:
        with suppress(*REFUSED):
            ACTS[act](self)

    def some(self, found: Sequence[Any]) -> Any:
        """One of what there is; raises ``IndexError`` where there is nothing."""
        return self.chance.choice(found)

    def found(self, question: Callable[[Any], Sequence[Any]]) -> Any:
        """One of what a moment of the store has."""
        with self.store.reading() as moment:
            return self.some(list(question(moment)))

    def account(self) -> str:
        return str(self.some(self.accounts))

    def person(self) -> str:
        return str(self.some(PEOPLE))

    # ------------------------------------------------------------------ orders, and who lets them pass

    def order(self) -> str:
        return f"O-{self.chance.randrange(1, 4)}"

    def until(self) -> str:
        return instant_of(self.now + self.some((DAY, 5 * DAY)))

    def check(self) -> None:
        check(self.store, Request(self.account(), self.order(), self.some(AMOUNTS), "EUR"), self.clock, "shop")

    def reserve(self) -> None:
        until = self.until() if self.chance.random() < 0.5 else None
        reserve(self.store, Request(self.account(), self.order(), self.some(AMOUNTS), "EUR", until=until, holds=True), self.clock, "shop")

    def let_pass(self) -> None:
        held = self.found(lambda moment: holds(moment, None))
        releasing.release(self.store, releasing.Release(held["decision_id"], self.person(), "they pay"), self.clock)

    # ------------------------------------------------------------------ limits, measures, alerts

    def ask_for_a_limit(self) -> None:
        kind, last = self.some((("base", None), ("temporary", self.day(30))))
        wanted = approving.Wanted(self.account(), self.some((*AMOUNTS, UNLIMITED)), "EUR", kind, self.day(-3), last, "season")
        approving.request(self.store, wanted, "shop", self.clock)

    def answer_for_a_limit(self) -> None:
        asked = self.found(lambda moment: limit_requests(moment, None, Asked(self.now), settled=False))
        act = self.some(("approve", "approve", "approve", "reject", "withdraw"))
        approving.act(self.store, approving.Act(act, asked["request"], self.person(), "as agreed"), self.clock)

    def propose(self) -> None:
        wanted = measuring.Wanted(self.account(), *self.some(MEASURES), self.some((None, 10)), "they pay late")
        measuring.propose(self.store, wanted, self.person(), self.clock)

    def answer_for_a_measure(self) -> None:
        one = self.found(lambda moment: measures(moment, None, Asked(self.now), {"proposed", "applied"}))
        act = self.some(("approve", "approve", "reject")) if one["state"] == "proposed" else "lift"
        measuring.act(self.store, measuring.Act(act, one["measure"], self.person(), "as agreed"), self.clock)

    def about_an_alert(self, to: str | None) -> None:
        alert = self.found(lambda moment: list(alert_log(moment, Wanted(standing=True))))
        acting.act(self.store, acting.Act(alert["id"], self.person(), "seen", to), self.clock)

    def measure(self) -> None:
        with self.store.reading() as moment:
            made = measurement(moment, self.day(self.some((0, 0, -20))), self.now, "lead", lambda _: None)
        portfolio.record(self.store, self.clock, made)

    # ------------------------------------------------------------------ promises and dunning

    def promise(self) -> None:
        wanted = promising.Wanted(self.account(), "9.00", every="week", many=3, first=self.day(self.some((1, 9))))
        if self.chance.random() < 0.5:
            wanted = promising.Wanted(self.account(), self.some(AMOUNTS[:2]), self.day(self.some((1, 5, 20))), note="E. Kessler said so")
        promising.make(self.store, wanted, self.person(), self.clock)

    def withdraw(self) -> None:
        promised = self.found(lambda moment: promises(moment, None, Asked(self.now), ())["promises"])
        promising.withdraw(self.store, promised["promise"], "a mistake", self.person(), self.clock)

    def dun(self) -> None:
        dunning.run(self.store, (), self.person(), self.clock)

    def about_a_notice(self, state: str, act: Callable[[Any, dunning.Act, Callable[[], int]], Any]) -> None:
        notice = self.found(lambda moment: [one for one in listed(moment, None, Asked(self.now))["notices"] if one["state"] == state])
        act(self.store, dunning.Act(notice["notice"], self.person(), "as agreed"), self.clock)

    def stop_dunning(self) -> None:
        dunning.stop(self.store, DunningStopped(self.account(), None, self.day(9), "lead", "they call"), self.clock)

    def resume_dunning(self) -> None:
        dunning.resume(self.store, DunningResumed(self.account(), None, "lead", "no call"), self.clock)

    # ------------------------------------------------------------------ what was told wrongly, or could not be read

    def correct(self) -> None:
        account = self.account()
        item = self.found(lambda moment: show(moment, account, Asked(self.now))["open_items"])
        correcting.made(self.store, account, f"invoice:{item['document']}", None, self.person(), "told wrongly", self.clock)

    def erase(self) -> None:
        done = erasing.erase(self.store, self.clock, self.account(), AGREED)
        self.erased |= bool(done and done.is_new)

    def about_a_letter(self, act: Callable[..., Any]) -> None:
        act(self.store, self.clock, [self.found(lambda moment: moment.open_letters())], AGREED)

    def tell(self, line: bytes) -> None:
        fed(self.store, [line], now=self.now)


ACTS: dict[str, Callable[[Desk], Any]] = {
    "tick": lambda desk: tick(desk.store, desk.clock),
    "check": Desk.check,
    "reserve": Desk.reserve,
    "extend": lambda desk: extend(desk.store, desk.account(), desk.order(), desk.until(), desk.clock, "shop"),
    "settle": lambda desk: settle(desk.store, desk.account(), desk.order(), desk.clock, "shop"),
    "give back": lambda desk: release(desk.store, desk.account(), desk.order(), desk.clock, "shop"),
    "let pass": Desk.let_pass,
    "adopt": lambda desk: policies.adopt(desk.store, desk.clock, desk.some(desk.adoptable), "lead", "as decided"),
    "ask for a limit": Desk.ask_for_a_limit,
    "answer for a limit": Desk.answer_for_a_limit,
    "propose": Desk.propose,
    "answer for a measure": Desk.answer_for_a_measure,
    "acknowledge": lambda desk: desk.about_an_alert(None),
    "escalate": lambda desk: desk.about_an_alert("lead"),
    "measure": Desk.measure,
    "promise": Desk.promise,
    "withdraw": Desk.withdraw,
    "dun": Desk.dun,
    "approve a notice": lambda desk: desk.about_a_notice("proposed", dunning.approve),
    "cancel a notice": lambda desk: desk.about_a_notice("issued", dunning.cancel),
    "stop dunning": Desk.stop_dunning,
    "resume dunning": Desk.resume_dunning,
    "correct": Desk.correct,
    "garble": lambda desk: desk.tell(written({"subject": desk.account(), "invoice": "GARBLED", "at": desk.now})),
    "scribble": lambda desk: desk.tell(f"not JSON at {desk.now}".encode()),
    "retry": lambda desk: desk.about_a_letter(letters.retry),
    "discard": lambda desk: desk.about_a_letter(letters.discard),
    "erase": Desk.erase,
    "rebuild": lambda desk: rebuild(desk.store),
}
