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
    "load": ["--runs", "1", "--stages", "3"],
    "snapshot": ["--runs", "1", "--files", "20", "--large", "2", "--memory", "1"],
}
_COMPARED = {"cli": 2, "commit": 12, "load": 3, "snapshot": 9}
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


def test_every_benchmark_of_the_makefile_is_run_here() -> None:
    makefile = (ROOT / "Makefile").read_text()
    listed = re.search(r"for b in ([a-z_ ]+);", makefile)
    assert listed
    assert set(listed[1].split()) >= set(_QUICKEST)
