"""Which paths of a project Git tracks. One call of Git, no matter how many paths."""

import os
import subprocess
from collections.abc import Collection
from pathlib import Path

_TIMEOUT = 60.0


def tracked_by_git(root: Path, paths: Collection[str]) -> frozenset[str]:
    """Return those of `paths` that Git tracks, or that hold something Git tracks.

    Args:
        root: the folder that `paths` are relative to.
        paths: with forward slashes; paths outside the repository are never tracked.

    Returns:
        The tracked ones; nothing without Git or outside a work tree.
    """
    if not paths:
        return frozenset()
    command = ["git", "--literal-pathspecs", "ls-files", "-z", "--full-name", "--cached", "--", "."]
    top = _run(root, ["git", "rev-parse", "--show-prefix"])
    if top is None:
        return frozenset()
    prefix = os.fsdecode(top).rstrip("\n")
    listed = _run(root, command)
    if listed is None:
        return frozenset()
    files = {name.removeprefix(prefix) for name in os.fsdecode(listed).split("\0") if name}
    held = files | {name[:end] for name in files for end in _slashes(name)}
    return frozenset(path for path in paths if path.rstrip("/") in held)


def _slashes(name: str) -> list[int]:
    return [i for i, letter in enumerate(name) if letter == "/"]


def _run(root: Path, command: list[str]) -> bytes | None:
    environment = os.environ | {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0"}
    try:
        done = subprocess.run(
            command,
            cwd=root,
            env=environment,
            capture_output=True,
            check=False,
            timeout=_TIMEOUT,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None
