"""What tests of placing share: the data, and what they do to it."""

import shutil
from pathlib import Path

import pytest

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.placement import place
from lineage_pipelines.errors import DatasetError
from lineage_pipelines_tests.world import World

FILES = {"a.csv": "x\n1\n", "sub/ü.csv": "x\n2\n", "sub/deeper/c.csv": "", "twin.csv": "x\n1\n"}


def forget(world: World, *names: str) -> None:
    """Remove data from the workspace."""
    for name in names:
        path = world.path(name)
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def cached(world: World, project: DvcProject, path: str) -> Path:
    return world.cached(project.recorded(path).content.md5 or "")


def alter(path: Path, data: bytes = b"altered") -> None:
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(0o444)


def modes(path: Path) -> set[int]:
    return {inner.stat().st_mode & 0o777 for inner in [path, *path.rglob("*")]}


def check_nothing_left(into: Path) -> None:
    assert not into.exists()


def refuse(project: DvcProject, path: str, into: Path) -> DatasetError:
    with pytest.raises(DatasetError) as caught:
        place(project, path, into)
    return caught.value
