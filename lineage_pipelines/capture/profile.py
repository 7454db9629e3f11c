"""The profile of a table: enough to compare two snapshots later without their data, and no row of them.

A blob of canonical JSON, at most 64 kB, the same bytes for the same table:

    {"version": 1, "rows": 1000, "duplicates": 3, "detail": "full" | "short" | "counts",
     "columns": {"temp": {"type": "double", "nulls": 2, "distinct": 173,
                          "min": 10.9, "max": 98.1, "mean": 55.2, "std": 17.8,
                          "quantiles": [...21 values, 0 % to 100 % in steps of 5 %...],
                          "counts": [...20 counts between "min" and "max", equal width...]},
                 "origin": {"type": "string", "nulls": 0, "distinct": 3,
                            "values": {"EWR": 117127, "JFK": 109079, "LGA": 102245}}}}

Numbers (dates and times as seconds since 1970) have range, moments, quantiles (for Kolmogorov–Smirnov) and a histogram
(for the population stability index). Columns of at most 50 distinct values have their counts (for chi-square); values
of columns with more are never kept: they could be somebody. Wide tables give up detail in this order: quantiles and
histograms ("short"), then everything but nulls and distinct counts ("counts"), then the last columns ("omitted").
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_pipelines.capture.tables import read_arrow
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records import canonical_bytes

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    import pyarrow as pa

MOST_BYTES = 64_000
_MOST_VALUES = 50
_MOST_TEXT = 64
_BINS = 20
_STEPS = 21
_DIGITS = 12
"""Significant digits kept of a derived number, fewer than what the order of summation can change."""
_SHORT_DROPS = ("quantiles", "counts")
_COUNTS_KEEPS = ("type", "nulls", "distinct")


def profile_table(path: Path) -> bytes | None:
    """Return the profile of a table; None when the path is no readable table."""
    try:
        table = read_arrow(path)
    except CaptureError:
        return None
    return None if table is None else _fit(_profile(table))


def _profile(table: "pa.Table") -> dict[str, Any]:
    frame = table.to_pandas()
    columns = {name: _column(table.schema.field(i), frame.iloc[:, i]) for i, name in enumerate(table.column_names)}
    return {
        "version": 1,
        "rows": table.num_rows,
        "duplicates": _duplicates(frame),
        "detail": "full",
        "columns": columns,
    }


def _duplicates(frame: "pd.DataFrame") -> int | None:
    import pandas as pd

    try:
        hashes = pd.util.hash_pandas_object(frame, index=False)
    except TypeError:  # lists and structs have no hash
        return None
    return int(hashes.duplicated().sum())


def _column(field: "pa.Field", values: "pd.Series[Any]") -> dict[str, Any]:
    facts: dict[str, Any] = {"type": str(field.type), "nulls": int(values.isna().sum())}
    try:
        counts = values.value_counts(dropna=True)
    except TypeError:
        return facts
    facts["distinct"] = len(counts)
    numbers = _numbers(values)
    if numbers is not None and numbers.size:
        facts |= _distribution(numbers)
    if len(counts) <= _MOST_VALUES:
        facts["values"] = {str(value)[:_MOST_TEXT]: int(n) for value, n in counts.items()}
    return facts


def _numbers(values: "pd.Series[Any]") -> "np.ndarray[Any, Any] | None":
    import numpy as np
    import pandas as pd

    if pd.api.types.is_bool_dtype(values.dtype):
        return None
    if pd.api.types.is_datetime64_any_dtype(values.dtype):
        epoch = pd.Timestamp(0, tz=values.dt.tz)
        numbers = ((values - epoch) / pd.Timedelta(seconds=1)).to_numpy(dtype="float64")
    elif pd.api.types.is_numeric_dtype(values.dtype):
        numbers = values.to_numpy(dtype="float64", na_value=math.nan)
    else:
        return None
    return numbers[np.isfinite(numbers)]


def _distribution(numbers: "np.ndarray[Any, Any]") -> dict[str, Any]:
    import numpy as np

    low, high = float(numbers.min()), float(numbers.max())
    counts = np.histogram(numbers, bins=_BINS, range=(low, high))[0] if high > low else [numbers.size]
    return {
        "min": low,
        "max": high,
        "mean": _plain(float(numbers.mean())),
        "std": _plain(float(numbers.std())),
        "quantiles": [_plain(float(q)) for q in np.quantile(numbers, np.linspace(0, 1, _STEPS))],
        "counts": [int(count) for count in counts],
    }


def _plain(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None


def _fit(profile: dict[str, Any]) -> bytes:
    """Give up detail, step by step, until the profile is small enough."""
    data = canonical_bytes(profile)
    if len(data) > MOST_BYTES:
        columns = {n: {k: v for k, v in c.items() if k not in _SHORT_DROPS} for n, c in profile["columns"].items()}
        data = canonical_bytes({**profile, "detail": "short", "columns": columns})
    if len(data) > MOST_BYTES:
        columns = {n: {k: c[k] for k in _COUNTS_KEEPS if k in c} for n, c in profile["columns"].items()}
        profile = {**profile, "detail": "counts", "columns": columns}
        data = canonical_bytes(profile)
    while len(data) > MOST_BYTES:
        names = list(profile["columns"])
        kept = names[: len(names) * MOST_BYTES // (len(data) + 1)]
        omitted = profile.get("omitted", 0) + len(names) - len(kept)
        profile = {**profile, "omitted": omitted, "columns": {n: profile["columns"][n] for n in kept}}
        data = canonical_bytes(profile)
    return data
