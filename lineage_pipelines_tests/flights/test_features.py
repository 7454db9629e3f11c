"""The stage features: only what is known before departure, and never the weather of later."""

import csv
import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines import DatasetError
from lineage_pipelines.flights.delivery.delivery_faults import Fault
from lineage_pipelines.flights.delivery.delivery_reader import AFTER_DEPARTURE
from lineage_pipelines.flights.delivery.delivery_writer import deliver
from lineage_pipelines.flights.preparation.cleaning import clean
from lineage_pipelines.flights.preparation.columns import IDENTITY, LABEL
from lineage_pipelines.flights.preparation.features import (
    COLUMNS,
    FEATURES,
    FeatureSettings,
    build_features,
    make_features,
)
from lineage_pipelines_tests.flights.conftest import CLEAN
from lineage_pipelines_tests.flights.conftest import FEATURES as SETTINGS


@pytest.fixture(scope="module")
def table(prepared: Path) -> pd.DataFrame:
    return pd.read_parquet(prepared / "features" / "flights.parquet")


def test_the_columns_are_those_that_are_declared(table: pd.DataFrame) -> None:
    assert list(table) == list(COLUMNS) == [*IDENTITY, *(feature.name for feature in FEATURES), LABEL]
    assert not (set(AFTER_DEPARTURE) - {LABEL}) & set(table)


def test_there_is_a_row_for_every_flight_that_arrived(table: pd.DataFrame) -> None:
    assert len(table) == 26_398 + 23_611 + 27_902
    assert not table.duplicated().any()


def test_categories_have_no_gaps_and_numbers_stay_in_range(table: pd.DataFrame) -> None:
    categories = [feature.name for feature in FEATURES if feature.kind == "string"]
    assert table[categories].notna().all().all()
    assert set(table["weekday"]) == {"Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"}
    assert table["hour"].between("05", "23").all()
    assert table["sched_dep"].between(0, 1439).all()
    assert table["holiday_days"].between(0, 7).all()


def test_what_happened_after_departure_changes_nothing_but_the_label(prepared: Path, raw: Path, tmp_path: Path) -> None:
    """Every delay of the quarter is replaced by another; each feature of each flight stays as it was."""
    for path in raw.glob("flights-*.csv"):
        _scramble(path)
    clean(raw, tmp_path / "clean", CLEAN)
    make_features(tmp_path / "clean", tmp_path / "features", SETTINGS)
    before = pd.read_parquet(prepared / "features" / "flights.parquet")
    after = pd.read_parquet(tmp_path / "features" / "flights.parquet")
    assert (before[LABEL] != after[LABEL]).mean() > 0.9
    pd.testing.assert_frame_equal(before.drop(columns=LABEL), after.drop(columns=LABEL))


def _scramble(path: Path) -> None:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    chance = random.Random(7)
    for row in rows:
        for column in AFTER_DEPARTURE:
            if row[column] != "NA":
                row[column] = str(chance.randint(1, 2000))
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def test_the_weather_is_that_of_the_airport_and_hour(prepared: Path, table: pd.DataFrame) -> None:
    with (prepared / "raw" / "weather-2013-02.csv").open(newline="") as file:
        weather = {(row["origin"], row["day"], row["hour"]): row for row in csv.DictReader(file)}
    february = table[table["month"] == "2013-02"].sample(300, random_state=7)
    seen = 0
    for flight in february.to_dict("records"):
        observed = weather.get((flight["origin"], str(flight["date"].day), str(int(flight["hour"]))))
        if observed is not None:
            seen += 1
            assert flight["temp"] == float(observed["temp"])
            assert flight["humid"] == float(observed["humid"])
    assert seen > 290


@pytest.mark.parametrize(
    ("date", "days"), [("2013-01-01", 0), ("2013-01-02", 1), ("2013-01-21", 0), ("2013-02-16", 2), ("2013-03-20", 7)]
)
def test_holidays(date: str, days: int, table: pd.DataFrame) -> None:
    assert set(table.loc[table["date"].astype(str) == date, "holiday_days"]) == {days}


def test_a_plane_is_known_by_its_tail_number(prepared: Path, table: pd.DataFrame) -> None:
    planes = pd.read_parquet(prepared / "clean" / "planes.parquet")
    assert table["plane_seats"].dropna().isin(planes["seats"]).all()
    assert (table.loc[table["plane_maker"] == "unknown", "plane_seats"].isna()).all()
    assert table["plane_age"].min() >= 0


def test_repeated_rows_stay_repeated_and_do_not_multiply(tmp_path: Path) -> None:
    deliver("2013-01", tmp_path / "raw", [Fault.parse("duplicates:2013-01:LGA")])
    counts = clean(tmp_path / "raw", tmp_path / "clean", CLEAN)["2013-01"]
    make_features(tmp_path / "clean", tmp_path / "features", SETTINGS)
    table = pd.read_parquet(tmp_path / "features" / "flights.parquet")
    assert len(table) == counts["arrived"]
    lga = table[table["origin"] == "LGA"]
    assert lga.duplicated().sum() * 2 == len(lga)
    assert table.duplicated().sum() == lga.duplicated().sum()


_FIRST = datetime(2013, 1, 1, 10, tzinfo=UTC)
_HOURS = st.integers(0, 48)


@given(flights=st.lists(_HOURS, min_size=1, max_size=8), weather=st.sets(_HOURS, min_size=1), age=st.integers(1, 6))
def test_weather_is_never_of_later_and_never_too_old(flights: list[int], weather: set[int], age: int) -> None:
    # The temperature tells the hour that it was observed in.
    observed = _weather(sorted(weather))
    schedule = _schedule(flights)
    built = build_features(
        schedule, observed, _planes(), FeatureSettings(holiday_cap_days=7, weather_max_age_hours=age)
    ).set_index("flight_id")
    for number, hour in enumerate(flights):
        known = [seen for seen in weather if hour - age <= seen <= hour]
        temp = built["temp"][number]
        assert (pd.isna(temp) and not known) or temp == max(known)


def _times(hours: list[int]) -> pd.Series:
    return pd.to_datetime(pd.Series([_FIRST + timedelta(hours=hour) for hour in hours])).astype("datetime64[ms, UTC]")


def _schedule(hours: list[int]) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "flight_id": range(len(hours)),
            "date": [(_FIRST + timedelta(hours=hour)).date() for hour in hours],
            "sched_dep": 300,
            "sched_arr": 400,
            "tailnum": "N1",
            "origin": "JFK",
            "time_hour": _times(hours),
        }
    )


def _weather(hours: list[int]) -> pd.DataFrame:
    measured = dict.fromkeys(
        ("dewp", "humid", "wind_dir", "wind_speed", "wind_gust", "precip", "pressure", "visib"), 1.0
    )
    return pd.DataFrame({"origin": "JFK", "time_hour": _times(hours), "temp": [float(h) for h in hours], **measured})


def _planes() -> pd.DataFrame:
    return pd.DataFrame({"tailnum": ["N1"], "year": [2000], "seats": [100], "engine": ["x"], "manufacturer": ["A B"]})


def test_a_missing_table_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="cannot be read") as caught:
        make_features(tmp_path, tmp_path / "features", SETTINGS)
    assert caught.value.where.endswith("schedule.parquet")


def test_a_table_that_is_no_parquet_is_named(prepared: Path, tmp_path: Path) -> None:
    for name in ("schedule", "weather", "planes", "arrivals"):
        (tmp_path / f"{name}.parquet").write_bytes((prepared / "clean" / f"{name}.parquet").read_bytes())
    (tmp_path / "planes.parquet").write_text("not one")
    with pytest.raises(DatasetError, match="cannot be read") as caught:
        make_features(tmp_path, tmp_path / "features", SETTINGS)
    assert caught.value.where.endswith("planes.parquet")


def test_the_same_tables_give_the_same_bytes(prepared: Path, tmp_path: Path) -> None:
    make_features(prepared / "clean", tmp_path, SETTINGS)
    assert (tmp_path / "flights.parquet").read_bytes() == (prepared / "features" / "flights.parquet").read_bytes()
