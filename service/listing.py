"""``exposure list``: all accounts, shared out among processes where they are many, with a progress bar for people.

Law: every process reads one and the same moment of the store, whatever others write meanwhile; so the list is, byte for byte, that of one process.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing import get_context
from multiprocessing.connection import wait
from typing import Any, NamedTuple

from projections.account import Asked
from projections.portfolio import Listing, Part, shared_out, whole
from projections.selection import Selection, selection
from service.asking import refuse_future
from service.failures import Failure, telling
from service.progress import progress_of
from service.store import open_store

MANY = 4_000
"""From so many accounts on a second process is worth its start."""

Progress = Callable[[int], None]
Parts = Callable[[list[list[str]], Progress], Iterator[Part]]


class Listed(NamedTuple):
    """A question about all accounts, in the words it was asked in."""

    asked: Asked
    filters: tuple[str, ...] = ()
    sort: str | None = None
    top: int | None = None

    @property
    def selection(self) -> Selection:
        return selection(self.filters, self.sort, self.top)


def list_accounts(url: str, listed: Listed, jobs: int | None = None, *, quiet: bool) -> dict[str, Any]:
    """The document of the list. Raises ``Failure``."""
    with telling():
        chosen, store = listed.selection, open_store(url)
        with store.reading() as moment:
            refuse_future(moment, listed.asked)
            many = len(moment.account_names())
        processes = jobs or (os.cpu_count() or 1 if many >= MANY else 1)
        opened: AbstractContextManager[tuple[Any, Parts]] = alone(store, listed) if processes == 1 else together(store, url, listed, processes)
        with opened as (moment, parts), progress_of("list", many, quiet) as progress:
            return whole(moment, listed.asked, chosen, parts(shared_out(moment), progress))


@contextmanager
def alone(store: Any, listed: Listed) -> Iterator[tuple[Any, Parts]]:
    with store.reading() as moment:
        listing = Listing(moment, listed.asked, listed.selection)

        def parts(shares: list[list[str]], progress: Progress) -> Iterator[Part]:
            done = 0
            for names in shares:
                yield listing.part(names)
                progress(done := done + len(names))

        yield moment, parts


@contextmanager
def together(store: Any, url: str, listed: Listed, processes: int) -> Iterator[tuple[Any, Parts]]:
    """With processes that have opened the store and read the same moment."""
    with ExitStack() as stack:
        others = [begun(stack, url, listed) for _ in range(processes)]
        for other in others:
            heard(other)
        with store.shared() as shared:
            moment = stack.enter_context(store.reading(shared))
            moment.last_recorded()
            for other in others:
                other.send(shared)
            for other in others:
                heard(other)
        yield moment, lambda shares, progress: gathered(others, shares, progress)


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
        with store.reading(here.recv()) as moment:
            moment.last_recorded()
            listing = Listing(moment, listed.asked, listed.selection)
            here.send("reading")
            while True:
                here.send(listing.part(here.recv()))
    except EOFError:
        return
    except Exception as error:
        here.send(error)
