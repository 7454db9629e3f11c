"""Model evaluation: metrics, slices and candidates as plain numbers, and the verdicts of the gates."""

from collections.abc import Iterable
from dataclasses import replace

from lineage_pipelines.artifacts.read_back import ProbeRows
from lineage_pipelines.capture.evaluation import check_metrics
from lineage_pipelines.capture.gaps import Blobs
from lineage_pipelines.capture.parameters import effective_parameters
from lineage_pipelines.capture.probe import probe_rows, take_probe
from lineage_pipelines.capture.scalars import describe_type, plain_scalar
from lineage_pipelines.capture.trained_model import TrainedModel
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.orchestration.training.gates import GateFacts
from lineage_pipelines.orchestration.training.model_definition import ModelDefinition
from lineage_pipelines.orchestration.training.training_inputs import ReadInputs
from lineage_pipelines.queries.registry.baseline import Baseline
from lineage_pipelines.records.statement.lineage_record import find_measured
from lineage_pipelines.records.statement.metric import metric_specs
from lineage_pipelines.records.statement.training_run import Candidate, Evaluation, Probe, SliceMetrics
from lineage_pipelines.records.values.codec import to_json


def evaluate(
    definition: ModelDefinition, trained: TrainedModel, read: ReadInputs, baseline: Baseline | None
) -> tuple[Evaluation, Blobs, ProbeRows | None]:
    """Return metrics and slices as plain numbers, the verdict of every gate, and what the model says of a few rows.

    The rows are returned as well, for the comparison with the model that is read back from its file.

    Raises:
        CaptureError: a metric is not a finite number.
    """
    metrics = check_metrics(trained.metrics, where=f"{definition.name}: metrics")
    slices = tuple(_plain_slice(part) for part in trained.slices)
    _check_distinct(slices)
    evaluated_on = trained.evaluated_on or ("test" if "test" in read.paths else None)
    facts = GateFacts(
        metrics=metrics,
        slices=slices,
        inputs=read.paths,
        evaluated_on=evaluated_on,
        baseline=baseline,
        directions=definition.metrics,
        measured_on=find_measured(read.snapshots, evaluated_on),
    )
    checks = tuple(gate.check(facts) for gate in definition.gates)
    probe, blobs, rows = _probe(trained, facts)
    directions = metric_specs({*metrics, *(name for part in slices for name in part.metrics)}, definition.metrics)
    evaluation = Evaluation(
        snapshot=evaluated_on, metrics=metrics, slices=slices, checks=checks, probe=probe, directions=directions
    )
    to_json(evaluation, "evaluation")  # what no record can hold is refused before the model's file is stored
    return evaluation, blobs, rows


def _probe(trained: TrainedModel, facts: GateFacts) -> tuple[Probe | None, Blobs, ProbeRows | None]:
    rows = trained.probe
    if rows is None and facts.evaluated_on is not None and hasattr(trained.estimator, "feature_names_in_"):
        try:
            rows = probe_rows(trained.estimator, facts.table(facts.evaluated_on))
        except CaptureError:  # not a table
            rows = None
    taken = take_probe(trained.estimator, rows) if rows is not None else None
    if taken is None:
        return None, {}, None
    probe, blob = taken
    return probe, {probe.predictions: blob}, ProbeRows(method=probe.method, rows=rows)


def plain_candidates(trained: TrainedModel) -> tuple[Candidate, ...]:
    """Return the alternatives with plain parameters and metrics.

    Raises:
        CaptureError: one of them cannot be recorded.
    """
    candidates = tuple(_plain_candidate(candidate) for candidate in trained.candidates)
    to_json(candidates, "candidates")
    return candidates


def _plain_candidate(candidate: Candidate) -> Candidate:
    where = f"candidate {candidate.name}: metrics"
    selected = plain_scalar(candidate.selected)
    if not isinstance(selected, bool):
        fix = "write selected=True for the one that was chosen"
        raise CaptureError(f"selected is {describe_type(selected)}", where=f"candidate {candidate.name}", fix=fix)
    return replace(
        candidate,
        parameters=effective_parameters(candidate.parameters),
        metrics=check_metrics(candidate.metrics, where=where),
        selected=selected,
    )


def _plain_slice(part: SliceMetrics) -> SliceMetrics:
    where = f"slice {part.name}={part.value}: metrics"
    rows = plain_scalar(part.rows)
    if not isinstance(rows, int | float) or rows < 0 or rows != int(rows):
        what = (
            f"rows is {describe_type(part.rows)}, not a number of rows" if isinstance(rows, str) else f"rows is {rows}"
        )
        raise CaptureError(what, where=f"slice {part.name}={part.value}", fix="write rows=len(group)")
    return replace(part, value=str(part.value), rows=int(rows), metrics=check_metrics(part.metrics, where=where))


def _check_distinct(slices: Iterable[SliceMetrics]) -> None:
    seen: set[tuple[str, str]] = set()
    for part in slices:
        if (part.name, part.value) in seen:
            what = "a slice is reported twice"
            raise CaptureError(what, where=f"slice {part.name}={part.value}", fix="report each once")
        seen.add((part.name, part.value))
