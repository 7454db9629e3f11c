"""Row alignment: which row of one table is which row of the other, by key, by place or by unchanged columns."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables.row_digests import digest_words
from lineage_pipelines.queries.diff.rows.row_change import Alignment
from lineage_pipelines.queries.diff.rows.row_key import find_key
from lineage_pipelines.queries.diff.rows.row_side import Side, count_distinct, parts_together

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]
    Words = np.ndarray[Any, np.dtype[np.uint64]]

_MET = 0.1
"""Of the rows of the smaller table: with fewer that have their key in the other, the key itself may have changed."""
_AGREE = 0.9
_INFORMS = 0.9
"""Columns in which more rows than this agree by chance tell nothing of the order of the rows."""
_UNIQUE = 0.95
_BETTER = 1.2
_CHANCE_ROWS = 50_000
_TRIED_ROWS = 20_000
_MAX_CELLS = 4_000_000


@dataclass(frozen=True, slots=True)
class RowPairs:
    """The rows that are in both tables, by their numbers, in the order of the table before."""

    aligned: Alignment
    key: tuple[str, ...]
    before: "Array"
    after: "Array"
    repeated: tuple[int, int] = (0, 0)
    """Rows whose key an earlier row has."""


def align_rows(before: Side, after: Side, key: tuple[str, ...]) -> RowPairs:
    """Find which rows are the same row; where nothing tells, only equal rows are paired.

    Args:
        before: the table before.
        after: the table after.
        key: the columns that tell rows apart; found where it is empty.
    """
    if key:
        return _by_key(before, after, key)
    found = find_key(before, after)
    by_key = _with_changed_keys(before, after, _by_key(before, after, found)) if found else None
    least = min(before.rows.size, after.rows.size)
    agreeing = _agreeing(before, after, by_key) if by_key is not None else 0.0
    if by_key is not None and _BETTER * agreeing >= least:
        return by_key
    by_place = _by_position(before, after)
    if by_key is not None and by_key.before.size > _MET * least:
        better = by_place is not None and _agreeing(before, after, by_place) > _BETTER * agreeing
        return by_place if by_place is not None and better else by_key
    return by_place or _by_unchanged_columns(before, after) or by_key or _whole(before, after)


def _agreeing(before: Side, after: Side, pairs: RowPairs) -> float:
    """The share of cells that are equal in a pair of rows, times the pairs."""
    import numpy as np

    most = min(_TRIED_ROWS, max(100, _MAX_CELLS // len(before.names)))
    some = np.unique(np.linspace(0, pairs.before.size - 1, min(most, pairs.before.size)).astype("int64"))
    sides = before.picked(before.names, pairs.before[some]), after.picked(before.names, pairs.after[some])
    return float((sides[0] == sides[1]).mean()) * pairs.before.size if some.size else 0.0


@dataclass(frozen=True, slots=True)
class _Bag:
    """Different words, sorted, each with how often it occurs, and the places of all words in that order."""

    words: "Words"
    counts: "Array"
    starts: "Array"
    order: "Array"


def _bag(words: "Words") -> _Bag:
    import numpy as np

    order = np.argsort(words, kind="stable")
    ordered = words[order]
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, ordered.size), bool), ordered[1:] != ordered[:-1]]))
    return _Bag(ordered[starts], np.diff(np.append(starts, ordered.size)), starts, order)


def pair_words(before: "Words", after: "Words") -> "tuple[Array, Array]":
    """Return the places of equal words on both sides; of repeated ones the first with the first, and so on."""
    import numpy as np

    none = np.zeros(0, "int64")
    found = [(none, none)]
    for left, right in parts_together(before, after):
        pairs = _pairs(_bag(before[left]), _bag(after[right]))
        found.append((left[pairs[0]], right[pairs[1]]))
    return np.concatenate([pair[0] for pair in found]), np.concatenate([pair[1] for pair in found])


def _pairs(before: _Bag, after: _Bag) -> "tuple[Array, Array]":
    import numpy as np

    if not before.words.size:
        return before.order, before.order
    left = np.minimum(np.searchsorted(before.words, after.words), before.words.size - 1)
    right = np.flatnonzero(before.words[left] == after.words)
    left = left[right]
    least = np.minimum(before.counts[left], after.counts[right])
    nth = np.arange(int(least.sum())) - np.repeat(np.cumsum(least) - least, least)
    places = (np.repeat(bag.starts[which], least) + nth for bag, which in ((before, left), (after, right)))
    one, other = places
    return before.order[one], after.order[other]


def _in_order(aligned: Alignment, key: tuple[str, ...], before: "Array", after: "Array") -> RowPairs:
    import numpy as np

    order = np.argsort(before, kind="stable")
    return RowPairs(aligned, key, before[order], after[order])


def _whole(before: Side, after: Side) -> RowPairs:
    return _in_order(Alignment.NONE, (), *pair_words(before.rows, after.rows))


def _by_key(before: Side, after: Side, key: tuple[str, ...]) -> RowPairs:
    """Pair rows by key; of rows with one key first those that are equal."""
    import numpy as np

    words = before.keys([key])[key], after.keys([key])[key]
    repeated = words[0].size - count_distinct(words[0]), words[1].size - count_distinct(words[1])
    none = np.zeros(0, "int64")
    pairs = pair_words(before.rows, after.rows) if any(repeated) else (none, none)
    pairs = _more_pairs(pairs, words)
    found = _in_order(Alignment.KEY, key, *pairs)
    return RowPairs(found.aligned, key, found.before, found.after, repeated)


def _left(size: int, taken: "Array") -> "Array":
    import numpy as np

    free = np.ones(size, bool)
    free[taken] = False
    return np.flatnonzero(free)


def _more_pairs(pairs: "tuple[Array, Array]", words: "tuple[Words, Words]") -> "tuple[Array, Array]":
    """The pairs, and of the rows that are in none those with equal words."""
    import numpy as np

    left, right = _left(words[0].size, pairs[0]), _left(words[1].size, pairs[1])
    one, other = pair_words(words[0][left], words[1][right])
    return np.concatenate([pairs[0], left[one]]), np.concatenate([pairs[1], right[other]])


def _with_changed_keys(before: Side, after: Side, pairs: RowPairs) -> RowPairs:
    """Pair the rows that are left where all but their key is equal, and tells most of them apart."""
    rest = [name for name in before.names if name not in pairs.key]
    left, right = _left(before.rows.size, pairs.before), _left(after.rows.size, pairs.after)
    if not (rest and left.size and right.size):
        return pairs
    words = (
        before.rows - before.keys([pairs.key])[pairs.key],
        after.rows - after.keys([pairs.key])[pairs.key],
    )
    few = words[0][left], words[1][right]
    if any(count_distinct(each) < _UNIQUE * each.size for each in few):
        return pairs
    if 2 * pair_words(*few)[0].size < min(left.size, right.size):
        return pairs
    found = _in_order(pairs.aligned, pairs.key, *_more_pairs((pairs.before, pairs.after), words))
    return RowPairs(found.aligned, found.key, found.before, found.after, pairs.repeated)


def _by_position(before: Side, after: Side) -> RowPairs | None:
    """Pair rows by their places where most columns say that the order was kept."""
    import numpy as np

    size = min(before.rows.size, after.rows.size)
    if not size:
        return None
    equal = dict.fromkeys(before.names, 0)
    chance: dict[str, float] = {}
    for left, right in _together(before.batches(), after.batches()):
        for name in before.names:
            words = before.words(left, name), after.words(right, name)
            equal[name] += int(np.count_nonzero(words[0] == words[1]))
            if len(chance) < len(equal):
                chance[name] = _chance(*(each[:_CHANCE_ROWS] for each in words))
    telling = [name for name in before.names if chance.get(name, 1.0) < _INFORMS]
    agree = [name for name in telling if (equal[name] / size - chance[name]) / (1 - chance[name]) >= _AGREE]
    if not telling or 2 * len(agree) < len(telling):
        return None
    places = np.arange(size)
    return RowPairs(Alignment.POSITION, (), places, places)


def _chance(before: "Words", after: "Words") -> float:
    """How many rows would agree if they were in any order."""
    import numpy as np

    one, other = _bag(before), _bag(after)
    if not one.words.size:
        return 1.0
    place = np.minimum(np.searchsorted(one.words, other.words), one.words.size - 1)
    met = one.words[place] == other.words
    return float((one.counts[place[met]] / before.size * (other.counts[met] / after.size)).sum())


def _together(
    first: "Iterator[pa.RecordBatch]", second: "Iterator[pa.RecordBatch]"
) -> "Iterator[tuple[pa.RecordBatch, pa.RecordBatch]]":
    """Yield the rows of both in pieces of one length, as far as both go."""
    left, right = next(first, None), next(second, None)
    while left is not None and right is not None:
        rows = min(left.num_rows, right.num_rows)
        if rows:
            yield left.slice(0, rows), right.slice(0, rows)
        left, right = (
            each.slice(rows) if rows < each.num_rows else next(more, None)
            for each, more in ((left, first), (right, second))
        )


def _by_unchanged_columns(before: Side, after: Side) -> RowPairs | None:
    """Pair rows by all columns that hold the same values on both sides, where these tell most rows apart."""
    if before.rows.size != after.rows.size:
        return None
    digests = _column_digests(before), _column_digests(after)
    names = tuple(name for name in before.names if digests[0][name] == digests[1][name])
    if not names or len(names) == len(before.names):
        return None
    words = before.keys([names])[names], after.keys([names])[names]
    if any(count_distinct(each) < _UNIQUE * each.size for each in words):
        return None
    pairs = pair_words(*words)
    if pairs[0].size < _UNIQUE * before.rows.size:
        return None
    return _in_order(Alignment.UNCHANGED_COLUMNS, (), *pairs)


def _column_digests(side: Side) -> dict[str, tuple[int, int]]:
    sums = dict.fromkeys(side.names, (0, 0))
    for batch in side.batches():
        for name, (one, other) in sums.items():
            digest = digest_words(side.words(batch, name))
            sums[name] = (one + int(digest[:16], 16)) % 2**64, (other + int(digest[16:], 16)) % 2**64
    return sums
