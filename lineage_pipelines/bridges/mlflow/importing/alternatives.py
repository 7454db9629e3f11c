"""Runs that were nested with a version's run, as the candidates that were considered."""

from typing import TYPE_CHECKING

from lineage_pipelines.bridges.mlflow.importing.graded import Graded
from lineage_pipelines.bridges.mlflow.importing.registry import Said
from lineage_pipelines.bridges.mlflow.importing.texts import read_metrics, read_parameters, shown_text
from lineage_pipelines.bridges.mlflow.tags import REASON
from lineage_pipelines.records import Candidate

if TYPE_CHECKING:
    from mlflow.entities import Run

_MOST = 200
_LONGEST = 300


def read_candidates(said: Said, graded: Graded) -> tuple[Candidate, ...]:
    """Return the nested runs; why one was chosen is known only where we wrote it ourselves."""
    runs = said.alternatives
    if not runs:
        return ()
    shown = [run for number, run in enumerate(runs) if number < _MOST or _is_own(said, run)]
    graded.says("candidates", "runs nested in MLflow")
    if len(shown) < len(runs):
        graded.lacks("candidates", f"the first {_MOST:,} of {len(runs):,} nested runs are here")
    gaps = sum(_left_out(run) for run in shown)
    if gaps:
        graded.lacks("candidates", f"{gaps:,} parameters and metrics are left out: secrets, or no numbers")
    return tuple(_candidate(said, run) for run in shown)


def _left_out(run: "Run") -> int:
    return len(read_parameters(run.data.params)[1]) + len(read_metrics(run.data.metrics)[1])


def _is_own(said: Said, run: "Run") -> bool:
    return said.run is not None and run.info.run_id == said.run.info.run_id


def _candidate(said: Said, run: "Run") -> Candidate:
    own = _is_own(said, run)
    reason = run.data.tags.get(REASON) or ("registered as this version" if own else "")
    return Candidate(
        name=shown_text(run.info.run_name, _LONGEST) or run.info.run_id,
        parameters=read_parameters(run.data.params)[0],
        metrics=read_metrics(run.data.metrics)[0],
        selected=own,
        reason=shown_text(reason, _LONGEST),
    )
