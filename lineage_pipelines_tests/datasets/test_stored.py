"""Recorded data looked for again: in DVC's cache, the workspace and the default remote, by its bytes."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from hashlib import md5
from pathlib import Path

import pytest

from lineage_pipelines.datasets.content.snapshots import SnapshotCache
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.data_state import NamedData, StoredData, StoredState
from lineage_pipelines.datasets.workspace.object_search import check_stored
from lineage_pipelines_tests.world import World


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A file and a folder that DVC tracks."""
    world = World(tmp_path / "project")
    world.write("data/table.csv", "a,b\n1,2\n")
    for month in ("01", "02"):
        world.write(f"data/raw/2013/{month}.csv", f"month {month}\n")
    world.write("data/raw/readme.txt", "raw\n")
    world.track("data/table.csv", "data/raw")
    world.commit()
    return world


def named(world: World, path: str) -> NamedData:
    digest = SnapshotCache(world.root).snapshot(world.path(path)).digest
    return NamedData(path=path, md5=digest.md5 or "", sha256=digest.sha256)


def check(world: World, *wanted: NamedData, folders: Mapping[str, set[str]] | None = None) -> list[StoredData]:
    return check_stored(DvcProject(world.root), wanted, folders=folders or {})


def overwrite(path: Path, data: bytes) -> None:
    path.chmod(0o644)
    path.write_bytes(data)


def remove_workspace(world: World) -> None:
    shutil.rmtree(world.path("data"))


def test_what_is_in_the_cache_is_equal(world: World) -> None:
    wanted = [named(world, "data/table.csv"), named(world, "data/raw")]
    remove_workspace(world)
    told: list[int] = []
    found = check_stored(DvcProject(world.root), wanted, folders={}, progress=told.append)
    assert [(one.state, one.size) for one in found] == [(StoredState.EQUAL, 8), (StoredState.EQUAL, 22)]
    assert sorted(told) == [1, 2, 3, 4], "each file is read once"


def test_an_altered_object_is_named_though_dvc_is_content(world: World) -> None:
    table, raw = named(world, "data/table.csv"), named(world, "data/raw")
    path = world.cached(table.md5)
    overwrite(path, b"a,b\n1,3\n")
    path.chmod(0o444)
    altered, equal = check(world, table, raw)
    assert altered.state is StoredState.ALTERED
    assert table.md5 in altered.detail
    assert md5(b"a,b\n1,3\n").hexdigest() in altered.detail
    assert str(path) in altered.detail
    assert equal.state is StoredState.EQUAL


def test_an_altered_child_is_named_by_its_path(world: World) -> None:
    raw = named(world, "data/raw")
    child = world.cached(md5(b"month 02\n").hexdigest())
    overwrite(child, b"month 03\n")
    (found,) = check(world, raw)
    assert found.state is StoredState.ALTERED
    assert found.detail.startswith("2013/02.csv: ")


@pytest.mark.parametrize("data", [b"[]", b"garbage", b""])
def test_an_altered_listing_is_told(world: World, data: bytes) -> None:
    raw = named(world, "data/raw")
    overwrite(world.cached(raw.md5), data)
    (found,) = check(world, raw)
    assert found.state is StoredState.ALTERED
    assert "listing was altered" in found.detail


@pytest.mark.parametrize("relpath", ["../../escape", "/etc/passwd", "a/../b", "a\\b", ""])
def test_a_hostile_listing_is_refused(world: World, relpath: str) -> None:
    data = json.dumps([{"md5": md5(b"x").hexdigest(), "relpath": relpath}]).encode()
    name = md5(data).hexdigest()
    path = world.cached(f"{name}.dir")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    (found,) = check(world, NamedData(path="data/raw", md5=f"{name}.dir"))
    assert found.state is StoredState.ALTERED
    assert "unsafe path" in found.detail


def test_the_md5_alone_is_not_believed(world: World) -> None:
    table, raw = named(world, "data/table.csv"), named(world, "data/raw")
    lies = [NamedData(path=one.path, md5=one.md5, sha256="0" * 64) for one in (table, raw)]
    for found in check(world, *lies):
        assert found.state is StoredState.ALTERED
        assert "SHA-256 is not" in found.detail


def test_what_the_cache_lacks_may_be_in_the_workspace(world: World) -> None:
    wanted = [named(world, "data/table.csv"), named(world, "data/raw")]
    shutil.rmtree(world.path(".dvc/cache"))
    assert [one.state for one in check(world, *wanted)] == [StoredState.EQUAL] * 2
    world.append("data/table.csv", "3,4\n")
    world.append("data/raw/readme.txt", "more\n")
    absent = check(world, *wanted)
    assert [one.state for one in absent] == [StoredState.ABSENT] * 2
    assert all("no remote" in one.detail for one in absent)


def test_what_is_gone_here_may_be_on_the_remote(world: World, tmp_path: Path) -> None:
    wanted = [named(world, "data/table.csv"), named(world, "data/raw")]
    remote = tmp_path / "remote"
    remote.mkdir()
    world.push(remote)
    shutil.rmtree(world.path(".dvc/cache"))
    remove_workspace(world)
    assert [one.state for one in check(world, *wanted)] == [StoredState.EQUAL] * 2
    for path in remote.rglob("*"):
        if path.is_file() and path.read_bytes() == b"month 01\n":
            overwrite(path, b"month 09\n")
    equal, altered = check(world, *wanted)
    assert (equal.state, altered.state) == (StoredState.EQUAL, StoredState.ALTERED)
    assert "the remote's copy was altered" in altered.detail
    shutil.rmtree(remote)
    remote.mkdir()
    for found in check(world, *wanted):
        assert found.state is StoredState.ABSENT
        assert "`dvc push`" in found.detail


def test_a_remote_that_cannot_be_read_from_here_is_told(world: World) -> None:
    table = named(world, "data/table.csv")
    shutil.rmtree(world.path(".dvc/cache"))
    remove_workspace(world)
    world.configure("[core]\n    remote = far\n['remote \"far\"']\n    url = /nowhere/at/all\n")
    (found,) = check(world, table)
    assert found.state is StoredState.ABSENT
    assert "`dvc fetch" in found.detail


def test_a_part_of_a_folder_is_found_through_the_whole(world: World) -> None:
    part, whole = named(world, "data/raw/2013"), named(world, "data/raw")
    file = named(world, "data/raw/2013/01.csv")
    remove_workspace(world)
    found = check(world, part, file, folders={"data/raw": {whole.md5}})
    assert [(one.state, one.size) for one in found] == [(StoredState.EQUAL, 18), (StoredState.EQUAL, 9)]
    assert check(world, part)[0].state is StoredState.ABSENT


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "data/../../x", "data\0x"])
def test_a_path_that_leads_out_is_not_followed(world: World, path: str, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"secret")
    (found,) = check(world, NamedData(path=path, md5=md5(b"secret").hexdigest()))
    assert found.state is StoredState.ABSENT


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_file_is_told_and_does_not_hang(world: World, make: Callable[[Path], object]) -> None:
    table = named(world, "data/table.csv")
    path = world.cached(table.md5)
    path.unlink()
    make(path)
    (found,) = check(world, table)
    assert found.state is StoredState.ALTERED
    assert str(path) in found.detail
