"""What proves that an event is in the log a checkpoint was made of, and that one checkpoint's log is the beginning of another's.

Law: nothing is proven that the checkpoint's root does not say; where the log has another one by now, there is no proof. The hashes of the log are
read once for any number of proofs; in memory is one root for a thousand of them.
"""

from bisect import bisect_left
from collections.abc import Iterator
from functools import lru_cache
from itertools import islice
from typing import Any, NamedTuple

from exposure.ledger.proof.checkpoints import Checkpoint
from exposure.merkle import Span, Tree, consistency, full_root, inclusion, leaf, node, span_root

BLOCK = 1_024
"""So many leaves have their root kept; a power of two."""
BLOCKS_AT_HAND = 16


class NoProof(LookupError):
    """The log is not the one that a checkpoint was made of, or what is to be proven is not in it."""


class Included(NamedTuple):
    """An event's place in the log (the first has 0), the hash of the one before it there, its own, and the proof."""

    position: int
    place: int
    before: bytes
    hash: bytes
    path: list[bytes]


class Block(NamedTuple):
    """Positions and hashes of events that follow each other, and the roots of the full subtrees over them, by the power of two of their size."""

    positions: list[int]
    hashes: list[bytes]
    levels: list[list[bytes]]


class Proofs:
    """Of the log as far as a checkpoint knows of it."""

    def __init__(self, moment: Any, checkpoint: Checkpoint) -> None:
        self.moment = moment
        self.checkpoint = checkpoint
        self.afters: list[int] = []
        self.roots: list[bytes] = []
        self.known: dict[Span, bytes] = {}
        self.block = lru_cache(BLOCKS_AT_HAND)(self.read_block)
        tree = Tree()
        for after, hashes in blocks(moment, checkpoint.position):
            part = Tree()
            part.extend(hashes)
            self.afters.append(after)
            self.roots += [part.root] if len(hashes) == BLOCK else []
            tree.join(part.parts)
        if (tree.end, tree.root.hex()) != (checkpoint.events, checkpoint.root):
            raise NoProof(f"the log is not the one the checkpoint of {checkpoint.made} was made of: verify beside it says more")

    def included(self, position: int) -> Included:
        """That the event at a position is in the log."""
        number = bisect_left(self.afters, position) - 1
        block = self.block(number) if number >= 0 else Block([], [], [])
        place = bisect_left(block.positions, position)
        if block.positions[place : place + 1] != [position]:
            raise NoProof(f"there is no event at position {position} of the log the checkpoint of {self.checkpoint.made} was made of")
        index = number * BLOCK + place
        before = self.hash_at(index - 1) if index else bytes(32)
        return Included(
            position, index, before, block.hashes[place], [span_root(span, self.root_of) for span in inclusion(index, self.checkpoint.events)]
        )

    def consistent(self, earlier: Checkpoint) -> list[bytes]:
        """That the log of an earlier checkpoint is its beginning."""
        first, second = earlier.events, self.checkpoint.events
        if not 0 < first <= second or span_root((0, first), self.root_of).hex() != earlier.root:
            raise NoProof(f"the log of the checkpoint of {earlier.made} is not the beginning of that of {self.checkpoint.made}")
        return [span_root(span, self.root_of) for span in consistency(first, second)]

    def root_of(self, span: Span) -> bytes:
        """The root of a full subtree."""
        begin, end = span
        if end - begin < BLOCK:
            size = end - begin
            return self.block(begin // BLOCK).levels[size.bit_length() - 1][begin % BLOCK // size]
        if span not in self.known:
            self.known[span] = full_root(self.roots[begin // BLOCK : end // BLOCK])
        return self.known[span]

    def hash_at(self, index: int) -> bytes:
        return self.block(index // BLOCK).hashes[index % BLOCK]

    def read_block(self, number: int) -> Block:
        until = self.afters[number + 1] if number + 1 < len(self.afters) else self.checkpoint.position
        rows = list(self.moment.positions_and_hashes(self.afters[number], until))
        hashes = [hash_ for _, hash_ in rows]
        levels = [[leaf(hash_) for hash_ in hashes]]
        while len(levels[-1]) > 1:
            levels.append([node(*pair) for pair in zip(levels[-1][::2], levels[-1][1::2], strict=False)])
        return Block([position for position, _ in rows], hashes, levels)


def blocks(moment: Any, until: int) -> Iterator[tuple[int, list[bytes]]]:
    """The hashes of a log up to a position, so many at once, each time with the position of the event before the first."""
    rows = moment.positions_and_hashes(0, until)
    after = 0
    while block := list(islice(rows, BLOCK)):
        yield after, [hash_ for _, hash_ in block]
        after = block[-1][0]
