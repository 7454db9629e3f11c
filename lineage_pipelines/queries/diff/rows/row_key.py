"""Row key: the smallest set of columns that is unique in both tables and matches the most rows."""

from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from lineage_pipelines.queries.diff.rows.row_side import Side, count_distinct, parts_together

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Words = np.ndarray[Any, np.dtype[np.uint64]]

_SAMPLE = 50_000
_MAX_COLUMNS = 12
"""How many columns are tried together, those with the most different values first."""
_MAX_TOGETHER = 4
_MAX_TRIED = 4
"""How many sets of one size are looked at in all rows."""
_REPEATS = 0.5
"""Of the rows, that repeat a key: with more, another column may belong to the key."""
_OFTEN, _REPEATED, _UNIQUE = range(3)


def find_key(first: Side, second: Side) -> tuple[str, ...]:
    """Return the columns of the key; empty where there is none.

    A key that is unique in one table only counts as well: rows are repeated in the other.
    """
    shared = [name for name in first.names if _identifies(first.type_of(name)) and _identifies(second.type_of(name))]
    samples = first.sample(shared, _SAMPLE), second.sample(shared, _SAMPLE)
    usable = [name for name in shared if all(name in sample for sample in samples)]
    ranked = sorted(usable, key=lambda name: -max(count_distinct(sample[name]) for sample in samples))[:_MAX_COLUMNS]
    last: tuple[str, ...] = ()
    for candidates in _by_size(ranked, samples, {name: first.factor(name) for name in ranked}):
        found, often = _best(first, second, candidates)
        if found:
            return found
        last = last or often
    return last


def _identifies(kind: "pa.DataType") -> bool:
    """Measures (floating point) and yes/no are no names of things, unique as they may be."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return _identifies(kind.value_type)
    return not (types.is_floating(kind) or types.is_boolean(kind) or types.is_null(kind) or types.is_nested(kind))


def _by_size(
    names: Sequence[str], samples: "Sequence[dict[str, Words]]", factors: dict[str, int]
) -> Iterator[list[tuple[str, ...]]]:
    """Yield sets of columns that are unique in both samples, then in one, by size; none that holds a smaller one."""
    seen: list[tuple[str, ...]] = []
    for size in range(1, min(_MAX_TOGETHER, len(names)) + 1):
        sets = [each for each in combinations(names, size) if not any(set(one) <= set(each) for one in seen)]
        unique = {each: sum(_is_unique(each, sample, factors) for sample in samples) for each in sets}
        both = [each for each in sets if unique[each] == len(samples)]
        once = [each for each in sets if 0 < unique[each] < len(samples)]
        seen.extend(both)
        if both or once:
            yield [*both[:_MAX_TRIED], *once[:_MAX_TRIED]]


def _is_unique(names: tuple[str, ...], sample: "dict[str, Words]", factors: dict[str, int]) -> bool:
    import numpy as np

    words = np.add.reduce([sample[name] * np.uint64(factors[name]) for name in names])
    return count_distinct(words) == count_distinct(sample[""])


def _best(first: Side, second: Side, candidates: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the best key, and the best of those that are repeated too often to be sure of."""
    ranks: dict[tuple[str, ...], tuple[int, int]] = {}
    for names in candidates:  # one after the other: each takes a word for every row
        words = first.keys([names])[names], second.keys([names])[names]
        distinct = [count_distinct(each) for each in words]
        unique = distinct[0] == first.distinct(), distinct[1] == second.distinct()
        met = _met(*words)
        if not any(unique) or not met:
            continue
        repeats = max(1 - count / max(1, each.size) for count, each in zip(distinct, words, strict=True))
        rank = _UNIQUE if all(unique) else _REPEATED if repeats <= _REPEATS and 2 * met >= min(distinct) else _OFTEN
        ranks[names] = rank, met
    best = max(ranks, key=lambda names: ranks[names], default=())
    return ((), best) if best and ranks[best][0] == _OFTEN else (best, ())


def _met(before: "Words", after: "Words") -> int:
    import numpy as np

    met = 0
    for left, right in parts_together(before, after):
        one, other = np.sort(before[left]), np.sort(after[right])
        if one.size:
            places = np.minimum(np.searchsorted(one, other), one.size - 1)
            met += int(np.count_nonzero(one[places] == other))
    return met
