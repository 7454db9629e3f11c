"""Git state of the project: revision, branch, remote, and which files differ from the revision.

Every fact comes from a `git` process with a fixed configuration, so that the same work tree gives the same answer on
every machine. Without Git, or with a repository that Git refuses, capture goes on and the gap is named.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from lineage_pipelines.capture.gaps import Gaps, plain_path
from lineage_pipelines.capture.git.public_url import public_url
from lineage_pipelines.capture.tool_caches import is_tool_cache
from lineage_pipelines.system.git_command import GitError, run_git

_STATUS = [
    *("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all"),
    *("--no-renames", "--no-ahead-behind", "--ignore-submodules=none"),
]
# Our own state. The catalog changes with every run; it would make every tree dirty and end up in its own records.
_OURS = b".lineage/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One path that differs from the revision."""

    path: bytes
    """Relative to the root."""
    tracked: bool
    submodule: bool = False
    mode: bytes = b"000000"
    """At the revision; zeros when the path is not in it."""
    blob: bytes = b""
    """At the revision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitState:
    """The state of a work tree."""

    root: Path
    """The folder that holds `.git`; the project's own folder without Git."""
    repository: str | None = None
    revision: str | None = None
    branch: str | None = None
    shallow: bool = False
    changes: tuple[Change, ...] = ()
    """Sorted by path."""
    gaps: Gaps = ()
    generated: tuple[Change, ...] = ()
    """Changes that do not count: bytecode and caches of tools, and see `without`."""

    def without(self, generated: Iterable[Path]) -> Self:
        """Return the state as if these files, and what is below these folders, were as in the revision."""
        paths = [os.fsencode(os.path.relpath(_resolve_folder(path), self.root)) for path in generated]
        ignored = tuple(change for change in self.changes if any(_is_at(change.path, path) for path in paths))
        kept = tuple(change for change in self.changes if change not in ignored)
        return replace(self, changes=kept, generated=self.generated + ignored)


def _resolve_folder(path: Path) -> str:
    return os.path.join(os.path.realpath(path.parent), path.name)  # noqa: PTH118  # the file itself may be a link


def _is_at(path: bytes, place: bytes) -> bool:
    return path == place or path.startswith(place + b"/")


def find_root(project_dir: Path) -> Path:
    """Return the nearest folder upwards that holds `.git`, else `project_dir` itself; no process is started."""
    start = Path(os.path.realpath(project_dir))
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), start)


def read_git(project_dir: Path) -> GitState:
    """Ask Git about the work tree around a folder. Never raises for what Git cannot answer; that is a gap."""
    root = find_root(project_dir)
    if not (root / ".git").exists():
        return GitState(root=root, gaps=("code.revision: no Git repository",))
    try:
        return _read(root)
    except GitError as error:
        return GitState(root=root, gaps=(f"code.revision: {error}",))


def _read(root: Path) -> GitState:
    headers, differing = _parse_status(run_git(root, _STATUS))
    generated = tuple(change for change in differing if is_tool_cache(os.fsdecode(change.path)))
    revision = headers.get("branch.oid")
    branch = headers.get("branch.head")
    revision = None if revision == "(initial)" else revision
    branch = None if branch == "(detached)" else branch
    shallow = run_git(root, ["rev-parse", "--is-shallow-repository"]).strip() == b"true"
    gaps = [
        *(["code.revision: the repository has no commits yet"] if revision is None else []),
        *(["code.branch: HEAD is detached"] if branch is None else []),
        *(["code.history: the clone is shallow"] if shallow else []),
    ]
    return GitState(
        root=root,
        repository=_repository(root),
        revision=revision,
        branch=branch,
        shallow=shallow,
        changes=tuple(change for change in differing if change not in generated),
        generated=generated,
        gaps=tuple(gaps) + _uninitialised(root),
    )


def _parse_status(output: bytes) -> tuple[dict[str, str], tuple[Change, ...]]:
    headers: dict[str, str] = {}
    changes: list[Change] = []
    for entry in output.split(b"\0"):
        kind, _, rest = entry.partition(b" ")
        if kind == b"#":
            name, _, value = plain_path(os.fsdecode(rest)).partition(" ")
            headers[name] = value
        elif kind == b"1":
            _, sub, mode, _, _, blob, _, path = rest.split(b" ", 7)
            changes.append(Change(path=path, tracked=True, submodule=sub[:1] == b"S", mode=mode, blob=blob))
        elif kind == b"u":  # of the three sides of a conflict, ours is the revision's
            _, sub, _, mode, _, _, _, blob, _, path = rest.split(b" ", 9)
            changes.append(Change(path=path, tracked=True, submodule=sub[:1] == b"S", mode=mode, blob=blob))
        elif kind == b"?" and not rest.startswith(_OURS):
            changes.append(Change(path=rest, tracked=False))
    return headers, tuple(sorted(changes, key=lambda change: change.path))


def _repository(root: Path) -> str:
    try:
        url = run_git(root, ["config", "--get", "remote.origin.url"]).decode("utf-8", "replace").strip()
    except GitError:  # there is no such remote
        url = ""
    return public_url(url) or plain_path(root.name)


def _uninitialised(root: Path) -> Gaps:
    """Submodules whose folder is empty; `git status` does not speak of them."""
    if not (root / ".gitmodules").is_file():
        return ()
    try:
        listed = run_git(root, ["submodule", "status"]).decode("utf-8", "backslashreplace")
    except GitError as error:
        return (f"code.submodules: {error}",)
    names = [line.split()[1] for line in listed.splitlines() if line.startswith("-")]
    return tuple(f"code.submodules: {name} is not initialised" for name in names)
