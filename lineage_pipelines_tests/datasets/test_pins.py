"""Data that `dvc gc` cannot take: pinned beside the cache, and on the remote."""

import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import md5
from pathlib import Path

import pytest

from lineage_pipelines.datasets.content.cache_layout import object_place, pins_folder
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.data_state import NamedData, StoredState
from lineage_pipelines.datasets.workspace.object_search import check_stored, provision
from lineage_pipelines.datasets.workspace.pins import Pinned, Pinning, Pushed
from lineage_pipelines.errors import DatasetError
from lineage_pipelines_tests.datasets.sandboxes import forget_data, named, overwrite, state_of
from lineage_pipelines_tests.world import World

Wanted = list[NamedData]


@pytest.fixture
def wanted(world: World) -> Wanted:
    """A file and a folder, both overwritten since they were recorded."""
    world.write("data/table.csv", "a,b\n1,2\n")
    for month in ("01", "02"):
        world.write(f"data/raw/{month}.csv", f"month {month}\n")
    world.track("data/table.csv", "data/raw")
    world.commit()
    found = [named(world, "data/table.csv"), named(world, "data/raw")]
    world.write("data/table.csv", "a,b\n3,4\n")
    world.write("data/raw/01.csv", "month 1\n")
    world.track("data/table.csv", "data/raw")
    world.commit()
    return found


def pin(world: World, wanted: Wanted, *, dry_run: bool = False) -> Pinned:
    return Pinning(DvcProject(world.root), folders={}, dry_run=dry_run).pin(wanted)


def push(world: World, wanted: Wanted, *, dry_run: bool = False) -> Pushed | None:
    pinning = Pinning(DvcProject(world.root), folders={}, dry_run=dry_run)
    pinning.pin(wanted)
    return pinning.push()


def remote_of(world: World, tmp_path: Path) -> Path:
    remote = tmp_path / "remote"
    remote.mkdir()
    world.configure(f"[core]\n    remote = store\n['remote \"store\"']\n    url = {remote}\n")
    return remote


def test_dvc_gc_takes_nothing_that_is_pinned(world: World, wanted: Wanted, tmp_path: Path) -> None:
    done = pin(world, wanted)
    assert {one.state for one in done.states} == {StoredState.EQUAL}
    assert (done.objects, done.added, done.replaced, done.copied) == (4, 4, (), 0)
    world.dvc("gc", "-w", "-f")
    assert not world.cached(wanted[0].md5).exists(), "it did remove what the workspace does not name"
    found = check_stored(DvcProject(world.root), wanted, folders={})
    assert [one.state for one in found] == [StoredState.EQUAL] * 2
    found = provision(DvcProject(world.root), wanted, tmp_path / "cache")
    assert [one.state for one in found] == [StoredState.EQUAL] * 2
    again = pin(world, wanted)
    assert (again.objects, again.added) == (4, 0)


def test_neither_git_nor_dvc_sees_the_pins(world: World, wanted: Wanted) -> None:
    before = world.git("status", "--porcelain", "--ignored"), world.dvc("status"), world.dvc("data", "status")
    pin(world, wanted)
    assert world.git("status", "--porcelain") == ""
    world.git("add", "-A")
    assert world.git("diff", "--cached", "--name-only") == ""
    assert (world.dvc("status"), world.dvc("data", "status")) == before[1:]
    assert "Repo: dvc, git" in world.dvc("doctor")
    world.git("clean", "-fdq")
    assert (pins_folder(world.root) / "files").is_dir(), "git clean leaves it, as it leaves the cache"


def test_a_pin_takes_no_space(world: World, wanted: Wanted) -> None:
    pin(world, wanted)
    cached, pinned = world.cached(wanted[0].md5), object_place(pins_folder(world.root), wanted[0].md5)
    assert cached.stat().st_ino == pinned.stat().st_ino
    assert pinned.stat().st_mode & 0o777 == 0o444


def test_where_no_link_can_be_made_it_is_a_copy(world: World, wanted: Wanted, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refuse)  # what the kernel says of two file systems
    done = pin(world, wanted)
    assert (done.added, done.copied) == (4, 4)
    pinned = object_place(pins_folder(world.root), wanted[0].md5)
    assert pinned.read_bytes() == b"a,b\n1,2\n"
    assert pinned.stat().st_ino != world.cached(wanted[0].md5).stat().st_ino


def test_a_dry_run_changes_nothing(world: World, wanted: Wanted, tmp_path: Path) -> None:
    remote = remote_of(world, tmp_path)
    DvcProject(world.root).graph()
    before = state_of(world.root)
    done = pin(world, wanted, dry_run=True)
    assert (done.objects, done.added, done.size) == (4, 4, done.added_size)
    assert state_of(world.root) == before
    sent = push(world, wanted, dry_run=True)
    assert sent
    assert len(sent.lacked) == len(sent.lacks) == 4
    assert list(remote.iterdir()) == []


def test_what_is_missing_is_named_and_the_rest_is_pinned(world: World, wanted: Wanted) -> None:
    world.cached(wanted[0].md5).unlink()
    table, raw = pin(world, wanted).states
    assert (table.state, raw.state) == (StoredState.ABSENT, StoredState.EQUAL)
    assert wanted[0].md5 in table.detail


def test_what_the_cache_lacks_is_copied_from_the_workspace(world: World, wanted: Wanted) -> None:
    now = named(world, "data/table.csv")
    world.cached(now.md5).unlink()
    done = pin(world, [*wanted, now])
    assert {one.state for one in done.states} == {StoredState.EQUAL}
    assert object_place(pins_folder(world.root), now.md5).read_bytes() == b"a,b\n3,4\n"
    assert world.path("data/table.csv").stat().st_nlink == 1, "the workspace is written to; a link would follow"


def test_an_altered_pin_is_named_and_replaced(world: World, wanted: Wanted, tmp_path: Path) -> None:
    remote_of(world, tmp_path)
    push(world, wanted)
    pinned = object_place(pins_folder(world.root), wanted[0].md5)
    pinned.unlink()
    pinned.write_bytes(b"other bytes")  # the pin alone
    done = pin(world, wanted)
    assert (done.added, done.replaced) == (0, (wanted[0].md5,))
    assert pinned.stat().st_ino == world.cached(wanted[0].md5).stat().st_ino
    overwrite(pinned, b"a,b\n9,9\n")  # both at once
    done = pin(world, wanted)
    assert done.replaced == (wanted[0].md5,), "from the remote"
    assert pinned.read_bytes() == b"a,b\n1,2\n"
    assert check_stored(DvcProject(world.root), wanted, folders={})[0].state is StoredState.ALTERED, "DVC has it still"


def test_an_altered_object_is_never_pinned(world: World, wanted: Wanted) -> None:
    overwrite(world.cached(wanted[0].md5), b"a,b\n9,9\n")
    done = pin(world, wanted)
    assert done.states[0].state is StoredState.ALTERED
    assert not object_place(pins_folder(world.root), wanted[0].md5).exists()


def test_the_remote_gets_what_it_lacks(world: World, wanted: Wanted, tmp_path: Path) -> None:
    remote = remote_of(world, tmp_path)
    sent = push(world, wanted)
    assert sent
    assert (sent.remote, sent.objects, len(sent.lacked), sent.lacks) == ("store", 4, 4, ())
    assert {path.stat().st_nlink for path in remote.rglob("*") if path.is_file()} == {1}, "a copy, no link"
    again = push(world, wanted)
    assert again
    assert again.lacked == ()
    shutil.rmtree(world.path(".dvc/cache"))
    shutil.rmtree(pins_folder(world.root))
    forget_data(world)
    found = provision(DvcProject(world.root), wanted, tmp_path / "cache")
    assert [one.state for one in found] == [StoredState.EQUAL] * 2


def test_a_remote_that_has_the_listing_alone_is_mended(world: World, wanted: Wanted, tmp_path: Path) -> None:
    remote = remote_of(world, tmp_path)
    push(world, wanted)
    child = object_place(remote, md5(b"month 02\n").hexdigest())
    child.unlink()
    sent = push(world, wanted)
    assert sent
    assert sent.lacked == (md5(b"month 02\n").hexdigest(),)
    assert child.read_bytes() == b"month 02\n"


def test_what_dvc_may_not_push_is_pinned_only(world: World, wanted: Wanted, tmp_path: Path) -> None:
    remote = remote_of(world, tmp_path)
    path = world.path("data/table.csv.dvc")
    path.write_text(path.read_text().replace("path: table.csv", "path: table.csv\n  push: false"))
    sent = push(world, wanted)
    assert sent
    assert sent.withheld == ("data/table.csv",)
    assert not object_place(remote, wanted[0].md5).exists()
    assert object_place(remote, wanted[1].md5).exists()
    assert object_place(pins_folder(world.root), wanted[0].md5).exists()


def test_without_a_remote_nothing_is_pushed(world: World, wanted: Wanted) -> None:
    assert push(world, wanted) is None


def test_a_remote_that_does_not_answer_lacks_everything(world: World, wanted: Wanted) -> None:
    world.configure("[core]\n    remote = far\n['remote \"far\"']\n    url = http://127.0.0.1:9/dvc\n")
    sent = push(world, wanted)
    assert sent
    assert len(sent.lacks) == 4


def test_a_remote_that_dvc_cannot_open_is_an_error(world: World, wanted: Wanted) -> None:
    world.configure("[core]\n    remote = far\n['remote \"far\"']\n    url = s3://bucket/without/its/driver\n")
    with pytest.raises(DatasetError, match="could not push"):
        push(world, wanted)
    assert object_place(pins_folder(world.root), wanted[0].md5).exists(), "pinned it is"


_PIN = """
import sys
from lineage_pipelines import DvcProject
from lineage_pipelines.datasets.workspace.data_state import NamedData
from lineage_pipelines.datasets.workspace.pins import Pinning
root, name = sys.argv[1:]
print("begun", flush=True)
Pinning(DvcProject(root), folders={}).pin([NamedData(path="data/many", md5=name)])
"""


def test_killed_in_the_middle_every_pin_is_whole(world: World) -> None:
    for number in range(200):
        world.write(f"data/many/{number}.csv", f"{number}\n" * 40)
    world.track("data/many")
    world.commit()
    many = named(world, "data/many")
    for pause in (0.0, 0.05, 0.1, 0.2, 0.3):
        with subprocess.Popen([sys.executable, "-c", _PIN, world.root, many.md5], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(pause)
            os.kill(child.pid, signal.SIGKILL)
        for path in pins_folder(world.root).glob("files/md5/??/*"):
            if not path.name.startswith("."):
                assert path.parent.name + path.name == md5(path.read_bytes()).hexdigest() + path.suffix
    done = pin(world, [many])
    assert (done.states[0].state, done.objects) == (StoredState.EQUAL, 201)
    assert list(pins_folder(world.root).rglob(".new-*")) == [], "what a killed process left is cleared away"
    assert world.git("status", "--porcelain") == ""
