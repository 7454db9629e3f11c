"""Fixtures that every room may use."""

from pathlib import Path

import pytest

from lineage_pipelines_tests.world import World


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No telemetry, and nothing of the developer's own Dagster or DVC."""
    monkeypatch.setenv("DAGSTER_DISABLE_TELEMETRY", "1")
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    monkeypatch.delenv("LINEAGE_CATALOG", raising=False)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A fresh Git and DVC project."""
    return World(tmp_path / "project")
