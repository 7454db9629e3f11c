"""Of changes of one kind, which is the greater? What cannot be measured comes after what can, in the order it had."""

import math
from collections.abc import Sequence

from lineage_pipelines.queries.diff.changes import PackageChange, ParameterChange
from lineage_pipelines.records import Json

_PARTS = 3


def by_effect(parameters: Sequence[ParameterChange]) -> tuple[ParameterChange, ...]:
    """Return parameters by the factor between before and after, the greatest first."""
    return tuple(sorted(parameters, key=lambda change: -_factor(change.before, change.after)))


def _factor(before: Json, after: Json) -> float:
    """How many times as great the greater is, as a logarithm; endless where the sign differs or one is zero."""
    if isinstance(before, bool) or isinstance(after, bool):
        return 0.0
    if not isinstance(before, int | float) or not isinstance(after, int | float):
        return 0.0
    if before == after:
        return 0.0
    if (before < 0) != (after < 0) or not before or not after:
        return math.inf
    return abs(math.log(abs(after)) - math.log(abs(before)))


def by_step(packages: Sequence[PackageChange]) -> tuple[PackageChange, ...]:
    """Return imported libraries first, those with another major release before the others; the rest as it came."""
    return tuple(sorted(packages, key=lambda change: (not change.imported, _step(change) if change.imported else 0)))


def _step(change: PackageChange) -> int:
    """0 where it came, went, or is another major release; 1 for a minor one; and so on."""
    if change.before is None or change.after is None:
        return 0
    before, after = (version.split(".") for version in (change.before, change.after))
    same = (place for place, (one, other) in enumerate(zip(before, after, strict=False)) if one != other)
    return min(next(same, _PARTS), _PARTS)
