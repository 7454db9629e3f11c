"""What is published: the library without the worked pipeline, which is in the repository only."""

import ast
import importlib.metadata
import os
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
_REPOSITORY_ONLY = ("lineage_pipelines/flights", "lineage_pipelines/definitions.py")
_OF_A_DECLARED_ONE = {"dvc-data", "dvc-objects", "requests"}
"""Parts of the interfaces of DVC and of MLflow, which require the releases that fit."""


def _run(words: Sequence[object], folder: Path, **variables: str) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables
    done = subprocess.run(
        [str(word) for word in words], cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The wheel and the source distribution of what Git tracks here."""
    folder = tmp_path_factory.mktemp("built")
    tracked = [
        path for path in _run(["git", "ls-files", "lineage_pipelines"], ROOT).splitlines() if (ROOT / path).is_file()
    ]
    for name in ("pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE", *tracked):
        copy = folder / "source" / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes((ROOT / name).read_bytes())
    _run([sys.executable, "-m", "hatchling", "build", "--directory", folder], folder / "source")
    return next(folder.glob("*.whl")), next(folder.glob("*.tar.gz"))


def test_the_wheel_holds_the_library_and_not_the_worked_pipeline(built: tuple[Path, Path]) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        names = set(wheel.namelist())
        scripts = next(wheel.read(name).decode() for name in names if name.endswith("entry_points.txt"))
    assert not [name for name in names if name.startswith(_REPOSITORY_ONLY)]
    modules = {path.relative_to(ROOT).as_posix() for path in (ROOT / "lineage_pipelines").rglob("*.py")}
    expected = {name for name in modules if not name.startswith(_REPOSITORY_ONLY)}
    assert {name for name in names if name.startswith("lineage_pipelines/") and name.endswith(".py")} == expected
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]
    assert "lineage = " in scripts
    assert "flights" not in scripts


def test_the_source_distribution_makes_the_same_package(built: tuple[Path, Path]) -> None:
    with tarfile.open(built[1]) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert not [name for name in names if name.startswith(_REPOSITORY_ONLY)]
    assert {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "lineage_pipelines/__init__.py"} <= names


def test_the_installed_package_works_without_the_worked_pipeline(built: tuple[Path, Path], tmp_path: Path) -> None:
    with zipfile.ZipFile(built[0]) as wheel:
        wheel.extractall(tmp_path / "site")
    script = f"""
import sys
sys.path.insert(0, {str(tmp_path / "site")!r})
import lineage_pipelines
assert lineage_pipelines.__file__.startswith({str(tmp_path)!r}), lineage_pipelines.__file__
for name in lineage_pipelines.__all__:
    getattr(lineage_pipelines, name)
from lineage_pipelines.cli import main
sys.exit(main(sys.argv[1:]))
"""
    assert "Usage: lineage" in _run([sys.executable, "-c", script, "--help"], tmp_path)


def test_every_library_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    lines = [*project["dependencies"], *(line for extra in project["optional-dependencies"].values() for line in extra)]
    declared = {canonicalize_name(Requirement(line).name) for line in lines} | _OF_A_DECLARED_ONE
    known = importlib.metadata.packages_distributions()
    undeclared = {
        (name, path.relative_to(ROOT).as_posix())
        for path in (ROOT / "lineage_pipelines").rglob("*.py")
        if not path.relative_to(ROOT).as_posix().startswith(_REPOSITORY_ONLY)
        for name in _imported(path) - sys.stdlib_module_names - {"lineage_pipelines"}
        if declared.isdisjoint(canonicalize_name(distribution) for distribution in known[name])
    }
    assert undeclared == set()


def _imported(path: Path) -> set[str]:
    """The top-level packages that a module imports, anywhere in it."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
    return {name.partition(".")[0] for name in names}
