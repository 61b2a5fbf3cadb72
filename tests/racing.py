"""Callers who all want the last credit of one account at the same instant: processes of their own with threads in them, round after round.

Beside some of their rounds a naive one, as who checks first and acts then would write it: the same callers, as much credit, another account.
"""

import multiprocessing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from threading import Thread
from typing import Any

from exposure.ledger.own_facts import tell
from projections.account import Asked, show
from schemas.amounts import minor
from service.deciding.checking import Request
from service.deciding.reserving import reserve
from service.store import open_store
from tests.patience import SECONDS_MAX

PROCESSES, THREADS = 8, 8
CALLERS = PROCESSES * THREADS
NAIVE_EVERY = 5
LIMIT = "1000.00"
AMOUNTS = {1: "1000.00", 2: "500.00", 3: "333.33"}
"""By how many of the callers there is credit for, how much each of them wants."""
NOON = 1_771_588_800_000_000
"""2026-02-20T12:00:00Z in microseconds."""

Json = dict[str, Any]


def winners(round_: int) -> int:
    """For how many there is credit in a round."""
    return 1 + round_ % len(AMOUNTS)


def engine_account(_: int) -> str:
    return "C-1001"


def naive_account(round_: int) -> str:
    return f"C-NAIVE-{round_}"


def asked(store: Any, round_: int, caller: int) -> Json:
    wanted = Request(engine_account(round_), f"O-{round_}-{caller}", AMOUNTS[winners(round_)], holds=True)
    return reserve(store, wanted, lambda: NOON, "m.vogt")


def naively(store: Any, round_: int, caller: int) -> Json:
    """Looks in one transaction whether there is credit, and takes it in another without looking again."""
    account, order, amount = naive_account(round_), f"O-{round_}-{caller}", AMOUNTS[winners(round_)]
    with store.reading() as moment:
        available = show(moment, account, Asked(NOON))["available"]
    if minor(available, "EUR") < minor(amount, "EUR"):
        return {"decision": "held"}
    held = {"order": order, "date": "2026-02-20", "currency": "EUR", "amount": amount, "decision": order, "reservation": order}
    with store.writing(NOON) as writing:
        tell(writing, [(account, "CreditReserved", order, held)], "m.vogt")
    return {"decision": "approved"}


def calls(round_: int) -> list[Callable[[Any, int, int], Json]]:
    return [asked] if round_ % NAIVE_EVERY else [asked, naively]


def call(url: str, place: int, rounds: int, start: Barrier, answers: "Queue[Json]") -> None:
    """One process of callers."""
    store = open_store(url)

    def caller(number: int) -> None:
        for round_ in range(rounds):
            for one in calls(round_):
                start.wait(SECONDS_MAX)
                answers.put(one(store, round_, number))

    threads = [Thread(target=caller, args=(place * THREADS + thread,)) for thread in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    store.datastore.close()


@contextmanager
def racing(url: str, rounds: int) -> Iterator[Callable[[], list[Json]]]:
    """What lets every caller go at once and brings their answers: those of the engine, and of a round with naive ones theirs behind."""
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(CALLERS + 1)
    answers: Queue[Json] = context.Queue()
    processes = [context.Process(target=call, args=(url, place, rounds, start, answers), daemon=True) for place in range(PROCESSES)]
    for process in processes:
        process.start()

    def go() -> list[Json]:
        start.wait(SECONDS_MAX)
        return [answers.get(timeout=SECONDS_MAX) for _ in range(CALLERS)]

    try:
        yield go
        for process in processes:
            process.join(SECONDS_MAX)
    finally:
        for process in processes:
            process.kill()
