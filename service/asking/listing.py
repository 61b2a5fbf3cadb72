"""``exposure list``: all accounts, shared out among processes where they are many, with a progress bar for people.

Law: whoever makes its parts, the list is, byte for byte, that of one process.
"""

import os
from contextlib import AbstractContextManager
from typing import Any

from projections.portfolio import shared_out, whole
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
        chosen, store = listed.selection, open_store(url)
        with store.reading() as moment:
            refuse_future(moment, listed.asked)
            many = len(moment.account_names())
        processes = jobs or (os.cpu_count() or 1 if many >= MANY else 1)
        opened: AbstractContextManager[tuple[Any, Parts]] = alone(store, listed) if processes == 1 else together(store, url, listed, processes)
        with opened as (moment, parts), progress_of("list", many, quiet) as progress:
            return whole(moment, listed.asked, chosen, parts(shared_out(moment), progress))
