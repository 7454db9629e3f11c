"""A team with a catalog, an artifact store and an MLflow of its own; its versions have real model files."""

import dataclasses
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.artifacts.model_file import save_model
from lineage_pipelines.bridges.mlflow.delivery_worker import Delivered, deliver, open_mirror
from lineage_pipelines.bridges.mlflow.mirror import Mirror
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.queries.registry.decision_drafts import draft_promotion
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.statement.partition import Partition
from lineage_pipelines.records.statement.training_run import ModelFile
from lineage_pipelines.settings import Settings
from lineage_pipelines_tests.samples import make_record

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Run
    from mlflow.entities.model_registry import ModelVersion

PACKAGES = b"numpy==2.4.0\npandas==3.1.0\nscikit-learn==1.9.1\nscipy==1.17.0\nskops==0.16.0\n"
ROWS = np.array([[0.1, 0.9], [0.9, 0.2], [0.4, 0.5], [0.8, 0.7]])


@dataclass
class Team:
    """Who trains, and what is kept."""

    folder: Path
    catalog: Catalog
    artifacts: ArtifactStore
    settings: Settings
    model: str

    def record(self, run: str = "1", *, auc: float = 0.75, **changes: object) -> LineageRecord:
        """Return a record whose model file is in the store."""
        estimator = LogisticRegression(C=float(run) if run.isdigit() else 1.0).fit(ROWS, [0, 1, 0, 1])
        saved = save_model(estimator, self.folder)
        file = ModelFile(
            format=saved.format,
            size=saved.path.stat().st_size,
            estimator=saved.estimator,
            trusted_types=saved.trusted_types,
            requirements=saved.requirements,
            digest=self.artifacts.put_file(saved.path),
        )
        plain = make_record(run, model=self.model, auc=auc)
        environment = dataclasses.replace(plain.environment, packages=self.artifacts.put_bytes(PACKAGES))
        return dataclasses.replace(plain, artifact=file, environment=environment, **changes)  # type: ignore[arg-type]

    def train(self, run: str = "1", *, auc: float = 0.75, partition: str | None = None, **changes: object) -> Entry:
        """Commit a version, of a partition if one is given."""
        record = self.record(run, auc=auc, **changes)
        if partition is not None:
            model = dataclasses.replace(record.model, partition=Partition(identity=partition))
            record = dataclasses.replace(record, model=model)
        return self.catalog.append(record)

    def promote(self, entry: Entry, alias: str = "production", reason: str = "better") -> None:
        """Make an alias name a version."""
        draft = draft_promotion(self.catalog, entry, alias, by="ada", reason=reason, project_dir=self.folder)
        self.catalog.registry.decide(draft)

    def mirror(self) -> Mirror:
        """Connect to MLflow."""
        return open_mirror(self.settings)

    def deliver(self) -> Delivered:
        """Tell MLflow what it is owed."""
        return deliver(self.catalog, self.mirror())

    @property
    def client(self) -> "MlflowClient":
        """MLflow's own client, to see what it has."""
        from mlflow import MlflowClient

        return MlflowClient(self.settings.mlflow, self.settings.mlflow)

    def registered(self) -> "Mapping[str, ModelVersion]":
        """Return what MLflow has registered of the model, by its number in the catalog."""
        found = self.client.search_model_versions(f"name = '{self.model}'")
        said = {each.tags.get("lineage.version", f"theirs {each.version}"): each for each in found}
        assert len(said) == len(found), [dict(each.tags) for each in found]
        return said

    def run(self, entry: Entry) -> "Run":
        """Return the run of a version in MLflow."""
        return self.client.get_run(self.registered()[str(entry.version)].run_id or "")

    def runs(self) -> "list[Run]":
        """Return every run of the model's experiment, nested ones too."""
        experiment = self.client.get_experiment_by_name(self.model)
        return list(self.client.search_runs([experiment.experiment_id])) if experiment else []


@contextmanager
def a_team(folder: Path, address: str, model: str) -> Iterator[Team]:
    """Open a team's catalog and store."""
    folder.mkdir(exist_ok=True)
    (folder / "pyproject.toml").touch()
    settings = Settings(
        project_dir=folder,
        catalog=f"sqlite:///{folder}/catalog.db",
        artifacts=str(folder / "artifacts"),
        keys=folder / "keys",
        mlflow=address,
        dagster_url="http://localhost:3000",
    )
    with Catalog(settings.catalog, keys=settings.keys, mirrors=settings.mirrors) as catalog:
        yield Team(folder, catalog, ArtifactStore(settings.artifacts), settings, model)
