"""Distances from profiles are those that SciPy finds in the data, and the same the other way round."""

from collections import Counter
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats

from lineage_pipelines.queries.diff.changes import ColumnChange
from lineage_pipelines.queries.diff.data.distances import Steps, stability, value_distance
from lineage_pipelines.records.statement.profile import ColumnProfile
from lineage_pipelines_tests.queries.diff.tables import compare

RANDOM = np.random.default_rng(7)
_SAMPLES = {
    "moved": (RANDOM.normal(0, 1, 4000), RANDOM.normal(0.5, 1, 3000)),
    "wider": (RANDOM.normal(0, 1, 4000), RANDOM.normal(0, 2, 4000)),
    "skewed": (RANDOM.exponential(1, 4000), RANDOM.exponential(1.3, 5000)),
    "few values": (RANDOM.integers(0, 12, 4000), RANDOM.integers(2, 12, 4000)),
    "many equal": (RANDOM.poisson(0.3, 4000), RANDOM.poisson(0.9, 4000)),
    "apart": (RANDOM.uniform(0, 1, 500), RANDOM.uniform(2, 3, 500)),
}


def _column(before: Any, after: Any) -> ColumnChange:
    (column,) = compare({"x": before}, {"x": after}).columns
    return column


@pytest.mark.parametrize(("before", "after"), _SAMPLES.values(), ids=_SAMPLES)
def test_numbers_are_as_far_apart_as_scipy_finds_them(before: Any, after: Any) -> None:
    column = _column(before, after)
    expected = stats.ks_2samp(before, after, method="asymp")
    assert column.distance == pytest.approx(expected.statistic, abs=0.02)
    pooled = np.quantile(np.concatenate([before, after]), np.arange(1, 10) / 10, method="inverted_cdf")
    edges = [-np.inf, *np.unique(pooled), np.inf]
    shares = [np.diff([(side <= edge).mean() for edge in edges]) for side in (before, after)]
    if len(before) == len(after):  # both count alike in ours, every row does in the pooled sample
        assert column.psi == pytest.approx(stability(list(zip(*shares, strict=True))), rel=0.15, abs=0.01)
    assert column.psi is not None
    assert column.psi > 0.05


def test_two_samples_of_one_distribution_are_near() -> None:
    column = _column(RANDOM.normal(size=20_000), RANDOM.normal(size=20_000))
    assert column.psi is not None
    assert column.psi < 0.01
    assert column.distance is not None
    assert column.distance < 0.03
    assert column.ratio is None


def test_values_are_as_far_apart_as_scipy_finds_them() -> None:
    before, after = ["a"] * 500 + ["b"] * 300 + ["c"] * 200, ["a"] * 450 + ["b"] * 450 + ["c"] * 200
    column = _column(before, after)
    counts = Counter(before), Counter(after)
    shares = [np.array([side[name] for name in "abc"]) / side.total() for side in counts]
    assert column.distance == pytest.approx(np.abs(shares[0] - shares[1]).sum() / 2)
    assert column.psi == pytest.approx(stats.entropy(*shares) + stats.entropy(*shares[::-1]), abs=1e-6)
    assert column.values[0] == ("b", 0.3, 450 / 1100)


def test_values_are_at_no_distance_from_none() -> None:
    found = value_distance({"a": 3}, {})
    assert (found.psi, found.distance) == (None, None)


_COUNTS = st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 50), max_size=6)


@given(before=_COUNTS, after=_COUNTS)
def test_values_are_as_far_from_each_other_both_ways(before: dict[str, int], after: dict[str, int]) -> None:
    there, back = value_distance(before, after), value_distance(after, before)
    assert there == back
    assert there.psi is None or there.psi >= 0


_NUMBERS = st.lists(st.floats(-1e6, 1e6) | st.integers(-3, 3).map(float) | st.none(), min_size=1, max_size=120)


@given(before=_NUMBERS, after=_NUMBERS)
def test_numbers_are_as_far_from_each_other_both_ways(before: list[float | None], after: list[float | None]) -> None:
    kind = pa.float64()
    there = compare({"x": pa.array(before, kind)}, {"x": pa.array(after, kind)}).columns
    back = compare({"x": pa.array(after, kind)}, {"x": pa.array(before, kind)}).columns
    assert [(c.psi, c.distance) for c in there] == [(c.psi, c.distance) for c in back]
    assert all(c.psi is None or c.psi >= 0 for c in there)
    assert all(c.distance is None or 0 <= c.distance <= 1 + 1e-9 for c in there)


@example([0.0, 2.2e-313])
@example([-1.7e308, 1.7e308])
@given(quantiles=st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=2, unique=True).map(sorted))
def test_between_two_quantiles_the_share_rises_from_the_one_to_the_other(quantiles: list[float]) -> None:
    steps = Steps(ColumnProfile(quantiles=tuple(quantiles)))
    found = steps.up_to(np.array([*quantiles, *(one / 2 + other / 2 for one, other in pairwise(quantiles))]))
    at, between = np.split(found, [len(quantiles)])
    assert at.tolist() == pytest.approx(np.linspace(0, 1, len(quantiles)).tolist())
    assert all(low - 1e-9 <= share <= high + 1e-9 for share, (low, high) in zip(between, pairwise(at), strict=True))


_MEASURED = np.round(RANDOM.normal(60, 18, 5000), 1)
_MAPS = {
    "Fahrenheit to Celsius": (np.round((_MEASURED - 32) / 1.8, 2), 5 / 9, -160 / 9),
    "minutes to hours": (_MEASURED / 60, 1 / 60, 0),
    "a factor": (_MEASURED * 1.07, 1.07, 0),
    "another sign": (-_MEASURED, -1, 0),
    "Fahrenheit to Celsius, and more rows": (np.append((_MEASURED - 32) / 1.8, [20.0] * 100), 5 / 9, -160 / 9),
}


@pytest.mark.parametrize(("after", "ratio", "offset"), _MAPS.values(), ids=_MAPS)
def test_another_unit_is_found(after: Any, ratio: float, offset: float) -> None:
    column = _column(_MEASURED, after)
    assert column.ratio is not None
    assert column.ratio == pytest.approx(ratio, rel=0.02)
    assert column.offset == pytest.approx(offset, abs=1)
    back = _column(after, _MEASURED)
    assert back.ratio == pytest.approx(1 / column.ratio)
    assert back.offset == pytest.approx(-(column.offset or 0) / column.ratio, abs=1e-6)


_NO_MAPS: dict[str, tuple[Any, Any]] = {
    "a row number that grew": (np.arange(5000), np.arange(5500)),
    "months that grew": (np.repeat(np.arange(1, 11), 100), np.repeat(np.arange(1, 12), 100)),
    "two values": ([0, 1] * 500, [0, 7] * 500),
    "noise": (RANDOM.normal(size=4000), RANDOM.exponential(size=4000)),
    "constants": ([1.0] * 9, [2.0] * 9),
    "a few rows otherwise": (np.arange(5000.0), np.append(np.arange(4900.0), np.full(100, 9e5))),
}


@pytest.mark.parametrize(("before", "after"), _NO_MAPS.values(), ids=_NO_MAPS)
def test_what_only_grew_or_moved_has_no_other_unit(before: Any, after: Any) -> None:
    assert _column(before, after).ratio is None


@pytest.mark.parametrize(("hours", "found"), [(5, 5 * 3600.0), (-4, -4 * 3600.0), (0.25, None), (24 * 30, None)])
def test_another_time_zone_is_found(hours: float, found: float | None) -> None:
    kind = pa.timestamp("us", "UTC")
    seconds = np.sort(RANDOM.integers(1_357_000_000, 1_388_000_000, 3000))
    before, after = (pa.array(each * 10**6).cast(kind) for each in (seconds, seconds + int(hours * 3600)))
    column = _column(before, after)
    assert column.offset == found
    assert column.ratio == (None if found is None else 1)
