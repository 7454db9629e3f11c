"""As many writers as a large team has, and two attempts of one run at the same moment."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_many_writers_wait_for_each_other_and_lose_nothing() -> None:
    """In a process of its own: a fork of this one would take everything along that pytest has loaded."""
    command = [sys.executable, "-m", "lineage_pipelines_tests.faults.writers"]
    command += ["--writers", "64", "--commits", "4", "--races", "200"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    told = re.findall(r": (\d+) commits acknowledged in .*, (\d+) wrong", done.stdout)
    assert told == [("256", "0"), ("256", "0"), ("400", "0")]
