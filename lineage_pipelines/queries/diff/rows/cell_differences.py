"""Cell differences: in which columns, and in which rows, the rows that are in both tables differ."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables.row_digests import mix
from lineage_pipelines.queries.diff.rows.row_alignment import RowPairs
from lineage_pipelines.queries.diff.rows.row_side import Side

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_MAX_WORDS = 8_000_000
"""Of changed rows that are held at once on each side; with more columns than fit, the data is read again."""
_MAX_SETS = 64
"""How many different sets of rows are distinguished: one bit of a word each."""
MAX_ROWS = 200_000
"""Rows whose values are held to see what was done to them: all, or those with the least words."""
_MAX_CELLS = 20_000_000
"""The same for tables of many columns."""


@dataclass(frozen=True, slots=True)
class ChangedCells:
    """The pairs of rows that differ, and where."""

    before: "Array"
    """Numbers of the rows."""
    after: "Array"
    counts: Mapping[str, int]
    """In how many of them a column differs, most first."""
    sets: Mapping[str, int]
    """Which set of rows it is that a column differs in; columns whose set is one too many are not in it."""
    bits: "Array"
    """Of each pair: the sets that it is in."""
    rearranged: frozenset[str]
    """Columns whose changed cells hold the same values as before, in other rows."""

    def touched(self, number: int) -> "Array":
        """Which of the pairs are in a set, as a mask."""
        import numpy as np

        return np.asarray((self.bits >> np.uint64(number)) & np.uint64(1), bool)


def find_changed_cells(before: Side, after: Side, pairs: RowPairs) -> ChangedCells:
    """Compare the rows of each pair, column by column."""
    import numpy as np

    differs = before.rows[pairs.before] != after.rows[pairs.after]
    one, other = pairs.before[differs], pairs.after[differs]
    bits = np.zeros(one.size, np.uint64)
    counts: dict[str, int] = {}
    sets: dict[str, int] = {}
    known: dict[bytes, int] = {}
    rearranged = set()
    together = max(1, _MAX_WORDS // max(1, one.size))
    names = before.names if one.size else []
    for start in range(0, len(names), together):
        part = names[start : start + together]
        sides = before.picked(part, one), after.picked(part, other)
        for place, name in enumerate(part):
            mask = sides[0][place] != sides[1][place]
            if not mask.any():
                continue
            counts[name] = int(np.count_nonzero(mask))
            if int(sides[0][place].sum()) == int(sides[1][place].sum()):
                rearranged.add(name)
            digest = hashlib.blake2b(np.packbits(mask).tobytes(), digest_size=16).digest()
            if digest not in known and len(known) < _MAX_SETS:
                known[digest] = len(known)
                bits |= mask.astype(np.uint64) << np.uint64(known[digest])
            if digest in known:
                sets[name] = known[digest]
    ordered = dict(sorted(counts.items(), key=lambda pair: -pair[1]))
    return ChangedCells(one, other, ordered, sets, bits, frozenset(rearranged))


def some_rows(words: "Array", parts: "Array", columns: int) -> "tuple[Array, Array]":
    """Return places of rows to look at: all, or as many as are held at once; and how many rows each stands for.

    Args:
        words: of the rows; those with the least are taken.
        parts: a number for each row: of every part as many are taken, so that a small one is not lost.
        columns: how many will be held.
    """
    import numpy as np

    most = max(1000, min(MAX_ROWS, _MAX_CELLS // max(1, columns)))
    if words.size <= most:
        return np.arange(words.size), np.ones(words.size)
    mixed = words.copy()
    mix(mixed)
    numbers, inverse, sizes = np.unique(parts, return_inverse=True, return_counts=True)
    if numbers.size * 100 > most:  # parts that nothing can be said of
        inverse, sizes = np.zeros(words.size, "int64"), np.array([words.size])
    order = np.lexsort((mixed, inverse))
    starts = np.cumsum(sizes) - sizes
    share = _shares(sizes, most)
    nth = np.arange(words.size) - np.repeat(starts, sizes)
    kept = np.sort(order[nth < np.repeat(share, sizes)])
    return kept, (sizes / share)[inverse[kept]]


def _shares(sizes: "Array", most: int) -> "Array":
    """How many of each part are taken: small parts whole, the rest evenly."""
    import numpy as np

    share = np.zeros_like(sizes)
    left = most
    for rank, place in enumerate(np.argsort(sizes, kind="stable")):
        share[place] = min(int(sizes[place]), left // (sizes.size - rank))
        left -= int(share[place])
    return np.maximum(share, 1)
