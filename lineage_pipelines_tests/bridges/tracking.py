"""A shop whose training function tracks itself in MLflow, each test by its own lines."""

import os
import uuid
from typing import Any

import dagster as dg

from lineage_pipelines.orchestration.training.model_asset import model_asset
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines_tests.orchestration.conftest import INPUTS
from lineage_pipelines_tests.orchestration.shop import MODEL, Shop

RETURNED = """    return TrainedModel(
        estimator=model,
        metrics={"roc_auc": auc},
"""


class Tracking:
    """The shop, its MLflow address and experiment."""

    def __init__(self, shop: Shop, address: str | None = None) -> None:
        self.shop = shop
        self.by_itself = address is not None
        """Whether the function sets address and experiment; else the environment has them."""
        self.address = address or os.environ["MLFLOW_TRACKING_URI"]
        self.experiment = os.environ.get("MLFLOW_EXPERIMENT_NAME") or f"shop {uuid.uuid4().hex[:8]}"
        shop.split()
        shop.world.append(".gitignore", "/mlruns/\n")

    def write(self, lines: str, *, metrics: str = '{"roc_auc": auc}', head: str = "") -> None:
        """Write the training function with these lines before it returns, and commit it."""
        where = [f"mlflow.set_tracking_uri({self.address!r})", f"mlflow.set_experiment({self.experiment!r})"]
        begin = ["import mlflow", *(where if self.by_itself else ()), *lines.strip("\n").splitlines()]
        body = "".join(f"    {line}\n" for line in begin)
        text = MODEL.replace(RETURNED, body + RETURNED.replace('{"roc_auc": auc}', metrics))
        text = text.replace("    from sklearn.linear_model import", f"{head}    from sklearn.linear_model import")
        self.shop.world.write(f"{self.shop.module_name}.py", text)
        self.shop.world.commit("Change how it is trained")

    def materialize(self, **options: Any) -> dg.ExecuteInProcessResult:
        """Train once, as an asset with these options; a failed run is a result."""
        model = model_asset(project=self.shop.project(), inputs=INPUTS, **options)(self.shop.module().churn)
        return dg.materialize([model], resources=self.shop.resources(), raise_on_error=False)

    def train(self, lines: str, **options: Any) -> LineageRecord:
        """Write, train and return the record."""
        self.write(lines, **options)
        assert self.materialize().success
        return self.record()

    def record(self, version: int | None = None) -> LineageRecord:
        """Return a version's record; the latest by default."""
        with self.shop.catalog() as catalog:
            entry = catalog.latest("churn") if version is None else catalog.get("churn", version)
        assert entry is not None
        return entry.record

    def runs(self) -> list[Any]:
        """Return the experiment's runs, the oldest first."""
        import mlflow

        client = mlflow.MlflowClient(tracking_uri=self.address)
        experiment = client.get_experiment_by_name(self.experiment)
        assert experiment is not None
        return list(client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"]))


def forget() -> None:
    """Make MLflow forget what it was told for the whole process."""
    import mlflow
    from mlflow.tracking import fluent

    while mlflow.active_run():
        mlflow.end_run()
    mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # as it was
    fluent._active_experiment_id = None
    mlflow.autolog(disable=True, silent=True)


def linked(record: LineageRecord) -> str:
    assert record.run.mlflow is not None
    assert record.run.mlflow.run_id is not None
    return record.run.mlflow.run_id


def metrics(record: LineageRecord) -> dict[str, float]:
    assert record.evaluation is not None
    return dict(record.evaluation.metrics)


def gaps(record: LineageRecord, about: str) -> list[str]:
    return [gap for gap in record.completeness.missing if gap.startswith(about)]
