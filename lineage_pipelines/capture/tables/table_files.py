"""Table files: which files are a table, and of which format."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.errors import CaptureError

if TYPE_CHECKING:
    import pyarrow as pa

_KINDS = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "tsv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".feather": "feather",
    ".arrow": "feather",
}
TABLE_SUFFIXES = frozenset(_KINDS)
"""Suffixes of the files that are read as tables. After those of text formats, `.gz`, `.bz2` or `.zst` may follow."""
_COMPRESSED = {".gz": "gzip", ".bz2": "bz2", ".zst": "zstd"}
_TEXT = frozenset(("csv", "tsv", "jsonl"))
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"


@dataclass(frozen=True, slots=True, kw_only=True)
class TableFiles:
    """The files of one table."""

    path: Path
    """The file, or the folder that holds them all."""
    kind: str
    """`parquet`, `csv`, `tsv`, `jsonl` or `feather`."""
    files: tuple[Path, ...]
    """Sorted by path."""


def find_table(path: Path) -> TableFiles | None:
    """Return the files of a table, or None when the path is not a table by its name.

    A folder is a table when every file in it has one format; names that begin with a dot or an underscore are notes
    beside the data (`_SUCCESS`, `.gitignore`) and do not count.
    """
    if path.is_file():
        kind = _kind(path.name)
        return TableFiles(path=path, kind=kind, files=(path,)) if kind is not None else None
    found: dict[Path, str] = {}
    for file in _members(path):
        kind = _kind(file.name)
        if kind is None or kind != found.setdefault(file, next(iter(found.values()), kind)):
            return None  # at the first odd file; a folder of a million pictures is not walked to its end
    return TableFiles(path=path, kind=next(iter(found.values())), files=tuple(sorted(found))) if found else None


def _kind(name: str) -> str | None:
    stem, suffix = os.path.splitext(name.lower())  # noqa: PTH122  # a name; a folder may have a million
    if suffix in _COMPRESSED:
        kind = _KINDS.get(os.path.splitext(stem)[1])  # noqa: PTH122  # a name; a folder may have a million
        return kind if kind in _TEXT else None
    return _KINDS.get(suffix)


def _members(folder: Path) -> Iterator[Path]:
    for each, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name[0] not in "._"]
        yield from (Path(each) / name for name in names if name[0] not in "._")


def open_text(file: Path) -> "pa.NativeFile":
    """Open a file of text, decompressed as its suffix says; Arrow's own guess knows lower case only."""
    import pyarrow as pa

    return pa.input_stream(str(file), compression=_COMPRESSED.get(file.suffix.lower()))


def refuse_pointers(table: TableFiles) -> None:
    """Look at the first bytes of each file.

    Raises:
        CaptureError: a file is a Git LFS pointer, which as CSV would be a table of two rows.
    """
    for file in table.files:
        with file.open("rb") as stream:
            if stream.read(len(_LFS_POINTER)) == _LFS_POINTER:
                raise CaptureError("a Git LFS pointer, not the data", where=file.name, fix="run `git lfs pull`")
