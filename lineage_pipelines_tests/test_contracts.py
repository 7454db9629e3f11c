"""Each import contract really is broken by what it forbids."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UP = "Imports go down the rooms only"
CATALOG_UP = "Imports go down the floors of the catalog only"
ORCHESTRATION_UP = "Imports go down the floors of orchestration only"
QUERIES_UP = "Imports go down the floors of queries only"
REPORTS_UP = "Imports go down the floors of reports only"
CYCLE = "No cycles between siblings"

VIOLATIONS = [
    ("records/values/model_name.py", "catalog", UP),
    ("datasets/content/hashing.py", "capture.trained_model", UP),
    ("queries/refs.py", "reports.formatting", UP),
    ("system/atomic_file.py", "settings", UP),
    ("records/values/digest.py", "system.atomic_file", UP),
    ("catalog/log/reader.py", "catalog.index.alias_index", CATALOG_UP),
    ("catalog/outbox/attempts.py", "catalog.commit", CATALOG_UP),
    ("orchestration/retraining/recipe.py", "orchestration.training.gates", ORCHESTRATION_UP),
    ("queries/diff/alignment.py", "queries.versions.version_log", QUERIES_UP),
    ("reports/formatting.py", "reports.cell_text", REPORTS_UP),
    ("cli/main.py", "flights.leakage", "The library does not know the worked pipeline"),
    ("bridges/__init__.py", "dagster", "Only orchestration knows Dagster"),
    ("flights/preparation/cleaning.py", "dagster", "Only orchestration knows Dagster"),
    ("queries/refs.py", "dvc", "Only datasets knows DVC"),
    ("queries/refs.py", "dvc_data", "Only datasets knows DVC"),
    ("orchestration/dvc/asset_keys.py", "sqlalchemy", "Only catalog knows SQL"),
    ("queries/refs.py", "sqlite3", "Only catalog knows SQL"),
    ("system/atomic_file.py", "psycopg", "Only catalog knows SQL"),
    ("queries/refs.py", "mlflow", "Only bridges knows MLflow"),
    ("errors.py", "click", "Records stand alone"),
    ("records/values/model_name.py", "yaml", "Records stand alone"),
]
CYCLES = [
    ("bridges/mlflow/tags.py", "bridges.mlflow.mirror", "bridges.mlflow"),
    ("capture/gaps.py", "capture.code", "capture"),
    ("catalog/backends/filesystem.py", "catalog.backends.sqlite", "catalog.backends"),
    ("catalog/log/reader.py", "catalog.index.alias_index", "catalog"),
    ("datasets/metafiles/problems.py", "datasets.pipeline.dvc_project", "datasets"),
    ("orchestration/compat.py", "orchestration.dvc.dvc_assets", "orchestration"),
    ("queries/refs.py", "queries.graph.trace", "queries"),
    ("reports/document.py", "reports.views.show", "reports"),
]
"""A module, what it must not import, and the folder in which that closes a circle."""


_OTHERS = {"dagster", "dvc", "dvc_data", "psycopg", "sqlalchemy", "sqlite3", "mlflow", "click", "yaml"}


def _full(name: str) -> str:
    """The full name of a module of ours; another package's is its own."""
    return name if name.partition(".")[0] in _OTHERS else f"lineage_pipelines.{name}"


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, str]:
    """What the linter says of each contract, once every violation is in a copy of the package."""
    root = tmp_path_factory.mktemp("broken")
    package = root / "lineage_pipelines"
    shutil.copytree(ROOT / "lineage_pipelines", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", root)
    (package / "newroom.py").touch()
    for file, imported, _ in (*VIOLATIONS, *CYCLES):
        with (package / file).open("a") as source:
            source.write(f"\nimport {_full(imported)}\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=root,
        env=os.environ | {"PYTHONPATH": str(root)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    parts = re.split(r"^(\S.*)\n-{4,}\n", done.stdout, flags=re.MULTILINE)
    return {name: " ".join(text.split()) for name, text in zip(parts[1::2], parts[2::2], strict=True)}


@pytest.mark.parametrize(("file", "imported", "contract"), VIOLATIONS)
def test_a_forbidden_import_breaks_its_contract(
    found: Mapping[str, str], file: str, imported: str, contract: str
) -> None:
    importer = _full(file.removesuffix(".py").removesuffix("/__init__").replace("/", "."))
    assert f"{importer} -> {_full(imported)}" in found[contract]


@pytest.mark.parametrize("folder", [folder for _, _, folder in CYCLES])
def test_a_circle_between_siblings_breaks_its_contract(found: Mapping[str, str], folder: str) -> None:
    assert f"No cycles are allowed in lineage_pipelines.{folder}." in found[CYCLE]


def test_a_room_that_no_contract_names_is_refused(found: Mapping[str, str]) -> None:
    assert "not listed as layers: - lineage_pipelines.newroom" in found[UP]


def test_every_contract_is_tried() -> None:
    names = set(re.findall(r'^name = "([^"]+)"\ntype = ', (ROOT / "pyproject.toml").read_text(), re.MULTILINE))
    assert names == {contract for _, _, contract in VIOLATIONS} | {CYCLE}
