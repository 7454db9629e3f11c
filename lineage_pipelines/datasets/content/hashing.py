"""Hashing: what bytes are called: the MD5 and SHA-256 of files, and of directories by their listing.

DVC names data by MD5, a record by SHA-256 as well. Each file is read once, whatever is asked of it.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from lineage_pipelines.datasets.content.stable_read import (
    BLOCK,
    ChangingDataError,
    Signature,
    feed,
    open_regular,
    unreadable,
)
from lineage_pipelines.records.values.digest import sha256sum_lines

MD5, SHA256, MD5_UNIX = "md5", "sha256", "md5-dos2unix"
"""Algorithms. The last is DVC 2's: MD5 with the line ends of text normalised."""

_TEXT = bytes(range(32, 127)) + b"\n\r\t\f\b"
_TEXT_SAMPLE = 512
_MAX_BINARY_SHARE = 0.30


class Hasher(Protocol):
    """Something that digests a stream."""

    def update(self, data: memoryview, /) -> None:
        """Take the next bytes."""

    def hexdigest(self) -> str:
        """Return the digest of all bytes so far."""


@dataclass(frozen=True, slots=True)
class FileDigests:
    """The names of one file's bytes."""

    md5: str
    """By DVC's algorithm: `md5`, or `md5-dos2unix` where that was asked for."""
    sha256: str
    size: int
    """Bytes."""


def hash_file(path: str | os.PathLike[str], *, chunk: int = BLOCK) -> FileDigests:
    """Return both digests of a file, from one pass over it.

    Args:
        path: a regular file.
        chunk: bytes read at once.

    Raises:
        DatasetError: it is not a regular file, cannot be read, or changed while it was read.
    """
    digests, signature = digest_file(path, (MD5, SHA256), chunk=chunk)
    return FileDigests(digests[MD5], digests[SHA256], signature.size)


def digest_file(
    path: str | os.PathLike[str], algorithms: Sequence[str], *, chunk: int = BLOCK, helper: bool = True
) -> tuple[Mapping[str, str], Signature]:
    """Return the digests of a file by algorithm, and the signature it had before and after the reading.

    Args:
        path: a regular file.
        algorithms: which digests.
        chunk: bytes read at once.
        helper: whether a large file may take a second thread (`feed`).

    Raises:
        DatasetError: it is not a regular file, cannot be read, or changed while it was read.
    """
    hashers = {name: new_hasher(name) for name in algorithms}
    handle, status = open_regular(path)
    before = Signature.of(status)
    try:
        size = feed(handle, [hasher.update for hasher in hashers.values()], before.size, chunk=chunk, helper=helper)
        after = Signature.of(os.fstat(handle))
    except OSError as error:
        raise unreadable(path, error) from error
    finally:
        os.close(handle)
    if before != after or size != before.size:
        raise ChangingDataError(
            "the file changed while it was read", where=str(path), fix="wait until nothing writes to it, then try again"
        )
    return {name: hasher.hexdigest() for name, hasher in hashers.items()}, before


def new_hasher(algorithm: str) -> Hasher:
    """Return an empty hasher."""
    if algorithm == MD5_UNIX:
        return _UnixLines()
    # MD5 names data here, as DVC does; it protects nothing.
    return hashlib.new(algorithm, usedforsecurity=False)


class _UnixLines:
    """MD5 as DVC 2 computed it: carriage returns are removed from each block that looks like text."""

    def __init__(self) -> None:
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, data: memoryview, /) -> None:
        block = bytes(data)
        self._md5.update(block.replace(b"\r\n", b"\n") if _is_text(block[:_TEXT_SAMPLE]) else block)

    def hexdigest(self) -> str:
        return self._md5.hexdigest()


def _is_text(sample: bytes) -> bool:
    return b"\0" not in sample and len(sample.translate(None, _TEXT)) <= _MAX_BINARY_SHARE * len(sample)


def directory_md5(files: Iterable[tuple[str, str]]) -> str:
    """Return what DVC calls a directory: the MD5 of its listing, with the suffix `.dir`.

    Args:
        files: relative path with forward slashes, and MD5.
    """
    return hashlib.md5(listing_json(files), usedforsecurity=False).hexdigest() + ".dir"


def listing_json(files: Iterable[tuple[str, str]]) -> bytes:
    """Return a directory's listing byte for byte as DVC stores it in its cache."""
    entries = [{"md5": md5, "relpath": path} for path, md5 in sorted(files)]
    return json.dumps(entries, sort_keys=True).encode()


def listing_sha256(entries: Iterable[tuple[str, str]]) -> str:
    """Return the SHA-256 of a directory.

    Args:
        entries: relative path with forward slashes, and SHA-256.
    """
    return hashlib.sha256(sha256sum_lines(entries)).hexdigest()
