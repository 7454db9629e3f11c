"""The run's MLflow server, and one for each test that kills it."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage_pipelines_tests.mlflow_server import MlflowServer, mlflow_server, shared_server


@pytest.fixture(scope="session")
def shared_mlflow() -> MlflowServer:
    """A server that nobody ends; every test uses models and experiments of its own name."""
    return shared_server()


@pytest.fixture
def own_mlflow(tmp_path: Path) -> Iterator[MlflowServer]:
    """A server of this test's own."""
    folder = tmp_path / "mlflow"
    folder.mkdir()
    with mlflow_server(folder) as server:
        yield server


@pytest.fixture(autouse=True)
def connection_as_before() -> Iterator[None]:
    """`connect` sets what MLflow reads, for the whole process; the next test begins without it."""
    with as_before():
        yield


@contextlib.contextmanager
def as_before() -> Iterator[None]:
    """Put back what `connect` sets, in the environment and in MLflow."""
    before = dict(os.environ)
    try:
        yield
    finally:
        if "mlflow" in sys.modules:
            import mlflow

            mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # as it was
            mlflow.set_registry_uri(None)  # type: ignore[arg-type]
        os.environ.clear()
        os.environ.update(before)
