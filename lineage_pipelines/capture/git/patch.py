"""Patch of the uncommitted work of a tree, which `git apply` turns back into the very same files."""

import contextlib
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lineage_pipelines.capture.gaps import Gaps, plain_path
from lineage_pipelines.capture.git.git_state import Change, GitState
from lineage_pipelines.capture.secrets import is_secret_file, mask_secrets
from lineage_pipelines.records.statement.code import SourceFile
from lineage_pipelines.records.values.phrase import some_of
from lineage_pipelines.system.git_command import GitError, run_git

_ESCAPE = re.compile(rb"\\([0-7]{3}|.)")
_LETTERS = {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def file_at(patch: bytes, offset: int) -> str:
    """Return the path of the file that the byte at `offset` of a patch belongs to."""
    start = patch.rfind(b"\ndiff --git ", 0, offset) + 1  # within a hunk, every line begins with a mark
    names = patch[start : patch.index(b"\n", start)].removeprefix(b"diff --git ")
    name = names[len(names) // 2 + 1 :]  # without renames, both names are equal
    if name.startswith(b'"'):
        name = _ESCAPE.sub(_unescape, name[1:-1])
    return plain_path(name[2:].decode("utf-8", "surrogateescape"))


def _unescape(match: "re.Match[bytes]") -> bytes:
    code = match[1]
    return bytes([int(code, 8)]) if code.isdigit() else _LETTERS.get(code, code)


MAX_UNTRACKED_BYTES = 1024 * 1024
"""An untracked file that is larger is data, not source; it is left out and named."""
MAX_CHANGED_BYTES = 16 * 1024 * 1024
"""All changed files together; what comes after it by path is left out and named."""
_MAX_UNREACHED = 1_000
_NOT_REACHED = "untracked, and not reached from the training function"
_MAX_PATCH_BYTES = 64 * 1024 * 1024
_EMPTY_TREE = {
    "sha1": "4b825dc642cb6eb9a060e54bf8d69288fbee4904",
    "sha256": "6ef19b41225c5369f1c104d45d8d85efa9b057b53b14b4b9b939dd74decc5321",
}
_DIFF = [
    *("diff-index", "--cached", "--patch", "--binary", "--full-index", "--no-renames", "--no-color"),
    *("--no-relative", "--src-prefix=a/", "--dst-prefix=b/", "--unified=3", "--inter-hunk-context=0"),
    *("--diff-algorithm=myers", "--indent-heuristic", "--submodule=short"),
]


_HUNK = re.compile(rb"^@@ -\d+(?:,\d+)? \+(\d+)", re.MULTILINE)
_FILE = re.compile(rb"^(?=diff --git )", re.MULTILINE)


def make_patch(state: GitState, *, reached: Collection[str] = ()) -> tuple[bytes | None, Gaps]:
    """Return the patch from the revision to the work tree, and what is not in it.

    Without a commit it is a patch from the empty tree. None when there is no change, or none that could be captured.
    What looks like a secret is masked, since a patch would put it into every copy: something of a token's shape, and
    the values of names such as `password`. A patch in which a line was masked that was there before does not apply.

    Args:
        state: the work tree.
        reached: the untracked files that belong to the code, by their paths relative to the root; no others are in it.
    """
    choice = _choose(state, frozenset(os.fsencode(path) for path in reached))
    gaps = tuple(choice.gaps())
    if not state.changes or not (choice.present or choice.reset):
        return None, gaps
    try:
        patch = _diff(state, choice)
    except GitError as error:
        return None, (*gaps, f"code.patch: not captured, {error}")
    except OSError as error:
        return None, (*gaps, f"code.patch: not captured, {error.strerror}")
    parts = [_masked(part) for part in _FILE.split(patch)]
    places = tuple(place for _, found in parts for place in found)
    masked = (f"code.patch: masked, it holds what looks like a secret at {some_of(places)}",) if places else ()
    return b"".join(part for part, _ in parts) or None, (*gaps, *masked)


def _masked(part: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return the part of a patch that is about one file without its secrets, and where they were, `conf.ini:3`."""
    if not part:
        return part, ()
    path = file_at(part, len(part))
    first = part.find(b"\n@@ ")
    body = part[first:] if first >= 0 else b""
    masked, offsets = mask_secrets(body, path)
    if masked is None:
        return b"", (path,)
    places = dict.fromkeys(f"{path}:{_line_at(body, offset)}" for offset in offsets)
    return (part[: max(first, 0)] + masked if body else part), tuple(places)


def _line_at(body: bytes, offset: int) -> int:
    """Return the line of the new file at which a place of a patch is."""
    hunk = list(_HUNK.finditer(body, 0, offset))[-1]
    lines = body[hunk.start() : offset].split(b"\n")[1:]
    return int(hunk[1]) + max(0, sum(not line.startswith((b"-", b"\\")) for line in lines) - 1)


def unreached_files(state: GitState, reached: Collection[str]) -> tuple[SourceFile, ...]:
    """Return by digest the untracked files that are not in the patch, sorted by path: at most 1,000 of at most 1 MB.

    What holds secrets by its name has no digest, from which a short secret could be guessed.
    """
    files: list[SourceFile] = []
    for change in state.changes:
        path = os.fsdecode(change.path)
        if change.tracked or path in reached or len(files) == _MAX_UNREACHED:
            continue
        found = _lstat(state.root, change.path)
        if found is None or not stat.S_ISREG(found.st_mode) or _why_left_out(state.root, change, found, 0):
            continue
        with contextlib.suppress(OSError):  # it is gone by now
            digest = hashlib.sha256((state.root / path).read_bytes()).hexdigest()
            files.append(SourceFile(path=plain_path(path), sha256=digest))
    return tuple(files)


@dataclass(slots=True)
class _Choice:
    """Which changes go into the patch, and how they get into the temporary index."""

    present: list[bytes] = field(default_factory=list)
    """Paths whose work-tree content is taken."""
    reset: list[bytes] = field(default_factory=list)
    """Lines of `update-index --index-info`: deletions, and what is put back to the revision."""
    left_out: dict[str, list[str]] = field(default_factory=dict)
    size: int = 0

    def gaps(self) -> Iterator[str]:
        for why, names in self.left_out.items():
            yield f"code.patch: {some_of(names)} left out, {why}"


def _choose(state: GitState, reached: Collection[bytes]) -> _Choice:
    choice = _Choice(reset=[_index_line(change, keep=True) for change in state.generated if change.tracked])
    for change in state.changes:
        found = _lstat(state.root, change.path)
        if found is not None and change.tracked and stat.S_ISDIR(found.st_mode) and not change.submodule:
            found = None  # a folder took the file's place; what is in it is listed by itself
        why = _why_left_out(state.root, change, found, choice.size)
        if not why and not change.tracked and change.path not in reached:
            why = _NOT_REACHED
        if why:
            choice.left_out.setdefault(why, []).append(plain_path(os.fsdecode(change.path)))
        if found is not None and not why:
            choice.present.append(change.path)
            choice.size += found.st_size
        elif change.tracked:
            choice.reset.append(_index_line(change, keep=bool(why)))
    return choice


def _lstat(root: Path, path: bytes) -> os.stat_result | None:
    """The file of a path; None when it is gone, or lies behind a link or a file where a folder was."""
    parent = os.fsencode(root)
    *folders, name = path.rstrip(b"/").split(b"/")
    try:
        for folder in folders:
            parent = os.path.join(parent, folder)  # noqa: PTH118  # pathlib knows no bytes
            if not stat.S_ISDIR(os.lstat(parent).st_mode):
                return None
        return os.lstat(os.path.join(parent, name))  # noqa: PTH118
    except (FileNotFoundError, NotADirectoryError):
        return None


def _why_left_out(root: Path, change: Change, found: os.stat_result | None, size: int) -> str:
    if change.submodule:
        return "a submodule that differs from the revision"
    if is_secret_file(os.fsdecode(change.path)):
        return "by its name it holds secrets"
    if found is None:
        return ""
    return _unfit(root, change, found) or _too_large(change, found.st_size, size)


def _unfit(root: Path, change: Change, found: os.stat_result) -> str:
    if stat.S_ISDIR(found.st_mode):
        return "a Git repository of its own"
    if stat.S_ISLNK(found.st_mode):
        return ""
    if not stat.S_ISREG(found.st_mode):
        return "not a regular file"
    readable = os.access(os.path.join(os.fsencode(root), change.path), os.R_OK)  # noqa: PTH118
    return "" if readable else "not readable"


def _too_large(change: Change, size: int, before: int) -> str:
    if not change.tracked and size > MAX_UNTRACKED_BYTES:
        return f"an untracked file of more than {MAX_UNTRACKED_BYTES // 1024**2} MB"
    if before + size > MAX_CHANGED_BYTES:
        return f"more than {MAX_CHANGED_BYTES // 1024**2} MB of changes in all"
    return ""


def _index_line(change: Change, *, keep: bool) -> bytes:
    if keep and int(change.mode, 8):
        return change.mode + b" " + change.blob + b"\t" + change.path
    return b"0 " + b"0" * len(change.blob) + b"\t" + change.path


def _diff(state: GitState, choice: _Choice) -> bytes:
    root = state.root
    asked = ["rev-parse", "--show-object-format", "--git-path", "index", "--git-path", "objects"]
    kind, index, objects = os.fsdecode(run_git(root, asked)).rstrip("\n").split("\n")
    with tempfile.TemporaryDirectory(prefix="lineage-") as name:
        folder = Path(name)
        env = _separate(root, folder, index, objects)
        if choice.reset:
            _update(root, ["--index-info"], choice.reset, env)
        if choice.present:
            _update(root, ["--add", "--remove", "--replace", "-z", "--stdin"], choice.present, env)
        base = state.revision or _EMPTY_TREE[kind]
        return run_git(root, [*_DIFF, base, "--"], env=env, limit=_MAX_PATCH_BYTES)


def _separate(root: Path, folder: Path, index: str, objects: str) -> dict[str, str]:
    """An index and an object store of our own, which begin as the repository's."""
    (folder / "objects" / "info").mkdir(parents=True)
    (folder / "objects" / "info" / "alternates").write_bytes(_quoted(os.fsencode(root / objects)) + b"\n")
    if (root / index).exists():
        # With its time: by it Git tells which files may have changed since without their own time telling.
        shutil.copy2(root / index, folder / "index")
    return {"GIT_INDEX_FILE": str(folder / "index"), "GIT_OBJECT_DIRECTORY": str(folder / "objects")}


def _quoted(path: bytes) -> bytes:
    """A line of `objects/info/alternates`, where a path with odd bytes is a C string."""
    escaped = path.replace(b"\\", b"\\\\").replace(b'"', b'\\"').replace(b"\n", b"\\n")
    return path if escaped == path else b'"' + escaped + b'"'


def _update(root: Path, options: Sequence[str], entries: Sequence[bytes], env: dict[str, str]) -> None:
    stdin = b"".join(entry + b"\0" for entry in entries)
    arguments = ["update-index", *options] if "-z" in options else ["update-index", "-z", "--replace", *options]
    run_git(root, arguments, stdin=stdin, env=env)
