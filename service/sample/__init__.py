"""A made-up ERP: contract events of any number, the same for the same seed.

Customers order, are delivered, invoiced and paid for, and all that goes wrong on the way happens too: amendments,
returns, bounced payments, disputes, write-offs, late postings, slow payers. Only open business is kept in memory.
"""

import gc
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from random import Random

from service.sample.currencies import Market
from service.sample.customers import Customers
from service.sample.diary import Diary
from service.sample.limits import welcome
from service.sample.orders import place

EVENTS_PER_ORDER = 7.1  # measured: an order with all that follows from it, and its share of the master data
WEEKS_MIN, WEEKS_MAX = 26, 104
SMALL = 5000  # events; a smaller sample publishes rates every fourth week only


def sample(events: int, *, seed: int = 7, accounts: int | None = None, skew: float = 1.1) -> Iterator[bytes]:
    """Exactly so many events, each one line of JSON without its newline, in told order.

    The business begins on 2024-01-01 and takes half a year (few events) to two years. Activity is Zipf-like: the
    account of rank r (1 to `accounts`, the busiest first) places orders with probability r**-skew / sum(i**-skew), so
    the busiest 1 % hold sum(i**-skew for i up to accounts / 100) / sum(i**-skew) of them, and of all events nearly
    so (master data and limits come once per account). `skew=0` is uniform. `accounts` is max(10, events // 100)
    unless told; an account is told of when it first orders.
    """
    many = max(10, events // 100) if accounts is None else accounts
    if many < 1:
        raise ValueError(f"a sample needs an account, not {many}")
    left = events
    days = _days(events, seed, many, skew)
    while left > 0:
        told = next(days)
        yield from told[:left]
        left -= len(told)


def shuffled(lines: Iterable[bytes], *, seed: int, repeats: float = 0.05) -> list[bytes]:
    """The lines in any order, `repeats` of them (0.05: one in twenty) once more."""
    random = Random(seed)
    every = list(lines)
    every += random.choices(every, k=round(len(every) * repeats)) if every else []
    random.shuffle(every)
    return every


def _days(events: int, seed: int, accounts: int, skew: float) -> Iterator[list[bytes]]:
    """What is told on each business day, without end."""
    weeks = min(WEEKS_MAX, max(WEEKS_MIN, events // 150))
    orders_per_day = events / EVENTS_PER_ORDER / (weeks * 5)
    diary = Diary(seed, events / (weeks * 5))
    market = Market(weeks=1 if events >= SMALL else 4)
    customers = Customers(market, accounts, skew, orders_per_day * 5 / 7)
    day, waiting = 0, 1.0
    while True:
        if day % 7 < 5:
            waiting += orders_per_day
            with _no_search_for_garbage():
                diary.begin_day(day)
                market.publish_weekly(diary)
                diary.do_what_was_planned()
                _take_orders(diary, customers, int(waiting))
            waiting %= 1
            yield diary.told
        day += 1


def _take_orders(diary: Diary, customers: Customers, many: int) -> None:
    customers.turn_month(int(diary.iso[diary.today][5:7]) - 1)
    for _ in range(many):
        account, new = customers.draw(diary)
        if new:
            welcome(diary, account)
        place(diary, account)


@contextmanager
def _no_search_for_garbage() -> Iterator[None]:
    """Open business has no cycles to find, and looking for them among all of it takes half the time."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
