"""What a model file holds, whatever its bytes: two files that were written by two processes from one model are one.

A skops file is a zip archive: times of writing, and the addresses of objects in the process that wrote it, differ each
time. Here they are taken out: members count by their content, objects by the order in which they appear.
"""

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

from lineage_pipelines.artifacts.models import FORMAT, check_container
from lineage_pipelines.errors import ArtifactError

_SCHEMA = "schema.json"
_ID = "__id__"
_BLOCK = 1 << 20


def content_digest(path: Path, kind: str) -> str:
    """Return the SHA-256 (hex) of what a model file holds; nothing of it is loaded.

    Args:
        path: the file.
        kind: its format, `skops`.

    Raises:
        ArtifactError: the format is another one, or the file is damaged.
    """
    if kind != FORMAT:
        raise ArtifactError(f"the content of a {kind!r} file cannot be compared", where=str(path))
    check_container(path)
    try:
        with zipfile.ZipFile(path) as archive:
            schema = json.loads(archive.read(_SCHEMA))
            members = {name: _member(archive, name) for name in archive.namelist() if name != _SCHEMA}
    except (KeyError, ValueError, RecursionError, OSError, zipfile.BadZipFile, NotImplementedError) as error:
        raise ArtifactError(f"the model file is damaged: {error}", where=str(path)) from error
    plain = _Plain(members).of(schema)
    return hashlib.sha256(json.dumps(plain, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def _member(archive: zipfile.ZipFile, name: str) -> str:
    digest = hashlib.sha256()
    with archive.open(name) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()


class _Plain:
    """Takes out of a schema what says nothing of the model."""

    def __init__(self, members: dict[str, str]) -> None:
        self._members = members
        self._numbers: dict[object, int] = {}

    def of(self, node: Any) -> Any:  # noqa: ANN401  # JSON of any shape
        if isinstance(node, dict):
            return {name: self._field(name, value) for name, value in node.items()}
        if isinstance(node, list):
            return [self.of(value) for value in node]
        return node

    def _field(self, name: str, value: Any) -> Any:  # noqa: ANN401
        if name == _ID and isinstance(value, int):
            return self._numbers.setdefault(value, len(self._numbers))
        if isinstance(value, str) and value in self._members:
            return self._members[value]
        return self.of(value)
