"""Files as tables: Parquet, CSV, JSON lines and Feather, or a folder of one of them.

What is no table, or cannot be read as one, is simply not described as one; that never fails a run.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records import Column

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa
    from pyarrow import dataset as ds

_FORMATS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".jsonl": "json",
    ".ndjson": "json",
    ".feather": "feather",
    ".arrow": "feather",
}
_COMPRESSIONS = {".gz", ".bz2", ".zst"}
TABLE_SUFFIXES = frozenset(_FORMATS)
"""Suffixes of files that are read as tables; `.gz`, `.bz2` and `.zst` may follow."""
_FIX = f"use one of {', '.join(sorted(TABLE_SUFFIXES))}, or take the input as a pathlib.Path and read it yourself"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFacts:
    """What a table looks like."""

    rows: int
    columns: tuple[Column, ...]
    """In the table's own order."""


def table_suffix(path: Path) -> str | None:
    """Return the suffix that says how a file or folder is read as a table; None when it is none."""
    if path.is_dir():
        kinds = {_file_suffix(file) for file in _members(path)}
        return kinds.pop() if len(kinds) == 1 else None
    return _file_suffix(path)


def _file_suffix(path: Path) -> str | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if suffixes and suffixes[-1] in _COMPRESSIONS:
        suffixes.pop()
    return suffixes[-1] if suffixes and suffixes[-1] in TABLE_SUFFIXES else None


def _members(folder: Path) -> list[Path]:
    # Dot and underscore files are notes beside the data (_SUCCESS, .gitignore), as Spark and Arrow have it.
    return sorted(p for p in folder.rglob("*") if p.is_file() and not p.name.startswith((".", "_")))


def describe_table(path: Path) -> TableFacts | None:
    """Return rows and columns of a table; None when the path is no readable table.

    Of a Parquet file only the footer is read; other formats are streamed.
    """
    try:
        with _told(path):
            found = _dataset(path)
            if found is None:
                return None
            columns = tuple(Column(name=f.name, type=str(f.type), nullable=f.nullable) for f in found.schema)
            return TableFacts(rows=found.count_rows(), columns=columns)
    except CaptureError:
        return None


def read_arrow(path: Path) -> "pa.Table | None":
    """Return a table as Arrow reads it; None when the path is no table.

    Raises:
        CaptureError: it cannot be read.
    """
    with _told(path):
        found = _dataset(path)
        return None if found is None else found.to_table()


def read_table(path: Path) -> "pd.DataFrame":
    """Return a table whole, as pandas reads its format.

    Raises:
        CaptureError: it is no table, or cannot be read.
    """
    suffix = table_suffix(path)
    if suffix is None:
        raise CaptureError("not a table", where=path.name, fix=_FIX)
    with _told(path):
        return _read_pandas(path, suffix)


def _read_pandas(path: Path, suffix: str) -> "pd.DataFrame":
    import pandas as pd

    if path.is_dir():
        parts = [_read_pandas(file, suffix) for file in _members(path)]
        return pd.concat(parts, ignore_index=True)
    kind = _FORMATS[suffix]
    if kind == "csv":
        return pd.read_csv(path, sep="\t" if suffix == ".tsv" else ",")
    if kind == "json":
        return pd.read_json(path, lines=True)
    return pd.read_parquet(path) if kind == "parquet" else pd.read_feather(path)


def _dataset(path: Path) -> "ds.Dataset | None":
    from pyarrow import csv
    from pyarrow import dataset as ds

    suffix = table_suffix(path)
    if suffix is None:
        return None
    kind: object = _FORMATS[suffix]
    if suffix == ".tsv":
        kind = ds.CsvFileFormat(parse_options=csv.ParseOptions(delimiter="\t"))
    files: Sequence[Path] = _members(path) if path.is_dir() else [path]
    return ds.dataset([str(file) for file in files], format=kind)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Turn a reader's error into ours."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, ValueError, OSError, UnicodeError) as error:
        first = (str(error).splitlines() or ["unreadable"])[0]
        raise CaptureError(f"cannot be read as a table: {first[:200]}", where=path.name, fix=_FIX) from error
