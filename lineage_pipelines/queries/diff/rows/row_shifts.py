"""Row shifts: columns that moved along the rows, so that each row holds what a row near it held before."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lineage_pipelines.queries.diff.rows.row_alignment import RowPairs
from lineage_pipelines.queries.diff.rows.row_side import Side

if TYPE_CHECKING:
    import numpy as np

    Words = np.ndarray[Any, np.dtype[np.uint64]]

_FARTHEST = 3
_MAX_ROWS = 1_000_000
"""From the beginning: what moved along all rows did so there, too."""
_MAX_SHIFTED = 40
_MIN_ROWS = 20
_MINIMUM = 0.5
"""How much better than chance the moved column must fit; rows that were left out since tear it apart."""
_CLEARLY = 2


def find_shifts(before: Side, after: Side, pairs: RowPairs, names: Sequence[str]) -> Mapping[str, int]:
    """Return by how many rows each of some columns moved, where it did: 1 where a row holds what the one above held.

    Args:
        before: the table before, whose order counts.
        after: the table after.
        pairs: the rows that are in both.
        names: the columns to look at.
    """
    columns = list(names)[:_MAX_SHIFTED]
    if not columns or pairs.before.size < _MIN_ROWS:
        return {}
    most = max(_MIN_ROWS, _MAX_ROWS // len(columns))
    words = before.picked(columns, pairs.before[:most]), after.picked(columns, pairs.after[:most])
    moved = {name: _moved(words[0][place], words[1][place]) for place, name in enumerate(columns)}
    return {name: rows for name, rows in moved.items() if rows}


def _moved(before: "Words", after: "Words") -> int:
    import numpy as np

    _, counts = np.unique(before, return_counts=True)
    chance = float(((counts / before.size) ** 2).sum())
    if chance > 1 - _MINIMUM / 10:
        return 0

    def fits(rows: int) -> float:
        same = after[rows:] == before[: before.size - rows] if rows >= 0 else after[:rows] == before[-rows:]
        return (float(same.mean()) - chance) / (1 - chance)

    steps = [step for rows in range(1, _FARTHEST + 1) for step in (rows, -rows)]
    best = max(steps, key=fits)
    return best if fits(best) >= _MINIMUM and fits(best) > _CLEARLY * fits(0) else 0
