"""The stage clean: types, what is set aside, and a delivery that is not as it should be."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines import DatasetError
from lineage_pipelines.flights.delivery.delivery_faults import Fault
from lineage_pipelines.flights.delivery.delivery_reader import AFTER_DEPARTURE
from lineage_pipelines.flights.delivery.delivery_writer import deliver
from lineage_pipelines.flights.preparation.cleaning import clean, minutes_of_day
from lineage_pipelines_tests.flights.conftest import CLEAN

Edit = Callable[[str, str, str], Path]


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_summary_counts_every_flight(raw: Path, tmp_path: Path) -> None:
    summary = clean(raw, tmp_path / "clean", CLEAN)
    delivered = pd.concat([pd.read_csv(path) for path in sorted(raw.glob("flights-*.csv"))])
    for (_, month), flights in delivered.groupby(["year", "month"]):
        counts = summary[f"2013-{month:02}"]
        assert counts["scheduled"] == len(flights)
        assert counts["arrived"] == flights["arr_delay"].count()
        assert counts["cancelled"] == flights["dep_time"].isna().sum()
        assert counts["arrived"] + counts["cancelled"] + counts["diverted"] == counts["scheduled"]
        assert counts["repeated"] == 0


def test_nothing_known_after_departure_is_in_the_schedule(prepared: Path) -> None:
    schedule = pd.read_parquet(prepared / "clean" / "schedule.parquet")
    assert not set(schedule) & set(AFTER_DEPARTURE)
    arrivals, cancelled = (
        pd.read_parquet(prepared / "clean" / f"{name}.parquet") for name in ("arrivals", "cancelled")
    )
    assert arrivals["arr_delay"].notna().all()
    assert sorted([*arrivals["flight_id"], *cancelled["flight_id"]]) == list(schedule["flight_id"])


def test_times_are_typed(prepared: Path) -> None:
    schedule = pd.read_parquet(prepared / "clean" / "schedule.parquet")
    local = pd.to_datetime(schedule["date"]) + pd.to_timedelta(schedule["sched_dep"] // 60, unit="h")
    utc = local.dt.tz_localize("America/New_York").dt.tz_convert("UTC")
    assert (utc == schedule["time_hour"]).all()


@given(st.integers(0, 23), st.integers(0, 59))
def test_a_time_of_day_becomes_minutes(hour: int, minute: int) -> None:
    read = pa.chunked_array([pa.array([hour * 100 + minute], pa.int16())])
    assert minutes_of_day(read).to_pylist() == [hour * 60 + minute]


def test_the_same_delivery_gives_the_same_bytes_on_any_number_of_threads(prepared: Path, tmp_path: Path) -> None:
    threads = pa.cpu_count()
    try:
        pa.set_cpu_count(1)
        clean(prepared / "raw", tmp_path / "clean", CLEAN)
    finally:
        pa.set_cpu_count(threads)
    assert _bytes(tmp_path / "clean") == _bytes(prepared / "clean")


def test_parquet_says_nothing_of_pandas(prepared: Path) -> None:
    from pyarrow import parquet

    for path in [*(prepared / "clean").glob("*.parquet"), *(prepared / "features").glob("*.parquet")]:
        assert b"pandas" not in (parquet.read_metadata(path).metadata or {})


def test_repeated_flights_are_counted_and_kept(tmp_path: Path) -> None:
    deliver("2013-01", tmp_path / "raw", [Fault.parse("duplicates:2013-01:LGA")])
    counts = clean(tmp_path / "raw", tmp_path / "clean", CLEAN)["2013-01"]
    assert counts["repeated"] == 7_950
    assert counts["scheduled"] == 27_004 + 7_950


def test_celsius_shows_in_the_summary(tmp_path: Path) -> None:
    medians = []
    for fault in ([], [Fault.parse("celsius:2013-01")]):
        deliver("2013-01", tmp_path / "raw", fault)
        medians.append(clean(tmp_path / "raw", tmp_path / "clean", CLEAN)["2013-01"]["median_temperature"])
    assert medians == [37.04, 2.8]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("flights-2013-02.csv", "dep_time,", "departure,"), "departure"),
        (("flights-2013-02.csv", "2013,2,1,456,500,", "2013,2,1,early,500,"), "Row #2"),
        (("flights-2013-02.csv", "2013,2,1,456,500,", "2013,3,1,456,500,"), "month 2013-03"),
        (("weather-2013-02.csv", "\nEWR,2013", "\nBOS,2013"), "origin BOS"),
        (("weather-2013-03.csv", "origin,", "\ufefforigin,"), "origin"),
        (("planes.csv", "tailnum,year,", "year,tailnum,"), "their order"),
    ],
)
def test_a_malformed_file_is_named(change: tuple[str, str, str], says: str, edit: Edit, raw: Path) -> None:
    path = edit(*change)
    with pytest.raises(DatasetError, match=says) as caught:
        clean(raw, raw.parent / "clean", CLEAN)
    assert caught.value.where == str(path)
    assert not (raw.parent / "clean").exists()


@pytest.mark.parametrize(
    ("missing", "says"),
    [
        (["flights-2013-02.csv"], "between 2013-01 and 2013-03"),
        (["weather-2013-02.csv"], "cannot be read"),
        (["planes.csv"], "cannot be read"),
        ([f"flights-2013-0{month}.csv" for month in (1, 2, 3)], "no delivery here"),
    ],
)
def test_a_missing_file_is_named(missing: list[str], says: str, raw: Path, tmp_path: Path) -> None:
    for name in missing:
        (raw / name).unlink()
    with pytest.raises(DatasetError, match=says):
        clean(raw, tmp_path / "clean", CLEAN)


def test_a_delivery_that_is_not_text_is_named(raw: Path, tmp_path: Path) -> None:
    (raw / "flights-2013-01.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DatasetError, match="cannot be read"):
        clean(raw, tmp_path / "clean", CLEAN)


def test_a_failed_write_leaves_nothing(prepared: Path, tmp_path: Path) -> None:
    into: Any = tmp_path / "file"
    into.write_text("mine")
    with pytest.raises(DatasetError, match="cannot be written"):
        clean(prepared / "raw", into, CLEAN)
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
