"""Gates: requirements on a new version. Each becomes an asset check and a line of the record.

When a blocking gate fails, the model and its record stay, the run fails and later steps do not start.
"""

import functools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.capture.evaluation import check_metrics
from lineage_pipelines.capture.scalars import describe_type, plain_scalar
from lineage_pipelines.capture.tables.column_arrays import is_text
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.queries.diff.rows.row_side import Side
from lineage_pipelines.queries.diff.stored_tables import OpenTable
from lineage_pipelines.records.statement.lineage_record import same_data
from lineage_pipelines.records.statement.metric import (
    MetricSpec,
    declare_direction,
    direction_by_name,
    is_no_worse,
    metric_text,
)
from lineage_pipelines.records.statement.training_run import CheckKind, CheckResult, CheckSeverity

if TYPE_CHECKING:
    import pandas as pd

    from lineage_pipelines.queries.registry.baseline import Baseline
    from lineage_pipelines.records.statement.dataset import DatasetSnapshot
    from lineage_pipelines.records.statement.training_run import SliceMetrics


Figures = Mapping[str, float]
"""Numbers by what they are: `value`, `minimum`, `baseline`."""
Verdict = tuple[bool, str] | tuple[bool, str, Figures]
"""Whether a version passed, why in words, and the numbers that it rests on, which Dagster plots."""


@dataclass(frozen=True, kw_only=True)
class GateFacts:
    """What a gate may look at: one version, before it is committed."""

    metrics: Mapping[str, float]
    slices: "Sequence[SliceMetrics]" = ()
    inputs: Mapping[str, Path]
    """The private, read-only bytes that training read."""
    evaluated_on: str | None
    baseline: "Baseline | None"
    measured_on: "DatasetSnapshot | None" = None
    """The snapshot of the input that was evaluated on; None where it is not known."""
    directions: Sequence[MetricSpec] = ()
    """Of the metrics whose direction was declared."""
    _tables: "dict[str, pd.DataFrame]" = field(default_factory=dict, init=False, repr=False, compare=False)

    def greater_is_better(self, metric: str) -> bool | None:
        """Return whether a greater value of a metric is better; None where that is not known, or neither is."""
        return next((s.greater_is_better for s in self.directions if s.name == metric), direction_by_name(metric))

    def table(self, name: str) -> "pd.DataFrame":
        """Return an input as a table, read once for all gates of a version.

        Raises:
            CaptureError: there is no such input, or it is not a table.
        """
        from lineage_pipelines.capture.tables.table_capture import read_table

        if name not in self._tables:
            self._tables[name] = read_table(self._path(name))
        return self._tables[name]

    def rows(self, name: str) -> OpenTable:
        """Return the rows of an input as they are in its files: with the columns that pandas makes an index.

        Raises:
            CaptureError: there is no such input, or it is not a table.
        """
        from lineage_pipelines.capture.tables.table_capture import open_rows

        return OpenTable(*open_rows(self._path(name)))

    def _path(self, name: str) -> Path:
        if name not in self.inputs:
            raise CaptureError(f"no input {name!r}", fix=f"use one of: {', '.join(self.inputs)}")
        return self.inputs[name]


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A named check of a new version."""

    name: str
    description: str
    judge: Callable[[GateFacts], Verdict]
    """From facts to passed, detail in words and, if there are any, the numbers that it rests on."""
    blocking: bool = True
    inputs: Sequence[str] = ()
    """The inputs that it reads, for a misspelt one to be refused before training."""
    kind: CheckKind = CheckKind.CUSTOM
    metric: MetricSpec | None = None
    """The metric whose direction it needs; its `greater_is_better` is None while that is not declared."""

    def check(self, facts: GateFacts) -> CheckResult:
        """Return the verdict on a version.

        Raises:
            CaptureError: `judge` did not return a truth value, a text and, if it returns them, finite numbers.
        """
        passed, detail, figures = _verdict(self.name, self.judge(facts))
        severity = CheckSeverity.ERROR if self.blocking else CheckSeverity.WARN
        return CheckResult(
            name=self.name, passed=passed, severity=severity, detail=detail, kind=self.kind, figures=figures
        )


def _verdict(gate: str, returned: object) -> tuple[bool, str, Figures]:
    match returned:
        case (passed, str(detail)) if isinstance(plain := plain_scalar(passed), bool):  # numpy's booleans as well
            return plain, detail, {}
        case (passed, str(detail), Mapping() as figures) if isinstance(plain := plain_scalar(passed), bool):
            return plain, detail, check_metrics(figures, where=f"{gate}: figures")
    fix = "return passed, a detail in words and, if you like, numbers: return True, 'why', {'value': 0.7}"
    raise CaptureError(f"the judge of {gate} returned {describe_type(returned)}, no verdict", where=gate, fix=fix)


def _plain_name(*words: str) -> str:
    # Dagster's names are ASCII letters, digits and underscores; names of metrics and arguments may hold more.
    return re.sub(r"[^A-Za-z0-9_]+", "_", "_".join(words))


def _check_names(gate: str, names: Sequence[object]) -> None:
    if not names or not all(isinstance(name, str) and name for name in names):
        fix = f'write {gate}("…"), one text or more'
        raise CaptureError(f"{gate}() is given {', '.join(map(repr, names)) or 'no names'}", where=gate, fix=fix)


def threshold(*, blocking: bool = True, **limits: float) -> Gate:
    """Ask a metric to reach a limit: `threshold(min_roc_auc=0.65)`, `threshold(max_log_loss=0.6)`.

    Raises:
        CaptureError: not exactly one limit, or its name begins neither with `min_` nor with `max_`.
    """
    if len(limits) != 1:
        raise CaptureError("threshold() takes one limit", fix="write threshold(min_roc_auc=0.65), one gate a limit")
    name, limit = next(iter(limits.items()))
    bound, _, metric = name.partition("_")
    if bound not in ("min", "max") or not metric:
        raise CaptureError(f"threshold({name}=…) names no limit", fix=f"write min_{name}=… or max_{name}=…")
    check_metrics(limits, where="threshold()")
    judge = functools.partial(_judge_threshold, metric, limit, bound == "min")
    words = "at least" if bound == "min" else "at most"
    description = f"{metric} is {words} {limit:g}"
    return Gate(
        name=_plain_name(name), description=description, judge=judge, blocking=blocking, kind=CheckKind.THRESHOLD
    )


def _judge_threshold(metric: str, limit: float, at_least: bool, facts: GateFacts) -> Verdict:  # noqa: FBT001
    if metric not in facts.metrics:
        return False, f"{metric} was not measured; measured: {', '.join(sorted(facts.metrics))}"
    value = facts.metrics[metric]
    words, bound = ("at least", "minimum") if at_least else ("at most", "maximum")
    detail = f"{metric} = {metric_text(value)}, required: {words} {limit:g}"
    return value >= limit if at_least else value <= limit, detail, {"value": value, bound: limit}


def no_worse(*, blocking: bool = True, falls: bool | None = None, **tolerances: float) -> Gate:
    """Ask a metric to be no worse than in production, beyond a tolerance: `no_worse(roc_auc=0.01)`.

    While nothing is in production the last version whose blocking gates passed stands for it; without one the gate
    passes and says so. With partitions both are of the same identity, and of no later window of time. The detail
    says when the two were measured on different data. Which way is better follows from
    `model_asset(metrics=[MetricSpec(…)])`, from `falls`, or from the name of a scikit-learn scorer, loss or error.

    Args:
        blocking: whether a failure stops what comes after.
        falls: whether lower is better; the same as a `MetricSpec` of `model_asset(metrics=…)`.
        tolerances: one metric and how much worse it may be, absolutely.

    Raises:
        CaptureError: not exactly one metric, or a negative tolerance.
    """
    if len(tolerances) != 1:
        raise CaptureError("no_worse() takes one metric", fix="write no_worse(roc_auc=0.01), one gate a metric")
    check_metrics(tolerances, where="no_worse()")
    metric, tolerance = next(iter(tolerances.items()))
    if tolerance < 0:
        fix = f"write how much worse it may be: no_worse({metric}={-tolerance:g})"
        raise CaptureError(f"the tolerance of {metric} is negative: {tolerance:g}", where="no_worse()", fix=fix)
    return Gate(
        name=_plain_name("no_worse", metric),
        description=f"{metric} is no more than {tolerance:g} worse than in production",
        judge=functools.partial(_judge_no_worse, metric, tolerance, falls),
        blocking=blocking,
        kind=CheckKind.NO_WORSE,
        metric=MetricSpec(metric, greater_is_better=None if falls is None else not falls),
    )


def _judge_no_worse(metric: str, tolerance: float, falls: bool | None, facts: GateFacts) -> Verdict:  # noqa: FBT001
    if metric not in facts.metrics:
        return False, f"{metric} was not measured; measured: {', '.join(sorted(facts.metrics))}"
    greater = facts.greater_is_better(metric) if falls is None else not falls
    if greater is None:
        raise CaptureError(f"it is not known whether a greater {metric} is better", fix=declare_direction(metric))
    value = facts.metrics[metric]
    if facts.baseline is None:
        return True, "not compared: there is no earlier version", {"value": value}
    before = facts.baseline.record.evaluation
    if before is None or metric not in before.metrics:
        return True, f"not compared: {facts.baseline.label} has no {metric}", {"value": value}
    earlier = before.metrics[metric]
    passed = is_no_worse(value, earlier, greater_is_better=greater, tolerance=tolerance)
    detail = f"{metric} = {metric_text(value)}, {facts.baseline.label}: {metric_text(earlier)}"
    figures = {"value": value, "baseline": earlier, "tolerance": tolerance}
    return passed, f"{detail}, tolerance {tolerance:g}{_other_data(facts)}", figures


def _other_data(facts: GateFacts) -> str:
    if facts.baseline is None or facts.evaluated_on is None:
        return ""
    match same_data(facts.baseline.record.measured_on, facts.measured_on):
        case True:
            return ""
        case False:
            return f"; measured on different {facts.evaluated_on} data"
        case None:
            return "; it is not known whether both were measured on the same data"


def slices_evaluated(*columns: str, min_rows: int = 200, blocking: bool = True) -> Gate:
    """Ask that every value of `columns` with at least `min_rows` evaluation rows has metrics of its own."""
    _check_names("slices_evaluated", columns)
    check_metrics({"min_rows": min_rows}, where="slices_evaluated()")
    return Gate(
        name="slices_evaluated",
        description=f"every {', '.join(columns)} with {min_rows} rows or more was evaluated",
        judge=functools.partial(_judge_slices, columns, min_rows),
        blocking=blocking,
        kind=CheckKind.SLICES,
    )


def _judge_slices(columns: Sequence[str], min_rows: int, facts: GateFacts) -> Verdict:
    if facts.evaluated_on is None:
        return False, "the training function does not name the input that it evaluated on"
    table = facts.table(facts.evaluated_on)
    seen = {(s.name, s.value) for s in facts.slices if s.metrics}
    absent: list[str] = []
    asked = 0
    for column in columns:
        if column not in table.columns and column not in table.index.names:
            absent.append(f"{column} (no such column)")
            continue
        values = table[column] if column in table.columns else table.index.get_level_values(column).to_series()
        counts = values.dropna().map(str).value_counts()
        large = sorted(str(value) for value, rows in counts.items() if rows >= min_rows)
        absent.extend(f"{column}={value}" for value in large if (column, value) not in seen)
        asked += len(large)
    if absent:
        return False, f"not evaluated: {', '.join(absent[:10])}", {"asked": asked, "absent": len(absent)}
    count = sum(name in columns for name, _ in seen)
    return True, f"{count} slices of {', '.join(columns)} evaluated", {"asked": asked, "absent": 0}


def disjoint(one: str = "train", other: str = "test", *, blocking: bool = True) -> Gate:
    """Ask that two inputs share no row (compared over the columns that both have)."""
    _check_names("disjoint", (one, other))
    return Gate(
        name=_plain_name(one, other, "disjoint"),
        inputs=(one, other),
        description=f"no row is in both {one} and {other}",
        judge=functools.partial(_judge_disjoint, one, other),
        blocking=blocking,
        kind=CheckKind.DISJOINT,
    )


def _judge_disjoint(one: str, other: str, facts: GateFacts) -> Verdict:
    import numpy as np

    tables = facts.rows(one), facts.rows(other)
    columns = [column for column in _data_columns(tables[0]) if column in tables[1].schema.names]
    if not columns:
        return False, f"{one} and {other} have no column in common, so that nothing can be compared"
    texts = [name for name in columns if len({_is_text(table, name) for table in tables}) > 1]
    a, b = (Side(table, {name: name for name in columns}, texts).rows for table in tables)
    shared = int(np.isin(b, a).sum())
    figures = {"shared_rows": shared, "rows": len(b)}
    if shared:
        return False, f"{shared:,} of {len(b):,} rows of {other} are in {one} as well", figures
    return True, f"{len(a):,} rows of {one} and {len(b):,} of {other} share none", figures


def _is_text(table: OpenTable, column: str) -> bool:
    """Whether a column is text, or what can be no text; a number in one table and text in the other are compared."""
    import pyarrow as pa

    kind = table.schema.field(column).type
    kind = kind.value_type if pa.types.is_dictionary(kind) else kind
    return is_text(kind) or pa.types.is_nested(kind)


def _data_columns(table: OpenTable) -> list[str]:
    # An index without a name that pandas wrote to a file numbers the rows, so that none would repeat.
    by_pandas = b"pandas" in (table.schema.metadata or {})
    return [name for name in table.schema.names if not (by_pandas and name.startswith("__index_level_"))]


def unique_rows(*inputs: str, max_share: float = 0.0, blocking: bool = True) -> Gate:
    """Ask that no more than `max_share` of the rows of each input repeat an earlier row."""
    _check_names("unique_rows", inputs)
    check_metrics({"max_share": max_share}, where="unique_rows()")
    return Gate(
        name="unique_rows",
        inputs=inputs,
        description=f"at most {max_share:.1%} of the rows of {', '.join(inputs)} are repeated",
        judge=functools.partial(_judge_unique, inputs, max_share),
        blocking=blocking,
        kind=CheckKind.UNIQUE,
    )


def _judge_unique(inputs: Sequence[str], max_share: float, facts: GateFacts) -> Verdict:
    repeated: dict[str, tuple[int, int]] = {}
    for name in inputs:
        table = facts.rows(name)
        side = Side(table, {column: column for column in _data_columns(table)})
        repeated[name] = (len(side.rows) - side.distinct(), len(side.rows))
    passed = all(count <= max_share * rows for count, rows in repeated.values())
    detail = "; ".join(f"{name}: {count:,} of {rows:,} rows repeat" for name, (count, rows) in repeated.items())
    shares = {f"share_{name}": count / rows if rows else 0.0 for name, (count, rows) in repeated.items()}
    return passed, detail, {**shares, "maximum": max_share}
