"""Whether the workspace holds what DVC recorded, told cheaply and without a change to anything."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lineage_pipelines.datasets.content.hashing import hash_file
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.workspace_status import WorkspaceState, observe
from lineage_pipelines.errors import DatasetError
from lineage_pipelines_tests.world import World

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # pygtrie, used by DVC


@pytest.fixture
def project(world: World) -> DvcProject:
    """A project that tracks a file and a folder."""
    world.write("one.csv", "a,b\n1,2\n")
    world.write("data/raw/a.csv", "x\n")
    world.write("data/raw/b.csv", "y\n")
    world.track("one.csv", "data/raw")
    return DvcProject(world.root)


@pytest.mark.parametrize("asked", ["one.csv", "one.csv.dvc"])
def test_a_file_as_it_is_recorded_is_ok(world: World, project: DvcProject, asked: str) -> None:
    found = observe(project, asked)
    assert found.state is WorkspaceState.OK
    assert (found.path, found.metafile) == ("one.csv", "one.csv.dvc")
    assert found.content.md5 == found.actual == hash_file(world.path("one.csv")).md5
    assert (found.content.size, found.content.files) == (8, None)


def test_a_folder_as_it_is_recorded_is_ok(project: DvcProject) -> None:
    found = observe(project, "data/raw.dvc")
    assert found.state is WorkspaceState.OK
    assert (found.content.size, found.content.files) == (4, 2)


def test_an_edit_is_seen(world: World, project: DvcProject) -> None:
    recorded = observe(project, "data/raw").content.md5
    world.write("data/raw/c.csv", "z\n")
    found = observe(project, "data/raw")
    assert found.state is WorkspaceState.MODIFIED
    assert found.content.md5 == recorded
    assert found.actual not in {recorded, None}
    world.track("data/raw")
    again = observe(project, "data/raw")
    assert again.state is WorkspaceState.OK
    assert again.content.md5 == found.actual


def test_missing_data_is_told(world: World, project: DvcProject) -> None:
    shutil.rmtree(world.path("data/raw"))
    found = observe(project, "data/raw")
    assert (found.state, found.actual) == (WorkspaceState.MISSING, None)


@pytest.mark.parametrize("path", ["one.csv", "data/raw", "data/raw/a.csv"])
def test_data_that_the_cache_has_no_copy_of_is_told(world: World, project: DvcProject, path: str) -> None:
    world.cached(hash_file(world.path("one.csv")).md5).unlink()
    world.cached(hash_file(world.path("data/raw/a.csv")).md5).unlink()
    assert observe(project, path).state is WorkspaceState.NOT_IN_CACHE


def test_the_output_of_a_stage_can_be_observed(world: World) -> None:
    world.write("dvc.yaml", "stages:\n  make:\n    cmd: echo 1 > out.txt\n    outs: [out.txt]\n")
    world.repro()
    found = observe(DvcProject(world.root), "out.txt")
    assert (found.state, found.metafile) == (WorkspaceState.OK, "dvc.lock")


def test_a_file_that_tracks_several_paths_is_asked_one_by_one(world: World, project: DvcProject) -> None:
    text = world.path("one.csv.dvc").read_text() + world.path("data/raw.dvc").read_text().removeprefix("outs:\n")
    world.write("both.dvc", text.replace("path: raw", "path: data/raw"))
    world.path("one.csv.dvc").unlink()
    world.path("data/raw.dvc").unlink()
    with pytest.raises(DatasetError, match=r"tracks 2 paths: 'one\.csv', 'data/raw'"):
        observe(project, "both.dvc")
    assert observe(project, "data/raw").state is WorkspaceState.OK


def test_what_nothing_tracks_is_refused(project: DvcProject) -> None:
    with pytest.raises(DatasetError, match="DVC does not track"):
        observe(project, "nothing.dvc")


def test_a_link_that_leads_nowhere_is_missing(world: World, project: DvcProject) -> None:
    world.path("one.csv").unlink()
    world.path("one.csv").symlink_to(".dvc/cache/gone")
    assert observe(project, "one.csv").state is WorkspaceState.MISSING


def test_observing_again_imports_no_dvc_and_touches_nothing(project: DvcProject) -> None:
    observe(project, "data/raw")
    before = {path: path.stat().st_mtime_ns for path in Path(project.root).rglob("*") if ".dvc/tmp" not in str(path)}
    code = (
        "import sys\n"
        "from lineage_pipelines.datasets.workspace.workspace_status import observe\n"
        "from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject\n"
        "found = observe(DvcProject(sys.argv[1]), 'data/raw')\n"
        "heavy = {'dvc', 'dvc_data', 'pandas', 'sqlalchemy', 'dagster'} & set(sys.modules)\n"
        "sys.exit(f'{found.state} {heavy}' if heavy or found.state != 'ok' else 0)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(project.root)], check=True)
    after = {path: path.stat().st_mtime_ns for path in Path(project.root).rglob("*") if ".dvc/tmp" not in str(path)}
    assert after == before
