"""Table reader: the one reader of tables, for training and for what is recorded and compared.

CSV and TSV are read by pandas, with options that are recorded; Parquet, Feather and JSON lines by Arrow, of which
pandas makes the table that training gets. Whole numbers of 2**53 and beyond stay whole where values are missing. Of
Parquet and Feather only the footers are read to know rows and columns.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables.csv_reader import csv_shape, merge_files, read_csv, read_csv_batches
from lineage_pipelines.capture.tables.table_files import TableFiles, open_text, refuse_pointers
from lineage_pipelines.records.statement.dataset import Grade, Reading

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_DELIMITERS = {"csv": ",", "tsv": "\t"}
NULL_VALUES = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"),
    *("NULL", "NaN", "None", "n/a", "nan", "null"),
)
"""What pandas takes for a missing value in CSV."""
_BATCH_ROWS = 128 * 1024
_READ_AHEAD = 2
"""Batches that are decoded before they are asked for: Arrow's own 16 take half a gigabyte of a table of few columns."""
_BLOCK_BYTES = 4 * 1024 * 1024
_LARGE = 2**53
_DIGITS = 38
_SHOWN = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """Columns and rows."""

    schema: "pa.Schema"
    rows: int


def default_reading(table: TableFiles, grade: Grade) -> Reading:
    """Return how a table is read where nothing else was recorded."""
    if table.kind not in _DELIMITERS:
        return Reading(format=table.kind, reader="pyarrow", grade=grade)
    return Reading(
        format=table.kind,
        reader="pandas",
        delimiter=_DELIMITERS[table.kind],
        decimal=".",
        null_values=NULL_VALUES,
        grade=grade,
    )


def read_shape(table: TableFiles, reading: Reading) -> TableShape:
    """Return the columns and the number of rows.

    Raises:
        CaptureError: a file is a Git LFS pointer.
        pyarrow.ArrowException, OSError, ValueError: a file cannot be read, or a column's name occurs twice.
    """
    refuse_pointers(table)
    return _SHAPES[table.kind](table, reading)


def read_batches(table: TableFiles, reading: Reading, schema: "pa.Schema") -> Iterator["pa.RecordBatch"]:
    """Yield all rows in order, as batches with the columns of `read_shape`.

    Raises:
        pyarrow.ArrowException, OSError, ValueError: a file cannot be read.
    """
    if table.kind == "parquet":
        yield from _parquet_batches(table, schema)
    elif table.kind == "feather":
        from pyarrow import dataset

        files = dataset.dataset([str(file) for file in table.files], format="feather", schema=schema)
        for batch in files.to_batches(batch_size=_BATCH_ROWS):
            batch.validate(full=True)  # Arrow takes such a file as it is; an offset that is wrong ends the process
            yield batch
    else:
        read: Callable[[Path], Iterator[pa.RecordBatch]]
        read = _json_batches if table.kind == "jsonl" else lambda file: read_csv_batches(file, reading, schema)
        for file in table.files:
            for batch in read(file):
                yield _conform(batch, schema)


def read_frame(table: TableFiles, reading: Reading) -> "pd.DataFrame":
    """Return a table whole, as pandas has it; the files of a folder one after the other, by name.

    Raises:
        CaptureError: a file is a Git LFS pointer.
        pyarrow.ArrowException, OSError, ValueError: a file cannot be read, or a column's name occurs twice.
    """
    import pandas as pd
    import pyarrow as pa
    from pyarrow import parquet

    if table.kind in _DELIMITERS and len(table.files) == 1:
        refuse_pointers(table)
        return read_csv(table.files[0], reading)
    schema = read_shape(table, reading).schema
    if table.kind == "parquet":
        frame: pd.DataFrame = pd.read_parquet(table.path)
        return _keep_whole(frame, schema, lambda names: parquet.read_table(table.path, columns=names))
    whole = pa.Table.from_batches(read_batches(table, reading, schema), schema)
    return _keep_whole(whole.to_pandas(), schema, whole.select)


def _keep_whole(frame: "pd.DataFrame", schema: "pa.Schema", read: "Callable[[list[str]], pa.Table]") -> "pd.DataFrame":
    """Give integers back that pandas made floating point because values are missing, where that made them others."""
    import pandas as pd
    import pyarrow as pa

    names = [
        field.name
        for field in schema
        if pa.types.is_integer(field.type) and field.name in frame.columns and frame[field.name].dtype.kind == "f"
    ]
    large = [name for name in names if frame[name].abs().max() >= _LARGE]
    kinds = {pa.int64(): pd.Int64Dtype(), pa.uint64(): pd.UInt64Dtype()}
    if large:
        whole = read(large)
        for name in large:
            frame[name] = whole.column(name).to_pandas(types_mapper=kinds.get).array
    return frame


def _parquet_batches(table: TableFiles, schema: "pa.Schema") -> Iterator["pa.RecordBatch"]:
    from pyarrow import dataset, parquet

    # Buffered beforehand a file is in memory whole; with threads Arrow runs ahead of a slow reader.
    options = dataset.ParquetFragmentScanOptions(pre_buffer=False)
    for fragment in parquet.ParquetDataset(table.path).fragments:
        yield from fragment.to_batches(
            schema=schema,
            batch_size=_BATCH_ROWS,
            batch_readahead=_READ_AHEAD,
            fragment_scan_options=options,
            use_threads=False,
        )


def _read_json(file: Path) -> "pa.Table":
    """Return a file of JSON lines as Arrow reads it; whole numbers that it makes floating point stay whole."""
    from pyarrow import compute, types
    from pyarrow import json as arrow_json

    with open_text(file) as stream:
        table = arrow_json.read_json(stream, read_options=arrow_json.ReadOptions(block_size=_BLOCK_BYTES))
    for place, field in enumerate(table.schema):
        if not types.is_floating(field.type):
            continue
        largest = compute.max(compute.abs(table.column(place))).as_py()
        whole = _whole_numbers(file, field.name) if largest is not None and largest >= _LARGE else None
        if whole is not None:
            table = table.set_column(place, field.name, whole)
    return table


def _whole_numbers(file: Path, name: str) -> "pa.Array | None":
    """Return a column of JSON lines as integers; None where one of its numbers has a fraction or an exponent."""
    from decimal import Decimal

    import pyarrow as pa

    numbers: list[int | None] = []
    with open_text(file) as stream:
        for line in stream.read().splitlines():
            number: Any = json.loads(line).get(name) if line.strip() else None
            if isinstance(number, float):
                return None
            if line.strip():
                numbers.append(number)
    known = [number for number in numbers if number is not None]
    if min(known) >= -(2**63) and max(known) < 2**63:
        return pa.array(numbers, pa.int64())
    if min(known) >= 0 and max(known) < 2**64:
        return pa.array(numbers, pa.uint64())
    if max(len(str(abs(number))) for number in known) > _DIGITS:
        return pa.array([None if number is None else str(number) for number in numbers])
    return pa.array([None if number is None else Decimal(number) for number in numbers], pa.decimal128(_DIGITS, 0))


def _refuse_repeated(schema: "pa.Schema") -> None:
    names: set[str] = set()
    for name in schema.names:
        if name in names:
            raise ValueError(f"the column name {name[:_SHOWN]!r} occurs twice")
        names.add(name)


def _shape_of_parquet(table: TableFiles, _: Reading) -> TableShape:
    from pyarrow import parquet

    # The class that pandas reads with: partition folders are columns here as there.
    found = parquet.ParquetDataset(table.path)
    _refuse_repeated(found.schema)
    return TableShape(schema=found.schema, rows=sum(fragment.count_rows() for fragment in found.fragments))


def _shape_of_feather(table: TableFiles, _: Reading) -> TableShape:
    from pyarrow import dataset

    found = dataset.dataset([str(file) for file in table.files], format="feather")
    _refuse_repeated(found.schema)
    return TableShape(schema=found.schema, rows=found.count_rows())


def _shape_of_json(table: TableFiles, _: Reading) -> TableShape:
    import pyarrow as pa

    found = [_read_json(file) for file in table.files]
    schema = pa.unify_schemas([each.schema for each in found], promote_options="permissive")
    return TableShape(schema=schema, rows=sum(each.num_rows for each in found))


def _shape_of_csv(table: TableFiles, reading: Reading) -> TableShape:
    found = [csv_shape(file, reading) for file in table.files]
    return TableShape(schema=merge_files(found, table.files, reading), rows=sum(each.rows for each in found))


_SHAPES: dict[str, Callable[[TableFiles, Reading], TableShape]] = {
    "parquet": _shape_of_parquet,
    "feather": _shape_of_feather,
    "jsonl": _shape_of_json,
    "csv": _shape_of_csv,
    "tsv": _shape_of_csv,
}


def _json_batches(file: Path) -> Iterator["pa.RecordBatch"]:
    yield from _read_json(file).to_batches(max_chunksize=_BATCH_ROWS)


def _conform(batch: "pa.RecordBatch", schema: "pa.Schema") -> "pa.RecordBatch":
    """The same rows with all columns of a folder's files, in order and type."""
    import pyarrow as pa

    if batch.schema.equals(schema):
        return batch
    names = batch.schema.names
    columns = [
        batch.column(field.name).cast(field.type) if field.name in names else pa.nulls(batch.num_rows, field.type)
        for field in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)
