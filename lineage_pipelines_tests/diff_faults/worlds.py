"""A project whose versions are recorded one after the other, each from a draft: what was delivered, and what was set.

Everything that a record says is captured as training captures it: snapshots and profiles of files, sources from a
function that is really imported, parameters, libraries, and metrics of a model that is really trained. Only the list
of libraries and the facts about the machine can be written over: nothing else is installed here.
"""

import dataclasses
import importlib.util
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from lineage_pipelines import Catalog, Gate, GateFacts, LineageRecord, TrainedModel
from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.capture.code import capture_code
from lineage_pipelines.capture.environment import capture_environment, imported_packages
from lineage_pipelines.capture.evaluation import check_metrics
from lineage_pipelines.capture.parameters import effective_parameters, parameter_defaults
from lineage_pipelines.capture.tables.table_capture import capture_table, read_table
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.datasets.content.snapshots import SnapshotCache
from lineage_pipelines.records.statement.dataset import DatasetSnapshot, StageInput, StageOutput, StageRun
from lineage_pipelines.records.statement.environment import Environment
from lineage_pipelines.records.statement.lineage_record import ModelIdentity
from lineage_pipelines.records.statement.training_run import Evaluation, ModelFile, TrainingRun
from lineage_pipelines.records.values.canonical import Json, canonical_bytes
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines_tests.samples import run_key
from lineage_pipelines_tests.world import World

if TYPE_CHECKING:
    import pandas as pd

Tables = dict[str, "pd.DataFrame"]


@dataclass(slots=True, kw_only=True)
class Draft:
    """A version before it is made: what a fault edits."""

    tables: Tables
    """What was delivered, by path."""
    settings: dict[str, dict[str, Any]]
    """params.yaml: what the preparation reads."""
    commands: dict[str, str]
    """Of each preparation step."""
    parameters: dict[str, Any] = field(default_factory=dict)
    """What the launcher set; everything else is a default."""
    sources: dict[str, str] = field(default_factory=dict)
    """Edited files of the project, by path."""
    packages: dict[str, str | None] = field(default_factory=dict)
    """Versions of libraries that differ from those that are installed; None for one that is not."""
    machine: dict[str, Any] = field(default_factory=dict)
    """Fields of the environment that differ from those of this machine."""
    afterwards: "Callable[[Path], None] | None" = None
    """What somebody does in the project's folder after the preparation and before the training."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A preparation step that has run."""

    name: str
    inputs: Mapping[str, str]
    """Path to origin: `tracked:data/raw.dvc`, `stage:clean`, `git`."""
    outputs: Sequence[str]
    params: Mapping[str, Any]


class FaultyWorld(ABC):
    """One project with its catalog and its store; subclasses say how it prepares and trains."""

    model: str
    inputs: Mapping[str, str]
    """Name to path of what the model reads; the name is the role too."""
    gates: Sequence[Gate] = ()

    def __init__(self, folder: Path) -> None:
        self.project = World(folder / "project")
        self.project.append(".gitignore", "/data/\n__pycache__/\n")
        self.project.write("data/.keep", "")
        self.catalog = Catalog(f"sqlite:///{folder}/catalog.db", create=True)
        self.store = ArtifactStore(str(folder / "artifacts"))
        self.found = SnapshotCache(self.root)
        self.texts = self.initial_sources()
        self._write_sources(self.texts)
        self.project.commit("Begin")
        self._environment = capture_environment(project_dir=self.root)

    @property
    def root(self) -> Path:
        """The project's folder."""
        return self.project.root

    @abstractmethod
    def initial_sources(self) -> dict[str, str]:
        """Return the project's code by path."""

    @abstractmethod
    def base(self) -> Draft:
        """Return a fresh draft of the version that everything is compared with."""

    @abstractmethod
    def prepare(self, draft: Draft) -> list[Step]:
        """Write the delivery and run every step."""

    @abstractmethod
    def train(self, draft: Draft, tables: Tables) -> tuple[TrainedModel, Callable[..., object], object]:
        """Train, and return the model, the function that did, and its parameters."""

    def load(self, path: str, name: str) -> ModuleType:
        """Import a module of the project as its file is now, under a name that is not kept."""
        spec = importlib.util.spec_from_file_location(name, self.root / path)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        # Without .pyc files: a source may be written twice within one tick of its modification time.
        code = compile((self.root / path).read_text(), str(self.root / path), "exec")
        exec(code, module.__dict__)
        return module

    def record(self, name: str, draft: Draft) -> Entry:
        """Make the version that a draft describes, and commit it."""
        self._write_sources(draft.sources)
        try:
            steps = self.prepare(draft)
            if draft.afterwards is not None:
                draft.afterwards(self.root)
            self.project.commit(f"Update the data ({len(self.catalog.entries(self.model)) + 1})")
            return self.catalog.append(self._make(name, draft, steps))
        finally:
            self._write_sources({path: self.texts[path] for path in draft.sources if path in self.texts})

    def _write_sources(self, texts: Mapping[str, str]) -> None:
        for path, text in texts.items():
            self.project.write(path, text)

    def _make(self, name: str, draft: Draft, steps: Sequence[Step]) -> LineageRecord:
        from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

        started = datetime.now(UTC)
        snapshots = tuple(self._snapshot(name, path, steps) for name, path in self.inputs.items())
        tables = {each: read_table(self.root / path) for each, path in self.inputs.items()}
        with threadpool_limits(1):  # on small tables, threads cost more than they save
            trained, function, parameters = self.train(draft, tables)
        code, blobs, _ = capture_code(function, project_dir=self.root)
        for blob in blobs.values():
            self.store.put_bytes(blob)
        return LineageRecord(
            model=ModelIdentity(name=self.model, asset_key=self.model, run_key=run_key(f"{self.model} {name}")),
            data=snapshots,
            stages=tuple(self._stage(step, draft) for step in steps),
            code=code,
            environment=self._installed(draft),
            run=TrainingRun(started=started, finished=datetime.now(UTC), host="trainer-1", seed=trained.seed),
            parameters={**effective_parameters(parameters), **effective_parameters(trained.parameters)},
            parameter_defaults=parameter_defaults(type(parameters)),
            evaluation=self._evaluation(trained),
            candidates=tuple(trained.candidates),
            artifact=self._artifact(trained),
        )

    def _snapshot(self, name: str, path: str, steps: Sequence[Step]) -> DatasetSnapshot:
        found = self.found.snapshot(self.root / path)
        table = capture_table(self.root / path, name=name)
        assert table.profile is not None, table.gaps
        assert table.facts is not None
        maker = next((step.name for step in steps if path in step.outputs), None)
        return DatasetSnapshot(
            name=name,
            role=name,
            path=path,
            digest=found.digest,
            size=found.size,
            files=found.files,
            rows=table.facts.rows,
            schema=table.facts.columns,
            profile=self.store.put_bytes(table.profile),
            produced_by=maker,
        )

    def _stage(self, step: Step, draft: Draft) -> StageRun:
        deps = []
        for path, origin in step.inputs.items():
            found = self.found.snapshot(self.root / path)
            deps.append(StageInput(path=path, digest=found.digest, size=found.size, files=found.files, origin=origin))
        outs = []
        for path in step.outputs:
            found = self.found.snapshot(self.root / path)
            outs.append(StageOutput(path=path, digest=found.digest, size=found.size, files=found.files))
        said: Json = [step.name, draft.commands[step.name], [str(each) for each in (*deps, *outs)]]
        return StageRun(
            name=step.name,
            command=draft.commands[step.name],
            deps=tuple(deps),
            params={"params.yaml": dict(step.params)},
            outs=tuple(outs),
            lock=Digest.of(canonical_bytes(said)),
        )

    def _installed(self, draft: Draft) -> Environment:
        environment, blobs, _ = self._environment
        for blob in blobs.values():
            self.store.put_bytes(blob)
        lines = {line.partition("==")[0]: line for line in blobs[environment.packages].decode().splitlines()}
        for name, version in draft.packages.items():
            lines.pop(name, None)
            if version is not None:
                lines[name] = f"{name}=={version}"
        listed = self.store.put_bytes("".join(f"{line}\n" for line in sorted(lines.values())).encode())
        imported = self.store.put_bytes(imported_packages())
        environment = dataclasses.replace(environment, packages=listed, package_count=len(lines), imported=imported)
        return dataclasses.replace(environment, **draft.machine)

    def _evaluation(self, trained: TrainedModel) -> Evaluation:
        metrics = check_metrics(trained.metrics, where=self.model)
        measured = trained.evaluated_on or "test"
        paths = {name: self.root / path for name, path in self.inputs.items()}
        facts = GateFacts(metrics=metrics, inputs=paths, evaluated_on=measured, baseline=None)
        return Evaluation(
            snapshot=measured,
            metrics=metrics,
            slices=tuple(trained.slices),
            checks=tuple(gate.check(facts) for gate in self.gates),
        )

    def _artifact(self, trained: TrainedModel) -> ModelFile:
        import skops.io

        # Not by `save_model`, which looks through every installed distribution for what the model needs: half of the
        # time of this suite, for facts that no comparison reads.
        content = skops.io.dumps(trained.estimator)
        kind = type(trained.estimator)
        return ModelFile(
            format="skops",
            size=len(content),
            estimator=f"{kind.__module__}.{kind.__qualname__}",
            digest=self.store.put_bytes(content),
        )
