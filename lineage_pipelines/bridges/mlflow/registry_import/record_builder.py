"""Record builder: a registered version and its run as a lineage record.

What was logged is declared, what follows from it is inferred, the rest is missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lineage_pipelines.bridges.mlflow import tags as ours
from lineage_pipelines.bridges.mlflow.param_codec import plain, read_metrics, read_parameters, shown_text
from lineage_pipelines.bridges.mlflow.registry_import.completeness_builder import UNKNOWN, Graded
from lineage_pipelines.bridges.mlflow.registry_import.dvc_at_commit import is_revision
from lineage_pipelines.bridges.mlflow.registry_import.folder_copy import KeptFolder
from lineage_pipelines.bridges.mlflow.registry_import.model_artifact import (
    read_environment,
    read_model_file,
)
from lineage_pipelines.bridges.mlflow.registry_import.registry_reader import (
    RegisteredVersion,
    raw_payload,
    reference,
    run_key,
)
from lineage_pipelines.bridges.mlflow.registry_import.run_inputs import MEASURED, InputReader
from lineage_pipelines.bridges.mlflow.run_payload import slices_in
from lineage_pipelines.bridges.mlflow.tags import REASON
from lineage_pipelines.capture.git.public_url import public_url
from lineage_pipelines.records.statement.code import CodeVersion
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines.records.statement.lineage_record import LineageRecord, ModelIdentity
from lineage_pipelines.records.statement.metric import metric_specs
from lineage_pipelines.records.statement.training_run import Candidate, Evaluation, MlflowRun, TrainingRun
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.digest import Digest

if TYPE_CHECKING:
    from mlflow.entities import Run

_MOST = 200
_LONGEST = 300


def read_candidates(registered: RegisteredVersion, graded: Graded) -> tuple[Candidate, ...]:
    """Return the nested runs; why one was chosen is known only where we wrote it ourselves."""
    runs = registered.alternatives
    if not runs:
        return ()
    shown = [run for number, run in enumerate(runs) if number < _MOST or _is_own(registered, run)]
    graded.says("candidates", "runs nested in MLflow")
    if len(shown) < len(runs):
        graded.lacks("candidates", f"the first {_MOST:,} of {len(runs):,} nested runs are here")
    gaps = sum(_left_out(run) for run in shown)
    if gaps:
        graded.lacks("candidates", f"{gaps:,} parameters and metrics are left out: secrets, or no numbers")
    return tuple(_candidate(registered, run) for run in shown)


def _left_out(run: "Run") -> int:
    return len(read_parameters(run.data.params)[1]) + len(read_metrics(run.data.metrics)[1])


def _is_own(registered: RegisteredVersion, run: "Run") -> bool:
    return registered.run is not None and run.info.run_id == registered.run.info.run_id


def _candidate(registered: RegisteredVersion, run: "Run") -> Candidate:
    own = _is_own(registered, run)
    reason = run.data.tags.get(REASON) or ("registered as this version" if own else "")
    return Candidate(
        name=shown_text(run.info.run_name, _LONGEST) or run.info.run_id,
        parameters=read_parameters(run.data.params)[0],
        metrics=read_metrics(run.data.metrics)[0],
        selected=own,
        reason=shown_text(reason, _LONGEST),
    )


COMMIT = "mlflow.source.git.commit"
_BRANCH, _REPOSITORY, _USER = "mlflow.source.git.branch", "mlflow.source.git.repoURL", "mlflow.user"
_SEEDS = ("seed", "random_state", "random_seed")
_LOGGED = "logged in MLflow"
_LONGEST_TEXT = 2_000


@dataclass(frozen=True, slots=True)
class Drafter:
    """Makes records of what MLflow says."""

    server: str
    """The tracking server or store, as a record may name it."""
    inputs: InputReader

    def draft(
        self, registered: RegisteredVersion, name: str, folder: KeptFolder | str
    ) -> tuple[LineageRecord, tuple[bytes, ...]]:
        """Return a version's record, and the blobs that it names.

        Args:
            registered: the version.
            name: the model's name in the catalog.
            folder: its files, or why they are not here.
        """
        graded, blobs = Graded(), list[bytes]()

        def keep(data: bytes) -> Digest:
            blobs.append(data)
            return Digest.of(data)

        tags = tags_of(registered.run)
        code = _code(tags, graded)
        given = registered.run.inputs.dataset_inputs if registered.run is not None and registered.run.inputs else []
        read = self.inputs.read(given, code.revision, graded)
        if not given:
            graded.lacks("data", "no input was logged in MLflow")
        parameters = _parameters(registered.run, graded)
        evaluation = _evaluation(registered.run, read.data, graded)
        run = self._run(registered, tags, parameters, keep(raw_payload(registered)), graded)
        record = LineageRecord(
            model=_model(registered, name, graded),
            data=read.data,
            stages=read.stages,
            code=code,
            environment=read_environment(folder, keep, graded),
            run=run,
            parameters=parameters,
            evaluation=evaluation,
            candidates=read_candidates(registered, graded),
            artifact=read_model_file(folder, reference(registered, self.server), tags, keep, graded),
            completeness=graded.completeness(),
        )
        return record, tuple(blobs)

    def _run(
        self,
        registered: RegisteredVersion,
        tags: Mapping[str, str],
        parameters: Mapping[str, Json],
        source: Digest,
        graded: Graded,
    ) -> TrainingRun:
        started, finished = _times(registered, graded)
        user = shown_text(
            tags.get(_USER) or (registered.run.info.user_id if registered.run is not None else ""), _LONGEST_TEXT
        )
        seeds = (parameters.get(name) for name in _SEEDS)
        graded.lacks("run.host", "MLflow does not record it")
        return TrainingRun(
            mlflow=MlflowRun(
                run_id=registered.version.run_id or None,
                server=self.server,
                experiment=shown_text(registered.experiment, _LONGEST_TEXT) or None,
                model=plain(registered.version.name),
                version=registered.number,
                source=source,
            ),
            started=started,
            finished=finished,
            host=UNKNOWN,
            user=user if user != UNKNOWN else None,
            seed=next((seed for seed in seeds if isinstance(seed, int) and not isinstance(seed, bool)), None),
        )


def tags_of(run: "Run | None") -> dict[str, str]:
    """Return the tags of a run; none without one."""
    return {name: str(value) for name, value in run.data.tags.items()} if run is not None else {}


def _model(registered: RegisteredVersion, name: str, graded: Graded) -> ModelIdentity:
    description = registered.version.description or registered.model.description or ""
    text = shown_text(description, _LONGEST_TEXT)
    if description and not text:
        graded.lacks("model.description", "left out, it looks like it holds a secret")
    graded.derives("model.asset_key", "the model's name; MLflow knows no assets")
    return ModelIdentity(name=name, asset_key=name, run_key=run_key(registered.version), description=text or None)


def _times(registered: RegisteredVersion, graded: Graded) -> tuple[datetime, datetime]:
    registered_at = _moment(registered.version.creation_timestamp)
    if registered.run is None:
        gone = (
            f"MLflow has no run {registered.version.run_id} any more"
            if registered.version.run_id
            else "registered without a run"
        )
        graded.lacks("run", f"{gone}: its times are those of the registration, and nothing else of it is known")
        return registered_at, registered_at
    info = registered.run.info
    if info.lifecycle_stage == "deleted":
        graded.says("run", "deleted in MLflow when it was read")
    else:
        graded.says("run", _LOGGED)
    started = _moment(info.start_time) if info.start_time else registered_at
    if not info.end_time:
        graded.lacks("run.finished", f"the run has no end in MLflow ({str(info.status).lower()})")
    return started, _moment(info.end_time) if info.end_time else started


def _moment(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)


def _code(tags: Mapping[str, str], graded: Graded) -> CodeVersion:
    revision = tags.get(COMMIT, "").lower()
    if not is_revision(revision):
        graded.lacks("code.revision", f"the tag {COMMIT} names no commit" if revision else "no commit was logged")
        revision = ""
    else:
        graded.says("code", _LOGGED)
    dirty = tags.get(ours.DIRTY)
    if dirty not in ("true", "false"):
        graded.lacks("code.dirty", "MLflow does not record whether the work tree differed from the commit")
    graded.lacks("code.source", "MLflow does not record which source files were used")
    return CodeVersion(
        repository=public_url(tags.get(_REPOSITORY, "")),
        revision=revision or None,
        branch=shown_text(tags.get(_BRANCH), _LONGEST_TEXT) or None,
        dirty=dirty == "true",
    )


def _parameters(run: "Run | None", graded: Graded) -> Mapping[str, Json]:
    values, gaps = read_parameters(run.data.params if run is not None else {})
    graded.missing.extend(gaps)
    if values:
        graded.says("parameters", f"{_LOGGED}, where all are text: numbers and truth values were read")
    graded.lacks("parameters", "defaults that nobody logged are not known" if values else "none was logged in MLflow")
    return values


def _evaluation(run: "Run | None", data: Sequence[DatasetSnapshot], graded: Graded) -> Evaluation | None:
    metrics, gaps = read_metrics(run.data.metrics if run is not None else {})
    graded.missing.extend(gaps)
    if not metrics:
        graded.lacks("evaluation", "no metric was logged in MLflow")
        return None
    graded.says("evaluation", f"{_LOGGED}, the last value of each metric")
    overall, slices = slices_in(metrics)
    told = run.data.tags.get(ours.EVALUATED_ON) if run is not None else None
    measured = [snapshot.name for snapshot in data if snapshot.role in MEASURED]
    if any(snapshot.name == told for snapshot in data):
        measured = [str(told)]
        graded.says("evaluation.snapshot", "a tag that lineage-pipelines wrote in MLflow")
    elif len(measured) != 1:
        graded.lacks("evaluation.snapshot", "MLflow does not say on which data the metrics were measured")
    else:
        graded.derives("evaluation.snapshot", "the one input that was logged for testing")
    return Evaluation(
        snapshot=measured[0] if len(measured) == 1 else None,
        metrics=overall,
        slices=slices,
        directions=metric_specs({*overall, *(name for part in slices for name in part.metrics)}),
    )
