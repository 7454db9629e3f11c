"""When one column is another one times a number plus a number, and when it is not."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from lineage_pipelines.queries.diff.units import conversion_name, known_conversions, linear_map
from lineage_pipelines.records.statement.profile import ColumnKind, ColumnProfile

RNG = np.random.default_rng(17)
VALUES = np.sort(RNG.gamma(2.0, 10.0, 400)) + 3.0
SYMMETRIC = np.linspace(-10.0, 10.0, 401)


def _profile(values: Any, *, kind: ColumnKind = ColumnKind.NUMBER, distinct: int = 400, points: int = 21) -> Any:
    return ColumnProfile(
        name="x",
        kind=kind,
        distinct=distinct,
        min=float(np.min(values)),
        max=float(np.max(values)),
        quantiles=tuple(float(each) for each in np.quantile(values, np.linspace(0, 1, points))),
    )


def _map(before: Any, after: Any, *, same_count: bool = True, **facts: Any) -> tuple[float, float] | None:
    return linear_map(_profile(before, **facts), _profile(after, **facts), same_count=same_count)


@pytest.mark.parametrize(("ratio", "offset"), known_conversions())
@pytest.mark.parametrize("same_count", [True, False])
def test_a_known_conversion_is_found_either_way(ratio: float, offset: float, same_count: bool) -> None:
    found = _map(VALUES, VALUES * ratio + offset, same_count=same_count)
    assert found is not None
    assert found[0] == pytest.approx(ratio)
    assert found[1] == pytest.approx(offset, abs=1e-6 * max(1.0, abs(ratio)))


@pytest.mark.parametrize("same_count", [True, False])
@pytest.mark.parametrize(("ratio", "offset"), [(7.3, 0.0), (-7.3, 2.0), (1.0, 500.0)])
def test_any_other_map_counts_with_as_many_values_only(ratio: float, offset: float, same_count: bool) -> None:
    found = _map(VALUES, VALUES * ratio + offset, same_count=same_count)
    assert found == (pytest.approx((ratio, offset)) if same_count else None)


def _uneven(values: Any, share: float) -> Any:
    """The profile of values whose quantiles lie above and below by turns, by a share of their spread."""
    profile = _profile(values)
    quantiles = np.array(profile.quantiles)
    turns = np.where(np.arange(quantiles.size) % 2, 1.0, -1.0)
    return replace(profile, quantiles=tuple(quantiles + share * quantiles.std() * turns))


@pytest.mark.parametrize(
    ("ratio", "share", "same_count", "found"),
    [
        (7.3, 0.0015, True, True),
        (7.3, 0.0025, True, False),
        (3.6, 0.04, False, True),
        (3.6, 0.06, False, False),
        (3.6, 0.06, True, False),
    ],
)
def test_a_known_conversion_fits_within_a_twentieth_of_the_spread_and_others_within_two_thousandths(
    ratio: float, share: float, same_count: bool, found: bool
) -> None:
    mapped = linear_map(_profile(VALUES), _uneven(VALUES * ratio, share), same_count=same_count)
    assert (mapped is not None) is found


@pytest.mark.parametrize(("ratio", "found"), [(3.6 * 1.019, True), (3.6 * 1.021, False)])
def test_a_ratio_is_known_within_a_fiftieth(ratio: float, found: bool) -> None:
    centred = VALUES - VALUES.mean()
    assert (_map(centred, centred * ratio, same_count=False) is not None) is found
    assert (_map(centred * ratio, centred, same_count=False) is not None) is found


@pytest.mark.parametrize(("ratio", "offset", "found"), [(1.0, 0.0, False), (1.01, 0.0, False), (1.0, 0.03, True)])
def test_a_column_that_is_as_it_was_needs_no_map(ratio: float, offset: float, found: bool) -> None:
    centred = VALUES - VALUES.mean()
    assert (_map(centred, centred * ratio + offset * centred.std()) is not None) is found


@pytest.mark.parametrize(
    ("facts", "found"),
    [
        ({"distinct": 5}, True),
        ({"distinct": 4}, False),
        ({"points": 2}, True),
        ({"points": 1}, False),
    ],
)
def test_a_map_needs_five_values_and_two_quantiles(facts: dict[str, Any], found: bool) -> None:
    assert (_map(VALUES, VALUES * 3.6, **facts) is not None) is found


def test_a_map_needs_a_spread_and_equally_many_quantiles_on_both_sides() -> None:
    flat = np.full(400, 7.0)
    assert _map(VALUES, flat) is None
    assert _map(flat, VALUES) is None
    assert linear_map(_profile(VALUES, points=21), _profile(VALUES * 3.6, points=11), same_count=True) is None
    few = _profile(VALUES * 3.6, distinct=4)
    assert linear_map(_profile(VALUES), few, same_count=True) is None
    assert linear_map(few, _profile(VALUES), same_count=True) is None


def test_numbers_with_the_other_sign_are_turned_whether_or_not_there_are_as_many() -> None:
    for same_count in (True, False):
        assert _map(VALUES, -VALUES, same_count=same_count) == (-1.0, 0.0)
    assert _map(SYMMETRIC, -SYMMETRIC) is None
    assert _map(VALUES, -VALUES * 1.2, same_count=False) is None
    no_range = ColumnProfile(name="x", distinct=400, quantiles=_profile(VALUES).quantiles, kind=ColumnKind.NUMBER)
    assert linear_map(no_range, _profile(-VALUES), same_count=False) is None
    assert linear_map(_profile(VALUES), replace(_profile(-VALUES), max=None), same_count=False) is None


def test_a_symmetric_column_is_turned_where_its_range_tells() -> None:
    wide = np.append(SYMMETRIC, 11.0)
    assert _map(wide, -wide) == (-1.0, 0.0)


def test_the_ends_may_lie_elsewhere_where_rows_came_with_the_other_sign() -> None:
    more = np.append(-VALUES, [-VALUES.max() - 30.0])
    assert _map(VALUES, more, same_count=False) == (-1.0, 0.0)


@pytest.mark.parametrize(
    ("hours", "seconds", "same_count", "found"),
    [
        (2, 0, True, True),
        (2, 0, False, False),
        (14, 0, True, True),
        (15, 0, True, False),
        (-2, 1, True, True),
        (2, 2, True, False),
    ],
)
def test_times_of_another_zone_are_whole_hours_apart(hours: int, seconds: int, same_count: bool, found: bool) -> None:
    before = VALUES * 10_000
    after = before + 3600 * hours
    after[-1] += seconds
    expected = (1.0, 3600.0 * hours) if found else None
    assert _map(before, after, same_count=same_count, kind=ColumnKind.TIME) == expected
    number = _profile(after)
    assert linear_map(_profile(before, kind=ColumnKind.TIME), number, same_count=True) is None


@pytest.mark.parametrize(
    ("ratio", "offset", "name"),
    [
        (5 / 9, -160 / 9, "°F to °C"),
        (1.8, 32.0, "°C to °F"),
        (1.8, 32.4, ""),
        (1.0, 273.15, "°C to K"),
        (1.0, -273.15, "K to °C"),
        (3.6, 0.0, "m/s to km/h"),
        (3.63, 0.0, "m/s to km/h"),
        (3.64, 0.0, ""),
        (3.6, 0.02, ""),
        (1 / 3.6, 0.0, "km/h to m/s"),
        (100.0, 0.0, ""),
        (7.0, 0.0, ""),
    ],
)
def test_a_conversion_has_its_name_within_a_hundredth(ratio: float, offset: float, name: str) -> None:
    assert conversion_name(ratio, offset) == name
