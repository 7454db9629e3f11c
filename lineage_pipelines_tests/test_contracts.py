"""Each import contract really is broken by what it forbids."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
UP = "Imports go down the rooms only"
CATALOG_UP = "Imports go down the floors of the catalog only"


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("records/values/model_name.py", "import lineage_pipelines.catalog", UP),
        ("datasets/content/hashing.py", "import lineage_pipelines.capture.trained_model", UP),
        ("queries/refs.py", "import lineage_pipelines.reports.formatting", UP),
        ("newroom.py", "", UP),
        ("system/atomic_file.py", "import lineage_pipelines.settings", UP),
        ("records/values/digest.py", "import lineage_pipelines.system.atomic_file", UP),
        ("catalog/log/reader.py", "import lineage_pipelines.catalog.index.alias_index", CATALOG_UP),
        ("catalog/outbox/attempts.py", "import lineage_pipelines.catalog.commit", CATALOG_UP),
        ("capture/gaps.py", "import lineage_pipelines.capture.code", "No cycles between siblings"),
        ("queries/refs.py", "import dagster", "Only orchestration knows Dagster"),
        ("flights/preparation/cleaning.py", "import dagster", "Only orchestration knows Dagster"),
        ("queries/refs.py", "import dvc.repo", "Only datasets knows DVC"),
        ("orchestration/dvc/asset_keys.py", "import sqlalchemy", "Only catalog knows SQL"),
        ("records/values/model_name.py", "import yaml", "Records stand alone"),
    ],
)
def test_a_forbidden_import_breaks_its_contract(tmp_path: Path, file: str, line: str, contract: str) -> None:
    shutil.copytree(
        ROOT / "lineage_pipelines", tmp_path / "lineage_pipelines", ignore=shutil.ignore_patterns("__pycache__")
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    with (tmp_path / "lineage_pipelines" / file).open("a") as source:
        source.write(f"\n{line}\n")
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    broken = [name.removesuffix(" BROKEN") for name in done.stdout.splitlines() if name.endswith(" BROKEN")]
    assert contract in broken
