"""A simulated project: a real Git and DVC repository in a temporary folder, one call an event."""

import contextlib
import os
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

from lineage_pipelines_tests import run_folder, surroundings


def _make(folder: Path, *, git: bool) -> None:
    """Make a repository without a commit: what a world begins with."""
    from dvc.repo import Repo

    if git:
        _git(folder, "init", "-q", "-b", "main")
        for sample in folder.glob(".git/hooks/*.sample"):
            sample.unlink()
    Repo.init(str(folder), no_scm=not git).close()


def _git(folder: Path, *args: str) -> str:
    environment = os.environ | surroundings.GIT
    done = subprocess.run(["git", *args], cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return done.stdout.strip()


class World:
    """One project folder; every change to it is a method."""

    def __init__(self, root: Path, *, git: bool = True) -> None:
        self.root = root
        template = run_folder.made_once(f"project-{'git' if git else 'alone'}", lambda folder: _make(folder, git=git))
        shutil.copytree(template, root, dirs_exist_ok=True)
        site = self.root / ".dvc" / "tmp" / "site"
        scm = "" if git else "    no_scm = true\n"
        self.write(".dvc/config", f"[core]\n    analytics = false\n    site_cache_dir = {site}\n{scm}")
        if git:
            self.commit("Begin")

    def git(self, *args: str) -> str:
        """Run Git in the project and return what it printed."""
        return _git(self.root, *args)

    def commit(self, message: str = "Change") -> str:
        """Commit everything and return the revision; nothing to do without Git."""
        if not (self.root / ".git").exists():
            return ""
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", message)
        return self.git("rev-parse", "HEAD")

    def path(self, name: str) -> Path:
        """Return a path of the project."""
        return self.root / name

    def write(self, name: str, text: str) -> Path:
        """Write a file, dedented, with its folders."""
        path = self.path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
        return path

    def append(self, name: str, text: str) -> Path:
        """Add text to the end of a file."""
        path = self.path(name)
        path.write_text((path.read_text() if path.exists() else "") + text)
        return path

    def track(self, *names: str) -> None:
        """`dvc add` files or folders."""
        from dvc.repo import Repo

        with Repo(str(self.root)) as repo:
            for name in names:
                repo.add(str(self.path(name)))

    def repro(self, *targets: str) -> None:
        """`dvc repro`, in process; without targets, everything."""
        from dvc.repo import Repo

        with contextlib.chdir(self.root), Repo(str(self.root)) as repo:
            files = [str(self.path(t if ":" in t else f"dvc.yaml:{t}")) for t in targets]
            repo.reproduce(files, all_pipelines=not files)

    def configure(self, text: str) -> None:
        """Write this clone's own DVC configuration."""
        self.write(".dvc/config.local", text)

    def push(self, remote: Path) -> None:
        """`dvc push` everything to a folder, the default remote from now on."""
        from dvc.repo import Repo

        self.configure(f"[core]\n    remote = store\n['remote \"store\"']\n    url = {remote}\n")
        with Repo(str(self.root)) as repo:
            repo.push()

    def dvc(self, *args: str) -> str:
        """Run the DVC command and return what it printed."""
        env = os.environ | surroundings.GIT | {"DVC_NO_ANALYTICS": "1"}
        command = [sys.executable, "-m", "dvc", *args]
        done = subprocess.run(command, cwd=self.root, env=env, check=True, capture_output=True, text=True)
        return done.stdout

    def cached(self, md5: str) -> Path:
        """Return the cache object of an MD5."""
        return self.root / ".dvc" / "cache" / "files" / "md5" / md5[:2] / md5[2:]
