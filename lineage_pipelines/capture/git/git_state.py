"""Git state of the project: revision, branch, remote, and which files differ from the revision.

Every fact comes from a `git` process with a fixed configuration, so that the same work tree gives the same answer on
every machine, and none of the programs that the repository names is run: a file of Git LFS is compared with its pointer
by digest, and a submodule is asked as the repository itself is. Without Git, or with a repository that Git refuses,
capture goes on and the gap is named.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from lineage_pipelines.capture.gaps import Gaps, plain_path
from lineage_pipelines.capture.git.lfs_pointer import equal_files, filters_of
from lineage_pipelines.capture.git.public_url import public_url
from lineage_pipelines.capture.tool_caches import is_tool_cache
from lineage_pipelines.records.values.phrase import some_of
from lineage_pipelines.system.git_command import GitError, foreign_filters, run_git

_STATUS = [
    *("status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all"),
    # Within a submodule, Git would run the filters that the submodule's own configuration names.
    *("--no-renames", "--no-ahead-behind", "--ignore-submodules=dirty"),
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
    submodules = _submodules(root)
    differing, unfiltered = _compared(root, _with_dirty(root, differing, submodules))
    generated = tuple(change for change in differing if is_tool_cache(os.fsdecode(change.path)))
    revision = headers.get("branch.oid")
    branch = headers.get("branch.head")
    revision = None if revision == "(initial)" else revision
    branch = None if branch == "(detached)" else branch
    shallow = _is_shallow(root)
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
        gaps=(*gaps, *_uninitialised(root, submodules), *unfiltered),
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


def _is_shallow(root: Path) -> bool:
    asked = ["rev-parse", "--is-shallow-repository", "--show-toplevel"]
    shallow, top = os.fsdecode(run_git(root, asked)).rstrip("\n").split("\n", 1)
    if os.path.realpath(top) != os.path.realpath(root):
        raise GitError("the repository's own configuration names another folder as its work tree")
    return shallow == "true"


def _submodules(root: Path) -> dict[bytes, bytes]:
    """Return the path of each submodule in the index, with the commit that the index has."""
    found = {}
    for line in run_git(root, ["ls-files", "--stage", "-z"]).split(b"\0"):
        facts, _, path = line.partition(b"\t")
        if facts.startswith(b"160000 "):
            found[path] = facts.split(b" ")[1]
    return found


def _uninitialised(root: Path, submodules: Iterable[bytes]) -> Gaps:
    """Submodules whose folder is empty; `git status` does not speak of them."""
    names = [plain_path(os.fsdecode(path)) for path in submodules if not (root / os.fsdecode(path) / ".git").exists()]
    return tuple(f"code.submodules: {name} is not initialised" for name in names)


def _with_dirty(root: Path, differing: tuple[Change, ...], submodules: dict[bytes, bytes]) -> tuple[Change, ...]:
    """Add the submodules that are at the recorded commit and have changes of their own."""
    known = {change.path for change in differing}
    dirty = [
        Change(path=path, tracked=True, submodule=True, mode=b"160000", blob=commit)
        for path, commit in submodules.items()
        if path not in known and _is_dirty(root / os.fsdecode(path))
    ]
    return tuple(sorted((*differing, *dirty), key=lambda change: change.path))


def _is_dirty(submodule: Path) -> bool:
    if submodule.is_symlink() or not (submodule / ".git").exists():
        return False
    changes, _ = _compared(submodule, _parse_status(run_git(submodule, _STATUS))[1])
    return bool(_with_dirty(submodule, changes, _submodules(submodule)))


def _compared(root: Path, differing: tuple[Change, ...]) -> tuple[tuple[Change, ...], Gaps]:
    """Leave out files of Git LFS that are as in the revision; name those compared without their filter."""
    tracked = [change for change in differing if change.tracked and not change.submodule]
    filters = filters_of(root, [change.path for change in tracked])
    kept = {change.path: change.blob for change in tracked if filters.get(change.path) == "lfs" and change.blob}
    equal = equal_files(root, kept)
    differing = tuple(change for change in differing if change.path not in equal)
    off = foreign_filters(root) - {"lfs"} if filters else frozenset()
    names = [plain_path(os.fsdecode(path)) for path, name in filters.items() if name in off]
    what = "compared without the filter of the repository's own configuration"
    return differing, (f"code.filters: {some_of(sorted(names))}: {what}",) if names else ()
