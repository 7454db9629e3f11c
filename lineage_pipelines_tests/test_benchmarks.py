"""Every benchmark runs, and its tables show both sides. How long anything took is not asserted: see `make bench`."""

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
_QUICKEST = {
    "cli": ["--runs", "1"],
    "commit": ["--runs", "1", "--commits", "4", "--sync", "0.1"],
    "listing": ["--runs", "1", "--sizes", "20"],
    "load": ["--runs", "1", "--stages", "3"],
    "verifying": ["--runs", "1", "--records", "20"],
    "snapshot": ["--runs", "1", "--files", "20", "--large", "2", "--memory", "1"],
}
_COMPARED = {"cli": 2, "commit": 12, "listing": 3, "load": 3, "snapshot": 9, "verifying": 3}
"""How many rows of each are compared with another one."""


def _rows(printed: str) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    head: list[str] = []
    for line in printed.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")] if line.startswith("|") else []
        if not cells or not head:
            head = cells
        elif not line.startswith("|-"):
            rows.append(dict(zip(head, cells, strict=True)))
    return rows


@pytest.mark.parametrize("name", sorted(_QUICKEST))
def test_a_benchmark_prints_both_sides_of_each_comparison(name: str) -> None:
    command = [sys.executable, "-m", f"benchmarks.{name}", *_QUICKEST[name]]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = _rows(done.stdout)
    measured = {row["what"] for row in rows}
    compared = [row for row in rows if row["against"]]
    assert len(compared) == _COMPARED[name]
    for row in compared:
        assert row["against"] in measured
        number = re.fullmatch(r"([0-9.]+) x|\+ (-?[0-9.]+) s", row["ratio"])
        assert number, row
        assert math.isfinite(float(number[1] or number[2]))


def test_questions_are_asked_of_catalogs_of_every_size_and_of_others() -> None:
    """At every size of both databases, and beside MLflow and Dagster; the catalogs are genuine, or it ends with 1."""
    command = [sys.executable, "-m", "benchmarks.queries", "--runs", "1"]
    command += ["--sizes", "40", "60", "--others", "40", "--events", "40"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = _rows(done.stdout)
    grown = [row for row in rows if "growth" in row]
    assert len({row["what"] for row in grown}) == len(grown) / 2 >= 15
    for row in grown:
        assert math.isfinite(float(row["growth"].removesuffix(" x")))
        assert all(re.fullmatch(r"[0-9.]+ m?s", row[f"{size} p50"]) for size in (40, 60))
    compared = [row for row in rows if row.get("against")]
    assert [row["against"].split(":")[0] for row in compared].count("MLflow") == 5
    assert [row["against"].split(":")[0] for row in compared].count("Dagster") == 1
    assert {row["against"] for row in compared} <= {row["what"] for row in rows}


@pytest.mark.soak
def test_a_version_is_recorded_beside_mlflow_in_the_same_history() -> None:
    command = [sys.executable, "-m", "benchmarks.capture", "--runs", "1", "--firsts", "1", "--sizes", "24"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = _rows(done.stdout)
    grown = [row for row in rows if "growth" in row]
    parts = {"inputs: profiles", "libraries and machine", "attempt and commit", "model: saved"}
    assert {f"capture and commit: {part}" for part in parts} < {row["what"] for row in grown}
    for row in grown:
        assert math.isfinite(float(row["growth"].removesuffix(" x")))
        assert re.fullmatch(r"[0-9.e-]+ m?s", row["24"])
    compared = [row for row in rows if row.get("against")]
    assert {row["against"] for row in compared} <= {row["what"] for row in rows}
    for row in compared:
        ratios = [cell for name, cell in row.items() if name.startswith("ratio")]
        assert ratios
        assert all(re.fullmatch(r"[0-9.]+ x|\+ -?[0-9.]+ s", cell) for cell in ratios), row
    assert [row["budget"] for row in compared].count("1/5") == 1


def test_a_registry_is_imported_and_answers_as_what_was_recorded() -> None:
    command = [sys.executable, "-m", "benchmarks.importing", "--runs", "1", "--sizes", "40"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = _rows(done.stdout)
    assert [row["what"] for row in rows if "versions/s" in row] == ["import", "import again"]
    compared = [row for row in rows if row.get("against")]
    assert [row["against"] for row in compared] == [f"recorded: {what}" for what in ("show", "diff", "trace", "impact")]
    assert all(math.isfinite(float(row["ratio"].removesuffix(" x"))) for row in compared)


def test_every_benchmark_of_the_makefile_is_run_here() -> None:
    makefile = (ROOT / "Makefile").read_text()
    listed = re.search(r"for b in ([a-z_ ]+);", makefile)
    assert listed
    assert set(listed[1].split()) == {*_QUICKEST, "capture", "importing", "queries"}
