"""Names of content: a `Digest` is an algorithm and lower-case hex.

Corresponds to one entry of an in-toto DigestSet. Our own algorithm is SHA-256; DVC's MD5 is kept beside it, where a
directory's MD5 carries DVC's suffix `.dir`.
"""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from lineage_pipelines.errors import RecordError

_HEX_LENGTH = {"sha256": 64, "md5": 32}
_HEX = re.compile(r"[0-9a-f]+")


def _check_hex(algorithm: str, text: str) -> None:
    length = _HEX_LENGTH.get(algorithm)
    if length is None:
        known = ", ".join(sorted(_HEX_LENGTH))
        raise RecordError(f"unknown digest algorithm {algorithm!r}", fix=f"use one of: {known}")
    if len(text) != length or not _HEX.fullmatch(text):
        raise RecordError(
            f"not a {algorithm} digest: {text[:80]!r}",
            fix=f"give {length} lower-case hex characters",
        )


@dataclass(frozen=True, slots=True, order=True)
class Digest:
    """The name of some bytes. Written as `sha256:<hex>`."""

    algorithm: str
    """`sha256` or `md5`."""
    hex: str
    """Lower case."""

    def __post_init__(self) -> None:
        _check_hex(self.algorithm, self.hex)

    @classmethod
    def of(cls, data: bytes) -> Self:
        """Return the SHA-256 of `data`."""
        return cls("sha256", hashlib.sha256(data).hexdigest())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `sha256:<hex>`.

        Raises:
            RecordError: the text is not a digest.
        """
        algorithm, _, hexadecimal = text.partition(":")
        return cls(algorithm, hexadecimal)

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.hex}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DigestSet:
    """The digests of one dataset, each by its algorithm (in-toto DigestSet)."""

    md5: str | None = None
    """What DVC calls it: 32 hex characters, with the suffix `.dir` for a directory."""
    sha256: str | None = None
    """64 hex characters. Of a directory: of its sorted `sha256sum` lines (record-format.md)."""

    def __post_init__(self) -> None:
        if self.md5 is not None:
            _check_hex("md5", self.md5.removesuffix(".dir"))
        if self.sha256 is not None:
            _check_hex("sha256", self.sha256)


def sha256sum_lines(files: Iterable[tuple[str, str]]) -> bytes:
    """Return what `sha256sum` prints for some files, sorted by the bytes of their paths.

    Its SHA-256 is the digest of a directory, which anybody can compute without this package.

    Args:
        files: path with forward slashes, and SHA-256 in hex.
    """
    # The order of code points is that of their UTF-8 bytes.
    return "".join(_sha256sum_line(path, sha256) for path, sha256 in sorted(files)).encode()


def _sha256sum_line(path: str, sha256: str) -> str:
    escaped = path.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
    mark = "" if escaped == path else "\\"
    return f"{mark}{sha256}  {escaped}\n"
