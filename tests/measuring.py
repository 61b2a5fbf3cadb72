"""Measures in the hands of a test: a store under a policy that answers alerts, and what waits or is in force there."""

from pathlib import Path
from typing import Any

from exposure.ledger.acts.policies import adopt
from projections.account import Asked, show
from projections.measures import measures
from schemas.jsontext import read
from schemas.policy_file import read_policy
from service.collecting import measuring
from service.deciding.checking import Request, check
from tests.alerting import at, told
from tests.stores import opened
from tests.test_rules import ACCOUNT, CUSTOMER, Json, invoice, limit
from tests.test_rules import told as event

KNOWN = [event("customer.changed", "2026-01-01", **CUSTOMER), limit("L-1", "2026-01-01", "1000.00")]
LATE = invoice("I-9", "2026-01-12", "400.00", due="2026-02-11")
"""Overdue from 2026-02-12 on."""


def of_policy(measures: str, more: str = "", name: str = "P") -> Any:
    return read_policy(f'name = "{name}"\ncurrency = "EUR"\n{more}\n[[class]]\nmeasures = [{measures}]')


class Desk:
    """A store with a customer who has a limit, under a policy."""

    def __init__(self, path: Path, measures: str, more: str = "") -> None:
        self.store = opened(path)
        self.policy = of_policy(measures, more)
        adopt(self.store, lambda: at("2026-01-01"), self.policy, "m.vogt", "the board's decision")
        self.day = "2026-01-31"
        self.tell(*KNOWN)

    def tell(self, *events: Json, day: str | None = None) -> Any:
        """Feeds events, and lets time pass up to a day."""
        self.day = day or self.day
        return told(self.store, events, self.day)

    def listed(self, *states: str, day: str | None = None, known_at: int | None = None) -> list[Json]:
        with self.store.reading() as moment:
            return measures(moment, None, Asked(at(self.day), day, known_at), set(states) or None)

    def states(self) -> list[tuple[str, str]]:
        """Of all measures what is taken and how it stands."""
        return [(one["take"], one["state"]) for one in self.listed()]

    def act(self, name: str, by: str = "m.vogt", place: int = -1, reason: str = "they promised") -> str:
        """How a measure stands afterwards, or why the act was refused."""
        measure = self.listed()[place]["measure"]
        done = measuring.act(self.store, measuring.Act(name, measure, by, reason), lambda: at(self.day))
        return done.refused.code if done.refused else str(done.shown["state"])

    def propose(self, take: str, by: str = "k.weiss", **more: Any) -> Json:
        words = {"share": None, "days": None, "reason": "they pay late", **more}
        return measuring.propose(self.store, measuring.Wanted(ACCOUNT, take, **words), by, lambda: at(self.day)).shown

    def check(self, amount: str = "100.00", order: str = "O-1") -> Json:
        return check(self.store, Request(ACCOUNT, order, amount), lambda: at(self.day), "shop")

    def shown(self, day: str | None = None, known_at: int | None = None) -> Json:
        with self.store.reading() as moment:
            return show(moment, ACCOUNT, Asked(at(self.day), day, known_at))

    def taken(self, day: str | None = None, known_at: int | None = None) -> list[str]:
        return [one["kind"] for one in self.shown(day, known_at)["measures"]]

    def limit(self, day: str | None = None) -> Any:
        return self.shown(day)["limit"]["amount"]

    def messages(self) -> list[tuple[str, Json]]:
        """What was told of measures: the id of each with its type and data."""
        with self.store.reading() as moment:
            rows = moment.rows("SELECT message_id, key, payload FROM outbox WHERE topic = 'credit.measures' ORDER BY id")
        return [(id_, read(payload)) for id_, _, payload in rows]
