"""Bisect: the first version whose metric is bad, searched among existing versions; nothing is trained."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.errors import NotFoundError
from lineage_pipelines.queries.diff.run.noise_band import MAX_VERSIONS, measure_noise
from lineage_pipelines.queries.refs import ModelPartition, known_partition, resolve
from lineage_pipelines.records.statement.lineage_record import LineageRecord, same_data
from lineage_pipelines.records.statement.metric import metric_text
from lineage_pipelines.records.values.model_name import scoped


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """A version and its value of the metric."""

    version: int
    value: float
    bad: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """Two consecutive versions on different sides of the threshold."""

    before: Measured
    after: Measured
    same_data: bool | None
    """Whether both were measured on the same data; None if unknown."""
    within_noise: bool | None
    """Whether they differ by no more than repeats of one recipe do; None without repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bisection:
    """Where a metric went from the good side to the bad one."""

    model: str
    metric: str
    threshold: float
    chosen: bool
    """Whether the caller chose the threshold; otherwise it is halfway between the good and the bad value."""
    noise: float | None
    """Two standard deviations of the metric over repeats of one recipe; None without repeats."""
    versions: tuple[Measured, ...]
    """From the good version to the bad one; those without the metric are left out."""
    unmeasured: tuple[int, ...]
    """Versions in that range without the metric."""
    crossings: tuple[Crossing, ...]
    """All of them in order; the first goes from good to bad."""

    @property
    def first(self) -> Crossing:
        """The first version on the bad side, with the one before it."""
        return self.crossings[0]

    @property
    def monotonic(self) -> bool:
        """Whether the metric crossed once and stayed there."""
        return len(self.crossings) == 1


def bisect_metric(
    catalog: Catalog, model: str, metric: str, *, good: str, bad: str, threshold: float | None = None
) -> Bisection:
    """Find the first version whose metric is on the bad side.

    Args:
        catalog: the catalog.
        model: the model's name, or one of its partitions: `flight_delay[west]`.
        metric: the metric's name.
        good: a version whose metric was right: a REF of the model, or its number alone.
        bad: a version whose metric is wrong, before or after the good one.
        threshold: the value between good and bad; by default halfway between the two versions.

    Raises:
        NotFoundError: there is no such model, version or metric; the two versions are of different partitions, or their
            values are equal, or not on different sides of the threshold.
        CatalogError: the catalog cannot be read.
    """
    wanted = known_partition(catalog, model)
    ends = _resolve(catalog, wanted, good), _resolve(catalog, wanted, bad)
    if ends[0].identity != ends[1].identity:
        what = f"{ends[0].ref} and {ends[1].ref} are of different partitions, which are not compared"
        raise NotFoundError(what, fix="name two versions of one partition")
    values = _value(ends[0], metric), _value(ends[1], metric)
    limit = _threshold(values, threshold, metric)
    newest = catalog.entries(wanted.model, limit=MAX_VERSIONS)
    noise = measure_noise([entry for entry in newest if entry.identity == ends[0].identity]).get(metric)
    between = _between(catalog, ends)
    measured = [(entry, _number(entry.record, metric)) for entry in between]
    sign = 1 if values[0] > values[1] else -1
    found = [
        (entry, Measured(version=entry.version, value=value, bad=sign * value < sign * limit))
        for entry, value in measured
        if value is not None
    ]
    crossings = [
        Crossing(
            before=before,
            after=after,
            same_data=same_data(first.record.measured_on, second.record.measured_on),
            within_noise=None if noise is None else abs(after.value - before.value) <= noise,
        )
        for (first, before), (second, after) in pairwise(found)
        if before.bad != after.bad
    ]
    return Bisection(
        model=scoped(wanted.model, ends[0].identity),
        metric=metric,
        threshold=limit,
        chosen=threshold is not None,
        noise=noise,
        versions=tuple(each for _, each in found),
        unmeasured=tuple(entry.version for entry, value in measured if value is None),
        crossings=tuple(crossings),
    )


def _resolve(catalog: Catalog, wanted: ModelPartition, ref: str) -> Entry:
    model = scoped(wanted.model, wanted.identity)
    entry = resolve(catalog, f"{model}@{ref}" if ref.isascii() and ref.isdigit() and len(ref) < 6 else ref)  # noqa: PLR2004
    if entry.model != wanted.model or not wanted.includes(entry.identity):
        fix = f"name two versions of {model}: {model}@1"
        raise NotFoundError(f"{entry.ref} is not a version of {model}", where=catalog.url, fix=fix)
    return entry


def _value(entry: Entry, metric: str) -> float:
    value = _number(entry.record, metric)
    if value is None:
        known = sorted(entry.record.evaluation.metrics) if entry.record.evaluation else []
        fix = f"it has {', '.join(known)}" if known else "name a version that was evaluated"
        raise NotFoundError(f"{entry.ref} has no metric {metric[:80]!r}", fix=fix)
    return value


def _number(record: LineageRecord, metric: str) -> float | None:
    value = record.evaluation.metrics.get(metric) if record.evaluation else None
    return value if value is not None and not math.isnan(value) else None


def _threshold(values: tuple[float, float], threshold: float | None, metric: str) -> float:
    good, bad = values
    if good == bad:
        raise NotFoundError(
            f"{metric} is {metric_text(good)} in both versions", fix="name two versions between which it differs"
        )
    limit = (good + bad) / 2 if threshold is None else threshold
    if threshold is None and limit == bad:  # there is no number between the two
        limit = good
    # A value equal to the threshold is good.
    if not (bad < limit <= good or good <= limit < bad):
        fix = f"choose one between {metric_text(bad)} and {metric_text(good)}"
        raise NotFoundError(f"the threshold {metric_text(limit)} is not between the two versions", fix=fix)
    return limit


def _between(catalog: Catalog, ends: tuple[Entry, Entry]) -> Sequence[Entry]:
    """Return the versions of their identity from the good one to the bad one, both included."""
    low, high = sorted(entry.version for entry in ends)
    numbered = catalog.entries(ends[0].model, before=high + 1, limit=high - low + 1)
    found = [entry for entry in numbered if entry.identity == ends[0].identity]
    return found[::-1] if ends[0].version == low else found
