"""A project without a catalog, and a team's registry on MLflow's SQLite store."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import dvc  # noqa: F401  # its logger keeps the standard output that is there when it is first imported
import pytest

from lineage_pipelines.bridges.mlflow.server import connect
from lineage_pipelines.catalog.catalog import Catalog
from lineage_pipelines.catalog.log.entries import Entry
from lineage_pipelines.cli.main import main
from lineage_pipelines.settings import resolve_settings
from lineage_pipelines_tests.bridges.conftest import as_before
from lineage_pipelines_tests.bridges.registry_import.registry import Team


@dataclass(frozen=True)
class Said:
    """What a command said."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


Lineage = Callable[..., Said]


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An MLflow database without anything in it: MLflow takes seconds to make one."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    with as_before():  # a session outlives every test's environment
        connect(f"sqlite:///{path}", retries=0).search_experiments()
    return path


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that commands run in; it has no catalog yet."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").write_text("[tool.lineage]\n")
    monkeypatch.chdir(folder)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    return folder


@pytest.fixture
def team(empty_store: Path, tmp_path: Path) -> Team:
    """A team with MLflow's SQLite store."""
    path = tmp_path / "mlflow.db"
    shutil.copy(empty_store, path)
    address = f"sqlite:///{path}"
    return Team(connect(address, retries=0), address, tmp_path / "models")


@pytest.fixture
def lineage(project: Path, capsys: pytest.CaptureFixture[str]) -> Lineage:  # noqa: ARG001  # the folder
    """Run the command in the project."""

    def run(*words: str) -> Said:
        capsys.readouterr()
        code = main(list(words))
        said = capsys.readouterr()
        return Said(code, said.out, said.err)

    return run


@pytest.fixture
def bring(team: Team, lineage: Lineage) -> Lineage:
    """Import the team's registry."""
    root = str(Path(team.address.removeprefix("sqlite:///")).parent)
    return lambda *words: lineage("import", "mlflow", "--tracking-uri", team.address, "--artifact-root", root, *words)


def versions(project: Path, model: str) -> list[Entry]:
    """Return what the project's catalog has of a model, oldest first."""
    with Catalog(resolve_settings(start=project).catalog, create=False, read_only=True) as catalog:
        return [*reversed(catalog.entries(model))]
