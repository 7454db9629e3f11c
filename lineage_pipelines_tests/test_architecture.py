"""Sizes and import times: what keeps the rooms small and the command line quick."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import lineage_pipelines

PACKAGE = Path(lineage_pipelines.__file__).parent
TESTS = Path(__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))
HEAVY = ("dagster", "dvc", "sqlalchemy", "pandas", "sklearn", "skops", "pyarrow", "numpy", "mlflow", "rich")


def _name(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", [*MODULES, *sorted(TESTS.rglob("*.py"))], ids=lambda p: p.name)
def test_no_module_is_longer_than_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_no_function_is_longer_than_50_lines(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef):
            body = [n for n in node.body if not _is_docstring(n)]
            inner = sum(_lines(n) for n in node.body if isinstance(n, ast.FunctionDef))
            assert sum(_lines(n) for n in body) - inner <= 50, f"{_name(path)}:{node.name}"


def test_git_is_called_in_one_module_only() -> None:
    calling = {
        _name(path)
        for path in MODULES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.List) and node.elts and isinstance(node.elts[0], ast.Constant)
        if node.elts[0].value == "git"
    }
    # The worked pipeline uses Git as any user of the library does.
    assert {name for name in calling if not name.startswith("flights/")} == {"system/git_command.py"}


def _lines(node: ast.stmt) -> int:
    return (node.end_lineno or node.lineno) - node.lineno + 1


def _is_docstring(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _imported_by(code: str, among: tuple[str, ...]) -> set[str]:
    script = f"{code}\nimport sys\nprint(*[m for m in {among!r} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True, cwd=PACKAGE.parent
    )
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import lineage_pipelines",
        "import lineage_pipelines.cli",
        "import lineage_pipelines.records",
        "import lineage_pipelines.capture",
        "import lineage_pipelines.datasets",
    ],
)
def test_nothing_heavy_is_imported_before_it_is_used(code: str) -> None:
    assert _imported_by(code, HEAVY) == set()


def test_loading_the_code_location_imports_no_dvc_and_no_training_library() -> None:
    heavy = ("dvc", "dvc_data", "mlflow", "pandas", "sklearn", "skops", "pyarrow", "matplotlib", "sqlalchemy")
    load = "from lineage_pipelines.definitions import defs\ndefs.get_repository_def()"
    _imported_by(load, heavy)  # fills the cache of the resolved graph
    assert _imported_by(load, heavy) == set()
    rooms = (
        *("catalog.catalog", "queries.registry.promotion_policy", "orchestration.ui.materialization"),
        *("capture.tables.profile", "artifacts.artifact_store"),
    )
    assert _imported_by(load, tuple(f"lineage_pipelines.{room}" for room in rooms)) == set()
