"""What one transaction writes, made ready before the store's write lock is taken."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple


class Row(NamedTuple):
    """One event as the library's table stores it."""

    originator_id: str
    originator_version: int
    topic: str
    state: bytes


class DeadLetter(NamedTuple):
    """A record that could not be taken: where it stood, why, and its bytes and what it carried beside them, sealed."""

    digest: bytes
    account: str | None
    source: str
    position: int
    code: str
    reason: str
    sealed: bytes
    carried: bytes | None


class LetterSettled(NamedTuple):
    """What became of a dead letter, as its row says it: ``retried`` or ``discarded``."""

    digest: bytes
    outcome: str


HeadRow = tuple[str, int, int, bytes]
"""Account, version, the version that the rows of its documents are of, state."""

HeardRow = tuple[str, int, bytes]
"""Account, version, and the time of the last that each source had told by it."""

DocumentRow = tuple[str, str, int, str, str, int, int, str, str, int, bytes]
"""Account, key, version, opened, closed; the version that told of it first, and how wide the span of versions is from it to the last; the first day
that anything of it is dated, the one from which on nothing is, and how wide the span between these is; state."""

RateRow = tuple[str, str, str, int, bytes, str]
"""Base, quote, day, version, told order, rate."""

MemberRow = tuple[str, str]
"""A parent, and an account that named it."""


CaseRow = tuple[str, str, str, int]
"""Account, stream, state, and where in the log the stream begins."""


Touched = tuple[str, str]
"""An account, and the first day on which what was told of it may change anything."""


Stood = tuple[int, int]
"""Which event of a batch, counted from 0, and where its record stood in its input."""


@dataclass(slots=True)
class Batch:
    """``now`` and recorded instants are microseconds since 1970 (UTC). ``documents`` holds those of heads whose documents are written with them, and
    those of accounts of which nothing else is: these are ``settled`` at the version they have, unless another writer has moved them on.
    ``sealed_under`` are keys that were there before: none of them may have been thrown away meanwhile."""

    now: int
    actor: str | None = None
    tracking: Any = None
    position_before: int = 0
    input: tuple[str, int, int, bytes] | None = None
    epoch: int | None = None
    events: list[Row] = field(default_factory=list)
    origins: dict[str, list[Stood]] = field(default_factory=dict)
    names: list[tuple[bytes, bytes]] = field(default_factory=list)
    heads: list[HeadRow] = field(default_factory=list)
    settled: list[tuple[str, int]] = field(default_factory=list)
    heard: list[HeardRow] = field(default_factory=list)
    documents: list[DocumentRow] = field(default_factory=list)
    rates: list[RateRow] = field(default_factory=list)
    cases: list[CaseRow] = field(default_factory=list)
    members: list[MemberRow] = field(default_factory=list)
    touched: list[Touched] = field(default_factory=list)
    keys: list[tuple[str, bytes]] = field(default_factory=list)
    sealed_under: list[tuple[str, bytes]] = field(default_factory=list)
    dead_letters: list[DeadLetter] = field(default_factory=list)
    letters_settled: list[LetterSettled] = field(default_factory=list)
