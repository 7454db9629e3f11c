"""The profile of a table that a test makes, after a check of what holds for every profile."""

from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import feather

from lineage_pipelines.capture.tables.table_capture import capture_table
from lineage_pipelines.records.statement.profile import MAX_PROFILE_BYTES
from lineage_pipelines.records.values.canonical import canonical_bytes, parse_bytes

Facts = dict[str, Any]

_NUMBERS = {"min", "max", "mean", "std", "quantiles"}
_FIELDS = {
    "number": _NUMBERS | {"distinct", "histogram", "infinite", "values", "other"},
    "time": _NUMBERS | {"distinct", "histogram", "values", "other", "step", "hole"},
    "boolean": {"distinct", "values", "other"},
    "text": {"distinct", "empty", "min_bytes", "max_bytes", "mean_bytes", "values", "other", "formats"},
    "other": {"distinct"},
}


def profile_of(folder: Path, table: pa.Table) -> Facts:
    """The profile of a table, after a check of what holds for all."""
    path = folder / "t.feather"  # it keeps every type of Arrow as it is
    feather.write_feather(table, path)
    captured = capture_table(path, name="train")
    assert captured.gaps == ()
    assert captured.profile is not None
    assert len(captured.profile) <= MAX_PROFILE_BYTES
    profile: Facts = parse_bytes(captured.profile)  # type: ignore[assignment]
    assert canonical_bytes(profile) == captured.profile
    assert set(profile) - {"sampled", "duplicates", "rows_digest", "columns"} == {"version", "rows", "detail"}
    for column in profile.get("columns", []) if profile["detail"] < 4 else []:
        assert set(column) - _FIELDS[column["kind"]] - {"content"} == {"name", "type", "kind", "nulls"}
        if "values" in column:
            listed = sum(count for _, count in column["values"])
            assert listed + column["other"] + column["nulls"] + column.get("infinite", 0) == profile["rows"]
    return profile


def column_of(folder: Path, values: Any, kind: pa.DataType | None = None) -> Facts:
    array = values if isinstance(values, pa.Array) else pa.array(values, kind)
    facts: Facts = profile_of(folder, pa.table({"x": array}))["columns"][0]
    return facts
