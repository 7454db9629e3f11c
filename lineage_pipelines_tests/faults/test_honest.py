"""No false alarm, whatever honest people do."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_an_honest_catalog_never_raises_an_alarm(soak: bool) -> None:
    """In a process of its own, whose clock can be turned."""
    command = [sys.executable, "-m", "lineage_pipelines_tests.faults.honest", "--histories", "60" if soak else "15"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    compared = re.search(r"compared with a checkpoint ([\d,]+) times: 0 false alarms", done.stdout)
    assert compared, done.stdout
    assert int(compared[1].replace(",", "")) > 50
    for what in ("copy restored and continued", "key revoked", "approval", "rollback", "clock turned"):
        assert re.search(rf"^{what}: [1-9]", done.stdout, re.MULTILINE), done.stdout
