"""Proofs of the tree of RFC 6962: held against its own recursive definitions, and against the vectors of other implementations."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exposure.merkle import Tree, consistency, full_spans, inclusion, leaf, node, span_root
from tests.checking_proofs import is_consistent, is_included

ENTRIES = [
    bytes.fromhex(text)
    for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
]  # fmt: skip
"""These entries, the roots of their first one, two … eight, and the proofs below are the test vectors of Certificate Transparency's own
implementation, as github.com/transparency-dev/merkle has them (``proof/verify_test.go``)."""
ROOTS = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]
FIRST_TWO = ROOTS[1]
SECOND = "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7"
THIRD_AND_FOURTH = "5f083f0a1a33ca076a95279832580db3e0ef4584bdff1f54c8a360f50de3031e"
FIFTH = "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b"
FIFTH_AND_SIXTH = "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"
SEVENTH = "b08693ec2e721597130641e8211e7eedccb4c26413963eee6c1e2ed16ffb1a5f"
LAST_TWO = "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"
LAST_FOUR = "6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4"
INCLUSIONS = [
    (0, 1, []),
    (0, 8, [SECOND, THIRD_AND_FOURTH, LAST_FOUR]),
    (5, 8, [FIFTH, LAST_TWO, ROOTS[3]]),
    (2, 3, [FIRST_TWO]),
    (1, 5, [ROOTS[0], THIRD_AND_FOURTH, FIFTH]),
]
CONSISTENCIES = [
    (1, 1, []),
    (1, 8, [SECOND, THIRD_AND_FOURTH, LAST_FOUR]),
    (6, 8, [FIFTH_AND_SIXTH, LAST_TWO, ROOTS[3]]),
    (2, 5, [THIRD_AND_FOURTH, FIFTH]),
    (6, 7, [FIFTH_AND_SIXTH, SEVENTH, ROOTS[3]]),
]


def split(many: int) -> int:
    """k of the RFC: the largest power of two smaller than n."""
    k = 1
    while 2 * k < many:
        k *= 2
    return k


def mth(entries: list[bytes]) -> bytes:
    """MTH of section 2.1."""
    if len(entries) < 2:
        return sha256(b"\x00" + entries[0]).digest() if entries else sha256(b"").digest()
    k = split(len(entries))
    return sha256(b"\x01" + mth(entries[:k]) + mth(entries[k:])).digest()


def path(index: int, entries: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.1."""
    if len(entries) == 1:
        return []
    k = split(len(entries))
    if index < k:
        return [*path(index, entries[:k]), mth(entries[k:])]
    return [*path(index - k, entries[k:]), mth(entries[:k])]


def subproof(first: int, entries: list[bytes], is_told: bool) -> list[bytes]:
    """SUBPROOF of section 2.1.2."""
    if first == len(entries):
        return [] if is_told else [mth(entries)]
    k = split(len(entries))
    if first <= k:
        return [*subproof(first, entries[:k], is_told), mth(entries[k:])]
    return [*subproof(first - k, entries[k:], False), mth(entries[:k])]


def tree_of(entries: list[bytes]) -> Tree:
    tree = Tree()
    tree.extend(entries)
    return tree


def proof(spans: list[tuple[int, int]], entries: list[bytes]) -> list[bytes]:
    return [span_root(span, lambda full: mth(entries[slice(*full)])) for span in spans]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_of_certificate_transparency(size: int) -> None:
    assert tree_of(ENTRIES[:size]).root.hex() == ROOTS[size - 1]


@pytest.mark.parametrize(("index", "size", "told"), INCLUSIONS)
def test_inclusion_is_proven_as_certificate_transparency_does(index: int, size: int, told: list[str]) -> None:
    assert [part.hex() for part in proof(inclusion(index, size), ENTRIES)] == told
    assert is_included(index, size, bytes.fromhex(ROOTS[size - 1]), ENTRIES[index], list(map(bytes.fromhex, told)))


@pytest.mark.parametrize(("first", "second", "told"), CONSISTENCIES)
def test_consistency_is_proven_as_certificate_transparency_does(first: int, second: int, told: list[str]) -> None:
    assert [part.hex() for part in proof(consistency(first, second), ENTRIES)] == told
    roots = (bytes.fromhex(ROOTS[first - 1]), bytes.fromhex(ROOTS[second - 1]))
    assert is_consistent(first, second, roots, list(map(bytes.fromhex, told)))


def entries_of(many: int) -> list[bytes]:
    return [bytes([number]) for number in range(many)]


SIZES = st.integers(1, 90)


@settings(max_examples=300)
@given(SIZES, st.data())
def test_inclusion_is_what_the_rfc_defines_and_nothing_else_is_taken_for_it(size: int, data: st.DataObject) -> None:
    entries, index = entries_of(size), data.draw(st.integers(0, size - 1))
    told, root = proof(inclusion(index, size), entries), mth(entries)
    assert told == path(index, entries)
    assert is_included(index, size, root, entries[index], told)
    assert not is_included(index, size, root, b"another", told)
    assert not is_included(index, size, leaf(b"another"), entries[index], told)
    assert not is_included(index, size, root, entries[index], [*told, root])
    assert not is_included(size, size, root, entries[index], told)
    for place in range(len(told)):
        altered = [*told[:place], node(told[place], told[place]), *told[place + 1 :]]
        assert not is_included(index, size, root, entries[index], altered)
        assert not is_included(index, size, root, entries[index], told[:place] + told[place + 1 :])
    other = data.draw(st.integers(0, size - 1))
    assert is_included(other, size, root, entries[index], told) == (other == index)


@settings(max_examples=300)
@given(SIZES, SIZES, st.data())
def test_consistency_is_what_the_rfc_defines_and_nothing_else_is_taken_for_it(one: int, other: int, data: st.DataObject) -> None:
    first, second = sorted((one, other))
    entries = entries_of(second)
    told, roots = proof(consistency(first, second), entries), (mth(entries[:first]), mth(entries))
    assert told == subproof(first, entries, True)
    assert is_consistent(first, second, roots, told)
    assert is_consistent(second, first, roots, told) == (first == second)
    assert not is_consistent(first, second, roots, [*told, roots[1]])
    assert not is_consistent(first, second, (leaf(b"another"), roots[1]), told)
    assert not is_consistent(first, second, (roots[0], leaf(b"another")), told)
    for place in range(len(told)):
        altered = [*told[:place], node(told[place], told[place]), *told[place + 1 :]]
        assert not is_consistent(first, second, roots, altered)
    changed = data.draw(st.integers(0, first - 1))
    another = [*entries[:changed], b"another", *entries[changed + 1 :]]
    assert not is_consistent(first, second, (roots[0], mth(another)), proof(consistency(first, second), another))


@settings(max_examples=300)
@given(st.lists(st.integers(0, 20), max_size=12))
def test_trees_of_parts_of_a_log_are_joined_to_the_one_of_all(sizes: list[int]) -> None:
    entries, joined, grown = entries_of(sum(sizes)), Tree(), Tree()
    for size in sizes:
        part = Tree(joined.end)
        part.extend(entries[joined.end : joined.end + size])
        grown.extend(entries[grown.end : grown.end + size])
        joined.join(part.parts)
    assert joined.root == grown.root == mth(entries)
    assert [size for size, _ in joined.parts] == [end - begin for begin, end in full_spans((0, len(entries)))]
