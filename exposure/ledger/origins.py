"""Where events stood before they were taken, beside the log and not in its hashed shape: a row for each input of a batch.

``first`` and ``last`` are the log positions of the batch, ``stood`` which of its events are the input's and where each stood there, as differences.
"""

from itertools import accumulate
from struct import iter_unpack, pack
from zlib import compress, decompress

from exposure.ledger.batch import Batch, Stood

OriginRow = tuple[int, str, int, bytes]
"""First, input, last, stood."""

FASTEST = 1
"""Of zlib's levels: differences are small and alike."""


def origin_rows(batch: Batch, last: int) -> list[OriginRow]:
    """``last`` is the position of the batch's last event."""
    first = last - len(batch.events) + 1
    return [(first, name, last, encoded(stood)) for name, stood in sorted(batch.origins.items()) if stood]


def encoded(stood: list[Stood]) -> bytes:
    columns = list(zip(*stood, strict=True))
    numbers = [now - before for column in columns for before, now in zip((0, *column), column, strict=False)]
    return compress(pack(f"<{len(numbers)}q", *numbers), FASTEST)


def decoded(packed: bytes) -> list[Stood]:
    numbers = [number for (number,) in iter_unpack("<q", decompress(packed))]
    half = len(numbers) // 2
    return list(zip(accumulate(numbers[:half]), accumulate(numbers[half:]), strict=True))
