"""Trusted checkpoints: those in the project's Git history, and the last state that was verified on this machine."""

import contextlib
import hashlib
import tomllib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lineage_pipelines.catalog.transparency.checkpoint_note import Checkpoint, read_note
from lineage_pipelines.errors import CatalogError
from lineage_pipelines.system.atomic_file import replace_file
from lineage_pipelines.system.git_command import GitError, read_blobs, run_git

ANCHOR = "lineage.checkpoint"
"""The file of the checkpoint that a project commits to Git, by default."""


@dataclass(frozen=True)
class Anchor:
    """A checkpoint that was stored outside the catalog."""

    text: str
    name: str
    """Where it was stored, for messages."""
    signed: bool = True
    """Whether it must be signed by a key of the log; `Memory` is not."""
    revision: str = ""
    """The commit that holds it; empty if it was not found in Git."""
    day: str = ""
    """The day of that commit, `2026-03-05`."""
    witness: str = ""
    """The witness that keeps it, outside the project; empty if it is none."""

    @cached_property
    def point(self) -> Checkpoint:
        """The checkpoint itself.

        Raises:
            CatalogError: the text is not a checkpoint.
        """
        return read_note(self.text, where=self.name)


# Git


def committed_anchor(project_dir: Path, file: str = ANCHOR) -> str | None:
    """Return the checkpoint in the project's last commit, None if it has none."""
    try:
        (content,) = read_blobs(project_dir, [f"HEAD:./{file}"])
    except GitError:
        return None
    return content.decode("utf-8", "replace") if content is not None else None


def committed_list(project_dir: Path, name: str) -> tuple[str, ...] | None:
    """Return a list of `[tool.lineage]` in the project's last commit, `log` or `witnesses`; None if it is not set."""
    try:
        (content,) = read_blobs(project_dir, ["HEAD:./pyproject.toml"])
        named = tomllib.loads((content or b"").decode())["tool"]["lineage"][name]
    except (GitError, ValueError, KeyError, TypeError):
        return None
    return tuple(map(str, named)) if isinstance(named, list) else None


def earlier_anchors(project_dir: Path, file: str = ANCHOR) -> tuple[Anchor, ...]:
    """Return every checkpoint in the history of the last commit, newest first; invalid ones are left out."""
    try:
        listed = run_git(project_dir, ["log", "--format=%H %cs", "HEAD", "--", file]).decode("ascii", "replace")
        commits = [line.split(" ") for line in listed.splitlines()]
        contents = read_blobs(project_dir, [f"{revision}:./{file}" for revision, _ in commits])
    except GitError:
        return ()
    found = (
        Anchor(
            content.decode("utf-8", "replace"),
            f"the checkpoint of commit {revision[:8]} ({day})",
            revision=revision,
            day=day,
        )
        for (revision, day), content in zip(commits, contents, strict=True)
        if content is not None
    )
    return tuple(anchor for anchor in found if _is_checkpoint(anchor))


def _is_checkpoint(anchor: Anchor) -> bool:
    try:
        return bool(anchor.point)
    except CatalogError:
        return False


# Memory


@dataclass(frozen=True, slots=True)
class Memory:
    """The last state of a catalog that was verified on this machine; any later state must begin with it.

    Args:
        folder: the folder of the file.
        url: the catalog's URL.
    """

    folder: Path
    url: str

    @property
    def path(self) -> Path:
        """The file of this catalog."""
        return self.folder / f"{hashlib.sha256(self.url.encode()).hexdigest()[:32]}.checkpoint"

    def recall(self) -> Anchor | None:
        """Return the last state, None if there is no valid one."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except (OSError, ValueError):
            return None
        anchor = Anchor(text, f"the state last verified here ({self.path})", signed=False)
        return anchor if _is_checkpoint(anchor) else None

    def keep(self, point: Checkpoint) -> bool:
        """Store the state of the log; return False if the file cannot be written."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(self.path, f"{point.text()}\n".encode())
        except OSError:
            return False
        return True


# Signatures


@dataclass(frozen=True, slots=True)
class CheckedSignatures:
    """Up to which entry the signatures of each log were checked on this machine, by the identity of the log.

    They need no second check while the root over the same entries is the same: it covers bytes, keys and signatures.

    Args:
        folder: the folder of the files, the user's own: not beside a catalog that others may write.
        again: whether to check every signature again, and only store the result.
    """

    folder: Path
    again: bool = False

    def recall(self, identity: str) -> tuple[int, bytes]:
        """Return how many entries of a log were checked, and the root over them; 0 if none were."""
        if self.again:
            return 0, b""
        try:
            size, root = self._path(identity).read_text(encoding="ascii").split()
            return (int(size), bytes.fromhex(root)) if int(size) > 0 else (0, b"")
        except (OSError, ValueError):
            return 0, b""

    def keep(self, identity: str, size: int, root: bytes) -> None:
        """Store that the signatures of the first entries are right; where that is not possible, nothing is stored."""
        with contextlib.suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace_file(self._path(identity), f"{size} {root.hex()}\n".encode())

    def _path(self, identity: str) -> Path:
        return self.folder / f"{identity}.signatures"
