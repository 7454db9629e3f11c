"""Checkpoints that were kept elsewhere: those that the project ever committed to Git, and what was seen here last."""

import hashlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lineage_pipelines.catalog.transparency.checkpoint_note import Checkpoint, read_note
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.system.atomic_file import replace_file
from lineage_pipelines.system.git_command import GitError, read_blobs, run_git

ANCHOR = "lineage.checkpoint"
"""The checkpoint that a project commits to Git, unless it keeps another one."""


@dataclass(frozen=True)
class Anchor:
    """A checkpoint that was kept elsewhere."""

    text: str
    name: str
    """Where it was kept, in words."""
    signed: bool = True
    """Whether it has to be signed by a key of the log; our own memory is not."""

    @cached_property
    def point(self) -> Checkpoint:
        """The checkpoint itself.

        Raises:
            CatalogError: the text is none.
        """
        return read_note(self.text, where=self.name)


# Git


def committed_anchor(project_dir: Path, file: str = ANCHOR) -> str | None:
    """Return the checkpoint that the project's last commit holds, or None."""
    try:
        (content,) = read_blobs(project_dir, [f"HEAD:./{file}"])
    except GitError:
        return None
    return content.decode("utf-8", "replace") if content is not None else None


def earlier_anchors(project_dir: Path, file: str = ANCHOR) -> tuple[Anchor, ...]:
    """Return every checkpoint in the history of the last commit, the newest first; what is none is left out."""
    try:
        listed = run_git(project_dir, ["log", "--format=%H %cs", "HEAD", "--", file]).decode("ascii", "replace")
        commits = [line.split(" ") for line in listed.splitlines()]
        contents = read_blobs(project_dir, [f"{revision}:./{file}" for revision, _ in commits])
    except GitError:
        return ()
    found = (
        Anchor(content.decode("utf-8", "replace"), f"that of commit {revision[:8]} ({day})")
        for (revision, day), content in zip(commits, contents, strict=True)
        if content is not None
    )
    return tuple(anchor for anchor in found if _is_checkpoint(anchor))


def _is_checkpoint(anchor: Anchor) -> bool:
    try:
        return bool(anchor.point)
    except CatalogError:
        return False


# What was seen last


@dataclass(frozen=True, slots=True)
class Memory:
    """The last state of a catalog that was verified from here: a later one has to begin with it.

    Args:
        folder: where the memory is kept.
        url: the catalog's.
    """

    folder: Path
    url: str

    @property
    def path(self) -> Path:
        """The file of this catalog."""
        return self.folder / f"{hashlib.sha256(self.url.encode()).hexdigest()[:32]}.checkpoint"

    def recall(self) -> Anchor | None:
        """Return what was seen last, or None."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None
        anchor = Anchor(text, f"the log as it was seen here last ({self.path})", signed=False)
        return anchor if _is_checkpoint(anchor) else None

    def keep(self, point: Checkpoint) -> bool:
        """Remember the log as it was found; False where nothing may be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(self.path, f"{point.text()}\n".encode())
        except OSError:
            return False
        return True
