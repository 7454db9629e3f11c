"""A project to be given bad input, and people with keys of their own in it."""

import shutil
from pathlib import Path

import pytest

from lineage_pipelines_tests.bad_input.project import Project

POLICY = "[tool.lineage]\n[tool.lineage.promotion.production]\napprovals = 1\n"


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project, to be copied."""
    return Project(tmp_path_factory.mktemp("made")).make().root


@pytest.fixture(autouse=True)
def nobodys_keys(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nothing of the developer's own keys and settings."""
    for name in ("LINEAGE_APPROVAL_KEY", "LINEAGE_APPROVAL_PASSPHRASE", "LINEAGE_KEYS", "LINEAGE_ARTIFACTS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LOGNAME", "carol")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


@pytest.fixture
def project(tmp_path: Path, made: Path) -> Project:
    """A project of one's own."""
    shutil.copytree(made, tmp_path / "project")
    return Project(tmp_path / "project")


@pytest.fixture
def people(project: Project) -> Project:
    """The project, whose policy asks for an approval, with the keys of ann, and of ada who trained."""
    (project.root / "pyproject.toml").write_text(POLICY)
    for name in ("ann", "ada"):
        done = project.run("key", "new", "--owner", f"{name}@example.org", "--output", f"{name}.pem")
        assert done.returncode == 0, done.stderr
    return project
