"""Metrics: in range, equal to scikit-learn's where it has them, and silent where they have no value."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics

from lineage_pipelines.flights.models.flight_metrics import (
    BINS,
    calibration_bins,
    calibration_error,
    lateness_metrics,
    minutes_metrics,
    slices,
    time_of_day,
)
from lineage_pipelines.flights.models.history_baseline import forecast_from_history
from lineage_pipelines.flights.models.plots import reliability_plot

_PAIRS = st.lists(st.tuples(st.booleans(), st.floats(0.01, 0.99)), min_size=1, max_size=60)
_MINUTES = st.lists(st.tuples(st.integers(-60, 600), st.floats(-60, 600)), min_size=1, max_size=60)


@given(_PAIRS)
def test_metrics_of_lateness_are_finite_and_in_range(pairs: list[tuple[bool, float]]) -> None:
    late, probability = (pd.Series(column) for column in zip(*pairs, strict=True))
    measured = lateness_metrics(late, probability)
    assert all(math.isfinite(value) for value in measured.values())
    assert all(0 <= measured[name] <= 1 for name in measured if name != "log_loss")
    assert ("roc_auc" in measured) == (late.nunique() == 2)
    assert measured["brier"] == pytest.approx(metrics.brier_score_loss(late, probability, pos_label=True))


@given(_MINUTES)
def test_metrics_of_minutes_are_scikit_learns(pairs: list[tuple[int, float]]) -> None:
    actual, expected = (pd.Series(column, dtype=float) for column in zip(*pairs, strict=True))
    measured = minutes_metrics(actual, expected)
    assert measured["mae"] == pytest.approx(metrics.mean_absolute_error(actual, expected))
    assert measured["rmse"] == pytest.approx(metrics.root_mean_squared_error(actual, expected))
    if actual.nunique() > 1:
        assert measured["r2"] == pytest.approx(metrics.r2_score(actual, expected))
    assert 0 <= measured["within_15_minutes"] <= 1


@given(_PAIRS)
def test_the_groups_of_calibration_are_equal_in_size_and_cover_every_row(pairs: list[tuple[bool, float]]) -> None:
    late, probability = (pd.Series(column) for column in zip(*pairs, strict=True))
    bins = calibration_bins(late, probability)
    assert bins["rows"].sum() == len(pairs)
    assert bins["rows"].max() - bins["rows"].min() <= 1
    assert len(bins) == min(BINS, len(pairs))
    assert bins["predicted"].is_monotonic_increasing or len(set(probability)) < len(pairs)


def test_an_honest_forecast_has_no_calibration_error_and_a_shifted_one_has_its_shift() -> None:
    late = pd.Series([True, False, False, False] * 250)
    honest = pd.Series(0.25, index=late.index)
    # Groups follow the row order where predictions are equal, so a group is off by at most a row or two.
    assert calibration_error(late, honest) == pytest.approx(0, abs=0.01)
    assert calibration_error(late, honest + 0.3) == pytest.approx(0.3, abs=0.01)


@given(st.lists(st.sampled_from("abc"), min_size=1), st.integers(1, 5))
def test_slices_cover_every_value_with_enough_rows(values: list[str], min_rows: int) -> None:
    column = pd.Series(values)
    found = {part.value: part for part in slices("x", column, lambda rows: {"n": float(rows.sum())}, min_rows=min_rows)}
    assert set(found) == {value for value in values if values.count(value) >= min_rows}
    assert all(part.rows == values.count(value) == part.metrics["n"] for value, part in found.items())


@given(st.integers(0, 1439))
def test_every_minute_has_its_part_of_the_day(minute: int) -> None:
    (part,) = time_of_day(pd.Series([float(minute)]))
    first, last = map(int, part.split("-"))
    assert first * 60 <= minute < last * 60


def test_history_forecasts_the_mean_of_the_airport_and_hour() -> None:
    past = pd.DataFrame({"origin": ["JFK", "JFK", "LGA"], "hour": ["06", "06", "06"]})
    future = pd.DataFrame({"origin": ["JFK", "LGA", "EWR"], "hour": ["06", "06", "07"]}, index=[5, 6, 7])
    forecast = forecast_from_history(past, pd.Series([True, False, False]), future)
    assert list(forecast) == [0.5, 0.0, pytest.approx(1 / 3)]
    assert list(forecast.index) == [5, 6, 7]


@pytest.mark.parametrize("rows", [1, 9, 500])
def test_the_plot_is_a_small_png(rows: int) -> None:
    chance = np.random.default_rng(7)
    png = reliability_plot(pd.Series(chance.random(rows) > 0.5), pd.Series(chance.random(rows)), unit="share late")
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(png) <= 30_000
