"""Commits: what Git still knows of two revisions: the commits between them, and the files that a store has lost."""

import hashlib
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from lineage_pipelines.capture.git.git_state import find_root
from lineage_pipelines.records.statement.dataset import Delivery
from lineage_pipelines.system.git_command import GitError, read_blobs, run_git

MAX_COMMITS = 50
_REVISION = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")
_SHORT = 12
_MD5 = 32
_MAX_BYTES = 64 * 1024 * 1024


def commits_between(repository: Path, first: str | None, second: str | None) -> tuple[tuple[str, ...], int]:
    """Return the newest commits that one of two revisions has and the other has not, and how many there are.

    A line is `1a2b3c4d5e6f Ada: message`, with `- ` before it when only the first revision has the commit. Nothing
    where there is no repository, or it does not know both revisions (any more).
    """
    if first == second or not (is_revision(first) and is_revision(second)):
        return (), 0
    root, between = find_root(repository), f"{first}...{second}"
    form = "--format=%m%x00%H%x00%an%x00%s"
    try:
        listed = run_git(
            root, ["log", "--left-right", "--topo-order", f"--max-count={MAX_COMMITS + 1}", form, between, "--"]
        )
        lines = listed.decode("utf-8", "replace").rstrip("\n").split("\n") if listed else []
        if len(lines) <= MAX_COMMITS:
            return tuple(map(_line, lines)), len(lines)
        count = int(run_git(root, ["rev-list", "--count", between, "--"]))
    except (GitError, ValueError):
        return (), 0
    return tuple(map(_line, lines[:MAX_COMMITS])), count


def is_revision(text: str | None) -> bool:
    """Return whether a text is the whole name of a commit: it is handed to Git."""
    return text is not None and _REVISION.fullmatch(text) is not None


def _line(line: str) -> str:
    side, revision, author, subject = line.split("\0", 3)
    return f"{'- ' if side == '<' else ''}{revision[:_SHORT]} {author}: {subject}"


def committed_files(repository: Path, revision: str | None, expected: Mapping[str, str]) -> Mapping[str, bytes]:
    """Return the files of a revision whose bytes are the expected ones.

    Args:
        repository: any folder of the repository.
        revision: the commit.
        expected: path to the SHA-256 or MD5 in hex, or to nothing where any content will do. A file that was not
            committed as it ran has another digest, and is left out.
    """
    if not is_revision(revision):
        return {}
    try:
        blobs = read_blobs(find_root(repository), [f"{revision}:{path}" for path in expected], limit=_MAX_BYTES)
    except GitError:
        return {}
    return {
        path: data
        for path, data in zip(expected, blobs, strict=True)
        if data is not None and _has_digest(data, expected[path])
    }


def _has_digest(data: bytes, digest: str) -> bool:
    algorithm = "md5" if len(digest) == _MD5 else "sha256"
    return not digest or hashlib.new(algorithm, data, usedforsecurity=False).hexdigest() == digest


def changed_paths(repository: Path, first: str | None, second: str | None) -> tuple[str, ...]:
    """Return the files that differ between two commits, as far as Git knows both; renames are two files."""
    if first == second or not (is_revision(first) and is_revision(second)):
        return ()
    try:
        named = run_git(
            find_root(repository), ["diff", "--name-only", "--no-renames", "-z", f"{first}", f"{second}", "--"]
        )
    except GitError:
        return ()
    return tuple(path.decode("utf-8", "backslashreplace") for path in named.split(b"\0") if path)


def find_delivery(repository: Path, first: str | None, second: str | None, path: str) -> Delivery | None:
    """Return the last commit between two that changed a file, such as the metafile of tracked data."""
    if first == second or not (is_revision(first) and is_revision(second)):
        return None
    form = "--format=%H%x00%an%x00%aI"
    try:
        found = run_git(find_root(repository), ["log", "-1", form, f"{first}..{second}", "--", path])
    except GitError:
        return None
    if not found:
        return None
    revision, author, date = found.decode("utf-8", "replace").rstrip("\n").split("\0", 2)
    return Delivery(revision=revision, author=author, date=datetime.fromisoformat(date).astimezone(UTC))
