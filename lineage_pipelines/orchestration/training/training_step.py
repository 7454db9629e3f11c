"""Training step: from verified bytes to a committed record.

The order is a law: the attempt is announced, inputs are placed and hashed, the model is trained on those bytes, its
file is stored, the record is committed, and only then is Dagster informed. A crash in between leaves something to
reconcile, never a false statement.
"""

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.artifacts.model_file import SavedModel, save_model
from lineage_pipelines.artifacts.object_state import WALK
from lineage_pipelines.artifacts.read_back import ProbeRows, ReadLimits, keep_refused, read_back, start_reader
from lineage_pipelines.bridges.mlflow.run_context import Training
from lineage_pipelines.bridges.mlflow.tracking_session import track_training
from lineage_pipelines.capture.code import capture_code
from lineage_pipelines.capture.environment import capture_environment, imported_packages, read_threads
from lineage_pipelines.capture.git.git_state import find_root
from lineage_pipelines.capture.parameters import effective_parameters, parameter_defaults
from lineage_pipelines.capture.probe import HOW_TO_PROBE
from lineage_pipelines.capture.read_audit import ReadAudit
from lineage_pipelines.capture.trained_model import TrainedModel
from lineage_pipelines.capture.variable_references import with_defaults
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.catalog.outbox.attempts import Attempt, AttemptEnd
from lineage_pipelines.catalog.outbox.outbox import DAGSTER
from lineage_pipelines.errors import ArtifactError, CaptureError
from lineage_pipelines.orchestration.retraining.recipe import Recipe
from lineage_pipelines.orchestration.training.mlflow_values import MergedTraining, merge_mlflow_run
from lineage_pipelines.orchestration.training.model_definition import ModelDefinition
from lineage_pipelines.orchestration.training.model_evaluation import (
    evaluate,
    plain_candidates,
)
from lineage_pipelines.orchestration.training.run_attempt import open_attempt
from lineage_pipelines.orchestration.training.run_facts import RunFacts
from lineage_pipelines.orchestration.training.tracked_sources import KnownSources
from lineage_pipelines.orchestration.training.training_inputs import ReadInputs, arguments, read_inputs
from lineage_pipelines.orchestration.training.training_result import check_result, leave_out_undefined
from lineage_pipelines.orchestration.ui.outcome import Outcome
from lineage_pipelines.orchestration.ui.page_comparison import build_outcome
from lineage_pipelines.queries.registry.baseline import Baseline, find_baseline
from lineage_pipelines.records.statement.code import CodeVersion
from lineage_pipelines.records.statement.environment import Environment
from lineage_pipelines.records.statement.lineage_record import Completeness, LineageRecord, ModelIdentity
from lineage_pipelines.records.statement.training_run import ModelFile, ReadBack, TrainingRun
from lineage_pipelines.records.values.canonical import Json
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.settings import Settings

REFUSED = Path(".lineage", "refused")
"""Below the project's folder: trained models that no record names, since their file does not bring them back."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Captured:
    """Parameters, code and libraries, as they were before training began."""

    started: datetime
    parameters: Mapping[str, Json]
    defaults: Mapping[str, Json]
    code: CodeVersion
    environment: Environment
    blobs: Mapping[Digest, bytes]
    gaps: tuple[str, ...]
    audit: ReadAudit


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingStep:
    """Trains one model once and commits what happened."""

    definition: ModelDefinition
    settings: Settings
    catalog: Catalog
    artifacts: ArtifactStore
    facts: RunFacts
    log: Callable[[str], None]
    context: object = None
    """Passed to a training function that has the argument `context`."""

    def run(self, parameters: object) -> Outcome:
        """Train and commit; or return what an earlier attempt of the same run committed.

        A run that no person launched does not make the last version again: that version is returned, as `repeated`.

        Raises:
            LineageError: an input, a parameter, a metric or the model cannot be recorded as it is. Nothing is
                committed then.
        """
        committed = self.catalog.by_run_key(self.facts.run_key)
        if committed is not None:
            self.log(
                f"an earlier attempt of this run committed {committed.ref}; nothing is trained again. "
                "Launch a new run, not a re-execution, for a new version"
            )
            return self._outcome(committed)
        captured = self._capture(parameters)
        with open_attempt(self.catalog, self.facts, self.definition.name) as (attempt, folder):
            self.log(f"placing {len(self.definition.inputs)} inputs: {', '.join(self.definition.inputs)}")
            known = KnownSources(self.catalog, self.artifacts, self.definition.name)
            read = read_inputs(self.definition, folder, known)
            same = self._made_before(captured, read)
            if same is not None:
                self.catalog.outbox.end_attempt(attempt, AttemptEnd.SKIPPED)
                return Outcome(entry=same, trained=None, previous=None, baseline=None, repeated=True)
            trained = self._train(folder, read, parameters, captured)
            return self._commit(attempt, folder, captured, read, trained)

    def _other_assets(self) -> tuple[str, ...]:
        # Not refused: an asset may get another key, and keeps its history.
        latest = self.catalog.latest(self.definition.name)
        other = latest.record.model.asset_key if latest else self.definition.asset_key
        if latest is None or other == self.definition.asset_key:
            return ()
        gap = f"model: {latest.ref} was made by another asset, {other}; two models with one name share one history"
        self.log(gap)
        return (gap,)

    def _capture(self, parameters: object) -> _Captured:
        started = datetime.now(UTC)
        root = self.settings.project_dir
        defaults = parameter_defaults(type(parameters)) if parameters is not None else {}
        values = effective_parameters(parameters, with_defaults(self.facts.config, defaults))
        project = self.definition.project
        generated = [project.root / path for path in project.graph().generated()]
        code, code_blobs, code_gaps = capture_code(
            self.definition.function,
            project_dir=root,
            extra_sources=self.definition.extra_sources,
            generated=generated,
            memory=self.definition.memory,
        )
        if self.settings.require_clean and (code.dirty or code.revision is None):
            raise CaptureError(
                "the work tree is not a clean commit, and this project requires one",
                where=str(root),
                fix="commit or stash your changes (git status), or set require_clean = false in [tool.lineage]",
            )
        environment, blobs, gaps = capture_environment(project_dir=root, lock=self.settings.lock)
        return _Captured(
            started=started,
            parameters=values,
            defaults=defaults,
            code=code,
            environment=environment,
            blobs={**code_blobs, **blobs},
            gaps=(*code_gaps, *gaps),
            audit=ReadAudit(find_root(root), code.source.files if code.source else ()),
        )

    def _made_before(self, captured: _Captured, read: ReadInputs) -> Entry | None:
        """Return the last version where an automatic run would only make it again."""
        if self.definition.retraining is None or not self.facts.automatic:
            return None
        last = self.catalog.latest(self.definition.name)
        recipe = Recipe.of(read.snapshots, captured.code, captured.parameters, captured.environment)
        return last if last is not None and recipe.is_of(last.record) else None

    def _train(self, folder: Path, read: ReadInputs, parameters: object, captured: _Captured) -> MergedTraining:
        given = arguments(self.definition, read, parameters, self.context)
        self.log(f"training {self.definition.name}")
        training = Training(
            run_key=self.facts.run_key,
            attempt=uuid.uuid4().hex,
            dagster_run=self.facts.run.run_id,
            asset_key=self.definition.asset_key,
            notes=folder / "mlflow-runs",
        )
        with track_training(training, self.settings.mlflow) as joined:
            with captured.audit.running(folder):
                returned = self.definition.function(**given)
            result = check_result(returned, model=self.definition.asset_key, inputs=list(self.definition.inputs))
            trained, undefined = leave_out_undefined(result, model=self.definition.name)
        if joined.run is not None and joined.run.link is not None:
            self.log(f"joined the MLflow run {joined.run.link.run_id}")
        merged = merge_mlflow_run(trained, captured.parameters, joined.run, model=self.definition.name)
        return replace(merged, gaps=(*undefined, *merged.gaps))

    def _commit(
        self, attempt: Attempt, folder: Path, captured: _Captured, read: ReadInputs, training: MergedTraining
    ) -> Outcome:
        trained = training.trained
        if self.definition.verify:
            start_reader()  # while the model is evaluated
        baseline = find_baseline(self.catalog, self.definition.name, self.facts.partition)
        evaluation, probe_blobs, rows = evaluate(self.definition, trained, read, baseline)
        if evaluation.probe is None:
            self.log(f"no predictions are recorded, by which a model that is made again is recognised: {HOW_TO_PROBE}")
        candidates = plain_candidates(trained)  # before anything is stored: they may be refused
        imported = imported_packages()
        blobs = {**captured.blobs, **read.blobs, **probe_blobs, Digest.of(imported): imported}
        artifact = self._store(trained, folder, blobs, rows)
        # After the file was written, which loads libraries as well: the next run of this process has them all.
        environment = replace(captured.environment, threads=read_threads(), imported=Digest.of(imported))
        record = LineageRecord(
            model=self._identity(),
            data=read.snapshots,
            stages=read.stages,
            sources=read.sources,
            code=captured.code,
            environment=environment,
            parameters=training.parameters,
            parameter_defaults=captured.defaults,
            evaluation=evaluation,
            candidates=candidates,
            run=self._training_run(captured, training),
            artifact=artifact,
            completeness=_completeness(captured, read, training, (*self._other_assets(), *_not_read_back(artifact))),
        )
        entry = self.catalog.append(record, attempt=attempt, notify=[DAGSTER])
        self.log(f"committed {entry.ref}, record {entry.digest.hex[:12]}")
        return self._outcome(entry, trained=trained, baseline=baseline)

    def _outcome(
        self, entry: Entry, *, trained: TrainedModel | None = None, baseline: Baseline | None = None
    ) -> Outcome:
        return build_outcome(
            self.catalog,
            entry,
            artifacts=self.artifacts,
            project_dir=self.settings.project_dir,
            trained=trained,
            baseline=baseline,
            log=self.log,
        )

    def _identity(self) -> ModelIdentity:
        definition = self.definition
        return ModelIdentity(
            name=definition.name,
            asset_key=definition.asset_key,
            run_key=self.facts.run_key,
            partition=self.facts.partition,
            description=definition.description,
            owners=definition.owners,
        )

    def _store(
        self, trained: TrainedModel, folder: Path, blobs: Mapping[Digest, bytes], rows: ProbeRows | None
    ) -> ModelFile:
        try:
            saved, back = self._save(trained, folder, rows)
        except ArtifactError as error:
            kept = keep_refused(trained.estimator, folder, self.settings.project_dir / REFUSED / self.facts.run.run_id)
            raise ArtifactError(error.what, where=error.where, fix=f"{error.fix}\n  kept:  {kept}") from error
        digest = self.artifacts.put_file(saved.path)
        for blob in blobs.values():
            self.artifacts.put_bytes(blob)
        return ModelFile(
            format=saved.format,
            size=saved.path.stat().st_size,
            estimator=saved.estimator,
            trusted_types=saved.trusted_types,
            requirements=saved.requirements,
            read_back=back,
            digest=digest,
        )

    def _save(self, trained: TrainedModel, folder: Path, rows: ProbeRows | None) -> tuple[SavedModel, ReadBack | None]:
        saved = save_model(trained.estimator, folder, trusted_types=self.definition.trusted_types)
        if not self.definition.verify:
            return saved, None
        limits = ReadLimits(seconds=self.settings.read_back_seconds, megabytes=self.settings.read_back_megabytes)
        state = read_back(saved, trained.estimator, probe=rows, limits=limits)
        return saved, ReadBack(state=Digest("sha256", state), walk=WALK)

    def _training_run(self, captured: _Captured, training: MergedTraining) -> TrainingRun:
        given = training.trained.seed
        seed = given if given is not None else captured.parameters.get("seed")
        return TrainingRun(
            dagster=self.facts.run,
            mlflow=training.run,
            started=captured.started,
            finished=datetime.now(UTC),
            host=self.facts.host,
            user=self.facts.user,
            seed=int(seed) if isinstance(seed, int) else None,
            undeclared=captured.audit.result(),
        )


def _not_read_back(artifact: ModelFile) -> tuple[str, ...]:
    if artifact.read_back is not None:
        return ()
    return ("artifact.read_back: it is not known whether the file comes back as the trained model (verify=False)",)


def _completeness(
    captured: _Captured, read: ReadInputs, training: MergedTraining, model_gaps: tuple[str, ...]
) -> Completeness:
    missing = [*model_gaps, *captured.gaps, *read.gaps, *training.gaps]
    if not read.snapshots:
        missing.append("data: the model declares no inputs")
    if not training.trained.metrics:
        missing.append("evaluation: no metric was reported")
    if not training.trained.candidates:
        missing.append("candidates: no alternative was reported")
    declared = ("evaluation: measured by the training function", *training.declared)
    return Completeness(missing=tuple(missing), declared=declared)
