"""Whatever fails, at whichever step of storing a version: nothing is half-done, and it can be done again."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_no_step_that_fails_or_is_the_last_leaves_anything_half_done(soak: bool) -> None:
    command = [sys.executable, "-m", "lineage_pipelines_tests.faults.steps", *([] if soak else ["--thin"])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    tried = dict(re.findall(r"^(.+): tried (\d+) times", done.stdout, re.MULTILINE))
    assert int(tried["kill"]) > (100 if soak else 50)
    assert int(tried["full disk"]) > 15
    assert int(tried["read-only disk from there on"]) > 15
    assert int(tried["interruption"]) > 60
