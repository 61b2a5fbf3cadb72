"""A list whose parts are made by several processes that read one moment of the store, or by this one alone.

Law: every process reads one and the same moment, whatever others write meanwhile, and keeps nobody from writing. What is imported here each of them
has to import before it begins.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from multiprocessing import get_context
from multiprocessing.connection import wait
from typing import Any, NamedTuple

from exposure.ledger.moment import MovedOn
from projections.account import Asked
from projections.portfolio import Listing, Part, parts_of, shared_out
from projections.selection import Selection, selection
from service.failures import Failure
from service.store import open_store

TRIES = 100
"""So often processes try to begin at the same moment while others write."""

Progress = Callable[[int], None]
Parts = Callable[[Progress], Iterator[Part]]


class Listed(NamedTuple):
    """A question about all accounts, in the words it was asked in."""

    asked: Asked
    filters: tuple[str, ...] = ()
    sort: str | None = None
    top: int | None = None

    @property
    def selection(self) -> Selection:
        return selection(self.filters, self.sort, self.top)


@contextmanager
def alone(store: Any, listed: Listed) -> Iterator[tuple[Any, Parts]]:
    with store.reading() as moment:
        yield moment, partial(parts_of, moment, listed.asked, listed.selection)


@contextmanager
def together(store: Any, url: str, listed: Listed, processes: int) -> Iterator[tuple[Any, Parts]]:
    """With processes that have opened the store and read the same moment; where others write so fast that they never do, in this one."""
    with ExitStack() as stack:
        others = [begun(stack, url, listed) for _ in range(processes)]
        for other in others:
            heard(other)
        for _ in range(TRIES):
            with ExitStack() as reading:
                moment = reading.enter_context(store.reading())
                if all_read(others, moment.named()):
                    stack.push(reading.pop_all())
                    yield moment, partial(gathered, others, shared_out(moment))
                    return
        yield stack.enter_context(alone(store, listed))


def all_read(others: list[Any], name: str) -> bool:
    """Whether every process could begin to read the moment of that name."""
    for other in others:
        other.send(name)
    began = [heard(other) for other in others]
    return all(began)


def begun(stack: ExitStack, url: str, listed: Listed) -> Any:
    """A process of its own, until the stack ends; it inherits no connection to the store."""
    context = get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=work, args=(theirs, url, listed), daemon=True)
    process.start()
    theirs.close()
    stack.callback(process.join)
    stack.callback(process.terminate)
    return ours


def gathered(others: list[Any], shares: list[list[str]], progress: Progress) -> Iterator[Part]:
    """Gives each process a share as soon as it has none, and tells the parts in the order of the shares."""
    made: dict[int, Part] = {}
    waiting = iter(enumerate(shares))
    at_work: dict[Any, int] = {}
    for other in others:
        give(other, waiting, at_work)
    done = told = 0
    while at_work:
        for other in wait(list(at_work)):
            place = at_work.pop(other)
            made[place] = heard(other)
            progress(done := done + len(shares[place]))
            give(other, waiting, at_work)
        while told in made:
            yield made.pop(told)
            told += 1


def give(other: Any, waiting: Iterator[tuple[int, list[str]]], at_work: dict[Any, int]) -> None:
    share = next(waiting, None)
    if share is not None:
        at_work[other] = share[0]
        other.send(share[1])


def heard(other: Any) -> Any:
    """What a process answers; its error is ours."""
    try:
        answer = other.recv()
    except EOFError as error:
        raise Failure("list", "a process that made a part of the list is gone: ask once more, with --jobs 1 where memory is short") from error
    if isinstance(answer, BaseException):
        raise answer
    return answer


def work(here: Any, url: str, listed: Listed) -> None:
    """The life of such a process: it opens the store, reads the moment it is told of, and makes the parts it is given until it is ended."""
    try:
        store = open_store(url)
        here.send("opened")
        name = here.recv()
        while True:
            name = read_on(here, store, name, listed)
    except (EOFError, BrokenPipeError):
        return  # nobody is there to tell
    except Exception as error:
        here.send(error)


def read_on(here: Any, store: Any, name: str, listed: Listed) -> str:
    """Makes parts as the moment of a name says; returns the name of another one, where not all could read that."""
    try:
        with store.reading(name) as moment:
            here.send(True)
            told = here.recv()
            listing = None if isinstance(told, str) else Listing(moment, listed.asked, listed.selection)
            while listing is not None:
                here.send(listing.part(told))
                told = here.recv()
    except MovedOn:
        here.send(False)
        told = here.recv()
    return str(told)
