"""Files in: a file or standard input plays a partition, each line one record; taken exactly once, resumable to the byte.

The store remembers how far a file was taken and a digest of what was taken, so that a file that grew goes on where it ended and a file that
was replaced begins anew. Dead letters are in the store; a copy is laid beside the file.
"""

import gzip
import os
import sys
from collections.abc import Callable
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, cast

from exposure.ledger.batch import Record
from exposure.ledger.ledger import Counts, Ledger, Source
from schemas.jsontext import written

BATCH = 1000
LINE_BYTES_MAX = 4 << 20
CHUNK = 1 << 20
STDIN = "-"


class Input:
    """One opened input: its name in the store, and how far it was read (bytes of the decompressed text, with their digest)."""

    def __init__(self, name: str, stream: BinaryIO, generation: int = 1) -> None:
        self.name = name
        self.stream = stream
        self.generation = generation
        self.position = 0
        self._digest = blake2b(digest_size=32)

    @property
    def tracking(self) -> str | None:
        """Standard input can not be asked for again, so its position is not kept."""
        return None if self.name == "stdin" else f"{self.name}#{self.generation}"

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    def read_line(self, size: int = LINE_BYTES_MAX) -> bytes:
        line = self.stream.readline(size)
        self._digest.update(line)
        self.position += len(line)
        return line

    def skip_to(self, position: int) -> bool:
        """Reads on to the position; whether there is that much."""
        while self.position < position and self.read_line(min(CHUNK, position - self.position)):
            pass
        return self.position == position

    def records(self, count: int) -> list[Record]:
        """The next lines, at most so many; of a line too long for any record only the beginning is kept, blank ones are passed over."""
        records: list[Record] = []
        while len(records) < count:
            start = self.position
            line = self.read_line()
            if not line:
                break
            while len(line) >= LINE_BYTES_MAX and not line.endswith(b"\n") and (more := self.read_line(CHUNK)):
                if more.endswith(b"\n"):
                    break
            text = line.strip(b" \t\r\n")
            if text:
                records.append(Record(text, start))
        return records


def feed(ledger: Ledger, path: str, *, batch: int = BATCH, progress: Callable[[int], None] = lambda _: None) -> Counts:
    """Takes what is new in one file (``-`` is standard input). ``progress`` is told the bytes read so far after every batch."""
    total = Counts()
    source = opened(ledger, path)
    with source.stream:
        while True:
            before = source.position
            records = source.records(batch)
            if source.position == before:
                return total
            remembered = (source.name, source.generation, source.position, source.digest) if source.tracking else None
            total.add(ledger.take(records, Source(source.name, source.tracking, before, source.position, remembered)))
            progress(source.position)


def opened(ledger: Ledger, path: str) -> Input:
    """Opens an input where it was left: at its beginning where it is new or not what it was."""
    if path == STDIN:
        return Input("stdin", sys.stdin.buffer)
    name = file_name(path)
    with ledger.store.reading() as moment:
        known = moment.position(name)
    if known is None:
        return Input(name, decompressed(path))
    generation, position, digest = known
    source = Input(name, decompressed(path), generation)
    if source.skip_to(position) and source.digest == digest:
        return source
    source.stream.close()
    return Input(name, decompressed(path), generation + 1)


def file_name(path: str) -> str:
    return f"file:{Path(path).resolve()}"


def decompressed(path: str) -> BinaryIO:
    if path.endswith(".gz"):
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.endswith(".zst"):
        import zstandard

        return cast(BinaryIO, zstandard.open(path, "rb"))
    return open(path, "rb", buffering=CHUNK)


def copy_dead_letters(letters: list[dict[str, Any]], path: str) -> Path | None:
    """Lays the dead letters of a file beside it, whole or not at all; ``None`` where there are none."""
    if not letters or path == STDIN:
        return None
    copy = Path(f"{path}.dead-letters.jsonl")
    fresh = copy.with_name(f".{copy.name}.{os.getpid()}")
    with open(fresh, "wb") as out:
        for letter in letters:
            out.write(written(letter) + b"\n")
    os.replace(fresh, copy)
    return copy

