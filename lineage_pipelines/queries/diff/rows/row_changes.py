"""Row changes: which rows came, went or changed, in which columns, and where the changes gather.

Rows are kept as words of 64 bits, read batch by batch: 10 million rows take well under a gigabyte.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.diff.rows.row_change import RowChange
from lineage_pipelines.queries.diff.rows.row_key import find_key
from lineage_pipelines.queries.diff.rows.row_patterns import find_shifts, gather
from lineage_pipelines.queries.diff.rows.row_side import Side, parts_together
from lineage_pipelines.queries.diff.stored_tables import OpenTable

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]
    Words = np.ndarray[Any, np.dtype[np.uint64]]

_MAX_WORDS = 3_000_000
"""Of changed rows that are held at once on each side; with more columns than fit, the data is read again."""


def compare_rows(
    first: OpenTable, second: OpenTable, names: Mapping[str, str], *, key: Sequence[str] = ()
) -> RowChange:
    """Compare two tables by key; where none is given and none is found, as bags of whole rows.

    Args:
        first: the table before.
        second: the table after.
        names: columns that are in both: name after to name before. Others are not compared.
        key: the columns that tell rows apart.

    Raises:
        DatasetError: a file cannot be read to its end.
        NotFoundError: the key has a column that is not in both.
    """
    after = Side(second, {name: name for name in names})
    before = Side(first, {name: was for name, was in names.items() if name in after.places})
    after.places = {name: place for name, place in after.places.items() if name in before.places}
    if missing := [name for name in key if name not in after.places]:
        raise NotFoundError(f"the key's column {missing[0]!r} is not in both tables", fix="name another key")
    found = tuple(key) or find_key(before, after)
    return _by_key(before, after, found) if found else _whole(before, after)


def _whole(before: Side, after: Side) -> RowChange:
    same = 0
    for left, right in parts_together(before.rows, after.rows):
        same += int(_match(_bag(before.rows[left]), _bag(after.rows[right])).least.sum())
    alike = before.rows.size == after.rows.size
    return RowChange(
        key=(),
        added=after.rows.size - same,
        removed=before.rows.size - same,
        changed=0,
        same=same,
        shifted=find_shifts(before, after, (), before.names) if alike and same < before.rows.size else {},
    )


@dataclass(frozen=True, slots=True)
class _Bag:
    """Different words, sorted, each with how often it occurs, and where first."""

    words: "Words"
    counts: "Array"
    places: "Array"


@dataclass(frozen=True, slots=True)
class _Matched:
    """What two bags have in common."""

    words: "Words"
    least: "Array"
    """How often each occurs in both."""
    places: "tuple[Array, Array]"
    """Where first, before and after."""


def _bag(words: "Words") -> _Bag:
    import numpy as np

    order = np.argsort(words, kind="stable")
    ordered = words[order]
    starts = np.flatnonzero(np.concatenate([np.ones(min(1, ordered.size), bool), ordered[1:] != ordered[:-1]]))
    return _Bag(ordered[starts], np.diff(np.append(starts, ordered.size)), order[starts])


def _match(before: _Bag, after: _Bag) -> _Matched:
    import numpy as np

    if not before.words.size:
        return _Matched(before.words, before.counts, (before.places, before.places))
    left = np.minimum(np.searchsorted(before.words, after.words), before.words.size - 1)
    met = before.words[left] == after.words
    left = left[met]
    least = np.minimum(before.counts[left], after.counts[met])
    return _Matched(after.words[met], least, (before.places[left], after.places[met]))


def _by_key(before: Side, after: Side, key: tuple[str, ...]) -> RowChange:
    changed, both, words = _changed(before, after, key)
    rest = [name for name in before.names if name not in key]
    columns = _columns(before, after, key, rest, words) if words.size else {}
    steady = [name for name in before.names if name not in columns]
    return RowChange(
        key=key,
        added=int(after.rows.size) - both,
        removed=int(before.rows.size) - both,
        changed=changed,
        same=both - changed,
        columns=dict(sorted(columns.items(), key=lambda pair: (-pair[1], pair[0]))),
        partitions=gather((before, after), key, steady, words) if words.size else {},
        shifted=find_shifts(before, after, key, [name for name in columns if columns[name] * 2 > both]),
    )


def _changed(before: Side, after: Side, key: tuple[str, ...]) -> "tuple[int, int, Words]":
    """Return how many rows changed, how many are in both, and the sorted words of the keys of the changed ones."""
    import numpy as np

    one, other = before.keys([key])[key], after.keys([key])[key]
    changed = both = 0
    found = [np.zeros(0, np.uint64)]
    for left, right in parts_together(one, other):
        matched = _match(_bag(one[left]), _bag(other[right]))
        differs = before.rows[left[matched.places[0]]] != after.rows[right[matched.places[1]]]
        changed += int(matched.least[differs].sum())
        both += int(matched.least.sum())
        found.append(matched.words[differs])
    return changed, both, np.concatenate(found)


def _columns(before: Side, after: Side, key: tuple[str, ...], names: Sequence[str], changed: "Words") -> dict[str, int]:
    """Count, for each column, in how many of the changed rows it differs."""
    together = max(1, _MAX_WORDS // changed.size)
    found: dict[str, int] = {}
    for start in range(0, len(names), together):
        part = list(names[start : start + together])
        sides = [_picked(side, key, part, changed) for side in (before, after)]
        for place, name in enumerate(part):
            count = int((sides[0][place] != sides[1][place]).sum())
            if count:
                found[name] = count
    return found


def _picked(side: Side, key: tuple[str, ...], names: Sequence[str], changed: "Words") -> "Array":
    """Return the words of some columns, for the changed rows in order of their keys."""
    import numpy as np

    picked = np.zeros((len(names), changed.size), np.uint64)
    done = np.zeros(changed.size, bool)
    for batch in side.batches():
        keys = side.combined(batch, key)
        places = np.minimum(np.searchsorted(changed, keys), changed.size - 1)
        rows = np.flatnonzero((changed[places] == keys) & ~done[places])
        if rows.size:
            few = batch.take(rows)
            targets, firsts = np.unique(places[rows], return_index=True)  # of a repeated key the first row counts
            done[targets] = True
            for place, name in enumerate(names):
                picked[place, targets] = side.words(few, name)[firsts]
    return picked
