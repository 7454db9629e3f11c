"""Record builder: a registered version and its run as a lineage record.

What was logged is declared, what follows from it is inferred, the rest is missing.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from lineage_pipelines.bridges.mlflow import tags as ours
from lineage_pipelines.bridges.mlflow.param_codec import plain, read_metrics, read_parameters, shown_text
from lineage_pipelines.bridges.mlflow.registry_import.completeness_builder import UNKNOWN, CompletenessBuilder
from lineage_pipelines.bridges.mlflow.registry_import.dvc_at_commit import is_revision
from lineage_pipelines.bridges.mlflow.registry_import.folder_copy import MANIFEST, StoredFolder
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
from lineage_pipelines.records.statement.environment import Environment
from lineage_pipelines.records.statement.lineage_record import LineageRecord, ModelIdentity
from lineage_pipelines.records.statement.metric import metric_specs
from lineage_pipelines.records.statement.training_run import Candidate, Evaluation, MlflowRun, ModelFile, TrainingRun
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.digest import Digest

if TYPE_CHECKING:
    from mlflow.entities import Run

REFERENCE = "mlflow-reference"
"""The format of a model whose files are not here: its digest is that of a note on where they were."""
_ESTIMATOR = "estimator_class"
"""The tag in which MLflow's autologging keeps the estimator's qualified name."""
Keep = Callable[[bytes], Digest]
"""Keeps a blob, and returns its name."""
_LIMIT = 200
_LONGEST = 300


def read_candidates(registered: RegisteredVersion, completeness: CompletenessBuilder) -> tuple[Candidate, ...]:
    """Return the nested runs; why one was chosen is known only where we wrote it ourselves."""
    runs = registered.alternatives
    if not runs:
        return ()
    shown = [run for number, run in enumerate(runs) if number < _LIMIT or _is_own(registered, run)]
    completeness.add_declared("candidates", "runs nested in MLflow")
    if len(shown) < len(runs):
        completeness.add_missing("candidates", f"the first {_LIMIT:,} of {len(runs):,} nested runs are here")
    gaps = sum(_left_out(run) for run in shown)
    if gaps:
        completeness.add_missing("candidates", f"{gaps:,} parameters and metrics are left out: secrets, or no numbers")
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
class RecordBuilder:
    """Makes records of what MLflow knows."""

    server: str
    """The tracking server or store, as a record may name it."""
    inputs: InputReader

    def draft(
        self, registered: RegisteredVersion, name: str, folder: StoredFolder | str
    ) -> tuple[LineageRecord, tuple[bytes, ...]]:
        """Return a version's record, and the blobs that it names.

        Args:
            registered: the version.
            name: the model's name in the catalog.
            folder: its files, or why they are not here.
        """
        completeness, blobs = CompletenessBuilder(), list[bytes]()

        def keep(data: bytes) -> Digest:
            blobs.append(data)
            return Digest.of(data)

        tags = tags_of(registered.run)
        code = _code(tags, completeness)
        given = registered.run.inputs.dataset_inputs if registered.run is not None and registered.run.inputs else []
        read = self.inputs.read(given, code.revision, completeness)
        if not given:
            completeness.add_missing("data", "no input was logged in MLflow")
        parameters = _parameters(registered.run, completeness)
        evaluation = _evaluation(registered.run, read.data, completeness)
        run = self._run(registered, tags, parameters, keep(raw_payload(registered)), completeness)
        record = LineageRecord(
            model=_model(registered, name, completeness),
            data=read.data,
            stages=read.stages,
            code=code,
            environment=read_environment(folder, keep, completeness),
            run=run,
            parameters=parameters,
            evaluation=evaluation,
            candidates=read_candidates(registered, completeness),
            artifact=read_model_file(folder, reference(registered, self.server), tags, keep, completeness),
            completeness=completeness.build(),
        )
        return record, tuple(blobs)

    def _run(
        self,
        registered: RegisteredVersion,
        tags: Mapping[str, str],
        parameters: Mapping[str, Json],
        source: Digest,
        completeness: CompletenessBuilder,
    ) -> TrainingRun:
        started, finished = _times(registered, completeness)
        user = shown_text(
            tags.get(_USER) or (registered.run.info.user_id if registered.run is not None else ""), _LONGEST_TEXT
        )
        seeds = (parameters.get(name) for name in _SEEDS)
        completeness.add_missing("run.host", "MLflow does not record it")
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


def _model(registered: RegisteredVersion, name: str, completeness: CompletenessBuilder) -> ModelIdentity:
    description = registered.version.description or registered.model.description or ""
    text = shown_text(description, _LONGEST_TEXT)
    if description and not text:
        completeness.add_missing("model.description", "left out, it looks like it holds a secret")
    completeness.add_inferred("model.asset_key", "the model's name; MLflow knows no assets")
    return ModelIdentity(name=name, asset_key=name, run_key=run_key(registered.version), description=text or None)


def _times(registered: RegisteredVersion, completeness: CompletenessBuilder) -> tuple[datetime, datetime]:
    registered_at = _moment(registered.version.creation_timestamp)
    if registered.run is None:
        gone = (
            f"MLflow has no run {registered.version.run_id} any more"
            if registered.version.run_id
            else "registered without a run"
        )
        completeness.add_missing(
            "run", f"{gone}: its times are those of the registration, and nothing else of it is known"
        )
        return registered_at, registered_at
    info = registered.run.info
    if info.lifecycle_stage == "deleted":
        completeness.add_declared("run", "deleted in MLflow when it was read")
    else:
        completeness.add_declared("run", _LOGGED)
    started = _moment(info.start_time) if info.start_time else registered_at
    if not info.end_time:
        completeness.add_missing("run.finished", f"the run has no end in MLflow ({str(info.status).lower()})")
    return started, _moment(info.end_time) if info.end_time else started


def _moment(milliseconds: int | None) -> datetime:
    return datetime.fromtimestamp((milliseconds or 0) / 1000, UTC)


def _code(tags: Mapping[str, str], completeness: CompletenessBuilder) -> CodeVersion:
    revision = tags.get(COMMIT, "").lower()
    if not is_revision(revision):
        completeness.add_missing(
            "code.revision", f"the tag {COMMIT} names no commit" if revision else "no commit was logged"
        )
        revision = ""
    else:
        completeness.add_declared("code", _LOGGED)
    dirty = tags.get(ours.DIRTY)
    if dirty not in ("true", "false"):
        completeness.add_missing("code.dirty", "MLflow does not record whether the work tree differed from the commit")
    completeness.add_missing("code.source", "MLflow does not record which source files were used")
    return CodeVersion(
        repository=public_url(tags.get(_REPOSITORY, "")),
        revision=revision or None,
        branch=shown_text(tags.get(_BRANCH), _LONGEST_TEXT) or None,
        dirty=dirty == "true",
    )


def _parameters(run: "Run | None", completeness: CompletenessBuilder) -> Mapping[str, Json]:
    values, gaps = read_parameters(run.data.params if run is not None else {})
    completeness.missing.extend(gaps)
    if values:
        completeness.add_declared("parameters", f"{_LOGGED}, where all are text: numbers and truth values were read")
    completeness.add_missing(
        "parameters", "defaults that were not logged are not known" if values else "none was logged in MLflow"
    )
    return values


def _evaluation(
    run: "Run | None", data: Sequence[DatasetSnapshot], completeness: CompletenessBuilder
) -> Evaluation | None:
    metrics, gaps = read_metrics(run.data.metrics if run is not None else {})
    completeness.missing.extend(gaps)
    if not metrics:
        completeness.add_missing("evaluation", "no metric was logged in MLflow")
        return None
    completeness.add_declared("evaluation", f"{_LOGGED}, the last value of each metric")
    overall, slices = slices_in(metrics)
    evaluated_on = run.data.tags.get(ours.EVALUATED_ON) if run is not None else None
    measured = [snapshot.name for snapshot in data if snapshot.role in MEASURED]
    if any(snapshot.name == evaluated_on for snapshot in data):
        measured = [str(evaluated_on)]
        completeness.add_declared("evaluation.snapshot", "a tag that lineage-pipelines wrote in MLflow")
    elif len(measured) != 1:
        completeness.add_missing("evaluation.snapshot", "MLflow does not say on which data the metrics were measured")
    else:
        completeness.add_inferred("evaluation.snapshot", "the one input that was logged for testing")
    return Evaluation(
        snapshot=measured[0] if len(measured) == 1 else None,
        metrics=overall,
        slices=slices,
        directions=metric_specs({*overall, *(name for part in slices for name in part.metrics)}),
    )


def read_environment(folder: StoredFolder | str, keep: Keep, completeness: CompletenessBuilder) -> Environment:
    """Return the interpreter and the libraries that the folder asks for."""
    described = None if isinstance(folder, str) else folder.described
    lines = described.requirements if described else ()
    if described and described.python:
        completeness.add_inferred("environment.python", "the model folder asks for it")
    else:
        completeness.add_missing("environment.python", "nothing in MLflow that was read says it")
    if lines:
        what = "requirements.txt of the model folder: what it asks for, not everything that was installed"
        completeness.add_inferred("environment.packages", what)
    else:
        completeness.add_missing("environment.packages", "no list of libraries was read")
    completeness.add_missing("environment.platform", "MLflow does not record the machine")
    return Environment(
        python=f"CPython {described.python}" if described and described.python else UNKNOWN,
        platform=UNKNOWN,
        cpu=UNKNOWN,
        packages=keep("".join(f"{line}\n" for line in lines).encode()),
        package_count=len(lines),
    )


def read_model_file(
    folder: StoredFolder | str, note: bytes, tags: Mapping[str, str], keep: Keep, completeness: CompletenessBuilder
) -> ModelFile:
    """Return the record's subject: the folder's list, or the note on where it was.

    Args:
        folder: the files, or why they are not here.
        note: what stands for them then.
        tags: the run's.
        keep: keeps a blob.
        completeness: where to say what is not known.
    """
    estimator = plain(tags.get(_ESTIMATOR, ""))[:_LONGEST]
    loader = "" if isinstance(folder, str) else folder.described.loader or ""
    if not estimator:
        completeness.add_missing(
            "artifact.estimator", f"only its loader is known: {loader}" if loader else "nothing says it"
        )
    if isinstance(folder, str):
        completeness.add_missing("artifact", folder)
        return ModelFile(format=REFERENCE, size=0, estimator=estimator or UNKNOWN, digest=keep(note))
    for name in folder.left_out:
        completeness.add_missing("artifact.example", f"{name} holds rows of data, and is left out")
    completeness.add_inferred("artifact", "the files that MLflow has now; it keeps no digest to compare them with")
    return ModelFile(
        format=MANIFEST,
        size=folder.size,
        estimator=estimator or loader or UNKNOWN,
        requirements=folder.described.requirements,
        digest=folder.digest,
    )
