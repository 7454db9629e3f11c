"""A team's MLflow registry, made with MLflow's own client: runs, model folders, registered versions, aliases."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlflow import MlflowClient
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag
from mlflow.entities.model_registry import ModelVersion

from lineage_pipelines_tests.samples import digest

MLMODEL = """
flavors:
  python_function:
    loader_module: mlflow.sklearn
    python_version: 3.11.7
  sklearn:
    pickled_model: model.pkl
"""
FILES = {
    "MLmodel": MLMODEL.encode(),
    "requirements.txt": b"scikit-learn==1.9.1\nNumPy == 2.4.0\npandas\n",
    "data/model.pkl": b"not a pickle",
}
COMMIT = "5d1f0c" + "0" * 34


@dataclass
class Team:
    """Who trains with MLflow."""

    client: MlflowClient
    address: str
    artifacts: Path
    experiment: str = ""
    names: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        found = self.client.get_experiment_by_name("flights")
        place = self.artifacts.as_uri() if not self.address.startswith("http") else None
        self.experiment = found.experiment_id if found else self.client.create_experiment("flights", place)

    def train(
        self,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Mapping[str, float] | None = None,
        tags: Mapping[str, str] | None = None,
        inputs: "list[DatasetInput] | None" = None,
        parent: str = "",
    ) -> str:
        """Log a run, and return its id."""
        nested = {"mlflow.parentRunId": parent} if parent else {}
        run = str(self.client.create_run(self.experiment, tags={**(tags or {}), **nested}).info.run_id)
        self.client.log_batch(
            run,
            [Metric(name, value, 1_700_000_000_000, 0) for name, value in (metrics or {"roc_auc": 0.7}).items()],
            [Param(name, value) for name, value in (params or {"alpha": "0.1"}).items()],
            [RunTag("mlflow.source.git.commit", COMMIT)] if "mlflow.source.git.commit" not in (tags or {}) else [],
        )
        if inputs:
            self.client.log_inputs(run, inputs)
        self.client.set_terminated(run)
        return run

    def save(self, name: str, files: Mapping[str, bytes] | None = None) -> Path:
        """Write a model folder and return it."""
        folder = self.artifacts / name
        for path, data in (FILES if files is None else files).items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
        return folder

    def register(self, model: str, run: str | None, source: str = "nowhere", **more: Any) -> ModelVersion:
        """Register a version."""
        if model not in self.names:
            self.names.add(model)
            self.client.create_registered_model(model)
        return self.client.create_model_version(model, source, run, **more)

    def deliver(self, model: str, *, files: Mapping[str, bytes] | None = None, **logged: Any) -> ModelVersion:
        """Train, save and register."""
        run = self.train(**logged)
        return self.register(model, run, str(self.save(run, files)))


def dataset(
    source: str, *, name: str = "train", context: str = "training", tags: Mapping[str, str] | None = None
) -> DatasetInput:
    """Return an input of a run, as MLflow's `log_input` makes it.

    MLflow keeps one source for all data of one name and digest in an experiment: the digest is made of the source here.
    """
    schema = '{"mlflow_colspec": [{"type": "long", "name": "a", "required": true}, {"type": "string", "name": "b"}]}'
    said = Dataset(
        name, digest(source).hex[:8], "local", f'{{"uri": "{source}"}}', schema=schema, profile='{"num_rows": 20000}'
    )
    context_tag = [InputTag("mlflow.data.context", context)] if context else []
    return DatasetInput(said, [*context_tag, *(InputTag(key, value) for key, value in (tags or {}).items())])
