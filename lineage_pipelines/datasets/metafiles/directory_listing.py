"""Directory listing of a tracked directory: the `.dir` object in DVC's cache.

A listing decides which files are written where, so nothing in it is trusted: not its bytes (its own MD5 is its name)
and not its paths.
"""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from lineage_pipelines.errors import DatasetError

Listing = tuple[tuple[str, str], ...]
"""Relative path and MD5 of each file, sorted by path."""

_MD5 = re.compile(r"[0-9a-f]{32}")
_FORBIDDEN = re.compile(r"[\x00\\]")
_FIX = "remove the object and fetch it again: `rm -f OBJECT && dvc fetch`"


def read_listing(path: Path, md5: str) -> Listing:
    """Read and check the listing of a directory.

    Args:
        path: the object in the cache.
        md5: the expected MD5 of the listing, with or without the suffix `.dir`.

    Raises:
        DatasetError: it is missing, altered, or names a path that could leave its directory.
    """
    return parse_listing(_read_unaltered(path, md5), where=str(path))


def read_listed_objects(path: Path, md5: str) -> Sequence[str]:
    """Return the MD5s in a listing, without checking its paths.

    Raises:
        DatasetError: it is missing, altered or not a listing.
    """
    try:
        return [str(entry["md5"]) for entry in json.loads(_read_unaltered(path, md5))]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise DatasetError("the directory listing is not one of DVC's", where=str(path), fix=_FIX) from error


def _read_unaltered(path: Path, md5: str) -> bytes:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DatasetError(
            f"cannot read the directory listing: {error.strerror}", where=str(path), fix="`dvc fetch`"
        ) from error
    return _unaltered(data, md5, str(path))


def _unaltered(data: bytes, md5: str, where: str) -> bytes:
    expected = md5.removesuffix(".dir")
    actual = hashlib.md5(data, usedforsecurity=False).hexdigest()
    if actual != expected:
        raise DatasetError(
            f"the directory listing was altered: expected MD5 {expected}, found {actual}", where=where, fix=_FIX
        )
    return data


def check_listing(data: bytes, md5: str, *, where: str) -> Listing:
    """Check and parse the bytes of a listing, wherever they come from. Raises as `read_listing`."""
    return parse_listing(_unaltered(data, md5, where), where=where)


def parse_listing(data: bytes, *, where: str) -> Listing:
    """Parse a listing whose bytes have been verified.

    Raises:
        DatasetError: it is not a listing, or not a safe one.
    """
    try:
        entries = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DatasetError("the directory listing is not JSON", where=where, fix=_FIX) from error
    if not isinstance(entries, list):
        raise DatasetError("the directory listing is not a list", where=where, fix=_FIX)
    listing = sorted(_entry(entry, where) for entry in entries)
    _check_places(listing, where)
    return tuple(listing)


def _entry(entry: Any, where: str) -> tuple[str, str]:  # noqa: ANN401  # any JSON
    if not isinstance(entry, dict):
        raise DatasetError("an entry of the directory listing is not an object", where=where, fix=_FIX)
    path, md5 = entry.get("relpath"), entry.get("md5")
    if not isinstance(path, str) or not is_safe_path(path):
        raise DatasetError(f"the directory listing names an unsafe path: {str(path)[:200]!r}", where=where, fix=_FIX)
    if not isinstance(md5, str) or not _MD5.fullmatch(md5):
        raise DatasetError(f"{path!r} has no MD5 but {str(md5)[:80]!r}", where=where, fix=_FIX)
    return path, md5


def part_md5(entries: Mapping[str, str | None], inside: str) -> str | None:
    """Return the MD5 of a part of a directory: of a file, or of a folder as DVC would compute it.

    Args:
        entries: the MD5 of each file of the directory, by relative path.
        inside: the part's relative path.

    Returns:
        The MD5; None if there is no such part, or a file in it has no MD5.
    """
    if inside in entries:
        return entries[inside]
    below = {path[len(inside) + 1 :]: md5 for path, md5 in entries.items() if path.startswith(f"{inside}/")}
    if not below or None in below.values():
        return None
    listing = [{"md5": md5, "relpath": path} for path, md5 in sorted(below.items())]
    return hashlib.md5(json.dumps(listing).encode(), usedforsecurity=False).hexdigest() + ".dir"


def is_safe_path(path: str) -> bool:
    """Whether `path` is a plain relative path with forward slashes that stays inside its directory."""
    parts = path.split("/")
    return not _FORBIDDEN.search(path) and all(part not in ("", ".", "..") for part in parts) and _encodes(path)


def _encodes(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_places(listing: list[tuple[str, str]], where: str) -> None:
    files = {path for path, _ in listing}
    if len(files) != len(listing):
        twice = next(path for (path, _), (other, _) in pairwise(listing) if path == other)
        raise DatasetError(f"the directory listing names {twice!r} twice", where=where, fix=_FIX)
    for path in files:
        parts = path.split("/")
        for end in range(1, len(parts)):
            if (folder := "/".join(parts[:end])) in files:
                raise DatasetError(f"{folder!r} is a file and a folder in the listing", where=where, fix=_FIX)
