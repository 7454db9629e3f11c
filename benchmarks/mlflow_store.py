"""MLflow beside the catalog: its own SQLite store and its own client, with the same history in it.

Every version is what MLflow's documentation makes of a training: a run with its parameters, metrics and dataset inputs
(whose digest is the MD5 of the snapshot: MLflow's own is of 10,000 rows), a registered version, and an alias for every
tenth. Needs the extra `mlflow`; nothing is sent anywhere.
"""

import logging
import os
import random
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from benchmarks import versions as v
from benchmarks.growing import PER_DECISION, Place
from benchmarks.histories import sqlite
from benchmarks.questions import QUESTIONS, Asker, live
from benchmarks.rows import HEAD, compared
from benchmarks.table import in_turn, show, timed
from lineage_pipelines import LineageRecord
from lineage_pipelines.records.values.model_name import PRODUCTION
from lineage_pipelines_tests.samples import digests

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run

_BUDGET = "1/50"


@dataclass
class Registry:
    """MLflow's store, and who asks it."""

    client: "MlflowClient"
    experiment: str
    size: int
    draw: random.Random = field(default_factory=lambda: random.Random(4))

    def any(self, *, least: int = 0) -> int:
        """Return any version by its number."""
        return self.draw.randrange(v.MODELS * least, self.size)

    # Questions

    def log(self) -> Callable[[], object]:
        """List the versions of a model; their metrics would take another question for each."""
        name = v.model_of(self.any())
        return lambda: self.client.search_model_versions(f"name = '{name}'", max_results=10_000)

    def show(self) -> Callable[[], object]:
        """Read a version and its run."""
        number = self.any()
        return lambda: self._version(number)

    def diff(self) -> Callable[[], object]:
        """Say which parameters and metrics of two runs differ, which is all that MLflow can tell."""
        second = self.any(least=1)

        def ask() -> object:
            before, after = (self._version(number).data for number in (second - v.MODELS, second))
            pairs = ((before.params, after.params), (before.metrics, after.metrics))
            return [{name for name in {*old, *new} if old.get(name) != new.get(name)} for old, new in pairs]

        return ask

    def impact(self) -> Callable[[], object]:
        """Find the runs that read a snapshot, then their versions; which of them are live is not asked."""
        number = self.any()
        md5 = digests(v.snapshot(v.team_of(number), "train", v.month_of(number))).md5

        def ask() -> object:
            runs = self.client.search_runs([self.experiment], f"dataset.digest = '{md5}'", max_results=10_000)
            listed = ", ".join(f"'{run.info.run_id}'" for run in runs)
            found = self.client.search_model_versions(f"run_id IN ({listed})", max_results=10_000)
            if not found:
                raise SystemExit(f"MLflow finds no version that read {md5}")
            return found

        return ask

    def live(self) -> Callable[[], object]:
        """Read which version an alias names."""
        name = v.model_of(self.any())
        return lambda: self.client.get_model_version_by_alias(name, PRODUCTION)

    def _version(self, number: int) -> "Run":
        found = self.client.get_model_version(v.model_of(number), str(number // v.MODELS + 1))
        return self.client.get_run(found.run_id or "")

    # Filling

    def fill(self, versions: v.Versions) -> None:
        """Log and register every version."""
        for number in range(self.size):
            if number < v.MODELS:
                self.client.create_registered_model(v.model_of(number))
            run = self.client.create_run(self.experiment).info.run_id
            self._log(run, versions.record(number))
            found = self.client.create_model_version(v.model_of(number), f"runs:/{run}/model", run)
            if number < v.MODELS or (number + number // v.MODELS) % PER_DECISION == PER_DECISION - 1:
                self.client.set_registered_model_alias(found.name, PRODUCTION, found.version)
            if number % 100 == 0:
                print(f"  {number:,} of {self.size:,} versions in MLflow", end="\r", file=sys.stderr)
        print(file=sys.stderr)

    def _log(self, run: str, record: LineageRecord) -> None:
        from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

        at = int(record.run.finished.timestamp() * 1000)
        measured = record.evaluation.metrics if record.evaluation else {}
        metrics = [Metric(name, value, at, 0) for name, value in measured.items()]
        params = [Param(name, str(value)) for name, value in record.parameters.items()]
        self.client.log_batch(run, metrics, params)
        inputs = [
            DatasetInput(
                Dataset(snapshot.name, snapshot.digest.md5 or "", "local", f'{{"uri": "{snapshot.path}"}}'),
                [InputTag("mlflow.data.context", snapshot.role)],
            )
            for snapshot in record.data
        ]
        self.client.log_inputs(run, inputs)
        self.client.set_terminated(run)


def quiet() -> None:
    """Let MLflow send nothing and say little; before it is imported."""
    os.environ.update(MLFLOW_DISABLE_TELEMETRY="true", DO_NOT_TRACK="true", GIT_PYTHON_REFRESH="quiet")
    for name in ("mlflow", "alembic"):
        logging.getLogger(name).setLevel(logging.ERROR)


def open_registry(place: Place, size: int) -> Registry:
    """Open MLflow's store of a history, which is filled first where it is not."""
    quiet()
    from mlflow import MlflowClient

    folder = place.folder / "mlflow" / str(size)
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / "made"
    if not made.exists():
        for left in folder.glob("mlflow.db*"):
            left.unlink()
    address = f"sqlite:///{folder}/mlflow.db"
    client = MlflowClient(tracking_uri=address, registry_uri=address)
    if not made.exists():
        experiment = client.create_experiment("history", artifact_location=str(folder / "artifacts"))
        Registry(client, experiment, size).fill(v.Versions(place.artifacts))
        made.touch()
    found = client.get_experiment_by_name("history")
    assert found is not None
    return Registry(client, found.experiment_id, size)


def measure_mlflow(place: Place, size: int, runs: int) -> None:
    """Print what both take for the same questions about the same history."""
    registry = open_registry(place, size)
    with sqlite(place, size) as catalog:
        asker = Asker(catalog, place, size)
        impact = QUESTIONS["impact of a snapshot, names"][0]
        pairs = {
            "impact of a snapshot": (registry.impact, impact, _BUDGET),
            "show": (registry.show, QUESTIONS["show"][0], ""),
            "diff with the version before": (registry.diff, QUESTIONS["diff with the version before"][0], ""),
            "who is in production": (registry.live, live, ""),
            "log of a model": (registry.log, QUESTIONS["log of a model"][0], ""),
        }
        rows = []
        for what, (theirs, ours, budget) in pairs.items():
            print(f"  MLflow: {what}", file=sys.stderr)
            found = in_turn(
                {
                    f"MLflow: {what}": lambda ask=theirs: timed(ask()),  # type: ignore[misc]
                    f"catalog: {what}": lambda ask=ours: timed(ask(asker)),  # type: ignore[misc]
                },
                runs,
            )
            rows += compared(found, budget)
    show(
        f"{size:,} versions, MLflow's client on its SQLite store and the catalog in turn, {runs} questions", rows, HEAD
    )
