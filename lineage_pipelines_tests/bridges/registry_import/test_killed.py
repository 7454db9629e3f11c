"""An import that dies, and a server that dies under it: what was imported stays, and the rest comes the next time."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lineage_pipelines.bridges.mlflow.registry_import.importer import import_registry
from lineage_pipelines.bridges.mlflow.server import LostServerError, connect
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.bridges.registry_import.conftest import Lineage, versions
from lineage_pipelines_tests.bridges.registry_import.registry import Team
from lineage_pipelines_tests.mlflow_server import MlflowServer

_COUNT = 300


def _theirs(project: Path) -> list[int]:
    found = [entry.record.run.mlflow for entry in versions(project, "delays")]
    return [int(mlflow.version or 0) for mlflow in found if mlflow is not None]


def _entries(project: Path) -> int:
    settings = resolve_settings(start=project)
    if not Path(settings.catalog.removeprefix("sqlite:///")).exists():
        return 0
    try:
        with Catalog(settings.catalog, read_only=True) as catalog:
            return len(catalog.index.versions())
    except Exception:  # noqa: BLE001  # it is being made
        return 0


def test_an_import_that_is_killed_goes_on_where_it_was(team: Team, bring: Lineage, project: Path) -> None:
    run = team.train()
    for _ in range(_COUNT):
        team.register("delays", run)
    words = ["import", "mlflow", "--tracking-uri", team.address, "--artifacts", "none"]
    importing = subprocess.Popen(
        [sys.executable, "-c", "from lineage_pipelines.cli import main; raise SystemExit(main())", *words],
        cwd=project,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not _entries(project):
        assert importing.poll() is None
        time.sleep(0.005)
    importing.send_signal(signal.SIGKILL)
    assert importing.wait() == -signal.SIGKILL
    done = _theirs(project)
    assert 0 < len(done) < _COUNT
    said = bring("--artifacts", "none", "--format", "json")
    assert said.code == 0
    assert said.json()["models"][0]["imported"] == _COUNT - len(done)
    assert _theirs(project) == list(range(1, _COUNT + 1))


def test_a_server_that_dies_in_the_middle(
    own_mlflow: MlflowServer, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    team = Team(connect(own_mlflow.address, retries=0), own_mlflow.address, project / "models")
    run = team.train()
    for _ in range(_COUNT):
        team.register("delays", run, f"runs:/{run}/model")

    killed: list[bool] = []

    def kill(_model: str, done: int, _count: int) -> None:
        if done == _COUNT // 3 and not killed:
            killed.append(True)
            own_mlflow.end(signal.SIGKILL)

    settings = resolve_settings(start=project)

    def bring(catalog: Catalog) -> int:
        found = import_registry(
            own_mlflow.address,
            catalog=catalog,
            artifacts=settings.artifacts,
            project_dir=project,
            by="ann",
            copy=False,
            progress=kill,
        )
        return found.models[0].imported

    with Catalog(settings.catalog, keys=settings.keys) as catalog:
        with pytest.raises(LostServerError, match=r"[1-9]\d* versions were imported before"):
            bring(catalog)
        done = len(_theirs(project))
        assert 0 < done < _COUNT
        own_mlflow.start()
        assert bring(catalog) == _COUNT - done
    assert _theirs(project) == list(range(1, _COUNT + 1))


def test_a_server_that_is_not_there_is_no_answer(
    project: Path, lineage: Lineage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR", "0")
    said = lineage("import", "mlflow", "--tracking-uri", "http://127.0.0.1:9", "--dry-run")
    assert said.code == 3
    assert "MLflow does not answer" in said.err
    assert not (project / ".lineage").exists()
