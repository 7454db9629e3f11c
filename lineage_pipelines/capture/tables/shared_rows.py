"""Shared rows of two tables: how many rows that a model is measured on are rows that it was trained on."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.capture.tables.column_arrays import column_words
from lineage_pipelines.capture.tables.row_digests import RowWords, column_factors
from lineage_pipelines.capture.tables.table_files import TableFiles, find_table
from lineage_pipelines.capture.tables.table_reader import TableShape, default_reading, read_batches, read_shape
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records.statement.dataset import Grade

if TYPE_CHECKING:
    import pyarrow as pa

    from lineage_pipelines.capture.tables.row_digests import Words


@dataclass(frozen=True, slots=True, kw_only=True)
class SharedRows:
    """Rows of one table that are rows of another."""

    rows: int
    columns: int
    """How many columns were compared: those that both tables have."""


def count_shared_rows(measured: Path, trained: Path) -> SharedRows | None:
    """Count the rows of a table that are rows of another, by the columns that both have.

    Returns:
        The count; None where one is not a table, or neither holds all columns of the other, so that there are no rows
        to compare. Of a single column in common the rows are compared only if neither table has more.

    Raises:
        CaptureError: one of them cannot be read.
    """
    import pyarrow as pa

    try:
        opened = [_open(path) for path in (measured, trained)]
        tables = [each for each in opened if each is not None]
        names = _common([shape.schema for _, shape in tables])
        if not names:
            return None
        own, others = (_words(table, shape, names) for table, shape in tables)
    except (pa.ArrowException, ValueError, OSError, KeyError, TypeError) as error:
        raise CaptureError(f"the rows cannot be compared ({type(error).__name__})") from error
    return SharedRows(rows=_count_in(own, others), columns=len(names))


def _count_in(words: "Words", others: "Words") -> int:
    """Return how many words are among others; by sorting, which is faster than NumPy's table of them."""
    import numpy as np

    if not others.size:
        return 0
    own, ordered = np.sort(words), np.sort(others)
    places = np.minimum(np.searchsorted(ordered, own), ordered.size - 1)
    return int(np.count_nonzero(ordered[places] == own))


def _open(path: Path) -> tuple[TableFiles, TableShape] | None:
    table = find_table(path)
    return (table, read_shape(table, default_reading(table, Grade.CAPTURED))) if table is not None else None


def _common(schemas: "Sequence[pa.Schema]") -> list[str]:
    """The columns by which rows are compared, sorted; nothing where they would say little."""
    counts = [Counter(schema.names) for schema in schemas]
    if len(counts) < 2:  # noqa: PLR2004  # one of them is not a table
        return []
    common = sorted(name for name in counts[0] if counts[0][name] == counts[1][name] == 1)
    if len(common) < min(map(len, counts)) or (len(common) == 1 and max(map(len, counts)) > 1):
        return []
    return common


def _words(table: TableFiles, shape: TableShape, names: Sequence[str]) -> "Words":
    import numpy as np
    import pyarrow as pa

    factors = list(column_factors(list(names)))
    parts = [np.zeros(0, np.uint64)]
    for batch in read_batches(table, default_reading(table, Grade.CAPTURED), shape.schema):
        rows = RowWords(batch.num_rows)
        for name, factor in zip(names, factors, strict=True):
            rows.add(column_words(pa.chunked_array([batch.column(name)])), factor)
        parts.append(rows.words)
    return np.concatenate(parts)
