"""Tables of the pipeline: strict CSV in, Parquet out, with the same bytes for the same rows.

Parquet is written by one thread with every choice fixed and without pandas' own metadata; its bytes depend on the
rows, their order, the schema and the release of pyarrow.
"""

import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_pipelines import DatasetError

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_ROWS_PER_GROUP = 65_536
DELIVER = "python -m lineage_pipelines.flights deliver --through"
"""What a person types to deliver data, before the month."""
_REDELIVER = f"deliver the file again: {DELIVER} MONTH"


def read_csv(path: Path, types: Mapping[str, str]) -> "pa.Table":
    """Read a CSV whose header is exactly the columns of `types`, `NA` for a missing value.

    Args:
        path: the file.
        types: Arrow's type names by column, in the header's order; `utc` is a time with its zone.

    Raises:
        DatasetError: the file is missing, its header differs, or a value is not of its column's type.
    """
    import pyarrow as pa
    from pyarrow import csv

    _check_header(path, list(types))
    convert = csv.ConvertOptions(
        column_types={name: _arrow_type(kind) for name, kind in types.items()},
        null_values=["NA"],
        strings_can_be_null=True,
    )
    try:
        # One thread, so that an error names the row.
        return csv.read_csv(path, csv.ReadOptions(use_threads=False), convert_options=convert)
    except pa.ArrowInvalid as error:
        raise DatasetError(f"not the table that it should be: {error}", where=str(path), fix=_REDELIVER) from error


def _arrow_type(kind: str) -> "pa.DataType":
    import pyarrow as pa

    return pa.timestamp("ms", "UTC") if kind == "utc" else pa.type_for_alias(kind)


def _check_header(path: Path, expected: list[str]) -> None:
    try:
        with path.open(encoding="utf-8") as file:
            header = file.readline().rstrip("\n").split(",")
    except (OSError, UnicodeError) as error:
        raise DatasetError(f"the table cannot be read: {error}", where=str(path), fix=_REDELIVER) from error
    if header != expected:
        differ = sorted(set(header) ^ set(expected)) or ["their order"]
        raise DatasetError(f"other columns than expected: {', '.join(differ)}", where=str(path), fix=_REDELIVER)


def read_table(path: Path) -> "pa.Table":
    """Read a Parquet table of an earlier stage.

    Raises:
        DatasetError: it is missing or unreadable.
    """
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_table(path)
    except (OSError, pa.ArrowException) as error:
        raise DatasetError(f"the table cannot be read: {error}", where=str(path), fix="dvc repro") from error


def read_frame(path: Path) -> "pd.DataFrame":
    """Read a Parquet table of an earlier stage as a frame.

    Raises:
        DatasetError: it is missing or unreadable.
    """
    frame: pd.DataFrame = read_table(path).to_pandas()
    return frame


def write_frame(frame: "pd.DataFrame", types: Mapping[str, str], path: Path) -> None:
    """Write the columns of `types` from a frame, in that order, without its index.

    Raises:
        DatasetError: a value does not fit its column's type, or the file cannot be written.
    """
    import pyarrow as pa

    schema = pa.schema([(name, _arrow_type(kind)) for name, kind in types.items()])
    try:
        table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False, nthreads=1)
    except (pa.ArrowException, KeyError) as error:
        raise DatasetError(f"a column is not what it should be: {error}", where=str(path)) from error
    write_table(table.replace_schema_metadata(None), path)


def write_table(table: "pa.Table", path: Path) -> None:
    """Write a table as Parquet, whole or not at all.

    Raises:
        DatasetError: the file cannot be written.
    """
    from pyarrow import parquet

    fixed: dict[str, Any] = {
        "version": "2.6",
        "compression": "zstd",
        "compression_level": 3,
        "row_group_size": _ROWS_PER_GROUP,
    }
    write_whole(path, lambda fresh: parquet.write_table(table.combine_chunks(), fresh, **fixed))


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file atomically: in a folder beside it, then moved into place.

    Raises:
        DatasetError: the file cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".writing-", dir=path.parent) as folder:
            fresh = Path(folder) / path.name
            write(fresh)
            fresh.replace(path)
    except OSError as error:
        raise DatasetError(f"the file cannot be written: {error}", where=str(path)) from error
