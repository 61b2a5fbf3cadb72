"""Alerts in the hands of a test: what stands of plain events, and what a store says as days pass."""

from collections.abc import Collection, Iterable
from datetime import datetime
from pathlib import Path
from typing import Any

from exposure.alerts import Course, Timeline
from exposure.classes import classes
from exposure.ledger.acts.policies import adopt
from exposure.rules.documents import AGREED
from exposure.standing import standing_on
from projections.account import Asked, show
from projections.alerts import Wanted, alert_log
from schemas.jsontext import read, written
from schemas.policies import DEFAULT, Policy
from service.running.ticking import Ticked, tick
from tests.folding import Books
from tests.stores import fed, opened

Json = dict[str, Any]
Alert = tuple[str, int | None, str]
"""Rule, step, and the day it became true."""


class DaysOf:
    """The days of an account in plain books, from only those documents that a store would load."""

    def __init__(self, books: Books, account: str, day: str, policy: Policy) -> None:
        self.books = books
        self.documents = books.documents[account]
        self.currency = books.on(account, day, None).currency
        customer = self.documents.get(f"customer:{account}")
        self.classes = classes(customer.facts if customer else [], policy)

    def since(self, since: str) -> Course:
        made = self.agreed()
        for key, document in self.documents.items():
            if document.closed > made.reads_from(since):
                made.add(key, document.moves, None)
                if document.kind == "invoice" and made.looks_back:
                    made.add_item(document.moves, document.facts, None)
                if document.kind == "order" and made.wants_texts:
                    made.texts[key] = document.facts
        return self.course(made, since)

    def on(self, days: Collection[str]) -> list[Course]:
        return [self.since(day) for day in days]

    def of_agreed(self) -> Course:
        return self.course(self.agreed(), "")

    def agreed(self) -> Timeline:
        made = Timeline(self.currency, self.classes)
        for document in self.documents.values():
            if document.kind in AGREED and document.kind not in ("customer", "measure"):
                (made.limits if document.kind == "limit" else made.protections).append(document.facts)
        return made

    def course(self, made: Timeline, since: str) -> Course:
        foreign, days = made.foreign(), {dated for _, _, dated, _, _ in self.books.rates}
        return Course(made, since, foreign, lambda on: {one: rate for one in foreign if (rate := self.books.rate(one, self.currency, on))}, days)


def standing(books: Books, account: str, day: str, policy: Policy = DEFAULT) -> list[Alert]:
    """What stands on the day."""
    stands = standing_on(DaysOf(books, account, day, policy), day)
    return [(rule, step or None, effective) for (rule, step), effective in sorted(stands.items())]


def at(day: str, time: str = "12:00:00+00:00") -> int:
    """Microseconds since 1970 of a day at a time of it."""
    return int(datetime.fromisoformat(f"{day}T{time}").timestamp()) * 1_000_000


def empty_under(policy: Policy, path: Path) -> Path:
    """A store of which nothing is told yet, to be copied: this policy is in force from the first instant on."""
    store = opened(path)
    assert adopt(store, lambda: 0, policy, "m.vogt", "to be judged by")
    store.datastore.close()
    return path


def told(store: Any, events: Iterable[Json], day: str, time: str = "12:00:00+00:00") -> Ticked:
    """Feeds events, and lets time pass up to then."""
    fed(store, map(written, events), now=at(day, time))
    return tick(store, lambda: at(day, time))


def log(store: Any, account: str) -> list[Json]:
    """What was said and why, but for when it was found out."""
    with store.reading() as moment:
        return [one | {"raised": None} for one in alert_log(moment, Wanted(account))]


def said(store: Any, account: str) -> list[str]:
    """The log in few words."""
    words = ("state", "rule", "step", "effective", "reason")
    return [" ".join(str(one[word]) for word in words if one.get(word) is not None) for one in log(store, account)]


def said_to_stand(store: Any, account: str) -> list[Alert]:
    """What was raised and not cleared since."""
    stands: dict[str, Alert] = {}
    with store.reading() as moment:
        for one in alert_log(moment, Wanted(account)):
            if one["state"] == "raised":
                stands[one["id"]] = (one["rule"], one["step"], one["effective"])
            else:
                del stands[one["clears"]]
    return sorted(stands.values(), key=str)


def shown(store: Any, account: str, day: str, known_at: int | None = None) -> list[Alert]:
    with store.reading() as moment:
        alerts = show(moment, account, Asked(at("2040-01-01"), day, known_at))["alerts"]
    return sorted([(one["rule"], one["step"], one["effective"]) for one in alerts], key=str)


def outbox(store: Any) -> list[Json]:
    """The messages of alerts that wait to be sent, oldest first."""
    with store.reading() as moment:
        rows = moment.rows("SELECT message_id, key, payload FROM outbox WHERE topic = 'credit.alerts' ORDER BY id")
    return [{"id": id_, "key": key, **read(payload)} for id_, key, payload in rows]
