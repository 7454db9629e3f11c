"""Row sample: the rows of a table whose values are held, to see which group of rows was touched."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lineage_pipelines.queries.diff.rows.cell_differences import some_rows
from lineage_pipelines.queries.diff.rows.row_change import GroupKind, RowGroup
from lineage_pipelines.queries.diff.rows.row_groups import (
    FoundGroup,
    Grouping,
    column_groupings,
    find_group,
    place_grouping,
)
from lineage_pipelines.queries.diff.rows.row_side import Side

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]


class RowSample:
    """Rows of a table with their values: of each part all, or some.

    Args:
        side: the table.
        parts: numbers of rows, and for each a number by which they are divided further.
    """

    def __init__(self, side: Side, parts: "Sequence[tuple[Array, Array]]") -> None:
        import numpy as np

        self.side = side
        chosen = [some_rows(side.rows[rows], kinds, len(side.names)) for rows, kinds in parts]
        self.places = [places for places, _ in chosen]
        """Of each part, which of its rows are held."""
        self.rows = np.concatenate([rows[places] for (rows, _), (places, _) in zip(parts, chosen, strict=True)])
        self.weights = np.concatenate([weights for _, weights in chosen])
        self.part = np.repeat(np.arange(len(parts)), [places.size for places in self.places])
        self.complete = self.rows.size == sum(rows.size for rows, _ in parts)

    @cached_property
    def columns(self) -> "Mapping[str, pa.ChunkedArray]":
        """The values."""
        return self.side.taken(self.side.names, self.rows)

    @cached_property
    def _groupings(self) -> list[Grouping]:
        return [*column_groupings(self.columns), place_grouping(self.rows)]

    def find_group(self, touched: "Array", counted: "Array", names: "set[str]") -> FoundGroup | None:
        """Return the smallest group of the counted rows that holds the touched ones.

        Args:
            touched: of the rows that are held, as a mask.
            counted: those that count at all, as a mask.
            names: the columns that may tell.
        """
        usable = [each for each in self._groupings if not each.column or each.column in names]
        return find_group(usable, touched & counted, self.weights * counted)


@dataclass(frozen=True, slots=True)
class Touched:
    """Rows of a table that were touched, among those that count, as masks of all its rows."""

    touched: "Array"
    counted: "Array"


def count_groups(side: Side, found: "Sequence[tuple[FoundGroup, Touched]]") -> list[RowGroup]:
    """Return groups with exact counts, from one reading of the table."""
    import numpy as np
    import pyarrow as pa

    counts = np.zeros((len(found), 2), "int64")
    start = 0
    for batch in side.batches() if found else ():
        here = slice(start, start + batch.num_rows)
        for place, (group, rows) in enumerate(found):
            if group.kind in (GroupKind.FIRST, GroupKind.LAST):
                inside = group.holds_of(place_grouping(np.arange(here.start, here.stop)))
            else:
                column = pa.chunked_array([side.array(batch, group.grouping.column)])
                ways = column_groupings({group.grouping.column: column})
                alike = (group.grouping.months, group.grouping.parsed)
                way = next((way for way in ways if (way.months, way.parsed) == alike), None)
                inside = group.holds_of(way) if way is not None else np.zeros(batch.num_rows, bool)
            inside = inside & rows.counted[here]
            counts[place] += np.count_nonzero(inside & rows.touched[here]), np.count_nonzero(inside)
        start += batch.num_rows
    return [
        group.group(int(inside), int(of), int(np.count_nonzero(rows.touched & rows.counted)))
        for (group, rows), (inside, of) in zip(found, counts, strict=True)
    ]
