"""Workspace status: whether the workspace matches what DVC recorded, for sensors and before data is used.

Cheap while nothing changed: no DVC import, no file read (snapshots.py). Nothing is changed here.
"""

import os
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from lineage_pipelines.datasets.content.snapshots import SnapshotCache
from lineage_pipelines.datasets.metafiles.directory_listing import read_listed_objects
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.pipeline.metafile_index import RecordedOutput
from lineage_pipelines.datasets.pipeline.pipeline_graph import TrackedFile
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.values.content import Content

_WORTH_LISTING = 4
"""While a folder of the cache holds no more than this many times the objects that are looked for."""


class WorkspaceState(StrEnum):
    """How the workspace compares with what DVC recorded."""

    OK = "ok"
    MODIFIED = "modified"
    MISSING = "missing"
    NOT_IN_CACHE = "not in cache"
    """The workspace has it, but DVC's cache has no copy: a change in the workspace would lose it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackedObservation:
    """The state of a tracked path."""

    path: str
    """Relative to the DVC root."""
    metafile: str
    """The `.dvc` file or dvc.lock that records it."""
    content: Content
    """As recorded."""
    state: WorkspaceState
    actual: str | None
    """The MD5 of the workspace's content; None if it is missing."""


def snapshots_of(project: DvcProject) -> SnapshotCache:
    """Return the snapshots of a project; data may be links into its cache."""
    return SnapshotCache(project.root, links_into=[project.cache_dir])


def observe(project: DvcProject, path: str) -> TrackedObservation:
    """Return the state of a tracked path.

    Args:
        project: the DVC project.
        path: relative to the root: the data, or a `.dvc` file that tracks one path.

    Raises:
        DatasetError: nothing tracks the path, or the data cannot be read.
    """
    recorded = project.recorded(_tracked_path(project, path))
    state, actual = compare(project, recorded)
    if state is WorkspaceState.OK and recorded.output.cache and not is_cached(project, recorded):
        state = WorkspaceState.NOT_IN_CACHE
    return TrackedObservation(
        path=recorded.path,
        metafile=recorded.metafile,
        content=recorded.content,
        state=state,
        actual=actual,
    )


def _tracked_path(project: DvcProject, path: str) -> str:
    tracked = _tracked_file(project, path) if path.endswith(".dvc") else None
    if tracked is None:
        return path
    if len(tracked.outs) == 1:
        return tracked.outs[0].path
    names = ", ".join(repr(out.path) for out in tracked.outs) or "none"
    raise DatasetError(
        f"the file tracks {len(tracked.outs)} paths: {names}", where=path, fix="observe each of them by its own path"
    )


def _tracked_file(project: DvcProject, path: str) -> TrackedFile | None:
    return next((tracked for tracked in project.graph().tracked if tracked.file == path), None)


def compare(
    project: DvcProject, recorded: RecordedOutput, *, md5: str | None = None
) -> tuple[WorkspaceState, str | None]:
    """Return how the workspace compares with a record, ignoring the cache, and the digest of its content.

    Args:
        project: the DVC project.
        recorded: the record.
        md5: the expected MD5, if the record itself has none.

    Raises:
        DatasetError: the data cannot be read.
    """
    place = project.root / recorded.path
    if not place.exists():
        return WorkspaceState.MISSING, None
    actual = snapshots_of(project).name(place, recorded.content.hash_name)
    return (WorkspaceState.OK if actual == (md5 or recorded.content.md5) else WorkspaceState.MODIFIED), actual


class Objects:
    """The objects of DVC's cache, by MD5. Only their presence is checked."""

    def __init__(self, project: DvcProject, hash_name: str) -> None:
        # Once for all of perhaps many objects.
        self._base = str(project.object_path("0" * 32, hash_name).parent.parent)

    def path(self, md5: str) -> str:
        """Return where an object is or would be."""
        return f"{self._base}/{md5[:2]}/{md5[2:]}"

    def has(self, md5: str) -> bool:
        """Whether there is an object."""
        return os.access(self.path(md5), os.F_OK)

    def has_all(self, md5s: Iterable[str]) -> bool:
        """Whether the cache has all of many objects.

        The folders of the cache are listed, which costs a tenth of checking each name, unless the first folder
        shows that the cache holds far more objects.
        """
        wanted: dict[str, set[str]] = defaultdict(set)
        for md5 in md5s:
            wanted[md5[:2]].add(md5[2:])
        listing = True
        for folder, names in wanted.items():
            found = self._list(folder) if listing else {name for name in names if self.has(folder + name)}
            if not found >= names:
                return False
            listing = listing and len(found) <= _WORTH_LISTING * len(names)
        return True

    def _list(self, folder: str) -> set[str]:
        try:
            return set(os.listdir(f"{self._base}/{folder}"))  # noqa: PTH208  # names, not paths
        except OSError:
            return set()


def is_cached(project: DvcProject, recorded: RecordedOutput) -> bool:
    """Whether DVC's cache holds all of a recorded path."""
    objects = Objects(project, recorded.content.hash_name)
    md5 = recorded.content.md5
    if md5 is None or not objects.has(md5):
        return False
    return not recorded.content.is_dir or objects.has_all(read_listed_objects(Path(objects.path(md5)), md5))


def refuse_difference(recorded: RecordedOutput, actual: str | None, *, root: Path) -> DatasetError:
    """Make the error for data that differs from what DVC recorded."""
    by_stage = recorded.owner != recorded.metafile
    record_it = f"dvc commit {recorded.owner}" if by_stage else f"dvc add {recorded.output.path}"
    return DatasetError(
        f"{recorded.path!r} is not what {recorded.metafile} records: recorded {recorded.content.md5}, found {actual}",
        where=str(root / recorded.path),
        fix=f"keep the workspace: `{record_it}`; or restore the recorded data: `dvc checkout {recorded.output.path}`",
    )
