"""Gates: what a new version must show. Each becomes an asset check and a line of the record.

A blocking gate that fails keeps the model and its record, fails the run and stops what comes after.
"""

import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records import lower_is_better

if TYPE_CHECKING:
    import pandas as pd

    from lineage_pipelines.records import CheckResult, LineageRecord, SliceMetrics


@dataclass(frozen=True, slots=True, kw_only=True)
class Baseline:
    """The version to compare with."""

    label: str
    """`flight_delay@3, in production`."""
    record: "LineageRecord"


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What a gate may look at."""

    metrics: Mapping[str, float]
    slices: "Sequence[SliceMetrics]" = ()
    inputs: Mapping[str, Path]
    """The private, read-only bytes that training read."""
    evaluated_on: str | None
    baseline: Baseline | None
    input_md5: Mapping[str, str | None] = field(default_factory=dict)

    def table(self, name: str) -> "pd.DataFrame":
        """Return an input as a table.

        Raises:
            CaptureError: there is no such input.
        """
        if name not in self.inputs:
            raise CaptureError(f"no input {name!r}", fix=f"use one of: {', '.join(self.inputs)}")
        return _cached_table(self.inputs[name])


@functools.lru_cache(maxsize=4)
def _cached_table(path: Path) -> "pd.DataFrame":
    from lineage_pipelines.capture import read_table

    return read_table(path)


def forget_tables() -> None:
    """Let go of the tables that gates have read; the private copies behind them are about to go."""
    _cached_table.cache_clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """A named check of a new version."""

    name: str
    description: str
    judge: Callable[[Facts], tuple[bool, str]]
    """From facts to passed and detail in words."""
    blocking: bool = True

    def check(self, facts: Facts) -> "CheckResult":
        """Judge a version."""
        from lineage_pipelines.records import CheckResult

        passed, detail = self.judge(facts)
        severity = "error" if self.blocking else "warn"
        return CheckResult(name=self.name, passed=passed, severity=severity, detail=detail)


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
    judge = functools.partial(_judge_threshold, metric, limit, bound == "min")
    words = "at least" if bound == "min" else "at most"
    return Gate(name=name, description=f"{metric} is {words} {limit:g}", judge=judge, blocking=blocking)


def _judge_threshold(metric: str, limit: float, at_least: bool, facts: Facts) -> tuple[bool, str]:  # noqa: FBT001
    if metric not in facts.metrics:
        return False, f"{metric} was not measured; measured: {', '.join(sorted(facts.metrics))}"
    value = facts.metrics[metric]
    words = "at least" if at_least else "at most"
    return (value >= limit if at_least else value <= limit), f"{metric} = {value:.4f}, wanted {words} {limit:g}"


def no_worse(*, blocking: bool = True, falls: bool | None = None, **tolerances: float) -> Gate:
    """Ask a metric to be no worse than in production, beyond a tolerance: `no_worse(roc_auc=0.01)`.

    While nothing is in production the last version whose blocking gates passed stands for it; without one the gate
    passes and says so. The detail says when the two were measured on different data.

    Args:
        blocking: whether a failure stops what comes after.
        falls: whether lower is better, for metrics whose name does not tell (losses and errors are known).
        tolerances: one metric and how much worse it may be, absolutely.

    Raises:
        CaptureError: not exactly one metric.
    """
    if len(tolerances) != 1:
        raise CaptureError("no_worse() takes one metric", fix="write no_worse(roc_auc=0.01), one gate a metric")
    metric, tolerance = next(iter(tolerances.items()))
    lower = lower_is_better(metric) if falls is None else falls
    return Gate(
        name=f"no_worse_{metric}",
        description=f"{metric} is no more than {tolerance:g} worse than in production",
        judge=functools.partial(_judge_no_worse, metric, tolerance, lower),
        blocking=blocking,
    )


def _judge_no_worse(metric: str, tolerance: float, lower: bool, facts: Facts) -> tuple[bool, str]:  # noqa: FBT001
    if metric not in facts.metrics:
        return False, f"{metric} was not measured; measured: {', '.join(sorted(facts.metrics))}"
    if facts.baseline is None:
        return True, "there is no earlier version to compare with"
    before = facts.baseline.record.evaluation
    if before is None or metric not in before.metrics:
        return True, f"{facts.baseline.label} has no {metric} to compare with"
    worse = (facts.metrics[metric] - before.metrics[metric]) * (1 if lower else -1)
    detail = f"{metric} = {facts.metrics[metric]:.4f}, {facts.baseline.label}: {before.metrics[metric]:.4f}"
    return worse <= tolerance, f"{detail}, tolerance {tolerance:g}{_other_data(facts)}"


def _other_data(facts: Facts) -> str:
    if facts.baseline is None or facts.evaluated_on is None:
        return ""
    before = {s.name: s.digest.md5 for s in facts.baseline.record.data}
    same = before.get(facts.evaluated_on) == facts.input_md5.get(facts.evaluated_on)
    return "" if same else f"; measured on different {facts.evaluated_on} data"


def slices_evaluated(*columns: str, min_rows: int = 200, blocking: bool = True) -> Gate:
    """Ask that every value of `columns` with at least `min_rows` evaluation rows has metrics of its own."""
    return Gate(
        name="slices_evaluated",
        description=f"every {', '.join(columns)} with {min_rows} rows or more was evaluated",
        judge=functools.partial(_judge_slices, columns, min_rows),
        blocking=blocking,
    )


def _judge_slices(columns: Sequence[str], min_rows: int, facts: Facts) -> tuple[bool, str]:
    if facts.evaluated_on is None:
        return False, "the training function does not say what it evaluated on"
    table = facts.table(facts.evaluated_on)
    seen = {(s.name, s.value) for s in facts.slices}
    absent: list[str] = []
    for column in columns:
        if column not in table.columns:
            absent.append(f"{column} (no such column)")
            continue
        counts = table[column].value_counts()
        large = sorted(str(value) for value, rows in counts.items() if rows >= min_rows)
        absent.extend(f"{column}={value}" for value in large if (column, value) not in seen)
    if absent:
        return False, f"not evaluated: {', '.join(absent[:10])}"
    count = sum(name in columns for name, _ in seen)
    return True, f"{count} slices of {', '.join(columns)} evaluated"


def disjoint(one: str = "train", other: str = "test", *, blocking: bool = True) -> Gate:
    """Ask that two inputs share no row (compared over the columns that both have)."""
    return Gate(
        name=f"{one}_{other}_disjoint",
        description=f"no row is in both {one} and {other}",
        judge=functools.partial(_judge_disjoint, one, other),
        blocking=blocking,
    )


def _judge_disjoint(one: str, other: str, facts: Facts) -> tuple[bool, str]:
    a, b = _row_hashes(facts, one, other)
    shared = int(b.isin(set(a)).sum())
    if shared:
        return False, f"{shared:,} of {len(b):,} rows of {other} are in {one} as well"
    return True, f"{len(a):,} rows of {one} and {len(b):,} of {other} share none"


def _row_hashes(facts: Facts, one: str, other: str) -> tuple["pd.Series[int]", "pd.Series[int]"]:
    import pandas as pd

    a, b = facts.table(one), facts.table(other)
    columns = [column for column in a.columns if column in b.columns]
    hashes = [pd.util.hash_pandas_object(table[columns], index=False) for table in (a, b)]
    return hashes[0], hashes[1]


def unique_rows(*inputs: str, max_share: float = 0.0, blocking: bool = True) -> Gate:
    """Ask that no more than `max_share` of the rows of each input repeat an earlier row."""
    return Gate(
        name="unique_rows",
        description=f"at most {max_share:.1%} of the rows of {', '.join(inputs)} are repeated",
        judge=functools.partial(_judge_unique, inputs, max_share),
        blocking=blocking,
    )


def _judge_unique(inputs: Sequence[str], max_share: float, facts: Facts) -> tuple[bool, str]:
    repeated = {name: (int(facts.table(name).duplicated().sum()), len(facts.table(name))) for name in inputs}
    passed = all(count <= max_share * rows for count, rows in repeated.values())
    return passed, "; ".join(f"{name}: {count:,} of {rows:,} rows repeat" for name, (count, rows) in repeated.items())
