"""A sandbox's cache: filled by digest, from wherever the bytes are, and nothing of the project touched."""

import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import md5
from pathlib import Path

import pytest

from lineage_pipelines.datasets.content.cache_layout import object_place
from lineage_pipelines.datasets.content.hashing import MD5_UNIX
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.data_state import NamedData, StoredData, StoredState
from lineage_pipelines.datasets.workspace.object_search import provision
from lineage_pipelines.datasets.workspace.recorded_checkout import use_cache, write_recorded
from lineage_pipelines.errors import DatasetError
from lineage_pipelines_tests.datasets.sandboxes import (
    clone,
    forget_data,
    named,
    overwrite,
    placed,
    snapshot,
    state_of,
)
from lineage_pipelines_tests.world import World

TABLE = b"a,b\n1,2\n"
RAW = {"2013/01.csv": b"month 01\n", "2013/02.csv": b"month 02\n", "readme.txt": b"raw\n"}


@pytest.fixture
def world(tmp_path: Path) -> World:
    """A file and a folder that DVC tracks."""
    world = World(tmp_path / "project")
    world.write("data/table.csv", TABLE.decode())
    for name, data in RAW.items():
        world.write(f"data/raw/{name}", data.decode())
    world.track("data/table.csv", "data/raw")
    world.commit()
    return world


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """The sandbox's cache; not there yet."""
    return tmp_path / "sandbox" / "cache"


def fill(world: World, cache: Path, *wanted: NamedData, folders: dict[str, set[str]] | None = None) -> list[StoredData]:
    return provision(DvcProject(world.root), wanted, cache, folders=folders or {})


def bytes_in(cache: Path) -> list[bytes]:
    return sorted(path.read_bytes() for path in cache.rglob("*") if path.is_file() and not path.name.endswith(".dir"))


def test_files_and_folders_come_as_links(world: World, cache: Path) -> None:
    wanted = [named(world, "data/table.csv"), named(world, "data/raw")]
    before = state_of(world.root)
    told: list[int] = []
    found = provision(DvcProject(world.root), wanted, cache, progress=told.append)
    assert [(one.state, one.size) for one in found] == [(StoredState.EQUAL, 8), (StoredState.EQUAL, 22)]
    assert bytes_in(cache) == sorted([TABLE, *RAW.values()])
    assert all(path.is_symlink() for path in cache.rglob("*") if path.is_file())
    assert sorted(told) == [1, 2, 3, 4]
    assert state_of(world.root) == before


def test_copies_share_nothing_that_can_be_written(world: World, cache: Path) -> None:
    wanted = [named(world, "data/table.csv"), named(world, "data/raw")]
    before = state_of(world.root)
    for _ in range(2):
        found = provision(DvcProject(world.root), wanted, cache, copies=True)
        assert {one.state for one in found} == {StoredState.EQUAL}
        files = [path for path in cache.rglob("*") if path.is_file()]
        assert (len(files), any(path.is_symlink() for path in files)) == (5, False)
    for path in cache.rglob("*"):
        if path.is_file():
            overwrite(path, b"written by the sandbox")
    assert state_of(world.root) == before
    assert {one.state for one in fill(world, cache, *wanted)} == {StoredState.EQUAL}, "and put right again"
    assert bytes_in(cache) == sorted([TABLE, *RAW.values()])


def test_a_sandbox_gets_the_recorded_bytes_whatever_became_of_the_workspace(
    world: World, cache: Path, tmp_path: Path
) -> None:
    wanted = [named(world, path) for path in ("data/table.csv", "data/raw", "data/raw/2013")]
    records = [snapshot(world, one.path) for one in wanted]
    world.append("data/table.csv", "3,4\n")
    world.append("data/raw/readme.txt", "more\n")
    world.track("data/table.csv", "data/raw")
    world.commit("Overwritten")
    before = state_of(world.root)
    found = fill(world, cache, *wanted, folders={"data/raw": {wanted[1].md5}})
    assert {one.state for one in found} == {StoredState.EQUAL}
    assert state_of(world.root) == before
    root = clone(world, tmp_path / "clone")  # of the newer commit
    use_cache(root, cache)
    assert write_recorded(root, [], records) == ()
    assert placed(root, "data/table.csv", tmp_path / "1") == {"": TABLE}
    assert placed(root, "data/raw", tmp_path / "2") == RAW
    assert placed(root, "data/raw/2013", tmp_path / "3") == {"01.csv": b"month 01\n", "02.csv": b"month 02\n"}


def test_what_the_cache_lacks_is_copied_from_the_workspace(world: World, cache: Path) -> None:
    wanted = [named(world, "data/table.csv"), named(world, "data/raw")]
    shutil.rmtree(world.path(".dvc/cache"))
    before = state_of(world.root)
    assert {one.state for one in fill(world, cache, *wanted)} == {StoredState.EQUAL}
    assert not any(path.is_symlink() for path in cache.rglob("*"))
    assert {path.stat().st_mode & 0o777 for path in cache.rglob("*") if path.is_file()} == {0o444}
    assert state_of(world.root) == before
    world.append("data/table.csv", "3,4\n")
    world.append("data/raw/readme.txt", "more\n")
    assert {one.state for one in fill(world, cache, *wanted)} == {StoredState.EQUAL}, "it is in the cache already"


def test_what_is_gone_here_is_copied_from_the_remote(world: World, cache: Path, tmp_path: Path) -> None:
    wanted = [named(world, "data/table.csv"), named(world, "data/raw")]
    remote = tmp_path / "remote"
    remote.mkdir()
    world.push(remote)
    shutil.rmtree(world.path(".dvc/cache"))
    forget_data(world)
    before = state_of(tmp_path / "project"), state_of(remote)
    assert {one.state for one in fill(world, cache, *wanted)} == {StoredState.EQUAL}
    assert bytes_in(cache) == sorted([TABLE, *RAW.values()])
    assert not any(path.name.startswith(".new-") for path in cache.rglob("*"))
    assert (state_of(tmp_path / "project"), state_of(remote)) == before


def test_what_is_gone_everywhere_is_named(world: World, cache: Path) -> None:
    table, raw = named(world, "data/table.csv"), named(world, "data/raw")
    forget_data(world)
    world.cached(table.md5).unlink()
    gone = md5(b"month 02\n").hexdigest()
    world.cached(gone).unlink()
    absent, folder = fill(world, cache, table, raw)
    assert (absent.state, folder.state) == (StoredState.ABSENT, StoredState.ABSENT)
    assert absent.detail.startswith(f"data/table.csv (MD5 {table.md5}): ")
    assert "restore it from a copy" in absent.detail
    assert folder.detail.startswith(f"data/raw (MD5 {raw.md5}): 2013/02.csv: MD5 {gone}")
    world.cached(raw.md5).unlink()
    (listing,) = fill(world, cache / "other", raw)
    assert listing.state is StoredState.ABSENT
    assert "the listing of the directory" in listing.detail


def test_an_altered_object_is_not_taken(world: World, cache: Path) -> None:
    table = named(world, "data/table.csv")
    path = world.cached(table.md5)
    overwrite(path, b"a,b\n1,3\n")
    (good,) = fill(world, cache / "1", table)
    assert good.state is StoredState.EQUAL, "the workspace has it"
    assert bytes_in(cache / "1") == [TABLE]
    forget_data(world)
    (bad,) = fill(world, cache / "2", table)
    assert bad.state is StoredState.ALTERED
    assert str(path) in bad.detail
    assert table.path in bad.detail
    assert bytes_in(cache / "2") == []


def test_an_altered_listing_is_not_taken(world: World, cache: Path) -> None:
    raw = named(world, "data/raw")
    overwrite(world.cached(raw.md5), b"[]")
    (good,) = fill(world, cache / "1", raw)
    assert good.state is StoredState.EQUAL, "the workspace has it"
    forget_data(world)
    (bad,) = fill(world, cache / "2", raw)
    assert bad.state is StoredState.ALTERED
    assert "listing was altered" in bad.detail


def test_the_sha256_of_the_record_decides(world: World, cache: Path) -> None:
    table = named(world, "data/table.csv")
    (found,) = fill(world, cache, NamedData(path=table.path, md5=table.md5, sha256="0" * 64))
    assert found.state is StoredState.ALTERED
    assert "SHA-256 is not" in found.detail


def test_data_as_dvc_2_named_it(world: World, cache: Path) -> None:
    data = b"a,b\r\n1,2\r\n"
    name = md5(data.replace(b"\r\n", b"\n")).hexdigest()
    old = object_place(world.path(".dvc/cache"), name, MD5_UNIX)
    old.parent.mkdir()
    old.write_bytes(data)
    (found,) = fill(world, cache, NamedData(path="data/old.csv", md5=name, hash_name=MD5_UNIX))
    assert found.state is StoredState.EQUAL
    assert object_place(cache, name, MD5_UNIX).read_bytes() == data


def test_a_folder_that_cannot_be_written_is_told(world: World, tmp_path: Path) -> None:
    shutil.rmtree(world.path(".dvc/cache"))
    place = tmp_path / "sandbox"
    place.mkdir()
    (place / "files").write_text("in the way")
    with pytest.raises(DatasetError, match="cannot place the data"):
        fill(world, place, named(world, "data/table.csv"))


_FILL = """
import sys
from pathlib import Path
from lineage_pipelines import DvcProject
from lineage_pipelines.datasets.workspace.data_state import NamedData
from lineage_pipelines.datasets.workspace.object_search import provision
root, cache, *names = sys.argv[1:]
wanted = [NamedData(path="data/many", md5=name) for name in names]
print("begun", flush=True)
while True:
    provision(DvcProject(root), wanted, Path(cache))
    __import__("shutil").rmtree(cache)
"""


def test_killed_in_the_middle_it_leaves_the_project_as_it_is(world: World, cache: Path) -> None:
    for number in range(60):
        world.write(f"data/many/{number}.csv", f"{number}\n" * 40)
    world.track("data/many")
    world.commit()
    many = named(world, "data/many")
    world.cached(md5(b"3\n" * 40).hexdigest()).unlink()  # one is copied
    before = state_of(world.root)
    for pause in (0.0, 0.02, 0.05, 0.09):
        command = [sys.executable, "-c", _FILL, str(world.root), str(cache), many.md5]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(pause)
            os.kill(child.pid, signal.SIGKILL)
        assert state_of(world.root) == before
        (found,) = fill(world, cache, many)
        assert found.state is StoredState.EQUAL, "what was left is gone on with"
