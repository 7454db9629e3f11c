"""Placement of inputs: private, read-only copies whose digests are computed while they are copied.

So the record names exactly the bytes that the training read, even if the workspace or the cache is edited meanwhile.
DVC does not verify its cache, so every byte is hashed here, and bytes that differ from what DVC recorded are refused.
"""

import contextlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from lineage_pipelines.datasets.content.hashing import FileDigests, listing_sha256
from lineage_pipelines.datasets.content.snapshots import Snapshot
from lineage_pipelines.datasets.content.stable_read import ChangingDataError
from lineage_pipelines.datasets.content.thread_pool import spread
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.metafile_index import RecordedOutput
from lineage_pipelines.datasets.workspace.data_sources import Found, Source, find_sources
from lineage_pipelines.datasets.workspace.file_copy import copy_file, unwritable
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.values.digest import DigestSet

_PRIVATE = 0o700
_READ_ONLY = 0o555


@dataclass(frozen=True, slots=True)
class Placed:
    """Data in a private folder, with its digests."""

    path: Path
    """A read-only file or folder."""
    content: Snapshot
    """The digests of these bytes; the MD5 is the one that DVC recorded."""
    recorded: RecordedOutput
    files: tuple[tuple[str, FileDigests], ...] = ()
    """Relative path and digests of the files of a folder."""


def place(project: DvcProject, path: str, into: Path) -> Placed:
    """Copy the recorded bytes of a tracked path into a private folder.

    The bytes come from DVC's cache, from the workspace where the cache lacks them, or from the remote. They keep
    their base name, such as `train.parquet`. Several threads and processes may place at once;
    `discard` removes what was placed.

    Args:
        project: the DVC project.
        path: relative to the root with forward slashes; a file or folder that DVC tracks, or a part of such a folder.
        into: the private folder; created (mode 0700) if missing. It must not contain that name yet.

    Raises:
        DatasetError: the path is not tracked; the workspace differs from what is recorded; bytes are missing or were
            altered; or the place cannot be written. Nothing is left there then.
    """
    recorded = project.recorded(path)
    return place_found(recorded, find_sources(project, recorded), into)


def place_found(recorded: RecordedOutput, found: Found, into: Path) -> Placed:
    """Copy recorded data whose every file was found into a private folder. As `place`."""
    target = into / PurePosixPath(recorded.path).name
    plan = _Plan(recorded, sum(source.size for source in found.sources))
    with _private_folder(into):
        if found.is_dir:
            copied = _place_folder(plan, found.sources, target)
            sha256 = listing_sha256((source.relative, one.sha256) for source, one in copied)
        else:
            copied = [(found.sources[0], _place_file(plan, found.sources[0], target))]
            sha256 = copied[0][1].sha256
    size = sum(one.size for _, one in copied)
    content = Snapshot(DigestSet(md5=found.md5, sha256=sha256), size, len(copied))
    files = tuple((source.relative, one) for source, one in copied) if found.is_dir else ()
    return Placed(target, content, recorded, files)


def discard(path: Path) -> None:
    """Remove placed data or its folder; a missing path is not an error."""
    if path.is_dir() and not path.is_symlink():
        for folder, _, _ in os.walk(path):
            Path(folder).chmod(_PRIVATE)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@dataclass(frozen=True, slots=True)
class _Plan:
    recorded: RecordedOutput
    needs: int
    """Bytes in all."""


@contextmanager
def _private_folder(path: Path) -> Iterator[None]:
    """Create a folder if it is missing; remove it again if an exception is raised."""
    made = not path.exists()
    try:
        path.mkdir(mode=_PRIVATE, parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(path, 0, error) from error
    try:
        yield
    except BaseException:
        if made:
            with contextlib.suppress(OSError):
                path.rmdir()
        raise


def _place_folder(plan: _Plan, sources: Sequence[Source], target: Path) -> list[tuple[Source, FileDigests]]:
    try:
        target.mkdir(mode=_PRIVATE)
    except OSError as error:
        raise unwritable(target, plan.needs, error) from error
    try:
        folders = _make_folders(plan, sources, target)
        copied = spread(
            lambda source: _place_file(plan, source, target / source.relative), sources, size=lambda source: source.size
        )
        for folder in folders:
            folder.chmod(_READ_ONLY)
    except BaseException:
        discard(target)
        raise
    return list(zip(sources, copied, strict=True))


def _make_folders(plan: _Plan, sources: Sequence[Source], target: Path) -> list[Path]:
    """Make the folders of a listing; return them and `target`, the innermost first."""
    inner = {parent for source in sources for parent in PurePosixPath(source.relative).parents}
    folders = [target / folder for folder in sorted(inner | {PurePosixPath()}, key=lambda folder: len(folder.parts))]
    for folder in folders[1:]:
        try:
            folder.mkdir(mode=_PRIVATE)
        except OSError as error:
            raise unwritable(folder, plan.needs, error) from error
    return folders[::-1]


def _place_file(plan: _Plan, source: Source, target: Path) -> FileDigests:
    copied = copy_file(source.path, target, plan.recorded.content.hash_name, needs=plan.needs)
    if copied.md5 == source.md5:
        return copied
    target.unlink()
    if not source.cached:
        raise ChangingDataError(
            f"the file changed while it was read: recorded {source.md5}, found {copied.md5}",
            where=source.path,
            fix="wait until nothing writes to it, then try again",
        )
    raise DatasetError(
        f"an object of DVC's cache was altered: expected MD5 {source.md5}, found {copied.md5}",
        where=source.path,
        fix=f"remove it (`rm -f {source.path}`), then bring it back: `dvc fetch {plan.recorded.path}` from a remote, "
        f"or `dvc commit {plan.recorded.owner}` from the workspace",
    )
