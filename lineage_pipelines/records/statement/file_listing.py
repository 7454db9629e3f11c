"""File listing of a folder: which files it holds, by DVC's MD5, and their sizes: a blob beside the record."""

import posixpath
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.values.canonical import Json, canonical_bytes, parse_bytes

MAX_FILES = 200_000
"""A folder of more is not listed: the blob would take more than some 20 MB."""
_MAX_KINDS = 20
_COMPRESSED = (".gz", ".bz2", ".zst", ".xz")
OTHER_KINDS = "other"
"""Stands for the rarer suffixes, where there are many."""


class ListedFile(NamedTuple):
    """One file of a folder."""

    path: str
    """Relative to the folder."""
    md5: str
    size: int | None = None
    """Bytes; None where they are not on this machine."""


def encode_listing(files: Sequence[ListedFile]) -> bytes:
    """Return the canonical JSON of the files of a folder: the same bytes for the same files in any order."""
    rows: list[Json] = [[each for each in file if each is not None] for file in sorted(files)]
    return canonical_bytes({"files": rows})


def decode_listing(data: bytes) -> tuple[ListedFile, ...]:
    """Read the files of a folder, sorted by path.

    Raises:
        RecordError: the bytes are no listing.
    """
    plain = parse_bytes(data)
    rows = plain.get("files") if isinstance(plain, dict) else None
    if not isinstance(rows, list) or not all(_is_file(row) for row in rows):
        raise RecordError("a listing of files is damaged")
    return tuple(ListedFile(*row) for row in rows)


def _is_file(row: Json) -> bool:
    kinds = (str, str, int)
    return isinstance(row, list) and len(row) in (2, 3) and all(map(isinstance, row, kinds))


def count_kinds(files: Sequence[ListedFile]) -> Mapping[str, int]:
    """Return how many files of each kind there are, by suffix in lower case: `.npy`, `.csv.gz`, empty without one."""
    counts = Counter(_suffix(file.path.lower()) for file in files)
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    kinds = dict(ordered[:_MAX_KINDS])
    if rest := sum(count for _, count in ordered[_MAX_KINDS:]):
        kinds[OTHER_KINDS] = rest
    return kinds


def _suffix(path: str) -> str:
    stem, suffix = posixpath.splitext(path)
    return posixpath.splitext(stem)[1] + suffix if suffix in _COMPRESSED else suffix
