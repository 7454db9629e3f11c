"""Story checkout: the branch, commits and deliveries of `make demo`."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines import LineageError
from lineage_pipelines.flights.story.chapters import Chapter

BRANCH = "demo"
_OWN_CONFIGURATION = (
    *("-c", "user.name=Flights demo", "-c", "user.email=demo@example.invalid"),
    *("-c", "commit.gpgsign=false", "-c", f"core.hooksPath={os.devnull}"),
)
"""The story's commits are not the user's work: they are not signed, and the user's hooks do not run."""


@dataclass(frozen=True, slots=True)
class Workspace:
    """A Git checkout of this repository."""

    root: Path

    def begin(self) -> None:
        """Move to the branch `demo`, so that the story's commits leave the others alone.

        Raises:
            LineageError: it is not a Git checkout, or there are uncommitted changes.
        """
        if not (self.root / ".git").exists():
            raise LineageError(
                "the demo needs a Git checkout", where=str(self.root), fix="git clone the repository, then make demo"
            )
        if self.git("branch", "--show-current") == BRANCH:
            return
        if self.git("status", "--porcelain", "--untracked-files=no"):
            raise LineageError(
                "there are uncommitted changes; the demo would commit them on its own branch",
                where=str(self.root),
                fix="git stash, or git commit, then make demo",
            )
        known = self.git("branch", "--list", BRANCH)
        self.git("switch", "--quiet", *([] if known else ["-c"]), BRANCH)

    def change(self, chapter: Chapter) -> None:
        """Do what a chapter's people do before they materialize: deliver, change code, commit."""
        faults = [word for fault in chapter.faults for word in ("--fault", fault)]
        self.python("lineage_pipelines.flights", "deliver", "--through", chapter.through, *faults)
        if chapter.patch:
            patch = Path(__file__).with_name(chapter.patch)
            if not self._applied(patch):
                self.git("apply", "--whitespace=nowarn", str(patch))
        self.python("dvc", "add", "--quiet", "data/raw")
        self.commit(chapter.title)

    def commit(self, message: str) -> None:
        """Commit every change of tracked files, if there is one."""
        self.git("add", "--update")
        if self.git("status", "--porcelain", "--untracked-files=no"):
            self.git("commit", "--quiet", "--no-verify", "--message", message)

    def anchor(self) -> None:
        """Commit what the catalog is now, for `lineage verify` to compare with."""
        _run([str(Path(sys.executable).with_name("lineage")), "checkpoint", "-o", "lineage.checkpoint"], self.root)
        self.git("add", "lineage.checkpoint")
        self.commit("Anchor the catalog")

    def _applied(self, patch: Path) -> bool:
        command = ["git", "apply", "--reverse", "--check", str(patch)]
        return subprocess.run(command, cwd=self.root, capture_output=True, check=False).returncode == 0

    def git(self, *words: str) -> str:
        """Run Git and return what it printed.

        Raises:
            LineageError: Git refused; its own words are in the message.
        """
        return _run(["git", *_OWN_CONFIGURATION, *words], self.root)

    def python(self, module: str, *words: str) -> str:
        """Run a module of this environment and return what it printed.

        Raises:
            LineageError: it failed; its own words are in the message.
        """
        return _run([sys.executable, "-m", module, *words], self.root)


def _run(command: list[str], root: Path) -> str:
    done = subprocess.run(command, cwd=root, env=os.environ, capture_output=True, text=True, check=False)
    if done.returncode:
        raise LineageError(
            f"{' '.join(command[:4])} … ended with {done.returncode}", where=str(root), fix=done.stderr.strip()[-2000:]
        )
    return done.stdout.strip()
