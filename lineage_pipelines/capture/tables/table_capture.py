"""Table capture: what the tables in files look like, for the record, and the tables as data frames, for training.

A file that is not a table is not described; what should be one and cannot be read is a gap, and never fails a run.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.capture.gaps import Gaps
from lineage_pipelines.capture.tables.csv_reader import csv_batches, find_oddities
from lineage_pipelines.capture.tables.profile import profile_batches
from lineage_pipelines.capture.tables.table_files import TABLE_SUFFIXES, TableFiles, find_table
from lineage_pipelines.capture.tables.table_reader import (
    TableShape,
    default_reading,
    read_batches,
    read_frame,
    read_shape,
)
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records.statement.dataset import Column, Grade, Reading

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

__all__ = [
    "TABLE_SUFFIXES",
    "CapturedTable",
    "TableFacts",
    "capture_frame",
    "capture_table",
    "describe_table",
    "open_rows",
    "read_table",
]
_FIX = f"use one of {', '.join(sorted(TABLE_SUFFIXES))}, or take the input as a pathlib.Path and read it yourself"
# What readers quote of the data at the end of their messages; gaps are recorded, and no row of a table is (law 10).
_QUOTED = re.compile(r"(got [0-9]+:|invalid value|Failed to parse string:|(?:Integer|Float) value) .*")


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """What a table looks like."""

    rows: int
    columns: tuple[Column, ...]
    """In the table's own order; types as Arrow names them, of CSV as pandas infers them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedTable:
    """What is recorded of a table."""

    facts: TableFacts | None = None
    """None when it is not a table, or none that can be read."""
    profile: bytes | None = None
    gaps: Gaps = ()
    reading: Reading | None = None
    """None where `facts` is."""


def capture_table(path: Path, *, name: str) -> CapturedTable:
    """Return facts and profile of an input, as read by default, and what is missing. Never raises for what it finds.

    Args:
        path: a file or folder.
        name: the input's name, for the gap: `data.train.schema: …`.
    """
    return _captured(path, name, lambda table: _describe(table, default_reading(table, Grade.INFERRED)))


def capture_frame(path: Path, *, name: str) -> "tuple[pd.DataFrame, CapturedTable]":
    """Return an input as the table that training gets, and what `capture_table` does, of that very table.

    Raises:
        CaptureError: it is not a table, or cannot be read.
    """
    frame = read_table(path)
    return frame, _captured(path, name, lambda table: _describe_frame(table, frame))


def _captured(path: Path, name: str, describe: Callable[[TableFiles], CapturedTable]) -> CapturedTable:
    try:
        with _capture_errors(path):
            table = find_table(path)
            found = describe(table) if table is not None else CapturedTable()
    except CaptureError as error:
        return CapturedTable(gaps=(f"data.{name}.schema: {error.what}",))
    return replace(found, gaps=tuple(f"data.{name}.schema: {gap}" for gap in found.gaps))


def _describe(table: TableFiles, reading: Reading) -> CapturedTable:
    shape = read_shape(table, reading)
    profile = profile_batches(read_batches(table, reading, shape.schema), shape)
    return CapturedTable(facts=_facts(shape), profile=profile, gaps=_oddities(table, reading), reading=reading)


def _describe_frame(table: TableFiles, frame: "pd.DataFrame") -> CapturedTable:
    reading = default_reading(table, Grade.CAPTURED)
    if reading.reader != "pandas" or len(table.files) > 1:
        return _describe(table, reading)
    schema, batches = csv_batches(frame, table.files[0], reading)
    shape = TableShape(schema=schema, rows=len(frame))
    profile = profile_batches(batches, shape)
    return CapturedTable(facts=_facts(shape), profile=profile, gaps=_oddities(table, reading), reading=reading)


def _oddities(table: TableFiles, reading: Reading) -> Gaps:
    if reading.reader != "pandas":
        return ()
    return tuple(dict.fromkeys(_printable(gap) for file in table.files for gap in find_oddities(file, reading)))


def describe_table(path: Path) -> TableFacts | None:
    """Return rows and columns of a table; None when the path is not a table, or none that can be read.

    Of Parquet and Feather only footers are read.
    """
    try:
        with _capture_errors(path):
            table = find_table(path)
            if table is None:
                return None
            return _facts(read_shape(table, default_reading(table, Grade.INFERRED)))
    except CaptureError:
        return None


def read_table(path: Path) -> "pd.DataFrame":
    """Return a table whole, as pandas reads its format; the files of a folder one after the other, by name.

    Raises:
        CaptureError: it is not a table, or cannot be read.
    """
    table = find_table(path)
    if table is None:
        raise CaptureError("not a table", where=path.name, fix=_FIX)
    with _capture_errors(path):
        return read_frame(table, default_reading(table, Grade.CAPTURED))


def open_rows(path: Path) -> "tuple[pa.Schema, Callable[[], Iterator[pa.RecordBatch]]]":
    """Return the columns of a table, and what reads its rows, in order and as often as it is called.

    Raises:
        CaptureError: it is not a table, or cannot be read.
    """
    table = find_table(path)
    if table is None:
        raise CaptureError("not a table", where=path.name, fix=_FIX)
    reading = default_reading(table, Grade.CAPTURED)
    with _capture_errors(path):
        schema = read_shape(table, reading).schema
    return schema, lambda: read_batches(table, reading, schema)


def _facts(shape: TableShape) -> TableFacts:
    columns = tuple(Column(name=field.name, type=str(field.type), nullable=field.nullable) for field in shape.schema)
    if any("\0" in column.name + column.type for column in columns):  # which no record can hold
        raise ValueError("a column's name holds NUL")
    return TableFacts(rows=shape.rows, columns=columns)


@contextmanager
def _capture_errors(path: Path) -> Iterator[None]:
    """Turn an error of a reader into a CaptureError."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, ValueError, OSError, KeyError, TypeError) as error:
        raise CaptureError(f"cannot be read as a table: {_reason(error, path)}", where=path.name, fix=_FIX) from error


def _reason(error: Exception, path: Path) -> str:
    """The first line of a message without this machine's paths, values of the table, and what no record can hold."""
    first = next(iter(str(error).splitlines()), "unreadable").replace(str(path), path.name)
    return _printable(_QUOTED.sub(r"\1 …", first)[:200])


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
