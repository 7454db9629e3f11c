"""As many writers as a large team has, and two attempts of one run at the same moment."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_many_writers_wait_for_each_other_and_lose_nothing(soak: bool) -> None:
    """In a process of its own: a fork of this one would take everything along that pytest has loaded."""
    command = [sys.executable, "-m", "lineage_pipelines_tests.faults.writers"]
    writers, commits, races = (64, 20, 500) if soak else (32, 4, 60)
    command += ["--writers", f"{writers}", "--commits", f"{commits}", "--races", f"{races}"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.findall(r": ([\d,]+) commits acknowledged in .*, (\d+) wrong", done.stdout)
    each = f"{writers * commits:,}"
    assert told == [(each, "0"), (each, "0"), (f"{2 * races:,}", "0")]
