"""The source files that a training function can reach by its imports: what `code_version` and the record are made of.

Static and deterministic: syntax is read, nothing is imported or executed, and the answer depends only on the content
and the relative paths of the project's files. Followed are all imports but those for type checkers (`imports.py`),
to files of the project only (`modules.py`), with the `__init__` of every package on the way. What lies outside, and
what cannot be followed, is a gap.
"""

import hashlib
import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from lineage_pipelines.capture.blobs import Blobs, Gaps
from lineage_pipelines.capture.sources.entry import find_entry, source_text
from lineage_pipelines.capture.sources.extra_sources import expand_sources
from lineage_pipelines.capture.sources.files import FreshSources, Sources
from lineage_pipelines.capture.sources.kept_imports import KeptImports
from lineage_pipelines.capture.sources.walk import ImportWalk
from lineage_pipelines.records import Digest, SourceClosure, SourceFile


def source_closure(
    entry: Callable[..., object], *, root: Path, extra_sources: Sequence[Path] = ()
) -> tuple[SourceClosure | None, Blobs, Gaps]:
    """Return the project's files that a function reaches, their contents as blobs, and what is missing.

    Args:
        entry: the training function.
        root: the project's root; paths are relative to it.
        extra_sources: files and folders that matter beside what is imported (SQL, templates), under `root`.

    Raises:
        CaptureError: an extra source is not there or not under `root`.
    """
    function = find_entry(entry)
    sources = FreshSources()
    walk = ImportWalk(root, function, sources)
    paths = walk.files() | expand_sources(root, extra_sources)
    contents = {name: sources.contents[path] for name, path in sorted(paths.items()) if sources.get(path) is not None}
    gaps = tuple(walk.gaps(sources.changed()))
    if function.file is None and not contents:
        return None, {}, gaps
    files = tuple(SourceFile(path=name, sha256=hashlib.sha256(data).hexdigest()) for name, data in contents.items())
    digest = Digest.of(_sum_lines((file.path, file.sha256) for file in files))
    blobs, withheld = _blobs(contents)
    return SourceClosure(entry=function.name, files=files, digest=digest), blobs, (*gaps, *withheld)


def code_digest(
    entry: Callable[..., object], *, root: Path, extra_sources: Sequence[Path] = (), keep: Path | None = None
) -> str:
    """Return the hex digest of a function and every project file it reaches, for Dagster's `code_version`.

    Equal on every machine and checkout: relative paths and contents count; line ends, clocks and the current folder
    do not. Cheap enough for load time: an unchanged file is not read again in one process.

    Args:
        entry: the training function.
        root: the project's root.
        extra_sources: files and folders that matter beside what is imported, under `root`.
        keep: a file in which to keep what the sources import, so that the next process parses only what changed.

    Raises:
        CaptureError: an extra source is not there or not under `root`.
    """
    function = find_entry(entry)
    sources = Sources(KeptImports(keep))
    walk = ImportWalk(root, function, sources)
    paths = walk.files() | expand_sources(root, extra_sources)
    found = {name: source for name, path in paths.items() if (source := sources.get(path)) is not None}
    sources.mark_loaded()
    parts = [f"{function.name}\n".encode(), _sum_lines((name, source.text_sha256) for name, source in found.items())]
    if not walk.starts_inside:
        outside = sources.get(function.file) if function.file is not None else None
        parts.append(outside.text_sha256.encode() if outside is not None else source_text(entry).encode())
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _sum_lines(files: Iterable[tuple[str, str]]) -> bytes:
    """The lines that `sha256sum` prints, with its escape for odd names; sorted by the bytes of the path."""
    lines = []
    for name, digest in files:
        escaped = name.replace("\\", "\\\\").replace("\n", "\\n").replace("\r", "\\r")
        mark = "" if escaped == name else "\\"
        lines.append((os.fsencode(name), f"{mark}{digest}  {escaped}\n".encode()))
    return b"".join(line for _, line in sorted(lines))


def _blobs(contents: dict[str, bytes]) -> tuple[Blobs, Gaps]:
    from lineage_pipelines.capture.secrets import secret_lines  # its patterns take time to compile

    blobs: dict[Digest, bytes] = {}
    gaps: list[str] = []
    for name, data in contents.items():
        lines = secret_lines(data)
        if lines:
            gaps.append(f"code.source: {name} withheld, it holds what looks like a secret at {name}:{lines[0][0]}")
        else:
            blobs[Digest.of(data)] = data
    return blobs, tuple(gaps)
