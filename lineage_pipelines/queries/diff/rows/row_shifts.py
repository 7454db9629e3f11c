"""Row shifts: has a column moved along the rows, so that each row holds the value of another? Needs both tables."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lineage_pipelines.queries.diff.rows.row_side import Side

if TYPE_CHECKING:
    import numpy as np

    Words = np.ndarray[Any, np.dtype[np.uint64]]

_FARTHEST = 3
_MAX_ROWS = 1_000_000
"""From the beginning: what moved along all rows did so there, too."""
_MAX_COLUMNS = 40
_MIN_ROWS = 20
_LEAST = 0.5
"""How much better than chance the moved column must fit; rows that were left out since tear it apart."""
_CLEARLY = 2


def find_shifts(before: Side, after: Side, key: tuple[str, ...], names: Sequence[str]) -> Mapping[str, int]:
    """Return by how many rows each of some columns moved, where it did: 1 where a row holds what the one above held.

    Rows are in the order of the table before; those of the other table are found by the key, or by their place where
    there is none.

    Args:
        before: the table before.
        after: the table after.
        key: the columns of the key; empty where there is none.
        names: the columns to look at.
    """
    columns = [name for name in names if name not in key][:_MAX_COLUMNS]
    if not columns:
        return {}
    heads = [_head(side, key, columns) for side in (before, after)]
    places = _places(heads[0].pop(""), heads[1].pop(""), by_key=bool(key))
    if places[0].size < _MIN_ROWS:
        return {}
    moved = {name: _moved(heads[0][name][places[0]], heads[1][name][places[1]]) for name in columns}
    return {name: rows for name, rows in moved.items() if rows}


def _head(side: Side, key: tuple[str, ...], names: Sequence[str]) -> "dict[str, Words]":
    """The words of the first rows, column by column; those of the key under the empty name."""
    import numpy as np

    most = max(_MIN_ROWS, _MAX_ROWS // len(names))
    parts: dict[str, list[Words]] = {name: [] for name in ("", *names)}
    seen = 0
    for batch in side.batches():
        few = batch.slice(0, most - seen)
        parts[""].append(side.combined(few, key))
        for name in names:
            parts[name].append(side.words(few, name))
        seen += few.num_rows
        if seen >= most:
            break
    return {name: np.concatenate([np.zeros(0, np.uint64), *found]) for name, found in parts.items()}


def _places(before: "Words", after: "Words", *, by_key: bool) -> "tuple[Words, Words]":
    """The places of the same rows on both sides, in the order before."""
    import numpy as np

    if not by_key or not after.size:
        both = np.arange(min(before.size, after.size))
        return both, both  # type: ignore[return-value]  # places, not words
    order = np.argsort(after, kind="stable")
    found = np.minimum(np.searchsorted(after, before, sorter=order), after.size - 1)
    met = np.flatnonzero(after[order[found]] == before)
    return met, order[found[met]]  # type: ignore[return-value]


def _moved(before: "Words", after: "Words") -> int:
    import numpy as np

    _, counts = np.unique(before, return_counts=True)
    chance = float(((counts / before.size) ** 2).sum())
    if chance > 1 - _LEAST / 10:
        return 0

    def fits(rows: int) -> float:
        same = after[rows:] == before[: before.size - rows] if rows >= 0 else after[:rows] == before[-rows:]
        return (float(same.mean()) - chance) / (1 - chance)

    steps = [step for rows in range(1, _FARTHEST + 1) for step in (rows, -rows)]
    best = max(steps, key=fits)
    return best if fits(best) >= _LEAST and fits(best) > _CLEARLY * fits(0) else 0
