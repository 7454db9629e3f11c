"""Rows that are equal, found by a 64-bit digest of each row, column by column."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Words = np.ndarray[Any, np.dtype[np.uint64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

# Constants of SplitMix64.
_NULL = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB


def column_digests(values: "np.ndarray[Any, Any]", missing: "Mask") -> "Words":
    """Return one word a row for a column of numbers (or of codes of its values); equal values, equal words."""
    import numpy as np

    plain = values + 0.0 if values.dtype.kind == "f" else values  # -0.0 is 0.0
    words: Words = plain.astype("int64" if plain.dtype.kind != "f" else "float64", copy=True).view(np.uint64)
    words[missing] = np.uint64(_NULL)
    return words


def count_duplicates(columns: "list[Words | None]", rows: int) -> int | None:
    """Return how many rows equal an earlier one; None when a column cannot be compared."""
    import numpy as np

    digest = np.zeros(rows, dtype=np.uint64)
    for column in columns:
        if column is None:
            return None
        digest = _mix(digest ^ column) + np.uint64(_NULL)
    return rows - int(np.unique(digest).size)


def _mix(words: "Words") -> "Words":
    """The finisher of SplitMix64: every bit of the word moves every bit of the digest."""
    import numpy as np

    words = (words ^ (words >> np.uint64(30))) * np.uint64(_FIRST)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(_SECOND)
    return words ^ (words >> np.uint64(31))
