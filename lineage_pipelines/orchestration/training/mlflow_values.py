"""MLflow values: what a training function logged there, added to what it returned; its own values win."""

import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from lineage_pipelines.bridges.mlflow.param_codec import read_value
from lineage_pipelines.bridges.mlflow.tracking_session import FROM_THE_RUN, NestedRun, TrackedRun
from lineage_pipelines.capture.evaluation import check_metrics
from lineage_pipelines.capture.parameters import effective_parameters
from lineage_pipelines.capture.secrets import shown_key
from lineage_pipelines.capture.trained_model import TrainedModel
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.records.statement.training_run import Candidate, MlflowRun
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.phrase import some_of

_SYSTEM = "system/"
"""Prefix of what MLflow measures of the machine, which says nothing about the model."""
_MAX_CANDIDATES = 200
_NAMED = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class MergedTraining:
    """A training as its function and its MLflow run describe it together."""

    trained: TrainedModel
    parameters: Mapping[str, Json]
    """Effective parameters: of the launch, then of the function's result, then of MLflow's run."""
    run: MlflowRun | None = None
    gaps: tuple[str, ...] = ()
    declared: tuple[str, ...] = ()


def merge_mlflow_run(
    trained: TrainedModel, parameters: Mapping[str, Json], run: TrackedRun | None, *, model: str
) -> MergedTraining:
    """Add the values of an MLflow run that neither the function nor its parameters have.

    Raises:
        CaptureError: a metric or a parameter that the function returned cannot be recorded.
    """
    known = {**parameters, **effective_parameters(trained.parameters)}
    if run is None:
        return MergedTraining(trained=trained, parameters=known)
    metrics = check_metrics(trained.metrics, where=f"{model}: metrics")
    more = _Taken("evaluation.metrics")
    more_metrics = more.metrics(run.metrics, metrics)
    more_parameters = more.parameters(run.params, known)
    candidates = trained.candidates or more.candidates(run.nested)
    declared = _declared(more_metrics, more_parameters, candidates if not trained.candidates else ())
    return MergedTraining(
        trained=replace(trained, metrics={**metrics, **more_metrics}, candidates=candidates),
        parameters={**known, **more_parameters},
        run=run.link,
        gaps=(*run.gaps, *more.gaps),
        declared=declared,
    )


class _Taken:
    """Values taken from MLflow, and a gap for each that was not."""

    def __init__(self, metrics: str) -> None:
        self.gaps: list[str] = []
        self._metrics = metrics

    def metrics(self, found: Mapping[str, float], known: Mapping[str, float]) -> dict[str, float]:
        """Return the metrics that are new and can be recorded."""
        taken: dict[str, float] = {}
        for name, value in found.items():
            where = f"{self._metrics}.{shown_key(name)}"
            if name.startswith(_SYSTEM):
                continue
            if name in known:
                if not math.isclose(known[name], value, rel_tol=1e-12):
                    self.gaps.append(f"{where}: MLflow's run has another value ({value:g})")
            elif _is_finite(value) and shown_key(name) == name:
                taken[name] = value
            else:
                self.gaps.append(f"{where}: MLflow's run has no number that can be recorded; left out")
        return taken

    def parameters(self, found: Mapping[str, str], known: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the parameters that are new and can be recorded."""
        taken: dict[str, Json] = {}
        for name, text in found.items():
            where, value = f"parameters.{shown_key(name)}", read_value(text)
            if name in known:
                if text != str(known[name]) and value != known[name]:
                    self.gaps.append(f"{where}: MLflow's run has another value")
                continue
            try:
                taken.update(effective_parameters({name: value}))
            except CaptureError as error:
                self.gaps.append(f"{where}: MLflow's run has it; left out: {error.what}")
        return self._fitting(taken)

    def _fitting(self, taken: Mapping[str, Json]) -> Mapping[str, Json]:
        try:
            return effective_parameters(taken)
        except CaptureError as error:
            self.gaps.append(f"parameters: the {len(taken)} of MLflow's run are left out: {error.what}")
            return {}

    def candidates(self, nested: Iterable[NestedRun]) -> tuple[Candidate, ...]:
        """Return the nested runs as alternatives; which of them was chosen, MLflow does not say."""
        runs = list(nested)
        if len(runs) > _MAX_CANDIDATES:
            self.gaps.append(f"candidates: the first {_MAX_CANDIDATES} of {len(runs)} nested runs of MLflow's run")
        return tuple(self._candidate(name, run) for name, run in _named(runs[:_MAX_CANDIDATES]))

    def _candidate(self, name: str, run: NestedRun) -> Candidate:
        own = _Taken("metrics")
        candidate = Candidate(
            name=name, metrics=own.metrics(run.metrics, {}), parameters=own.parameters(run.params, {})
        )
        self.gaps.extend(f"candidates.{name}.{gap}" for gap in own.gaps)
        return candidate


def _is_finite(value: float) -> bool:
    # MLflow's SQL store keeps an infinite number as the largest one.
    return math.isfinite(value) and abs(value) != sys.float_info.max


def _named(runs: Iterable[NestedRun]) -> Iterator[tuple[str, NestedRun]]:
    seen: dict[str, int] = {}
    for run in runs:
        name = shown_key(run.name)
        seen[name] = seen.get(name, 0) + 1
        yield (name if seen[name] == 1 else f"{name} ({seen[name]})"), run


def _declared(metrics: Iterable[str], parameters: Iterable[str], candidates: Iterable[Candidate]) -> tuple[str, ...]:
    parts = {
        "evaluation.metrics": list(metrics),
        "parameters": list(parameters),
        "candidates": [candidate.name for candidate in candidates],
    }
    return tuple(f"{where}: {some_of(names, most=_NAMED)} {FROM_THE_RUN}" for where, names in parts.items() if names)
