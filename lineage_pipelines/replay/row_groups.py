"""Row groups: a dataset's change in parts, by month or by the values of a column, or else by column.

A table in between has the new rows of some groups and the old rows of the others, or the new values of some columns.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables.table_capture import read_table
from lineage_pipelines.datasets.content.cache_layout import object_place
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.data_state import StoredState
from lineage_pipelines.datasets.workspace.sandbox_cache import provision
from lineage_pipelines.errors import LineageError
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.replay.sandbox import named_data

if TYPE_CHECKING:
    import pandas as pd

_MOST_GROUPS = 400
_MOST_PARTS = 8
BY_COLUMNS = ""
"""In place of a column's name: what is divided are the columns."""
_SUFFIXES = (".parquet", ".csv", ".tsv")


class NoTableError(LineageError):
    """Data that cannot be read as one table."""


@dataclass(frozen=True, slots=True)
class Division:
    """By which column two tables are divided, and the groups whose rows differ."""

    column: str
    """`BY_COLUMNS` where the same rows have other values in some columns: the groups are these columns."""
    groups: tuple[str, ...]


def fetch_table(data: DatasetSnapshot, project_dir: Path, folder: Path) -> Path:
    """Put a dataset that is one file into a folder, under its own name.

    Raises:
        NoTableError: it is a folder, of another format, or gone.
    """
    wanted = named_data(data)
    if wanted.md5.endswith(".dir") or Path(data.path).suffix not in _SUFFIXES:
        raise NoTableError(f"{data.path} is not one file of a table", fix=f"use one of: {', '.join(_SUFFIXES)}")
    (found,) = provision(DvcProject(project_dir), [wanted], folder / "cache", copies=True)
    if found.state is not StoredState.EQUAL:
        raise NoTableError(f"{data.path} is {found.state}: {found.words}")
    path = folder / Path(data.path).name
    shutil.copyfile(object_place(folder / "cache", wanted.md5, wanted.hash_name), path)
    return path


def divide(before: Path, after: Path) -> Division | None:
    """Return the column by which the fewest rows are in groups that differ, if two to eight groups do.

    Times count by month. Where no column divides the change, and the tables have as many rows, the columns that differ
    do, two to eight of them. None where the tables have other columns, or nothing divides the change.

    Raises:
        CaptureError: a file is no table.
    """
    old, new = read_table(before), read_table(after)
    if list(old.columns) != list(new.columns):
        return None
    hashes = _row_hashes(old), _row_hashes(new)
    found = [each for name in old.columns if (each := _differing(old, new, name, hashes)) is not None]
    best = min(found, key=lambda each: (each[0], len(each[1].groups)), default=None)
    return best[1] if best else _by_columns(old, new)


def write_between(before: Path, after: Path, column: str, groups: Sequence[str], into: Path) -> Path:
    """Write the table with the new rows (or columns) of some groups, and the old ones of all others; return its path.

    Raises:
        CaptureError: a file is no table.
    """
    import pandas as pd

    old, new = read_table(before), read_table(after)
    if column == BY_COLUMNS:
        table = old.assign(**{name: new[name] for name in groups})
    else:
        kept = old[~_labels(old[column]).isin(groups)]
        taken = new[_labels(new[column]).isin(groups)]
        table = pd.concat([kept, taken], ignore_index=True)
    path = into / after.name
    if after.suffix == ".parquet":
        table.to_parquet(path, index=False)
    else:
        table.to_csv(path, index=False, sep="\t" if after.suffix == ".tsv" else ",")
    return path


def _by_columns(old: "pd.DataFrame", new: "pd.DataFrame") -> Division | None:
    if len(old) != len(new):
        return None
    other = tuple(str(name) for name in old.columns if not old[name].equals(new[name]))
    return Division(BY_COLUMNS, other) if 2 <= len(other) <= _MOST_PARTS else None  # noqa: PLR2004  # one is the dataset


def _labels(column: "pd.Series[Any]") -> "pd.Series[str]":
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        months: pd.Series[str] = column.dt.strftime("%Y-%m").fillna("missing")
        return months
    labels: pd.Series[str] = column.astype("string").fillna("missing")
    return labels


def _row_hashes(table: "pd.DataFrame") -> "pd.Series[int]":
    import pandas as pd

    return pd.util.hash_pandas_object(table, index=False)


def _differing(
    old: "pd.DataFrame", new: "pd.DataFrame", name: str, hashes: "tuple[pd.Series[int], pd.Series[int]]"
) -> tuple[int, Division] | None:
    """Return how many rows are in the groups of a column that differ, and those; None where it divides nothing."""
    import pandas as pd

    if pd.api.types.is_float_dtype(old[name]) or max(old[name].nunique(), new[name].nunique()) > _MOST_GROUPS:
        return None
    sums, counts = zip(
        *(_by_group(table[name], each) for table, each in zip((old, new), hashes, strict=True)), strict=True
    )
    groups = sorted({*sums[0], *sums[1]})
    other = tuple(group for group in groups if sums[0].get(group) != sums[1].get(group))
    # One group is the dataset itself, and a column all of whose groups differ has nothing to do with it.
    if not 2 <= len(other) <= min(_MOST_PARTS, len(groups) - 1):  # noqa: PLR2004
        return None
    rows = sum(max(count.get(group, 0) for count in counts) for group in other)
    return rows, Division(name, other)


def _by_group(column: "pd.Series[Any]", hashes: "pd.Series[int]") -> tuple[Mapping[str, int], Mapping[str, int]]:
    """A sum that does not depend on the rows' order, and the number of rows, by group."""
    labels = _labels(column)
    grouped = hashes.groupby(labels.to_numpy())
    sums, sizes = grouped.sum(), grouped.size()
    return (
        {str(group): int(value) for group, value in sums.items()},
        {str(group): int(value) for group, value in sizes.items()},
    )
