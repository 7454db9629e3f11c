"""Units: whether a column is another one times a number, plus a number: a unit, a scale, a time zone."""

from typing import TYPE_CHECKING, Any, NamedTuple

from lineage_pipelines.records.statement.profile import ColumnKind, ColumnProfile

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]


class Conversion(NamedTuple):
    """A change of unit: what was, times `ratio`, plus `offset`."""

    ratio: float
    offset: float
    name: str
    inverse_name: str

    @property
    def inverse(self) -> tuple[float, float]:
        """Ratio and offset of the way back."""
        return _inverse((self.ratio, self.offset))


_CONVERSIONS = (
    Conversion(5 / 9, -160 / 9, "°F to °C", "°C to °F"),
    Conversion(5 / 9, 459.67 * 5 / 9, "°F to K", "K to °F"),
    Conversion(1.0, 273.15, "°C to K", "K to °C"),
    Conversion(60.0, 0.0, "hours to minutes, or minutes to seconds", "minutes to hours, or seconds to minutes"),
    Conversion(3600.0, 0.0, "hours to seconds", "seconds to hours"),
    Conversion(24.0, 0.0, "days to hours", "hours to days"),
    Conversion(86400.0, 0.0, "days to seconds", "seconds to days"),
    Conversion(1440.0, 0.0, "days to minutes", "minutes to days"),
    Conversion(100.0, 0.0, "", ""),
    Conversion(1000.0, 0.0, "", ""),
    Conversion(1e6, 0.0, "", ""),
    Conversion(2.54, 0.0, "inches to cm", "cm to inches"),
    Conversion(25.4, 0.0, "inches to mm", "mm to inches"),
    Conversion(0.3048, 0.0, "feet to metres", "metres to feet"),
    Conversion(1.609344, 0.0, "miles to km", "km to miles"),
    Conversion(1.852, 0.0, "nautical miles to km", "km to nautical miles"),
    Conversion(0.45359237, 0.0, "pounds to kg", "kg to pounds"),
    Conversion(3.6, 0.0, "m/s to km/h", "km/h to m/s"),
    Conversion(33.8638866667, 0.0, "inHg to hPa", "hPa to inHg"),
)
"""Conversions that are known when the rows differ, too. A power of ten has no name: it may be any unit."""
_NAMED = 0.01
"""How far, as a share of the value, a ratio or offset may be from the conversion that it is named by."""
_CLOSE = 2e-3
"""Of the spread: how far a quantile may be from where the map puts it. Values are often rounded after a conversion."""
_NEAR = 0.05
"""The same where the ratio is that of a known conversion, so that more rows may be there now."""
_KNOWN = 0.02
_EXACT = 1e-9
_OUTER = 2
"""Quantiles at either end, the range with them, that rounding of their places moves."""
_CLEARLY = 2
_MIN_DISTINCT = 5
_HOUR = 3600
_MAX_HOURS = 14


def linear_map(first: ColumnProfile, second: ColumnProfile, *, same_count: bool) -> tuple[float, float] | None:
    """Return ratio and offset from one column to the other; None when no such map explains it, or none is needed.

    Args:
        first: the column before.
        second: and after.
        same_count: whether there are as many values. If not, only known conversions count: what grows (a row number,
            a date) is longer by a ratio as well.
    """
    import numpy as np

    if min(first.distinct or 0, second.distinct or 0) < _MIN_DISTINCT:
        return None
    before, after = (np.array(column.quantiles or (), dtype="float64") for column in (first, second))
    if before.size < 2 or before.size != after.size or not (np.ptp(before) and np.ptp(after)):  # noqa: PLR2004
        return None
    if ColumnKind.TIME in (first.kind, second.kind):
        return _zone(before, after) if first.kind == second.kind and same_count else None
    if _is_turned(first, second, before, after):
        return -1.0, 0.0
    # A symmetric column that is as it was is so when it is turned round, too.
    moved = float(np.abs(before - after).max()) > _CLOSE * float(after.std())
    for each, sign in ((before, 1), (before[::-1], -1)) if moved else ():
        found = _fit(each, after, sign)
        if found is not None and _explains(each, after, found, same_count=same_count):
            return found
    return None


def known_conversions() -> tuple[tuple[float, float], ...]:
    """Return ratio and offset of every conversion that has a name, both ways."""
    return tuple(way for each in _CONVERSIONS for way in ((each.ratio, each.offset), each.inverse))


def conversion_name(ratio: float, offset: float) -> str:
    """Return what a change of unit is called, as `°F to °C`; empty where none is known."""
    for each in _CONVERSIONS:
        if _near(ratio, each.ratio) and _near(offset, each.offset):
            return each.name
        if _near(ratio, each.inverse[0]) and _near(offset, each.inverse[1]):
            return each.inverse_name
    return ""


def _near(value: float, expected: float) -> bool:
    return abs(value - expected) <= _NAMED * (abs(expected) or 1.0)


def _is_turned(first: ColumnProfile, second: ColumnProfile, before: "Array", after: "Array") -> bool:
    """Whether every number has the other sign: the range is turned round exactly, the quantiles within it nearly.

    A column that is much the same when it is turned round is not evidence of anything, unless its range tells.
    """
    import numpy as np

    inner = slice(_OUTER, -_OUTER) if before.size > 4 * _OUTER else slice(None)
    off = float(np.abs(-before[::-1] - after)[inner].max())
    moved = float(np.abs(before - after)[inner].max())
    spread = max(float(before.std()), float(after.std()))
    if not np.isfinite(spread) or off > _NEAR * spread:
        return False
    if first.min is None or first.max is None or second.min is None or second.max is None:
        return False
    low, high, new_low, new_high = first.min, first.max, second.min, second.max
    size = _EXACT * max(abs(low), abs(high))
    turned = abs(low + new_high) <= size and abs(high + new_low) <= size
    return moved > _CLEARLY * max(off, _NEAR * spread) or (turned and abs(low + high) > size)


def _fit(before: "Array", after: "Array", sign: int) -> tuple[float, float] | None:
    """The map by spread and mean: exchanged, it is the inverse one."""
    with_errors = float(before.std()), float(after.std())
    if not all(0 < spread < float("inf") for spread in with_errors):
        return None
    ratio = sign * with_errors[1] / with_errors[0]
    return ratio, float(after.mean()) - ratio * float(before.mean())


def _explains(before: "Array", after: "Array", found: tuple[float, float], *, same_count: bool) -> bool:
    import numpy as np

    ratio, offset = found
    spread = float(after.std())
    residue = float(np.abs(before * ratio + offset - after).max()) / spread
    if abs(ratio - 1) < _KNOWN and abs(offset) < _KNOWN * spread:
        return False  # it is as it was
    known = any(
        _is(found, (each.ratio, each.offset), spread)
        or _is(_inverse(found), (each.ratio, each.offset), spread / abs(ratio))
        for each in _CONVERSIONS
    )
    return residue <= (_NEAR if known else _CLOSE) and (known or same_count)


def _is(found: tuple[float, float], unit: tuple[float, float], spread: float) -> bool:
    return abs(found[0] / unit[0] - 1) < _KNOWN and abs(found[1] - unit[1]) < _NEAR * spread


def _inverse(found: tuple[float, float]) -> tuple[float, float]:
    return 1 / found[0], -found[1] / found[0]


def _zone(before: "Array", after: "Array") -> tuple[float, float] | None:
    """A shift of all times by the same whole hours, as another time zone makes."""
    shift = after - before
    hours = round(float(shift.mean()) / _HOUR)
    whole = bool(abs(shift - hours * _HOUR).max() <= 1)
    return (1.0, float(hours * _HOUR)) if whole and 0 < abs(hours) <= _MAX_HOURS else None
