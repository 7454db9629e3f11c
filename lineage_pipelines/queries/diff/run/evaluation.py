"""Evaluation: whether two versions were measured alike, and what was measured."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from lineage_pipelines.queries.diff.alignment import Pair, paired
from lineage_pipelines.queries.diff.changes import CodeChange, EvaluationChange, MetricChange
from lineage_pipelines.queries.diff.run.noise_band import band_name, measure_noise
from lineage_pipelines.records.statement.lineage_record import LineageRecord, same_data
from lineage_pipelines.records.statement.metric import by_interest
from lineage_pipelines.records.statement.training_run import CheckResult, Evaluation, SliceMetrics, check_kind

__all__ = ["compare_evaluation", "measure_noise"]


def compare_evaluation(
    first: LineageRecord,
    second: LineageRecord,
    noise: Mapping[str, float] | None = None,
    *,
    code: CodeChange | None = None,
    first_is_later: bool = False,
) -> EvaluationChange:
    """Compare how two versions were measured, every metric, every slice, and the verdicts of the checks.

    `same_data` is known when both say on which input they were measured and its SHA-256 is recorded.

    A record does not say which source files measure. `same_code` is therefore True when all files are the same, or
    differ in comments and layout alone; False when the two do not report the same metrics or the same kinds of
    slices, for then they cannot have been measured by the same; None otherwise.

    Args:
        first: the version on the left.
        second: the version on the right.
        noise: two standard deviations of a metric over repeats, as `measure_noise` returns them.
        code: the result of `compare_code`, to distinguish layout from code.
        first_is_later: whether the version on the left is the later one, whose directions of metrics take precedence.
    """
    before, after = first.evaluation, second.evaluation
    bands = noise or {}
    in_order = (second, first) if first_is_later else (first, second)
    checks = paired(_checks(before), _checks(after), lambda check: check.name)
    same = {
        pair.name: pair.before.passed for pair in checks if pair.before and _verdicts(pair)[0] == _verdicts(pair)[1]
    }
    return EvaluationChange(
        same_data=same_data(first.measured_on, second.measured_on),
        same_code=_same_code(first, second, code),
        snapshot=(before.snapshot if before else None, after.snapshot if after else None),
        metrics=_with_direction(
            _metrics(before.metrics if before else {}, after.metrics if after else {}, bands), *in_order
        ),
        slices=_with_direction(_slices(_Side(first), _Side(second), bands), *in_order),
        checks={pair.name: _verdicts(pair) for pair in checks if pair.name not in same},
        details={pair.name: _detail(pair) for pair in checks if pair.name not in same},
        unchanged_checks=len(same),
        same_checks=same,
        check_kinds={pair.name: check_kind(each) for pair in checks if (each := pair.after or pair.before)},
    )


def _with_direction(
    changes: Iterable[MetricChange], earlier: LineageRecord, later: LineageRecord
) -> tuple[MetricChange, ...]:
    """Add the direction of each metric: that of the later record, or of the earlier one if the later has none."""
    directions = ((change, later.direction(change.name) or earlier.direction(change.name)) for change in changes)
    return tuple(
        replace(change, greater_is_better=spec.greater_is_better if spec else None) for change, spec in directions
    )


def _checks(evaluation: Evaluation | None) -> Sequence[CheckResult]:
    return evaluation.checks if evaluation else ()


def _verdicts(pair: Pair[CheckResult]) -> tuple[bool | None, bool | None]:
    return (pair.before.passed if pair.before else None, pair.after.passed if pair.after else None)


def _detail(pair: Pair[CheckResult]) -> str:
    return next((check.detail for check in (pair.after, pair.before) if check is not None), "")


def _same_code(first: LineageRecord, second: LineageRecord, code: CodeChange | None) -> bool | None:
    before, after = first.code.source, second.code.source
    if before and after and (before.entry, before.files) == (after.entry, after.files):
        return True
    if code and code.files and all(file.only_layout for file in code.files) and _entry(first) == _entry(second):
        return True
    return False if _reported(first) != _reported(second) else None


def _entry(record: LineageRecord) -> str | None:
    return record.code.source.entry if record.code.source else None


def _reported(record: LineageRecord) -> tuple[set[str], set[str]] | None:
    if record.evaluation is None:
        return None
    return set(record.evaluation.metrics), {part.name for part in record.evaluation.slices}


def _metrics(
    before: Mapping[str, float], after: Mapping[str, float], bands: Mapping[str, float]
) -> tuple[MetricChange, ...]:
    names = by_interest({*before, *after})
    return tuple(MetricChange(name=n, before=before.get(n), after=after.get(n), noise=bands.get(n)) for n in names)


@dataclass(frozen=True, slots=True)
class _Side:
    """The slices of one version, and of how many rows each is a part."""

    record: LineageRecord

    @property
    def slices(self) -> Sequence[SliceMetrics]:
        return self.record.evaluation.slices if self.record.evaluation else ()

    def totals(self) -> Mapping[str, int]:
        """Rows by the slices' column: those of the data that was measured on, or of its slices where they have more.

        Slices of a column may leave rare values out, and may take rows of other data in.
        """
        measured = self.record.measured_on
        rows = (measured.rows if measured else None) or 0
        found: dict[str, int] = {}
        for part in self.slices:
            found[part.name] = found.get(part.name, 0) + part.rows
        return {column: max(count, rows) for column, count in found.items()}


def _slices(first: _Side, second: _Side, bands: Mapping[str, float]) -> tuple[MetricChange, ...]:
    pairs = paired(first.slices, second.slices, lambda part: f"{part.name}={part.value}")
    left, right = first.totals(), second.totals()
    changes = [change for pair in pairs for change in _of_slice(pair, left, right, bands)]
    rank = {name: place for place, name in enumerate(by_interest({change.name for change in changes}))}
    return tuple(sorted(changes, key=lambda each: (-abs(each.contribution or 0.0), each.slice, rank[each.name])))


def _of_slice(
    pair: Pair[SliceMetrics], left: Mapping[str, int], right: Mapping[str, int], bands: Mapping[str, float]
) -> Iterable[MetricChange]:
    before, after = pair.before, pair.after
    rows = (before.rows if before else None, after.rows if after else None)
    shares = [_share(part, totals) for part, totals in ((before, left), (after, right))]
    for change in _metrics(before.metrics if before else {}, after.metrics if after else {}, {}):
        # The mean of both shares: the sum over slices is then what differs but for the shares themselves, and a
        # comparison the other way round gives the same number with the other sign.
        moved = change.difference
        contribution = None if moved is None else moved * sum(shares) / 2
        noise = bands.get(band_name(change.name, pair.name))
        yield replace(change, slice=pair.name, rows=rows, contribution=contribution, noise=noise)


def _share(part: SliceMetrics | None, totals: Mapping[str, int]) -> float:
    total = totals.get(part.name, 0) if part else 0
    return part.rows / total if part and total > 0 else 0.0
