"""What becomes of dead letters: they are read again, or given up, each with who did it and why, in one transaction a batch.

Law: a letter is settled once, together with what was recorded of it. The write lock is taken before anything is read, so of two who settle the
same letter at once the later one finds it settled.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from exposure.ledger.batch import Batch, LetterSettled, Row
from exposure.ledger.carried import Carried, decode_carried
from exposure.ledger.folding import Folding
from exposure.ledger.keys import unseal
from exposure.ledger.ledger import Answer, Ledger, nobody
from exposure.ledger.memory import Memory
from exposure.ledger.records import Read, Record, Source, read_or_refuse
from exposure.rules.documents import Key
from schemas.amends import DeadLetterErased
from schemas.facts import DeadLetterDiscarded, DeadLetterRetried, OfLetter
from schemas.stored import write_ours
from schemas.told import Unreadable

LETTERS_AT_ONCE = 200
RETRIED, DISCARDED = "retried", "discarded"
TAKEN, TOLD_BEFORE, STILL_DEAD = "taken", "told_before", "still_dead"
ROW_OF_A_CSV = "bad_row"


class Letter(NamedTuple):
    """A dead letter as the store has it; ``settled_at`` and ``outcome`` are ``None`` while it is open."""

    digest: bytes
    account: str | None
    source: str
    position: int
    code: str
    reason: str
    sealed: bytes
    recorded_at: int
    carried: bytes | None
    settled_at: int | None
    outcome: str | None

    @property
    def stream(self) -> str:
        return f"dead_letter:{self.digest.hex()}"

    def opened(self, key: bytes | None) -> bytes | None:
        """The record's bytes; ``None`` where they, or the key of its account, were thrown away."""
        return unseal(key, self.sealed, self.account or "")

    def carried_opened(self, key: bytes | None) -> Carried | None:
        """What the record of a topic had beside its value; ``None`` for others, and where it was erased."""
        beside = unseal(key, self.carried, self.account or "") if self.carried else None
        return decode_carried(beside) if beside else None

    def record(self, key: bytes | None) -> Record:
        """The record as it was, to be read again. What was refused before the door is refused again: the door knows no rows and no tombstones."""
        raw = self.opened(key)
        if raw is None:
            erased = Unreadable("erased", "its bytes were erased: it can be discarded, and not be read again", self.account)
            return Record(b"", self.position, erased)
        carried = self.carried_opened(key)
        is_refused = self.code == ROW_OF_A_CSV or (carried is not None and carried.is_null)
        return Record(raw, self.position, Unreadable(self.code, self.reason, self.account) if is_refused else None, carried)


class Order(NamedTuple):
    """Who wants it, and why: in plain text, for ever."""

    by: str
    reason: str


@dataclass(slots=True)
class Retried:
    """What became of letters that were read again: taken, told before by another record, still dead, or settled before."""

    retried: int = 0
    told_before: int = 0
    still_dead: int = 0
    settled_before: int = 0


@dataclass(slots=True)
class Discarded:
    discarded: int = 0
    settled_before: int = 0


class Retrying(Folding):
    """A batch of letters whose records are read again under the write lock: what is new is folded like anything else."""

    def __init__(self, memory: Memory, writing: Any, digests: Sequence[bytes], order: Order) -> None:
        super().__init__(memory, Source("dead letters"), writing.recorded_at, order.by, None)
        self.order = order
        self.open = open_among(writing, digests)
        self.still_dead: list[Unreadable] = []
        self.told_before = 0
        keys = writing.keys(sorted({letter.account or "" for letter in self.open}))
        self.read = [read_or_refuse(letter.record(keys.get(letter.account or ""))) for letter in self.open]
        self.inputs = {one.record: letter.source for one, letter in zip(self.read, self.open, strict=True)}

    def input_of(self, record: Record) -> str:
        """Where it stood when it could not be taken; which of the files that had one name it was, a letter does not say."""
        source = self.inputs[record]
        return f"{source}#0" if source.startswith("file:") else source

    def sort_out(self, moment: Any, read: Sequence[Read]) -> None:
        """A letter is settled when its record is taken, or was told before; what is still unreadable is no new dead letter."""
        for letter, judged in zip(self.open, self.judged(moment, read), strict=True):
            outcome, code = (STILL_DEAD, judged.code) if isinstance(judged, Unreadable) else (TAKEN if judged else TOLD_BEFORE, None)
            self.batch.events.append(row_of(moment, letter, DeadLetterRetried(letter.digest.hex(), *self.order, outcome, code)))
            if isinstance(judged, Unreadable):
                self.still_dead.append(judged)
            else:
                self.told_before += not judged
                self.batch.letters_settled.append(LetterSettled(letter.digest, RETRIED))


def retry(store: Any, now: Callable[[], int], digests: Sequence[bytes], order: Order, answer: Answer = nobody) -> tuple[Retried, Unreadable | None]:
    """Reads the records of letters again: what became of them, and why the first of those that are still dead cannot be taken."""
    counts, first = Retried(), None
    for part in parts(digests):
        # Each batch has a memory of its own: nothing in it can be older than the log.
        done = retry_batch(Ledger(store, now, answer=answer), part, order)
        counts.retried += done.counts.recorded
        counts.told_before += done.told_before
        counts.still_dead += len(done.still_dead)
        counts.settled_before += len(part) - len(done.open)
        first = first or next(iter(done.still_dead), None)
    Ledger(store, now).settle()
    return counts, first


def retry_batch(ledger: Ledger, digests: Sequence[bytes], order: Order) -> Retrying:
    def begin(writing: Any) -> tuple[Retrying, list[Read]]:
        retrying = Retrying(ledger.memory, writing, digests, order)
        return retrying, retrying.read

    missed: set[tuple[str, Key]] = set()
    return ledger.fold_under_lock(begin, missed)


def discard(store: Any, now: Callable[[], int], digests: Sequence[bytes], order: Order) -> Discarded:
    """Gives letters up: they count no more, and their bytes coming again change nothing."""
    counts = Discarded()
    for part in parts(digests):
        with store.writing(now()) as writing:
            batch = Batch(writing.recorded_at, order.by)
            for letter in open_among(writing, part):
                batch.events.append(row_of(writing, letter, DeadLetterDiscarded(letter.digest.hex(), *order)))
                batch.letters_settled.append(LetterSettled(letter.digest, DISCARDED))
            writing.write(batch)
        counts.discarded += len(batch.letters_settled)
        counts.settled_before += len(part) - len(batch.letters_settled)
    return counts


def parts(digests: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
    return (digests[start : start + LETTERS_AT_ONCE] for start in range(0, len(digests), LETTERS_AT_ONCE))


def open_among(moment: Any, digests: Sequence[bytes]) -> list[Letter]:
    """Those of the letters that are open, in the order they are named."""
    letters = {row[0]: Letter(*row) for row in moment.letters(list(digests))}
    return [letters[digest] for digest in digests if letters[digest].settled_at is None]


def row_of(moment: Any, letter: Letter, event: OfLetter | DeadLetterErased) -> Row:
    """What became of a letter stands in a stream of its own."""
    topic, state = write_ours(event)
    return Row(letter.stream, moment.last_version(letter.stream) + 1, topic, state)
