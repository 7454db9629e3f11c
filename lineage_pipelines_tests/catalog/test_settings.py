"""One order of settings: argument, environment, [tool.lineage], default; and no setting without effect."""

from pathlib import Path

import pytest

from lineage_pipelines.errors import CatalogError
from lineage_pipelines.settings import Settings, resolve_settings


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder, with nothing said anywhere."""
    monkeypatch.delenv("LINEAGE_CATALOG", raising=False)
    monkeypatch.delenv("LINEAGE_ARTIFACTS", raising=False)
    folder = tmp_path / "project"
    folder.mkdir()
    return folder.resolve()


def _say(project: Path, text: str) -> None:
    (project / "pyproject.toml").write_text(text)


def test_by_default_everything_is_below_the_project(project: Path) -> None:
    assert resolve_settings(start=project) == Settings(
        project_dir=project,
        catalog=f"sqlite:///{project}/.lineage/catalog.db",
        artifacts=f"{project}/.lineage/artifacts",
        keys=project / ".lineage" / "keys",
        require_clean=False,
        lock=None,
    )


def test_each_source_is_stronger_than_the_next(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def settings(catalog: str | None = None, artifacts: str | None = None) -> tuple[str, str]:
        found = resolve_settings(start=project, catalog=catalog, artifacts=artifacts)
        return found.catalog, found.artifacts

    _say(project, '[tool.lineage]\ncatalog = "sqlite:///table.db"\nartifacts = "table"')
    assert settings() == (f"sqlite:///{project}/table.db", f"{project}/table")
    monkeypatch.setenv("LINEAGE_CATALOG", "sqlite:///environment.db")
    monkeypatch.setenv("LINEAGE_ARTIFACTS", "s3://environment/files")
    assert settings() == (f"sqlite:///{project}/environment.db", "s3://environment/files")
    assert settings("sqlite:////flag.db", "/flag") == ("sqlite:////flag.db", "/flag")
    assert settings(artifacts="flag") == (f"sqlite:///{project}/environment.db", f"{project}/flag")
    monkeypatch.setenv("LINEAGE_CATALOG", "")
    assert settings()[0] == f"sqlite:///{project}/table.db"


@pytest.mark.parametrize("given", ["sqlite:///", "sqlite:///:memory:", "postgresql://db/lineage", "sqlite:////a/c.db"])
def test_what_is_not_a_relative_path_stays_as_it_is(project: Path, given: str) -> None:
    assert resolve_settings(start=project, catalog=given).catalog == given


def test_relative_paths_are_the_projects_wherever_one_stands(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _say(project, '[tool.lineage]\nrequire_clean = true\nlock = "uv.lock"\nread_back_seconds = 9')
    (project / "src" / "deep").mkdir(parents=True)
    monkeypatch.chdir(project / "src" / "deep")
    settings = resolve_settings(catalog="sqlite:///here.db")
    assert settings.project_dir == project
    assert settings.catalog == f"sqlite:///{project}/here.db"
    assert settings.require_clean
    assert (settings.read_back_seconds, settings.read_back_megabytes) == (9, 16_384)
    assert settings.lock == "uv.lock"


@pytest.mark.parametrize("marker", [".lineage", ".dvc", ".git"])
def test_without_a_pyproject_the_project_is_where_its_tools_are(project: Path, marker: str) -> None:
    (project / marker).mkdir()
    inner = project / "src"
    inner.mkdir()
    assert resolve_settings(start=inner).project_dir == project
    _say(project.parent, "")
    assert resolve_settings(start=inner).project_dir == project.parent


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.lineage]\nrequire_claen = true", "unknown setting 'require_claen'"),
        ('[tool.lineage]\nrequire_clean = "yes"', "'require_clean' is not true or false"),
        ("[tool.lineage]\nrequire_clean = 1", "'require_clean' is not true or false"),
        ("[tool.lineage]\nread_back_seconds = true", "'read_back_seconds' is not a whole number above 0"),
        ("[tool.lineage]\nread_back_megabytes = 0", "'read_back_megabytes' is not a whole number above 0"),
        ("[tool.lineage]\ncatalog = 3", "'catalog' is not text"),
        ("[tool.lineage]\ntrusted_types = [1]", "'trusted_types' is not a list of texts"),
        ("[tool.lineage.catalog]\nurl = 'c.db'", "'catalog' is not text"),
        ("[tool]\nlineage = 'c.db'", "the settings are not a table"),
        ("[[tool.lineage]]\ncatalog = 'c.db'", "the settings are not a table"),
        ("[tool.lineage\n", "the settings cannot be read"),
        ("tool = '\udcff'", "the settings cannot be read"),
    ],
)
def test_a_setting_that_would_have_no_effect_is_refused(project: Path, text: str, message: str) -> None:
    (project / "pyproject.toml").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(CatalogError, match=message) as caught:
        resolve_settings(start=project)
    assert str(project / "pyproject.toml") in caught.value.where


@pytest.mark.parametrize(
    "text", ["", "tool = 3", "[tool.other]\ncatalog = 3", "[tool.lineage.flights]\nyears = [2013]"]
)
def test_what_belongs_to_others_is_left_to_them(project: Path, text: str) -> None:
    _say(project, text)
    assert resolve_settings(start=project).catalog == f"sqlite:///{project}/.lineage/catalog.db"
