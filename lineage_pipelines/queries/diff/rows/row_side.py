"""Row side: one of two tables that are compared row by row, as 64 bits for each row and each key."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables import row_digests
from lineage_pipelines.capture.tables.column_arrays import column_words, is_bytes, is_text
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
_HELD = 4_000_000
"""Cells of a table that is read once and held."""


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
        texts: common names of the columns that are compared as text.
    """

    def __init__(self, table: OpenTable, columns: Mapping[str, str], texts: Collection[str] = ()) -> None:
        self.table = table
        self.texts = frozenset(texts)
        self._held: list[pa.RecordBatch] | None = None
        places = {name: place for place, name in reversed(list(enumerate(table.schema.names)))}
        self.places = {name: places[here] for name, here in columns.items() if here in places}

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
        """Return the type that a column is compared in."""
        import pyarrow as pa

        kind = self.table.schema.field(self.places[name]).type
        if pa.types.is_dictionary(kind):
            kind = kind.value_type
        return pa.large_string() if name in self.texts and not is_text(kind) else kind

    def batches(self) -> "Iterator[pa.RecordBatch]":
        """Read all rows.

        Raises:
            DatasetError: a file cannot be read to its end.
        """
        import pyarrow as pa

        if self._held is not None:
            yield from self._held
            return
        held: list[pa.RecordBatch] | None = []
        cells = 0
        try:
            for batch in self.table.batches():
                cells += batch.num_rows * batch.num_columns
                held = [*held, batch] if held is not None and cells <= _HELD else None
                yield batch
            self._held = held
        except (pa.ArrowException, OSError, ValueError) as error:
            what = f"the data cannot be read ({type(error).__name__})"
            raise DatasetError(what, fix="look at its files") from error

    def words(self, batch: "pa.RecordBatch", name: str) -> "Words":
        """Return the words of a column of a batch."""
        import pyarrow as pa

        return column_words(pa.chunked_array([self.array(batch, name)]))

    def array(self, batch: "pa.RecordBatch", name: str) -> "pa.Array":
        """Return the values of a column of a batch, in the type that it is compared in."""
        import pyarrow as pa

        found = batch.column(self.places[name])
        if pa.types.is_dictionary(found.type):
            found = found.dictionary_decode()
        return found.cast(pa.large_string()) if name in self.texts and not is_text(found.type) else found

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

    def picked(self, names: Sequence[str], rows: "Array") -> "Array":
        """Return the words of some columns for some rows: an array of columns by rows.

        Args:
            names: the columns.
            rows: numbers of rows, in any order; none twice.
        """
        import numpy as np

        found = np.zeros((len(names), rows.size), np.uint64)
        for batch, here, targets in self._batches_of(rows):
            for place, name in enumerate(names):
                found[place, targets] = self.words(batch, name)[here]
        return found

    def taken(self, names: Sequence[str], rows: "Array") -> "dict[str, pa.ChunkedArray]":
        """Return the values of some columns for some rows, in the order in which their numbers are given."""
        import numpy as np
        import pyarrow as pa

        order: list[Array] = [np.zeros(0, "int64")]
        parts: dict[str, list[pa.Array]] = {name: [] for name in names}
        for batch, here, targets in self._batches_of(rows):
            order.append(targets)
            for name, found in parts.items():
                found.append(self.array(batch, name).take(pa.array(here)))
        back = pa.array(np.argsort(np.concatenate(order)))
        return {name: pa.chunked_array(found, self.type_of(name)).take(back) for name, found in parts.items()}

    def _batches_of(self, rows: "Array") -> "Iterator[tuple[pa.RecordBatch, Array, Array]]":
        """Yield the batches that hold some rows: which rows of the batch, and the places that they were asked at."""
        import numpy as np

        order = np.argsort(rows, kind="stable")
        ordered = rows[order]
        start = done = 0
        for batch in self.batches() if rows.size else ():
            end = int(np.searchsorted(ordered, start + batch.num_rows))
            if end > done:
                yield batch, ordered[done:end] - start, order[done:end]
            start, done = start + batch.num_rows, end
            if done == rows.size:
                return

    def sample(self, names: Sequence[str], rows: int) -> "dict[str, Words]":
        """Return the words of the first rows, column by column; those of whole rows under the empty name."""
        for batch in self.batches():
            if batch.num_rows:
                few = batch.slice(0, rows)
                return {**{name: self.words(few, name) for name in names}, "": self.combined(few, self.names)}
        return {}


def open_sides(first: OpenTable, second: OpenTable, names: Mapping[str, str]) -> tuple[Side, Side]:
    """Return the two tables, each with the columns that can be compared.

    Whole numbers that are written with leading zeros on one side, and what is text on one side only, is compared as
    text, as it is written where that is known.

    Args:
        first: the table before.
        second: the table after.
        names: columns that are in both: name after to name before.
    """
    here, was = {name: name for name in names}, dict(names)
    padded = {name for table, ways in ((first, was), (second, here)) for name in _padded(table, ways)}
    types = [_types(first, was), _types(second, here)]
    mixed = {name for name in names if len({is_text(kind[name]) for kind in types if name in kind}) > 1}
    texts = padded | {name for name in mixed if not any(_is_nested(kind[name]) for kind in types)}
    after = Side(_as_written(second, here, texts), here, texts)
    before = Side(_as_written(first, was, texts), {name: was[name] for name in after.places}, texts)
    after.places = {name: place for name, place in after.places.items() if name in before.places}
    return before, after


def _types(table: OpenTable, columns: Mapping[str, str]) -> "dict[str, pa.DataType]":
    from pyarrow import types

    found = {}
    for name, here in columns.items():
        places = table.schema.get_all_field_indices(here)
        if places:
            kind = table.schema.field(places[0]).type
            found[name] = kind.value_type if types.is_dictionary(kind) else kind
    return found


def _is_nested(kind: "pa.DataType") -> bool:
    from pyarrow import types

    return bool(types.is_nested(kind) or types.is_null(kind) or is_bytes(kind))


def _padded(table: OpenTable, columns: Mapping[str, str]) -> list[str]:
    """Columns of whole numbers of which one is written with a leading zero."""
    from pyarrow import compute, types

    whole = {name: columns[name] for name, kind in _types(table, columns).items() if types.is_integer(kind)}
    if table.as_written is None or not whole:
        return []
    side = Side(table.as_written(set(whole.values())), whole)
    found: set[str] = set()
    for batch in side.batches():
        for name in side.places.keys() - found:
            if compute.any(compute.match_substring_regex(side.array(batch, name), "^[+-]?0[0-9]")).as_py():
                found.add(name)
    return sorted(found)


def _as_written(table: OpenTable, columns: Mapping[str, str], texts: Collection[str]) -> OpenTable:
    types = _types(table, columns)
    names = {columns[name] for name in texts if name in types and not is_text(types[name])}
    return table.as_written(names) if table.as_written is not None and names else table
