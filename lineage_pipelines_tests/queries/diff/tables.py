"""Records over small tables, with the profiles that would have been recorded: what tests of the data's diff need."""

import dataclasses
import hashlib
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import feather, parquet

from lineage_pipelines.capture.tables.table_capture import capture_table
from lineage_pipelines.queries.diff.changes import DatasetChange
from lineage_pipelines.queries.diff.data.dataset_changes import Ways, compare_datasets
from lineage_pipelines.queries.diff.rows.row_change import RowChange
from lineage_pipelines.queries.diff.rows.row_changes import compare_rows
from lineage_pipelines.queries.diff.stored_tables import OpenTable
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import Digest, DigestSet
from lineage_pipelines_tests.samples import make_record


def write_table(table: pa.Table, path: Path) -> None:
    """Write a table in the format that the suffix says."""
    if path.suffix == ".parquet":
        parquet.write_table(table, path)
    else:
        feather.write_feather(table, path)  # it keeps every type of Arrow as it is


class Stored:
    """A store of profiles."""

    def __init__(self) -> None:
        self.blobs: dict[Digest, bytes] = {}
        self.read: list[Digest] = []

    def __call__(self, digest: Digest) -> bytes | None:
        self.read.append(digest)
        return self.blobs.get(digest)

    def snapshot(
        self, table: pa.Table | dict[str, Any], name: str = "train", *, suffix: str = "feather", **facts: Any
    ) -> DatasetSnapshot:
        """Capture a table as training would."""
        table = pa.table(table) if isinstance(table, dict) else table
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"t.{suffix}"
            write_table(table, path)
            captured = capture_table(path, name=name)
            data = path.read_bytes()
        assert captured.facts is not None
        assert captured.profile is not None
        profile = Digest.of(captured.profile)
        self.blobs[profile] = captured.profile
        said = {
            "name": name,
            "role": name,
            "path": f"data/{name}.feather",
            "digest": DigestSet(md5=hashlib.md5(data).hexdigest(), sha256=hashlib.sha256(data).hexdigest()),
            "size": len(data),
            "files": 1,
            "rows": captured.facts.rows,
            "schema": captured.facts.columns,
            "profile": profile,
        }
        return DatasetSnapshot(**{**said, **facts})


def record(*data: DatasetSnapshot) -> LineageRecord:
    """Return a record that was trained on some data."""
    return dataclasses.replace(make_record(), data=data)


def compare(before: pa.Table | dict[str, Any], after: pa.Table | dict[str, Any]) -> DatasetChange:
    """Compare two tables by their profiles."""
    stored = Stored()
    (change,) = compare_datasets(record(stored.snapshot(before)), record(stored.snapshot(after)), Ways(blobs=stored))
    return change


def open_table(table: pa.Table, size: int = 150) -> OpenTable:
    """Open a table as if it were read from a file, in batches."""
    return OpenTable(table.schema, lambda: iter(table.to_batches(max_chunksize=size)))


def compare_frames(before: pd.DataFrame, after: pd.DataFrame, **ways: Any) -> RowChange:
    """Compare two tables row by row."""
    first, second = (open_table(pa.Table.from_pandas(each, preserve_index=False)) for each in (before, after))
    return compare_rows(first, second, {name: name for name in after.columns if name in before.columns}, **ways)
