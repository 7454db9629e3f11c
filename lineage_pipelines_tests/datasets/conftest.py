"""Fixtures of this room."""

from pathlib import Path

import pytest

from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines_tests.datasets.placing import FILES
from lineage_pipelines_tests.world import World


@pytest.fixture
def into(tmp_path: Path) -> Path:
    """The private folder; not there yet."""
    return tmp_path / "private" / "input"


@pytest.fixture
def project(world: World) -> DvcProject:
    """A project that tracks a file and a folder."""
    world.write("one.csv", "a,b\n1,2\n")
    for name, text in FILES.items():
        world.write(f"data/raw/{name}", text)
    world.track("one.csv", "data/raw")
    world.commit()
    return DvcProject(world.root)
