"""The tree against RFC 9162's own recursion, published vectors, and every way to lie about it."""

import hashlib
import random
from collections.abc import Sequence

import pytest

from lineage_pipelines.catalog.transparency.merkle import (
    TreeHead,
    inclusion_proof,
    leaf_hash,
    root_hash,
    verify_inclusion,
)

# The data and roots of the reference tests of Certificate Transparency (RFC 6962, same hashing as RFC 9162).
DATA = [bytes.fromhex(text) for text in ("", "00", "10", "2021", "3031", "40414243", "5051525354555657")] + [
    bytes(range(0x60, 0x70))
]
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


def naive_root(leaves: Sequence[bytes]) -> bytes:
    """MTH of RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return hashlib.sha256(b"\x01" + naive_root(leaves[:split]) + naive_root(leaves[split:])).digest()


def make_leaves(count: int) -> list[bytes]:
    return [leaf_hash(str(number).encode()) for number in range(count)]


@pytest.mark.parametrize("size", range(1, 9))
def test_the_roots_are_those_that_were_published(size: int) -> None:
    assert root_hash(leaf_hash(data) for data in DATA[:size]).hex() == ROOTS[size - 1]


def test_the_root_of_nothing() -> None:
    assert root_hash([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.mark.parametrize("size", [*range(1, 70), 127, 128, 129, 255, 256, 257])
def test_every_proof_of_every_tree_holds_and_no_other(size: int) -> None:
    leaves = make_leaves(size)
    root = root_hash(leaves)
    assert root == naive_root(leaves)
    chance = random.Random(size)
    for index in range(size) if size < 70 else chance.sample(range(size), 20):
        proof = inclusion_proof(leaves, index)
        assert verify_inclusion(leaves[index], index, size, proof, root)
        assert not verify_inclusion(leaves[index], (index + 1) % size, size, proof, root) or size == 1
        assert not verify_inclusion(leaf_hash(b"x"), index, size, proof, root)
        assert not verify_inclusion(leaves[index], index, size, [*proof, root], root)
        assert not proof or not verify_inclusion(leaves[index], index, size, proof[1:], root)


@pytest.mark.parametrize("index", [-1, 5, 6])
def test_there_is_no_proof_for_what_is_not_there(index: int) -> None:
    leaves = make_leaves(5)
    with pytest.raises(IndexError):
        inclusion_proof(leaves, index)


def test_a_tree_knows_its_size_and_root_at_any_time() -> None:
    tree, leaves = TreeHead(), [leaf_hash(bytes([number])) for number in range(9)]
    assert (tree.size, tree.root()) == (0, root_hash([]))
    for size, leaf in enumerate(leaves, 1):
        tree.add(leaf)
        assert (tree.size, tree.root()) == (size, root_hash(leaves[:size]))
