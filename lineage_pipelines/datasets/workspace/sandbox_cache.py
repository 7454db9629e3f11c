"""A DVC cache for a sandbox, with the very objects that a record names and no others.

A past run is rebuilt from data by its digest: whatever the workspace holds now, and whatever `dvc gc` took from the
cache since. The project is only read: its files, its cache, DVC's site cache and Git stay as they are, also when this
is killed. What `.dvc/tmp/lineage_pipelines` remembers of the workspace's files may grow.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.data_state import NamedData, StoredData
from lineage_pipelines.datasets.workspace.object_search import Search
from lineage_pipelines.datasets.workspace.private_cache import PrivateCache

_NO_FOLDERS: Mapping[str, Collection[str]] = {}


def provision(
    project: DvcProject,
    wanted: Sequence[NamedData],
    cache: Path,
    *,
    folders: Mapping[str, Collection[str]] = _NO_FOLDERS,
    copies: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> list[StoredData]:
    """Put every object of some data into a cache of its own; return how each of the data stands.

    Objects are taken from DVC's cache or from the pins (linked), else from the workspace where the bytes are the
    recorded ones, else from the default remote (copied). Each is hashed; what was altered is not taken. Where one
    copy was altered and another is right, the right one is taken. It may be called again with the same folder, for
    more data or after it was killed.

    Args:
        project: the DVC project.
        wanted: the data.
        cache: the folder; made, in the layout of DVC's cache.
        folders: for each path of a directory that records name, its MD5s: data may be a part of one. The listing of
            that directory is put into the cache too.
        copies: whether to copy everything, for a sandbox whose code might write through a link. They share their
            blocks with the project's objects where the file system can do that.
        progress: called with how many files were read so far, from any thread.

    Raises:
        DatasetError: the project's configuration cannot be read, or the folder cannot be written. Data that is not
            there is an answer.
    """
    cache.mkdir(parents=True, exist_ok=True)
    found = Search(project, folders, PrivateCache(cache, copies=copies)).run(wanted, progress)
    return [_named(one, said) for one, said in zip(wanted, found, strict=True)]


def _named(one: NamedData, said: StoredData) -> StoredData:
    """Say which data it is that is not there: a sandbox shows these words without a table around them."""
    if not said.words:
        return said
    return StoredData(state=said.state, words=f"{one.path} (MD5 {one.md5}): {said.words}", size=said.size)
