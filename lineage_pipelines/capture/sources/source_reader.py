"""Source reader: contents and imports of source files, remembered at load time, read from disk at capture."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

from lineage_pipelines.capture.sources.import_cache import ImportCache
from lineage_pipelines.capture.sources.import_statements import Imports, read_imports


@dataclass(frozen=True, slots=True)
class Source:
    """What is known of a file's content."""

    fingerprint: tuple[int, int]
    sha256: str
    text_sha256: str
    """Of the content with line ends as `\\n`: equal on every checkout."""
    imports: Imports


@dataclass(slots=True, eq=False)
class SourceMemory:
    """What one process knows of source files, by absolute path, for as long as it runs.

    Whoever computes code versions and later captures in the same process passes the same memory to both: unchanged
    files are then read once, and the capture notices files that changed after they were loaded.
    """

    parsed: dict[str, Source] = field(default_factory=dict)
    recalled: dict[str, Source] = field(default_factory=dict)
    """With imports that an earlier process read: good enough for a code version, never for a record."""
    loaded: dict[str, str] = field(default_factory=dict)
    """SHA-256 of the content that the latest code version saw: what this process loaded, as far as it can be known."""


_NO_FINGERPRINT = (-1, -1)


class SourceReader:
    """The files of one walk, by absolute path. An unchanged file costs one `stat`."""

    def __init__(self, memory: SourceMemory, cache: ImportCache | None = None) -> None:
        """Read through `memory`; take imports that an earlier process read from `cache`."""
        self._memory = memory
        self._cache = cache or ImportCache(None)
        self.sources: dict[str, Source] = {}
        self.unreadable: set[str] = set()

    def get(self, path: str) -> Source | None:
        """Return the source of a file, or None when it cannot be read."""
        if path not in self.sources and path not in self.unreadable:
            try:
                self.sources[path] = self._load(path)
            except OSError:
                self.unreadable.add(path)
        return self.sources.get(path)

    def mark_loaded(self) -> None:
        """Remember that this process runs the content that was read here."""
        self._cache.save()
        self._memory.loaded.update({path: source.sha256 for path, source in self.sources.items()})

    def _load(self, path: str) -> Source:
        status = os.stat(path)  # noqa: PTH116  # hundreds of times at load
        fingerprint = (status.st_mtime_ns, status.st_size)
        for memory in (self._memory.parsed, self._memory.recalled):
            known = memory.get(path)
            if known is not None and known.fingerprint == fingerprint:
                return known
        return self._recall_or_parse(path, Path(path).read_bytes(), fingerprint)

    def _recall_or_parse(self, path: str, content: bytes, fingerprint: tuple[int, int]) -> Source:
        digest = hashlib.sha256(content).hexdigest()
        imports = self._cache.get(digest)
        if imports is not None:
            source = Source(fingerprint, digest, _text_sha256(content, digest), imports)
            self._memory.recalled[path] = source
            return source
        source = self._parse(path, content, fingerprint)
        self._cache.add(digest, source.imports)
        return source

    def _parse(self, path: str, content: bytes, fingerprint: tuple[int, int]) -> Source:
        digest = hashlib.sha256(content).hexdigest()
        known = self._memory.parsed.get(path)
        if known is not None and known.sha256 == digest:
            text, imports = known.text_sha256, known.imports
            fingerprint = known.fingerprint if fingerprint == _NO_FINGERPRINT else fingerprint
        else:
            text = _text_sha256(content, digest)
            imports = read_imports(content) if path.endswith(".py") else Imports()
        self._memory.parsed[path] = source = Source(fingerprint, digest, text, imports)
        return source


class FreshSourceReader(SourceReader):
    """The same, but every file is read from disk and its bytes are available."""

    def __init__(self, memory: SourceMemory) -> None:
        super().__init__(memory)
        self.contents: dict[str, bytes] = {}

    def changed(self) -> list[str]:
        """Return the files that differ from what this process had loaded."""
        loaded = self._memory.loaded
        return [path for path, source in self.sources.items() if loaded.get(path, source.sha256) != source.sha256]

    def _load(self, path: str) -> Source:
        self.contents[path] = content = Path(path).read_bytes()
        return self._parse(path, content, _NO_FINGERPRINT)


def _text_sha256(content: bytes, digest: str) -> str:
    if b"\r" not in content:
        return digest
    return hashlib.sha256(content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")).hexdigest()
