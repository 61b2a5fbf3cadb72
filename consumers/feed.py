"""Files in: a file or standard input plays a partition, each line one record; taken exactly once, resumable to the byte.

The store remembers how far a file was taken and a digest of what was taken, so that a file that grew goes on where it ended and a file that
was replaced begins anew. A last line that its writer has not finished is left for the next time. Dead letters are in the store; a copy is laid
beside the file.
"""

import gzip
import os
import sys
import zlib
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO, cast

from backports import zstd

from exposure.ledger.ledger import Ledger
from exposure.ledger.records import Counts, Record, Source
from schemas.jsontext import is_cut_off, written

BATCH = 1000
LINE_BYTES_MAX = 4 << 20
CHUNK = 1 << 20
STDIN = "-"


class CutOff(Exception):
    """A compressed file that ends before its end, or is no such file."""


class Input:
    """One opened input: its name in the store, and how far it was read (bytes of the decompressed text, with their digest).

    ``grows`` where more may be written behind its end; ``unfinished`` says that its last line was left for then.
    """

    def __init__(self, name: str, stream: BinaryIO, generation: int = 1, *, grows: bool = False) -> None:
        self.name = name
        self.stream = stream
        self.generation = generation
        self.grows = grows
        self.unfinished = False
        self.position = 0
        self._digest = blake2b(digest_size=32)

    @property
    def tracking(self) -> str | None:
        """Standard input can not be asked for again, so its position is not kept."""
        return None if self.name == "stdin" else f"{self.name}#{self.generation}"

    @property
    def digest(self) -> bytes:
        return self._digest.digest()

    def passed(self, read: bytes) -> bytes:
        """Counts bytes as read."""
        self._digest.update(read)
        self.position += len(read)
        return read

    def skip_to(self, position: int) -> bool:
        """Reads on to the position; whether there is that much."""
        while self.position < position and self.passed(self.stream.read(min(CHUNK, position - self.position))):
            pass
        return self.position == position

    def records(self, count: int) -> list[Record]:
        """The next lines, at most so many; of a line too long for any record only the beginning is kept, blank ones are passed over."""
        records: list[Record] = []
        while len(records) < count:
            start = self.position
            line = self.stream.readline(LINE_BYTES_MAX)
            is_ended = line.endswith(b"\n")
            if not line or (self.grows and not is_ended and len(line) < LINE_BYTES_MAX and is_cut_off(line)):
                self.unfinished = bool(line)
                break
            self.passed(line)
            while len(line) >= LINE_BYTES_MAX and not is_ended and (more := self.passed(self.stream.readline(CHUNK))):
                is_ended = more.endswith(b"\n")
            text = line.strip(b" \t\r\n")
            if text:
                records.append(Record(text, start))
        return records


@dataclass(slots=True)
class Fed:
    """What became of a file's records, and whether its last line was left, unfinished, for the next time."""

    counts: Counts
    unfinished: bool = False


def feed(ledger: Ledger, path: str, *, batch: int = BATCH, progress: Callable[[int], None] = lambda _: None) -> Fed:
    """Takes what is new in one file (``-`` is standard input). ``progress`` is told the bytes read so far after every batch.

    Raises ``CutOff`` where a compressed file ends too early; what came before is taken.
    """
    total = Counts()
    source = opened(ledger, path)
    with source.stream:
        places: deque[int] = deque()
        for counts in ledger.take_all(batches_of(source, path, batch, places)):
            total.add(counts)
            progress(places.popleft())
        ledger.settle()
    return Fed(total, source.unfinished)


def batches_of(source: Input, path: str, batch: int, places: deque[int]) -> Iterator[tuple[list[Record], Source]]:
    """The records of an input, so many at a time; ``places`` collects where each batch ends."""
    while True:
        before = source.position
        records = next_records(source, path, batch)
        if source.position == before:
            return
        remembered = (source.name, source.generation, source.position, source.digest) if source.tracking else None
        places.append(source.position)
        yield records, Source(source.name, source.tracking, before, source.position, remembered)


def next_records(source: Input, path: str, batch: int) -> list[Record]:
    """The next records of an input, at most so many; raises ``CutOff`` where a compressed file ends too early."""
    try:
        return source.records(batch)
    except (EOFError, gzip.BadGzipFile, zlib.error, zstd.ZstdError) as error:
        raise CutOff(f"{path} is cut off or damaged: {error}; what stood before that counts") from error


def from_beginning(path: str) -> Input:
    """Opens an input whatever was read of it before; its last line is taken as it is."""
    if path == STDIN:
        return Input("stdin", sys.stdin.buffer)
    if not Path(path).is_file():
        return Input("stdin", open(path, "rb"))
    return Input(file_name(path), decompressed(path))


def opened(ledger: Ledger, path: str) -> Input:
    """Opens an input where it was left: at its beginning where it is new or not what it was."""
    if path == STDIN or not Path(path).is_file():
        return from_beginning(path)
    grows = not path.endswith((".gz", ".zst"))
    name = file_name(path)
    with ledger.store.reading() as moment:
        known = moment.place_of(name)
    if known is None:
        return Input(name, decompressed(path), grows=grows)
    generation, position, digest = known
    source = Input(name, decompressed(path), generation, grows=grows)
    if source.skip_to(position) and source.digest == digest:
        return source
    source.stream.close()
    return Input(name, decompressed(path), generation + 1, grows=grows)


def file_name(path: str) -> str:
    return f"file:{Path(path).resolve()}"


def decompressed(path: str) -> BinaryIO:
    if path.endswith(".gz"):
        return cast(BinaryIO, gzip.open(path, "rb"))
    if path.endswith(".zst"):
        return cast(BinaryIO, zstd.open(path, "rb"))
    return open(path, "rb", buffering=CHUNK)


def copy_dead_letters(letters: list[dict[str, Any]], path: str) -> Path | None:
    """Lays the dead letters of a file beside it (``FILE.dead-letters``, lines of JSON), whole or not at all; ``None`` where there are none."""
    if not letters:
        return None
    copy = Path(f"{path}.dead-letters")
    fresh = copy.with_name(f".{copy.name}.{os.getpid()}")
    try:
        fresh.write_bytes(b"".join(written(letter) + b"\n" for letter in letters))
        os.replace(fresh, copy)
    finally:
        fresh.unlink(missing_ok=True)
    return copy
