"""Table files: which files are a table, and their columns and rows as Arrow reads them.

Of Parquet and Feather only the footers are read to know rows and columns; CSV and JSON lines are read once.
"""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.errors import CaptureError

if TYPE_CHECKING:
    import pyarrow as pa
    from pyarrow import csv

_KINDS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".feather": "feather",
    ".arrow": "feather",
}
TABLE_SUFFIXES = frozenset(_KINDS)
"""Suffixes of the files that are read as tables. After those of text formats, `.gz`, `.bz2` or `.zst` may follow."""
_COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_TEXT = frozenset(("csv", "tsv", "jsonl"))
_BATCH_ROWS = 128 * 1024
_READ_AHEAD = 2
"""Batches that are decoded before they are asked for: Arrow's own 16 take half a gigabyte of a table of few columns."""
_BLOCK_BYTES = 4 * 1024 * 1024
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFiles:
    """The files of one table."""

    path: Path
    """The file, or the folder that holds them all."""
    kind: str
    """`parquet`, `csv`, `tsv`, `jsonl` or `feather`."""
    files: tuple[Path, ...]
    """Sorted by path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TableShape:
    """Columns and rows."""

    schema: "pa.Schema"
    rows: int


def find_table(path: Path) -> TableFiles | None:
    """Return the files of a table, or None when the path is not a table by its name.

    A folder is a table when every file in it has one format; names that begin with a dot or an underscore are notes
    beside the data (`_SUCCESS`, `.gitignore`) and do not count.
    """
    if path.is_file():
        kind = _kind(path.name)
        return TableFiles(path=path, kind=kind, files=(path,)) if kind is not None else None
    found: dict[Path, str] = {}
    for file in _members(path):
        kind = _kind(file.name)
        if kind is None or kind != found.setdefault(file, next(iter(found.values()), kind)):
            return None  # at the first odd file; a folder of a million pictures is not walked to its end
    return TableFiles(path=path, kind=next(iter(found.values())), files=tuple(sorted(found))) if found else None


def _kind(name: str) -> str | None:
    stem, suffix = os.path.splitext(name.lower())  # noqa: PTH122  # a name; a folder may have a million
    if suffix in _COMPRESSED:
        kind = _KINDS.get(os.path.splitext(stem)[1])  # noqa: PTH122  # a name; a folder may have a million
        return kind if kind in _TEXT else None
    return _KINDS.get(suffix)


def _members(folder: Path) -> Iterator[Path]:
    for each, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] not in "._"]
        yield from (Path(each) / name for name in names if name[0] not in "._")


def read_shape(table: TableFiles) -> TableShape:
    """Return the columns and the number of rows.

    Raises:
        CaptureError: a file is a Git LFS pointer.
        pyarrow.ArrowException, OSError, ValueError: a file cannot be read.
    """
    refuse_pointers(table)
    if table.kind == "parquet":
        return _shape_of_parquet(table)
    if table.kind == "feather":
        return _shape_of_feather(table)
    import pyarrow as pa

    shapes = [
        _shape_of_json(file) if table.kind == "jsonl" else _shape_of_csv(file, table.kind) for file in table.files
    ]
    schemas = [shape.schema for shape in shapes]
    schema = schemas[0] if len(schemas) == 1 else pa.unify_schemas(schemas, promote_options="permissive")
    return TableShape(schema=schema, rows=sum(shape.rows for shape in shapes))


def read_batches(table: TableFiles, schema: "pa.Schema") -> Iterator["pa.RecordBatch"]:
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
        read = _json_batches if table.kind == "jsonl" else lambda file: _csv_batches(file, table.kind, schema)
        for file in table.files:
            for batch in read(file):
                yield _conform(batch, schema)


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


def read_json(file: Path) -> "pa.Table":
    """Return a file of JSON lines as Arrow reads it."""
    from pyarrow import json

    with open_text(file) as stream:
        return json.read_json(stream, read_options=json.ReadOptions(block_size=_BLOCK_BYTES))


def read_feather(file: Path) -> "pa.Table":
    """Return a Feather file, with every offset and text in it checked."""
    from pyarrow import feather

    table = feather.read_table(file)
    table.validate(full=True)
    return table


def open_text(file: Path) -> "pa.NativeFile":
    """Open a file of text, decompressed as its suffix says; Arrow's own guess knows lower case only."""
    import pyarrow as pa

    return pa.input_stream(str(file), compression=_COMPRESSED.get(file.suffix.lower()))


def refuse_pointers(table: TableFiles) -> None:
    """Look at the first bytes of each file.

    Raises:
        CaptureError: a file is a Git LFS pointer, which as CSV would be a table of two rows.
    """
    for file in table.files:
        with file.open("rb") as stream:
            if stream.read(len(_LFS_POINTER)) == _LFS_POINTER:
                raise CaptureError("a Git LFS pointer, not the data", where=file.name, fix="run `git lfs pull`")


def _shape_of_parquet(table: TableFiles) -> TableShape:
    from pyarrow import parquet

    # The class that pandas reads with: partition folders are columns here as there.
    found = parquet.ParquetDataset(table.path)
    return TableShape(schema=found.schema, rows=sum(fragment.count_rows() for fragment in found.fragments))


def _shape_of_feather(table: TableFiles) -> TableShape:
    from pyarrow import dataset

    found = dataset.dataset([str(file) for file in table.files], format="feather")
    return TableShape(schema=found.schema, rows=found.count_rows())


def _shape_of_json(file: Path) -> TableShape:
    found = read_json(file)
    return TableShape(schema=found.schema, rows=found.num_rows)


def _shape_of_csv(file: Path, kind: str) -> TableShape:
    """By streaming, which knows only the first block's types; whole where a later block has others."""
    import pyarrow as pa
    from pyarrow import csv

    try:
        with open_text(file) as stream, csv.open_csv(stream, **_csv_options(kind)) as reader:
            return TableShape(schema=reader.schema, rows=sum(batch.num_rows for batch in reader))
    except pa.ArrowInvalid:
        with open_text(file) as stream:
            found = csv.read_csv(stream, **_csv_options(kind))
        return TableShape(schema=found.schema, rows=found.num_rows)


def _csv_batches(file: Path, kind: str, schema: "pa.Schema") -> Iterator["pa.RecordBatch"]:
    from pyarrow import csv

    with open_text(file) as stream, csv.open_csv(stream, **_csv_options(kind, schema)) as reader:
        yield from reader


def _json_batches(file: Path) -> Iterator["pa.RecordBatch"]:
    yield from read_json(file).to_batches(max_chunksize=_BATCH_ROWS)


def _csv_options(kind: str, schema: "pa.Schema | None" = None) -> "dict[str, csv.ReadOptions]":
    from pyarrow import csv

    types = {field.name: field.type for field in schema} if schema is not None else None
    return {
        "read_options": csv.ReadOptions(block_size=_BLOCK_BYTES),
        "parse_options": csv.ParseOptions(delimiter="\t" if kind == "tsv" else ",", newlines_in_values=True),
        # As pandas has it: an empty field is a missing value, of text too.
        "convert_options": csv.ConvertOptions(column_types=types, strings_can_be_null=True),
    }


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
