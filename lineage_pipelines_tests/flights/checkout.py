"""A checkout of its own: this one's files, as they are now, in a repository with one commit."""

import compileall
import os
import shutil
import subprocess
from pathlib import Path

from lineage_pipelines_tests import surroundings

ROOT = Path(__file__).parents[2]


def check_out(into: Path) -> Path:
    """Copy everything that Git does not ignore into a new repository and return its folder."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).exists():
            (into / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, into / name)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-qm", "All of it"]):
        subprocess.run(["git", *words], cwd=into, env=os.environ | surroundings.GIT, check=True, capture_output=True)
    compileall.compile_dir(into / "lineage_pipelines", quiet=2)  # once, not in each process that is started there
    return into
