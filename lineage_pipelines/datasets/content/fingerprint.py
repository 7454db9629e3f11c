"""Fingerprint: which files a path holds and whether any of them changed, without reading one of them.

The files are those that DVC would version: links to files are followed, links to folders are not, and what belongs to
Git, Mercurial or another DVC project is left out. A link may lead nowhere but into the project (or DVC's cache, for
projects that link their data out of it). Nothing here follows `.dvcignore`; `ignore_rules` tells whether there is one.
"""

import hashlib
import os
import stat
import time
from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path
from urllib.parse import quote

from lineage_pipelines.datasets.content.stable_read import Signature, kind_of, unreadable
from lineage_pipelines.errors import DatasetError

_FOREIGN_FOLDERS = frozenset({".git", ".hg", ".dvc"})
_IGNORE_FILE = ".dvcignore"
_NAME = attrgetter("name")
_ODD_FILES = frozenset({".git", _IGNORE_FILE})

_RACY_NANOSECONDS = 2_000_000_000
"""File systems stamp changes in steps of up to two seconds: what changed just now may change again unseen."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The files of a path, and what the file system says of each."""

    path: Path
    """Where they are, links resolved."""
    is_dir: bool
    names: Sequence[str]
    """Relative paths with forward slashes, folder by folder; empty for the one file of a path that is a file."""
    numbers: Sequence[int]
    """Of each file the parts of its signature. Not one object a file: when nothing changed none is asked for."""
    links: Mapping[str, str]
    """Where the files that are links lead."""
    fingerprint: str
    """The same as long as no file changed, came or went."""
    started: int
    """Nanoseconds since 1970."""

    @property
    def files(self) -> tuple[tuple[str, Signature], ...]:
        """Relative path and signature of each file, sorted."""
        parts = iter(self.numbers)
        return tuple(sorted(zip(self.names, map(Signature, parts, parts, parts, parts), strict=True)))

    def location(self, relative: str) -> str:
        """Return the path of one of the files, links resolved."""
        return self.links.get(relative) or (f"{self.path}/{relative}" if relative else str(self.path))

    def is_settled(self, signature: Signature) -> bool:
        """Whether a file changed long enough before the scan for its signature to vouch for its bytes."""
        return signature.ctime < self.started - _RACY_NANOSECONDS


def scan(path: Path, *, within: Sequence[Path]) -> Scan:
    """Return the files of a path: of a folder all, of a file itself.

    Args:
        path: the file or folder.
        within: the folders that links may lead into, resolved.

    Raises:
        DatasetError: it is missing or unreadable, holds something that is not a file, or leads out of `within`.
    """
    started = time.time_ns()
    place = Path(resolve_inside(path, within))
    try:
        found = place.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    walk = _Walk(str(place), within)
    if stat.S_ISDIR(found.st_mode):
        walk.run()
    else:
        _check_regular(found, str(path))
        walk.add("", found)
    is_dir = stat.S_ISDIR(found.st_mode)
    fingerprint = _fingerprint(place, walk.names, walk.numbers, is_dir=is_dir)
    return Scan(place, is_dir, walk.names, walk.numbers, walk.links, fingerprint, started)


def resolve_inside(path: str | os.PathLike[str], within: Sequence[Path]) -> str:
    """Return the path with its links resolved.

    Raises:
        DatasetError: it does not exist, its links go round in circles, or it leads out of `within`.
    """
    try:
        real = os.path.realpath(path, strict=True)
    except OSError as error:
        raise unreadable(path, error) from error
    if any(real == str(folder) or real.startswith(f"{folder}/") for folder in within):
        return real
    raise DatasetError(
        f"the path leads out of the project, to {real}",
        where=str(path),
        fix="put the data itself there, or track its true place with `dvc import-url`",
    )


class _Walk:
    def __init__(self, top: str, within: Sequence[Path]) -> None:
        self._top = top
        self._within = within
        self.names: list[str] = []
        self.numbers: list[int] = []
        self.links: dict[str, str] = {}

    def run(self) -> None:
        pending = [""]
        while pending:
            pending += self._folder(pending.pop())

    def add(self, relative: str, found: os.stat_result) -> None:
        self.names.append(relative)
        self.numbers += found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size

    def _folder(self, prefix: str) -> list[str]:
        """Take in the files of one folder; return the folders in it."""
        place = f"{self._top}/{prefix}"
        try:
            # By its handle, so that each file is looked up by its name alone.
            handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                with os.scandir(handle) as found:
                    return self._entries(prefix, sorted(found, key=_NAME))
            finally:
                os.close(handle)
        except OSError as error:
            name = error.filename if isinstance(error.filename, str) else ""
            raise unreadable(os.path.join(place, name).rstrip("/"), error) from error  # noqa: PTH118  # name may be whole

    def _entries(self, prefix: str, entries: "Sequence[os.DirEntry[str]]") -> list[str]:
        # Called once a folder but run through once a file: nothing is called here that need not be.
        if prefix and ".dvc" in [entry.name for entry in entries]:
            return []  # another DVC project
        names, numbers, folders = self.names, self.numbers, []
        for entry in entries:
            if entry.is_symlink():
                self._link(prefix + entry.name, entry)
            elif not entry.is_dir():
                found = entry.stat()
                if stat.S_ISREG(found.st_mode) and entry.name not in _ODD_FILES:
                    names.append(prefix + entry.name)
                    numbers += found.st_ino, found.st_mtime_ns, found.st_ctime_ns, found.st_size
                else:
                    self._odd(prefix + entry.name, entry.name, found)
            elif entry.name not in _FOREIGN_FOLDERS:
                folders.append(f"{prefix}{entry.name}/")
        return folders

    def _link(self, relative: str, entry: "os.DirEntry[str]") -> None:
        if entry.is_dir() or entry.name == ".git":
            return
        self.links[relative] = resolve_inside(f"{self._top}/{relative}", self._within)
        found = entry.stat()
        if not stat.S_ISREG(found.st_mode) or entry.name in _ODD_FILES:
            self._odd(relative, entry.name, found)
        else:
            self.add(relative, found)

    def _odd(self, relative: str, name: str, found: os.stat_result) -> None:
        """Refuse what cannot be versioned; pass over what belongs to Git."""
        if name == ".git":
            return
        path = f"{self._top}/{relative}"
        _check_regular(found, path)
        raise DatasetError(
            "a .dvcignore must not be inside tracked data", where=path, fix="move it above the tracked folder"
        )


def _check_regular(found: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise DatasetError(f"not a regular file but a {kind_of(found.st_mode)}", where=path, fix="move it elsewhere")


def _fingerprint(place: Path, names: Sequence[str], numbers: Sequence[int], *, is_dir: bool) -> str:
    try:
        return hashlib.sha256(b"%d\0%b\0%b" % (is_dir, "\0".join(names).encode(), _bytes(numbers))).hexdigest()
    except UnicodeEncodeError as error:
        raise _not_text(place, names) from error


def _bytes(numbers: Sequence[int]) -> bytes:
    try:
        return array("q", numbers).tobytes()
    except OverflowError:  # some file systems number their files from the top of 64 bits down
        return repr(numbers).encode()


def _not_text(place: Path, names: Sequence[str]) -> DatasetError:
    for path in names:
        if not path.isascii() and quote(os.fsencode(path)) != quote(path, errors="replace"):
            return DatasetError(
                f"the name of a file is not UTF-8: {quote(os.fsencode(path))}", where=str(place), fix="rename the file"
            )
    return DatasetError("the name of a file is not UTF-8", where=str(place))


def ignore_rules(root: Path, folder: Path) -> str:
    """Return the patterns of every `.dvcignore` that reaches into a folder; empty when there is none."""
    above = [parent for parent in folder.parents if parent == root or root in parent.parents]
    return "\n".join(f"{parent}\n{rules}" for parent in above if (rules := _rules(parent / _IGNORE_FILE)))


def _rules(path: Path) -> str:
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetError(f"cannot read the file: {error}", where=str(path)) from error
    return "\n".join(line for line in map(str.strip, lines) if line and not line.startswith("#"))
