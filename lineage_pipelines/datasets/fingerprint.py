"""Which files a path holds and whether any of them changed, without reading one of them.

The files are those that DVC would version: links to files are followed, links to folders are not, and what belongs to
Git, Mercurial or another DVC project is left out. A link may lead nowhere but into the project (or DVC's cache, for
projects that link their data out of it). Nothing here follows `.dvcignore`; `ignore_rules` tells whether there is one.
"""

import hashlib
import os
import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from lineage_pipelines.datasets.reading import Signature, kind_of, unreadable
from lineage_pipelines.errors import DatasetError

_FOREIGN_FOLDERS = frozenset({".git", ".hg", ".dvc"})
_IGNORE_FILE = ".dvcignore"

_RACY_NANOSECONDS = 2_000_000_000
"""File systems stamp changes in steps of up to two seconds: what changed just now may change again unseen."""


@dataclass(frozen=True, slots=True)
class Scan:
    """The files of a path, and what the file system says of each."""

    path: Path
    """Where they are, links resolved."""
    is_dir: bool
    files: tuple[tuple[str, Signature], ...]
    """Relative path with forward slashes, sorted; the one file of a path that is a file has the empty path."""
    links: Mapping[str, str]
    """Where the files that are links lead."""
    fingerprint: str
    """The same as long as no file changed, came or went."""
    started: int
    """Nanoseconds since 1970."""

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
        DatasetError: it is missing or unreadable, holds something that is no file, or leads out of `within`.
    """
    started = time.time_ns()
    place = Path(resolve_inside(path, within))
    try:
        found = place.stat()
    except OSError as error:
        raise unreadable(path, error) from error
    if stat.S_ISDIR(found.st_mode):
        walk = _Walk(str(place), within)
        files, links = tuple(walk.run()), walk.links
    else:
        _check_regular(found, str(path))
        files, links = (("", Signature.of(found)),), {}
    is_dir = stat.S_ISDIR(found.st_mode)
    return Scan(place, is_dir, files, links, _fingerprint(place, files, is_dir=is_dir), started)


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
        self._files: list[tuple[str, Signature]] = []
        self.links: dict[str, str] = {}

    def run(self) -> list[tuple[str, Signature]]:
        pending = [""]
        while pending:
            pending += self._folder(pending.pop())
        self._files.sort()
        return self._files

    def _folder(self, prefix: str) -> list[str]:
        """Take in the files of one folder; return the folders in it."""
        place = f"{self._top}/{prefix}"
        try:
            with os.scandir(place) as found:
                entries = list(found)
            if prefix and any(entry.name == ".dvc" for entry in entries):
                return []  # another DVC project
            return [f"{prefix}{entry.name}/" for entry in entries if self._is_folder(prefix, entry)]
        except OSError as error:
            raise unreadable(error.filename or place, error) from error

    def _is_folder(self, prefix: str, entry: "os.DirEntry[str]") -> bool:
        if entry.is_dir():
            return entry.name not in _FOREIGN_FOLDERS and not entry.is_symlink()
        if entry.name != ".git":
            self._file(prefix + entry.name, entry)
        return False

    def _file(self, relative: str, entry: "os.DirEntry[str]") -> None:
        found = entry.stat(follow_symlinks=False)
        if entry.is_symlink():
            self.links[relative] = resolve_inside(entry.path, self._within)
            found = entry.stat()
        if not stat.S_ISREG(found.st_mode) or entry.name == _IGNORE_FILE:
            _check_regular(found, entry.path)
            raise DatasetError(
                "a .dvcignore must not be inside tracked data", where=entry.path, fix="move it above the tracked folder"
            )
        self._files.append((relative, Signature.of(found)))


def _check_regular(found: os.stat_result, path: str) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise DatasetError(f"not a regular file but a {kind_of(found.st_mode)}", where=path, fix="move it elsewhere")


def _fingerprint(place: Path, files: Sequence[tuple[str, Signature]], *, is_dir: bool) -> str:
    lines = [f"{path}\0{sign[0]} {sign[1]} {sign[2]} {sign[3]}\0" for path, sign in files]
    try:
        return hashlib.sha256(f"{is_dir}\0{''.join(lines)}".encode()).hexdigest()
    except UnicodeEncodeError as error:
        raise _not_text(place, files) from error


def _not_text(place: Path, files: Sequence[tuple[str, Signature]]) -> DatasetError:
    for path, _ in files:
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
