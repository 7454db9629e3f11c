"""Fixtures that every room may use."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from lineage_pipelines_tests import postgres_server
from lineage_pipelines_tests.world import World

DEVELOPERS = ("LINEAGE_CATALOG", "LINEAGE_DAGSTER_URL", "MLFLOW_TRACKING_URI", "MLFLOW_EXPERIMENT_NAME")
"""What a developer may have set for work: no test, and no project that is made for several, goes there."""
for _name in DEVELOPERS:
    os.environ.pop(_name, None)
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"  # the workers are as many as the cores: more threads take longer for the same

_HOW_FAST = [HealthCheck.too_slow, HealthCheck.data_too_large]
"""What depends on the machine, and on how large records are."""
settings.register_profile(
    "gate", max_examples=30, derandomize=True, deadline=None, database=None, suppress_health_check=_HOW_FAST
)
settings.register_profile("fuzz", max_examples=500, deadline=None, print_blob=True, suppress_health_check=_HOW_FAST)
settings.load_profile("gate")  # `make fuzz` asks for the other one, with --hypothesis-profile


@pytest.fixture(autouse=True)
def environment_as_before() -> Iterator[None]:
    """The environment as it was, whatever a test and its fixtures did to it: projects are made for a whole session."""
    before = dict(os.environ)
    yield
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(autouse=True)
def quiet_machine(environment_as_before: None, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: ARG001  # before it
    """No telemetry, and nothing of the developer's own Dagster or DVC."""
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    for name in DEVELOPERS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
    monkeypatch.setenv("GIT_PYTHON_REFRESH", "quiet")


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A fresh Git and DVC project."""
    return World(tmp_path / "project")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[postgres_server.Server]:
    """A PostgreSQL server, with the roles `lineage_writer` and `lineage_reader`."""
    with postgres_server.server() as server:
        yield server
