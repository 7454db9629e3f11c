"""A bare-bones Git project, cheaper than a World where DVC plays no part."""

import os
import subprocess
from pathlib import Path

from lineage_pipelines_tests import surroundings


class Repository:
    """One work tree."""

    def __init__(self, root: Path, *, begin: bool = True) -> None:
        self.root = root
        root.mkdir(parents=True)
        self.git("init", "-q", "-b", "main")
        if begin:
            self.write("begin.py", "begin = 1\n")
            self.commit("Begin")

    def git(self, *arguments: str) -> str:
        """Run Git and return what it printed, without the last line end."""
        env = os.environ | surroundings.GIT
        done = subprocess.run(["git", *arguments], cwd=self.root, env=env, check=True, capture_output=True, text=True)
        return done.stdout.rstrip("\n")

    def write(self, name: str, content: str | bytes) -> Path:
        """Write a file exactly, with its folders."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def commit(self, message: str = "Change") -> str:
        """Commit everything and return the revision."""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")
