"""Models that MLflow itself logged and serves: files come through the server, and are never loaded."""

import uuid
from pathlib import Path

import mlflow
import numpy as np
import pytest
from mlflow.data.numpy_dataset import from_numpy
from sklearn.linear_model import LinearRegression

from lineage_pipelines.artifacts.artifact_store import ArtifactStore
from lineage_pipelines.records.values.digest import Digest
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.bridges.registry_import.conftest import Lineage, versions
from lineage_pipelines_tests.bridges.registry_import.registry import Team
from lineage_pipelines_tests.mlflow_server import MlflowServer, free_port


@pytest.fixture
def logged(shared_mlflow: MlflowServer, project: Path) -> str:
    """A model with two versions, as `mlflow.sklearn.log_model` registers them: one whole, one whose files are gone."""
    from lineage_pipelines.bridges.mlflow.server import connect

    client = connect(shared_mlflow.address, retries=0)
    name = f"Logged {uuid.uuid4().hex[:6]}"
    mlflow.set_experiment(name)
    for number in range(2):
        with mlflow.start_run():
            mlflow.log_params({"fit_intercept": True, "number": number})
            mlflow.log_metric("r2", 0.5 + number / 10)
            mlflow.log_input(from_numpy(np.eye(3), name="train"), context="training")
            model = LinearRegression().fit(np.eye(3), [1, 2, number])
            mlflow.sklearn.log_model(
                model, name="model", registered_model_name=name, pip_requirements=["scikit-learn==1.9.1"]
            )
    place = Path(client.get_model_version_download_uri(name, "2").rpartition(":/")[2].strip("/"))
    folder = shared_mlflow.folder / "artifacts" / place
    for path in sorted(folder.rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    team = Team(client, shared_mlflow.address, project / "models")
    team.client.set_registered_model_alias(name, "production", "1")
    return name


def test_files_come_through_the_server(
    shared_mlflow: MlflowServer, project: Path, lineage: Lineage, logged: str
) -> None:
    said = lineage("import", "mlflow", "--tracking-uri", shared_mlflow.address, "--model", logged, "--format", "json")
    assert said.code == 1  # the files of the second version are gone
    model = said.json()["models"][0]
    whole, gone = versions(project, model["model"])
    artifact = whole.record.artifact
    store = ArtifactStore(resolve_settings(start=project).artifacts)
    lines = [line.partition("  ") for line in store.read(artifact.digest).decode().splitlines()]
    listed = {path: name for name, _, path in lines}
    assert {"MLmodel", "requirements.txt", "python_env.yaml"} < {*listed}
    assert sum(len(store.read(Digest("sha256", name))) for name in listed.values()) == artifact.size
    assert (artifact.format, artifact.estimator) == ("mlflow", "mlflow.sklearn")
    assert "scikit-learn==1.9.1" in artifact.requirements
    assert whole.record.parameters == {"fit_intercept": True, "number": 0}
    assert whole.record.run.mlflow is not None
    assert (whole.record.run.mlflow.server, whole.record.run.mlflow.experiment) == (shared_mlflow.address, logged)
    (line,) = [line for line in whole.record.completeness.missing if line.startswith("data.")]
    assert "its source (code) names no file" in line
    assert gone.record.artifact.format == "mlflow-reference"
    assert lineage("verify").code == 0


def test_a_server_that_is_not_there_is_said_at_once_and_nothing_is_made(project: Path, lineage: Lineage) -> None:
    said = lineage("import", "mlflow", "--tracking-uri", f"http://127.0.0.1:{free_port()}")
    assert said.code == 3
    assert "MLflow does not answer: Connection refused" in said.err
    assert [path.name for path in project.iterdir()] == ["pyproject.toml"]


@pytest.mark.parametrize("address", ["foo", "mlflow.example.org", "./mlruns", "localhost:5000"])
def test_what_is_no_address_is_said_with_what_one_looks_like(project: Path, lineage: Lineage, address: str) -> None:
    said = lineage("import", "mlflow", "--tracking-uri", address)
    assert said.code == 2
    what = f"{address} is no address of MLflow: http://HOST:PORT, sqlite:///mlflow.db or a folder"
    assert said.err.startswith(f"error: invalid value for --tracking-uri: {what}\n")
    assert [path.name for path in project.iterdir()] == ["pyproject.toml"]


def test_a_model_that_is_not_there_is_said_and_nothing_is_made(team: Team, project: Path, bring: Lineage) -> None:
    team.register("delays", team.train())
    said = bring("--model", "delay")
    assert said.code == 2
    assert "'delays'" in said.err
    assert [path.name for path in project.iterdir()] == ["pyproject.toml"]
