"""Scan of the tree for the files that decide how a project resolves: names first, then content; what Git tracks."""

import hashlib
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.system.git_command import GitError, run_git


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
    try:
        prefix = os.fsdecode(run_git(root, ["rev-parse", "--show-prefix"])).rstrip("\n")
        listed = run_git(root, ["ls-files", "-z", "--full-name", "--cached", "--", "."])
    except GitError:
        return frozenset()
    files = {name.removeprefix(prefix) for name in os.fsdecode(listed).split("\0") if name}
    held = files | {name[:end] for name in files for end in _slashes(name)}
    return frozenset(path for path in paths if path.rstrip("/") in held)


def _slashes(name: str) -> list[int]:
    return [i for i, letter in enumerate(name) if letter == "/"]


_IGNORE_FILES = frozenset({".dvcignore", ".gitignore"})
_NEVER = frozenset({".git", ".hg", ".dvc"})
_EXCLUDES = re.compile(rb"^\s*excludesfile\s*=\s*(.+?)\s*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Scan:
    """The result of a scan, as paths relative to the root."""

    files: frozenset[str]
    """Metafiles (without dvc.lock), ignore files, and the `.dvc` folders of projects inside this one."""
    pruned: frozenset[str]
    """Folders that were not entered."""


def scan(root: str, enter: Collection[str] | None = None, skip: Collection[str] = frozenset()) -> Scan:
    """Walk a project.

    Args:
        root: the DVC root, absolute.
        enter: the folders to enter, relative to the root; None for all that are not in `skip`.
        skip: folders not to enter, relative to the root.
    """
    files: set[str] = set()
    pruned: set[str] = set()
    waiting = [""]
    while waiting:
        folder = waiting.pop()
        for name, is_dir in _entries(f"{root}/{folder}"):
            path = f"{folder}/{name}" if folder else name
            if not is_dir:
                files.add(path)
            elif name in _NEVER:
                # A project inside this one changes what DVC sees; .git and .hg say nothing.
                files.update([path] if name == ".dvc" and folder else [])
            elif path in skip or (enter is not None and path not in enter):
                pruned.add(path)
            else:
                waiting.append(path)
    return Scan(frozenset(files), frozenset(pruned))


def _entries(folder: str) -> Iterator[tuple[str, bool]]:
    try:
        entries = os.scandir(folder)
    except OSError:
        return
    with entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                yield entry.name, True
            elif _decides(entry.name) and entry.is_file():
                yield entry.name, False


def _decides(name: str) -> bool:
    return name.endswith(".dvc") or name == "dvc.yaml" or name in _IGNORE_FILES


def digest(path: str) -> str | None:
    """Return the SHA-256 of a small file; None if it cannot be read."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123  # hundreds of them on the warm path
            return hashlib.sha256(file.read()).hexdigest()
    except OSError:
        return None


def digests(paths: Iterable[str]) -> Mapping[str, str | None]:
    """Return the SHA-256 of each file, None where there is none."""
    return {path: digest(path) for path in paths}


def git_inputs(root: Path) -> Iterator[str]:
    """Yield the absolute paths, outside the walk, that decide what Git ignores in a project."""
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), None)
    if top is None:
        return
    yield str(top / ".git" / "info" / "exclude")
    for folder in root.parents:
        if folder == top or top in folder.parents:
            yield str(folder / ".gitignore")
    home = Path.home()
    xdg = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "git"
    yield str(xdg / "ignore")
    for config in (top / ".git" / "config", home / ".gitconfig", xdg / "config"):
        yield str(config)
        yield from _excludes_files(config)


def _excludes_files(config: Path) -> Iterator[str]:
    try:
        data = config.read_bytes()
    except OSError:
        return
    for match in _EXCLUDES.finditer(data):
        yield os.path.expanduser(os.fsdecode(match[1].strip(b'"')))  # noqa: PTH111  # may be relative
