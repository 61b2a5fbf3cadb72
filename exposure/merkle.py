"""The Merkle tree of RFC 6962 over the hashes of a log: its root, what proves that one is in it, and that one log is the beginning of another.

Law: a proof is roots of spans of the log, inclusion as in section 2.1.1, consistency as in 2.1.2; who checks one needs nothing but it and the roots.
"""

from collections.abc import Callable, Sequence
from hashlib import sha256

Span = tuple[int, int]
"""Leaves from one index on up to another one, which is not among them; the first leaf has index 0."""


def leaf(entry: bytes) -> bytes:
    return sha256(b"\x00" + entry).digest()


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def full_root(roots: Sequence[bytes]) -> bytes:
    """The root over those of full subtrees of one size, or of leaves; a power of two of them."""
    while len(roots) > 1:
        roots = [node(*pair) for pair in zip(roots[::2], roots[1::2], strict=True)]
    return roots[0]


class Tree:
    """Leaves in their order from an index on; of all full subtrees only the roots of the largest are kept, as (size, root)."""

    def __init__(self, first: int = 0) -> None:
        self.first = self.end = first
        self.parts: list[tuple[int, bytes]] = []

    @property
    def root(self) -> bytes:
        """Of a tree that begins at the first leaf."""
        assert self.first == 0
        if not self.parts:
            return sha256().digest()
        *others, (_, root) = self.parts
        for _, left in reversed(others):
            root = node(left, root)
        return root

    def extend(self, entries: Sequence[bytes]) -> None:
        roots = [leaf(entry) for entry in entries]
        place = 0
        while place < len(roots):
            size = full_size(self.end, len(roots) - place)
            self.join([(size, full_root(roots[place : place + size]))])
            place += size

    def join(self, parts: Sequence[tuple[int, bytes]]) -> None:
        """Puts the full subtrees behind that another tree has, which begins where this one ends."""
        for size, root in parts:
            self.end += size
            while self.parts and self.parts[-1][0] == size and self.end % (2 * size) == 0:
                root = node(self.parts.pop()[1], root)
                size *= 2
            self.parts.append((size, root))


def full_size(index: int, many: int) -> int:
    """The largest full subtree that begins at an index and has no more leaves than so many."""
    size = 1 << (many.bit_length() - 1)
    return size if index == 0 else min(size, index & -index)


def half(size: int) -> int:
    """Where a tree of more than one leaf is split: the largest power of two below its size."""
    return 1 << (size - 1).bit_length() - 1


def full_spans(span: Span) -> list[Span]:
    """The full subtrees a span of a tree is made of, in their order."""
    begin, end = span
    spans = []
    while begin < end:
        size = full_size(begin, end - begin)
        spans.append((begin, begin + size))
        begin += size
    return spans


def span_root(span: Span, root_of: Callable[[Span], bytes]) -> bytes:
    """The root of a span of a tree, of those of full subtrees."""
    *others, root = map(root_of, full_spans(span))
    for left in reversed(others):
        root = node(left, root)
    return root


def inclusion(index: int, size: int) -> list[Span]:
    """The spans whose roots prove that a leaf is in a tree of so many, from the leaf up."""
    assert 0 <= index < size
    begin, end, spans = 0, size, list[Span]()
    while end - begin > 1:
        middle = begin + half(end - begin)
        if index < middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    return spans[::-1]


def consistency(first: int, second: int) -> list[Span]:
    """The spans whose roots prove that the first so many leaves of a tree are another tree's, from below up; none are needed where both are one."""
    assert 0 < first <= second
    begin, end, spans = 0, second, list[Span]()
    while first != end:
        middle = begin + half(end - begin)
        if first <= middle:
            spans.append((middle, end))
            end = middle
        else:
            spans.append((begin, middle))
            begin = middle
    if begin > 0:
        spans.append((begin, end))
    return spans[::-1]
