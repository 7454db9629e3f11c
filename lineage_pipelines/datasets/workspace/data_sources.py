"""Data sources: where recorded bytes can be read: DVC's cache, else the workspace, else after `dvc fetch`.

Nothing is trusted here: the MD5 is compared when the bytes are copied (placement.py).
"""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lineage_pipelines.datasets.content.hashing import directory_md5
from lineage_pipelines.datasets.content.stable_read import unreadable
from lineage_pipelines.datasets.metafiles.directory_listing import Listing, read_listing
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.metafile_index import RecordedOutput
from lineage_pipelines.datasets.workspace.workspace_status import (
    Objects,
    WorkspaceState,
    compare,
    refuse_difference,
    snapshots_of,
)
from lineage_pipelines.errors import DatasetError

_SHOWN = 10


@dataclass(frozen=True, slots=True)
class Source:
    """One file to be placed."""

    relative: str
    """Its place in the directory; empty for a single file."""
    md5: str
    """The expected MD5."""
    path: str
    """The path of its bytes."""
    size: int
    """Approximate size in bytes."""
    cached: bool
    """Whether that is an object of DVC's cache; otherwise it is a file of the workspace."""


@dataclass(frozen=True, slots=True)
class Found:
    """Recorded data whose every file was found."""

    md5: str
    """With `.dir` for a directory."""
    is_dir: bool
    sources: tuple[Source, ...]


def find_sources(project: DvcProject, recorded: RecordedOutput) -> Found:
    """Find every file of a recorded path; fetch those that are not on this machine.

    Raises:
        DatasetError: nothing is recorded, the workspace holds something else, or files are missing everywhere.
    """
    files, is_dir = _recorded_files(project, recorded)
    md5 = directory_md5(files) if is_dir else files[0][1]
    state, actual = compare(project, recorded, md5=md5)
    if state is WorkspaceState.MODIFIED:
        raise refuse_difference(recorded, actual, root=project.root)
    sources, missing = _locate(project, recorded, files, in_workspace=state is WorkspaceState.OK)
    if missing and recorded.output.cache:
        fetch(project, recorded)
        sources, missing = _locate(project, recorded, files, in_workspace=state is WorkspaceState.OK)
    if missing:
        raise _missing(project, recorded, missing)
    return Found(md5, is_dir, tuple(sources))


def find_local(project: DvcProject, recorded: RecordedOutput) -> Found | None:
    """Find every file of a recorded path on this machine; None where one is missing. Nothing is fetched.

    Raises:
        DatasetError: a listing in DVC's cache was altered.
    """
    listed = list_files(project, recorded)
    if listed is None:
        return None
    files, is_dir = listed
    md5 = directory_md5(files) if is_dir else files[0][1]
    sources, missing = _locate(project, recorded, files, in_workspace=False)
    if missing and compare(project, recorded, md5=md5)[0] is WorkspaceState.OK:
        sources, missing = _locate(project, recorded, files, in_workspace=True)
    return None if missing else Found(md5, is_dir, tuple(sources))


def list_files(project: DvcProject, recorded: RecordedOutput) -> tuple[Listing, bool] | None:
    """Return relative path and MD5 of every file of a recorded path, and whether they are a directory's.

    None where that is not known on this machine. Nothing is fetched.

    Raises:
        DatasetError: a listing in DVC's cache was altered.
    """
    whole = recorded.whole.content
    if whole.md5 is None and not recorded.whole.listing:
        return None
    if whole.is_dir and whole.md5 is not None and _known_listing(project, recorded, whole.md5) is None:
        return None
    return _recorded_files(project, recorded)


def _recorded_files(project: DvcProject, recorded: RecordedOutput) -> tuple[Listing, bool]:
    """Return relative path and MD5 of every file, and whether they are a directory's."""
    whole = recorded.whole
    if whole.content.md5 is None and not whole.listing:
        raise DatasetError(
            f"no content is recorded for {recorded.path!r}",
            where=str(project.root / recorded.metafile),
            fix=f"download it: `dvc update {recorded.owner}`; or record it: `dvc commit {recorded.owner}`",
        )
    if not whole.content.is_dir:
        return (("", whole.content.md5 or ""),), False
    listing = _listing(project, recorded)
    if recorded.inside is None:
        return listing, True
    return _part(listing, recorded, project.root)


def _part(listing: Listing, recorded: RecordedOutput, root: Path) -> tuple[Listing, bool]:
    inside = recorded.inside or ""
    for relative, md5 in listing:
        if relative == inside:
            return (("", md5),), False
    below = tuple((path.removeprefix(f"{inside}/"), md5) for path, md5 in listing if path.startswith(f"{inside}/"))
    if below:
        return below, True
    raise DatasetError(f"{recorded.output.path!r} as recorded contains no {inside!r}", where=str(root))


def _listing(project: DvcProject, recorded: RecordedOutput) -> Listing:
    whole = recorded.whole
    md5 = whole.content.md5
    if md5 is None:
        return tuple((path, name) for path, name in whole.listing if name is not None)
    known = _known_listing(project, recorded, md5)
    if known is not None:
        return known
    fetch(project, recorded)
    stored = project.object_path(md5, whole.content.hash_name)
    if stored.exists():
        return read_listing(stored, md5)
    raise _missing(project, recorded, [f"the listing of the directory (MD5 {md5})"])


def _known_listing(project: DvcProject, recorded: RecordedOutput, md5: str) -> Listing | None:
    """Return the listing of a directory from the cache, else from an unchanged workspace."""
    hash_name = recorded.whole.content.hash_name
    stored = project.object_path(md5, hash_name)
    if stored.exists():
        return read_listing(stored, md5)
    workspace = project.root / recorded.output.path
    if workspace.is_dir():
        listing = snapshots_of(project).listing(workspace, hash_name)
        if directory_md5(listing) == md5:
            return listing
    return None


def _locate(
    project: DvcProject, recorded: RecordedOutput, files: Listing, *, in_workspace: bool
) -> tuple[list[Source], list[str]]:
    """Return the files that were found, and the names of the missing ones."""
    objects = Objects(project, recorded.content.hash_name)
    found, missing = [], []
    for relative, md5 in files:
        if recorded.output.cache and objects.has(md5):
            found.append(_source(relative, md5, _unlinked(objects.path(md5)), cached=True))
        elif in_workspace:
            path = str((project.root / recorded.path / relative).resolve())
            found.append(_source(relative, md5, path, cached=False))
        else:
            missing.append(f"{relative or recorded.path} (MD5 {md5})")
    return found, missing


def _unlinked(path: str) -> str:
    # A sandbox's cache is made of links (private_cache.py). Wherever one leads, only the recorded bytes are taken.
    return os.path.realpath(path) if os.path.islink(path) else path  # noqa: PTH114  # once for each of many files


def _source(relative: str, md5: str, path: str, *, cached: bool) -> Source:
    try:
        size = os.stat(path).st_size  # noqa: PTH116  # once for each of perhaps many files
    except OSError as error:
        raise unreadable(path, error) from error
    return Source(relative, md5, path, size, cached)


def fetch(project: DvcProject, recorded: RecordedOutput) -> None:
    """Fetch the recorded data of a path into DVC's cache, if a remote has it."""
    from lineage_pipelines.datasets.dvc_api import fetch_data

    fetch_data(project.root, [recorded.path])


def _missing(project: DvcProject, recorded: RecordedOutput, names: Sequence[str]) -> DatasetError:
    shown = "\n".join(f"    {name}" for name in names[:_SHOWN])
    more = f"\n    and {len(names) - _SHOWN:,} more" if len(names) > _SHOWN else ""
    if not recorded.output.cache:
        return DatasetError(
            f"{recorded.path!r} is missing, and DVC keeps no copy of it (cache: false)",
            where=str(project.root / recorded.path),
            fix=f"restore it (`git checkout -- {recorded.path}`) or make it again (`dvc repro {recorded.owner}`)",
        )
    return DatasetError(
        f"{recorded.path!r} is missing from the workspace, from DVC's cache and from its remote:\n{shown}{more}",
        where=str(project.cache_dir),
        fix=f"`dvc fetch {recorded.path}` where a remote has it, or `dvc push` from the machine that made it",
    )
