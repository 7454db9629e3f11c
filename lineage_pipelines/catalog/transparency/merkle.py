"""The Merkle tree of the log (RFC 9162, section 2.1): one hash that stands for every entry and their order.

An inclusion proof shows that an entry is in a tree and takes one hash a level. Leaves and hashes are 32 bytes.
"""

import hashlib
from collections.abc import Iterable, Sequence

Hash = bytes
_LEAF, _NODE = b"\x00", b"\x01"


def leaf_hash(data: bytes) -> Hash:
    """Return the hash of an entry (RFC 9162, 2.1.1)."""
    return hashlib.sha256(_LEAF + data).digest()


def node_hash(left: Hash, right: Hash) -> Hash:
    """Return the hash of two subtrees."""
    return hashlib.sha256(_NODE + left + right).digest()


class TreeHead:
    """A tree that grows leaf by leaf and knows its root at any time, in memory of one hash a level."""

    def __init__(self) -> None:
        self.size = 0
        self._complete: list[Hash] = []  # roots of complete subtrees, the largest first: one for each 1 bit of size

    def add(self, leaf: Hash) -> None:
        """Add a leaf hash at the end."""
        node, waiting = leaf, self.size
        while waiting % 2:
            node = node_hash(self._complete.pop(), node)
            waiting //= 2
        self._complete.append(node)
        self.size += 1

    def root(self) -> Hash:
        """Return the root; of no leaves the hash of nothing."""
        if not self._complete:
            return hashlib.sha256(b"").digest()
        *others, node = self._complete
        for left in reversed(others):
            node = node_hash(left, node)
        return node


def root_hash(leaves: Iterable[Hash]) -> Hash:
    """Return the root over leaf hashes."""
    tree = TreeHead()
    for leaf in leaves:
        tree.add(leaf)
    return tree.root()


def inclusion_proof(leaves: Sequence[Hash], index: int) -> list[Hash]:
    """Return the hashes that lead from a leaf to the root (RFC 9162, 2.1.3.1).

    Raises:
        IndexError: there is no such leaf.
    """
    if not 0 <= index < len(leaves):
        raise IndexError(index)
    if len(leaves) == 1:
        return []
    split = _split(len(leaves))
    if index < split:
        return [*inclusion_proof(leaves[:split], index), root_hash(leaves[split:])]
    return [*inclusion_proof(leaves[split:], index - split), root_hash(leaves[:split])]


def verify_inclusion(leaf: Hash, index: int, size: int, proof: Sequence[Hash], root: Hash) -> bool:
    """Return whether a leaf is the entry at `index` of the tree with this size and root (RFC 9162, 2.1.3.2)."""
    sides = _sides(index, size - 1) if 0 <= index < size else None
    if sides is None or len(sides) != len(proof):
        return False
    node = leaf
    for on_the_left, sibling in zip(sides, proof, strict=True):
        node = node_hash(sibling, node) if on_the_left else node_hash(node, sibling)
    return node == root


def _sides(first: int, last: int) -> list[bool]:
    """Where the siblings on the way from a node to the root stand, from the bottom: on the left or not.

    Args:
        first: the node's place on its level.
        last: that of the level's last node.
    """
    sides = []
    while last:
        if first % 2 or first == last:
            sides.append(True)
            while first and not first % 2:  # no sibling here: the node goes up as it is
                first, last = first >> 1, last >> 1
        else:
            sides.append(False)
        first, last = first >> 1, last >> 1
    return sides


def _split(size: int) -> int:
    """The largest power of two below `size`."""
    return 1 << (size - 1).bit_length() - 1
