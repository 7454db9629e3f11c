"""A DVC project: its resolved graph, and what it recorded about each path."""

import copy
import os
import posixpath
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from lineage_pipelines.datasets.content.cache_layout import object_place
from lineage_pipelines.datasets.metafiles.directory_listing import Listing, read_listing
from lineage_pipelines.datasets.metafiles.problems import raise_problems, sort_problems
from lineage_pipelines.datasets.pipeline import graph_cache
from lineage_pipelines.datasets.pipeline.graph_cache import CachedGraph
from lineage_pipelines.datasets.pipeline.metafile_index import Ledger, RecordedOutput, metafile_of, owner_of, part_of
from lineage_pipelines.datasets.pipeline.pipeline_graph import PipelineGraph, Stage
from lineage_pipelines.datasets.pipeline.project_checks import (
    check_git,
    check_lock,
    check_tracked,
    lock_files,
)
from lineage_pipelines.datasets.pipeline.tree_scan import digest
from lineage_pipelines.errors import DatasetError
from lineage_pipelines.records.values.finding import Finding

if TYPE_CHECKING:
    from lineage_pipelines.datasets.metafiles.metafile_reader import LockEntry
    from lineage_pipelines.datasets.pipeline.chain import Chain
    from lineage_pipelines.records.statement.dataset import StageRun


class DvcProject:
    """A DVC project. Every method reads the files as they are now; `with_loaded_graph` loads the pipeline once.

    Args:
        path: any folder in it.

    Raises:
        DatasetError: the folder is in no DVC project.
    """

    root: Path
    """The folder that holds `.dvc`, absolute, symbolic links resolved."""

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.root = _find_root(Path(path))
        self._ledger = Ledger(self.root)
        self._loaded: PipelineGraph | None = None

    def with_loaded_graph(self) -> "DvcProject":
        """Return this project with its pipeline as it is now, for one operation on many paths.

        Stages and `.dvc` files that are added or removed later are not seen; what the others record is.

        Raises:
            DatasetError: as `graph`.
        """
        loaded = copy.copy(self)
        loaded._loaded = self.graph()  # noqa: SLF001  # of this class
        return loaded

    def graph(self) -> PipelineGraph:
        """Return the pipeline as DVC resolves it.

        Raises:
            DatasetError: the project has problems that stop DVC too; all of them, by file and line.
        """
        if self._loaded is not None:
            return self._loaded
        cached = graph_cache.load(self.root)
        if cached is None:
            return self._resolve(raising=True)[0]
        self._check_locks(cached)
        return cached.graph

    def problems(self) -> tuple[Finding, ...]:
        """Return all problems of the project, including those that do not prevent it from loading."""
        cached = graph_cache.load(self.root)
        if cached is None:
            graph, found = self._resolve(raising=False)
        else:
            graph, found = cached.graph, [problem for file in cached.locks for problem in check_lock(self.root, file)]
        found = [*found, *check_tracked(self.root, graph), *check_git(self.root, graph)]
        return tuple(sort_problems(set(found)))

    def _resolve(self, *, raising: bool) -> tuple[PipelineGraph, list[Finding]]:
        from lineage_pipelines.datasets.pipeline.resolution import resolve

        found = resolve(self.root)
        locks = {file: list(check_lock(self.root, file)) for file in lock_files(found.pipelines)}
        problems = [*found.problems, *(problem for each in locks.values() for problem in each)]
        if raising:
            raise_problems(problems, root=str(self.root))
        if not any(problem.failed for problem in problems):
            cached = graph_cache.make(self.root, found)
            cached.locks = {file: "" if each else digest(str(self.root / file)) for file, each in locks.items()}
            graph_cache.store(self.root, cached)
        return found.graph, problems

    def _check_locks(self, cached: CachedGraph) -> None:
        """Check every dvc.lock that changed since its last successful check."""
        now = {file: digest(str(self.root / file)) for file in cached.locks}
        changed = [file for file, value in now.items() if value != cached.locks.get(file)]
        problems = [problem for file in changed for problem in check_lock(self.root, file)]
        raise_problems(problems, root=str(self.root))
        if changed and not problems:
            cached.locks = now
            graph_cache.store(self.root, cached)

    @property
    def cache_dir(self) -> Path:
        """The folder of DVC's cache (`cache.dir`)."""
        if self._loaded is not None:
            return self.root / self._loaded.cache_dir
        cached = graph_cache.load(self.root)
        if cached is not None:
            return self.root / cached.graph.cache_dir
        # Asked of the configuration alone: resolving the graph writes to DVC's own state, and may not succeed.
        from lineage_pipelines.datasets.dvc_config import read_settings

        return self.root / read_settings(self.root).cache_dir

    def object_path(self, md5: str, hash_name: str = "md5") -> Path:
        """Return the path of an object in the cache; DVC 2 (`md5-dos2unix`) used another layout."""
        return object_place(self.cache_dir, md5, hash_name)

    def recorded(self, path: str | os.PathLike[str]) -> RecordedOutput:
        """Return what DVC recorded about a path; a part of a tracked directory works too.

        Args:
            path: relative to the root with forward slashes, or absolute.

        Raises:
            DatasetError: nothing tracks it, or nothing is recorded yet.
        """
        asked = self._relative(path)
        node, output = owner_of(self.graph(), asked)
        whole = self._ledger.out(node, output.path)
        found = RecordedOutput(
            path=output.path,
            content=whole.content,
            owner=node.address,
            metafile=metafile_of(node),
            output=output,
            whole=whole,
        )
        if asked == output.path:
            return found
        return part_of(found, posixpath.relpath(asked, output.path), asked, self.listing)

    def recorded_by(self, files: Collection[str]) -> tuple[RecordedOutput, ...]:
        """Return what `.dvc` files record, one for each path that they track.

        Args:
            files: relative to the root; those that are none of the project are skipped.

        Raises:
            DatasetError: one of them is not valid.
        """
        return tuple(
            RecordedOutput(
                path=output.path, content=whole.content, owner=node.file, metafile=node.file, output=output, whole=whole
            )
            for node in self.graph().tracked
            if node.file in files
            for output in node.outs
            for whole in [self._ledger.out(node, output.path)]
        )

    def lock(self, address: str) -> "LockEntry | None":
        """Return the entry of a stage in dvc.lock, with paths relative to the root; None if it has not run.

        Raises:
            DatasetError: there is no such stage, or its dvc.lock is not valid.
        """
        return self._ledger.entry(self.stage(address))

    def stage(self, address: str) -> Stage:
        """Return a stage by its address.

        Raises:
            DatasetError: there is no such stage; the message lists those that there are.
        """
        graph = self.graph()
        stage = graph.stage(address)
        if stage is None:
            known = ", ".join(sorted(known.address for known in graph.stages)) or "none"
            fix = "name one of these; where dvc.yaml changed, reload Dagster's code location"
            raise DatasetError(f"there is no stage {address!r}; there is {known}", where=str(self.root), fix=fix)
        return stage

    def chain(self, path: str | os.PathLike[str]) -> "tuple[StageRun, ...]":
        """Return every preparation step behind a path, sources first.

        Raises:
            DatasetError: nothing tracks it, or nothing is recorded yet.
        """
        return self.trace(path).runs

    def trace(self, path: str | os.PathLike[str]) -> "Chain":
        """Return the steps behind a path, with what is not known about them.

        Raises:
            DatasetError: nothing tracks it, or nothing is recorded yet.
        """
        from lineage_pipelines.datasets.pipeline.chain import ChainReader

        owner = self.recorded(path).owner
        return ChainReader(self.graph(), self._ledger, self.listing).read(owner)

    def listing(self, md5: str, hash_name: str = "md5") -> Listing | None:
        """Return the files of a directory; None if the cache lacks its listing.

        Raises:
            DatasetError: the listing in the cache was altered or is not safe.
        """
        path = self.object_path(md5, hash_name)
        return read_listing(path, md5) if path.exists() else None

    def _relative(self, path: str | os.PathLike[str]) -> str:
        text = os.fspath(path)
        absolute = posixpath.normpath(posixpath.join(str(self.root), text))
        inside = posixpath.relpath(absolute, str(self.root))
        if inside.startswith("../") or inside == "..":
            raise DatasetError(f"{text!r} lies outside the DVC project", where=str(self.root))
        return inside


def _find_root(path: Path) -> Path:
    start = path.resolve()
    for folder in (start, *start.parents):
        if (folder / ".dvc").is_dir():
            return folder
    raise DatasetError("not in a DVC project", where=str(start), fix="run `dvc init` in the project's folder")
