"""The cyclic garbage collector, kept from walking over documents again and again: they hold no cycles, and what a batch leaves lasts.

Law: memory that something leaves in cycles all the same is had back, if late: after so many batches everything is walked over once.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

ALL_LOOKED_THROUGH_EVERY = 1_000
"""Times: a walk over a full memory takes as long as some batches."""

times = count(1)


@contextmanager
def collector_paused() -> Iterator[None]:
    """What is there at the end is set aside from the collector's walks."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            if next(times) % ALL_LOOKED_THROUGH_EVERY == 0:
                gc.unfreeze()
                gc.collect()
            gc.freeze()
            gc.enable()
