"""A year as an ERP tells it, day by day: what ``histories`` invents of a fortnight, moved along the calendar. Late, early, back-dated, told again.

Numbers are those of a week, so that documents meet, and documents of weeks before are told of as well. The same seed tells the same year.
"""

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from schemas.jsontext import written
from tests.histories import AGAIN, FIRST_DAY, NOTHING, THEMES, Choices, Json, event_of, numbered_apart, told_again
from tests.histories import written as drawn

DAYS = 365
ACCOUNTS = ("C-1", "C-2", "C-3")
TAKEN_ON = "C-3", 150, 60
"""An account of which it is told on some day that it was taken on so many days before."""
MANY = (0, 0, 0, 0, 1, 1, 2)
"""How many lines are told on a day."""
WEEKS_AGO = (0, 0, 0, 0, 1, 1, 2, 5)
"""Of which week's documents is told."""
DAYS_BEFORE, TIMES_BEFORE = 8, 38
"""Days that ``histories`` draws begin so long before today, and times of telling."""
BYTES = 48
NUMBERS = {"order", "delivery", "invoice", "credit_note", "payment", "allocation", "credit", "dispute", "write_off"}
DATES = {"date", "due", "value_date", "valid_from", "valid_to", "requested"}
OF_THE_ACCOUNT = {"customer.changed", "limit.changed", "protection.changed", "account.blocked", "account.unblocked"}
"""Kinds whose versions go on from week to week."""
VERSIONS_A_WEEK = 11
REMEMBERED = 40
"""From so many of the last lines one is told again."""


class Telling:
    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)
        self.claimed: dict[int, set[tuple[Any, ...]]] = defaultdict(set)
        self.told: list[Json] = []

    def lines(self, day: int) -> Iterator[bytes]:
        """What is told on a day, counted from the year's first."""
        if TAKEN_ON[1] == day:
            yield written(self.taken_on(TAKEN_ON[0], day))
        for _ in range(self.chance.choice(MANY)):
            kind, pick = self.chance.choice(self.chance.choice(THEMES)), Choices(self.chance.randbytes(BYTES), self.chance.random() < 0.3)
            if kind == AGAIN and self.told:
                yield written(self.again(pick))
            elif kind not in (AGAIN, NOTHING):
                yield written(self.new(kind, pick, day))

    def new(self, kind: str, pick: Choices, day: int) -> Json:
        week = max(0, day // 7 - self.chance.choice(WEEKS_AGO))
        one = numbered_apart(drawn(kind, pick, False)._replace(account=self.chance.choice(ACCOUNTS)), self.claimed[week])
        event = event_of(one, 0)
        data = moved(event["data"], timedelta(days=day - DAYS_BEFORE), f"{week}-")
        if kind in OF_THE_ACCOUNT and "version" in data:
            data["version"] += VERSIONS_A_WEEK * week
        if kind == "customer.changed":
            data |= self.more_of_a_customer(one.account)
        return self.remembered({**event, "time": later(event["time"], day), "data": data})

    def more_of_a_customer(self, account: str) -> Json:
        others = [None, None, None, *(name for name in ACCOUNTS if name != account)]
        told = {
            "parent": self.chance.choice(others),
            "risk_class": self.chance.choice((None, "A", "D")),
            "dunning_level": self.chance.choice((None, 1, 3)),
            "account_manager": self.chance.choice((None, "M. Vogt")),
        }
        return {name: value for name, value in told.items() if value is not None}

    def again(self, pick: Choices) -> Json:
        """What was told before: the same once more, other words under its name, or under another one."""
        first = self.chance.choice(self.told)
        if pick.seldom():
            return first
        one = {**told_again(pick, self.told), "time": first["time"]}
        return {**one, "id": first["id"], "source": first["source"]} if pick.seldom() else self.remembered(one)

    def remembered(self, event: Json) -> Json:
        named = {**event, "id": f"e{self.chance.getrandbits(60)}"}
        self.told = [*self.told[1 - REMEMBERED :], named]
        return named

    def taken_on(self, account: str, day: int) -> Json:
        cut_over = str(FIRST_DAY + timedelta(days=day - TAKEN_ON[2]))
        words = {"specversion": "1.0", "id": "taken-on", "source": "/erp/1000", "time": later(f"{FIRST_DAY}T00:00:00Z", day)}
        return {**words, "type": "exposure.account.taken_on.v1", "subject": account, "data": {"cut_over": cut_over}}


def moved(value: Any, days: timedelta, week: str, field: str = "") -> Any:
    """Dates so many days later, and numbers of a week."""
    if isinstance(value, dict):
        return {name: moved(of, days, week, name) for name, of in value.items()}
    if isinstance(value, list):
        return [moved(of, days, week) for of in value]
    if field in DATES:
        return str(date.fromisoformat(value) + days)
    return f"{week}{value}" if field in NUMBERS else value


def later(time: str, day: int) -> str:
    """A time of telling of so many days later, in the same words."""
    at = datetime.fromisoformat(time) + timedelta(days=day - TIMES_BEFORE)
    return at.isoformat().replace("+00:00", "Z") if time.endswith("Z") else at.isoformat()
