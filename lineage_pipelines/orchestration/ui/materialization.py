"""Materialization as people see it on a model asset's page: one event, readable without a click, at most 20 KB."""

import base64
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.orchestration.ui import metadata_keys
from lineage_pipelines.orchestration.ui.outcome import Outcome
from lineage_pipelines.orchestration.ui.version_card import version_card
from lineage_pipelines.orchestration.ui.version_graph import version_graph
from lineage_pipelines.orchestration.ui.version_list import version_table
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.metric import by_interest, metric_text
from lineage_pipelines.records.statement.training_run import CheckResult, Evaluation
from lineage_pipelines.reports.change_text import change_text

_LONGEST_NOTES = 1000
_MAX_METRICS = 3  # of slices and candidates; the others are in the record
_MAX_PLOTTED = 100  # the record holds them all
_LONGEST_DETAIL = 2000
_MAX_FINDINGS = 5
_LONGEST_FINDING = 300
_PAGES = re.compile(r"https?://[\w.:/~-]+")
_PLAIN = re.compile(r"\w+")
_OPTIONAL = (
    metadata_keys.LINEAGE_GRAPH,
    metadata_keys.LINEAGE_SLICES,
    metadata_keys.LINEAGE_PLOT,
    metadata_keys.LINEAGE_CANDIDATES,
    metadata_keys.LINEAGE_COMPARISON,
    metadata_keys.LINEAGE_DIFFERS,
    metadata_keys.LINEAGE_VERSIONS,
)


def model_metadata(outcome: Outcome) -> dict[str, Any]:
    """Return the metadata of a committed version, the most useful first.

    Each metric is a float of its own, so that Dagster plots it over time. Text that users wrote is escaped in the
    card and plain text elsewhere, never a link.
    """
    record = outcome.entry.record
    entries: dict[str, Any] = {
        metadata_keys.LINEAGE_SUMMARY: dg.MetadataValue.md(version_card(outcome)),
        metadata_keys.MODEL_VERSION: outcome.entry.version,
        metadata_keys.LINEAGE_VERSIONS: version_table(outcome.versions),
        metadata_keys.LINEAGE_INPUTS: _inputs(record, outcome.previous),
        metadata_keys.LINEAGE_GAPS: "; ".join(record.completeness.missing) or None,
        metadata_keys.LINEAGE_NOTES: dg.MetadataValue.text(notes(outcome)),
        metadata_keys.LINEAGE_DIFFERS: _differences(outcome),
        metadata_keys.LINEAGE_COMPARISON: _comparison(outcome),
        **_metrics(record.evaluation),
        metadata_keys.LINEAGE_SLICES: _slices(record.evaluation),
        metadata_keys.LINEAGE_CANDIDATES: _candidates(record),
        metadata_keys.LINEAGE_PLOT: _plot(outcome),
        metadata_keys.LINEAGE_GRAPH: _graph(outcome),
        metadata_keys.LINEAGE_RECORD: f"sha256:{outcome.entry.digest.hex}",
        metadata_keys.LINEAGE_RUN: _run(record),
        metadata_keys.LINEAGE_MLFLOW: _mlflow_run(record),
        metadata_keys.CODE_REVISION: record.code.revision,
        metadata_keys.CODE_DIRTY: record.code.dirty,
        metadata_keys.MODEL_ARTIFACT: str(record.artifact.digest),
        metadata_keys.MODEL_FORMAT: record.artifact.format,
        metadata_keys.MODEL_SIZE: record.artifact.size,
    }
    return _within_budget(metadata_keys.without_none(entries))


def check_results(record: LineageRecord, key: dg.AssetKey) -> list[dg.AssetCheckResult]:
    """Return the record's gates as Dagster's check results."""
    checks = record.evaluation.checks if record.evaluation else ()
    return [_check_result(check, key) for check in checks]


def _check_result(check: CheckResult, key: dg.AssetKey) -> dg.AssetCheckResult:
    severity = dg.AssetCheckSeverity.ERROR if check.is_blocking else dg.AssetCheckSeverity.WARN
    return dg.AssetCheckResult(
        asset_key=key,
        check_name=check.name,
        passed=check.passed,
        severity=severity,
        description=check.detail[:_LONGEST_DETAIL],
        metadata={name: _shown(value) for name, value in check.figures.items()},
    )


def input_versions(record: LineageRecord) -> dict[str, str]:
    """Return the tags that state which version of each input was read."""
    return {
        metadata_keys.input_version_tag(dg.AssetKey.from_user_string(s.asset_key)): s.digest.md5
        for s in record.data
        if s.asset_key and s.digest.md5
    }


def notes(outcome: Outcome) -> str:
    """Return what the training function and its author say of a version, and where there is more."""
    sentences = [
        _chosen(outcome.entry.record),
        outcome.trained.notes or "" if outcome.trained else "Recorded by an earlier attempt of this run",
        f"On the command line: lineage show {shlex.quote(outcome.entry.ref)}",
    ]
    # Sentences and not lines: Dagster's page runs lines together.
    return " ".join(f"{sentence.rstrip('.')}." for sentence in sentences if sentence)[:_LONGEST_NOTES]


def _chosen(record: LineageRecord) -> str:
    for candidate in record.candidates:
        if candidate.selected:
            return f"Chosen: {candidate.name} ({candidate.reason})"
    return ""


def _inputs(record: LineageRecord, previous: Entry | None) -> dg.TableMetadataValue | None:
    # The widest column last: Dagster's page scrolls sideways.
    before = {s.name: s for s in previous.record.data} if previous else {}
    return metadata_keys.table(
        {
            "input": snapshot.name,
            f"since {previous.version if previous else 'before'}": _change(
                snapshot, before.get(snapshot.name), previous
            ),
            "rows": snapshot.rows,
            "snapshot": (snapshot.digest.md5 or snapshot.digest.sha256 or "")[:8],
            "path": snapshot.path,
        }
        for snapshot in record.data
    )


def _change(now: DatasetSnapshot, before: DatasetSnapshot | None, previous: Entry | None) -> str:
    if previous is None:
        return "first version"
    if before is None:
        return "new input"
    if now.digest.sha256 == before.digest.sha256:
        return "same"
    rows = f" ({now.rows - before.rows:+,} rows)" if now.rows is not None and before.rows is not None else ""
    return f"changed{rows}"


def _metrics(evaluation: Evaluation | None) -> dict[str, float]:
    metrics = evaluation.metrics if evaluation else {}
    return {f"eval/{name}": _shown(metrics[name]) for name in by_interest(metrics)[:_MAX_PLOTTED]}


def _shown(value: float) -> float:
    """A metric as every text has it; the record has all of its digits."""
    return float(metric_text(value))


def _comparison(outcome: Outcome) -> dg.TableMetadataValue | None:
    now = outcome.entry.record.evaluation
    before = outcome.baseline.record.evaluation if outcome.baseline else None
    if now is None or before is None or outcome.baseline is None:
        return None
    return metadata_keys.table(
        {
            "metric": name,
            f"version {outcome.entry.version}": _shown(now.metrics[name]),
            outcome.baseline.label: _shown(before.metrics[name]),
            "difference": _shown(now.metrics[name] - before.metrics[name]),
        }
        for name in by_interest(now.metrics)
        if name in before.metrics
    )


def _differences(outcome: Outcome) -> dg.TableMetadataValue | None:
    return metadata_keys.table(
        {"from": difference.label, "differs by": change_text(change)[:_LONGEST_FINDING], "part": str(change.layer)}
        for difference in outcome.differences
        for change in difference.changes[:_MAX_FINDINGS]
    )


def _slices(evaluation: Evaluation | None) -> dg.TableMetadataValue | None:
    parts = evaluation.slices if evaluation else ()
    names = _common([list(part.metrics) for part in parts])
    return metadata_keys.table(
        {"slice": f"{p.name}={p.value}", "rows": p.rows, **{n: _shown(p.metrics[n]) for n in names}} for p in parts
    )


def _candidates(record: LineageRecord) -> dg.TableMetadataValue | None:
    names = _common([list(candidate.metrics) for candidate in record.candidates])
    return metadata_keys.table(
        {
            "candidate": f"→ {c.name}" if c.selected else c.name,
            **{n: _shown(c.metrics[n]) for n in names},
            "reason": c.reason,
        }
        for c in record.candidates
    )


def _common(lists: Sequence[Sequence[str]]) -> list[str]:
    # Dagster's tables want the same columns in every row, and a page has room for a few.
    shared = set.intersection(*(set(each) for each in lists)) if lists else set()
    return by_interest(shared)[:_MAX_METRICS]


def _plot(outcome: Outcome) -> dg.MarkdownMetadataValue | None:
    plot = outcome.trained.plot if outcome.trained else None
    if plot is None:
        return None
    return _picture("evaluation", "png", plot)


def _graph(outcome: Outcome) -> dg.MarkdownMetadataValue | None:
    graph = version_graph(outcome.versions)
    return _picture("versions and their data", "svg+xml", graph.encode()) if graph else None


def _picture(title: str, kind: str, content: bytes) -> dg.MarkdownMetadataValue:
    return dg.MetadataValue.md(f"![{title}](data:image/{kind};base64,{base64.b64encode(content).decode()})")


def _run(record: LineageRecord) -> dg.DagsterRunMetadataValue | None:
    return dg.MetadataValue.dagster_run(record.run.dagster.run_id) if record.run.dagster else None


def _mlflow_run(record: LineageRecord) -> dg.UrlMetadataValue | dg.TextMetadataValue | None:
    """Link the run that the training tracked in MLflow, where its server has pages."""
    run = record.run.mlflow
    if run is None or run.run_id is None:
        return None
    if _PAGES.fullmatch(run.server or "") and _PLAIN.fullmatch(run.run_id):
        return dg.MetadataValue.url(f"{str(run.server).rstrip('/')}/#/runs/{run.run_id}")
    return dg.MetadataValue.text(run.run_id)


def _within_budget(entries: Mapping[str, Any]) -> dict[str, Any]:
    """Drop optional entries, the bulkiest first, until the event fits; the record has all but the plot."""
    fitting = dict(entries)
    for name in _OPTIONAL:
        if _weight(fitting) <= metadata_keys.EVENT_BYTES:
            break
        fitting.pop(name, None)
    return fitting


def _weight(entries: Mapping[str, Any]) -> int:
    return len(json.dumps({name: repr(getattr(value, "value", value)) for name, value in entries.items()}))
