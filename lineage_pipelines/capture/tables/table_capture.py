"""Table capture: what the tables in files look like, for the record, and the tables as data frames, for training.

A file that is not a table is not described; what should be one and cannot be read is a gap, and never fails a run.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.capture.gaps import Gaps
from lineage_pipelines.capture.tables.profile import profile_table_files
from lineage_pipelines.capture.tables.table_files import (
    TABLE_SUFFIXES,
    TableFiles,
    TableShape,
    find_table,
    open_text,
    read_feather,
    read_json,
    read_shape,
    refuse_pointers,
)
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records.statement.dataset import Column

if TYPE_CHECKING:
    import pandas as pd

__all__ = [
    "TABLE_SUFFIXES",
    "CapturedTable",
    "TableFacts",
    "capture_table",
    "describe_table",
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
    """In the table's own order; types as Arrow names them, of CSV and JSON lines as Arrow infers them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CapturedTable:
    """What is recorded of a table."""

    facts: TableFacts | None = None
    """None when it is not a table, or none that can be read."""
    profile: bytes | None = None
    gaps: Gaps = ()


def capture_table(path: Path, *, name: str) -> CapturedTable:
    """Return facts and profile of an input in one reading, and what is missing. Never raises for what it finds.

    Args:
        path: a file or folder.
        name: the input's name, for the gap: `data.train.schema: …`.
    """
    try:
        with _capture_errors(path):
            table = find_table(path)
            if table is None:
                return CapturedTable()
            shape = read_shape(table)
            return CapturedTable(facts=_facts(shape), profile=profile_table_files(table, shape))
    except CaptureError as error:
        return CapturedTable(gaps=(f"data.{name}.schema: {error.what}",))


def describe_table(path: Path) -> TableFacts | None:
    """Return rows and columns of a table; None when the path is not a table, or none that can be read.

    Of Parquet and Feather only footers are read.
    """
    try:
        with _capture_errors(path):
            table = find_table(path)
            return _facts(read_shape(table)) if table is not None else None
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
        refuse_pointers(table)
        return _read_pandas(table)


def _facts(shape: TableShape) -> TableFacts:
    columns = tuple(Column(name=field.name, type=str(field.type), nullable=field.nullable) for field in shape.schema)
    if any("\0" in column.name + column.type for column in columns):  # which no record can hold
        raise ValueError("a column's name holds NUL")
    return TableFacts(rows=shape.rows, columns=columns)


def _read_pandas(table: TableFiles) -> "pd.DataFrame":
    import pandas as pd

    if table.kind == "parquet":
        return pd.read_parquet(table.path)
    parts = [_read_file(file, table.kind) for file in table.files]
    return parts[0] if len(parts) == 1 else pd.concat(parts, ignore_index=True)


def _read_file(file: Path, kind: str) -> "pd.DataFrame":
    import pandas as pd

    if kind in ("feather", "jsonl"):  # pandas' own reader of JSON makes numbers and dates of text that looks like them
        frame: pd.DataFrame = (read_feather(file) if kind == "feather" else read_json(file)).to_pandas()
        return frame
    with open_text(file) as stream:
        return pd.read_csv(stream, sep="\t" if kind == "tsv" else ",", low_memory=False)


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
    return "".join(letter if letter.isprintable() else "?" for letter in _QUOTED.sub(r"\1 …", first)[:200])
