"""``exposure list``: all accounts, shared out among processes where they are many, with a progress bar for people.

Law: whoever makes its parts, the list is, byte for byte, that of one process.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from projections.portfolio import Part, whole
from service.asking.question import refuse_future
from service.asking.sharing import Listed, Parts, alone, together
from service.failures import telling
from service.progress import progress_of
from service.store import open_store

MANY = 4_000
"""From so many accounts on a second process is worth its start."""


def list_accounts(url: str, listed: Listed, jobs: int | None = None, *, quiet: bool) -> dict[str, Any]:
    """The document of the list. Raises ``Failure``."""
    with telling():
        chosen = listed.selection
        with all_accounts(url, listed, jobs, quiet=quiet) as (moment, parts):
            return whole(moment, listed.asked, chosen, parts)


@contextmanager
def all_accounts(url: str, listed: Listed, jobs: int | None = None, *, quiet: bool) -> Iterator[tuple[Any, Iterator[Part]]]:
    """A moment of a store, and the parts of the list as it says, which are made when they are asked for; ``jobs`` is by how many processes."""
    store = open_store(url)
    with store.reading() as moment:
        refuse_future(moment, listed.asked)
        processes = jobs or (os.cpu_count() or 1 if len(moment.account_names()) >= MANY else 1)
    with alone(store, listed) if processes == 1 else together(store, url, listed, processes) as (moment, parts):
        yield moment, parts_shown(moment, parts, quiet)


def parts_shown(moment: Any, parts: Parts, quiet: bool) -> Iterator[Part]:
    """The parts as they are asked for, while a bar says of how many accounts they are."""
    with progress_of("list", None if quiet else len(moment.account_names()), quiet) as progress:
        yield from parts(progress)
