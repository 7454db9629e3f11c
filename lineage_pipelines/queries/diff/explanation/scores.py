"""Scores that order the changes of a comparison: one number a kind, then the size of the effect."""

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


STEP_NOT_RUN = 170.0
"""A step was not run again after what it reads had changed: nothing behind it is what it seems."""
INPUTS_EXCHANGED = 165.0
"""Training and test data, or two others, were exchanged."""
PARTITION = 160.0
"""Versions of two partitions: they are two models."""
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
WITHOUT_EFFECT = 15.0
"""The same of a step that gave out the same."""
TABLE_REPLACED = 125.0
"""Nearly all columns are others."""
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
PSI_MIN = 0.1
SLIGHTLY_SHIFTED = 12.0
"""A column below that bound: what a month more does to every column."""
SEASON = 25.0
"""What a shift counts less where more rows, or another time, explain it: no distribution moves further by rows that
are added than their share of all rows. A broken month is broken by more than that, or by its PSI."""
NEW_ROWS_APART = 75.0
"""Rows that came lie where hardly any row was before: behind what was done to all rows, before their coming itself."""
APART = 2.5
"""In standard deviations: where the mean of the new rows lies further from the mean before, no season is taken for an
explanation."""
ONE_COLUMN = 88.0
"""As many rows, and no more than three columns that differ at all, however little they moved: the digests of the
columns say so. Labels that were turned around are such a change."""
IDENTIFIER = 2.0
"""A column with another value in every row: numbers of rows move with the rows."""
LAST_DIGITS = 5.0
"""Every recorded figure is the same to nine digits, and the values are not: another order of a computation."""
FORMAT = 94.0
"""The texts of a column are written in another format: a key that finds no partner any more."""
HOLE = 86.0
"""A time without rows that is longer than before."""
ORIGIN = 41.0
"""An import from another place or commit: beside what it brought."""
VALUES_GONE = 75.0
VALUES_POINTS = 200.0
VALUES_MOST = 20.0
"""Values have vanished, or new ones are there, in half a per cent of the rows or more: plus two points for each per
cent of the rows, up to twenty."""
KEY_REPEATED = 112.0
"""A column whose values were unique has repeats now, in rows that are not the same: a join multiplies rows by it."""
DUPLICATES = 100.0
"""Rows that repeat others, in a share that there was not before: plus as many points as per cent, up to twenty."""
CHECK_FAILS = 99.0
"""A check of the data that passed before fails now: somebody asked for exactly this."""
METRIC_CHECK = 30.0
"""A check of a metric fails now: the outcome, not what is behind it."""
ROWS_SHARED = 99.0
"""Rows that are measured on are trained on as well, more than before: plus their share."""
ROWS_OF_GROUP = 97.0
"""Rows that came or went have a value in common, or a time."""
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
UNDECLARED = 11.0
"""Variables and files that training reads beside what is recorded: a hint where nothing else explains."""
SEED = 20.0
CHOICE = 40.0
"""Another candidate was chosen, or another estimator: a consequence more often than a reason."""
ORDER_ONLY = 6.0
"""The same rows, in another order or encoding."""
BYTES_ONLY = 50.0
"""The bytes differ, and more is not known."""
OTHER_FILES = 9.0
"""Files that changed between the two commits and that no recorded part reaches: worth a look, often documents."""
EXPLAINED = 0.6
"""What a finding in prepared data is worth when a source of it, or a step, is known to have changed."""
EXPLAINS = 40.0
"""From this score on a finding in a source explains what is found in the data that was made from it."""
HARDLY = 0.01
"""What puts one of two findings of equal weight before the other."""
ELSEWHERE = 0.5
"""What data that is not trained on (test, validation, reference) is worth of the same in what is."""
