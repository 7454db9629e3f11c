"""What tests of sandboxes share: digests of whole folders, throwaway clones, data by its record."""

import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from lineage_pipelines.datasets.content.snapshots import SnapshotCache
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.data_state import NamedData
from lineage_pipelines.datasets.workspace.placement import place
from lineage_pipelines.records.statement.dataset import DatasetSnapshot
from lineage_pipelines_tests.world import World

OWN = Path(".dvc", "tmp", "lineage_pipelines")
"""What this package remembers of a project's files; nobody's state but ours."""


def state_of(root: Path) -> dict[str, str]:
    """Return every file below a folder with its kind, mode and content; Git's, DVC's and its site cache's too."""
    return dict(_state(root))


def _state(root: Path) -> Iterator[tuple[str, str]]:
    for path in sorted(root.rglob("*")):
        relative = path.relative_to(root)
        if relative == OWN or OWN in relative.parents:
            continue
        status = path.lstat()
        said = f"{status.st_mode:o} {status.st_nlink if path.is_file() else ''}"
        if path.is_symlink():
            yield str(relative), f"{said} -> {path.readlink()}"
        elif path.is_file():
            yield str(relative), f"{said} {status.st_mtime_ns} {sha256(path.read_bytes()).hexdigest()}"
        else:
            yield str(relative), said


def named(world: World, path: str) -> NamedData:
    """Return data of the workspace as a record would name it."""
    digest = SnapshotCache(world.root).snapshot(world.path(path)).digest
    return NamedData(path=path, md5=digest.md5 or "", sha256=digest.sha256)


def snapshot(world: World, path: str) -> DatasetSnapshot:
    """Return the record of data of the workspace."""
    found = SnapshotCache(world.root).snapshot(world.path(path))
    return DatasetSnapshot(name=path, role="train", path=path, digest=found.digest, size=found.size, files=found.files)


def clone(world: World, into: Path, revision: str = "HEAD") -> Path:
    """Check out a commit of the project somewhere else; nothing of DVC's comes with it but what Git has."""
    subprocess.run(["git", "clone", "-q", "--no-checkout", "--no-hardlinks", world.root, into], check=True)
    subprocess.run(["git", "checkout", "-q", revision], cwd=into, check=True)
    return into


def placed(root: Path, path: str, into: Path) -> dict[str, bytes]:
    """Place data of a sandbox as a training would get it; return its files."""
    found = place(DvcProject(root), path, into)
    if found.path.is_file():
        return {"": found.path.read_bytes()}
    return {str(p.relative_to(found.path)): p.read_bytes() for p in sorted(found.path.rglob("*")) if p.is_file()}


def forget_data(world: World) -> None:
    """Remove the data from the workspace."""
    shutil.rmtree(world.path("data"))


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)
