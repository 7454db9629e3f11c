"""Scores that order the sentences of a comparison: one number a kind, then the size of the effect."""

import math
from collections.abc import Sequence

from lineage_pipelines.queries.diff.changes import PackageChange, ParameterChange
from lineage_pipelines.records.values.canonical import Json

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


OTHER_EVALUATION = 150.0
"""The data that was measured on differs, and nothing that was trained on: no metric can be compared."""
ALL_TRAINED_ON = 155.0
"""Every row that was measured on was trained on as well: the metrics are about nothing new."""
MEASURED_BY_PREPARATION = 127.0
"""Other data was measured on, and a step of the preparation differs by itself: that step comes first."""
MEASURED_OTHERWISE = 68.0
"""Other metrics or other kinds of slices are reported: before the file in which that was changed."""
OWN_PREPARATION = 130.0
"""A step's own command, parameters or code: what it gives out differs because of it, so it stands before that."""
UNIT = 120.0
"""A column is another one times a factor, plus an offset: a unit, a scale or a time zone."""
COLUMN_GONE = 105.0
"""A column that a model was trained on is not there, or has another type."""
COLUMN_NEW = 90.0
COLUMN_RENAMED = 80.0
SHIFTED = 60.0
"""A column moved: plus twelve for each unit of the population stability index, up to five. 0.1 is the usual bound
below which a difference is of no concern."""
PSI_WEIGHT = 12.0
PSI_MOST = 5.0
PSI_LEAST = 0.1
SLIGHTLY_SHIFTED = 12.0
"""A column below that bound: what a month more does to every column."""
SEASON = 25.0
"""What a shift counts less where more rows, or another time, explain it: no distribution moves further by rows that
are added than their share of all rows. A broken month is broken by more than that, or by its PSI."""
APART = 2.5
"""In standard deviations: where the mean of the new rows lies further from the mean before, no season is taken for an
explanation."""
ONE_COLUMN = 88.0
"""As many rows, and no more than three columns that differ at all: a shift in one of them that is not chance
(p < 0.001), however small. Labels that were turned around are such a shift."""
VALUES_GONE = 75.0
VALUES_POINTS = 200.0
VALUES_MOST = 20.0
"""Values have vanished, or new ones are there, in half a per cent of the rows or more: plus two points for each per
cent of the rows, up to twenty."""
DUPLICATES = 100.0
"""Rows that repeat others, in a share that there was not before: plus as many points as per cent, up to twenty."""
CHECK_FAILS = 99.0
"""A check of the data that passed before fails now: somebody asked for exactly this."""
METRIC_CHECK = 30.0
"""A check of a metric fails now: the outcome, not what is behind it."""
ROWS_GATHER = 98.0
"""Existing rows have changed, and gather in one place."""
ROWS_CHANGED = 75.0
ROWS_MOVED_AGAINST_EACH_OTHER = 85.0
"""Every column has the values that it had, and the rows are not the rows that there were."""
ROWS_FEWER = 55.0
FEWER_MOST = 40.0
"""Rows are gone: plus a point for each per cent of them, up to forty."""
GOES_ON = 50.0
"""More rows, of a later time: the whole of an ordinary month. Before the seasons that come with it, behind whatever
somebody changed."""
ROWS_MORE = 25.0
"""Data grows: worth reporting, and seldom an explanation."""
PARAMETER = 72.0
DEFAULT = 70.0
"""A parameter that was not set: its default in the code is another one."""
CODE = 66.0
LAYOUT = 4.0
LIBRARY = 64.0
"""A library that the training code imports; eight less for a step within a minor release."""
LIBRARY_STEP = 8.0
PYTHON = 58.0
OTHER_LIBRARY = 8.0
MACHINE = 10.0
"""Threads, processor, platform: enough for another last digit."""
SEED = 20.0
CHOICE = 40.0
"""Another candidate was chosen, or another estimator: a consequence more often than a reason."""
ORDER_ONLY = 6.0
"""The same rows, in another order or encoding."""
BYTES_ONLY = 50.0
"""The bytes differ, and more is not known."""
ELSEWHERE = 0.5
"""What data that is not trained on (test, validation, reference) is worth of the same in what is."""
