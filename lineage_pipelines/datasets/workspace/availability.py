"""Availability of recorded data, byte for byte: in DVC's cache, our pins, the workspace, the default remote.

Nothing is fetched and nothing is changed.
"""

from collections.abc import Callable, Collection, Mapping, Sequence

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.data_state import NamedData, StoredData
from lineage_pipelines.datasets.workspace.object_search import Search


def check_stored(
    project: DvcProject,
    wanted: Sequence[NamedData],
    *,
    folders: Mapping[str, Collection[str]],
    progress: Callable[[int], None] = lambda _: None,
) -> list[StoredData]:
    """Return how each of the data stands.

    Args:
        project: the DVC project.
        wanted: the data.
        folders: for each path of a directory that records name, its MD5s: data may be a part of one.
        progress: called with how many files were read so far, from any thread.

    Raises:
        DatasetError: the project cannot be read.
    """
    return Search(project, folders).run(wanted, progress)
