"""Nothing that was acknowledged is lost, whenever a writer dies."""

import subprocess
import sys
from pathlib import Path

from lineage_pipelines_tests.faults.kills import LEAST

ROOT = Path(__file__).parents[2]


def test_killed_writers_lose_nothing_and_leave_no_gap(soak: bool) -> None:
    """In a process of its own: a fork of this one would take everything along that pytest has loaded."""
    command = [sys.executable, "-m", "lineage_pipelines_tests.faults.kills", "--kills", "300" if soak else "40"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 lost, 0 gaps, 0 claims failed" in done.stdout
    acknowledged = int(done.stdout.split(" committed, ")[1].split(" ")[0].replace(",", ""))
    assert acknowledged >= LEAST, done.stdout
    assert "left behind: " in done.stdout


def test_when_the_server_dies_as_well_nothing_is_lost_either(soak: bool) -> None:
    program = ["lineage_pipelines_tests.faults.kills", "--kills", "40" if soak else "8", "--postgresql"]
    command = [sys.executable, "-m", *program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " 0 lost, 0 gaps, 0 claims failed" in done.stdout
    assert int(done.stdout.split(" committed, ")[1].split(" ")[0].replace(",", "")) >= LEAST, done.stdout
