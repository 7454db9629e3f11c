"""The code change of the story: it applies to the code as it is today and keeps every gate green."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
import yaml

ROOT = Path(__file__).parents[2]
PATCH = ROOT / "lineage_pipelines" / "flights" / "story" / "congestion.patch"
_FEATURES = "lineage_pipelines/flights/preparation/features.py"


def _run(root: Path, *words: str) -> str:
    done = subprocess.run([sys.executable, *words], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _applies(root: Path, *how: str) -> bool:
    command = ["git", "apply", "--check", *how, str(PATCH)]
    return subprocess.run(command, cwd=root, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def patched(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the package with the patch; on the branch that the demo leaves it has it already."""
    root = tmp_path_factory.mktemp("patched")
    ignore = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "lineage_pipelines", root / "lineage_pipelines", ignore=ignore)
    shutil.copytree(ROOT / "lineage_pipelines_tests", root / "lineage_pipelines_tests", ignore=ignore)
    for name in ("pyproject.toml", "params.yaml"):
        shutil.copy(ROOT / name, root / name)
    # Of its own, so that Git does not look for one above the temporary folder.
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    if not _applies(root, "--reverse"):
        assert _applies(root), "the patch no longer applies to features.py: write it anew with git diff"
        subprocess.run(["git", "apply", str(PATCH)], cwd=root, check=True)
    return root


def test_it_changes_the_features_stage_only() -> None:
    changed = [line[6:] for line in PATCH.read_text().splitlines() if line.startswith("+++ ")]
    assert changed == [_FEATURES]


def test_lint_and_types_stay_green(patched: Path) -> None:
    _run(patched, "-m", "ruff", "check", _FEATURES)
    _run(patched, "-m", "ruff", "format", "--check", _FEATURES)
    _run(patched, "-m", "mypy", "--follow-imports=skip", "--cache-dir=/dev/null", _FEATURES)


def test_the_tests_of_the_stage_stay_green(patched: Path) -> None:
    flights = "lineage_pipelines_tests/flights"
    tests = (f"{flights}/test_features.py", f"{flights}/test_leakage.py::test_nothing_leaks")
    _run(patched, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)


def test_it_counts_the_flights_that_are_scheduled_together(patched: Path, prepared: Path, tmp_path: Path) -> None:
    shutil.copytree(prepared / "clean", tmp_path / "clean")
    _run(
        patched,
        "-m",
        "lineage_pipelines.flights",
        "features",
        "--clean",
        str(tmp_path / "clean"),
        "--into",
        str(tmp_path),
    )
    table = pd.read_parquet(tmp_path / "flights.parquet")
    schedule = pd.read_parquet(prepared / "clean" / "schedule.parquet")
    schedule["hour"] = (schedule["sched_dep"] // 60).map("{:02d}".format)
    counts = schedule.groupby(["date", "origin", "hour"]).size()
    expected = [counts[flight] for flight in zip(table["date"], table["origin"], table["hour"], strict=True)]
    assert list(table["departures"]) == expected


def test_the_lock_names_the_code_of_the_stages_as_it_is() -> None:
    """After a change of code that leaves the outputs of a stage as they are: `dvc commit --force`."""
    stages = yaml.safe_load((ROOT / "dvc.lock").read_text())["stages"]
    recorded = {d["path"]: d["md5"] for stage in stages.values() for d in stage["deps"] if d["path"].endswith(".py")}
    assert recorded
    assert recorded == {path: hashlib.md5((ROOT / path).read_bytes()).hexdigest() for path in recorded}
