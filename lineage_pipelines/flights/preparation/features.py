"""Features, the stage `features`: what is known of a flight before it leaves, and the label.

Everything is computed from the schedule, the weather, the planes and the calendar; the label joins last and by
`flight_id` only, so that no feature can have seen it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.flights.preparation.columns import IDENTITY, LABEL, Feature, Kind, Known
from lineage_pipelines.flights.tables import read_frame, write_frame

if TYPE_CHECKING:
    import pandas as pd

FEATURES = (
    Feature("carrier", Kind.CATEGORY, Known.SCHEDULE, "airline, two letters"),
    Feature("origin", Kind.CATEGORY, Known.SCHEDULE, "airport left from"),
    Feature("dest", Kind.CATEGORY, Known.SCHEDULE, "airport flown to"),
    Feature("sched_dep", Kind.NUMBER, Known.SCHEDULE, "scheduled departure, minutes of the local day"),
    Feature("sched_arr", Kind.NUMBER, Known.SCHEDULE, "scheduled arrival, minutes of the day there"),
    Feature("sched_minutes", Kind.NUMBER, Known.SCHEDULE, "between the two, by the clocks of both airports"),
    Feature("distance", Kind.NUMBER, Known.SCHEDULE, "miles"),
    Feature("hour", Kind.CATEGORY, Known.SCHEDULE, "local hour of the scheduled departure"),
    Feature("weekday", Kind.CATEGORY, Known.CALENDAR, "Mon to Sun"),
    Feature("holiday_days", Kind.NUMBER, Known.CALENDAR, "days to the nearest federal holiday, up to a cap"),
    Feature("plane_age", Kind.NUMBER, Known.AIRCRAFT, "years since it was built"),
    Feature("plane_seats", Kind.NUMBER, Known.AIRCRAFT, "seats"),
    Feature("plane_engine", Kind.CATEGORY, Known.AIRCRAFT, "kind of engine"),
    Feature("plane_maker", Kind.CATEGORY, Known.AIRCRAFT, "first word of its manufacturer"),
    Feature("temp", Kind.NUMBER, Known.WEATHER, "temperature, °F"),
    Feature("dewp", Kind.NUMBER, Known.WEATHER, "dew point, °F"),
    Feature("humid", Kind.NUMBER, Known.WEATHER, "relative humidity, %"),
    Feature("wind_sector", Kind.CATEGORY, Known.WEATHER, "where the wind comes from, N to NW"),
    Feature("wind_speed", Kind.NUMBER, Known.WEATHER, "miles an hour"),
    Feature("wind_gust", Kind.NUMBER, Known.WEATHER, "miles an hour"),
    Feature("precip", Kind.NUMBER, Known.WEATHER, "rain and snow in the hour, inches"),
    Feature("pressure", Kind.NUMBER, Known.WEATHER, "millibars at sea level"),
    Feature("visib", Kind.NUMBER, Known.WEATHER, "visibility, miles"),
)
"""Every column that a model may learn from, in the table's order."""

COLUMNS = {**IDENTITY, **{feature.name: str(feature.kind) for feature in FEATURES}, LABEL: "int32"}
"""The features table: Arrow's types by column."""

_SECTORS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")
_UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureSettings:
    """The section `features` of params.yaml."""

    holiday_cap_days: int
    """A holiday further away than this counts as this far."""
    weather_max_age_hours: int
    """A missing hour of weather is filled from the last one before it, at most this old."""


def make_features(clean: Path, into: Path, settings: FeatureSettings) -> int:
    """Write `flights.parquet` into the folder `into`, a row for every flight that arrived; return how many.

    Raises:
        DatasetError: a table of the stage `clean` is missing, or the result cannot be written.
    """
    schedule, weather, planes, arrivals = (
        read_frame(clean / f"{name}.parquet") for name in ("schedule", "weather", "planes", "arrivals")
    )
    known = build_features(schedule, weather, planes, settings)
    table = known.merge(arrivals[["flight_id", LABEL]], on="flight_id", validate="one_to_one")
    write_frame(table.sort_values("flight_id"), COLUMNS, into / "flights.parquet")
    return len(table)


def build_features(
    schedule: "pd.DataFrame", weather: "pd.DataFrame", planes: "pd.DataFrame", settings: FeatureSettings
) -> "pd.DataFrame":
    """Return every scheduled flight with its features."""
    table = _with_calendar(schedule, settings.holiday_cap_days)
    table = _with_planes(table, planes)
    return _with_weather(table, weather, settings.weather_max_age_hours)


def _with_calendar(table: "pd.DataFrame", cap: int) -> "pd.DataFrame":
    import pandas as pd

    day = pd.to_datetime(table["date"])
    return table.assign(
        month=day.dt.strftime("%Y-%m"),
        weekday=day.dt.day_name().str[:3],
        hour=(table["sched_dep"] // 60).map("{:02d}".format),
        sched_minutes=(table["sched_arr"] - table["sched_dep"]) % (24 * 60),
        holiday_days=day.map(_holiday_distance(list(day.unique()), cap)),
    )


def _holiday_distance(days: "Sequence[pd.Timestamp]", cap: int) -> "dict[pd.Timestamp, int]":
    import pandas as pd
    from pandas.tseries.holiday import USFederalHolidayCalendar

    margin = pd.Timedelta(days=cap)
    holidays = USFederalHolidayCalendar().holidays(min(days) - margin, max(days) + margin)
    return {day: min([cap, *(abs((day - holiday).days) for holiday in holidays)]) for day in days}


def _with_planes(table: "pd.DataFrame", planes: "pd.DataFrame") -> "pd.DataFrame":
    known = planes[["tailnum", "year", "seats", "engine", "manufacturer"]].rename(
        columns={"year": "built", "seats": "plane_seats"}
    )
    joined = table.merge(known, on="tailnum", how="left", validate="many_to_one")
    return joined.assign(
        plane_age=joined["month"].str[:4].astype(int) - joined["built"],
        plane_engine=joined["engine"].fillna(_UNKNOWN),
        plane_maker=joined["manufacturer"].str.split().str[0].fillna(_UNKNOWN),
    )


def _with_weather(table: "pd.DataFrame", weather: "pd.DataFrame", max_age_hours: int) -> "pd.DataFrame":
    import pandas as pd

    joined = pd.merge_asof(
        table.sort_values(["time_hour", "flight_id"]),
        weather.sort_values(["time_hour", "origin"]),
        on="time_hour",
        by="origin",
        tolerance=pd.Timedelta(hours=max_age_hours),
    )
    sector = (joined["wind_dir"] + 22.5) // 45 % len(_SECTORS)
    return joined.assign(wind_sector=sector.map(dict(enumerate(_SECTORS))).fillna(_UNKNOWN))
