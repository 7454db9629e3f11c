"""After a kill and one tick, Dagster's events and the catalog's records are the same."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_runs_that_are_killed_agree_with_the_catalog_after_one_tick(soak: bool) -> None:
    program = ["lineage_pipelines_tests.faults.dagster_kills", "--kills", "10" if soak else "2"]
    command = [sys.executable, "-W", "ignore", "-m", *program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " versions; 0 disagreements between records and events after one tick each" in done.stdout
