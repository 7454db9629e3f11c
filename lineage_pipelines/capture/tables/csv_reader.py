"""CSV reader: CSV and TSV files as pandas reads them, whole for training, else piece by piece.

A file of text has no types: pandas decides them, and what is recorded of a column is what training gets. One rule is
added: a column of whole numbers in which one is 2**53 or beyond stays whole where values are missing (`Int64`); pandas
alone makes it floating point, and different numbers become equal.
"""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables.column_arrays import is_text
from lineage_pipelines.capture.tables.table_files import open_text
from lineage_pipelines.records.statement.dataset import Reading
from lineage_pipelines.records.values.phrase import some_of

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_PIECE_ROWS = 128 * 1024
_PIECE_CELLS = 4_000_000
_LARGE = 2**53
_DIGITS = 38
_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)
_SHOWN = 64
_HEAD = 100
"""Lines in which the header and the first row are; empty ones come before them."""
_INDEX = "__index_level_{}__"
"""What Arrow calls an index without a name in Parquet; here as there it is a column."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvColumn:
    """What is known of a column of a file, or of a piece of one."""

    kind: "pa.DataType"
    nulls: bool
    """Whether a value is missing."""
    empty: bool
    """Whether all are: then its type says nothing."""
    large: bool
    """Whether a number is 2**53 or beyond, or pandas lost which values are missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvShape:
    """Rows and columns of a file."""

    columns: Mapping[str, CsvColumn]
    rows: int


def read_csv(file: Path, reading: Reading) -> "pd.DataFrame":
    """Return a file as pandas reads it.

    Raises:
        ValueError, OSError: it cannot be read.
    """
    frame = _read(file, reading)
    doubtful = [name for name in frame.columns if _is_doubtful(frame[name], reading)]
    if doubtful:
        texts = _read(file, reading, dict.fromkeys(doubtful, str))
        for name in doubtful:
            whole = _whole_numbers(texts[name])
            if whole is not None:
                frame[name] = whole
            elif frame[name].dtype.kind != "f":
                frame[name] = texts[name]
    return frame


def csv_batches(frame: "pd.DataFrame", file: Path, reading: Reading) -> "tuple[pa.Schema, Iterator[pa.RecordBatch]]":
    """Return columns and rows of the table that `read_csv` made of a file, what pandas took for the index last."""
    import pyarrow as pa

    whole = _without_index(frame, _head(file, reading)[1])
    schema = pa.schema([(name, _type_of(whole[name])) for name in whole.columns])
    return schema, (
        _batch(whole.iloc[start : start + _PIECE_ROWS], schema) for start in range(0, len(whole), _PIECE_ROWS)
    )


def find_oddities(file: Path, reading: Reading) -> list[str]:
    """Return in words where pandas reads a file otherwise than its header says.

    Raises:
        ValueError, OSError: it cannot be read.
    """
    header, levels = _head(file, reading)
    counts = Counter(name for name in header if name)
    twice = [repr(name[:_SHOWN]) for name, count in counts.items() if count > 1]
    found = [f"the header repeats {some_of(twice)}; a repeated column is read as NAME.1, NAME.2 …"] if twice else []
    if levels:
        found.append(f"rows have more fields than the header: {levels}; as many of the first are read as the index")
    return found


def csv_shape(file: Path, reading: Reading) -> CsvShape:
    """Return rows and columns of a file, with the types that `read_csv` gives; read in pieces where that tells them.

    Raises:
        ValueError, OSError: it cannot be read.
    """
    levels = _head(file, reading)[1]
    if levels:
        return _shape(_without_index(read_csv(file, reading), levels), reading)
    pieces: list[Mapping[str, CsvColumn]] = []
    rows = 0
    for piece in _pieces(file, reading):
        pieces.append(_columns(piece, reading))
        rows += len(piece)
    columns = {name: _merge([piece[name] for piece in pieces]) for name in pieces[0]}
    known = {name: column for name, column in columns.items() if column is not None}
    return (
        CsvShape(columns=known, rows=rows) if len(known) == len(columns) else _shape(read_csv(file, reading), reading)
    )


def merge_files(shapes: Sequence[CsvShape], files: Sequence[Path], reading: Reading) -> "pa.Schema":
    """Return the columns of several files as one table: text where one file has text, floating point where one has."""
    import pyarrow as pa

    absent = CsvColumn(kind=pa.null(), nulls=True, empty=True, large=False)
    fields = []
    for name in dict.fromkeys(name for shape in shapes for name in shape.columns):
        found = [shape.columns.get(name, absent) for shape in shapes]
        merged = _merge(found) if len(found) > 1 else found[0]
        fields.append((name, merged.kind if merged else _settle(name, found, files, reading)))
    return pa.schema(fields)


def read_csv_batches(file: Path, reading: Reading, schema: "pa.Schema") -> Iterator["pa.RecordBatch"]:
    """Yield the rows of a file in order, with those columns of a schema that it has.

    Raises:
        ValueError, OSError: it cannot be read.
    """
    if _head(file, reading)[1]:
        yield from csv_batches(read_csv(file, reading), file, reading)[1]
        return
    import pyarrow as pa

    kinds = {field.name: _DTYPES.get(str(field.type), str) for field in schema if not pa.types.is_null(field.type)}
    for piece in _pieces(file, reading, kinds):
        yield _batch(piece, pa.schema([schema.field(name) for name in piece.columns]))


_DTYPES = {"int64": "Int64", "uint64": "UInt64", "double": "float64", "bool": "boolean"}


def _options(reading: Reading) -> dict[str, Any]:
    # What counts as missing is written down, so that another release of pandas reads the same.
    return {
        "sep": reading.delimiter,
        "decimal": reading.decimal,
        "keep_default_na": False,
        "na_values": list(reading.null_values),
        "low_memory": False,
    }


def _read(file: Path, reading: Reading, dtype: Mapping[str, Any] | None = None) -> "pd.DataFrame":
    import pandas as pd

    options = _options(reading)
    with open_text(file) as stream:
        frame: pd.DataFrame = pd.read_csv(stream, dtype=dtype, **options)
    return frame


def _pieces(file: Path, reading: Reading, dtype: Mapping[str, Any] | None = None) -> Iterator["pd.DataFrame"]:
    import pandas as pd

    options = _options(reading)
    with open_text(file) as stream:
        width = len(pd.read_csv(stream, nrows=0, **options).columns)
    rows = max(1, min(_PIECE_ROWS, _PIECE_CELLS // max(1, width)))
    with open_text(file) as stream, pd.read_csv(stream, dtype=dtype, chunksize=rows, **options) as reader:
        yield from reader


def _head(file: Path, reading: Reading) -> tuple[list[str], int]:
    """The header of a file, and of how many columns pandas makes an index: so many more fields has the first row."""
    with open_text(file) as stream:
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="replace", newline="")
        try:
            rows = [
                row for row in itertools.islice(csv.reader(lines, delimiter=reading.delimiter or ","), _HEAD) if row
            ]
        except csv.Error:  # a field of more than 128 kB
            rows = []
    header, first = (*rows[:2], [], [])[:2]
    return header, max(0, len(first) - len(header)) if header else 0


def _without_index(frame: "pd.DataFrame", levels: int) -> "pd.DataFrame":
    import pandas as pd

    if not levels:
        return frame
    index = frame.index.to_frame(index=False)
    index.columns = [_INDEX.format(level) for level in range(frame.index.nlevels)]
    return pd.concat([frame.reset_index(drop=True), index], axis=1)


def _shape(frame: "pd.DataFrame", reading: Reading) -> CsvShape:
    return CsvShape(columns=_columns(frame, reading), rows=len(frame))


def _columns(frame: "pd.DataFrame", reading: Reading) -> dict[str, CsvColumn]:
    found = {}
    for name in frame.columns:
        column = frame[name]
        missing = column.isna()
        large = _is_doubtful(column, reading) or (column.dtype.kind in "iu" and _is_large(column))
        found[name] = CsvColumn(
            kind=_type_of(column), nulls=bool(missing.any()), empty=bool(missing.all()), large=large
        )
    return found


def _is_doubtful(column: "pd.Series[Any]", reading: Reading) -> bool:
    """Whether whole numbers may have become floating point, or text that lost which values are missing."""
    if column.dtype.kind == "f":
        return _is_large(column)
    # Of numbers from 2**63 on pandas makes text, and of a missing one the text that the file has, null otherwise.
    return column.dtype.kind not in "iub" and bool(column.isin(["", *reading.null_values]).any())


def _is_large(column: "pd.Series[Any]") -> bool:
    import numpy as np

    values = column.dropna().to_numpy()
    if values.dtype.kind == "f":
        values = values[np.isfinite(values)]
    return bool(values.size) and bool(values.max() >= _LARGE or values.min() <= -_LARGE)


def _whole_numbers(texts: "pd.Series[Any]") -> Any:  # noqa: ANN401  # an array of pandas
    """Return texts as a column of integers that may be missing; None where they are not all such."""
    import pandas as pd

    numbers: list[int | None] = []
    for text in texts:
        if isinstance(text, str) and not _WHOLE.fullmatch(text):
            return None
        numbers.append(int(text) if isinstance(text, str) else None)
    known = [number for number in numbers if number is not None]
    low, high = min(known, default=0), max(known, default=0)
    if low >= -(2**63) and high < 2**63:
        return pd.array(numbers, dtype="Int64")
    return pd.array(numbers, dtype="UInt64") if low >= 0 and high < 2**64 else None


def _type_of(column: "pd.Series[Any]") -> "pa.DataType":
    import pandas as pd
    import pyarrow as pa

    kind = column.dtype.kind
    if kind in "iufb":
        return {"i": pa.int64(), "u": pa.uint64(), "f": pa.float64(), "b": pa.bool_()}[kind]
    if not len(column):
        return pa.null()
    match pd.api.types.infer_dtype(column, skipna=True):
        case "boolean":
            return pa.bool_()
        case "integer" if all(len(str(abs(number))) <= _DIGITS for number in column.dropna()):
            return pa.decimal128(_DIGITS, 0)
        case _:
            return pa.string()


def _batch(frame: "pd.DataFrame", schema: "pa.Schema") -> "pa.RecordBatch":
    import pyarrow as pa

    arrays = [_array(frame[name], schema.field(place).type) for place, name in enumerate(frame.columns)]
    if not arrays:
        return pa.RecordBatch.from_pylist([{}] * len(frame), schema=schema)
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


def _array(column: "pd.Series[Any]", kind: "pa.DataType") -> "pa.Array":
    import pyarrow as pa

    if pa.types.is_null(kind):
        return pa.nulls(len(column))
    if pa.types.is_decimal(kind) or (is_text(kind) and column.dtype == object):
        make = Decimal if pa.types.is_decimal(kind) else str
        return pa.array(
            [None if missing else make(value) for value, missing in zip(column, column.isna(), strict=True)], kind
        )
    found = pa.array(column, type=kind, from_pandas=True)
    return found.combine_chunks() if isinstance(found, pa.ChunkedArray) else found


def _merge(found: Sequence[CsvColumn]) -> CsvColumn | None:
    """Return a column of which the parts are known; None where these do not say which type the whole has."""
    import pyarrow as pa

    nulls, empty, large = any(c.nulls for c in found), all(c.empty for c in found), any(c.large for c in found)
    kinds = {column.kind for column in found if not column.empty}
    whole = {pa.int64(), pa.uint64()}
    if not kinds:
        kind = next((column.kind for column in found if not pa.types.is_null(column.kind)), pa.null())
    elif len(kinds) == 1:
        (kind,) = kinds
        if large and kind not in whole:
            return None
        if kind in whole and nulls and not large:
            kind = pa.float64()
    elif kinds == {pa.int64(), pa.float64()} and not large:
        kind = pa.float64()
    else:
        return None
    return CsvColumn(kind=kind, nulls=nulls, empty=empty, large=large)


def _settle(name: str, found: Sequence[CsvColumn], files: Sequence[Path], reading: Reading) -> "pa.DataType":
    """Return the type of a column that is of different types in the files of a folder."""
    import pandas as pd
    import pyarrow as pa

    kinds = [column.kind for column in found if not column.empty]
    if not all(pa.types.is_integer(kind) or pa.types.is_floating(kind) for kind in kinds):
        return pa.string()
    texts = [
        _read(file, reading, {name: str})[name]
        for file, column in zip(files, found, strict=True)
        if not pa.types.is_null(column.kind)
    ]
    whole = _whole_numbers(pd.concat(texts))
    return pa.float64() if whole is None else {"Int64": pa.int64(), "UInt64": pa.uint64()}[str(whole.dtype)]
