"""Reading source files: from memory where nothing has changed (load time), or their bytes as they are now (capture)."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.capture.sources.import_cache import KeptImports
from lineage_pipelines.capture.sources.import_statements import Imports, read_imports


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a file's content."""

    fingerprint: tuple[int, int]
    sha256: str
    text_sha256: str
    """Of the content with line ends as `\\n`: equal on every checkout."""
    imports: Imports


_SOURCES: dict[str, Source] = {}
# The same, with imports that an earlier process has read: good enough for a code version, never for a record.
_RECALLED: dict[str, Source] = {}
# By path, the content that the last `code_digest` saw: what this process loaded, as far as it can be known.
_LOADED: dict[str, str] = {}
_NO_FINGERPRINT = (-1, -1)


class Sources:
    """The files of one walk, by absolute path. An unchanged file costs one `stat`."""

    def __init__(self, kept: KeptImports | None = None) -> None:
        self._kept = kept or KeptImports(None)
        self.read: dict[str, Source] = {}
        self.unreadable: set[str] = set()

    def get(self, path: str) -> Source | None:
        """Return the source of a file, or None when it cannot be read."""
        if path not in self.read and path not in self.unreadable:
            try:
                self.read[path] = self._load(path)
            except OSError:
                self.unreadable.add(path)
        return self.read.get(path)

    def mark_loaded(self) -> None:
        """Remember that this process runs the content that was read here."""
        self._kept.save()
        _LOADED.update({path: source.sha256 for path, source in self.read.items()})

    def _load(self, path: str) -> Source:
        status = os.stat(path)  # noqa: PTH116  # hundreds of times at load
        fingerprint = (status.st_mtime_ns, status.st_size)
        for memory in (_SOURCES, _RECALLED):
            known = memory.get(path)
            if known is not None and known.fingerprint == fingerprint:
                return known
        return self._recall_or_parse(path, Path(path).read_bytes(), fingerprint)

    def _recall_or_parse(self, path: str, content: bytes, fingerprint: tuple[int, int]) -> Source:
        digest = hashlib.sha256(content).hexdigest()
        imports = self._kept.get(digest)
        if imports is not None:
            _RECALLED[path] = source = Source(fingerprint, digest, _text_sha256(content, digest), imports)
            return source
        source = _remember(path, content, fingerprint)
        self._kept.add(digest, source.imports)
        return source


class FreshSources(Sources):
    """The same, always read from disk; keeps the bytes."""

    def __init__(self) -> None:
        super().__init__()
        self.contents: dict[str, bytes] = {}

    def changed(self) -> list[str]:
        """Return the files that differ from what this process had loaded."""
        return [path for path, source in self.read.items() if _LOADED.get(path, source.sha256) != source.sha256]

    def _load(self, path: str) -> Source:
        self.contents[path] = content = Path(path).read_bytes()
        return _remember(path, content, _NO_FINGERPRINT)


def _remember(path: str, content: bytes, fingerprint: tuple[int, int]) -> Source:
    digest = hashlib.sha256(content).hexdigest()
    known = _SOURCES.get(path)
    if known is not None and known.sha256 == digest:
        text, imports = known.text_sha256, known.imports
        fingerprint = known.fingerprint if fingerprint == _NO_FINGERPRINT else fingerprint
    else:
        text = _text_sha256(content, digest)
        imports = read_imports(content) if path.endswith(".py") else Imports()
    _SOURCES[path] = source = Source(fingerprint, digest, text, imports)
    return source


def _text_sha256(content: bytes, digest: str) -> str:
    if b"\r" not in content:
        return digest
    return hashlib.sha256(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).hexdigest()
