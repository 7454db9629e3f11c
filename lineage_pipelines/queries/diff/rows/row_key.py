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


def find_key(first: Side, second: Side) -> tuple[str, ...]:
    """Return the columns of the key; empty where there is none."""
    shared = [name for name in first.names if _identifies(first.type_of(name)) and _identifies(second.type_of(name))]
    samples = first.sample(shared, _SAMPLE), second.sample(shared, _SAMPLE)
    usable = [name for name in shared if all(name in sample for sample in samples)]
    ranked = sorted(usable, key=lambda name: -min(count_distinct(sample[name]) for sample in samples))[:_MAX_COLUMNS]
    for candidates in _by_size(ranked, samples, {name: first.factor(name) for name in ranked}):
        found = _best(first, second, candidates)
        if found:
            return found
    return ()


def _identifies(kind: "pa.DataType") -> bool:
    """Measures (floating point) and yes/no are no names of things, unique as they may be."""
    from pyarrow import types

    if types.is_dictionary(kind):
        return _identifies(kind.value_type)
    return not (types.is_floating(kind) or types.is_boolean(kind) or types.is_null(kind) or types.is_nested(kind))


def _by_size(
    names: Sequence[str], samples: "Sequence[dict[str, Words]]", factors: dict[str, int]
) -> Iterator[list[tuple[str, ...]]]:
    """Yield sets of columns that are unique in both samples, by size; none that holds a smaller one."""
    seen: list[tuple[str, ...]] = []
    for size in range(1, min(_MAX_TOGETHER, len(names)) + 1):
        sets = (each for each in combinations(names, size) if not any(set(one) <= set(each) for one in seen))
        found = [each for each in sets if all(_is_unique(each, sample, factors) for sample in samples)]
        seen.extend(found)
        if found:
            yield found[:_MAX_TRIED]


def _is_unique(names: tuple[str, ...], sample: "dict[str, Words]", factors: dict[str, int]) -> bool:
    import numpy as np

    words = np.add.reduce([sample[name] * np.uint64(factors[name]) for name in names])
    return count_distinct(words) == count_distinct(sample[""])


def _best(first: Side, second: Side, candidates: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    best: tuple[str, ...] = ()
    most = 0
    for names in candidates:  # one after the other: each takes a word for every row
        before = first.keys([names])[names]
        if count_distinct(before) != first.distinct():
            continue
        after = second.keys([names])[names]
        if count_distinct(after) == second.distinct() and (met := _met(before, after)) > most:
            best, most = names, met
    return best


def _met(before: "Words", after: "Words") -> int:
    import numpy as np

    met = 0
    for left, right in parts_together(before, after):
        one, other = np.sort(before[left]), np.sort(after[right])
        if one.size:
            places = np.minimum(np.searchsorted(one, other), one.size - 1)
            met += int(np.count_nonzero(one[places] == other))
    return met
