"""The diary of the sample's ERP: what happens on which day, told in the order of the days.

Every follow-up (a delivery after its order, a payment after its invoice) waits on the page of its day, so only
open business is kept. All chance comes from one seeded source: the same seed tells the same bytes.
"""

from collections.abc import Callable
from datetime import date, timedelta
from random import Random
from typing import Any, Protocol

FIRST_DAY = date(2024, 1, 1)  # a Monday: day n of the diary is a Saturday when n % 7 is 5
OPENS, CLOSES = 6 * 3600, 22 * 3600
CLOCK = [f"{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}" for s in range(OPENS, CLOSES)]
LATE_POSTING = 0.02
DAYS_AHEAD = 1000  # dues and validities lie within this many days of today


class Subject(Protocol):
    """Whom an event is about, and the ERP that tells it."""

    @property
    def subject(self) -> str: ...
    @property
    def source(self) -> str: ...


class Diary:
    """Days are whole numbers from `FIRST_DAY`; `iso[n]` is day n as a business date."""

    __slots__ = ("_ids", "_numbers", "_pace", "_pages", "_second", "iso", "random", "today", "told")

    def __init__(self, seed: int, events_per_day: float) -> None:
        self.random = Random(seed).random
        self.today = 0
        self.iso: list[str] = []
        self.told: list[bytes] = []
        self._ids = 0
        self._numbers = 0
        self._pages: dict[int, list[tuple[Callable[..., None], tuple[Any, ...]]]] = {}
        self._second = 0.0
        self._pace = min(600.0, len(CLOCK) / (1.5 * events_per_day + 1))
        self._write_dates()

    def begin_day(self, day: int) -> None:
        self.today = day
        self.told = []
        self._second = 0.0
        self._write_dates()

    def do_what_was_planned(self) -> None:
        """Today's page, with what is added to it meanwhile."""
        for what, whom in self._pages.get(self.today, ()):
            what(self, *whom)
        self._pages.pop(self.today, None)

    def later(self, days: int, what: Callable[..., None], *whom: Any) -> None:
        """`what(diary, *whom)` in so many days, on Monday where that is a weekend."""
        day = self.today + days
        if day % 7 > 4:
            day += 7 - day % 7
        page = self._pages.get(day)
        if page is None:
            self._pages[day] = [(what, whom)]
        else:
            page.append((what, whom))

    def tell(self, kind: str, whose: Subject, data: str) -> None:
        """One event, `data` being the inside of its JSON object."""
        self._ids += 1
        self._second += self._pace
        second = int(self._second)
        clock = CLOCK[second] if second < len(CLOCK) else CLOCK[-1]
        self.told.append(
            f'{{"specversion":"1.0","id":"{self._ids:08x}","source":"{whose.source}","type":"erp.{kind}.v1",'
            f'"subject":"{whose.subject}","time":"{self.iso[self.today]}T{clock}Z","data":{{{data}}}}}'.encode()
        )

    def number(self, letters: str) -> str:
        """A document number no other document of the sample has."""
        self._numbers += 1
        return f"{letters}-{self._numbers}"

    def between(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, both included."""
        return low + int(self.random() * (high - low + 1))

    def chance(self, probability: float) -> bool:
        return self.random() < probability

    def posting_day(self, earliest: int) -> int:
        """Today; for a few late postings some days back, yet not before `earliest`."""
        if self.random() >= LATE_POSTING:
            return self.today
        return min(self.today, max(earliest, self.today - self.between(1, 7)))

    def _write_dates(self) -> None:
        while len(self.iso) <= self.today + DAYS_AHEAD:
            self.iso.append((FIRST_DAY + timedelta(days=len(self.iso))).isoformat())
