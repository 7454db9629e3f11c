"""Cleaning, the stage `clean`: the delivered CSV becomes typed Parquet; flights that never arrived are set aside.

The table that later stages learn from, `schedule`, has only columns that are known before departure. What is known
afterwards is in `arrivals` and `cancelled`, so that a feature cannot use it by accident (`leakage`).
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lineage_pipelines.flights.delivery.delivery_reader import (
    AFTER_DEPARTURE,
    FLIGHTS,
    PLANES,
    WEATHER,
    delivered_months,
    distinct,
    read_months,
)
from lineage_pipelines.flights.tables import read_csv, write_table, write_whole

if TYPE_CHECKING:
    import pyarrow as pa

SCHEDULE = ("date", "carrier", "flight", "tailnum", "origin", "dest", "sched_dep", "sched_arr", "distance", "time_hour")
_IDENTITY = ("date", "carrier", "flight", "origin", "sched_dep")


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanSettings:
    """The section `clean` of params.yaml."""

    origins: list[str]
    """The airports that flights leave from; a row from another one is an error of the delivery."""


def clean(raw: Path, into: Path, settings: CleanSettings) -> Mapping[str, Any]:
    """Write the tables of a delivery into the folder `into` and return the summary, which is written there too.

    Args:
        raw: the delivery's folder.
        into: where the tables go.
        settings: of this stage.

    Raises:
        DatasetError: a file is missing, malformed or holds rows of another month or airport.
    """
    months = delivered_months(raw)
    flights = _flights(raw, months, settings.origins)
    weather = _weather(raw, months, settings.origins)
    planes = read_csv(raw / "planes.csv", PLANES)
    arrivals, cancelled = _outcomes(flights)
    write_table(flights.select(["flight_id", *SCHEDULE]), into / "schedule.parquet")
    write_table(arrivals, into / "arrivals.parquet")
    write_table(cancelled, into / "cancelled.parquet")
    write_table(weather.drop_columns(["year", "month", "day", "hour"]), into / "weather.parquet")
    write_table(planes.sort_by("tailnum"), into / "planes.parquet")
    summary = _summary(months, flights, weather)
    text = json.dumps(summary, indent=2) + "\n"
    write_whole(into / "summary.json", lambda fresh: fresh.write_text(text, encoding="utf-8"))
    return summary


def _flights(raw: Path, months: Sequence[str], origins: Sequence[str]) -> "pa.Table":
    import pyarrow as pa

    table = read_months(raw, "flights", months, FLIGHTS, origins)
    table = table.append_column("date", _dates(table))
    for name in ("sched_dep", "sched_arr"):
        table = table.append_column(name, minutes_of_day(table[f"{name}_time"]))
    table = table.sort_by([(name, "ascending") for name in _IDENTITY])
    return table.append_column("flight_id", pa.array(range(len(table)), pa.int32()))


def _weather(raw: Path, months: Sequence[str], origins: Sequence[str]) -> "pa.Table":
    table = read_months(raw, "weather", months, WEATHER, origins)
    return table.sort_by([("time_hour", "ascending"), ("origin", "ascending")])


def _dates(table: "pa.Table") -> "pa.Array":
    import pyarrow as pa
    import pyarrow.compute as pc

    parts = [table[name].cast(pa.string()) for name in ("year", "month", "day")]
    return pc.strptime(pc.binary_join_element_wise(*parts, "-"), "%Y-%m-%d", "s").cast(pa.date32())


def minutes_of_day(hhmm: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Return times of day such as `517` as minutes since midnight, 317."""
    import pyarrow.compute as pc

    hours = pc.divide(hhmm, 100)
    return pc.subtract(hhmm, pc.multiply(hours, 40)).cast("int16")


def _outcomes(flights: "pa.Table") -> tuple["pa.Table", "pa.Table"]:
    import pyarrow.compute as pc

    arrived = pc.is_valid(flights["arr_delay"])
    cancelled = flights.filter(pc.invert(arrived))
    reason = pc.if_else(pc.is_valid(cancelled["dep_time"]), "diverted", "cancelled")
    return (
        flights.filter(arrived).select(["flight_id", *AFTER_DEPARTURE]),
        cancelled.append_column("outcome", reason).select(["flight_id", "outcome", *AFTER_DEPARTURE]),
    )


def _summary(months: Sequence[str], flights: "pa.Table", weather: "pa.Table") -> dict[str, Any]:
    """Count what a reader of `git diff` wants to know of a delivery, month by month."""
    import pyarrow.compute as pc

    summary: dict[str, Any] = {}
    for month in months:
        flown, observed = (_of_month(table, month) for table in (flights, weather))
        departed = len(flown) - flown["dep_time"].null_count
        arrived = len(flown) - flown["arr_delay"].null_count
        summary[month] = {
            "scheduled": len(flown),
            "arrived": arrived,
            "cancelled": len(flown) - departed,
            "diverted": departed - arrived,
            "repeated": len(flown) - len(distinct(flown, *_IDENTITY)[0]),
            "weather_hours": len(observed),
            "median_temperature": pc.quantile(observed["temp"], interpolation="lower")[0].as_py(),
        }
    return summary


def _of_month(table: "pa.Table", month: str) -> "pa.Table":
    import pyarrow.compute as pc

    year, _, number = month.partition("-")
    return table.filter(pc.and_(pc.equal(table["year"], int(year)), pc.equal(table["month"], int(number))))
