"""Metrics are finite floats or a clear error that names the metric."""

import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lineage_pipelines.capture.evaluation import check_metrics, defined_metrics
from lineage_pipelines.errors import CaptureError


def test_numpy_and_pandas_scalars_become_floats() -> None:
    given_metrics = {
        "a": np.float64(0.5),
        "b": np.float32(0.25),
        "c": np.int64(3),
        "d": 2,
        "e": pd.Series([1.5]).mean(),
        "f": Fraction(1, 4),
        "g": np.array(0.75),
        "h": np.array(2, dtype="int8"),
    }
    plain = check_metrics(given_metrics, where="m")
    assert plain == {"a": 0.5, "b": 0.25, "c": 3.0, "d": 2.0, "e": 1.5, "f": 0.25, "g": 0.75, "h": 2.0}
    assert {type(value) for value in plain.values()} == {float}
    assert list(plain) == list("abcdefgh")


@given(st.dictionaries(st.from_regex(r"[a-z]+", fullmatch=True), st.floats(allow_nan=False, allow_infinity=False)))
def test_finite_floats_stay_as_they_are(metrics: dict[str, float]) -> None:
    assert check_metrics(metrics, where="m") == metrics


@pytest.mark.parametrize(
    "value", [math.nan, math.inf, -math.inf, np.nan, np.float32("inf"), np.array(np.nan), pd.NA, 10**400]
)
def test_what_is_not_finite_is_refused_by_name(value: object) -> None:
    with pytest.raises(CaptureError, match="'roc_auc' is not finite"):
        check_metrics({"ok": 1.0, "roc_auc": value}, where="flight_delay")


@pytest.mark.parametrize(
    ("value", "word"),
    [
        (math.nan, "NaN"),
        (np.float32("nan"), "NaN"),
        (pd.NA, "NaN"),
        (np.array(np.nan), "NaN"),
        (math.inf, "infinity"),
        (-math.inf, "minus infinity"),
        (10**400, "infinity"),
        (-(10**400), "minus infinity"),
    ],
)
def test_a_metric_without_a_value_is_told_apart(value: float, word: str) -> None:
    assert defined_metrics({"ok": 1, "roc_auc": value}, where="m") == ({"ok": 1.0}, {"roc_auc": word})


@pytest.mark.parametrize(
    "value",
    [
        "0.9",
        True,
        np.bool_(True),
        np.array(True),
        None,
        pd.NaT,
        [0.9],
        np.array([0.9]),
        np.array("x"),
        1j,
        Decimal("0.9"),
    ],
)
def test_what_is_no_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(CaptureError, match=r"'roc_auc' is an? .*, not a number"):
        check_metrics({"roc_auc": value}, where="flight_delay")


@pytest.mark.parametrize("name", [3, "", None, "a\0b", "\ud800"])
def test_a_bad_name_is_refused(name: object) -> None:
    with pytest.raises(CaptureError, match="metric's name"):
        check_metrics({name: 1.0}, where="flight_delay")  # type: ignore[dict-item]
