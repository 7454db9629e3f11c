"""Import cache: what source files import, kept between processes, so that loading parses only files that changed.

One JSON file, by the SHA-256 of a file's bytes. A cache for `code_version` at load time and for nothing else: the
sources of a record are always parsed by the process that captures them. Losing it costs time only.
"""

import contextlib
import dataclasses
import hashlib
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lineage_pipelines.capture.sources import import_statements as reader
from lineage_pipelines.capture.sources.import_statements import Import, Imports
from lineage_pipelines.system.atomic_file import replace_file

_MAX_FILES = 5_000
"""Above this number, entries that this process did not use are dropped."""


class ImportCache:
    """The imports of source files by the digest of their content.

    Args:
        path: where they are kept; None to keep nothing.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._head = _head() if path is not None else {}
        self._kept = _read(path, self._head) if path is not None else {}
        self._used: dict[str, Any] = {}
        self._added = False

    def get(self, sha256: str) -> Imports | None:
        """Return what a file imports; None when no earlier process read it."""
        kept = self._kept.get(sha256)
        with contextlib.suppress(LookupError, TypeError, ValueError):
            found = _imports(kept)
            self._used[sha256] = kept
            return found
        return None

    def add(self, sha256: str, imports: Imports) -> None:
        """Add what a file imports."""
        self._used[sha256] = dataclasses.astuple(imports)
        self._added = True

    def save(self) -> None:
        """Keep what was added; where that cannot be written, the next process parses it again."""
        if self._path is None or not self._added:
            return
        files = {**self._kept, **self._used}
        data = json.dumps({**self._head, "files": files if len(files) <= _MAX_FILES else self._used}).encode()
        with contextlib.suppress(OSError):
            replace_file(self._path, data)


def _head() -> dict[str, str]:
    """What decides the answers beside the content: the interpreter's grammar, and how we read it."""
    try:
        code = Path(reader.__file__).read_bytes()
    except OSError:
        code = b""
    return {"python": platform.python_version(), "reader": hashlib.sha256(code).hexdigest()}


def _read(path: Path, head: Mapping[str, object]) -> dict[str, Any]:
    try:
        plain = json.loads(path.read_bytes())
        return dict(plain["files"]) if all(plain[name] == value for name, value in head.items()) else {}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}


def _imports(kept: Any) -> Imports:  # noqa: ANN401  # whatever the file holds
    imports, exported, computed, broken = kept
    return Imports(
        tuple(Import(module, level, tuple(names)) for module, level, names in imports),
        tuple(exported),
        tuple(computed),
        broken,
    )
