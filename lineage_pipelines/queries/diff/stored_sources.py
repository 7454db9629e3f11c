"""The source files that were stored with a version: their bytes, their syntax, and which of them a module is."""

import ast
import warnings
from collections.abc import Callable
from functools import cache

from lineage_pipelines.errors import RecordError
from lineage_pipelines.records.statement.lineage_record import LineageRecord
from lineage_pipelines.records.values.digest import Digest

Blobs = Callable[[Digest], bytes | None]
"""From a digest to stored bytes; None when they are gone."""


def read_blob(blobs: Blobs, sha256: str) -> bytes | None:
    """Return stored bytes by their SHA-256 in hex; None as well when that is none."""
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


class StoredSources:
    """The source closure of one version.

    Args:
        record: the version.
        blobs: where its files are.
    """

    def __init__(self, record: LineageRecord, blobs: Blobs) -> None:
        source = record.code.source
        self.entry = source.entry if source else ""
        self._files = {file.path: file.sha256 for file in source.files} if source else {}
        self._blobs = blobs
        self.tree = cache(self._tree)

    def _tree(self, path: str) -> ast.Module | None:
        data = read_blob(self._blobs, self._files[path])
        return parse_source(data) if data is not None else None

    def find(self, module: str) -> str | None:
        """Return the path of a module's file: of several that could be it, the one that lies least deep."""
        place = module.replace(".", "/")
        ends = (f"{place}.py", f"{place}/__init__.py")
        fitting = [path for path in self._files if any(path == end or path.endswith(f"/{end}") for end in ends)]
        return min(fitting, key=lambda path: (path.count("/"), path), default=None) if module else None
