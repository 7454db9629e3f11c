"""Number effects: what was done to numbers or times: scaled, rounded, clipped, or nothing but noise."""

import math
from typing import TYPE_CHECKING, Any

from lineage_pipelines.queries.diff.rows.cell_values import MICROSECONDS, CellValues, ValueKind
from lineage_pipelines.queries.diff.rows.row_change import Effect, EffectKind, Way
from lineage_pipelines.queries.diff.units import known_conversions

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_AGREE = 0.995
"""Of the changed cells, that one operation has to explain."""
_NOISE = 1e-11
_EXACT = 1e-9
_SINGLE = 2.0**-23
_MAX_DIGITS = 9
_MIN_DIGITS = -6
_MIN_ROWS = 3
_MIN_DISTINCT = 3
_MIN_LINE = 5
"""Different values that it takes to see a ratio and an offset at once."""
_SHARP = 0.05
"""Of the ratio: how far apart the ratios may be that rounding leaves open."""
_RESOLVED = 8
"""How much wider than the rounding the values have to be spread."""
_KNOWN = 0.01
_ABOUT = 0.005
_FAR = 20
"""How many times as far from 1 a ratio has to be as the single ratios are from it."""
_FARTHEST = 6
_STEPS = 49
"""Ratios that are tried beside the fitted one, as far from it as rounding may have moved it."""
_DAY = 24 * 60 * 60 * MICROSECONDS
_UNITS = {"day": 86400, "hour": 3600, "minute": 60, "second": 1}


def find_number_effect(before: CellValues, after: CellValues) -> Effect | None:
    """Return the effect that explains the numbers or times; None where there is none.

    Args:
        before: the cells before, none of them missing.
        after: the same cells after.
    """
    import numpy as np

    if before.kind is ValueKind.TIME:
        return _of_times(before.values, after.values)
    whole = before.values.dtype.kind == "i" and after.values.dtype.kind == "i"
    if whole and (offset := _same_difference(before.values, after.values)):
        return Effect(kind=EffectKind.SCALED, ratio=1.0, offset=float(offset))
    one, other = before.values.astype("float64"), after.values.astype("float64")
    finite = np.isfinite(one) & np.isfinite(other)
    if finite.mean() < _AGREE:
        return None
    one, other = one[finite], other[finite]
    size = np.maximum(np.abs(one), np.abs(other))
    if not whole and _nearly(np.abs(one - other) <= _NOISE * size):
        return Effect(kind=EffectKind.NOISE)
    if one.size < _MIN_ROWS:
        return None
    return _rounded(one, other) or _scaled(one, other) or _about(one, other)


def find_clipping(before: CellValues, after: CellValues, rest: CellValues) -> Effect | None:
    """Return the bound that values beyond it were set to; None where values were not clipped.

    Args:
        before: the cells before, none of them missing.
        after: the same cells after.
        rest: cells that did not change, near those that did: clipped, they are within the bound, and not all on it.
    """
    import numpy as np

    bounds = np.unique(after.values)
    others = rest.values[~rest.missing]
    if bounds.size > 2 or not others.size or before.kind is ValueKind.FLAG:  # noqa: PLR2004  # a bound at either end
        return None
    low, high = bounds[0], bounds[-1]
    inner = others[(others != low) & (others != high)]
    if np.unique(inner).size < _MIN_DISTINCT:
        return None
    if bounds.size == 2:  # noqa: PLR2004  # a bound at either end
        held = (others >= low) & (others <= high)
        moved = np.where(after.values == low, before.values < low, before.values > high)
        value, way = [after.json(low), after.json(high)], Way.BOTH
        return Effect(kind=EffectKind.CLIPPED, value=value, way=way) if _nearly(held) and _nearly(moved) else None
    for way, held, moved in (
        (Way.ABOVE, others <= high, before.values > high),
        (Way.BELOW, others >= low, before.values < low),
    ):
        if _nearly(held) and _nearly(moved):
            return Effect(kind=EffectKind.CLIPPED, value=after.json(high), way=way)
    return None


def _nearly(mask: "Array") -> bool:
    return bool(mask.mean() >= _AGREE)


def _same_difference(before: "Array", after: "Array") -> int:
    """The number that was added to nearly all, exactly; 0 where there is none, or too little to tell."""
    import numpy as np

    difference = after - before
    values, counts = np.unique(difference, return_counts=True)
    most = int(np.argmax(counts))
    several = np.unique(before).size > 1
    return int(values[most]) if several and counts[most] >= _AGREE * difference.size else 0


def _of_times(before: "Array", after: "Array") -> Effect | None:
    import numpy as np

    if moved := _same_difference(before, after):
        return Effect(kind=EffectKind.DELAYED, offset=moved / MICROSECONDS)
    if before.size >= _MIN_ROWS and _nearly(after == _day_for_month(before)):
        return Effect(kind=EffectKind.DAY_MONTH)
    for name, length in _UNITS.items():
        unit = length * MICROSECONDS
        if before.size >= _MIN_ROWS and _nearly(after == before - before % unit):
            return Effect(kind=EffectKind.ROUNDED, way=Way.FLOOR, value=name)
        if before.size >= _MIN_ROWS and _nearly((after % unit == 0) & (2 * np.abs(after - before) <= unit)):
            return Effect(kind=EffectKind.ROUNDED, value=name)
    return None


def _day_for_month(times: "Array") -> "Array":
    """The times with day and month exchanged; where there is no such month, as they are."""
    import numpy as np

    days, of_day = times // _DAY, times % _DAY
    months = days.astype("M8[D]").astype("M8[M]")
    month = months.astype("int64") % 12
    day = days - months.astype("M8[D]").astype("int64")
    exchanged = (months - month + np.minimum(day, 11)).astype("M8[D]").astype("int64") + month
    return np.where(day < 12, exchanged * _DAY + of_day, times)  # noqa: PLR2004  # months of a year


def count_digits(values: "Array") -> int | None:
    """Return how many decimal places nearly all numbers have, negative for whole tens; None where it is no number."""
    import numpy as np

    for digits in range(_MIN_DIGITS, _MAX_DIGITS + 1):
        scaled = values * 10.0**digits
        if _nearly(np.abs(scaled - np.rint(scaled)) <= np.maximum(_EXACT, np.abs(scaled) * 2.0**-50)):
            return digits
    return None


def _rounded(before: "Array", after: "Array") -> Effect | None:
    import numpy as np

    digits = count_digits(after)
    difference = before - after
    if digits is not None and np.ptp(after) > 0:
        unit = 10.0**-digits
        slack = unit * 1e-6
        off_grid = np.abs(before / unit - np.rint(before / unit)) > 1e-6  # noqa: PLR2004
        if _nearly(off_grid):
            if _nearly(np.abs(difference) <= unit / 2 + slack):
                return Effect(kind=EffectKind.ROUNDED, digits=digits)
            cut = np.abs(before) - np.abs(after)
            if any(_nearly((each > -slack) & (each < unit + slack)) for each in (difference, cut)):
                return Effect(kind=EffectKind.ROUNDED, digits=digits, way=Way.FLOOR)
    with np.errstate(over="ignore"):
        single = before.astype("float32").astype("float64") == after
    return Effect(kind=EffectKind.ROUNDED, way=Way.SINGLE) if _nearly(single) else None


def _scaled(before: "Array", after: "Array") -> Effect | None:
    import numpy as np

    if np.unique(before).size < _MIN_DISTINCT:
        return None
    digits = count_digits(after)
    own = count_digits(before)
    half = 0.5 * 10.0**-digits if digits is not None else 0.0
    tolerance = half * (1 + 1e-6) + _EXACT * np.maximum(np.abs(after), np.abs(before))
    exact = digits is not None and own is not None and own <= digits
    moved = _interval(after - before, half / 100 + _EXACT * np.abs(after) if exact else tolerance)
    if moved is not None:
        offset = simplest(*moved)
        if half == 0 or np.ptp(after) > _RESOLVED * half:
            return Effect(kind=EffectKind.SCALED, ratio=1.0, offset=offset)
    if np.ptp(after) <= _RESOLVED * half:
        return None
    ratio = _ratio(before, after, tolerance)
    if ratio is not None:
        return Effect(kind=EffectKind.SCALED, ratio=ratio, offset=0.0)
    return _line(before, after, tolerance)


def _about(before: "Array", after: "Array") -> Effect | None:
    """The ratio that all are near: numbers that were computed with one that was scaled and rounded."""
    import numpy as np

    some = before != 0
    if not _nearly(some) or np.unique(before).size < _MIN_LINE:
        return None
    ratios = after[some] / before[some]
    middle = float(np.median(ratios))
    spread = float(np.quantile(np.abs(ratios - middle), _AGREE))
    if spread > _ABOUT * abs(middle) or _FAR * spread > abs(middle - 1):
        return None
    known = [ratio for ratio, offset in known_conversions() if not offset and abs(ratio - middle) <= spread]
    ratio = known[0] if known else simplest(middle - spread, middle + spread)
    return Effect(kind=EffectKind.SCALED, ratio=ratio, offset=0.0, way=Way.ABOUT)


def _interval(middles: "Array", tolerance: "Array") -> tuple[float, float] | None:
    """The numbers that are within the tolerance of nearly all."""
    import numpy as np

    outside = int(middles.size * (1 - _AGREE) / 2)
    low = float(np.partition(middles - tolerance, middles.size - 1 - outside)[middles.size - 1 - outside])
    high = float(np.partition(middles + tolerance, outside)[outside])
    return (low, high) if low <= high else None


def _ratio(before: "Array", after: "Array", tolerance: "Array") -> float | None:
    import numpy as np

    some = before != 0
    if not _nearly(some):
        return None
    found = _interval(after[some] / before[some], tolerance[some] / np.abs(before[some]))
    if found is None:
        return None
    low, high = found
    if high - low > _SHARP * max(abs(low), abs(high)):
        return None
    known = [ratio for ratio, offset in known_conversions() if offset == 0 and low <= ratio <= high]
    short = simplest(low, high)
    return known[0] if known and len(f"{short:.12g}") > 6 else short  # noqa: PLR2004  # digits nobody would write


def _line(before: "Array", after: "Array", tolerance: "Array") -> Effect | None:
    import numpy as np

    if np.unique(before).size < _MIN_LINE:
        return None
    ratio, offset = _fitted_line(before, after)
    candidates = [
        (known, fixed)
        for known, fixed in known_conversions()
        if fixed and abs(ratio / known - 1) <= _KNOWN and abs(offset - fixed) <= _KNOWN * max(1.0, abs(fixed))
    ]
    unsure = float(tolerance.max()) / (float(before.std()) * math.sqrt(before.size))
    near = ratio + np.linspace(-_FARTHEST, _FARTHEST, _STEPS) * unsure
    for one in [*(float(f"{ratio:.{digits}g}") for digits in range(3, 8)), ratio, *near.tolist()]:
        place = _interval(after - one * before, tolerance) if one else None
        if place is not None:
            candidates.append((one, simplest(*place)))
            break
    for one, other in candidates:
        if _nearly(np.abs(after - one * before - other) <= tolerance):
            return Effect(kind=EffectKind.SCALED, ratio=one, offset=other)
    return None


def _fitted_line(before: "Array", after: "Array") -> tuple[float, float]:
    """Ratio and offset by least squares, without the few that fit worst."""
    import numpy as np

    kept = np.ones(before.size, bool)
    ratio = offset = 0.0
    for _ in range(2):
        one, other = before[kept], after[kept]
        middle, level = float(one.mean()), float(other.mean())
        spread = float(((one - middle) ** 2).sum())
        ratio = float(((one - middle) * (other - level)).sum()) / spread if spread > 0 else 0.0
        offset = level - ratio * middle
        off = np.abs(after - ratio * before - offset)
        kept = off <= np.quantile(off, _AGREE)
    return ratio, offset


def simplest(low: float, high: float) -> float:
    """Return the number with the fewest digits between two."""
    middle = (low + high) / 2
    if low <= 0 <= high:
        return 0.0
    for digits in range(1, 16):
        short = float(f"{middle:.{digits}g}")
        if low <= short <= high:
            return short
    return middle
