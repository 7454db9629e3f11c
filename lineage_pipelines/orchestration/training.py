"""One training run, from verified bytes to a committed record.

The order is a law: inputs are placed and hashed, the model is trained on those bytes, its file is stored, the record
is committed, and only then does Dagster hear of it. A crash in between leaves something to reconcile, never a lie.
"""

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from lineage_pipelines.artifacts import ArtifactStore, SavedModel, save_model
from lineage_pipelines.capture import (
    capture_code,
    capture_environment,
    check_metrics,
    describe_table,
    effective_parameters,
    profile_table,
    read_table,
)
from lineage_pipelines.catalog import Catalog, Entry, Settings
from lineage_pipelines.datasets import DvcProject, Placed, place
from lineage_pipelines.errors import CaptureError
from lineage_pipelines.orchestration.gates import Baseline, Facts, Gate, forget_tables
from lineage_pipelines.orchestration.signature import InputKind, TrainingSignature
from lineage_pipelines.capture.trained import TrainedModel
from lineage_pipelines.queries import accepted_version
from lineage_pipelines.records import (
    Candidate,
    CodeVersion,
    Completeness,
    DagsterRun,
    DatasetSnapshot,
    Digest,
    Environment,
    Evaluation,
    Json,
    LineageRecord,
    ModelFile,
    ModelIdentity,
    SliceMetrics,
    StageRun,
    TrainingRun,
)

Log = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInput:
    """One input of a model: a path of the DVC project, and what part it plays.

    Write a plain path where the argument's name says it all: `inputs={"train": "data/train.parquet"}`.
    """

    path: str
    """Relative to the DVC root."""
    role: str | None = None
    """`train`, `test`, `validation`, `reference`, …; the argument's name by default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelDefinition:
    """What the author declared of a model."""

    name: str
    asset_key: str
    function: Callable[..., object]
    signature: TrainingSignature
    project: DvcProject
    inputs: Mapping[str, ModelInput]
    input_keys: Mapping[str, str]
    """The asset key of each input, parts joined by `/`."""
    gates: Sequence[Gate] = ()
    description: str | None = None
    owners: tuple[str, ...] = ()
    trusted_types: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """What Dagster knows of this run."""

    run: DagsterRun
    run_key: str
    host: str
    user: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A committed version."""

    entry: Entry
    trained: TrainedModel | None
    """None when an earlier attempt of this run had already committed it."""
    previous: Entry | None
    baseline: Baseline | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """The inputs as they were placed, with what is said of them."""

    placed: Mapping[str, Placed]
    snapshots: tuple[DatasetSnapshot, ...]
    stages: tuple[StageRun, ...]
    blobs: Mapping[Digest, bytes]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Captured:
    """Code and libraries, as they were before training began."""

    code: CodeVersion
    environment: Environment
    blobs: Mapping[Digest, bytes]
    gaps: tuple[str, ...]


@dataclass(slots=True, kw_only=True)
class TrainingStep:
    """Trains one model once and commits what happened."""

    definition: ModelDefinition
    settings: Settings
    catalog: Catalog
    artifacts: ArtifactStore
    facts: RunFacts
    log: Log
    context: object = None
    """Handed to a training function that asks for `context`."""
    blobs: dict[Digest, bytes] = field(default_factory=dict)

    def run(self, parameters: object) -> Outcome:
        """Train and commit; or return what an earlier attempt of the same run committed.

        Raises:
            LineageError: an input, a parameter, a metric or the model cannot be recorded honestly. Nothing is
                committed then.
        """
        committed = self.catalog.by_run_key(self.facts.run_key)
        if committed is not None:
            self.log(f"this run has already committed {self.definition.name}@{committed.version}; nothing is trained")
            return Outcome(entry=committed, trained=None, previous=self._before(committed), baseline=None)
        started = datetime.now(UTC)
        values = dict(effective_parameters(parameters)) if parameters is not None else {}
        captured = self._capture()
        with _private_folder() as folder:
            read = self._read_inputs(folder)
            self.blobs |= {**captured.blobs, **read.blobs}
            trained = self._train(read, parameters)
            return self._commit(folder, started, values, captured, read, trained)

    def _before(self, entry: Entry) -> Entry | None:
        return self.catalog.get(entry.model, entry.version - 1) if entry.version > 1 else None

    def _capture(self) -> _Captured:
        definition = self.definition
        root = self.settings.project_dir
        code, code_blobs, code_gaps = capture_code(definition.function, project_dir=root)
        if self.settings.require_clean and (code.dirty or code.revision is None):
            raise CaptureError(
                "the work tree is not a clean commit, and this project requires one",
                where=str(root),
                fix="commit or stash your changes (git status), or set require_clean = false in [tool.lineage]",
            )
        environment, environment_blobs, environment_gaps = capture_environment(project_dir=root)
        return _Captured(
            code=code,
            environment=environment,
            blobs={**code_blobs, **environment_blobs},
            gaps=(*code_gaps, *environment_gaps),
        )

    def _read_inputs(self, folder: Path) -> _Read:
        placed: dict[str, Placed] = {}
        snapshots: list[DatasetSnapshot] = []
        blobs: dict[Digest, bytes] = {}
        for name, declared in self.definition.inputs.items():
            self.log(f"input {name}: {declared.path}")
            placed[name] = place(self.definition.project, declared.path, folder / name)
            snapshot, blob = self._describe(name, declared, placed[name])
            snapshots.append(snapshot)
            blobs |= blob
        paths = [declared.path for declared in self.definition.inputs.values()]
        return _Read(placed=placed, snapshots=tuple(snapshots), stages=self._chain(paths), blobs=blobs)

    def _describe(self, name: str, declared: ModelInput, placed: Placed) -> tuple[DatasetSnapshot, dict[Digest, bytes]]:
        facts = describe_table(placed.path)
        profile = profile_table(placed.path) if facts is not None else None
        blob = {Digest.of(profile): profile} if profile is not None else {}
        snapshot = DatasetSnapshot(
            name=name,
            role=declared.role or name,
            path=declared.path,
            asset_key=self.definition.input_keys.get(name),
            digest=placed.digest,
            size=placed.size,
            files=placed.files,
            rows=facts.rows if facts else None,
            schema=facts.columns if facts else (),
            profile=next(iter(blob), None),
            produced_by=_stage_behind(placed),
        )
        return snapshot, blob

    def _chain(self, paths: Sequence[str]) -> tuple[StageRun, ...]:
        runs = {run.name: run for path in paths for run in self.definition.project.chain(path)}
        return tuple(runs.values())

    def _train(self, read: _Read, parameters: object) -> TrainedModel:
        signature = self.definition.signature
        arguments: dict[str, Any] = {
            name: read_table(read.placed[name].path) if kind is InputKind.TABLE else read.placed[name].path
            for name, kind in signature.inputs.items()
        }
        if signature.parameters_name is not None:
            arguments[signature.parameters_name] = parameters
        if signature.wants_context:
            arguments["context"] = self.context
        self.log(f"training {self.definition.name}")
        trained = self.definition.function(**arguments)
        if not isinstance(trained, TrainedModel):
            raise CaptureError(
                f"the training function returned a {type(trained).__name__}",
                where=self.definition.asset_key,
                fix="return lineage_pipelines.TrainedModel(estimator=…, metrics={…})",
            )
        return trained

    def _commit(
        self,
        folder: Path,
        started: datetime,
        values: dict[str, Json],
        captured: _Captured,
        read: _Read,
        trained: TrainedModel,
    ) -> Outcome:
        baseline = self._baseline()
        record = LineageRecord(
            model=self._identity(),
            data=read.snapshots,
            stages=read.stages,
            code=captured.code,
            environment=captured.environment,
            parameters={**values, **effective_parameters(trained.parameters)},
            evaluation=self._evaluate(trained, read, baseline),
            candidates=tuple(_plain_candidate(candidate) for candidate in trained.candidates),
            artifact=self._store(trained, folder),
            run=self._training_run(started, values, trained),
            completeness=_completeness(captured.gaps, read.snapshots, trained),
        )
        entry = self.catalog.append(lambda previous: _following(record, previous))
        self.log(f"committed {entry.model}@{entry.version}, record {entry.digest.hex[:12]}")
        return Outcome(entry=entry, trained=trained, previous=self._before(entry), baseline=baseline)

    def _identity(self) -> ModelIdentity:
        definition = self.definition
        return ModelIdentity(
            name=definition.name,
            asset_key=definition.asset_key,
            run_key=self.facts.run_key,
            description=definition.description,
            owners=definition.owners,
        )

    def _baseline(self) -> Baseline | None:
        accepted = accepted_version(self.catalog, self.definition.name)
        if accepted is None:
            return None
        return Baseline(label=f"{accepted.model}@{accepted.version}", record=accepted.record)

    def _evaluate(self, trained: TrainedModel, read: _Read, baseline: Baseline | None) -> Evaluation:
        metrics = check_metrics(trained.metrics, where=f"{self.definition.name}: metrics")
        evaluated_on = trained.evaluated_on or ("test" if "test" in read.placed else None)
        facts = Facts(
            trained=trained,
            metrics=metrics,
            inputs={name: placed.path for name, placed in read.placed.items()},
            evaluated_on=evaluated_on,
            baseline=baseline,
            input_md5={s.name: s.digest.md5 for s in read.snapshots},
        )
        return Evaluation(
            snapshot=evaluated_on,
            metrics=metrics,
            slices=tuple(_plain_slice(part) for part in trained.slices),
            checks=tuple(gate.check(facts) for gate in self.definition.gates),
        )

    def _store(self, trained: TrainedModel, folder: Path) -> ModelFile:
        saved: SavedModel = save_model(
            trained.estimator, folder / "model.skops", trusted_types=self.definition.trusted_types
        )
        digest = self.artifacts.put_file(saved.path)
        for blob in self.blobs.values():
            self.artifacts.put_bytes(blob)
        return ModelFile(
            format=saved.format,
            size=saved.path.stat().st_size,
            estimator=saved.estimator,
            trusted_types=saved.trusted_types,
            requirements=saved.requirements,
            digest=digest,
        )

    def _training_run(self, started: datetime, values: Mapping[str, Json], trained: TrainedModel) -> TrainingRun:
        seed = trained.seed if trained.seed is not None else values.get("seed")
        return TrainingRun(
            dagster=self.facts.run,
            started=started,
            finished=datetime.now(UTC),
            host=self.facts.host,
            user=self.facts.user,
            seed=int(seed) if isinstance(seed, int) else None,
        )


@contextlib.contextmanager
def _private_folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="lineage-", ignore_cleanup_errors=True) as name:
        try:
            yield Path(name)
        finally:
            forget_tables()
            _make_writable(Path(name))


def _make_writable(folder: Path) -> None:
    # Inputs are placed read-only; a folder without the write bit cannot be emptied.
    for path in (folder, *folder.rglob("*")):
        if path.is_dir() and not path.is_symlink():
            path.chmod(0o700)


def _following(record: LineageRecord, previous: Digest | None) -> LineageRecord:
    return replace(record, model=replace(record.model, previous=previous))


def _stage_behind(placed: Placed) -> str | None:
    return None if placed.recorded.owner.endswith(".dvc") else placed.recorded.owner


def _plain_candidate(candidate: Candidate) -> Candidate:
    where = f"candidate {candidate.name}"
    return replace(
        candidate,
        parameters=effective_parameters(candidate.parameters),
        metrics=check_metrics(candidate.metrics, where=where),
        selected=bool(candidate.selected),
    )


def _plain_slice(part: SliceMetrics) -> SliceMetrics:
    where = f"slice {part.name}={part.value}"
    return replace(part, value=str(part.value), rows=int(part.rows), metrics=check_metrics(part.metrics, where=where))


def _completeness(gaps: Sequence[str], snapshots: Sequence[DatasetSnapshot], trained: TrainedModel) -> Completeness:
    missing = list(gaps)
    if not snapshots:
        missing.append("data: the model declares no inputs")
    if not trained.candidates:
        missing.append("candidates: no alternative was reported")
    declared = ("evaluation: measured by the training function",)
    return Completeness(missing=tuple(missing), declared=declared)
