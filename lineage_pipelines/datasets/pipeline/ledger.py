"""What dvc.lock and the `.dvc` files say of the nodes of a graph, with every path relative to the DVC root.

The readers (readers.py) give paths as they are written; a stage's working folder turns them into the project's.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lineage_pipelines.datasets.metafiles.places import Locator
from lineage_pipelines.datasets.metafiles.readers import LockEntry, Recorded, read_lock, read_tracked
from lineage_pipelines.datasets.pipeline.graph import Stage, TrackedFile
from lineage_pipelines.datasets.pipeline.tree_scan import digest
from lineage_pipelines.errors import DatasetError


def lock_file(stage_file: str) -> str:
    """Return the dvc.lock beside a dvc.yaml, both relative to the DVC root."""
    return posixpath.join(posixpath.dirname(stage_file), "dvc.lock")


class Ledger:
    """Reads the metafiles of one project; a dvc.lock is parsed again only when its bytes changed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._locator = Locator(str(root))
        self._locks: dict[str, tuple[str | None, Mapping[str, LockEntry]]] = {}

    def entry(self, stage: Stage) -> LockEntry | None:
        """Return what dvc.lock says of a stage; None when it has not run.

        Raises:
            DatasetError: its dvc.lock is not valid.
        """
        entry = self._lock(lock_file(stage.file)).get(stage.name)
        if entry is None:
            return None
        return replace(
            entry,
            address=stage.address,
            deps=self._placed(entry.deps, stage.wdir),
            params={self._place(file, stage.wdir): values for file, values in entry.params.items()},
            outs=self._placed(entry.outs, stage.wdir),
        )

    def outs(self, node: Stage | TrackedFile) -> tuple[Recorded, ...]:
        """Return what is recorded of the outputs of a node; nothing when it has not run.

        Raises:
            DatasetError: its metafile is not valid.
        """
        if isinstance(node, TrackedFile):
            return self._placed(read_tracked(self.root / node.file).outs, node.wdir)
        entry = self.entry(node)
        return entry.outs if entry is not None else ()

    def out(self, node: Stage | TrackedFile, path: str) -> Recorded:
        """Return what is recorded of one output.

        Raises:
            DatasetError: nothing is, or the metafile is not valid.
        """
        found = next((out for out in self.outs(node) if out.path == path), None)
        if found is not None:
            return found
        tracked = isinstance(node, TrackedFile)
        raise DatasetError(
            f"nothing is recorded about {path!r} yet",
            where=metafile_of(node),
            fix=f"record it with `dvc commit {node.file}`" if tracked else f"run the stage: `dvc repro {node.address}`",
        )

    def _lock(self, file: str) -> Mapping[str, LockEntry]:
        path = self.root / file
        if not path.exists():
            return {}
        now = digest(str(path))
        known = self._locks.get(file)
        if known is None or known[0] != now:
            known = (now, read_lock(path))
            self._locks[file] = known
        return known[1]

    def _placed(self, recorded: tuple[Recorded, ...], wdir: str) -> tuple[Recorded, ...]:
        return tuple(replace(item, path=self._place(item.path, wdir)) for item in recorded)

    def _place(self, text: str, wdir: str) -> str:
        return self._locator.locate(text, posixpath.join(str(self.root), wdir)).path


def metafile_of(node: Stage | TrackedFile) -> str:
    """Return the file that records the outputs of a node, relative to the DVC root."""
    return node.file if isinstance(node, TrackedFile) else lock_file(node.file)
