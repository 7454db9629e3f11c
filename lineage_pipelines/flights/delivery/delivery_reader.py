"""Delivery reader: which files a delivery has, their columns, and how they are read, strictly."""

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_pipelines import DatasetError
from lineage_pipelines.flights.tables import DELIVER, read_csv

if TYPE_CHECKING:
    import pyarrow as pa

FLIGHTS = {
    "year": "int16",
    "month": "int16",
    "day": "int16",
    "dep_time": "int16",
    "sched_dep_time": "int16",
    "dep_delay": "int16",
    "arr_time": "int16",
    "sched_arr_time": "int16",
    "arr_delay": "int16",
    "carrier": "string",
    "flight": "int32",
    "tailnum": "string",
    "origin": "string",
    "dest": "string",
    "air_time": "int16",
    "distance": "int16",
    "hour": "int16",
    "minute": "int16",
    "time_hour": "utc",
}
"""A month of flights as it is delivered. Times of day are local, `517` for 5:17; `time_hour` is UTC."""

WEATHER = {
    "origin": "string",
    "year": "int16",
    "month": "int16",
    "day": "int16",
    "hour": "int16",
    **dict.fromkeys(
        ("temp", "dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"), "double"
    ),
    "time_hour": "utc",
}
"""A month of hourly weather: °F, %, degrees, miles an hour, inches, millibars, miles."""

PLANES = {
    "tailnum": "string",
    "year": "int16",
    "type": "string",
    "manufacturer": "string",
    "model": "string",
    "engines": "int16",
    "seats": "int16",
    "speed": "int16",
    "engine": "string",
}

AFTER_DEPARTURE = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time")
"""Columns whose values are known only after departure."""

_FILE = re.compile(r"flights-(\d{4}-\d{2})\.csv")


def delivered_months(raw: Path) -> list[str]:
    """Return the months of a delivery, oldest first.

    Raises:
        DatasetError: there is none, or one between two others is missing.
    """
    found = sorted(match[1] for path in raw.glob("flights-*.csv") if (match := _FILE.fullmatch(path.name)))
    if not found:
        raise DatasetError(
            "no delivery here",
            where=str(raw),
            fix=f"{DELIVER} 2013-03, or dvc checkout",
        )
    for before, after in itertools.pairwise(found):
        if _number(after) != _number(before) + 1:
            raise DatasetError(
                f"a month is missing between {before} and {after}",
                where=str(raw),
                fix=f"{DELIVER} {found[-1]}",
            )
    return found


def _number(month: str) -> int:
    year, _, number = month.partition("-")
    return int(year) * 12 + int(number)


def read_months(
    raw: Path, name: str, months: Sequence[str], types: Mapping[str, str], origins: Sequence[str]
) -> "pa.Table":
    """Read the months of `flights` or `weather` as one table, in the order of the files.

    Raises:
        DatasetError: a file is missing, malformed, or holds rows of another month or airport.
    """
    import pyarrow as pa

    tables = []
    for month in months:
        path = raw / f"{name}-{month}.csv"
        table = read_csv(path, types)
        _check_only(path, "month", set(_months(table)), {month})
        _check_only(path, "origin", set(table["origin"].unique().to_pylist()), set(origins))
        tables.append(table)
    return pa.concat_tables(tables)


def _months(table: "pa.Table") -> list[str]:
    return [f"{year}-{month:02}" for year, month in zip(*distinct(table, "year", "month"), strict=True)]


def distinct(table: "pa.Table", *columns: str) -> list[list[Any]]:
    """Return the distinct rows of some columns, column by column."""
    groups = table.group_by(list(columns), use_threads=False).aggregate([])
    return [groups[column].to_pylist() for column in columns]


def _check_only(path: Path, column: str, found: set[Any], allowed: set[Any]) -> None:
    if others := sorted(map(str, found - allowed)):
        raise DatasetError(
            f"rows with {column} {', '.join(others[:5])}",
            where=str(path),
            fix=f"deliver the file with {column} {', '.join(sorted(allowed))} only",
        )
