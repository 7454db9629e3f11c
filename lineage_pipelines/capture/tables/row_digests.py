"""Row digests: digests of columns and rows that do not depend on the order of rows, nor on how values are written down.

Every value becomes a word of 64 bits, by content: equal numbers have one word whether they are int32, int64 or double,
equal texts whatever their dictionary is. A row's word is the sum of its values' words, each times an odd number that
the column's name gives. The digest of many words is their sum and the sum of their squares, 32 hex digits: it is the
same in every order, and counts repetitions. Nothing here withstands somebody who wants two tables to look alike; the
SHA-256 of the bytes does.
"""

import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]
    Words = np.ndarray[Any, np.dtype[np.uint64]]
    Mask = np.ndarray[Any, np.dtype[np.bool_]]

# Constants of SplitMix64.
_NULL = 0x9E3779B97F4A7C15
_FIRST = 0xBF58476D1CE4E5B9
_SECOND = 0x94D049BB133111EB
# Distinguished from whole numbers of the same bits.
_FRACTION = 0xA0761D6478BD642F
_HUGE = 0xE7037ED1A0B428DB
_TIME = 0x8EBC6AF09C88C6E3
_EXACT = 2**53
_BLOCK = 32 * 1024
"""Words that are mixed at once: few enough to stay near the processor."""
_TEXTS = 64 * 1024
_NANOSECONDS = 10**9


def number_words(values: "Array", missing: "Mask") -> "Words":
    """Return the word of each number, or of each truth value."""
    import numpy as np

    if values.dtype.kind == "f":
        words = _float_words(values.astype("float64", copy=False))
    else:
        words = values.astype("uint64" if values.dtype == np.uint64 else "int64", copy=True).view(np.uint64)
        if values.dtype == np.uint64:
            words[values >= np.uint64(2**63)] ^= np.uint64(_HUGE)
    return finish(words, missing)


def _float_words(values: "Array") -> "Words":
    import numpy as np

    with np.errstate(invalid="ignore"):  # the comparison below excludes what is not a whole number
        whole = values.astype("int64")
    plain = (whole == values) & (np.abs(values) <= _EXACT)
    words: Words = np.where(plain, whole.view(np.uint64), values.view(np.uint64) ^ np.uint64(_FRACTION))
    return words


def time_words(ticks: "Array", missing: "Mask", scale: tuple[int, int]) -> "Words":
    """Return the word of each moment or length of time, equal in every unit.

    Args:
        ticks: integers.
        missing: where there is no value.
        scale: what a tick is multiplied and divided by, to be seconds.
    """
    import numpy as np

    times, per_second = scale
    seconds = ticks.astype("int64") * times
    rest: Array | int = 0
    if per_second > 1:
        seconds, ticks = seconds // per_second, seconds
        rest = (ticks - seconds * per_second) * (_NANOSECONDS // per_second)
    words = seconds.view(np.uint64) * np.uint64(_NANOSECONDS) + np.asarray(rest, "int64").view(np.uint64)
    return finish(words ^ np.uint64(_TIME), missing)


def text_words(codes: "Array", dictionary: "pa.Array") -> "Words":
    """Return the word of each text, by the words of the different ones.

    Args:
        codes: of each row; -1 where there is no value.
        dictionary: the value of each code, as bytes, or decimal numbers.
    """
    import numpy as np

    return np.append(_hash_texts(dictionary), _null())[codes]


def _hash_texts(dictionary: "pa.Array") -> "Words":
    import numpy as np
    import pyarrow as pa
    from pandas.util import hash_array
    from pyarrow import compute

    if pa.types.is_decimal(dictionary.type):
        scale = dictionary.type.scale
        dictionary = dictionary.cast(pa.string())
        if scale > 0:  # 1.10 is 1.1
            zeros = compute.utf8_rtrim(dictionary, characters="0")
            dictionary = compute.utf8_rtrim(zeros, characters=".")
    parts = [
        hash_array(dictionary.slice(start, _TEXTS).to_numpy(zero_copy_only=False), categorize=False)
        for start in range(0, len(dictionary), _TEXTS)
    ]
    return np.concatenate(parts) if parts else np.zeros(0, np.uint64)


def null_words(rows: int) -> "Words":
    """Return the words of a column without any value."""
    import numpy as np

    return np.full(rows, _null())


def _null() -> "np.uint64":
    import numpy as np

    return np.uint64(_NULL)


def finish(words: "Words", missing: "Mask") -> "Words":
    """Mix words in place, and give those of missing values their one word."""
    mix(words)
    words[missing] = _null()
    return words


def mix(words: "Words") -> None:
    """Apply the finisher of SplitMix64, in place: every bit of the word moves every bit of the digest."""
    import numpy as np

    for start in range(0, words.size, _BLOCK):
        part = words[start : start + _BLOCK]
        shifted = part >> np.uint64(30)
        part ^= shifted
        part *= np.uint64(_FIRST)
        np.right_shift(part, np.uint64(27), out=shifted)
        part ^= shifted
        part *= np.uint64(_SECOND)
        np.right_shift(part, np.uint64(31), out=shifted)
        part ^= shifted


def digest_words(words: "Words") -> str:
    """Return the digest of words in any order: 32 hex digits."""
    import numpy as np

    return f"{int(words.sum(dtype=np.uint64)):016x}{int(np.dot(words, words)):016x}"


def count_distinct(words: "Words") -> int:
    """Return how many different words there are; by sorting, which is faster than NumPy's table of them."""
    import numpy as np

    ordered = np.sort(words)
    return int(np.count_nonzero(ordered[1:] != ordered[:-1])) + min(1, ordered.size)


def column_factors(names: list[str]) -> Iterator[int]:
    """Yield what the words of each column are multiplied by; the second column of a name has another number."""
    seen: dict[str, int] = {}
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        numbered = f"{seen[name]}:{name}".encode("utf-8", "surrogatepass")
        yield int.from_bytes(hashlib.sha256(numbered).digest()[:8]) | 1


class RowWords:
    """The word of each row, column by column.

    Args:
        rows: how many there are.
    """

    def __init__(self, rows: int) -> None:
        import numpy as np

        self.words: Words = np.zeros(rows, np.uint64)

    def add(self, words: "Words", factor: int) -> None:
        """Take in a column."""
        import numpy as np

        self.words += words * np.uint64(factor)

    def digest(self) -> str:
        """Return the digest of all rows."""
        mixed = self.words.copy()
        mix(mixed)
        return digest_words(mixed)

    def duplicates(self) -> int:
        """Return how many rows equal an earlier one."""
        return self.words.size - count_distinct(self.words)
