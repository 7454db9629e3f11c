"""Git LFS pointer: what a repository holds in place of a large file, compared with it by digest, without a filter."""

import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from lineage_pipelines.system.git_command import read_blobs, run_git

_POINTER = re.compile(rb"version https://git-lfs\.github\.com/spec/v1\noid sha256:([0-9a-f]{64})\nsize ([0-9]+)\n")
_LONGEST = 1024
"""Bytes of a pointer, by its specification; no larger file is read from the repository."""


def equal_files(root: Path, named: Mapping[bytes, bytes]) -> frozenset[bytes]:
    """Return which files of the work tree are those that pointers stand for.

    Args:
        root: the root of the work tree.
        named: path from the root to the object that the revision has there, as Git names it.

    Raises:
        GitError: Git could not answer.
    """
    if not named:
        return frozenset()
    blobs = sorted({os.fsdecode(blob) for blob in named.values()})
    asked = "".join(f"{blob}\n" for blob in blobs).encode()
    listed = run_git(root, ["cat-file", "--batch-check=%(objectsize)"], stdin=asked).decode("ascii", "replace")
    short = [
        blob for blob, size in zip(blobs, listed.split("\n"), strict=False) if size.isdigit() and int(size) <= _LONGEST
    ]
    pointers = dict(zip(short, read_blobs(root, short), strict=True))
    return frozenset(path for path, blob in named.items() if _is_equal(root, path, pointers.get(os.fsdecode(blob))))


def _is_equal(root: Path, path: bytes, content: bytes | None) -> bool:
    pointer = _POINTER.fullmatch(content or b"")
    file = Path(os.fsdecode(os.path.join(os.fsencode(root), path)))  # noqa: PTH118  # pathlib knows no bytes
    if pointer is None or file.is_symlink() or not file.is_file() or file.stat().st_size != int(pointer[2]):
        return False
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest().encode() == pointer[1]


def filters_of(root: Path, paths: Sequence[bytes]) -> Mapping[bytes, str]:
    """Return the name of the filter that each path has by the attributes of the work tree, if it has one.

    Raises:
        GitError: Git could not answer.
    """
    if not paths:
        return {}
    stdin = b"".join(path + b"\0" for path in paths)
    words = run_git(root, ["check-attr", "-z", "--stdin", "filter"], stdin=stdin).split(b"\0")
    found = zip(words[::3], words[2::3], strict=False)
    return {path: os.fsdecode(value) for path, value in found if value not in (b"unspecified", b"unset", b"set", b"")}
