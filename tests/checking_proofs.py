"""Checks proofs as somebody would who has nothing but them and the roots (RFC 6962): what the tree of the engine is held against."""

from collections.abc import Sequence

from exposure.merkle import consistency, inclusion, leaf, node


def root_by_inclusion(index: int, size: int, entry: bytes, proof: Sequence[bytes]) -> bytes | None:
    """The root of a tree that a leaf is in, as a proof has it; ``None`` where that is a proof of something else."""
    if not 0 <= index < size or len(proof) != len(inclusion(index, size)):
        return None
    root = leaf(entry)
    for (begin, _), other in zip(inclusion(index, size), proof, strict=True):
        root = node(root, other) if begin > index else node(other, root)
    return root


def roots_by_consistency(first: int, second: int, root: bytes, proof: Sequence[bytes]) -> tuple[bytes, bytes] | None:
    """The roots of a tree and of a later one, as a proof has them; ``root`` is that of the first: where it is a part of the second no proof
    says it."""
    if not 0 < first <= second or len(proof) != len(consistency(first, second)):
        return None
    spans = list(zip(consistency(first, second), proof, strict=True))
    is_told = not spans or spans[0][0][1] != first
    old = new = root if is_told else spans.pop(0)[1]
    for (begin, _), other in spans:
        if begin < first:
            old, new = node(other, old), node(other, new)
        else:
            new = node(new, other)
    return old, new


def is_included(index: int, size: int, root: bytes, entry: bytes, proof: Sequence[bytes]) -> bool:
    return root_by_inclusion(index, size, entry, proof) == root


def is_consistent(first: int, second: int, roots: tuple[bytes, bytes], proof: Sequence[bytes]) -> bool:
    return roots_by_consistency(first, second, roots[0], proof) == roots
