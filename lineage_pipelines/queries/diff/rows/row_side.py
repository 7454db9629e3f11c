"""Row side: one of two tables that are compared row by row, as 64 bits for each row and each key."""

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables import row_digests
from lineage_pipelines.capture.tables.column_arrays import column_words
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.queries.diff.stored_tables import OpenTable

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    Array = np.ndarray[Any, Any]
    Words = np.ndarray[Any, np.dtype[np.uint64]]


_PARTS = 16
_PART_BITS = 60
_SMALL = 1_000_000


def parts_together(first: "Words", second: "Words") -> "Iterator[tuple[Array, Array]]":
    """Yield the places of words in parts, in the order of the words: equal words are in one part.

    What is done with a part takes memory for a part only.
    """
    import numpy as np

    if max(first.size, second.size) < _SMALL:
        yield np.arange(first.size), np.arange(second.size)
        return
    sides = [(words >> np.uint64(_PART_BITS)).astype("uint8") for words in (first, second)]
    for part in range(_PARTS):
        yield np.flatnonzero(sides[0] == part), np.flatnonzero(sides[1] == part)


def count_distinct(words: "Words") -> int:
    """Return how many different words there are."""
    return sum(row_digests.count_distinct(words[left]) for left, _ in parts_together(words, words[:0]))


class Side:
    """A table, read batch by batch.

    Args:
        table: the table.
        columns: which of its columns are compared: common name to the name here.
    """

    def __init__(self, table: OpenTable, columns: Mapping[str, str]) -> None:
        self.table = table
        places = {name: place for place, name in reversed(list(enumerate(table.schema.names)))}
        self.places = {
            name: places[here] for name, here in columns.items() if here in places and self._can(places[here])
        }

    def _can(self, place: int) -> bool:
        import pyarrow as pa

        return column_words(pa.chunked_array([], self.table.schema.field(place).type)) is not None

    @property
    def names(self) -> list[str]:
        """The columns that are compared."""
        return list(self.places)

    @cached_property
    def _factors(self) -> dict[str, int]:
        return dict(zip(self.places, row_digests.column_factors(list(self.places)), strict=True))

    def factor(self, name: str) -> int:
        """Return what a column's words are multiplied by."""
        return self._factors[name]

    def type_of(self, name: str) -> "pa.DataType":
        """Return a column's type."""
        return self.table.schema.field(self.places[name]).type

    def batches(self) -> "Iterator[pa.RecordBatch]":
        """Read all rows.

        Raises:
            DatasetError: a file cannot be read to its end.
        """
        import pyarrow as pa

        try:
            yield from self.table.batches()
        except (pa.ArrowException, OSError, ValueError) as error:
            what = f"the data cannot be read ({type(error).__name__})"
            raise DatasetError(what, fix="look at its files") from error

    def words(self, batch: "pa.RecordBatch", name: str) -> "Words":
        """Return the words of a column of a batch."""
        import pyarrow as pa

        found = column_words(pa.chunked_array([batch.column(self.places[name])]))
        if found is None:
            raise DatasetError(f"the column {name!r} cannot be compared", fix="compare without it")
        return found

    def combined(self, batch: "pa.RecordBatch", names: Sequence[str]) -> "Words":
        """Return the words of several columns of a batch together."""
        import numpy as np

        total = np.zeros(batch.num_rows, np.uint64)
        for name in names:
            total += self.words(batch, name) * np.uint64(self._factors[name])
        return total

    @cached_property
    def rows(self) -> "Words":
        """The word of every row."""
        return self.keys([tuple(self.places)])[tuple(self.places)]

    def distinct(self) -> int:
        """Return how many different rows there are."""
        return self._distinct

    @cached_property
    def _distinct(self) -> int:
        return count_distinct(self.rows)

    def keys(self, sets: Sequence[tuple[str, ...]]) -> "dict[tuple[str, ...], Words]":
        """Return the word of every row in several sets of columns, from one reading."""
        import numpy as np

        parts: dict[tuple[str, ...], list[Words]] = {names: [] for names in sets}
        for batch in self.batches():
            for names, found in parts.items():
                found.append(self.combined(batch, names))
        return {names: np.concatenate([np.zeros(0, np.uint64), *found]) for names, found in parts.items()}

    def sample(self, names: Sequence[str], rows: int) -> "dict[str, Words]":
        """Return the words of the first rows, column by column; those of whole rows under the empty name."""
        for batch in self.batches():
            if batch.num_rows:
                few = batch.slice(0, rows)
                return {**{name: self.words(few, name) for name in names}, "": self.combined(few, self.names)}
        return {}
