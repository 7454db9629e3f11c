"""A DVC project: its resolved graph, and what it recorded about each path. The room's front door."""

import os
from pathlib import Path

from lineage_pipelines.datasets.graph import PipelineGraph
from lineage_pipelines.datasets.metafiles import LockEntry
from lineage_pipelines.datasets.recorded import RecordedOutput
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records import StageRun


class DvcProject:
    """A DVC project.

    Args:
        path: any folder in it.

    Raises:
        DatasetError: the folder is in no DVC project.
    """

    root: Path
    """The folder that holds `.dvc`, absolute, symbolic links resolved."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.root = _find_root(Path(path))

    @property
    def cache_dir(self) -> Path:
        """Where DVC keeps its objects (`cache.dir`)."""
        return self.root / self.graph().cache_dir

    def object_path(self, md5: str, hash_name: str = "md5") -> Path:
        """Return where the cache keeps an object; DVC 2 (`md5-dos2unix`) used another layout."""
        base = self.cache_dir if hash_name == "md5-dos2unix" else self.cache_dir / "files" / "md5"
        return base / md5[:2] / md5[2:]

    def graph(self) -> PipelineGraph:
        """Return the pipeline as DVC resolves it.

        Raises:
            DatasetError: the project has problems that stop DVC too; all of them, by file and line.
        """
        raise NotImplementedError

    def recorded(self, path: str) -> RecordedOutput:
        """Return what DVC recorded about a path; a part of a tracked directory works too.

        Args:
            path: relative to the root with forward slashes, or absolute.

        Raises:
            DatasetError: nothing tracks it, or nothing is recorded yet.
        """
        raise NotImplementedError

    def lock(self, address: str) -> LockEntry | None:
        """Return what dvc.lock says of a stage, paths relative to the root; None when it has not run.

        Raises:
            DatasetError: there is no such stage, or its dvc.lock is not valid.
        """
        raise NotImplementedError

    def chain(self, path: str) -> tuple[StageRun, ...]:
        """Return every preparation step behind a path, sources first.

        Raises:
            DatasetError: nothing tracks it, or nothing is recorded yet.
        """
        raise NotImplementedError


def _find_root(path: Path) -> Path:
    start = path.resolve()
    for folder in (start, *start.parents):
        if (folder / ".dvc").is_dir():
            return folder
    raise DatasetError("not in a DVC project", where=str(start), fix="run `dvc init` in the project's folder")
