"""Distances: how far one distribution is from another, from what profiles keep of them.

All are the same the other way round, to the last bit: sums are exact, and no difference is taken of a quotient.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lineage_pipelines.records.statement.profile import ColumnProfile

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_BINS = 10
_MIN_SHARE = 1e-4
"""What an empty bin counts for in PSI, which has no value for nothing."""
_TINY = 1e-9


@dataclass(frozen=True, slots=True)
class Distance:
    """How far apart two columns are."""

    psi: float | None = None
    distance: float | None = None


class Steps:
    """The distribution of numbers: the share of them that is at most x, exactly or between quantiles.

    Args:
        column: with `quantiles` or with all `values`.
    """

    def __init__(self, column: ColumnProfile) -> None:
        import numpy as np

        self.exact = column.lists_all
        if self.exact:
            pairs = sorted((float(value), count) for value, count in column.values or ())
            counts = np.cumsum([count for _, count in pairs], dtype="float64")
            self.points: Array = np.array([value for value, _ in pairs])
            self.shares: Array = counts / counts[-1]
        else:
            quantiles = np.array(column.quantiles, dtype="float64")
            shares = np.linspace(0, 1, quantiles.size)
            last = np.append(quantiles[1:] != quantiles[:-1], True)  # of equal quantiles the highest counts
            self.points, self.shares = quantiles[last], shares[last]

    def up_to(self, places: "Array") -> "Array":
        """Return the share that is at most each place."""
        import numpy as np

        if self.exact:
            found = np.searchsorted(self.points, places, side="right")
            return np.append(0.0, self.shares)[found]
        # Not np.interp: between numbers that hardly differ its slope is infinite; the share of the way never is.
        below = np.clip(np.searchsorted(self.points, places, side="right") - 1, 0, None)
        above = np.minimum(below + 1, self.points.size - 1)
        start, end = self.points[below], self.points[above]
        with np.errstate(all="ignore"):  # there may be no range, or one that is longer than any number
            unit = np.where(np.isinf(end - start), 2.0, 1.0)
            way = (places / unit - start / unit) / (end / unit - start / unit)
        shares = self.shares[below] + np.where(start < end, way, 0.0) * (self.shares[above] - self.shares[below])
        return np.where(places < self.points[0], 0.0, shares)


def has_distribution(column: ColumnProfile) -> bool:
    """Whether something of a column's distribution of numbers was recorded."""
    return bool(column.quantiles) or column.lists_all


def number_distance(first: ColumnProfile, second: ColumnProfile, apart: Sequence[tuple[float, float]]) -> Distance:
    """Compare numbers or times.

    Args:
        first: the column before.
        second: and after.
        apart: shares of all rows, before and after, that are no such numbers: missing, infinite.
    """
    import numpy as np

    before, after = Steps(first), Steps(second)
    places = np.union1d(before.points, after.points)
    one, other = before.up_to(places), after.up_to(places)
    distance = float(np.abs(one - other).max())
    edges = _edges((one + other) / 2)
    shares = [np.diff(np.concatenate([[0.0], cumulated[edges], [1.0]])) for cumulated in (one, other)]
    rest = [1 - sum(pair[side] for pair in apart) for side in (0, 1)]
    pairs = [*zip(shares[0] * rest[0], shares[1] * rest[1], strict=True), *apart]
    return Distance(psi=stability([(float(p), float(q)) for p, q in pairs]), distance=distance)


def _edges(pooled: "Array") -> "Array":
    """Where ten equal parts of both distributions together end; the last one ends at the end."""
    import numpy as np

    quantiles = np.arange(1, _BINS) / _BINS - _TINY
    found = np.unique(np.searchsorted(pooled, quantiles))
    return found[pooled[np.minimum(found, pooled.size - 1)] < 1 - _TINY]


def value_distance(before: Mapping[str, int], after: Mapping[str, int]) -> Distance:
    """Compare counts by value; missing values and those not listed are values of their own."""
    names = sorted({*before, *after})
    n, m = sum(before.values()), sum(after.values())
    if not n or not m:
        return Distance()
    counts = [(before.get(name, 0), after.get(name, 0)) for name in names]
    pairs = [(one / n, other / m) for one, other in counts]
    distance = math.fsum(abs(p - q) for p, q in pairs) / 2
    return Distance(psi=stability(pairs), distance=distance)


def stability(pairs: Sequence[tuple[float, float]]) -> float:
    """Return the population stability index of shares, before and after."""
    import numpy as np

    kept = [pair for pair in pairs if pair[0] > _TINY or pair[1] > _TINY]
    before, after = (np.maximum([pair[side] for pair in kept], _MIN_SHARE) for side in (0, 1))
    return math.fsum((after - before) * (np.log(after) - np.log(before)))
