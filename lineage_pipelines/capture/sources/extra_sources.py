"""Extra sources: files that an author declares beside what is imported: SQL, templates, configuration."""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from lineage_pipelines.capture.gaps import plain_path
from lineage_pipelines.capture.tool_caches import is_tool_cache
from lineage_pipelines.errors import CaptureError

MAX_SOURCE_BYTES = 16 * 1024 * 1024
"""A larger file is data."""


def expand_sources(root: Path, declared: Sequence[Path]) -> dict[str, str]:
    """Return the files of declared files and folders: path relative to the root, to absolute path.

    Of a folder every file counts but hidden ones and caches of tools, such as compiled Python.

    Raises:
        CaptureError: something is not there, not under the root, or too large to be source.
    """
    base = Path(os.path.realpath(root))
    found = {}
    for each in declared:
        path = base / each
        for file in _files(path):
            if not file.resolve().is_relative_to(base) or ".." in each.parts:
                raise CaptureError(
                    "an extra source is outside the project", where=str(each), fix="give paths inside the repository"
                )
            if file.stat().st_size > MAX_SOURCE_BYTES:
                raise CaptureError(
                    f"an extra source is larger than {MAX_SOURCE_BYTES // 1024**2} MB",
                    where=str(file.relative_to(base)),
                    fix="track it with DVC and declare it as an input",
                )
            found[plain_path(file.relative_to(base).as_posix())] = str(file)
    return found


def _files(path: Path) -> Iterator[Path]:
    if path.is_file():
        yield path
    elif path.is_dir():
        for folder, folders, names in os.walk(path):
            folders[:] = sorted(f for f in folders if not (f.startswith(".") or is_tool_cache(f)))
            yield from (Path(folder) / name for name in sorted(names) if _is_source(Path(folder) / name))
    else:
        raise CaptureError("an extra source does not exist", where=str(path), fix="correct the path, or leave it out")


def _is_source(path: Path) -> bool:
    return not (path.name.startswith(".") or is_tool_cache(path.name)) and path.is_file()
