"""One trained model of the flights pipeline, recorded by this library and logged by MLflow, and where the time goes.

The model is trained once, by its own function on its own tables. What is measured is the step that Dagster runs, with
the function giving that model at once; and what MLflow's documentation makes of a training: a run with parameters,
metrics and inputs, a logged model, a registered version. Each writes into a history of many versions (see
`benchmarks.histories`, `benchmarks.mlflow_store`), of which it has a copy, as the next version of a model in it.
"""

import contextlib
import functools
import importlib
import logging
import os
import shutil
import sqlite3
import time
import uuid
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks import histories, mlflow_store
from benchmarks.growing import Place
from benchmarks.versions import model_of

if TYPE_CHECKING:
    from lineage_pipelines import LineageResource, TrainedModel
    from lineage_pipelines.orchestration.training.model_definition import ModelDefinition
    from lineage_pipelines.orchestration.training.run_facts import RunFacts

MODEL = model_of(0)
TRAINING, SAVING, INFERRING, REST = "training", "model: saved", "requirements: inferred", "the rest"
INPUTS = "inputs: digest and schema"
Watched = Mapping[str, Sequence[tuple[Any, str]]]


class Parts:
    """How long named parts of a call take, each without the parts within it."""

    def __init__(self) -> None:
        self.found: Counter[str] = Counter()
        self._within = [0.0]

    @contextlib.contextmanager
    def timed(self, part: str) -> Iterator[None]:
        """Count what is done meanwhile."""
        begun = time.perf_counter()
        self._within.append(0.0)
        try:
            yield
        finally:
            taken = time.perf_counter() - begun
            self.found[part] += taken - self._within.pop()
            self._within[-1] += taken

    @contextlib.contextmanager
    def watching(self, watched: Watched) -> Iterator[None]:
        """Count what these functions do meanwhile, by the module or class that they are looked up in."""
        places = [(part, owner, name) for part, functions in watched.items() for owner, name in functions]
        with contextlib.ExitStack() as stack:
            for part, owner, name in places:
                function = getattr(owner, name)
                stack.callback(setattr, owner, name, function)
                setattr(owner, name, self._counted(function, part))
            with self.timed(REST):
                yield

    def _counted(self, function: Callable[..., Any], part: str) -> Callable[..., Any]:
        @functools.wraps(function)
        def counted(*args: object, **options: object) -> object:
            with self.timed(part):
                return function(*args, **options)

        return counted


@dataclass(frozen=True, kw_only=True)
class Trained:
    """The model, and the step that trains it as Dagster would run it."""

    definition: "ModelDefinition"
    """Of the model, whose function gives what it gave the first time."""
    facts: "RunFacts"
    parameters: Any
    model: "TrainedModel"
    tables: Mapping[str, Any]


def train(checkout: Path) -> Trained:
    """Train `flight_delay` in a checkout of the flights pipeline, whose folder is the current one."""
    from lineage_pipelines.capture.tables.table_capture import read_table

    definition, facts, parameters = _step(checkout)
    tables = {name: read_table(checkout / given.path) for name, given in definition.inputs.items()}
    model = definition.function(**tables, params=parameters)

    @functools.wraps(definition.function)
    def trained_already(**_: object) -> "TrainedModel":
        return model

    definition = replace(definition, name=MODEL, function=trained_already)
    return Trained(definition=definition, facts=facts, parameters=parameters, model=model, tables=tables)


def _step(checkout: Path) -> tuple[Any, "RunFacts", Any]:
    """Let Dagster begin the step; return the definition, the run and the parameters that it is given."""
    import dagster as dg

    from lineage_pipelines import LineageResource
    from lineage_pipelines.flights import assets
    from lineage_pipelines.orchestration.training.run_facts import read_run_facts

    module = importlib.import_module("lineage_pipelines.orchestration.training.model_asset")
    steps: list[tuple[Any, RunFacts, Any]] = []

    def stop(definition: object, context: dg.AssetExecutionContext, _: object, values: object) -> None:
        steps.append((definition, read_run_facts(context), values))
        raise InterruptedError

    run, module._run = module._run, stop  # type: ignore[attr-defined]  # noqa: SLF001  # what a step calls
    try:
        resources = {"lineage": LineageResource(project_dir=str(checkout))}
        with dg.DagsterInstance.ephemeral() as instance, contextlib.suppress(InterruptedError):
            dg.materialize([assets.flight_delay], instance=instance, resources=resources)
    finally:
        module._run = run  # type: ignore[attr-defined]  # noqa: SLF001
    return steps[0]


def _copy(database: Path, into: Path) -> None:
    with contextlib.closing(sqlite3.connect(database)) as source, contextlib.closing(sqlite3.connect(into)) as target:
        source.backup(target)


class Ours:
    """A copy of a history in which the step commits.

    Args:
        trained: the model and its step.
        place: where histories are kept.
        size: how many versions the history has.
        folder: where the copy is made.
    """

    def __init__(self, trained: Trained, place: Place, size: int, folder: Path) -> None:
        self._trained, self._folder = trained, folder
        self._project = trained.definition.project.root
        if not folder.exists():
            folder.mkdir(parents=True)
            with histories.sqlite(place, size):
                _copy(place.folder / "sqlite" / str(size) / "catalog.db", folder / "catalog.db")
            shutil.copytree(place.keys, folder / "keys")
            shutil.copytree(place.folder / "artifacts", folder / "artifacts")

    def version(self, mirror: str | None = None) -> float:
        """Commit one more version, as the step of a model asset does it; return what it took.

        Args:
            mirror: the MLflow store that mirrors the catalog; its delivery is started, and waited for when all is done.
        """
        given = {"MLFLOW_TRACKING_URI": mirror} if mirror else {}
        with _environment({"LINEAGE_KEYS": str(self._folder / "keys"), **given}, without=["MLFLOW_TRACKING_URI"]):
            lineage = self._resource()
            begun = time.perf_counter()
            self._step(lineage)
            lineage.update_mirrors(print)
            taken = time.perf_counter() - begun
            if mirror:
                from lineage_pipelines.bridges.mlflow.delivery_launcher import wait_for_deliveries

                wait_for_deliveries(60)
                self._check_told()
        return taken

    def _check_told(self) -> None:
        from lineage_pipelines import Catalog
        from lineage_pipelines.settings import MLFLOW

        with Catalog(f"sqlite:///{self._folder}/catalog.db", read_only=True) as catalog:
            if owed := catalog.outbox.pending(MLFLOW):
                log = self._project / ".lineage" / "mlflow.log"
                raise SystemExit(f"MLflow was not told of {len(owed)} entries: {log.read_text()}")

    def _resource(self) -> "LineageResource":
        from lineage_pipelines import LineageResource

        url, artifacts = f"sqlite:///{self._folder}/catalog.db", str(self._folder / "artifacts")
        return LineageResource(project_dir=str(self._project), catalog=url, artifacts=artifacts)

    def _step(self, lineage: "LineageResource") -> None:
        from lineage_pipelines.orchestration.training.training_step import TrainingStep

        with lineage.open_catalog() as catalog:
            TrainingStep(
                definition=self._trained.definition,
                settings=lineage.settings(),
                catalog=catalog,
                artifacts=lineage.open_artifacts(),
                facts=replace(self._trained.facts, run_key=uuid.uuid4().hex * 2),
                log=lambda _: None,
            ).run(self._trained.parameters)

    def in_parts(self) -> Counter[str]:
        """Commit one more version; return what each part of it took."""
        parts = Parts()
        with parts.timed(REST), parts.watching(_parts_of_ours()):
            self.version()
        return parts.found

    def promote(self) -> None:
        """Put the newest version into production, so that the next one is compared with it."""
        from lineage_pipelines import Catalog
        from lineage_pipelines.queries.refs import resolve
        from lineage_pipelines.queries.registry.decision_drafts import draft_promotion

        with Catalog(f"sqlite:///{self._folder}/catalog.db", keys=self._folder / "keys") as catalog:
            options = {"by": "bo", "reason": "measured", "project_dir": self._project, "override": True}
            catalog.registry.decide(draft_promotion(catalog, resolve(catalog, MODEL), "production", **options))


def _parts_of_ours() -> Watched:
    from lineage_pipelines import Catalog, DvcProject
    from lineage_pipelines.artifacts.artifact_store import ArtifactStore
    from lineage_pipelines.catalog.outbox.outbox import Outbox
    from lineage_pipelines.orchestration.training import training_inputs, training_step

    return {
        "inputs: placed and hashed": [(training_inputs, "place")],
        "inputs: profiles": [(training_inputs, "capture_frame"), (training_inputs, "capture_table")],
        "inputs: how they were prepared": [(DvcProject, "trace")],
        TRAINING: [(training_step, "arguments")],  # its tables are read for it
        "code: Git and source files": [(training_step, "capture_code")],
        "libraries and machine": [(training_step, "capture_environment")],
        "gates and probe": [(training_step, "evaluate")],
        SAVING: [(training_step, "save_model"), (training_step, "read_back"), (ArtifactStore, "put_file")],
        "sources, profiles, lists: stored": [(ArtifactStore, "put_bytes")],
        "attempt and commit": [(Outbox, "begin_attempt"), (Catalog, "append")],
        "versions before: compared": [(training_step, "find_baseline"), (training_step, "find_differences")],
    }


class Theirs:
    """A copy of the same history in MLflow's SQLite store, in which its fluent calls log."""

    def __init__(self, trained: Trained, place: Place, size: int, folder: Path) -> None:
        self._trained, self._folder = trained, folder
        self.address = f"sqlite:///{folder}/mlflow.db"
        if not folder.exists():
            folder.mkdir(parents=True)
            mlflow_store.open_registry(place, size)
            _copy(place.folder / "mlflow" / str(size) / "mlflow.db", folder / "mlflow.db")

    def in_parts(self, **options: object) -> Counter[str]:
        """Log and register one more version; return what each part of it took.

        Args:
            options: of `mlflow.sklearn.log_model`.
        """
        parts = Parts()
        with _environment({}, without=["MLFLOW_TRACKING_URI"]), parts.timed(REST), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import mlflow.data
            import mlflow.sklearn

            mlflow.set_tracking_uri(self.address)
            watched = {SAVING: [(mlflow.sklearn, "save_model")], INFERRING: [(mlflow.models, "infer_pip_requirements")]}
            with parts.watching(watched), mlflow.start_run(experiment_id=self._experiment()):
                self._log(parts, options)
        return parts.found

    def _log(self, parts: Parts, options: Mapping[str, object]) -> None:
        import mlflow

        model, parameters = self._trained.model, asdict(self._trained.parameters)
        with parts.timed("parameters and metrics"):
            mlflow.log_params({**parameters, **model.parameters})
            mlflow.log_metrics(dict(model.metrics))
        for name, declared in self._trained.definition.inputs.items():
            with parts.timed(INPUTS):
                dataset = mlflow.data.from_pandas(self._trained.tables[name], source=declared.path, name=name)
                mlflow.log_input(dataset, context=name)
        mlflow.sklearn.log_model(model.estimator, name="model", registered_model_name=MODEL, **options)

    @functools.cache  # noqa: B019  # there are as many as there are histories
    def _experiment(self) -> str:
        import mlflow

        found = mlflow.get_experiment_by_name("measured")
        return found.experiment_id if found else mlflow.create_experiment("measured", str(self._folder / "artifacts"))


def quiet() -> None:
    """Let neither send anything anywhere, nor say what was asked of it."""
    os.environ.update(
        MLFLOW_LOGGING_LEVEL="ERROR", MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", GIT_PYTHON_REFRESH="quiet"
    )
    os.environ.update(DAGSTER_DISABLE_TELEMETRY="1", DVC_NO_ANALYTICS="1")
    for name in ("mlflow", "alembic", "dagster"):
        logging.getLogger(name).setLevel(logging.CRITICAL)


@contextlib.contextmanager
def _environment(given: Mapping[str, str], *, without: Sequence[str]) -> Iterator[None]:
    before = dict(os.environ)
    for name in without:
        os.environ.pop(name, None)
    os.environ.update(given)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
