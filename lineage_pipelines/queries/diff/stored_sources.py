"""Stored sources: bytes and syntax of the source files that were stored with a version."""

import ast
import warnings
from collections.abc import Callable

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.values.digest import Digest

Blobs = Callable[[Digest], bytes | None]
"""From a digest to stored bytes; None when they are gone."""


def read_blob(blobs: Blobs, sha256: str) -> bytes | None:
    """Return stored bytes by their SHA-256 in hex; None as well for an invalid digest."""
    try:
        return blobs(Digest("sha256", sha256))
    except RecordError:
        return None


def parse_source(source: bytes) -> ast.Module | None:
    """Return the syntax of a Python file; None when this interpreter cannot parse it. Nothing is executed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes are the author's business
            return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
