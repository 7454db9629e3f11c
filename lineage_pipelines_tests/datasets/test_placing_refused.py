"""What is not the recorded bytes is refused, in words, and nothing of it is left."""

import hashlib
import json
import os
import random
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from lineage_pipelines.datasets.content.hashing import hash_file
from lineage_pipelines.datasets.pipeline.dvc_project import DvcProject
from lineage_pipelines.datasets.workspace.placement import discard, place
from lineage_pipelines_tests.datasets.placing import FILES, alter, cached, check_nothing_left, forget, refuse
from lineage_pipelines_tests.world import World

BYTES = random.Random(14)

pytestmark = pytest.mark.filterwarnings("ignore:_NoneStep.value:DeprecationWarning")  # pygtrie, used by DVC


def test_what_a_remote_altered_is_refused(world: World, project: DvcProject, into: Path, tmp_path: Path) -> None:
    world.push(tmp_path / "remote")
    forget(world, "one.csv")
    stored = cached(world, project, "one.csv")
    alter(tmp_path / "remote" / stored.relative_to(world.path(".dvc/cache")))
    stored.unlink()
    error = refuse(project, "one.csv", into)
    assert "an object of DVC's cache was altered" in error.what
    check_nothing_left(into)


def test_data_missing_everywhere_is_named(world: World, project: DvcProject, into: Path) -> None:
    forget(world, "one.csv", "data/raw")
    shutil.rmtree(world.path(".dvc/cache"))
    error = refuse(project, "one.csv", into)
    assert "'one.csv' is missing from the workspace, from DVC's cache and from its remote" in error.what
    assert f"one.csv (MD5 {hashlib.md5(b'a,b' + chr(10).encode() + b'1,2' + chr(10).encode()).hexdigest()})" in str(
        error
    )
    assert "dvc fetch one.csv" in error.fix
    assert "the listing of the directory" in refuse(project, "data/raw", into).what
    check_nothing_left(into)


def test_missing_children_are_listed(world: World, project: DvcProject, into: Path) -> None:
    forget(world, "data/raw")
    for text in (FILES["a.csv"], FILES["sub/ü.csv"]):
        world.cached(hashlib.md5(text.encode()).hexdigest()).unlink()
    error = refuse(project, "data/raw", into)
    for name in ("a.csv", "sub/ü.csv", "twin.csv"):
        assert f"{name} (MD5 " in error.what
    assert "c.csv" not in error.what
    check_nothing_left(into)


def test_many_missing_children_are_counted(world: World, into: Path) -> None:
    for number in range(15):
        world.write(f"many/{number:02}", str(number))
    world.track("many")
    forget(world, "many")
    for number in range(15):
        world.cached(hashlib.md5(str(number).encode()).hexdigest()).unlink()
    error = refuse(DvcProject(world.root), "many", into)
    assert error.what.count("(MD5 ") == 10
    assert "and 5 more" in error.what


def test_a_modified_workspace_is_refused(world: World, project: DvcProject, into: Path) -> None:
    world.path("one.csv").write_text("a,b\n1,3\n")
    error = refuse(project, "one.csv", into)
    assert "'one.csv' is not what one.csv.dvc records" in error.what
    assert str(project.recorded("one.csv").content.md5) in error.what
    assert hash_file(world.path("one.csv")).md5 in error.what
    assert "dvc add one.csv" in error.fix
    assert "dvc checkout one.csv" in error.fix
    world.write("data/raw/new.csv", "")
    assert "dvc add data/raw" in refuse(project, "data/raw", into).fix
    assert place(project, "data/raw/a.csv", into).content.size == 4  # that part is what it was
    discard(into)


def test_an_edit_that_dvc_does_not_see_is_refused(world: World, project: DvcProject, into: Path) -> None:
    path = world.path("one.csv")
    before = path.stat()
    path.write_text("a,b\n9,9\n")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert "is not what one.csv.dvc records" in refuse(project, "one.csv", into).what


@pytest.mark.parametrize("workspace", [True, False])
def test_an_altered_cache_object_is_refused(world: World, project: DvcProject, into: Path, workspace: bool) -> None:
    stored = cached(world, project, "one.csv")
    alter(stored, b"a,b\n1,3\n")
    if not workspace:
        forget(world, "one.csv")
    error = refuse(project, "one.csv", into)
    assert error.where == str(stored)
    assert str(project.recorded("one.csv").content.md5) in error.what
    assert hashlib.md5(b"a,b\n1,3\n").hexdigest() in error.what
    assert stored.read_bytes() == b"a,b\n1,3\n"  # evidence is not removed
    check_nothing_left(into)


def test_an_altered_child_is_refused_and_nothing_is_left(world: World, project: DvcProject, into: Path) -> None:
    stored = world.cached(hashlib.md5(b"x\n2\n").hexdigest())
    alter(stored)
    into.mkdir(parents=True)
    (into / "mine").write_text("")
    assert refuse(project, "data/raw", into).where == str(stored)
    assert [path.name for path in into.iterdir()] == ["mine"]


def test_an_altered_listing_is_refused(world: World, project: DvcProject, into: Path) -> None:
    stored = cached(world, project, "data/raw")
    alter(stored, json.dumps(json.loads(stored.read_bytes())[1:]).encode())
    error = refuse(project, "data/raw", into)
    assert "the directory listing was altered" in error.what
    assert error.where == str(stored)
    check_nothing_left(into)


@pytest.mark.parametrize("relpath", ["../../evil", "/evil", "a/../../evil", "", "a\\b", "a//b", "nul\0"])
def test_a_listing_that_leads_outside_is_refused(
    world: World, project: DvcProject, into: Path, tmp_path: Path, relpath: str
) -> None:
    old = project.recorded("data/raw").content.md5 or ""
    listing = json.dumps([{"md5": hashlib.md5(b"x\n1\n").hexdigest(), "relpath": relpath}]).encode()
    new = f"{hashlib.md5(listing).hexdigest()}.dir"
    world.cached(new).parent.mkdir(exist_ok=True)
    world.cached(new).write_bytes(listing)
    world.write("data/raw.dvc", world.path("data/raw.dvc").read_text().replace(old, new))
    forget(world, "data/raw")
    assert "unsafe path" in refuse(project, "data/raw", into).what
    assert not list(tmp_path.rglob("evil"))
    check_nothing_left(into)


def test_what_nothing_tracks_is_refused(world: World, project: DvcProject, into: Path) -> None:
    world.write("loose.csv", "")
    assert "DVC does not track 'loose.csv'" in refuse(project, "loose.csv", into).what
    check_nothing_left(into)


def test_a_stage_output_that_never_ran_is_refused(world: World, into: Path) -> None:
    world.write("dvc.yaml", "stages:\n  make:\n    cmd: echo 1 > out.txt\n    outs: [out.txt]\n")
    error = refuse(DvcProject(world.root), "out.txt", into)
    assert "nothing is recorded about 'out.txt' yet" in error.what
    assert "dvc repro make" in error.fix


def test_an_existing_name_is_not_overwritten(project: DvcProject, into: Path) -> None:
    for path in ("one.csv", "data/raw"):
        place(project, path, into)
        error = refuse(project, path, into)
        assert "EEXIST" in error.what
    assert (into / "one.csv").read_text() == "a,b\n1,2\n"
    assert (into / "raw" / "a.csv").exists()


@pytest.fixture
def small_files(world: World) -> Iterator[None]:
    """Let this process write no file larger than a megabyte."""
    world.path("large.bin").write_bytes(bytes(3 << 20))
    world.write("large/a.csv", "a\n")
    shutil.copy(world.path("large.bin"), world.path("large/b.bin"))
    world.track("large.bin", "large")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


@pytest.mark.usefixtures("small_files")
@pytest.mark.parametrize("path", ["large.bin", "large"])
def test_a_file_that_cannot_be_written_leaves_nothing(world: World, into: Path, path: str) -> None:
    error = refuse(DvcProject(world.root), path, into)
    assert "cannot place the data: EFBIG (File too large)" in error.what
    assert "it needs 3,145,7" in error.what
    assert "free space there" in error.fix
    check_nothing_left(into)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of half a megabyte."""
    path = tmp_path / "disk"
    path.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "none", str(path)]
    if os.getuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("needs the right to mount a disk")
    yield path
    subprocess.run(["umount", str(path)], check=True)


def test_a_full_disk_is_told_with_what_is_needed(world: World, disk: Path) -> None:
    world.path("large.bin").write_bytes(BYTES.randbytes(1 << 20))
    world.track("large.bin")
    error = refuse(DvcProject(world.root), "large.bin", disk / "input")
    assert "cannot place the data: ENOSPC (No space left on device); it needs 1,048,576 bytes" in error.what
    assert "TMPDIR" in error.fix
    assert list(disk.iterdir()) == []


def test_a_read_only_disk_is_told(project: DvcProject, disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", str(disk)], check=True)
    error = refuse(project, "one.csv", disk / "input")
    assert "cannot place the data: EROFS (Read-only file system)" in error.what
    assert "a folder that this user may write to" in error.fix


def test_a_place_that_cannot_be_is_told(project: DvcProject, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert "ENOTDIR" in refuse(project, "one.csv", tmp_path / "file" / "input").what


def test_an_interrupt_leaves_nothing(project: DvcProject, into: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_handle: int, _mode: int) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fchmod", interrupted)
    for path in ("one.csv", "data/raw"):
        with pytest.raises(KeyboardInterrupt):
            place(project, path, into)
        check_nothing_left(into)
